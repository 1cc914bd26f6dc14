"""grad, value_and_grad and vjp: what goes in, what comes out, what is refused."""

import dataclasses
from collections import namedtuple

import numpy as np
import pytest

import whence
from whence import Variable, grad, value_and_grad, vjp
from whence.errors import DtypeError, GraphError, ShapeError, WhenceError
from whence.tree import TreeError

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Model:
    weight: object
    bias: object


def loss(p, x):
    return np.sum((x @ p["w"] + p["b"]) ** 2)


W, B, X = np.array([1.0, -2.0]), np.array(0.5), np.array([[1.0, 2.0], [3.0, 4.0]])
GW, GB = 2 * X.T @ (X @ W + B), 2 * np.sum(X @ W + B)


# --- what goes in --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 12.0),
        (1, 5.0),
        (-1, 5.0),
        (-2, 12.0),
        (np.int64(1), 5.0),
        ((0,), (12.0,)),
        ((0, 1), (12.0, 5.0)),
        ((1, 0), (5.0, 12.0)),
        ((-1, 0), (5.0, 12.0)),
        ([0, 1], (12.0, 5.0)),
    ],
)
def test_argnums_choose_the_arguments(argnums, expected):
    slope = grad(lambda x, y: x * x * y + y, argnums)(2.0, 3.0)
    assert type(slope) is (tuple if isinstance(expected, tuple) else np.float64)
    assert slope == expected


@pytest.mark.parametrize(
    ("argnums", "text"),
    [
        (2, "argnums=2 but the function was called with 2 positional arguments"),
        (-3, "argnums=-3 but the function was called with 2 positional arguments"),
        ((0, 0), r"argnums=\(0, 0\) names an argument twice"),
        ((1, -1), r"argnums=\(1, -1\) names an argument twice"),
        ("x", "argnums is an int or a tuple of ints, not 'x'"),
        (1.0, "argnums is an int or a tuple of ints, not 1.0"),
    ],
)
def test_other_argnums_are_refused(argnums, text):
    with pytest.raises(GraphError, match=text):
        grad(lambda x, y: x * y, argnums)(2.0, 3.0)


def test_an_argument_by_keyword_is_a_constant():
    assert grad(lambda x, power: x**power)(2.0, power=3) == 12.0
    with pytest.raises(GraphError, match="passed by position, not by keyword"):
        grad(lambda x: x)(x=2.0)


@pytest.mark.parametrize(
    "container",
    [
        {"w": W, "b": B},
        (W, B),
        [W, B],
        Pair(W, B),
        Model(W, B),
        {"deep": [(W, {"x": Model(B, Pair(B, W))})]},
    ],
    ids=["dict", "tuple", "list", "named tuple", "dataclass", "deep"],
)
def test_a_gradient_has_the_structure_of_its_argument(container):
    leaves, structure = whence.tree.flatten(container)

    def f(tree):
        parts, _ = whence.tree.flatten(tree)
        return sum((k + 1) * np.sum(part**2) for k, part in enumerate(parts))

    value, slope = value_and_grad(f)(container)
    found = whence.tree.flatten_like(structure, slope)
    assert value == f(container)
    for k, (g, leaf) in enumerate(zip(found, leaves, strict=True)):
        np.testing.assert_allclose(g, 2 * (k + 1) * leaf)


def test_several_containers_at_once():
    gp, gx = grad(loss, (0, 1))({"w": W, "b": B}, X)
    np.testing.assert_allclose(gp["w"], GW)
    np.testing.assert_allclose(gp["b"], GB)
    np.testing.assert_allclose(gx, np.outer(2 * (X @ W + B), W))


@pytest.mark.parametrize("x", [3, True, np.arange(3), np.array([True, False]), np.int8(3), np.uint8([3])])
def test_integers_count_as_float64(x):
    slope = grad(lambda x: np.sum(x**2))(x)
    assert slope.dtype == np.float64
    np.testing.assert_array_equal(slope, 2.0 * np.asarray(x, float))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, np.complex64])
def test_dtypes_are_kept(dtype):
    x = np.array([1, 2], dtype)
    value, slope = value_and_grad(lambda x: np.sum(np.real(x * np.conjugate(x)) * 2.0))(x)
    assert slope.dtype == dtype
    assert value.dtype == np.empty(0, dtype).real.dtype
    np.testing.assert_array_equal(slope, 4 * x)


def test_python_numbers_give_floats():
    value, slope = value_and_grad(np.sin)(0.0)
    assert isinstance(value, float)
    assert isinstance(slope, float)
    assert isinstance(grad(lambda z: np.abs(z) ** 2)(1 + 2j), complex)


