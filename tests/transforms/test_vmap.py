"""vmap against a loop: axes, containers, nesting, other transforms, indices, plain functions, errors."""

import warnings

import numpy as np
import pytest

import whence
from whence import Function, Variable, grad, hessian, hvp, jacobian, jvp, vjp, vmap
from whence.core.primitive import PRIMITIVES
from whence.errors import (
    AxisError,
    BatchingError,
    BatchingWarning,
    DtypeError,
    GraphError,
    ShapeError,
)
from whence.tree import flatten

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 3))
W = rng.normal(size=(3, 3))
C = rng.normal(size=(5, 2, 3))
loops = pytest.mark.filterwarnings("ignore::whence.errors.BatchingWarning")


def loop(f, *batches):
    """What ``vmap(f)`` stands for."""
    rows = [flatten(f(*row)) for row in zip(*batches, strict=True)]
    columns = zip(*(leaves for leaves, _ in rows), strict=True)
    return rows[0][1].unflatten([np.stack([bare(x) for x in column]) for column in columns])


def bare(x):
    return x._data if isinstance(x, Variable) else x


def same(actual, expected):
    actual, structure = flatten(actual)
    expected, other = flatten(expected)
    assert structure == other
    for a, e in zip(actual, expected, strict=True):
        a, e = bare(a), np.asarray(bare(e))
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(a, e, rtol=1e-10, atol=1e-12)


def energy(x):
    return np.sum(np.sin(W @ x) * x**2)


def curve(x):
    return np.outer(x, np.exp(x))[:2]


# --- axes and containers -------------------------------------------------------------------------


@pytest.mark.parametrize("out_axis", [0, 1, -1, 2, -3])
@pytest.mark.parametrize("in_axis", [0, 1, 2, -1, -2])
def test_any_axis(in_axis, out_axis):
    x = rng.normal(size=(2, 3, 4))
    rows = np.moveaxis(x, in_axis, 0)
    expected = np.stack([np.outer(r[0], r[:, 0]) for r in rows], out_axis)
    same(vmap(lambda r: np.outer(r[0], r[:, 0]), in_axis, out_axis)(x), expected)


def test_containers_of_arguments_and_results():
    p = {"w": rng.normal(size=(2, 4)), "b": (rng.normal(size=4), 3.0)}

    def f(p, x, k=1.0):
        return {"y": p["w"] * k + p["b"][0] * x, "z": (p["b"][1], np.sum(p["w"]))}

    y = vmap(f, ({"w": 1, "b": [0, None]}, None), {"y": -1, "z": (None, 0)})(p, 2.0, k=5.0)
    np.testing.assert_allclose(y["y"], p["w"] * 5 + p["b"][0] * 2)
    assert y["z"][0] == 3.0
    np.testing.assert_allclose(y["z"][1], p["w"].sum(0))


def test_results_that_are_the_same_for_all_are_repeated():
    y, constant, nothing = vmap(lambda x: (x[0], np.arange(2), None))(X)
    np.testing.assert_array_equal(y, X[:, 0])
    np.testing.assert_array_equal(constant, [[0, 1]] * 4)
    assert nothing is None
    constant[0] = 7
    assert constant[1, 0] == 0


def test_results_share_no_memory_with_arguments():
    y = vmap(lambda x: x)(X)
    assert not np.shares_memory(y, X)
    assert y.flags.writeable


def test_types_are_kept():
    assert vmap(np.sin)(X.astype(np.float32)).dtype == np.float32
    assert vmap(lambda i: i + 1)(np.arange(3)).dtype == np.int64
    assert vmap(lambda i: i > 1)(np.arange(3)).dtype == bool
    same(vmap(lambda z: z * np.conj(z))(X + 1j), (X + 1j) * (X - 1j))


def test_an_empty_batch():
    assert vmap(lambda x: np.outer(x, np.sin(x)))(np.zeros((0, 3))).shape == (0, 3, 3)
    assert vmap(grad(energy))(np.zeros((0, 3))).shape == (0, 3)


