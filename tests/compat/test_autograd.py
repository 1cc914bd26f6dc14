"""autograd's names with autograd's conventions, on whence."""

from __future__ import annotations

import inspect
import warnings
from collections import OrderedDict

import numpy
import pytest

import whence
import whence.compat.autograd as autograd
import whence.compat.autograd.numpy as np
from whence.compat.autograd import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
)
from whence.compat.autograd.extend import (
    def_linear,
    defjvp,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    vspace,
)
from whence.compat.autograd.misc import const_graph, flatten
from whence.compat.autograd.misc.fixed_points import fixed_point
from whence.compat.autograd.misc.flatten import flatten_func
from whence.compat.autograd.misc.optimizers import adam, rmsprop, sgd
from whence.compat.autograd.numpy.numpy_vjps import unbroadcast_f
from whence.compat.autograd.test_util import check_grads, combo_check
from whence.compat.autograd.tracer import Box, getval, isbox
from whence.errors import NoGradientError

X = numpy.array([0.3, 1.2, -0.7])
Z = numpy.array([0.4 + 0.3j, -1.1 + 0.2j])
close = numpy.testing.assert_allclose


def energy(x, y=2.0):
    return np.sum(np.sin(x) * x) * y


def curve(x):
    return np.array([x[0] * x[1], np.exp(x[2]), x[0] - x[2]])


SLOPE = numpy.cos(X) * X + numpy.sin(X)


def test_grad_by_position_and_by_several():
    close(grad(energy)(X), 2 * SLOPE)
    close(grad(energy, 1)(X, 3.0), energy(X, 1.0))
    g = grad(energy, argnum=[0, 1])(X, 3.0)
    assert isinstance(g, tuple)
    close(g[0], 3 * SLOPE)
    close(grad_named(energy, "y")(X, 3.0), energy(X, 1.0))
    assert type(grad(lambda x: x * x)(3.0)) is numpy.float64
    assert type(grad(energy)(X)) is numpy.ndarray
    assert grad(energy, 1).__name__ == "grad_of_energy_wrt_argnum_1"


def test_integers_and_containers_are_taken():
    assert grad(lambda x: x * x)(3) == 6.0
    params = {"w": [1.0, numpy.ones(2)], "b": (2.0,)}
    g = grad(lambda p: np.sum(p["w"][1]) * p["w"][0] + p["b"][0] ** 2)(params)
    assert g["w"][0] == 2.0 and g["b"] == (4.0,) and isinstance(g, dict)
    close(g["w"][1], [1.0, 1.0])


def test_what_does_not_depend_has_the_gradient_zero_and_a_warning():
    with pytest.warns(UserWarning, match="independent"):
        assert grad(lambda x: 3.0)(2.0) == 0.0
    with pytest.warns(UserWarning, match="independent"):
        close(jacobian(lambda x: numpy.ones(2))(X), numpy.zeros((2, 3)))


@pytest.mark.parametrize("f", [lambda x: x * 2, lambda x: x + 1j, lambda x: x[0] > 0])
def test_grad_is_for_real_scalars(f):
    with pytest.raises(TypeError):
        grad(f)(X)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gradients_that_are_not_numbers_are_handed_out():
    def f(x):
        return np.sum(np.sqrt(x) ** 2)

    x = numpy.array([0.0, 4.0])
    with pytest.raises(whence.WhenceError, match="not a number"):
        whence.grad(f)(x)
    for operator in (grad, elementwise_grad, jacobian):
        assert numpy.isnan(operator(f)(x)[0])
    assert numpy.isnan(value_and_grad(f)(x)[1][0])
    assert numpy.isnan(make_vjp(f)(x)[0](1.0)[0])


