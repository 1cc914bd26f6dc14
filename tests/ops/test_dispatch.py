"""Every public function of NumPy, called with Variables: an op, a plain answer, or an error that helps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whence import Variable, WhenceError, no_grad
from whence.core.table import OPS, PLAIN
from whence.errors import NoGradientError

#: Counts step where an edge crosses a value, choices where a condition does: the derivative is zero.
COUNTS = {np.histogram, np.histogram2d, np.histogramdd, np.compress, np.extract}
WRITES_FILES = {"save", "savetxt", "savez", "savez_compressed"}


def dispatching() -> dict[str, Any]:
    """NumPy's functions that ask their arguments: ufuncs and those of ``__array_function__``."""
    found = {}
    for module in (np, np.linalg, np.fft):
        for name in sorted(set(dir(module)) - WRITES_FILES):
            f = getattr(module, name)
            if isinstance(f, np.ufunc) or (callable(f) and hasattr(f, "_implementation")):
                found[f"{module.__name__}.{name}"] = f
    return found


FUNCTIONS = dispatching()


def calls() -> list[tuple[Any, ...]]:
    """Argument lists that, between them, fit nearly every function."""
    square = np.array([[2.0, 0.5], [0.5, 1.0]])
    m, v, s = Variable(square), Variable(np.array([0.3, 0.6])), Variable(np.array(0.5))
    row = np.array([0.3, 0.6])
    lists: list[tuple[Any, ...]] = [(m,), (v,), (s,), ([v, v],), ([v, row],), (m, m), (v, v), (m, v), (s, s)]
    lists += [(row, v), (v, row), (v, 1), (m, 1), (v, v, v), (s, s, s), (v, 0, v), (m, [0, 1]), (row, row, v)]
    lists += [(m, 0, 1), (v, 2, 0), ("i,i->", v, v), ("ij->j", m), (v, row > 0.4), (row > 0.4, v)]
    lists += [(lambda x: x, 0, m), (v, [True], [lambda x: x]), ([row > 0.4], [v]), (v, 0.3, 1), (v, (2,))]
    lists += [
        (v, np.array([0]), v, 0),
        (v, v > 0.4, v),
        (np.array([0, 1]), v),
        (Variable(np.ones((2, 2, 2))), 2),
        (np.sum, m, 0),
        (m, np.array([[0, 1]]), s, 0),
        (Variable(np.array([0.0, 1.0, 2.5])), Variable(np.array([0.3, 0.6, 0.1])), 1),
        (Variable(np.array([0, 1])), (3,)),
        ((Variable(np.array([0, 1])),), (3,)),
        (Variable(np.arange(1.0, 4.0)), np.ones(3)),
    ]
    return lists


def leaves(y: Any) -> list[Any]:
    if isinstance(y, (tuple, list)):
        return [leaf for part in y for leaf in leaves(part)]
    return [y]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_no_function_loses_the_gradient_silently(name):
    f = FUNCTIONS[name]
    fitted = False
    for args in calls():
        try:
            y = f(*args)
        except NoGradientError as error:
            fitted = True
            assert f"test_dispatch.py:{LINE}" in str(error) or f in OPS
            continue
        except (WhenceError, TypeError, ValueError, IndexError, np.linalg.LinAlgError, AttributeError):
            continue
        fitted = True
        for i, leaf in enumerate(leaves(y)):
            if isinstance(leaf, np.ndarray) and leaf.dtype == object:
                assert not any(isinstance(element, Variable) for element in leaf.flat)
            elif isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in "fc":
                steps = f in PLAIN or (f in COUNTS and i == 0)
                assert steps or not _moves(f, args)[i], f"{name}{args} gave a plain array"
    assert fitted, f"none of the calls fitted {name}"


LINE = next(
    i
    for i, text in enumerate(Path(__file__).read_text(encoding="utf-8").splitlines(), 1)
    if text.strip() == "y = f(*args)"
)


