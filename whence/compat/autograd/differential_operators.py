"""autograd's operators, by its names and with its ``argnum``, on whence's transforms."""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from ...config import pass_nan
from ...core.variable import Variable
from ...errors import DtypeError
from ...transforms.gradient import grad as whence_grad
from ...transforms.gradient import value_and_grad as whence_value_and_grad
from ...transforms.matrices import jacobian as whence_jacobian
from ...tree import flatten, map_tree
from .extend import defvjp_argnum, primitive
from .products import conjugated, remembering
from .products import make_jvp as _make_jvp
from .products import make_vjp as _make_vjp
from .spaces import vspace
from .wrap_util import ArgNum, get_name, unary_to_nary

make_vjp = unary_to_nary(_make_vjp)
make_jvp = unary_to_nary(_make_jvp)
_SCALARS = "only applies to real scalar-output functions. Try jacobian, elementwise_grad or holomorphic_grad."


def _chosen(argnum: ArgNum) -> int | tuple[int, ...]:
    return argnum if isinstance(argnum, int) else tuple(argnum)


def _named(operator: str, fun: Any, argnum: ArgNum, result: Callable[..., Any]) -> Callable[..., Any]:
    result.__name__ = f"{operator}_of_{get_name(fun)}_wrt_argnum_{argnum}"
    result.__doc__ = f"{operator} of function {get_name(fun)} with respect to argument number {argnum}."
    return result