def test_values():
    value, g = value_and_grad(energy)(X)
    close(value, energy(X))
    close(g, 2 * SLOPE)
    assert not isbox(value) and not isbox(g)
    close(elementwise_grad(lambda x: x**3)(X), 3 * X**2)
    close(elementwise_grad(elementwise_grad(np.sin))(X), -numpy.sin(X))
    close(deriv(lambda x: x**3)(X), 3 * X**2)
    g, aux = grad_and_aux(lambda x: (np.sum(x**2), {"x": x * 1}))(X)
    close(g, 2 * X)
    close(aux["x"], X)
    grads = multigrad_dict(lambda a, b, *c, d=2.0: a * b * c[0] * d)(1.0, 2.0, 3.0)
    assert isinstance(grads, OrderedDict) and list(grads) == ["a", "b", "c", "d"]
    assert grads == {"a": 12.0, "b": 6.0, "c": (4.0,), "d": 6.0}


def test_matrices_and_products():
    J = jacobian(curve)(X)
    close(J, whence.jacobian(curve)(X))
    assert jacobian(lambda x: np.sum(x))(X).shape == (3,)
    H = hessian(energy)(X)
    close(H, numpy.diag(2 * (2 * numpy.cos(X) - numpy.sin(X) * X)), atol=1e-12)
    assert hessian(curve)(X).shape == (3, 3, 3)
    v = numpy.array([1.0, -2.0, 0.5])
    close(hessian_tensor_product(energy)(X, v), H @ v)
    product, g = make_hvp(energy)(X)
    close(product(v), H @ v)
    close(g, 2 * SLOPE)
    close(tensor_jacobian_product(curve)(X, v), v @ J)
    pull, y = make_vjp(curve)(X)
    close(pull(v), v @ J)
    close(y, curve(X))
    y, t = make_jvp(curve)(X)(v)
    close(t, J @ v)
    close(make_jvp_reversemode(curve)(X)(v), J @ v)
    close(make_ggnvp(curve)(X)(v), J.T @ (J @ v))
    close(grad(checkpoint(energy))(X), 2 * SLOPE)
    close(hessian(checkpoint(energy))(X), H, atol=1e-12)


def test_complex_gradients_are_autograds():
    close(grad(lambda z: np.sum(np.abs(z) ** 2))(Z), 2 * numpy.conj(Z))
    close(holomorphic_grad(lambda z: np.sum(z**3))(Z), 3 * Z**2)
    close(jacobian(lambda z: np.abs(z) ** 2)(Z), numpy.diag(2 * numpy.conj(Z)))
    close(jacobian(lambda z: z**2)(Z), numpy.diag(2 * Z))
    pull, _ = make_vjp(lambda z: z * (1 + 2j))(Z)
    close(pull(Z), Z * (1 + 2j))
    check_grads(lambda z: np.real(np.exp(z)) * np.imag(z))(Z)


def test_primitives_with_rules():
    @primitive
    def product(x, y):
        assert not isbox(x) and not isbox(y)
        return x * y

    defvjp(
        product,
        lambda ans, x, y: unbroadcast_f(x, lambda g: g * y),
        lambda ans, x, y: unbroadcast_f(y, lambda g: g * x),
    )
    check_grads(product, (0, 1))(X, 2.0)
    check_grads(lambda x: product(x, x) * x)(X)
    close(product(X, 2.0), 2 * X)
    assert product.fun is not product

    @primitive
    def scaled(x, factor, power):
        return factor * x**power

    defvjp(scaled, lambda ans, x, factor, power: lambda g: g * power * ans / x, None, argnums=(0, 1))
    check_grads(lambda x: scaled(x, 2.0, power=3))(X + 2)
    assert grad(lambda a: scaled(1.0, a, power=2))(3.0) == 0.0
    with pytest.raises(NotImplementedError, match="VJP of scaled wrt argnums"):
        grad(lambda p: scaled(1.0, 2.0, p))(3.0)


