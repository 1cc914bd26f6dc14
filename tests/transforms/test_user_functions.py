"""Users' own Functions and primitives inside transforms: right at every order, or refused by name."""

import numpy as np
import pytest

import whence
from whence import Function, Variable, grad, hessian, hvp, jacobian, jvp, vjp
from whence.core.table import OPS
from whence.errors import NoGradientError, WhenceError

X, V = np.array([0.3, -0.7, 1.1]), np.array([1.0, -2.0, 0.5])


class Cube(Function):
    """As in the notebook."""

    def forward(self, x):
        return x**3

    def backward(self, gy):
        x = self.input.data
        return 3 * x**2 * gy


class Polar(Function):
    """Two inputs, two outputs."""

    def forward(self, r, t):
        return r * np.cos(t), r * np.sin(t)

    def backward(self, gx, gy):
        r, t = (v.data for v in self.inputs)
        return gx * np.cos(t) + gy * np.sin(t), r * (gy * np.cos(t) - gx * np.sin(t))


class Exp(Function):
    """Keeps its output: recorded again where a second derivative needs it."""

    def forward(self, x):
        self.y = np.exp(x)
        return self.y

    def backward(self, gy):
        return self.y * gy


class Rectify(Function):
    """Keeps a mask, which does not depend smoothly on x."""

    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, gy):
        return gy * self.mask


class HalfSquare(Function):
    """Keeps an array of its own making: a second derivative would miss it."""

    def forward(self, x):
        self.double = 2 * x
        return x * self.double

    def backward(self, gy):
        return 2 * self.double * gy


class Axpy(Function):
    """Has parameters of its own, and an input that is a plain array."""

    def __init__(self, a):
        self.a = a

    def forward(self, x, y):
        return self.a * x + y

    def backward(self, gy):
        return self.a * gy, gy


def polar(f):
    def applied(x):
        a, b = Polar()(f(x), x)
        return a * b

    return applied