def _real_scalar(fun: Callable[..., Any], operator: str) -> Callable[..., Any]:
    fun = remembering(fun, tests=False)

    @functools.wraps(fun, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        y = fun(*args, **kwargs)
        if not isinstance(y, Variable) or y.size != 1 or y.dtype.kind == "c":
            raise DtypeError(f"{operator} {_SCALARS}")
        return y

    return call


def grad(fun: Callable[..., Any], argnum: ArgNum = 0) -> Callable[..., Any]:
    """``whence.grad``; the gradient of a complex argument is ``dL/dRe - i dL/dIm``."""
    slope = whence_grad(_real_scalar(fun, "Grad"), _chosen(argnum))

    @pass_nan()
    def gradfun(*args: Any, **kwargs: Any) -> Any:
        return conjugated(slope(*args, **kwargs))

    return _named("grad", fun, argnum, gradfun)


def value_and_grad(fun: Callable[..., Any], argnum: ArgNum = 0) -> Callable[..., Any]:
    """``whence.value_and_grad``: both at once."""
    both = whence_value_and_grad(_real_scalar(fun, "value_and_grad"), _chosen(argnum))

    @pass_nan()
    def value_and_gradfun(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return value, conjugated(slope)

    return _named("value_and_grad", fun, argnum, value_and_gradfun)


def elementwise_grad(fun: Callable[..., Any], argnum: ArgNum = 0) -> Callable[..., Any]:
    """The gradient of the sum of what ``fun`` returns: where the Jacobian is diagonal, its diagonal."""
    fun_ = remembering(fun)

    def total(*args: Any, **kwargs: Any) -> Any:
        parts = flatten(fun_(*args, **kwargs))[0]
        if any(part.dtype.kind == "c" for part in parts):
            raise DtypeError("Elementwise_grad only applies to real-output functions.")
        sums = [np.sum(part) if part.ndim else part for part in parts]
        return sum(sums[1:], sums[0])

    slope = whence_grad(total, _chosen(argnum))

    @pass_nan()
    def gradfun(*args: Any, **kwargs: Any) -> Any:
        return conjugated(slope(*args, **kwargs))

    return _named("elementwise_grad", fun, argnum, gradfun)


@unary_to_nary
def deriv(fun: Callable[..., Any], x: Any) -> Any:
    """The derivative along ones, by forward mode."""
    return _make_jvp(fun, x)(vspace(x).ones())[1]


def jacobian(fun: Callable[..., Any], argnum: ArgNum = 0) -> Callable[..., Any]:
    """``whence.jacobian``, of shape ``y.shape + x.shape``."""
    matrix = whence_jacobian(remembering(fun), _chosen(argnum))
    by_rows = unary_to_nary(_rows)(fun, argnum)

    @pass_nan()
    def jacfun(*args: Any, **kwargs: Any) -> Any:
        if isinstance(argnum, int) and np.iscomplexobj(args[argnum]):
            return by_rows(*args, **kwargs)
        return matrix(*args, **kwargs)

    return _named("jacobian", fun, argnum, jacfun)


def _rows(fun: Callable[..., Any], x: Any) -> Any:
    """The Jacobian for complex ``x``: real results by rows of gradients, complex ones holomorphic."""
    pull, y = _make_vjp(fun, x)
    if np.iscomplexobj(y):
        return whence_jacobian(fun)(x)
    rows = [pull(unit) for unit in vspace(y).standard_basis()]
    return np.reshape(np.stack(rows), np.shape(y) + np.shape(x))


@unary_to_nary
def holomorphic_grad(fun: Callable[..., Any], x: Any) -> Any:
    """``f'(x)`` of a holomorphic function."""
    return grad(lambda x: np.real(fun(x)))(x)


def grad_named(fun: Callable[..., Any], argname: str) -> Callable[..., Any]:
    """The gradient with respect to a named positional argument."""
    return grad(fun, list(inspect.signature(fun).parameters).index(argname))


def hessian(fun: Callable[..., Any], argnum: ArgNum = 0) -> Callable[..., Any]:
    """All second derivatives, the Jacobian of the Jacobian: of shape ``y.shape + x.shape + x.shape``."""
    return _named("hessian", fun, argnum, jacobian(jacobian(fun, argnum), argnum))


@unary_to_nary
def make_hvp(fun: Callable[..., Any], x: Any) -> tuple[Callable[[Any], Any], Any]:
    """``(v -> H v, the gradient)`` at a point."""
    return _make_vjp(grad(fun), x)


def hessian_tensor_product(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """A function ``(*args, v) -> H v``."""
    slope = grad(fun, argnum)

    def along(*args: Any, **kwargs: Any) -> Any:
        *args_, v = args
        return np.tensordot(slope(*args_, **kwargs), v, np.ndim(v))

    return grad(along, argnum)


def tensor_jacobian_product(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """A function ``(*args, v) -> v J``."""

    def weighted(*args: Any, **kwargs: Any) -> Any:
        *args_, v = args
        return np.tensordot(v, fun(*args_, **kwargs), axes=np.ndim(v))

    return jacobian(weighted, argnum)


hessian_vector_product = hessian_tensor_product
vector_jacobian_product = tensor_jacobian_product


@unary_to_nary
def make_jvp_reversemode(fun: Callable[..., Any], x: Any) -> Callable[[Any], Any]:
    """A function ``v -> J v`` (whence has forward mode for every op)."""
    push = _make_jvp(fun, x)
    return lambda v: push(v)[1]


def _half_square(x: Any) -> Any:
    return 0.5 * np.sum(x**2, axis=-1)


def make_ggnvp(f: Callable[..., Any], g: Callable[..., Any] = _half_square, f_argnum: int = 0) -> Any:
    """A function ``v -> J' H J v``: ``J`` the Jacobian of ``f``, ``H`` the Hessian of ``g`` at its value."""

    @unary_to_nary
    def product(f: Callable[..., Any], x: Any) -> Callable[[Any], Any]:
        pull, y = _make_vjp(f, x)
        curvature, _ = _make_vjp(grad(g), y)
        push = _make_jvp(f, x)
        return lambda v: pull(curvature(push(v)[1]))

    return product(f, f_argnum)


@unary_to_nary
def grad_and_aux(fun: Callable[..., Any], x: Any) -> tuple[Any, Any]:
    """For ``fun`` returning ``(value, anything)``: the gradient of the value, and the other as it is."""
    pull, (y, aux) = _make_vjp(lambda x: tuple(fun(x)), x)
    return pull((vspace(y).ones(), map_tree(np.zeros_like, aux))), aux


def multigrad_dict(fun: Callable[..., Any]) -> Callable[..., Any]:
    """The gradients with respect to all arguments, as a dict from name to gradient."""
    signature = inspect.signature(fun)

    def gradfun(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        names = list(bound.arguments)

        def of_all(*values: Any) -> Any:
            inner = inspect.BoundArguments(signature, OrderedDict(zip(names, values, strict=True)))
            return fun(*inner.args, **inner.kwargs)

        grads = grad(of_all, tuple(range(len(names))))(*bound.arguments.values())
        return OrderedDict(zip(names, grads, strict=True))

    return gradfun


def checkpoint(fun: Callable[..., Any]) -> Callable[..., Any]:
    """``fun``, whose inner values are not kept but computed again on the way back."""
    wrapped = primitive(fun)
    defvjp_argnum(wrapped, lambda argnum, ans, args, kwargs: make_vjp(fun, argnum)(*args, **kwargs)[0])
    return wrapped
