"""jacobian, hessian and hvp: by rows and by columns, of containers, of complex values."""

import numpy as np
import pytest

import whence
from whence import Variable, grad, hessian, hvp, jacobian
from whence.errors import DtypeError, GraphError, ShapeError
from whence.transforms import matrices
from whence.tree import TreeError

X = np.array([0.3, -0.7, 1.1])


def numerical(f, x, h=1e-6):
    x = np.asarray(x, float)
    columns = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(x.size).reshape(x.size, *x.shape)]
    columns = np.stack(columns)
    return np.moveaxis(columns, 0, -1).reshape(columns.shape[1:] + x.shape)


SHAPES = {
    "wide": lambda x: np.stack([np.sum(x**2), np.prod(x)]),  # fewer results: rows
    "tall": lambda x: np.outer(x, np.sin(x)),  # fewer arguments: columns
    "square": lambda x: np.cumsum(x**3) * x[0],
    "scalar": lambda x: np.sum(np.exp(x)),
    "empty": lambda x: x[:0] * 2.0,
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_jacobian_has_the_shape_of_the_result_and_then_of_the_argument(name):
    f = SHAPES[name]
    j = jacobian(f)(X)
    assert type(j) is np.ndarray
    assert j.shape == np.shape(f(X)) + X.shape
    np.testing.assert_allclose(j, numerical(f, X), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 2)])
@pytest.mark.parametrize("name", ["wide", "tall", "square", "scalar"])
def test_rows_and_columns_agree(name, shape, monkeypatch):
    def f(x):
        x = np.reshape(x, (-1,))
        return {"wide": np.sum(x**2), "tall": np.outer(x, x), "square": x**3, "scalar": np.sum(x)}[name]

    x = np.random.default_rng(0).normal(size=shape)
    j = jacobian(f)(x)
    rows, columns = matrices.rows_of, matrices.columns_of
    monkeypatch.setattr(matrices, "rows_of", columns)
    monkeypatch.setattr(matrices, "columns_of", rows)
    np.testing.assert_array_equal(jacobian(f)(x), j)


def test_scalars_have_scalar_derivatives():
    assert type(jacobian(np.sin)(0.0)) is np.float64
    assert type(hessian(np.sin)(0.0)) is np.float64
    assert type(hvp(np.sin)(0.0, 1.0)) is np.float64


@pytest.mark.parametrize("tall", [False, True])
def test_jacobian_of_containers(tall):
    def f(p):
        big = np.outer(p["a"], np.ones(9)) if tall else p["a"] * 2
        return {"y": big * p["b"], "z": (np.sum(p["a"]) * p["b"],)}

    a, b = np.array([1.0, 2.0]), np.float32(3.0)
    j = jacobian(f)({"a": a, "b": b})
    assert j["y"]["a"].shape == ((2, 9, 2) if tall else (2, 2))
    assert j["y"]["b"].shape == ((2, 9) if tall else (2,))
    np.testing.assert_allclose(j["z"][0]["a"], [3, 3])
    np.testing.assert_allclose(j["z"][0]["b"], 3)
    if not tall:
        np.testing.assert_allclose(j["y"]["a"], 6 * np.eye(2))
        np.testing.assert_allclose(j["y"]["b"], 2 * a)


def test_argnums_make_a_tuple():
    jx, jy = jacobian(lambda x, y: x * y, argnums=(0, -1))(X, 2 * X)
    np.testing.assert_allclose(jx, np.diag(2 * X))
    np.testing.assert_allclose(jy, np.diag(X))
    only = jacobian(lambda x, y: x * y, argnums=1)(X, 2 * X)
    np.testing.assert_allclose(only, np.diag(X))


def test_complex_functions_of_real_arguments():
    for f in (lambda x: np.exp(1j * x), lambda x: np.sum(np.exp(1j * x)), lambda x: np.outer(x, 1j * x)):
        np.testing.assert_allclose(jacobian(f)(X), numerical(f, X), atol=1e-8)


@pytest.mark.parametrize("f", [lambda z: z**2, lambda z: np.outer(z, z), lambda z: np.sum(np.exp(z))])
def test_holomorphic_functions(f):
    z = np.array([1 + 2j, -0.5j])
    np.testing.assert_allclose(
        jacobian(f)(z),
        np.moveaxis([(f(z + 1e-6 * e) - f(z - 1e-6 * e)) / 2e-6 for e in np.eye(2)], 0, -1),
        rtol=1e-8,
        atol=1e-8,
    )


@pytest.mark.parametrize(
    "f", [np.conjugate, lambda z: np.abs(z), lambda z: z * np.real(z), lambda z: np.sum(np.imag(z))]
)
def test_functions_that_are_not_holomorphic_are_refused(f):
    with pytest.raises(DtypeError) as error:
        jacobian(f)(np.array([1 + 2j, 3 - 1j]))
    assert "jacobian needs a function that is holomorphic in its complex argument (called at" in str(
        error.value
    )


def test_float32_is_kept():
    x = X.astype(np.float32)
    for f in (lambda x: np.outer(x, x), lambda x: np.sum(x**3)):
        assert jacobian(f)(x).dtype == np.float32
    assert hessian(lambda x: np.sum(x**3))(x).dtype == np.float32
    assert hvp(lambda x: np.sum(x**3))(x, X).dtype == np.float32


