"""``numpy.testing``: NumPy's own, with assertions that look at the values of Variables."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from numpy import testing
from numpy.testing import *  # noqa: F403

from ..core.array import raw

F = TypeVar("F", bound=Callable[..., Any])


def _bare(x: Any) -> Any:
    """Variables, also inside lists, tuples and dicts, as their values."""
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        return type(x)(_bare(part) for part in x)
    if isinstance(x, dict):
        return {key: _bare(part) for key, part in x.items()}
    return raw(x)


def _of_values(function: F) -> F:
    """The assertion, made about the values of Variables."""

    @functools.wraps(function)
    def check(*args: Any, **kwargs: Any) -> Any:
        return function(*_bare(args), **_bare(kwargs))

    return check  # type: ignore[return-value]


assert_allclose = _of_values(testing.assert_allclose)
assert_almost_equal = _of_values(testing.assert_almost_equal)
assert_approx_equal = _of_values(testing.assert_approx_equal)
assert_array_almost_equal = _of_values(testing.assert_array_almost_equal)
assert_array_almost_equal_nulp = _of_values(testing.assert_array_almost_equal_nulp)
assert_array_equal = _of_values(testing.assert_array_equal)
assert_array_less = _of_values(testing.assert_array_less)
assert_array_max_ulp = _of_values(testing.assert_array_max_ulp)
assert_equal = _of_values(testing.assert_equal)
