"""The mirror of ``scipy.integrate``: integrals and solutions of differential equations, with derivatives.

What has no gradient here is SciPy's own, and refuses Variables.
"""

from __future__ import annotations

from typing import Any

from scipy import integrate

from ..beyond import passed_on
from .nested import dblquad as dblquad
from .nested import nquad as nquad
from .nested import tplquad as tplquad
from .ode import odeint as odeint
from .ode import solve_ivp as solve_ivp
from .quadrature import quad as quad
from .quadrature import quad_vec as quad_vec
from .sampled import cumulative_simpson as cumulative_simpson
from .sampled import cumulative_trapezoid as cumulative_trapezoid
from .sampled import fixed_quad as fixed_quad
from .sampled import romb as romb
from .sampled import simpson as simpson
from .sampled import trapezoid as trapezoid

_REMEDIES = {
    "solve_bvp": "write the collocation equations and differentiate their solution with "
    "whence.implicit_root, or shoot with whence.scipy.integrate.solve_ivp",
    "ode": "use whence.scipy.integrate.solve_ivp",
    "complex_ode": "use whence.scipy.integrate.solve_ivp",
    "tanhsinh": "use whence.scipy.integrate.quad",
    "cubature": "use whence.scipy.integrate.nquad",
    "qmc_quad": "use whence.scipy.integrate.nquad, or np.mean of the function at points of your own",
}


def __getattr__(name: str) -> Any:
    return passed_on(integrate, name, _REMEDIES)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(dir(integrate)))