def test_a_complex_gradient_is_the_direction_of_steepest_ascent():
    z = np.array([1 + 2j, -0.5j])
    np.testing.assert_allclose(grad(lambda z: np.sum(np.abs(z) ** 2))(z), 2 * z)
    np.testing.assert_allclose(grad(lambda z: np.sum(np.imag(z**2)))(z), np.conjugate(-2j * z))

    # a step along the gradient climbs faster than any step of the same length
    def f(z):
        return np.sum(np.real(np.exp(z) * np.conjugate(z)))

    g = grad(f)(z)
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(50, 2)) + 1j * rng.normal(size=(50, 2))
    climbs = [f(z + 1e-6 * s / np.linalg.norm(s) * np.linalg.norm(g)) for s in steps]
    assert f(z + 1e-6 * g) > max(climbs)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_arrays(shape):
    x = np.zeros(shape, np.float32)
    value, slope = value_and_grad(lambda x: np.sum(x**2))(x)
    assert value == 0
    assert slope.shape == shape
    assert slope.dtype == np.float32


@pytest.mark.parametrize("container", [{}, (), []])
def test_an_empty_container_has_an_empty_gradient(container):
    gp, gx = grad(lambda p, x: x * 2, (0, 1))(container, 1.0)
    assert gp == container
    assert gx == 2.0


def test_an_ignored_argument_has_a_gradient_of_zeros():
    gx, gy = grad(lambda x, y: np.sum(x), (0, 1))(np.ones(2), {"a": np.ones((2, 2), np.float32), "b": 1.0})
    np.testing.assert_array_equal(gx, [1, 1])
    np.testing.assert_array_equal(gy["a"], np.zeros((2, 2)))
    assert gy["a"].dtype == np.float32
    assert type(gy["b"]) is np.float64
    assert gy["b"] == 0.0


# --- what comes out ------------------------------------------------------------------------------


def test_the_auxiliary_value_comes_along():
    def f(x):
        return np.sum(x**2), {"x": 2 * x, "note": "as it is", "count": 3}

    x = np.array([1.0, 2.0])
    (value, aux), slope = value_and_grad(f, has_aux=True)(x)
    assert value == 5.0
    assert type(aux["x"]) is np.ndarray
    np.testing.assert_array_equal(aux["x"], [2, 4])
    assert (aux["note"], aux["count"]) == ("as it is", 3)
    np.testing.assert_array_equal(slope, [2, 4])
    slope, aux = grad(f, has_aux=True)(x)
    np.testing.assert_array_equal(slope, [2, 4])


def test_the_auxiliary_value_keeps_an_outer_graph():
    """The value ignores w, what comes along does not."""
    outer = grad(lambda w: grad(lambda x: (x * x, w * x), has_aux=True)(2.0)[1] + w)
    assert outer(3.0) == 3.0


def test_the_value_keeps_an_outer_graph_even_if_it_is_the_outer_input():
    assert grad(lambda w: value_and_grad(lambda x: w)(1.0)[0])(2.0) == 1.0


@pytest.mark.parametrize(("result", "text"), [((1, 2, 3), "3 values"), (2.0, "a float")])
def test_no_auxiliary_value_is_refused(result, text):
    with pytest.raises(ShapeError, match=rf"has_aux=True needs .* \(value, anything\), not {text}"):
        grad(lambda x: result, has_aux=True)(1.0)


def everything(x, y):
    """All results of all transforms, of functions that pass arrays on as they are."""
    c = np.arange(3.0)
    value, aux = 0.0, None
    (value, aux), slopes = value_and_grad(lambda x, y: (np.sum(x + y), (x, y, x)), (0, 1), True)(x, y)
    v = np.ones(3)
    ys, pull = vjp(lambda x, y: (x, x, y, x.reshape(3), np.broadcast_to(x, (2, 3))), x, y)
    out, pushed = whence.jvp(lambda x, y: (x, y, x, x + 0 * y), (x, y), (v, c))
    seed = (v, v, v, v, np.ones((2, 3)))
    same, pull_same = vjp(lambda x: x, x)
    jac = whence.jacobian(lambda x, y: (x, y), (0, 1))(x, y)
    hess = whence.hessian(lambda x, y: np.sum(x * y), (0, 1))(x, y)
    rest = [value, aux, slopes, ys, pull(seed), out, pushed, same, pull_same(v), jac, hess]
    results = whence.tree.flatten([*rest, grad(lambda x, y: np.sum((x + y) * c), (0, 1))(x, y)])[0]
    return results, [x, y, v, c, seed[-1]]


