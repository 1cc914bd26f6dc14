"""The mirror of ``scipy.optimize``: solutions that differentiate in what they depend on.

What has no gradient here is SciPy's own, and refuses Variables.
"""

from __future__ import annotations

from typing import Any

from scipy import optimize

from ..beyond import passed_on
from .minimum import minimize as minimize
from .minimum import minimize_scalar as minimize_scalar
from .roots import bisect as bisect
from .roots import brenth as brenth
from .roots import brentq as brentq
from .roots import fixed_point as fixed_point
from .roots import fsolve as fsolve
from .roots import newton as newton
from .roots import ridder as ridder
from .roots import root as root
from .roots import root_scalar as root_scalar
from .roots import toms748 as toms748
from .squares import curve_fit as curve_fit
from .squares import least_squares as least_squares
from .squares import linear_sum_assignment as linear_sum_assignment
from .squares import lsq_linear as lsq_linear
from .squares import nnls as nnls

_POLISH = "find x with the bare values (v.data), then whence.scipy.optimize.minimize from there"
_REMEDIES = {
    "linprog": "whence.implicit_root with the constraints that hold the solution",
    "milp": "its solutions jump: pass v.data",
    "differential_evolution": _POLISH,
    "basinhopping": _POLISH,
    "dual_annealing": _POLISH,
    "shgo": _POLISH,
    "direct": _POLISH,
    "brute": _POLISH,
    "leastsq": "use whence.scipy.optimize.least_squares",
    "fmin": "use whence.scipy.optimize.minimize",
    "fmin_bfgs": "use whence.scipy.optimize.minimize",
    "fmin_l_bfgs_b": "use whence.scipy.optimize.minimize",
}


def __getattr__(name: str) -> Any:
    return passed_on(optimize, name, _REMEDIES)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(dir(optimize)))
