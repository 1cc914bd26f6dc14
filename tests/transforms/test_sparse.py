"""Sparse Jacobians and Hessians: no entry missed, few colours, plans used again only where they hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import whence
from tests.ops.entries import array_of
from tests.ops.tables import EXAMPLES
from whence import Variable, hessian, jacobian
from whence.errors import DtypeError, GraphError, ShapeError
from whence.transforms.coloring import alone, color_adjacent, color_columns, color_symmetric

X = np.array([0.3, -0.7, 1.1, 0.4, 2.0, -1.3])
rng = np.random.default_rng(3)


def label(key):
    parts = key if isinstance(key, tuple) else (key,)
    return ".".join(part if isinstance(part, str) else part.__name__ for part in parts)


CASES = [
    pytest.param(example, id=f"{label(key)}-{i}")
    for key, examples in EXAMPLES.items()
    for i, example in enumerate(examples)
    if not example.constant
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("example", CASES)
def test_every_function_has_its_pattern(example):
    arrays = [array_of(spec, i, seed=i, kind="f") for i, spec in enumerate(example.specs)]
    numbers = tuple(range(len(arrays)))

    def f(*xs):
        y = example.f(*xs)
        return tuple(y) if isinstance(y, (tuple, list)) else y

    try:
        J = whence.sparse_jacobian(f, numbers)(*arrays)
    except DtypeError:
        results = f(*arrays)
        assert any(map(np.iscomplexobj, results if isinstance(results, tuple) else (results,)))
        return
    blocks = jacobian(f, numbers)(*arrays)
    rows = blocks if isinstance(blocks[0], tuple) else (blocks,)
    sizes = [a.size for a in arrays]
    start = 0
    for row in rows:
        for block, size, end in zip(row, sizes, np.cumsum(sizes), strict=True):
            count = block.size // size if size else 0
            found = J[start : start + count, end - size : end].toarray()
            np.testing.assert_allclose(found, block.reshape(count, size), rtol=1e-10, atol=1e-12)
        start += count


def written(x):
    x[1:3] = x[0] * x[2:4]
    return x


#: A function, and where it costs how many products.
FUNCTIONS = {
    "elementwise": (lambda x: np.tanh(x) * np.exp(-x) + x / 3, 1),
    "neighbours": (lambda x: x[1:] * x[:-1], 1),
    "differences": (lambda x: np.diff(x) ** 2, 1),
    "itself and copies": (lambda x: x**2 * x[[1, 1, 0, 5, 4, 4]] + x[::-1], 1),
    "sums": (lambda x: np.sum(np.reshape(x, (3, 2)) ** 2, axis=1), 1),
    "means": (lambda x: np.mean(np.reshape(x, (3, 2)) ** 2, axis=-1, keepdims=True), 1),
    "norms": (lambda x: np.linalg.norm(np.reshape(x, (3, 2)), axis=1), 1),
    "matmul": (lambda x: np.reshape(x, (2, 3)) @ np.ones((3, 2)), 2),
    "batches": (lambda x: np.reshape(x, (3, 2, 1)) @ np.ones((3, 1, 1)), 1),
    "einsum": (lambda x: np.einsum("ij,ik->i", np.reshape(x, (3, 2)), np.ones((3, 4))), 1),
    "diagonal": (lambda x: np.einsum("ii->i", np.reshape(x[:4], (2, 2))) ** 2, 1),
    "joined": (lambda x: np.concatenate([x[::2], x[:2] * x[1], 3 * x[-1:]]), 2),
    "scattered": (lambda x: np.diag(x[:3]), 1),
    "gathered": (lambda x: x[[0, 0, 5]] * x[[1, 2, 3]], 1),
    "broadcast": (lambda x: x[:3, None] * x[3:], 2),
    "written": (lambda x: written(x * 1.0), 2),
    "padded": (lambda x: np.pad(x, 2)[1:-1] ** 2, 1),
    "parts": (lambda x: np.imag((x[:3] + 2j * x[3:]) * 3) - np.real(np.conj(x[:3] * 1j + x[3:])), 1),
    "transforms": (lambda x: np.fft.irfft(np.reshape(x, (3, 2)) * 1j + 1, axis=1), 2),
    "chosen": (lambda x: np.where(x > 0, np.sin(x), x[::-1]), 1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_patterns_are_exact_and_few_products_do(name):
    f, products = FUNCTIONS[name]
    J = whence.sparse_jacobian(f)
    M = J(X)
    assert isinstance(M, csr_array)
    assert J.colors.max() + 1 == products
    dense = np.reshape(jacobian(f)(X), M.shape)
    np.testing.assert_allclose(M.toarray(), dense, rtol=1e-12)
    if name not in ("chosen", "parts", "transforms"):  # a few entries more, for other values
        assert np.array_equal(J.pattern.toarray(), dense != 0)


def test_plans_are_used_again_only_for_the_same_graph():
    def f(x, order):
        return x[order] ** 2 if x[0].data > 0 else x[::-1] * x[0]

    J = whence.sparse_jacobian(f)
    for x in (X, -X, X[:4], -2 * X):
        for order in ([1, 2, 3], [3, 0, 0]):
            expected = jacobian(f)(x, order)
            np.testing.assert_allclose(J(x, order).toarray(), expected)
            first = J.pattern
            J(1.5 * x, order)
            assert J.pattern is first


def test_containers_values_and_constants():
    def f(p, c):
        return {"a": p["u"] * c, "b": [p["v"] ** 2, np.sum(p["u"]) * p["v"]]}

    p = {"u": X[:3], "v": 2.0}
    J = whence.sparse_jacobian(f)
    value, M = J.with_value(p, 3.0)
    np.testing.assert_allclose(value["a"], 3 * X[:3])
    assert type(value["a"]) is np.ndarray
    expected = np.zeros((5, 4))
    expected[:3, :3] = 3 * np.eye(3)
    expected[3, 3] = 4.0
    expected[4] = [2, 2, 2, np.sum(X[:3])]
    np.testing.assert_allclose(M.toarray(), expected)
    both = whence.sparse_jacobian(f, (0, 1))(p, 3.0)
    np.testing.assert_allclose(both.toarray()[:, 4], [*X[:3], 0, 0])


def test_float32_is_kept():
    assert whence.sparse_jacobian(np.square)(X.astype(np.float32)).dtype == np.float32


def test_what_cannot_be_sparse_is_refused():
    with pytest.raises(DtypeError, match="the real and the imaginary part"):
        whence.sparse_jacobian(np.square)(X + 1j)
    v = Variable(X)
    with pytest.raises(GraphError, match="holds plain numbers"):
        whence.sparse_jacobian(lambda x: x * v)(X)
    with pytest.raises(GraphError, match="holds plain numbers"):
        whence.grad(lambda x: whence.sparse_jacobian(np.square)(x).sum())(X)
    with pytest.raises(ShapeError, match="one number"):
        whence.sparse_hessian(np.square)(X)
    with whence.no_grad():
        np.testing.assert_allclose(whence.sparse_jacobian(lambda x: x * v)(X).diagonal(), X)


def test_bundle_adjustment():
    cameras, points, n = 5, 40, 200
    at, of = rng.integers(0, cameras, n), rng.integers(0, points, n)

    def residuals(p):
        camera, x = p["cameras"][at], p["points"][of]
        turn, centre, focus = camera[:, :3], camera[:, 3:6], camera[:, 6:]
        angle = np.linalg.norm(turn, axis=1, keepdims=True)
        axis = turn / angle
        x = x - centre
        x = x * np.cos(angle) + axis * np.sum(axis * x, axis=1, keepdims=True) * (1 - np.cos(angle))
        return x[:, :2] / x[:, 2:] * focus

    p = {
        "cameras": rng.normal(size=(cameras, 7)),
        "points": rng.normal(size=(points, 3)) + np.array([0, 0, 9]),
    }
    J = whence.sparse_jacobian(residuals)
    M = J(p)
    dense = jacobian(residuals)(p)
    blocks = [np.reshape(dense[key], (2 * n, -1)) for key in ("cameras", "points")]
    np.testing.assert_allclose(M.toarray(), np.concatenate(blocks, axis=1), rtol=1e-9, atol=1e-12)
    assert not J.by_columns and J.colors.max() + 1 == 2  # every residual has a camera and a point of its own


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


SCALARS = {
    "chain": (rosenbrock, 3),
    "arrow": (lambda x: np.sum(np.exp(x[1:] * x[0])), 2),
    "separable": (lambda x: np.sum(np.cosh(x)), 1),
    "dense": (lambda x: np.exp(np.sum(x * x)), 6),
    "linear": (lambda x: np.sum(x), 1),
    "pairs": (lambda x: np.sum(np.prod(np.reshape(x, (3, 2)), axis=1) ** 2), 2),
}


@pytest.mark.parametrize("name", SCALARS)
def test_hessians(name):
    f, products = SCALARS[name]
    H = whence.sparse_hessian(f)
    np.testing.assert_allclose(H(X).toarray(), hessian(f)(X), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        H(X[::-1].copy()).toarray(), hessian(f)(X[::-1].copy()), rtol=1e-10, atol=1e-12
    )
    assert H.colors.max() + 1 == products
    np.testing.assert_allclose(whence.hessian_diagonal(f)(X), np.diag(hessian(f)(X)), rtol=1e-10, atol=1e-12)


def test_hessian_of_containers_with_its_value():
    def f(p):
        return np.sum(p["a"] ** 3) * p["b"]

    value, H = whence.sparse_hessian(f).with_value({"a": X, "b": 2.0})
    assert value == 2 * np.sum(X**3)
    expected = np.diag([*(12 * X), 0.0])
    expected[6, :6] = expected[:6, 6] = 3 * X**2
    np.testing.assert_allclose(H.toarray(), expected)


def test_hessian_diagonals():
    d = whence.hessian_diagonal(lambda p, t: np.sum(p["a"] ** 3) * p["b"] ** 2 + t)({"a": X, "b": 2.0}, 1.0)
    np.testing.assert_allclose(d["a"], 24 * X)
    np.testing.assert_allclose(d["b"], 2 * np.sum(X**3))
    np.testing.assert_allclose(
        whence.hessian_diagonal(rosenbrock, separable=True)(X), whence.hvp(rosenbrock)(X, np.ones(6))
    )

    def total(x):
        return np.sum(whence.hessian_diagonal(rosenbrock)(x))

    expected = whence.grad(lambda x: np.trace(hessian(rosenbrock)(x)))(X)
    np.testing.assert_allclose(whence.grad(total)(X), expected, rtol=1e-10)


@pytest.mark.parametrize("seed", range(8))
def test_colourings_of_random_patterns(seed):
    draw = np.random.default_rng(seed)
    n = 30
    pattern = csr_array(draw.uniform(size=(n, n)) < 0.02 * (1 + seed))
    colors = color_columns(pattern)
    assert alone(pattern, colors).all()
    both = csr_array(pattern + pattern.T)
    colors = color_adjacent(both)
    i, j = both.nonzero()
    assert all(colors[a] != colors[b] for a, b in zip(i, j, strict=True) if a != b)
    full = csr_array(both + csr_array(np.eye(n, dtype=bool)))
    full.sort_indices()
    values = full.astype(float)
    values.data = draw.normal(size=full.nnz)
    H = (values + values.T).toarray()
    colors = color_symmetric(full)
    compressed = np.stack([H @ (colors == c) for c in range(colors.max() + 1)])
    rows = np.repeat(np.arange(n), np.diff(full.indptr))
    read = np.where(
        alone(full, colors), compressed[colors[full.indices], rows], compressed[colors[rows], full.indices]
    )
    np.testing.assert_allclose(read, H[rows, full.indices], atol=1e-12)
    assert colors.max() <= color_columns(full).max() + 1
