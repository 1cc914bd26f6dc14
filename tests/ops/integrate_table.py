"""Calls of the mirror of ``scipy.integrate`` for the laws: integrals of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate

from whence.scipy import integrate as ours

from .entries import Spec
from .examples import EXAMPLES, Example

X = np.array([0.0, 0.4, 0.7, 1.5, 1.6])
ROWS, SHORT = Spec((3, 5)), Spec((2, 3, 4))
PLACES = Spec((2, 5), 0.0, 5.0)


def _both(call: Any, *specs: Spec, complex: bool = True) -> Example:
    """``call(module, *arrays)`` with our module and with SciPy's."""
    return Example(
        lambda *xs: call(ours, *xs), specs, complex=complex, plain=lambda *xs: call(integrate, *xs)
    )


def _rising(x: Any) -> Any:
    """Increasing values along the last axis."""
    return np.cumsum(np.exp(x), axis=-1)


EXAMPLES.update(
    {
        ours.trapezoid: [
            _both(lambda m, y: m.trapezoid(y), ROWS),
            _both(lambda m, y: m.trapezoid(y, dx=0.5, axis=0), ROWS),
            _both(lambda m, y: m.trapezoid(y, X), ROWS),
            _both(lambda m, y, x: m.trapezoid(y, x, axis=-1), ROWS, Spec((5,)), complex=False),
            _both(lambda m, y, x: m.trapezoid(y, x, axis=1), SHORT, SHORT, complex=False),
        ],
        ours.cumulative_trapezoid: [
            _both(lambda m, y: m.cumulative_trapezoid(y), ROWS),
            _both(lambda m, y: m.cumulative_trapezoid(y, dx=0.5, axis=0, initial=0), ROWS),
            _both(lambda m, y, x: m.cumulative_trapezoid(y, x), ROWS, Spec((5,))),
            _both(lambda m, y, x: m.cumulative_trapezoid(y, x, axis=1, initial=0), SHORT, SHORT),
        ],
        ours.simpson: [
            _both(lambda m, y: m.simpson(y), ROWS),
            _both(lambda m, y: m.simpson(y, dx=0.5, axis=0), ROWS),
            _both(lambda m, y: m.simpson(y, dx=2.0), SHORT),
            _both(lambda m, y: m.simpson(y, X), ROWS),
            _both(lambda m, y: m.simpson(y), Spec((3, 2))),
            _both(lambda m, y, x: m.simpson(y, _rising(x)), Spec((2, 5)), PLACES, complex=False),
            _both(lambda m, y, x: m.simpson(y, _rising(x)), Spec((2, 4)), Spec((4,)), complex=False),
        ],
        ours.cumulative_simpson: [
            _both(lambda m, y: m.cumulative_simpson(y), ROWS, complex=False),
            _both(lambda m, y: m.cumulative_simpson(y, dx=0.5, axis=0, initial=0.5), ROWS, complex=False),
            _both(lambda m, y: m.cumulative_simpson(y, x=X[:4]), SHORT, complex=False),
            _both(lambda m, y, x: m.cumulative_simpson(y, x=_rising(x)), ROWS, Spec((5,)), complex=False),
            _both(lambda m, y: m.cumulative_simpson(y, axis=-1), Spec((3, 2)), complex=False),
        ],
        ours.romb: [
            _both(lambda m, y: m.romb(y, dx=0.3), ROWS, complex=False),
            _both(lambda m, y: m.romb(y, axis=0), Spec((3, 2)), complex=False),
        ],
        ours.fixed_quad: [
            _both(
                lambda m, a, b: m.fixed_quad(lambda x: np.exp(-x) * np.cos(x), a, b, n=7)[0],
                Spec(()),
                Spec(()),
                complex=False,
            ),
            _both(
                lambda m, p: m.fixed_quad(lambda x, p: np.sin(p * x), 0.0, 1.0, args=(p,))[0],
                Spec(()),
                complex=False,
            ),
        ],
    }
)
