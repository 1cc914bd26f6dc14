"""SciPy's optimisers with exact derivatives, on containers of arrays, with error bars."""

from .curve import CurveFit as CurveFit
from .curve import curve_fit as curve_fit
from .fit import Fit as Fit
from .fit import Propagated as Propagated
from .fit import propagate as propagate
from .minimum import minimize as minimize
from .squares import least_squares as least_squares
from .squares import root as root