def test_results_are_plain_arrays_that_share_no_memory():
    results, inputs = everything(np.arange(3.0), np.ones(3))
    arrays = [r for r in results if r.ndim]
    assert all(type(r) in (np.ndarray, np.float64) for r in results)
    assert all(r.flags.writeable for r in arrays)
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])
        assert not any(np.shares_memory(a, b) for b in inputs)


def test_inside_no_grad_results_are_plain():
    w = Variable(3.0)
    with whence.no_grad():
        results = [
            grad(np.sin)(0.0),
            grad(grad(np.sin))(0.0),
            grad(lambda x: w * x)(w),
            *value_and_grad(lambda x: w * x)(Variable(1.0)),
            vjp(np.sin, Variable(1.0))[0],
            vjp(np.sin, Variable(1.0))[1](Variable(1.0)),
            *whence.jvp(lambda x: w * x, (Variable(2.0),), (Variable(1.0),)),
            whence.hessian(lambda x: w * x**2)(Variable(2.0)),
            whence.hvp(lambda x: w * x**2)(2.0, 1.0),
        ]
        assert not whence.config.mode().recording
    np.testing.assert_allclose(
        [float(r) for r in results],
        [1, 0, 3, 3, 3, np.sin(1), np.cos(1), 6, 3, 6, 6],
    )
    assert {type(r) for r in results} == {np.float64}


def test_variables_as_arguments_stay_connected():
    x = Variable(np.array([1.0, 2.0]))
    value, slope = value_and_grad(lambda x: np.sum(x**3))(x)
    assert isinstance(value, Variable)
    np.sum(slope * value).backward()
    # d/dx sum(3 x²) · sum(x³)
    np.testing.assert_allclose(x.grad.data, 6 * x.data * 9 + 15 * 3 * x.data**2)


def test_variables_that_the_function_closes_over_stay_connected():
    w = Variable(np.array([3.0, 4.0]))
    slope = grad(lambda x: np.sum(w**2 * x))(np.ones(2))
    assert isinstance(slope, Variable)
    np.sum(slope).backward()
    np.testing.assert_array_equal(w.grad.data, [6, 8])


def test_integer_variables_count_as_float64():
    slope = grad(lambda x: np.sum(x**2))(Variable(np.array([1, 2])))
    assert slope.dtype == np.float64
    np.testing.assert_array_equal(slope.data, [2, 4])


def test_variables_that_the_function_makes_are_nobody_elses():
    def f(x):
        return np.sum(Variable(np.array([1.0, 2.0])) * x)

    assert type(grad(f)(2.0)) is np.float64
    assert type(whence.jacobian(f)(2.0)) is np.float64
    assert type(whence.jvp(f, (2.0,), (1.0,))[1]) is np.float64


def test_nothing_is_left_on_variables_that_only_take_part():
    w = Variable(2.0)
    grad(lambda x: w * x)(1.0)
    assert w.grad is None


def test_writing_to_an_element_of_the_argument():
    def f(x):
        x[0] = 2 * x[0] ** 2
        x[1] = 5.0
        return np.sum(x * np.array([1.0, 2.0, 3.0]))

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(grad(f)(x), [4, 0, 3])
    np.testing.assert_array_equal(x, [1, 2, 3])  # the caller's array is not written to
    np.testing.assert_array_equal(whence.jvp(f, (x,), (np.ones(3),))[1], 7)
    np.testing.assert_array_equal(whence.jacobian(f)(x), [4, 0, 3])
    np.testing.assert_array_equal(whence.hessian(f)(x), np.diag([4, 0, 0]))


# --- vjp -----------------------------------------------------------------------------------------


def test_pull_may_be_called_many_times():
    y, pull = vjp(lambda a, b: (a * b, np.sin(a)), 2.0, 3.0)
    assert y == (6.0, np.sin(2.0))
    assert pull((1.0, 0.0)) == (3.0, 2.0)
    assert pull((0.0, 1.0)) == (np.cos(2.0), 0.0)
    assert pull((1.0, 0.0)) == (3.0, 2.0)


def test_pull_does_not_see_what_is_written_later():
    x = np.array([1.0, 2.0])
    y, pull = vjp(lambda x: np.exp(x) * x, x)
    expected = pull(np.ones(2))
    x[:], y[:] = 0, 0
    np.testing.assert_array_equal(pull(np.ones(2)), expected)