# --- with other transforms -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        energy,
        grad(energy),
        jacobian(energy),
        hessian(energy),
        jacobian(curve),
        jacobian(curve, mode="forward"),
        jacobian(curve, mode="reverse", chunk_size=2),
        whence.value_and_grad(energy),
        lambda x: hvp(energy)(x, np.ones(3)),
        lambda x: hvp(energy)(x, x),
        lambda x: jvp(curve, (x,), (2 * x,)),
        lambda x: jvp(curve, (x,), (np.ones(3),)),
        lambda x: vjp(curve, x)[1](C[0]),
        lambda x: vjp(curve, x)[0],
        lambda x: vmap(vjp(curve, x)[1])(C),
        lambda x: vmap(lambda c: vjp(curve, x)[1](c * np.sum(x)))(C),
        lambda x: vmap(lambda t: jvp(curve, (x,), (t,))[1])(W),
        lambda x: grad(lambda w: np.sum(np.tanh(w @ x)))(W),
        lambda x: grad(lambda a, b: np.sum(a * b * x), (0, 1))(x, 2.0),
        lambda x: grad(lambda a: (np.sum(a * x), {"a": a, "x": x, "k": W}), has_aux=True)(x),
        lambda x: grad(lambda a: np.sum(grad(lambda b: np.sum(np.sin(b * a * x)))(a)))(x),
        lambda x: whence.linearize(curve, x)[1](x),
        lambda x: whence.ggnvp(curve, lambda r: np.sum(r**4))(x, x),
        lambda x: whence.fisher_vp(lambda a: W @ np.sin(a))(x, x),
        lambda x: whence.deriv(lambda a: a * np.sin(a))(x),
        lambda x: whence.elementwise_grad(lambda a: a * np.sin(a))(x),
        lambda x: grad(lambda a: np.sum(a * whence.stop_gradient(a)))(x),
        whence.checkpoint(energy),
        grad(whence.checkpoint(energy)),
        jacobian(whence.checkpoint(curve)),
    ],
)
def test_transforms_inside(f):
    same(vmap(f)(X), loop(f, X))


def test_products_of_one_graph_with_many_vectors():
    x = X[0]
    _, pull = vjp(curve, x)
    same(vmap(pull)(C), loop(pull, C))
    _, push = whence.linearize(curve, x)
    same(vmap(push)(W), loop(push, W))
    same(vmap(lambda v: hvp(energy)(x, v))(np.eye(3)), hessian(energy)(x))


def outside(w):
    return np.sum(vmap(grad(lambda x: np.sum(np.tanh(w @ x))))(X) ** 2)


def outside_looped(w):
    return sum(np.sum(grad(lambda x: np.sum(np.tanh(w @ x)))(x) ** 2) for x in X)


@pytest.mark.parametrize("transform", [grad, hessian, lambda f: jvp(f, (W,), (W,)), lambda f: f])
def test_transforms_outside(transform):
    ours, looped = transform(outside), transform(outside_looped)
    same(*((ours(W), looped(W)) if callable(ours) else (ours, looped)))


def test_backward_through_vmap():
    v, x = Variable(W), Variable(X)
    y = vmap(lambda x: np.sum(np.sin(v @ x)))(x)
    assert isinstance(y, Variable)
    np.sum(y).backward()
    same(v.grad, grad(lambda w: sum(np.sum(np.sin(w @ x)) for x in X))(W))
    same(x.grad, loop(grad(lambda x: np.sum(np.sin(W @ x))), X))


def test_nested_batches():
    a, b = rng.normal(size=3), rng.normal(size=4)
    table = vmap(vmap(lambda x, y: x * np.sin(y), (0, None)), (None, 0))(a, b)
    same(table, np.sin(b)[:, None] * a)

    def f(x, y):
        return grad(lambda z: np.sum(z * x) * np.sum(np.sin(y * z)))(x)

    same(
        vmap(lambda x: vmap(lambda y: f(x, y))(X))(X),
        np.array([[f(x, y) for y in X] for x in X]),
    )
    same(
        vmap(lambda x: vmap(lambda y: jacobian(curve)(x * y))(X))(X),
        np.array([[jacobian(curve)(x * y) for y in X] for x in X]),
    )


