"""The mirror of ``scipy.interpolate``: differentiable in the points, the values and the knots.

What has no gradient here is SciPy's own, and refuses Variables.
"""

from __future__ import annotations

from typing import Any

from scipy import interpolate

from ..beyond import passed_on
from .bspline import BSpline as BSpline
from .bspline import make_interp_spline as make_interp_spline
from .bspline import splev as splev
from .cubic import Akima1DInterpolator as Akima1DInterpolator
from .cubic import CubicHermiteSpline as CubicHermiteSpline
from .cubic import CubicSpline as CubicSpline
from .cubic import PchipInterpolator as PchipInterpolator
from .linear import RegularGridInterpolator as RegularGridInterpolator
from .linear import interp1d as interp1d
from .linear import interpn as interpn
from .ppoly import PPoly as PPoly

_SPLINE = "whence.scipy.interpolate.CubicSpline or make_interp_spline"
_REMEDIES = {
    "UnivariateSpline": f"interpolate with {_SPLINE}, or fit coefficients of a BSpline by least squares",
    "InterpolatedUnivariateSpline": f"use {_SPLINE}",
    "LSQUnivariateSpline": "fit coefficients of whence.scipy.interpolate.BSpline by least squares",
    "splrep": f"use {_SPLINE}",
    "make_lsq_spline": "fit coefficients of whence.scipy.interpolate.BSpline by least squares",
    "make_smoothing_spline": "fit coefficients of whence.scipy.interpolate.BSpline by least squares",
    "pchip_interpolate": "use whence.scipy.interpolate.PchipInterpolator",
    "RectBivariateSpline": 'use whence.scipy.interpolate.RegularGridInterpolator(method="linear")',
}


def __getattr__(name: str) -> Any:
    return passed_on(interpolate, name, _REMEDIES)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(dir(interpolate)))
