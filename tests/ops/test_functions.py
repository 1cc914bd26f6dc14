"""NumPy's functions on Variables: the value, the keywords and the gradient of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from whence import Variable
from whence.core.primitive import PRIMITIVES
from whence.core.table import OPS, name_of

from . import calculus as law
from .entries import Spec, array_of
from .examples import Example
from .tables import EXAMPLES

ELEMENTWISE = {
    f: PRIMITIVES[name_of(f)] if name_of(f) in PRIMITIVES else PRIMITIVES["np." + f.__name__]
    for f in OPS
    if isinstance(f, np.ufunc) and "np." + f.__name__ in PRIMITIVES and PRIMITIVES["np." + f.__name__].domain
}
SHAPE_QUERIES = {np.shape, np.ndim, np.size}


def _call_outer(ufunc: Any) -> Any:
    return lambda a, b: ufunc.outer(a, b)


def outers() -> dict[Any, list[Example]]:
    """``ufunc.outer`` of every binary ufunc."""
    found = {}
    for key in OPS:
        if isinstance(key, tuple) and key[1] == "outer":
            ufunc = key[0]
            domain = ELEMENTWISE[ufunc if ufunc is not np.divmod else np.floor_divide].domain
            if len(domain) == 2:
                specs = (Spec((2,), *domain[0]), Spec((3, 2), *domain[1]))
                found[key] = [Example(_call_outer(ufunc), specs, complex=False)]
    return found


ALL = EXAMPLES | outers()


def label(key: Any) -> str:
    return f"{name_of(key[0])}.{key[1]}" if isinstance(key, tuple) else name_of(key)


CASES = [
    pytest.param(example, id=f"{label(key)}-{i}")
    for key, examples in ALL.items()
    for i, example in enumerate(examples)
]
every = pytest.mark.parametrize("example", CASES)
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def drawn(example: Example, kinds: str) -> list[np.ndarray]:
    return [
        array_of(spec, i, seed=len(kinds) + i, kind=kinds[i % len(kinds)])
        for i, spec in enumerate(example.specs)
    ]


def all_kinds(example: Example) -> list[str]:
    return ["f", "c", "fc", "cf"][: (1 if not example.complex else 2 if len(example.specs) == 1 else 4)]


def test_every_function_has_an_example():
    missing = [
        label(key)
        for key in OPS
        if not isinstance(key, str) and key not in ALL and key not in ELEMENTWISE and key not in SHAPE_QUERIES
        if key != (np.ldexp, "outer") and key is not np.ascontiguousarray  # which does not dispatch
        if key not in (np.sign, np.ldexp)  # their laws stand in test_laws
    ]
    assert not missing


@pytest.mark.parametrize("ufunc", sorted(ELEMENTWISE, key=lambda f: f.__name__), ids=lambda f: f.__name__)
def test_ufuncs_dispatch_to_their_primitive(ufunc):
    primitive = ELEMENTWISE[ufunc]
    arrays = [np.array([0.3 * low + 0.7 * high]) for low, high in primitive.domain]
    if ufunc is np.ldexp:
        arrays.append(np.array([2]))
    y = ufunc(*[Variable(a) if a.dtype.kind == "f" else a for a in arrays])
    assert y.creator.primitive is primitive
    law.assert_same(y, ufunc(*arrays))


@every
def test_value_is_numpys(example):
    for kinds in all_kinds(example):
        arrays = drawn(example, kinds)
        ours, numpys = example.f(*[Variable(a) for a in arrays]), (example.plain or example.f)(*arrays)
        for y, e in zip(law.parts(ours), law.parts(numpys), strict=True):
            law.assert_same(y, e)
            assert isinstance(y, Variable) or example.constant
        assert isinstance(ours, Variable) or type(ours) is type(numpys)


@every
def test_first_derivative(example):
    for kinds in all_kinds(example):
        arrays = drawn(example, kinds)
        law.check_first(example.f, arrays, range(len(arrays)), 1)
        for i in range(len(arrays)):
            law.check_first(example.f, arrays, [i], 2)


@every
def test_second_derivative(example):
    for kinds in all_kinds(example):
        law.check_second(example.f, drawn(example, kinds), range(len(example.specs)), 1)


@every
def test_single_stays_single(example):
    arrays = drawn(example, "f")
    weights = law.weights_for(example.f(*arrays), 1)
    narrow = [a.astype(np.float32) for a in arrays]
    for y, e in zip(
        law.parts(example.f(*[Variable(a) for a in narrow])), law.parts(example.f(*narrow)), strict=True
    ):
        law.assert_same(y, e)
    exact = law.gradients(example.f, arrays, range(len(arrays)), weights)
    for x, e in zip(law.gradients(example.f, narrow, range(len(arrays)), weights), exact, strict=True):
        if x.grad is not None:
            assert x.grad.dtype == np.float32
            np.testing.assert_allclose(law.grad_of(x), law.grad_of(e), rtol=2e-3, atol=1e-3)


@every
def test_gradients_own_their_memory(example):
    for create_graph in (False, True):
        law.check_memory(
            example.f, drawn(example, "f"), range(len(example.specs)), 1, create_graph=create_graph
        )


@every
def test_forward_agrees_with_reverse(example):
    if example.constant:
        return
    for kinds in all_kinds(example):
        law.check_forward(example.f, drawn(example, kinds), range(len(example.specs)), 1)


loops = pytest.mark.filterwarnings("ignore::whence.errors.BatchingWarning")


@every
@loops
def test_vmap_is_a_loop(example):
    count = len(example.specs)
    for kinds in all_kinds(example):
        for axis in (0, -1):
            law.check_vmap(example.f, drawn(example, kinds), range(count), axis)
        for i in range(count if count > 1 else 0):
            law.check_vmap(example.f, drawn(example, kinds), [i], 0)


@every
@loops
def test_gradients_under_vmap(example):
    if example.constant:
        return
    for kinds in all_kinds(example):
        arrays = drawn(example, kinds)
        law.check_vmap_of_grad(example.f, arrays, range(len(arrays)), 1)
        law.check_vmap_of_grad(example.f, arrays, [0], 2)


@every
def test_jacobian_is_its_rows(example):
    if example.constant:
        return
    arrays = drawn(example, "f")
    law.check_jacobian(example.f, arrays, range(len(arrays)))
    law.check_hessian(example.f, arrays, range(len(arrays)), 1)


@pytest.mark.parametrize("example", [c for c in CASES if c.values[0].constant])
def test_steps_have_the_derivative_zero(example):
    (x,) = [Variable(a) for a in drawn(example, "f")]
    y = example.f(x)
    if isinstance(y, Variable):
        np.sum(y).backward()
        assert x.grad is None or not np.any(x.grad.data)
