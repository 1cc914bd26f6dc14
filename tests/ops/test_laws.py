"""The laws, for every primitive, on calls drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whence
from whence.core.primitive import PRIMITIVES

from . import calculus as law
from .entries import Trial, array_of
from .tables import ENTRIES

NAMES = sorted(ENTRIES)
thorough = settings(max_examples=20, deadline=None, derandomize=True, database=None)
quick = settings(thorough, max_examples=10)
primitives = pytest.mark.parametrize("name", NAMES)
quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def test_every_primitive_has_an_entry():
    assert set(PRIMITIVES) <= set(ENTRIES)


def drawn(data: Any, name: str, large: bool | None = None, complex: bool = True) -> Any:
    """A call of a primitive, its arrays, which of them are Variables, and a seed."""
    large = data.draw(st.integers(0, 4), "large") == 0 if large is None else large
    trial: Trial = ENTRIES[name](data.draw, large)
    seed = data.draw(st.integers(0, 999), "seed")
    kinds = "fc" if trial.complex and complex else "f"
    arrays = [
        array_of(spec, i, seed, data.draw(st.sampled_from(kinds), "kind"))
        for i, spec in enumerate(trial.specs)
    ]
    everything = range(len(arrays))
    wrt = data.draw(st.sets(st.sampled_from(everything), min_size=1).map(sorted), "variables")
    return trial, arrays, wrt, seed


def laid_out(data: Any, f: Any, arrays: Any) -> Any:
    """The same call on arrays that are held in another layout."""
    layouts = [law.LAYOUTS[data.draw(st.sampled_from(sorted(law.LAYOUTS)), "layout")] for _ in arrays]

    def through(*held: Any) -> Any:
        return f(*(layout.view(a) for layout, a in zip(layouts, held, strict=True)))

    return through, [layout.store(a) for layout, a in zip(layouts, arrays, strict=True)]


@quiet
@primitives
@quick
@given(st.data())
def test_value_is_numpys(name, data):
    trial, arrays, wrt, _ = drawn(data, name)
    law.check_value(trial.f, trial.plain, arrays, wrt)


@quiet
@primitives
@thorough
@given(st.data())
def test_first_derivative(name, data):
    trial, arrays, wrt, seed = drawn(data, name)
    f, held = laid_out(data, trial.f, arrays)
    law.check_first(f, held, wrt, seed)


@quiet
@primitives
@thorough
@given(st.data())
def test_second_derivative(name, data):
    trial, arrays, wrt, seed = drawn(data, name)
    f, held = laid_out(data, trial.f, arrays)
    law.check_second(f, held, wrt, seed)


@quiet
@primitives
@quick
@given(st.data())
def test_single_stays_single(name, data):
    trial, arrays, wrt, seed = drawn(data, name)
    law.check_single(trial.f, trial.plain, arrays, wrt, seed)


@quiet
@primitives
@quick
@given(st.data())
def test_gradients_own_their_memory(name, data):
    trial, arrays, wrt, seed = drawn(data, name)
    law.check_memory(trial.f, arrays, wrt, seed, create_graph=data.draw(st.booleans(), "create_graph"))


@quiet
@pytest.mark.skipif(not hasattr(whence, "jvp"), reason="forward mode is not there")
@primitives
@quick
@given(st.data())
def test_forward_agrees_with_reverse(name, data):
    trial, arrays, wrt, seed = drawn(data, name)
    law.check_forward(trial.f, arrays, wrt, seed)


loops = pytest.mark.filterwarnings("ignore::whence.errors.BatchingWarning")


def mapped_of(data: Any, arrays: Any) -> list[int]:
    """Which operands carry the examples, one at least."""
    return data.draw(st.sets(st.sampled_from(range(len(arrays))), min_size=1).map(sorted), "mapped")


@quiet
@loops
@primitives
@quick
@given(st.data())
def test_vmap_is_a_loop(name, data):
    trial, arrays, _, _ = drawn(data, name)
    law.check_vmap(trial.f, arrays, mapped_of(data, arrays), data.draw(st.sampled_from([0, -1]), "axis"))


@quiet
@loops
@primitives
@quick
@given(st.data())
def test_gradients_under_vmap(name, data):
    trial, arrays, _, seed = drawn(data, name)
    law.check_vmap_of_grad(trial.f, arrays, mapped_of(data, arrays), seed)


@quiet
@primitives
@quick
@given(st.data())
def test_jacobian_is_its_rows(name, data):
    trial, arrays, wrt, seed = drawn(data, name, large=False, complex=False)
    law.check_jacobian(trial.f, arrays, wrt)
    law.check_hessian(trial.f, arrays, wrt, seed)


UNARY = [n for n in NAMES if len(PRIMITIVES[n].domain) == 1 and n.startswith("np.") and n != "np.ldexp"]


@quiet
@pytest.mark.parametrize("name", [*UNARY, "identity", "np.modf", "np.where", "np.add", "np.copy"])
@pytest.mark.parametrize("order", [0, 1])
def test_sums_of_large_gradients_overwrite_nothing(name, order):
    """Where a value is used twice, its gradients are added, perhaps in place: only in fresh memory."""
    f = PRIMITIVES[name].apply
    domain = (*PRIMITIVES[name].domain, (1.1, 1.9))[0]
    x = whence.Variable(np.linspace(*domain, 12_000))
    seed = np.linspace(-1, 1, x.size)
    u = x * 1.0
    if name == "np.where":
        y = f(np.arange(x.size) % 2 == 0, u, u)
    elif name == "np.add":
        y = f(u, u)
    else:
        y = law.parts(f(u))[0]
    total = y + u if order else u + y
    total.backward(retain_grad=True, gradient=seed)
    alone = law.gradients(
        lambda a: law.parts(
            f(
                *[np.arange(a.size) % 2 == 0] * (name == "np.where"),
                *[a] * (2 if name in ("np.where", "np.add") else 1),
            )
        )[0],
        [x.data],
        [0],
        [seed],
    )[0]
    np.testing.assert_allclose(x.grad.data, law.grad_of(alone) + seed, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(seed, np.linspace(-1, 1, x.size))
    np.testing.assert_array_equal(y.grad.data, seed)
    np.testing.assert_array_equal(u.grad.data, x.grad.data)


BINARY = [n for n in NAMES if len(PRIMITIVES[n].domain) == 2]


@quiet
@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("constant", [float, np.float64, np.float32, np.array, int])
@pytest.mark.parametrize("position", [0, 1])
def test_a_scalar_constant_is_an_array_of_it(name, constant, position):
    f, domain = PRIMITIVES[name].apply, PRIMITIVES[name].domain
    c = constant(round(domain[position][1]) if constant is int else domain[position][1] * 0.9)
    low, high = domain[1 - position]
    x = np.linspace(low, high, 5)[1:-1]
    gradients = []
    for other in (c, np.full(3, float(c))):
        v = whence.Variable(x)
        operands = (other, v) if position == 0 else (v, other)
        np.sum(f(*operands)).backward()
        gradients.append(v.grad.data)
        np.testing.assert_allclose(
            f(*operands).data, PRIMITIVES[name].forward(*(x if o is v else o for o in operands))
        )
    # a rule such as b - 1 may be computed in the constant's own single precision
    rtol = 1e-6 if constant is np.float32 else 1e-12
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=rtol)