def test_a_jacobian_stays_connected_to_variables_outside():
    w = Variable(2.0)
    for f in (lambda x: w * x**2, lambda x: w * np.sum(x**2), lambda x: w * np.outer(x, x)):
        j = jacobian(f)(X)
        assert isinstance(j, Variable)
        w.cleargrad()
        np.sum(j).backward()
        np.testing.assert_allclose(w.grad.data, np.sum(j.data) / 2)


def test_the_trace_of_a_jacobian_is_differentiable():
    """The gradient of a divergence; rows within, columns within."""

    def divergence(x):
        return np.trace(jacobian(lambda x: np.sin(x) * x[0])(x))

    np.testing.assert_allclose(grad(divergence)(X), numerical(divergence, X), rtol=1e-7)

    def curl(x):
        return np.sum(jacobian(lambda x: np.outer(x, x**2))(x) ** 2)

    np.testing.assert_allclose(grad(curl)(X), numerical(curl, X), rtol=1e-7)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_the_hessian_is_symmetric_and_right():
    h = hessian(rosenbrock)(X)
    np.testing.assert_allclose(h, h.T)
    np.testing.assert_allclose(h, numerical(grad(rosenbrock), X), rtol=1e-7, atol=1e-6)
    for other in (
        jacobian(jacobian(rosenbrock)),
        lambda x: np.stack([hvp(rosenbrock)(x, e) for e in np.eye(3)]),
    ):
        np.testing.assert_allclose(other(X), h, rtol=1e-12, atol=1e-12)


def test_hessian_of_containers():
    def f(p):
        return np.sum(p["a"] ** 2) * p["b"] ** 3

    a, b = np.array([1.0, 2.0]), 3.0
    h = hessian(f)({"a": a, "b": b})
    np.testing.assert_allclose(h["a"]["a"], 2 * 27 * np.eye(2))
    np.testing.assert_allclose(h["a"]["b"], 2 * a * 27)
    np.testing.assert_allclose(h["b"]["a"], 2 * a * 27)
    np.testing.assert_allclose(h["b"]["b"], 5 * 6 * b)


def test_hessian_of_two_arguments():
    (xx, xy), (yx, yy) = hessian(lambda x, y: x**2 * y**3, argnums=(0, 1))(2.0, 3.0)
    assert (xx, xy, yx, yy) == (54.0, 108.0, 108.0, 72.0)


def test_hessian_of_a_linear_function_is_zero():
    np.testing.assert_array_equal(hessian(lambda x: np.sum(3 * x))(X), np.zeros((3, 3)))
    np.testing.assert_array_equal(hvp(lambda x: np.sum(3 * x))(X, X), np.zeros(3))
    (_, xy), _ = hessian(lambda x, y: np.sum(x * 2), (0, 1))(X, 1.0)
    np.testing.assert_array_equal(xy, np.zeros(3))


def test_hessian_vector_products_of_containers():
    def f(p, scale):
        return scale * np.sum(p["a"] ** 2) * p["b"] ** 3

    p, v = {"a": np.array([1.0, 2.0]), "b": 3.0}, {"a": np.array([1.0, -1.0]), "b": 2.0}
    h = hessian(f)(p, 2.0)
    product = hvp(f)(p, 2.0, v)
    np.testing.assert_allclose(product["a"], h["a"]["a"] @ v["a"] + h["a"]["b"] * v["b"])
    np.testing.assert_allclose(product["b"], h["b"]["a"] @ v["a"] + h["b"]["b"] * v["b"])


@pytest.mark.parametrize("argnums", [1, -1, (1,), (-1,)])
def test_the_vector_is_not_counted_among_the_arguments(argnums):
    many = isinstance(argnums, tuple)
    product = hvp(lambda x, y: x * y**3, argnums)(2.0, 3.0, (5.0,) if many else 5.0)
    np.testing.assert_allclose(product, 2 * 6 * 3 * 5)


def test_keywords_reach_the_function():
    assert hvp(lambda x, power: x**power)(2.0, 1.0, power=3) == 12.0
    assert hessian(lambda x, power: x**power)(2.0, power=3) == 12.0
    assert jacobian(lambda x, power: x**power)(2.0, power=3) == 12.0


def test_a_complex_hessian_vector_product_is_the_derivative_of_the_gradient():
    def f(z):
        return np.sum(np.abs(z) ** 4) + np.sum(np.real(z**3))

    z, v = np.array([1 + 1j, 0.5 - 2j]), np.array([1j, 2 + 1j])
    expected = (grad(f)(z + 1e-6 * v) - grad(f)(z - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(hvp(f)(z, v), expected, rtol=1e-7)
    np.testing.assert_allclose(whence.jvp(grad(f), (z,), (v,))[1], expected, rtol=1e-7)


def test_vectors_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"a direction of shape \(\) for a value of shape \(3,\)"):
        hvp(rosenbrock)(X, 1.0)
    with pytest.raises(TreeError, match="containers differ"):
        hvp(rosenbrock)(X, (X,))
    with pytest.raises(DtypeError, match="a complex direction"):
        hvp(rosenbrock)(X, 1j * X)
    with pytest.raises(GraphError, match="needs the arguments of f and then the vector"):
        hvp(rosenbrock)(X)