SMOOTH = {
    "Cube": (lambda x: Cube()(x), lambda x: x**3),
    "Polar": (polar(lambda x: 2 * x), lambda x: 4 * x**2 * np.cos(x) * np.sin(x)),
    "one output of two": (lambda x: Polar()(x, x)[1], lambda x: x * np.sin(x)),
    "Exp": (lambda x: Exp()(x), np.exp),
    "Rectify": (lambda x: Rectify()(x) ** 2, lambda x: np.maximum(x, 0) ** 2),
    "Axpy": (lambda x: Axpy(3.0)(x * x, np.ones(3)), lambda x: 3 * x**2 + 1),
    "nested": (lambda x: Exp()(Cube()(x) * 0.1), lambda x: np.exp(0.1 * x**3)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_first_and_second_derivatives_are_right(name):
    mine, numpys = SMOOTH[name]
    f, g = (lambda x: np.sum(mine(x))), (lambda x: np.sum(numpys(x)))
    np.testing.assert_allclose(grad(f)(X), grad(g)(X), rtol=1e-13)
    np.testing.assert_allclose(jvp(mine, (X,), (V,))[1], jvp(numpys, (X,), (V,))[1], rtol=1e-13)
    np.testing.assert_allclose(jacobian(mine)(X), jacobian(numpys)(X), rtol=1e-13)
    np.testing.assert_allclose(hessian(f)(X), hessian(g)(X), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(hvp(f)(X, V), hvp(g)(X, V), rtol=1e-13)

    def pushed(h):
        return lambda x: jvp(h, (x,), (V,))[1]

    np.testing.assert_allclose(pushed(pushed(mine))(X), pushed(pushed(numpys))(X), rtol=1e-13, atol=1e-13)
    reverse_of_forward = [grad(lambda x, h=h: np.sum(pushed(h)(x)))(X) for h in (mine, numpys)]
    np.testing.assert_allclose(*reverse_of_forward, rtol=1e-13, atol=1e-13)
    whence.testing.check_gradient(mine, X, order=3)


def test_what_forward_keeps_serves_first_order_in_both_modes():
    expected = 4 * X
    np.testing.assert_allclose(grad(lambda x: np.sum(HalfSquare()(x)))(X), expected)
    np.testing.assert_allclose(jvp(HalfSquare(), (X,), (V,))[1], expected * V)
    np.testing.assert_allclose(jacobian(lambda x: np.outer(HalfSquare()(x), X))(X).shape, (3, 3, 3))


@pytest.mark.parametrize(
    "second",
    [
        lambda f: hessian(f)(X),
        lambda f: hvp(f)(X, V),
        lambda f: grad(lambda x: np.sum(grad(f)(x)))(X),
        lambda f: jvp(grad(f), (X,), (V,)),
        lambda f: jvp(lambda x: jvp(f, (x,), (V,))[1], (X,), (V,)),
        lambda f: grad(lambda x: jvp(f, (x,), (V,))[1])(X),
    ],
)
def test_what_forward_keeps_is_refused_at_second_order(second):
    with pytest.raises(NoGradientError) as error:
        second(lambda x: np.sum(HalfSquare()(x)))
    text = str(error.value)
    assert "HalfSquare.forward stored self.double, which depends on the input" in text
    assert "HalfSquare was made at" in text
    assert "compute it again in backward from self.input.data" in text


def keeping(kind):
    """HalfSquare with another hiding place for what it keeps."""

    class Keeper(Function):
        if kind == "slot":
            __slots__ = ("kept",)

        def __init__(self):
            if kind != "slot":
                self.kept = {"list": [], "dict": {}, "array": np.zeros(3)}[kind]

        def forward(self, x):
            if kind == "list":
                self.kept.append(2 * x)
            elif kind == "dict":
                self.kept["x"] = 2 * x
            elif kind == "array":
                self.kept[:] = 2 * x
            else:
                self.kept = 2 * x
            return x * x

        def backward(self, gy):
            return {"list": lambda: self.kept[-1], "dict": lambda: self.kept["x"]}.get(
                kind, lambda: self.kept
            )() * gy

    return Keeper()


@pytest.mark.parametrize("kind", ["list", "dict", "array", "slot"])
def test_hiding_what_is_kept_does_not_help(kind):
    np.testing.assert_allclose(grad(lambda x: np.sum(keeping(kind)(x)))(X), 2 * X)
    np.testing.assert_allclose(jvp(keeping(kind), (X,), (V,))[1], 2 * X * V)
    with pytest.raises(NoGradientError, match=r"Keeper\.forward stored self\.kept"):
        hessian(lambda x: np.sum(keeping(kind)(x)))(X)


def test_one_instance_may_be_called_many_times():
    cube = Cube()
    np.testing.assert_allclose(grad(lambda x: np.sum(cube(cube(x))))(X), 9 * X**8)
    exp = Exp()

    def f(x):
        return np.sum(exp(exp(x)))

    np.testing.assert_allclose(grad(f)(X), np.exp(np.exp(X) + X))
    np.testing.assert_allclose(np.diag(hessian(f)(X)), np.exp(np.exp(X) + X) * (np.exp(X) + 1))


def test_an_instance_with_slots_may_be_called_twice():
    class Scale(Function):
        __slots__ = ("by",)

        def __init__(self, by):
            self.by = by

        def forward(self, x):
            return self.by * x

        def backward(self, gy):
            return self.by * gy

    scale = Scale(3.0)
    assert grad(lambda x: scale(scale(x)))(1.0) == 9.0


def test_an_instance_may_be_differentiated_itself():
    assert grad(Cube())(2.0) == 12.0
    assert grad(grad(Cube()))(2.0) == 12.0


def test_gradients_share_no_memory_with_what_backward_returned():
    class Identity(Function):
        def forward(self, x):
            return x

        def backward(self, gy):
            return gy

    class Sum(Function):
        def forward(self, x, y):
            return x + y

        def backward(self, gy):
            return gy, gy

    x, v = X.copy(), V.copy()
    y, pull = vjp(Identity(), x)
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(pull(v), v)
    _, pull = vjp(Sum(), x, x)
    a, b = pull(v)
    assert not np.shares_memory(a, b)
    assert not np.shares_memory(a, v)


def test_a_gradient_that_is_the_input_itself_is_copied():
    class HalfSum(Function):
        def forward(self, x):
            return np.sum(x**2) / 2

        def backward(self, gy):
            return self.input.data

    x = Variable(X)
    HalfSum()(x).backward()
    assert not np.shares_memory(x.grad.data, x.data)
    np.testing.assert_array_equal(x.grad.data, X)


# --- whence.primitive ----------------------------------------------------------------------------


@whence.primitive(vjp=[lambda g, y, x: g * y])
def my_exp(x):
    return np.exp(np.asarray(x))  # np.asarray refuses Variables: it really gets plain arrays


@whence.primitive(
    vjp=[
        lambda g, y, x, a, n, scale=1.0: g * (scale * n * x ** (n - 1) * a),
        lambda g, y, x, a, n, scale=1.0: g * (scale * x**n),
    ]
)
def monomial(x, a, n, scale=1.0):
    """Two inputs, a positional parameter and a keyword."""
    return scale * a * x**n


@whence.primitive(vjp=[lambda g, y, x: g * np.cos(x)], reads=["0"], kind="elementwise")
def my_sin(x):
    return np.sin(x)


@whence.primitive(vjp=[lambda g, y, x: np.flip(np.cumsum(np.flip(g)))], reads=[""], kind="linear")
def my_cumsum(x):
    return np.cumsum(x)


PRIMITIVES = {
    "opaque": (my_exp, np.exp),
    "parameters": (lambda x: monomial(x, 2 * x, 3, scale=0.5), lambda x: x**4),
    "one plain input": (lambda x: monomial(x, V, 3), lambda x: V * x**3),
    "the other plain": (lambda x: monomial(V, x, 3), lambda x: V**3 * x),
    "elementwise": (my_sin, np.sin),
    "linear": (lambda x: my_cumsum(x * x), lambda x: np.cumsum(x * x)),
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_declared_primitives_serve_every_mode_and_order(name):
    mine, numpys = PRIMITIVES[name]
    f, g = (lambda x: np.sum(mine(x) ** 2)), (lambda x: np.sum(numpys(x) ** 2))
    np.testing.assert_allclose(mine(X), numpys(X))
    np.testing.assert_allclose(grad(f)(X), grad(g)(X), rtol=1e-13)
    np.testing.assert_allclose(jvp(mine, (X,), (V,))[1], jvp(numpys, (X,), (V,))[1], rtol=1e-13)
    np.testing.assert_allclose(jacobian(mine)(X), jacobian(numpys)(X), rtol=1e-13)
    np.testing.assert_allclose(hessian(f)(X), hessian(g)(X), rtol=1e-12, atol=1e-13)
    whence.testing.check_gradient(mine, X, order=3)


def test_a_primitive_of_plain_arrays_is_plain():
    assert type(my_exp(X)) is np.ndarray


@pytest.fixture
def unwrap():
    before = OPS.pop(np.unwrap, None)
    yield np.unwrap
    OPS.pop(np.unwrap, None)
    if before is not None:
        OPS[np.unwrap] = before


def test_a_numpy_function_gets_a_gradient(unwrap):
    phase = np.array([0.1, 3.0, -3.0, -1.0])
    with pytest.raises(NoGradientError) as error:
        grad(lambda x: np.sum(np.unwrap(x)))(phase)
    assert "np.unwrap has no gradient in whence (called at" in str(error.value)
    assert "whence.primitive" in str(error.value)

    whence.primitive(unwrap, vjp=[lambda g, y, p: g], reads=[""])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.unwrap(x) * phase))(phase), phase)
    whence.testing.check_gradient(lambda x: np.unwrap(x) ** 2, phase)
    y = np.unwrap(Variable(phase))
    np.testing.assert_array_equal(y.data, np.unwrap(phase))
    assert "np.unwrap" in y.whence()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"vjp": [lambda g, y, x: g], "kind": "diagonal"},
            "'elementwise', 'linear' or 'opaque', not 'diagonal'",
        ),
        ({"vjp": []}, "primitive needs a function and a list of rules"),
        ({"vjp": ["g"]}, "primitive needs a function and a list of rules"),
    ],
)
def test_wrong_declarations_are_refused(arguments, text):
    with pytest.raises(WhenceError, match=text):
        whence.primitive(np.sin, **arguments)
