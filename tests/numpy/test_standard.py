"""Variables as arrays of the array API standard: every function, its signature, values, types."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import whence
from whence import Variable

from . import standard

#: A complex step through a real type has to be tried before it is known not to work.
pytestmark = pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")

V = Variable(np.array([0.3, 0.6, 0.9]))
xp = V.__array_namespace__()

X = np.array([[0.31, 0.72, 0.53], [0.94, 0.25, 0.66]])
S = np.array([[4.0, 0.5, 0.2], [0.5, 3.0, 0.1], [0.2, 0.1, 2.0]])
T = np.arange(24.0).reshape(2, 3, 4) / 7
Z = X + 1j * X[::-1]
INDEX = np.array([1, 0, 1])

#: Calls of every function that is not elementwise: ``f`` gets the function and the operands.
CALLS: dict[str, list[tuple[Any, tuple[Any, ...]]]] = {
    "arange": [(lambda f, x: f(0.0, 2.0, x[0, 0]), (X,)), (lambda f: f(3, dtype=xp.float32), ())],
    "asarray": [(lambda f, x: f([x[0], x[1]]), (X,)), (lambda f, x: f(x, copy=True, device="cpu"), (X,))],
    "empty": [(lambda f: f((2, 0), dtype=xp.float32), ())],
    "empty_like": [(lambda f, x: f(x[:0]), (X,))],
    "eye": [(lambda f: f(2, 3, k=1, dtype=xp.float32), ())],
    "from_dlpack": [(lambda f, x: f(x), (X,)), (lambda f, x: f(x, copy=True), (X,))],
    "full": [(lambda f, x: f((2, 3), x[0, 0]), (X,)), (lambda f: f(2, 1.5, dtype=xp.float32), ())],
    "full_like": [
        (lambda f, x: f(x, x[1, 1]), (X,)),
        (lambda f, x: f(x, x[0, 1], dtype=xp.complex128), (X,)),
    ],
    "linspace": [(lambda f, x: f(x[0, 0], 2.0, 4, endpoint=False), (X,)), (lambda f: f(0, 1, num=3), ())],
    "meshgrid": [(lambda f, x: f(x[0], x[1], indexing="ij")[1], (X,))],
    "ones": [(lambda f: f((2, 3), dtype=xp.complex64), ())],
    "ones_like": [(lambda f, x: f(x, dtype=xp.float32), (X,))],
    "tril": [(lambda f, x: f(x, k=-1), (S,))],
    "triu": [(lambda f, x: f(x, k=1), (S,))],
    "zeros": [(lambda f: f(3), ())],
    "zeros_like": [(lambda f, x: f(x), (X,))],
    "astype": [(lambda f, x: f(x, xp.complex128), (X,)), (lambda f, x: f(x, xp.int64, copy=False), (X,))],
    "can_cast": [(lambda f: f(xp.float32, xp.float64), ())],
    "finfo": [(lambda f, x: f(x).bits, (X,)), (lambda f: f(xp.float32).smallest_normal, ())],
    "iinfo": [(lambda f: f(xp.int8).max, ())],
    "isdtype": [(lambda f, x: f(x.dtype, ("real floating", "bool")), (X,))],
    "result_type": [(lambda f, x: f(x, xp.float32, 1j), (X,))],
    "clip": [(lambda f, x: f(x, 0.3, 0.7), (X,)), (lambda f, x: f(x, min=x[0, 2]), (X,))],
    "take": [(lambda f, x: f(x, INDEX, axis=1), (X,))],
    "take_along_axis": [(lambda f, x: f(x, np.argsort(X, axis=0), axis=0), (X,))],
    "matmul": [(lambda f, a, b: f(a, b), (X, S)), (lambda f, a, b: f(a, b), (T, T[0].T))],
    "matrix_transpose": [(lambda f, x: f(x), (T,))],
    "tensordot": [(lambda f, a, b: f(a, b, axes=([1], [0])), (X, S)), (lambda f, a: f(a, a), (X,))],
    "vecdot": [(lambda f, a, b: f(a, b, axis=0), (X, X[::-1])), (lambda f, a, b: f(a, b), (Z, X))],
    "broadcast_arrays": [(lambda f, a, b: f(a, b)[0], (X[0], X))],
    "broadcast_to": [(lambda f, x: f(x, (4, 2, 3)), (X,))],
    "concat": [(lambda f, a, b: f([a, b], axis=1), (X, X)), (lambda f, a, b: f((a, b), axis=None), (X, S))],
    "expand_dims": [(lambda f, x: f(x, axis=-1), (X,)), (lambda f, x: f(x), (X,))],
    "flip": [(lambda f, x: f(x), (X,)), (lambda f, x: f(x, axis=(0, 1)), (X,))],
    "moveaxis": [(lambda f, x: f(x, (0, 1), (-1, 0)), (T,))],
    "permute_dims": [(lambda f, x: f(x, (2, 0, 1)), (T,))],
    "repeat": [(lambda f, x: f(x, 2, axis=1), (X,)), (lambda f, x: f(x, np.array([1, 0]), axis=0), (X,))],
    "reshape": [(lambda f, x: f(x, (3, -1), copy=True), (X,)), (lambda f, x: f(x, shape=(6,)), (X,))],
    "roll": [(lambda f, x: f(x, 1), (X,)), (lambda f, x: f(x, shift=(1, 2), axis=(0, 1)), (X,))],
    "squeeze": [(lambda f, x: f(x[None, ..., None], axis=(0, -1)), (X,))],
    "stack": [(lambda f, a, b: f([a, b], axis=-1), (X, X))],
    "tile": [(lambda f, x: f(x, (2, 1)), (X,))],
    "unstack": [(lambda f, x: f(x, axis=1)[2], (X,))],
    "argmax": [(lambda f, x: f(x, axis=0, keepdims=True), (X,))],
    "argmin": [(lambda f, x: f(x), (X,))],
    "count_nonzero": [(lambda f, x: f(x, axis=1, keepdims=True), (X,))],
    "nonzero": [(lambda f, x: f(x)[1], (X,))],
    "searchsorted": [(lambda f, x: f(x, X[1], side="right"), (np.array([0.2, 0.5, 0.8]),))],
    "where": [(lambda f, x: f(x > 0.5, x, 0.0), (X,)), (lambda f, a, b: f(X > 0.5, a, b), (X, X * 2))],
    "unique_all": [(lambda f, x: f(x)[2], (X,)), (lambda f, x: f(x).values, (X,))],
    "unique_counts": [(lambda f, x: f(x).values, (X,)), (lambda f, x: f(x).counts, (X,))],
    "unique_inverse": [(lambda f, x: f(x).values, (X,)), (lambda f, x: f(x).inverse_indices, (X,))],
    "unique_values": [(lambda f, x: f(x), (X,))],
    "cumulative_prod": [(lambda f, x: f(x, axis=1, include_initial=True), (X,))],
    "cumulative_sum": [(lambda f, x: f(x, axis=0, dtype=xp.float64), (X,)), (lambda f, x: f(x), (X[0],))],
    "max": [(lambda f, x: f(x, axis=0, keepdims=True), (X,))],
    "mean": [(lambda f, x: f(x, axis=(0, 1)), (X,))],
    "min": [(lambda f, x: f(x), (X,))],
    "prod": [(lambda f, x: f(x, axis=1, dtype=xp.complex128), (X,))],
    "std": [(lambda f, x: f(x, axis=1, correction=1.0, keepdims=True), (X,))],
    "sum": [(lambda f, x: f(x, axis=-1, keepdims=True), (X,)), (lambda f, x: f(x), (Z,))],
    "var": [(lambda f, x: f(x, correction=0.5), (X,))],
    "all": [(lambda f, x: f(x, axis=0), (X,))],
    "any": [(lambda f, x: f(x, keepdims=True), (X,))],
    "diff": [(lambda f, x: f(x, n=2, prepend=x[:, :1]), (X,)), (lambda f, x: f(x, axis=0), (X,))],
    "linalg.cholesky": [(lambda f, x: f(x @ x.mT + 2 * np.eye(3)), (S,))],
    "linalg.cross": [(lambda f, a, b: f(a, b, axis=-1), (X, X[::-1]))],
    "linalg.det": [(lambda f, x: f(x), (S,))],
    "linalg.diagonal": [(lambda f, x: f(x, offset=1), (S,))],
    "linalg.eigh": [(lambda f, x: f(x + x.mT).eigenvalues, (S,))],
    "linalg.eigvalsh": [(lambda f, x: f(x + x.mT), (S,))],
    "linalg.inv": [(lambda f, x: f(x), (S,))],
    "linalg.matmul": [(lambda f, a, b: f(a, b), (X, S))],
    "linalg.matrix_norm": [(lambda f, x: f(x, keepdims=True), (T,))],
    "linalg.matrix_power": [(lambda f, x: f(x, 3), (S,))],
    "linalg.matrix_rank": [(lambda f, x: f(x), (S,))],
    "linalg.matrix_transpose": [(lambda f, x: f(x), (T,))],
    "linalg.outer": [(lambda f, a, b: f(a, b), (X[0], X[1]))],
    "linalg.pinv": [(lambda f, x: f(x, rtol=1e-12), (X,))],
    "linalg.qr": [(lambda f, x: f(x, mode="reduced").R, (S,))],
    "linalg.slogdet": [(lambda f, x: f(x).logabsdet, (S,))],
    "linalg.solve": [(lambda f, a, b: f(a, b), (S, X.T))],
    "linalg.svd": [(lambda f, x: f(x, full_matrices=False).S, (X,))],
    "linalg.svdvals": [(lambda f, x: f(x), (X,))],
    "linalg.tensordot": [(lambda f, a, b: f(a, b, axes=1), (X, S))],
    "linalg.trace": [(lambda f, x: f(x, offset=1), (T,))],
    "linalg.vecdot": [(lambda f, a, b: f(a, b), (X, X[::-1]))],
    "linalg.vector_norm": [(lambda f, x: f(x, axis=1, ord=3), (X,)), (lambda f, x: f(x), (X,))],
    "fft.fft": [(lambda f, x: f(x, n=4, axis=0, norm="ortho"), (X,))],
    "fft.ifft": [(lambda f, x: f(x), (Z,))],
    "fft.fftn": [(lambda f, x: f(x, axes=(0, 1)), (X,))],
    "fft.ifftn": [(lambda f, x: f(x), (Z,))],
    "fft.rfft": [(lambda f, x: f(x, norm="forward"), (X,))],
    "fft.irfft": [(lambda f, x: f(x, n=5), (Z,))],
    "fft.rfftn": [(lambda f, x: f(x), (X,))],
    "fft.irfftn": [(lambda f, x: f(x), (Z,))],
    "fft.hfft": [(lambda f, x: f(x), (Z,))],
    "fft.ihfft": [(lambda f, x: f(x), (X,))],
    "fft.fftfreq": [(lambda f: f(5, d=0.5, dtype=xp.float32), ())],
    "fft.rfftfreq": [(lambda f: f(6), ())],
    "fft.fftshift": [(lambda f, x: f(x, axes=1), (X,))],
    "fft.ifftshift": [(lambda f, x: f(x), (X,))],
}

#: Where NumPy spells it otherwise: the same in NumPy.
OTHERWISE = {
    "finfo": lambda x: np.finfo(getattr(x, "dtype", x) if isinstance(x, np.ndarray) else x),
    "sort": lambda x, axis=-1, descending=False, stable=True: (
        -np.sort(-x, axis) if descending else np.sort(x, axis)
    ),
    "argsort": lambda x, axis=-1, descending=False, stable=True: np.argsort(
        -x if descending else x, axis, stable=True
    ),
    "expand_dims": lambda x, axis=0: np.expand_dims(x, axis),
    "fft.fftfreq": lambda n, d=1.0, dtype=None: np.fft.fftfreq(n, d).astype(dtype or float),
    "fft.rfftfreq": lambda n, d=1.0, dtype=None: np.fft.rfftfreq(n, d).astype(dtype or float),
}
CALLS["sort"] = [
    (lambda f, x, d=d: f(x, axis=0, descending=d), (X,)) for d in (False, True)
]  # fmt: skip
CALLS["argsort"] = [(lambda f, x: f(x, descending=True), (np.array([[1.0, 2, 1, 3], [0, 5, 5, 0]]),))]

#: Results that have no derivative, or no dependence: plain.
NOT_VARIABLES = {
    *("empty", "empty_like", "eye", "ones", "ones_like", "zeros", "zeros_like", "can_cast", "finfo"),
    *("iinfo", "isdtype", "result_type", "argmax", "argmin", "count_nonzero", "nonzero", "searchsorted"),
    *("argsort", "all", "any", "linalg.matrix_rank", "fft.fftfreq", "fft.rfftfreq"),
}


def found(room: Any, name: str) -> Any:
    for part in name.split("."):
        room = getattr(room, part)
    return room


def bare(y: Any) -> Any:
    return y.data if isinstance(y, Variable) else y


CASES = [
    pytest.param(name, call, operands, id=f"{name}-{i}")
    for name, calls in CALLS.items()
    for i, (call, operands) in enumerate(calls)
]


def test_every_function_is_called():
    assert set(CALLS) == set(standard.functions())


@pytest.mark.parametrize("name", standard.functions())
def test_signature(name):
    function, declared = found(xp, name), inspect.signature(standard.functions()[name])
    positional, named = [], {}
    for p in declared.parameters.values():
        if p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL):
            positional.append(None)
        else:
            named[p.name] = None if p.default is p.empty else p.default
    try:
        signature = inspect.signature(function)
    except ValueError:  # NumPy's functions in C, and ufuncs, do not say
        return
    bound = signature.bind(*positional, **named)
    for p in declared.parameters.values():  # what the standard gives a default may be left out
        if p.default is not p.empty and p.kind is p.KEYWORD_ONLY:
            named.pop(p.name)
    signature.bind(*positional, **named)
    assert bound


@pytest.mark.parametrize(("name", "call", "operands"), CASES)
def test_value_type_and_gradient(name, call, operands):
    function = found(xp, name)
    numpys = OTHERWISE.get(name) or found(np, name)
    y, e = call(function, *[Variable(x) for x in operands]), call(numpys, *operands)
    if name in ("empty", "empty_like"):
        assert y.shape == e.shape and y.dtype == e.dtype
        return
    if hasattr(e, "dtype") and not isinstance(e, np.dtype):
        assert y.dtype == e.dtype and y.shape == e.shape
        np.testing.assert_allclose(bare(y), e, rtol=1e-12)
    else:
        assert y == e
    if hasattr(e, "dtype") and e.dtype.kind in "fc" and operands and name not in NOT_VARIABLES:
        assert isinstance(y, Variable)
        whence.testing.check_gradient(lambda *xs: call(function, *xs), *operands, order=1)
    else:
        assert not isinstance(y, Variable)
    assert type(bare(call(function, *operands))) is type(e)  # plain arrays stay plain


@pytest.mark.parametrize("name", standard.UNARY)
def test_unary(name):
    f = getattr(xp, name)
    for x in (X + (1 if name == "acosh" else 0), X.astype(np.float32) + (1 if name == "acosh" else 0)):
        y, e = f(Variable(x)), getattr(np, name)(x)
        assert y.dtype == e.dtype
        np.testing.assert_array_equal(bare(y), e)
        assert isinstance(y, Variable) == (e.dtype.kind in "fc")
    with pytest.raises(TypeError):
        f()


@pytest.mark.parametrize("name", standard.BINARY)
def test_binary(name):
    f = getattr(xp, name)
    for a, b in [(X, X[0] * 2), (X, np.array(0.5)), (X.astype(np.float32), X.astype(np.float32) + 1)]:
        e = getattr(np, name)(a, b)
        for y in (f(Variable(a), Variable(b)), f(Variable(a), b), f(a, Variable(b))):
            assert y.dtype == e.dtype
            np.testing.assert_array_equal(bare(y), e)
            assert isinstance(y, Variable) == (e.dtype.kind == "f")
    for y in (f(Variable(X), 2.0), f(2.0, Variable(X))):  # Python scalars
        assert y.shape == X.shape


@pytest.mark.parametrize("name", standard.PLAIN)
def test_functions_of_integers_are_plain(name):
    f, a = getattr(xp, name), np.array([True, False, True])
    if "shift" in name:
        a = a.astype(np.int64)
    y = f(a) if name.endswith(("not", "invert")) else f(a, a[::-1])
    assert type(y) is np.ndarray


def test_constants_dtypes_and_inspection():
    for name in standard.CONSTANTS:
        assert getattr(xp, name) is getattr(np, name)
    info = xp.__array_namespace_info__()
    for name in standard.INSPECTION:
        getattr(info, name)()
    assert set(info.dtypes()) == set(standard.DTYPES)
    for name in standard.DTYPES:
        assert np.dtype(getattr(xp, name)) == np.dtype(name)
    assert info.capabilities()["boolean indexing"] and "cpu" in info.devices()
    assert info.default_dtypes()["real floating"] == np.float64
    assert xp.__array_api_version__ >= "2024.12"


def test_the_array_object():
    v = Variable(X)
    for name in standard.METHODS:
        assert callable(getattr(Variable, name)), name
    for name in standard.ATTRIBUTES:
        assert getattr(v, name) is not None
    assert v.device == "cpu" and v.to_device("cpu") is v
    with pytest.raises(ValueError, match="cpu"):
        v.to_device("gpu")
    np.testing.assert_array_equal(v.mT.data, X.T)
    assert v.__dlpack_device__() == (1, 0)
    assert complex(Variable(2.0)) == 2 and int(Variable(2.5)) == 2 and bool(Variable(0.0)) is False
    with pytest.raises(TypeError):
        range(3)[Variable(1.0)]


@pytest.mark.parametrize("operator", ["add", "sub", "mul", "truediv", "pow", "matmul", "floordiv", "mod"])
def test_operators_on_both_sides_and_in_place(operator):
    left, right = S, S + 1
    e = getattr(left, f"__{operator}__")(right)
    v, w = Variable(left), Variable(right)
    np.testing.assert_array_equal(getattr(v, f"__{operator}__")(w).data, e)
    np.testing.assert_array_equal(getattr(w, f"__r{operator}__")(v).data, e)
    scope = {"v": v, "w": w}
    sign = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "matmul": "@"}
    exec(f"v {sign.get(operator, '//' if operator == 'floordiv' else '%')}= w", scope)
    np.testing.assert_array_equal(scope["v"].data, e)


def test_dlpack_would_lose_the_gradient():
    v = Variable(X)
    with pytest.raises(whence.WhenceError, match="DLPack asked for a plain array"):
        np.from_dlpack(v)
    with whence.no_grad():
        np.testing.assert_array_equal(np.from_dlpack(v), X)
    assert xp.from_dlpack(v) is v


def test_versions():
    for version in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        assert V.__array_namespace__(api_version=version) is xp
    with pytest.raises(ValueError, match="2099"):
        V.__array_namespace__(api_version="2099.12")


def test_a_program_written_for_the_standard():
    def program(x, y):
        xp = x.__array_namespace__()
        z = xp.where(x > 0.4, xp.exp(x), xp.astype(y, x.dtype))
        return xp.sum(xp.concat([z, xp.flip(y)])) / xp.linalg.vector_norm(y)

    whence.testing.check_gradient(program, X[0], X[1])