@loops
def test_solvers_are_called_for_each_example():
    @whence.fixed_point_of(lambda x, a: (x + a / x) / 2)
    def square_root(a, steps=60):
        x = float(a)  # plain numbers, as solvers like them
        for _ in range(steps):
            x = (x + a / x) / 2
        return x

    a = np.array([1.0, 2.0, 3.0])
    same(vmap(square_root)(a), np.sqrt(a))
    same(vmap(grad(square_root))(a), 0.5 / np.sqrt(a))
    same(jacobian(vmap(square_root))(a), np.diag(0.5 / np.sqrt(a)))
    same(vmap(lambda x: x * square_root(4.0))(a), 2 * a)
    with pytest.raises(BatchingError, match="implicit_root inside vmap"):
        vmap(lambda a: whence.implicit_root(lambda x: x**2 - a, 1.0))(a)


# --- what cannot be looked into ------------------------------------------------------------------


class Square(Function):
    def forward(self, x):
        assert not isinstance(x, Variable)
        return x**2

    def backward(self, gy):
        return 2 * self.input.data * gy


@whence.primitive(vjp=[lambda g, y, x: g * (2 * float(np.sum(getattr(x, "data", x))))])
def squared_sum(x):
    return np.sum(x) ** 2


@whence.primitive(jvp=[lambda t, y, a: np.cos(a) * t])
def sine(a):
    return np.sin(a)


@whence.primitive(vjp=[lambda g, y, a: np.cos(a) * g], kind="elementwise")
def sine_too(a):
    return np.sin(a)


def reciprocal_square(x):
    return Square()(x) * x[0]


@loops
@pytest.mark.parametrize(
    ("f", "plain"),
    [
        (lambda x: Square()(x) * x[0], lambda x: x**2 * x[0]),
        (lambda x: squared_sum(x) * x, lambda x: np.sum(x) ** 2 * x),
        (lambda x: sine(x) * x[0], lambda x: np.sin(x) * x[0]),
        (lambda x: sine_too(x) * x[0], lambda x: np.sin(x) * x[0]),
    ],
)
def test_functions_of_the_users(f, plain):
    same(vmap(f)(X), loop(plain, X))
    same(vmap(grad(lambda x: np.sum(f(x))))(X), loop(grad(lambda x: np.sum(plain(x))), X))
    for mode in ("forward", "reverse"):
        same(jacobian(f, mode=mode)(X[0]), jacobian(plain)(X[0]))
    same(vmap(jacobian(f))(X), loop(jacobian(plain), X))


@loops
def test_functions_of_the_users_at_second_order():
    same(hessian(lambda x: np.sum(reciprocal_square(x)))(X[0]), hessian(lambda x: np.sum(x**2 * x[0]))(X[0]))


def test_a_loop_is_noted():
    jacobian(lambda x: Square()(x))(X[0])  # nobody asked for a batch: no note
    with pytest.warns(BatchingWarning, match="vmap calls Square once for each example") as noted:
        vmap(lambda x: Square()(x))(X)
    assert noted[0].filename == __file__
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("default")
        for _ in range(3):
            vmap(lambda x: Square()(x))(X)
    assert len(found) == 1


@loops
def test_an_empty_batch_without_a_rule():
    with pytest.raises(ShapeError, match="Square has no rule for whole batches, and this batch is empty"):
        vmap(lambda x: Square()(x))(X[:0])


def test_primitives_say_how_they_batch():
    assert {p.batching for p in PRIMITIVES.values()} <= {"rule", "loop"}
    assert PRIMITIVES["np.matmul"].batching == PRIMITIVES["np.sin"].batching == "rule"


# --- plain functions -----------------------------------------------------------------------------

