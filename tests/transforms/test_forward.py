"""jvp: forward mode, whatever the kind of the ops on the way."""

import numpy as np
import pytest

import whence
from whence import Function, Variable, grad, jvp, vjp
from whence.errors import DtypeError, ShapeError
from whence.tree import TreeError

X = np.array([0.3, -0.7, 1.1, 0.4])
V = np.array([1.0, -2.0, 0.5, 3.0])
M = np.arange(12.0).reshape(4, 3) / 10

FUNCTIONS = {
    "elementwise": lambda x: np.tanh(x) * np.exp(-x) + x / 3,
    "broadcasting": lambda x: x[:, None] * x + x[0],
    "python numbers": lambda x: 2 ** (3 * x) - 1,
    "linear": lambda x: np.cumsum(np.flip(np.concatenate([x, 2 * x[:2]]))),
    "linear in several": lambda x: np.stack([x, x * x, 0 * x]),
    "multilinear": lambda x: np.einsum("ij,ik,i->jk", M, M, x) @ M.T @ x,
    "opaque": lambda x: np.prod(x) * np.linalg.norm(x) + np.max(x) * np.std(x),
    "choice": lambda x: np.where(x > 0, np.sin(x), x**2),
    "item assignment": lambda x: written(x * 1.0),
    "unused parts": lambda x: (np.exp(x), np.sin(x[1:]))[1],
    "constant result": lambda x: x[:0] * 2,
}


def written(x):
    x[1:3] = x[0] * x[2:]
    return x**2


def numerical(f, x, v, h=1e-6):
    with whence.no_grad():
        return (np.asarray(f(Variable(x + h * v))) - np.asarray(f(Variable(x - h * v)))) / (2 * h)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_push_is_the_derivative_along_a_direction(name):
    f = FUNCTIONS[name]
    y, dy = jvp(f, (X,), (V,))
    np.testing.assert_allclose(dy, numerical(f, X, V), rtol=1e-7, atol=1e-8)
    assert dy.shape == y.shape
    assert type(y) is type(dy)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_push_is_the_transpose_of_a_pull(name):
    f = FUNCTIONS[name]
    y, pull = vjp(f, X)
    w = np.random.default_rng(0).normal(size=np.shape(y))
    np.testing.assert_allclose(np.sum(w * jvp(f, (X,), (V,))[1]), np.sum(pull(w) * V), rtol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_push_of_a_push_is_the_second_derivative(name):
    f = FUNCTIONS[name]

    def slope(x):
        return jvp(f, (x,), (V,))[1]

    second = jvp(slope, (X,), (V,))[1]
    np.testing.assert_allclose(second, numerical(slope, X, V), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("choice", "opaque")])
def test_dtypes_are_kept(name, dtype):
    y, dy = jvp(FUNCTIONS[name], (X.astype(dtype),), (V,))
    expected = FUNCTIONS[name](X.astype(dtype).copy()).dtype
    assert (y.dtype, dy.dtype) == (expected, expected)


def test_containers_of_primals_and_tangents():
    def f(p, q):
        return {"sum": p["a"] + q, "product": (p["a"] * p["b"],)}

    y, dy = jvp(f, ({"a": 2.0, "b": 3.0}, 4.0), ({"a": 1.0, "b": 10.0}, 100.0))
    assert y == {"sum": 6.0, "product": (6.0,)}
    assert dy == {"sum": 101.0, "product": (23.0,)}


def test_complex_values():
    z, v = np.array([1 + 2j, 0.5j]), np.array([1j, 2.0])
    _, dy = jvp(lambda z: np.exp(z) * np.conjugate(z), (z,), (v,))
    np.testing.assert_allclose(dy, np.exp(z) * (v * np.conjugate(z) + np.conjugate(v)))
    _, dy = jvp(lambda z: np.abs(z) * np.angle(z) + np.real(z) - np.imag(z), (z,), (v,))
    assert dy.dtype == np.float64

    def f(z):
        return np.abs(z) * np.angle(z) + np.real(z) - np.imag(z)

    np.testing.assert_allclose(dy, (f(z + 1e-6 * v) - f(z - 1e-6 * v)) / 2e-6, rtol=1e-8, atol=1e-9)
    _, dy = jvp(lambda x: np.exp(1j * x), (X,), (V,))  # real in, complex out
    np.testing.assert_allclose(dy, 1j * V * np.exp(1j * X))


def test_integers_count_as_float64():
    y, dy = jvp(lambda x: x**2, (3,), (1,))
    assert (y, dy) == (9.0, 6.0)
    assert type(dy) is np.float64


def test_tangents_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"a tangent of shape \(\) for a value of shape \(4,\)"):
        jvp(np.sin, (X,), (1.0,))
    with pytest.raises(DtypeError, match="a complex tangent for a value of dtype float64"):
        jvp(np.sin, (X,), (1j * V,))
    with pytest.raises(TreeError, match=r"containers differ: \(\*,\) and \(\*, \*\)"):
        jvp(np.sin, (X,), (V, V))


def test_tangents_may_be_variables():
    v = Variable(V)
    _, dy = jvp(lambda x: x**2, (X,), (v,))
    np.sum(dy).backward()
    np.testing.assert_allclose(v.grad.data, 2 * X)


def test_a_closed_over_variable_is_a_constant_and_stays_connected():
    w = Variable(2.0)
    y, dy = jvp(lambda x: w * x**2, (3.0,), (1.0,))
    (y + dy).backward()
    assert dy.data == 12.0
    assert w.grad.data == 9.0 + 6.0


def test_values_that_were_unchained_do_not_move():
    def f(x):
        y = x * x
        y.unchain()
        return y * x

    np.testing.assert_array_equal(jvp(f, (3.0,), (1.0,))[1], 9.0)
    assert grad(f)(3.0) == 9.0


def test_one_unchained_output_of_two_does_not_move():
    class Both(Function):
        def forward(self, x):
            return x * 2, x * 3

        def backward(self, g, h):
            return 2 * g + 3 * h

    def f(x):
        a, b = Both()(x)
        b.unchain()
        return a + b

    assert jvp(f, (1.0,), (1.0,))[1] == grad(f)(1.0) == 2.0


def test_an_op_wrongly_declared_elementwise_is_refused_where_shapes_tell():
    @whence.primitive(vjp=[lambda g, y, x: g * 2 * x], kind="elementwise")
    def sum_of_squares(x):
        return np.sum(x * x)

    with pytest.raises(ShapeError) as error:
        jvp(sum_of_squares, (X,), (V,))
    text = str(error.value)
    assert (
        "sum_of_squares is declared elementwise, but its rule gives shape (4,) for a result of shape ()"
        in text
    )
    assert "→ declare it kind='opaque'" in text


def test_a_long_chain_needs_no_recursion():
    def f(x):
        for _ in range(5000):
            x = x + np.sin(x) * 1e-3
        return x

    assert jvp(f, (0.5,), (1.0,))[1] == pytest.approx(float(grad(f)(0.5)), rel=1e-12)
