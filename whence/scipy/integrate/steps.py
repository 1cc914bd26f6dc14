"""One-step methods whose steps are recorded: what the derivative of an ODE's solution is made of.

The steps of a run on plain numbers are taken once more, recorded, with their sizes held constant
(Bock 1981 calls it internal numerical differentiation): the derivative of a solution to within the
tolerance. ``DOP853`` (Hairer, Nørsett and Wanner, *Solving Ordinary Differential Equations I*,
section II.10) where the system is not stiff, the three-stage ``Radau`` IIA method (the same, II, section
IV.8) where it is; its stages are solutions of equations, differentiated by the implicit function theorem.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.integrate import DOP853

from ...core.origin import called_at
from ...core.primitive import Primitive
from ...core.variable import Variable
from ...errors import NoGradientError, NonFiniteError
from ...transforms.implicit import implicit_root
from ..beyond import bare

Field = Callable[[Any, Any], Any]  # f(t, y), y of shape (n,)

#: Σ w_i x_i of several vectors: one node where products and sums would be twenty.
_combined = Primitive(
    "scipy.integrate.stage",
    lambda *ks, weights: sum(w * k for w, k in zip(weights, ks, strict=True) if w),
    vjp=lambda i, g, y, *ks, weights: weights[i] * g,
    reads=[""],
    kind="linear",
    listed=False,
)


def _combination(weights: Any, vectors: Sequence[Any]) -> Any:
    kept = [(float(w), k) for w, k in zip(weights, vectors, strict=False) if w]
    return _combined(*[k for _, k in kept], weights=tuple([w for w, _ in kept]))


class Explicit:
    """Steps of DOP853: order 8, with an interpolant of order 7."""

    def step(self, f: Field, t: Any, y: Any, h: float) -> tuple[Any, list[Any]]:
        """``y(t + h)``, and the stages that an interpolation needs."""
        stages: list[Any] = []
        for row, c in zip(DOP853.A, DOP853.C, strict=True):
            at = y + h * _combination(row, stages) if stages else y
            stages.append(f(t + c * h, at))
        return y + h * _combination(DOP853.B, stages), stages

    def inside(self, f: Field, t: float, y: Any, h: float, end: Any, stages: list[Any], x: float) -> Any:
        """``y(t + x h)`` for ``0 < x < 1``, by the interpolant."""
        if len(stages) == DOP853.n_stages:  # the first time in this step
            stages.append(f(t + h, end))
            for row, c in zip(DOP853.A_EXTRA, DOP853.C_EXTRA, strict=True):
                stages.append(f(t + c * h, y + h * _combination(row, stages)))
        change = end - y
        first, last = h * stages[0], h * stages[DOP853.n_stages]
        terms = [change, first - change, 2 * change - (last + first)]
        terms += [h * _combination(row, stages) for row in DOP853.D]
        weights = np.cumprod([x if i % 2 == 0 else 1 - x for i in range(len(terms))])
        return y + _combination([float(w) for w in weights], terms)


_S6 = 6**0.5
_RADAU_C = np.array([(4 - _S6) / 10, (4 + _S6) / 10, 1.0])
_RADAU_A = np.array(
    [
        [(88 - 7 * _S6) / 360, (296 - 169 * _S6) / 1800, (-2 + 3 * _S6) / 225],
        [(296 + 169 * _S6) / 1800, (88 + 7 * _S6) / 360, (-2 - 3 * _S6) / 225],
        [(16 - _S6) / 36, (16 + _S6) / 36, 1 / 9],
    ]
)


class Implicit:
    """Steps of Radau IIA: order 5, L-stable."""

    def __init__(self, jacobian: Callable[[float, Any], Any], plain: Field) -> None:
        self.jacobian, self.plain = jacobian, plain

    def step(self, f: Field, t: Any, y: Any, h: float) -> tuple[Any, None]:
        """``y(t + h)``."""
        z = self._solve(float(bare(t)), bare(y), h)

        def equations(z: Any) -> Any:
            slopes = [f(t + c * h, y + z[i]) for i, c in enumerate(_RADAU_C)]
            return z - h * np.matmul(_RADAU_A, np.stack(slopes))

        z = implicit_root(equations, z)
        return y + z[2], None

    def inside(self, f: Field, t: float, y: Any, h: float, end: Any, stages: None, x: float) -> Any:
        """``y(t + x h)``: a step of its own."""
        return self.step(f, t, y, x * h)[0]

    def _solve(self, t: float, y: np.ndarray, h: float) -> np.ndarray:
        """The stages, by Newton's method to rounding."""
        n = y.size
        z = np.zeros((3, n), y.dtype)
        jacobian = self.jacobian(t, y)
        before = np.inf
        for sweep in range(60):
            slopes = np.stack([self.plain(t + c * h, y + part) for c, part in zip(_RADAU_C, z, strict=True)])
            residual = z - h * (_RADAU_A @ slopes)
            matrix = np.eye(3 * n) - h * np.kron(_RADAU_A, jacobian)
            change = np.linalg.solve(matrix, residual.ravel()).reshape(3, n)
            z = z - change
            size = np.max(np.abs(change) / (np.abs(y) + np.abs(z) + 1e-300), initial=0)
            if size < 4e-16 or (size >= before and size < 1e-9):
                return z
            if sweep % 3 == 2:
                jacobian = self.jacobian(t + h, y + z[2])
            before = size
        raise NonFiniteError(
            f"the stages of an implicit step at t = {t:.6g} could not be solved for{called_at()}\n"
            "  → a smaller rtol or max_step"
        )