def test_rules_by_number_together_and_by_jvp():
    calls = []

    @primitive
    def dot(x, y):
        return numpy.dot(x, y)

    def both(argnums, ans, args, kwargs):
        def pull(g):
            calls.append(argnums)
            return [g * args[1 - i] for i in argnums]

        return pull

    defvjp_argnums(dot, both)
    grad(lambda x: dot(x, x * 2.0))(X)
    assert calls == [(0, 1)]
    check_grads(dot, (0, 1))(X, X[::-1].copy())

    one = primitive(numpy.dot)
    defvjp_argnum(one, lambda argnum, ans, args, kwargs: lambda g: g * args[1 - argnum])
    check_grads(one, (0, 1))(X, X[::-1].copy())

    pushed = primitive(lambda x, y: x * y)
    defjvp(pushed, lambda g, ans, x, y: g * y, lambda g, ans, x, y: g * x)
    check_grads(pushed, (0, 1))(X, X[::-1].copy())
    linear = primitive(lambda x: x[::-1] * 2)
    def_linear(linear)
    check_grads(linear)(X)
    same = primitive(numpy.outer)
    defjvp(same, "same", "same")
    check_grads(same, (0, 1))(X, X[:2] + 1)


def test_primitives_of_containers():
    @primitive
    def both(pair, scale):
        return {"sum": (pair[0] + pair[1]) * scale, "second": [pair[1] * 1.0]}

    defvjp(
        both,
        lambda ans, pair, scale: lambda g: (g["sum"] * scale, g["sum"] * scale + g["second"][0]),
        lambda ans, pair, scale: lambda g: np.sum(g["sum"] * (pair[0] + pair[1])),
    )
    check_grads(both, (0, 1))((X, X * 2), 3.0)
    check_grads(lambda p: np.sum(both((p, p * p), 2.0)["sum"] ** 2))(X)


def test_old_spellings_of_rules():
    @primitive
    def product(x, y):
        return x * y

    product.defgrad(lambda ans, x, y: lambda g: y * g)
    product.defvjp(lambda g, ans, vs, gvs, x, y: x * g, argnum=1)
    check_grads(product, (0, 1))(X, X + 1)
    product.defvjp_is_zero([1])
    assert not numpy.any(grad(lambda y: np.sum(product(X, y)))(X))


def test_whences_rules_for_numpys_functions_stay():
    defvjp(numpy.sinc, lambda ans, x: lambda g: g * 0)
    check_grads(np.sinc)(X)


def test_boxes_and_bare_values():
    seen = []

    def f(x):
        seen.append((isbox(x), isinstance(x, Box), type(getval(x)), autograd.isinstance(x, numpy.ndarray)))
        assert autograd.type(x) is numpy.ndarray
        close(x._value, X)
        return np.sum(x)

    grad(f)(X)
    assert seen == [(True, True, numpy.ndarray, True)]
    rounded = notrace_primitive(lambda x: numpy.round(x))
    close(grad(lambda x: np.sum(x * rounded(x)))(X), numpy.round(X))


def test_spaces():
    space = vspace({"a": X, "b": [1.0, Z]})
    assert space.size == 3 + 1 + 4 and space.iscomplex
    assert space == vspace(space.zeros()) == vspace(space.randn())
    assert len(list(space.standard_basis())) == space.size
    x = space.randn()
    close(space.inner_prod(x, space.scalar_mul(x, 2.0)), 2 * space.inner_prod(x, x))
    close(space.add(x, space.covector(x))["b"][1], 2 * x["b"][1].real)
    assert vspace(X).shape == (3,) and vspace(X).dtype == float and vspace(X).ndim == 1
    assert vspace(X) != vspace(Z)
    with pytest.raises(TypeError):
        vspace("text")


def test_flatten():
    tree = (1.0, X, [numpy.ones((1, 2)), {"b": 2.0, "a": Z[:1]}])
    flat, unflatten = flatten(tree)
    assert flat.shape == (8,) and flat[-2] == Z[0]
    again = unflatten(flat)
    assert again[0] == 1.0 and again[2][1]["b"] == 2.0 and type(again[0]) is numpy.float64
    close(again[2][0], numpy.ones((1, 2)))
    assert flatten(())[0].shape == (0,)
    close(grad(lambda x: np.sum(flatten([x, x * 2])[0] ** 2))(X), 10 * X)
    f, _, start = flatten_func(lambda p: {"u": p["u"] * 2}, {"u": X})
    close(f(start), 2 * X)


