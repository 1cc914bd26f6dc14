"""Continuous distributions: values are SciPy's, gradients those of the values, in every argument."""

from __future__ import annotations

import numpy as np
import pytest

from whence import Variable
from whence.scipy.stats.rules import RULES

from ..ops import calculus as law
from .table import CASES, COUNTS, operands

CALLS = [
    pytest.param(dist, method, id=f"{dist.name}.{method}")
    for dist, case in CASES.items()
    for method in case.methods
]
calls = pytest.mark.parametrize("dist, method", CALLS)
pytestmark = pytest.mark.filterwarnings("ignore:The shape parameter of the erlang")


def test_every_rule_has_a_case():
    assert set(RULES) == {type(dist) for dist in (*CASES, *COUNTS)}


@calls
def test_value_is_scipys(dist, method):
    arrays = operands(dist, method)
    f = getattr(dist, method)
    expected = f(*arrays)
    for wrt in (range(len(arrays)), [len(arrays) - 1], [0]):
        y = f(*[Variable(a) if i in wrt else a for i, a in enumerate(arrays)])
        assert isinstance(y, Variable)
        law.assert_same(y, expected, rtol=2e-13)


@calls
def test_derivatives(dist, method):
    arrays = operands(dist, method)
    f = getattr(dist, method)
    law.check_first(f, arrays, range(len(arrays)), 1)
    for i in range(len(arrays)):
        law.check_first(f, arrays, [i], 2)
    law.check_second(f, arrays, range(len(arrays)), 1)
    law.check_forward(f, arrays, range(len(arrays)), 1)


@calls
def test_single_precision_in_gradient_single_out(dist, method):
    """The results are double, as SciPy's; the gradients are single."""
    arrays = operands(dist, method)
    f = getattr(dist, method)
    weights = law.weights_for(f(*arrays), 1)
    narrow = [a.astype(np.float32) for a in arrays]
    y = f(*[Variable(a) for a in narrow])
    assert y.dtype == np.float64
    np.testing.assert_allclose(y.data, f(*[a.astype(np.float64) for a in narrow]), rtol=1e-11)
    exact = law.gradients(f, arrays, range(len(arrays)), weights)
    for x, e in zip(law.gradients(f, narrow, range(len(arrays)), weights), exact, strict=True):
        if x.grad is not None:
            assert x.grad.dtype == np.float32
            np.testing.assert_allclose(law.grad_of(x), law.grad_of(e), rtol=2e-3, atol=1e-3)