SORTED = np.array([-1.0, 0.0, 0.5])
PLAIN = {
    "less": lambda x: x < 0.1,
    "compare the other way": lambda x: np.float64(0.1) >= x,
    "equal arrays": lambda x: np.equal(x, X[0]) | (x != X[1]),
    "bits": lambda x: ~(x > 0) & (x < 1) ^ (x == 0),
    "shifts": lambda x: (x.astype(int) << 2, 1 << np.abs(x.astype(int)), x.astype(int) >> 1),
    "all": lambda x: (np.all(x > 0), (x > -9).all(axis=0), np.all(x > 0, keepdims=True)),
    "any": lambda x: (np.any(x > 0), (x > 0).any(), np.any(np.stack([x, -x]) > 0, axis=-1)),
    "argmax": lambda x: (np.argmax(x), x.argmax(0), np.argmax(np.outer(x, x)), np.argmin(x, keepdims=True)),
    "argsort": lambda x: (
        np.argsort(x),
        x.argsort(),
        np.argsort(np.outer(x, x), None),
        np.argpartition(x, 1),
    ),
    "count_nonzero": lambda x: np.count_nonzero(x > 0),
    "isclose": lambda x: np.isclose(x, x + 1e-12, atol=1e-9),
    "allclose": lambda x: np.allclose(x, X[0]),
    "array_equal": lambda x: np.array_equal(x, X[2]),
    "isfinite": lambda x: np.isfinite(x / (x > 0)),
    "signbit": np.signbit,
    "zeros_like": lambda x: (np.zeros_like(x), np.ones_like(x, dtype=int), np.zeros_like(x, shape=(2,))),
    "full_like": lambda x: (np.full_like(x, 2.0), np.full_like(x, x[0])),
    "searchsorted": lambda x: (np.searchsorted(SORTED, x), np.digitize(x, SORTED), np.isin(x, X[1])),
    "astype": lambda x: x.astype(int),
    "sum of ints": lambda x: np.sum(x > 0, dtype=int),
    "sum to ints": lambda x: np.sum(x, dtype=int),
    "logical": lambda x: np.logical_and(x > 0, x < 1),
    "logical reduce": lambda x: np.logical_and.reduce(x > 0),
    "frexp": np.frexp,
    "nan_to_num": lambda x: np.nan_to_num(np.log(x), nan=2.0),
    "types": lambda x: np.zeros(2, np.result_type(x, np.float32)),
    "bincount": lambda x: np.bincount(np.array([0, 2, 0]), weights=x),
    "shape": lambda x: np.zeros(x.shape) + np.size(x) + np.ndim(x) + len(x),
    "contains nothing": lambda x: np.where(x > 0, 1, 2),
}


@loops
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", PLAIN)
def test_functions_without_gradient(name):
    same(vmap(PLAIN[name])(X), loop(PLAIN[name], X))
    same(vmap(PLAIN[name])(Variable(X)), loop(PLAIN[name], X))
    same(
        vmap(vmap(PLAIN[name]))(np.stack([X, X + 0.1])),
        np_stack([loop(PLAIN[name], X), loop(PLAIN[name], X + 0.1)]),
    )


def np_stack(results):
    rows = [flatten(result) for result in results]
    return rows[0][1].unflatten(
        [np.stack(column) for column in zip(*(leaves for leaves, _ in rows), strict=True)]
    )


# --- indices -------------------------------------------------------------------------------------

T = rng.normal(size=(3, 4, 5))
NUMBERS = np.array([0, 2, 1, 2])
J = rng.integers(0, 3, size=(4, 2))
BY_NUMBER = [
    lambda x, i: x[i],
    lambda x, i: x[..., i],
    lambda x, i: x[:, i],
    lambda x, i: x[:, i, 1],
    lambda x, i: x[i, :, 1],
    lambda x, i: x[1, :, i],
    lambda x, i: x[i, None, i],
    lambda x, i: x[i, ..., 0],
    lambda x, i: x[np.array([0, 1]), i],
    lambda x, i: x[:, np.array([0, 1]), i],
    lambda x, i: x[np.array([[0], [1]]), :, i],
    lambda x, i: x[np.array([True, False, True]), i],
    lambda x, i: np.take(x, i, axis=1),
    lambda x, i: np.take(x, i),
]


def variable(f):
    """The same function with its array as a Variable, which all indices can read."""
    return lambda x, i: f(x if isinstance(x, Variable) else Variable(x), i)