def test_pull_of_variables_is_differentiable():
    v = Variable(np.array([1.0, 2.0]))
    _, pull = vjp(lambda x: x**2, np.array([3.0, 4.0]))
    g = pull(v)
    np.sum(g * v).backward()
    np.testing.assert_array_equal(v.grad.data, 2 * np.array([6, 8]) * v.data)


def test_a_complex_cotangent_is_a_direction_of_steepest_ascent():
    z, v = np.array([1 + 2j, 3j]), np.array([1j, 2 - 1j])
    _, pull = vjp(lambda z: z**2, z)
    np.testing.assert_allclose(pull(v), v * np.conjugate(2 * z))
    expected = grad(lambda z: np.sum(np.real(np.conjugate(v) * z**2)))(z)
    np.testing.assert_allclose(pull(v), expected)


def test_cotangents_that_do_not_fit_are_refused():
    _, pull = vjp(lambda x: {"a": x, "b": 2 * x}, np.ones(2))
    with pytest.raises(ShapeError, match=r"a cotangent of shape \(\) for a value of shape \(2,\)"):
        pull({"a": 1.0, "b": np.ones(2)})
    with pytest.raises(DtypeError, match="a complex cotangent for a value of dtype float64"):
        pull({"a": np.ones(2), "b": 1j * np.ones(2)})
    with pytest.raises(TreeError, match=r"containers differ: \{'a': \*, 'b': \*\} and \(\*, \*\)"):
        pull((np.ones(2), np.ones(2)))
    with pytest.raises(DtypeError, match="not <U1"):
        pull({"a": "x", "b": np.ones(2)})


# --- what is refused -----------------------------------------------------------------------------


def test_more_than_one_number_is_refused():
    with pytest.raises(ShapeError) as error:
        grad(lambda x: x**2)(np.ones(3))
    assert "grad needs a function that returns one number; this one returned shape (3,)" in str(error.value)
    assert "→ sum it, or use whence.jacobian or whence.vjp" in str(error.value)
    assert "test_gradient.py" in str(error.value)


def test_one_number_may_have_axes():
    np.testing.assert_array_equal(grad(lambda x: x.reshape(1, 1) ** 2)(np.array(3.0)), 6)


def test_a_complex_result_is_refused():
    with pytest.raises(DtypeError, match=r"grad needs a real result, not complex128"):
        grad(lambda z: z**2)(1j)


@pytest.mark.parametrize(
    "f",
    [lambda x: 3.0, lambda x: x.item(), lambda x: x.data, lambda x: x > 0, lambda x: None],
)
@pytest.mark.parametrize(
    "transform",
    [
        lambda f: grad(f)(1.0),
        lambda f: vjp(f, 1.0),
        lambda f: whence.jvp(f, (1.0,), (1.0,)),
        lambda f: whence.jacobian(f)(1.0),
        lambda f: whence.hessian(f)(1.0),
        lambda f: whence.hvp(f)(1.0, 1.0),
    ],
)
def test_plain_results_are_refused(transform, f):
    with pytest.raises(GraphError) as error:
        transform(f)
    assert "<lambda> returned a plain" in str(error.value)
    assert "which does not remember the arguments (called at" in str(error.value)
    assert "For a constant return it as 0 * x + c" in str(error.value)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (None, "None is not an array to differentiate with respect to"),
        ("abc", r"'abc' \(str\) is not an array to differentiate with respect to"),
        ({"a": 1.0, "name": "abc"}, r"'abc' \(str\) is not an array"),
        ([1.0, None], "None is not an array"),
        (np.sin, "a ufunc is not an array"),
        (np.array(["a"]), "a Variable holds numbers, not <U1 data"),
        (np.array([None]), "a Variable holds numbers, not object data"),
        (np.ma.array([1.0], mask=[True]), "MaskedArray has rules of its own"),
    ],
)
def test_what_is_not_a_number_is_refused(x, text):
    with pytest.raises(DtypeError, match=text):
        grad(lambda x: x)(x)


def test_an_error_in_the_function_leaves_everything_as_it_was():
    with whence.no_grad():
        with pytest.raises(ZeroDivisionError):
            grad(lambda x: 1 / 0)(1.0)
        assert not whence.config.mode().recording
    assert issubclass(GraphError, WhenceError)


def test_the_function_lends_its_name():
    def rosenbrock(x):
        """The banana."""

    for transform in (grad, value_and_grad, whence.jacobian, whence.hessian, whence.hvp):
        assert transform(rosenbrock).__name__ == "rosenbrock"