@pytest.mark.parametrize("optimizer", [sgd, rmsprop, adam])
def test_optimizers(optimizer):
    calls = []
    start = {"x": numpy.array([1.0, -2.0]), "y": 3.0}
    slope = grad(lambda p, i: np.sum(p["x"] ** 2) + p["y"] ** 2)
    end = optimizer(slope, start, lambda p, i, g: calls.append((i, g["y"])), num_iters=300, step_size=0.05)
    assert set(end) == {"x", "y"} and calls[0] == (0, 6.0) and len(calls) == 300
    assert abs(end["y"]) < 0.1 and numpy.all(numpy.abs(end["x"]) < 0.1)


def test_fixed_points():
    def newton(a):
        return lambda x: 0.5 * (x + a / x)

    def root(a):
        return fixed_point(newton, a, 1.0, lambda x, y: abs(x - y), 1e-10)

    close(root(2.0), numpy.sqrt(2.0))
    close(grad(root)(2.0), 0.5 / numpy.sqrt(2.0))
    close(grad(grad(root))(2.0), -0.25 * 2.0**-1.5, rtol=1e-6)


def test_const_graph_is_a_call():
    close(const_graph(energy, y=3.0)(X), energy(X, 3.0))


def test_lists_of_values_in_reductions():
    for reduce in (np.sum, np.prod, np.mean, np.std, np.var, np.max, np.min, np.amax, np.amin):
        close(
            grad(lambda x, reduce=reduce: reduce([x[0], x[1] * x[2], 2.0]))(X),
            grad(lambda x, reduce=reduce: reduce(np.array([x[0], x[1] * x[2], 2.0])))(X),
        )
    close(grad(lambda x: np.dot([x[0], x[1]], [x[2], 1.0]))(X), [X[2], 1.0, X[0]])
    close(grad(lambda x: np.cumsum([x[0], x[1]])[1])(X), [1.0, 1.0, 0.0])
    assert np.where(True, 1, 2) == 1 and type(np.where(True, 1, 2)) is int
    close(np.where(condition=[True, False], x=X[:2], y=0.0), [X[0], 0.0])
    close(grad(lambda x: np.sum(np.make_diagonal(x) ** 2))(X), 2 * X)


def test_check_grads_finds_wrong_ones():
    wrong = primitive(lambda x: x * x)
    defvjp(wrong, lambda ans, x: lambda g: g * x)
    with pytest.raises(AssertionError, match="VJP"):
        check_grads(wrong, modes=["rev"], order=1)(2.0)
    with pytest.raises(AssertionError):
        check_grads(wrong, modes=["fwd"], order=1)(2.0)
    combo_check(lambda x, y, power: x**power * y, (0, 1))([X + 2], [1.0, 2.0], power=[2, 3])


def test_every_public_name_has_a_docstring():
    for name in dir(autograd):
        value = getattr(autograd, name)
        if inspect.isfunction(value):
            assert value.__doc__, name


def test_nothing_warns_without_a_reason():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grad(energy)(X)
        check_grads(energy)(X)
    with pytest.raises(NoGradientError):
        grad(primitive(lambda x: x))(1.0)


@pytest.mark.parametrize("name", ["stack", "vstack", "row_stack", "hstack", "column_stack", "concatenate"])
def test_arrays_to_join_may_come_from_any_iterable(name):
    join = getattr(np, name)
    parts = {"a": numpy.array([1.0, 2.0]), "b": numpy.array([3.0, 4.0])}
    expected = join(list(parts.values()))
    numpy.testing.assert_array_equal(join(parts.values()), expected)
    numpy.testing.assert_array_equal(join(part for part in parts.values()), expected)
    slope = autograd.grad(lambda p: np.sum(join(p.values()) ** 2))(parts)
    numpy.testing.assert_array_equal(slope["b"], [6.0, 8.0])