def flow(f: Field, t: Any, y: Any, h: Any) -> Any:
    """``y(t + h)`` where ``h`` is zero: exact in its derivatives, to the fourth with respect to ``h``.

    (The classical Runge–Kutta step.) The fifth derivative with respect to ``h`` raises.
    """
    a = f(t, y)
    b = f(t + h / 2, y + h / 2 * a)
    c = f(t + h / 2, y + h / 2 * b)
    d = f(t + h, y + h * c)
    return y + h / 6 * (a + 2 * b + 2 * c + d) + few(h, left=4)


def _fewer(g: Any, y: Any, h: Any, left: int) -> Any:
    if left == 0:
        raise NoGradientError(
            f"a solution of an ODE has four derivatives with respect to its times{called_at()}\n"
            "  → differentiate the right-hand side, which is the first of them"
        )
    return g * few(h, left=left - 1)


#: Zero, with derivatives that are zero: so many of them are ``left``, the next raises.
few = Primitive(
    "the derivatives of an ODE's solution by its times",
    lambda h, left: np.zeros_like(h),
    vjp=[_fewer],
    kind="elementwise",
    listed=False,
)


class Path:
    """A solution as recorded steps: ``times`` (plain) and the states there.

    Called with times (an array, or Variables) it gives the states at them, of shape ``(n, len(times))``.
    """

    def __init__(self, f: Field, scheme: Any, times: np.ndarray, y0: Any) -> None:
        self.f, self.scheme, self.times = f, scheme, times
        self.states, self.stages = [y0], []
        for t, after in itertools.pairwise(times):
            y, stages = scheme.step(f, t, self.states[-1], after - t)
            self.states.append(y)
            self.stages.append(stages)
        self.signed = 1.0 if times[-1] >= times[0] else -1.0

    def at(self, t: float) -> Any:
        """The state at a plain time."""
        times = self.times
        k = int(np.searchsorted(self.signed * times, self.signed * t))
        if k < len(times) and times[k] == t:
            return self.states[k]
        k = min(max(k, 1), len(times) - 1) - 1
        start, h = float(times[k]), float(times[k + 1] - times[k])
        x = (t - start) / h
        return self.scheme.inside(
            self.f, start, self.states[k], h, self.states[k + 1], self.stages[k], float(x)
        )

    def __call__(self, t: Any) -> Any:
        """States at one time, ``(n,)``, or several, ``(n, len(t))``."""
        if np.ndim(t) == 0:
            return self.moved(self.at(float(bare(t))), t)
        return np.stack([self(part) for part in t], axis=-1)

    def moved(self, y: Any, t: Any) -> Any:
        """``y`` (the state at the value of ``t``), as a function of ``t`` where that is a Variable."""
        return flow(self.f, t._data, y, t - t._data) if isinstance(t, Variable) else y