@pytest.mark.parametrize("f", BY_NUMBER)
@pytest.mark.parametrize("index", [NUMBERS, J, np.stack([J, J], -1)], ids=["number", "row", "matrix"])
def test_an_index_for_each_example(f, index):
    try:
        f(T, index[0])
    except (IndexError, ValueError):
        pytest.skip("these do not broadcast")
    batch = np.stack([T, T + 1, T * 2, -T])
    same(vmap(f)(batch, index), loop(f, batch, index))
    same(vmap(variable(f), (None, 0))(T, index), loop(lambda i: f(T, i), index))
    same(vmap(f, (0, None))(batch, index[1]), loop(lambda x: f(x, index[1]), batch))
    slope = grad(lambda x, i: np.sum(f(x, i) ** 3))
    same(vmap(slope)(batch, index), loop(slope, batch, index))
    both = np.stack([batch, batch + 3])
    same(
        vmap(vmap(variable(f), (None, 0)), (0, None))(both[:, 0], index),
        np.array([[f(x, i) for i in index] for x in both[:, 0]]),
    )
    same(
        vmap(vmap(variable(f), (0, None)), (None, 0))(both[:, 0], index),
        np.array([[f(x, i) for x in both[:, 0]] for i in index]),
    )


def test_take_along_axis_and_sort():
    for f in (
        lambda x: np.sort(x)[::-1],
        lambda x: np.take_along_axis(x, np.argsort(-x), 0),
        lambda x: np.sort(np.outer(x, x), axis=0),
        lambda x: np.where(x > 0, x, 0)[np.argsort(x)],
    ):
        same(vmap(f)(X), loop(f, X))
        same(vmap(grad(lambda x, f=f: np.sum(f(x) ** 3)))(X), loop(grad(lambda x, f=f: np.sum(f(x) ** 3)), X))


def written(index, value):
    def f(x, i):
        y = np.copy(x)
        y[index(i)] = value(x)
        return y

    return f


WRITES = {
    "number": written(lambda i: i, lambda x: 7.0),
    "row": written(lambda i: i, lambda x: np.sum(x, axis=0)),
    "column": written(lambda i: (slice(None), i), lambda x: x[:, 0] ** 2),
    "apart": written(lambda i: (i, slice(None), 1), lambda x: x[0, :, 0]),
    "arrays": written(lambda i: (slice(None), np.array([0, 1]), i), lambda x: x[:, :2, 0]),
    "constant index": written(lambda i: (slice(1, None), 2), lambda x: np.max(x)),
    "constant arrays": written(lambda i: (np.array([0, 1]), slice(None), 3), lambda x: x[0, :2, :4]),
    "everything": written(lambda i: ..., lambda x: x**2),
    "wide": written(lambda i: slice(0, 1), lambda x: x[None, :1]),
}


@pytest.mark.parametrize("name", WRITES)
def test_writing(name):
    f = WRITES[name]
    batch = np.stack([T, T + 1, T * 2, -T])
    same(vmap(f)(batch, NUMBERS), loop(f, batch, NUMBERS))
    slope = grad(lambda x, i: np.sum(f(x, i) ** 3))
    same(vmap(slope)(batch, NUMBERS), loop(slope, batch, NUMBERS))


def test_writing_under_a_mask_and_into_what_was_unbatched():
    def f(x):
        y = np.zeros_like(x)
        y[x > 0] = 1.0
        y[0] = x[1] * 2
        return y

    same(vmap(f)(X), loop(f, X))
    same(jacobian(vmap(f))(X).sum(), 2.0 * len(X))


# --- errors --------------------------------------------------------------------------------------


@loops
@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda x: x if x[0] > 0 else -x, r"np\.where\(condition, a, b\)"),
        (lambda x: float(x[0]), "np.exp"),
        (lambda x: complex(x[0]), "np.exp"),
        (lambda x: int(x[0]), "astype"),
        (lambda x: range(x[0].astype(int)), "in_axes=None"),
        (lambda x: X[x[0].astype(int)], "np.take"),
        (lambda x: x[0].item(), "np.where"),
        (lambda x: x.tolist(), "return the value"),
        (lambda x: np.array([x, x]), "np.stack"),
        (lambda x: np.nonzero(x), "keeps the shape"),
        (lambda x: np.where(x > 0), "keeps the shape"),
        (lambda x: (x > 0).nonzero(), "keeps the shape"),
        (lambda x: x[x > 0], "np.where"),
        (lambda x: 0.5 in x, "np.where"),
        (lambda x: np.sum(x).backward(), "whence.grad"),
        (lambda x: x.assign(0.0), "assign"),
    ],
)
def test_reading_a_value_names_the_remedy(f, text):
    with pytest.raises(BatchingError, match=text) as error:
        vmap(f)(X)
    assert f"called at {'tests/transforms/test_vmap.py'}" in str(error.value)
    with pytest.raises(BatchingError):
        vmap(f)(Variable(X))