def _moves(f: Any, args: Any) -> list[bool]:
    """Which results move with the Variables? (A step such as ``round`` may answer plainly.)"""

    def moved(by: float) -> list[Any]:
        with no_grad():
            y = f(*[Variable(a.data + by) if isinstance(a, Variable) else a for a in args])
        return [np.asarray(getattr(leaf, "_data", leaf)).tolist() for leaf in leaves(y)]

    return [before != after for before, after in zip(moved(0.0), moved(1e-6), strict=True)]


@pytest.mark.parametrize("f", [np.intersect1d, np.setdiff1d, np.unique_counts])
def test_the_error_names_function_line_and_remedy(f):
    if f in OPS or f in PLAIN:
        pytest.skip("has an op by now")
    x = Variable(np.array([0.1, 0.2]))
    args = (x,) if f is np.unique_counts else (x, x)
    line = sys._getframe().f_lineno + 2
    with pytest.raises(NoGradientError) as caught:
        f(*args)
    assert f"np.{f.__name__} has no gradient in whence" in str(caught.value)
    assert f"test_dispatch.py:{line}" in str(caught.value)
    assert "v.data" in str(caught.value)


def test_without_recording_every_function_works():
    x = Variable(np.array([0.1, 7.0]))
    with no_grad():
        np.testing.assert_array_equal(np.unwrap(x), np.unwrap(x.data))
        np.testing.assert_array_equal(np.asarray(x), [0.1, 7.0])


@pytest.mark.parametrize("f", [np.add, np.exp, np.sum, np.max, np.cumsum, np.clip, np.concatenate, np.stack])
def test_out_is_refused(f):
    x = Variable(np.ones(3))
    args = {np.add: (x, x), np.clip: (x, 0, 1), np.concatenate: ([x],), np.stack: ([x],)}.get(f, (x,))
    with pytest.raises(NoGradientError, match=r"out="):
        f(*args, out=np.empty(3))


def test_a_ufunc_mask_is_refused_with_the_remedy():
    x = Variable(np.ones(3))
    with pytest.raises(NoGradientError, match=r"np.where\(mask"):
        np.exp(x, where=np.array([True, False, True]))


def test_a_ufunc_takes_dtype():
    x = Variable(np.ones(3, np.float32))
    y = np.multiply(x, 2, dtype=np.float64)
    y.backward(gradient=np.ones(3))
    assert y.dtype == np.float64
    assert x.grad.dtype == np.float32
    assert type(np.rint(x, dtype=np.float32)) is Variable


@pytest.mark.parametrize("f", [np.sum, np.mean, np.cumsum, np.prod, np.cumprod])
def test_integers_asked_for_are_plain(f):
    x = Variable(np.array([1.7, 2.7]))
    y = f(x, dtype=int)
    assert not isinstance(y, Variable)
    np.testing.assert_array_equal(y, f(x.data, dtype=int))


def test_plain_functions_answer_in_plain_arrays():
    x = Variable(np.array([0.3, -0.6]))
    for f in (np.isfinite, np.argsort, np.argmax, np.signbit, np.zeros_like, np.nonzero, np.shape, np.ndim):
        assert not any(isinstance(leaf, Variable) for leaf in leaves(f(x)))
        np.testing.assert_array_equal(f(x), f(x.data))
    np.testing.assert_array_equal(np.less(x, 0), [False, True])
    assert np.allclose(x, x.data)
    assert np.result_type(x, np.float32) == np.float64


def test_full_like_keeps_the_gradient_of_the_value():
    x, value = Variable(np.ones((2, 3))), Variable(np.array(2.0))
    y = np.full_like(x, value)
    np.sum(y * 3).backward()
    assert float(value.grad) == 18.0
    assert type(np.full_like(x, 2.0)) is np.ndarray


def test_histogram_weights_are_not_dropped():
    weights = Variable(np.ones(3))
    counts, edges = np.histogram(np.array([0.0, 1.0, 4.0]), bins=[0, 2, 5], weights=weights)
    np.sum(counts * [1.0, 10.0]).backward()
    np.testing.assert_array_equal(weights.grad.data, [1, 1, 10])
    assert type(edges) is np.ndarray