def test_functions_without_a_gradient_are_refused_as_elsewhere():
    with pytest.raises(whence.errors.NoGradientError, match=r"np\.packbits"):
        vmap(np.packbits)(X)


def test_writing_where_all_examples_would_share():
    shared = Variable(np.zeros(3))

    def f(x):
        shared[0] = x[0]
        return shared

    with pytest.raises(BatchingError, match="that all examples share"):
        vmap(f)(X)
    with pytest.raises(GraphError, match="is a view"):
        vmap(lambda x: np.outer(x, x)[0].__setitem__(1, 2.0))(X)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: vmap(np.add)(X, X[:3]),
            ShapeError,
            r"different numbers of examples: 4 in argument \[0\], 3 in",
        ),
        (lambda: vmap(np.add, None)(X, X), ShapeError, "no examples"),
        (lambda: vmap(np.add, (0,))(X, X), GraphError, "in_axes has 1 entries"),
        (lambda: vmap(np.sin, 2)(X), AxisError, "has no axis 2"),
        (lambda: vmap(np.sin)(1.0), AxisError, "in_axes=None for"),
        (lambda: vmap(np.sin, "0")(X), GraphError, "holds ints and None"),
        (lambda: vmap(np.sin, (True,))(X), GraphError, "holds ints and None"),
        (lambda: vmap(lambda p: p["a"], ({"b": 0},))({"a": X}), GraphError, "in_axes does not fit"),
        (lambda: vmap(np.sin, 0, (0, 0))(X), GraphError, "out_axes does not fit"),
        (lambda: vmap(np.sin, 0, 2)(X), AxisError, "has no axis 2"),
        (lambda: vmap(np.sin, 0, None)(X), BatchingError, "out_axes=None differs"),
        (lambda: vmap(lambda x: "text")(X), DtypeError, "a str"),
        (lambda: vmap(lambda x: x)("text"), DtypeError, "numbers"),
        (lambda: vmap(grad(lambda x: x))(X), ShapeError, r"returned shape \(3,\)"),
        (lambda: vmap(grad(lambda x: 1.0))(X), GraphError, "plain float"),
        (lambda: vmap(lambda x: jvp(np.sin, (x,), (np.ones(2),)))(X), ShapeError, r"of shape \(2,\) for"),
        (lambda: vmap(lambda x: x @ np.ones(2))(X), ShapeError, "np.matmul"),
    ],
)
def test_what_does_not_fit(call, error, text):
    with pytest.raises(error, match=text) as raised:
        call()
    assert "test_vmap.py" in str(raised.value)


def test_values_that_outlive_their_vmap():
    kept = []
    vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(BatchingError, match="come to its end"):
        vmap(lambda x: kept[0])(X)
    with pytest.raises(BatchingError, match="come to its end"):
        vmap(grad(lambda x: np.sum(x * kept[0])))(X)


def test_errors_of_ops_tell_the_shapes_of_one_example():
    with pytest.raises(ShapeError) as error:
        vmap(lambda x: x @ np.ones(2))(X)
    assert any("operands of shape (3,), (2,)" in note for note in error.value.__notes__)


def test_after_an_error_nothing_is_left_running():
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1 / 0)(X)
    assert whence.config.levels() == ()
    assert grad(np.sin)(0.0) == 1.0


def test_a_batched_value_shows_its_shape():
    texts = []
    vmap(lambda x: texts.append((repr(x), f"{x[0]:.3f}", str(x.dtype), x.nbytes, x.itemsize)))(X)
    assert texts[0][0] == "Batched(shape=(3,), dtype=float64, for each of 4 examples)"
    assert texts[0][1].startswith("Batched(shape=()")
    assert texts[0][2:] == ("float64", 24, 8)
