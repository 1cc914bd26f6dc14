"""SciPy's elementary special functions: exponentials, error functions, gamma functions, entropies.

Rules are ``g * f'(x)``, written so that they neither cancel nor overflow where ``f'`` itself does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..core.origin import called_at
from ..core.primitive import Primitive, elementwise
from ..core.table import OPS
from ..core.variable import as_array
from ..errors import DtypeError, NoGradientError
from .declare import frozen
from .elementwise import LN2, LN10

_ANY, _POSITIVE, _UNIT, _INSIDE = (-3.0, 3.0), (0.2, 3.0), (-0.9, 0.9), (0.05, 0.95)
ROOT_PI = float(np.sqrt(np.pi))
ROOT_2PI = float(np.sqrt(2 * np.pi))


def is_complex(*xs: Any) -> bool:
    """Is one of the values complex?"""
    return any(np.iscomplexobj(frozen(x)) for x in xs)


def _zero(g: Any, y: Any, *xs: Any) -> Any:
    return np.zeros_like(g)


# --- exponentials, logarithms, degrees -----------------------------------------------------------

expm1 = elementwise(special.expm1, vjp=[lambda g, y, x: g * (y + 1)], reads=["y"], domain=[_ANY])
exp2 = elementwise(special.exp2, vjp=[lambda g, y, x: g * (LN2 * y)], reads=["y"], domain=[_ANY])
exp10 = elementwise(special.exp10, vjp=[lambda g, y, x: g * (LN10 * y)], reads=["y"], domain=[(-1, 1)])
log1p = elementwise(special.log1p, vjp=[lambda g, y, x: g / (1 + x)], reads=["0"], domain=[(-0.7, 3.0)])
cbrt = elementwise(special.cbrt, vjp=[lambda g, y, x: g / (3 * y * y)], reads=["y"], domain=[_POSITIVE])
cosm1 = elementwise(special.cosm1, vjp=[lambda g, y, x: -g * np.sin(x)], reads=["0"], domain=[_ANY])
# exprel = 1F1(1; 2; x), whose derivative needs no division by x (DLMF 13.3.15)
exprel = elementwise(
    special.exprel,
    vjp=[lambda g, y, x: g * (special.hyp1f1(2.0, 3.0, x) / 2)],
    reads=["0"],
    domain=[_ANY],
)
powm1 = elementwise(
    special.powm1,
    vjp=[
        lambda g, y, a, b: g * (b * a ** (b - 1)),
        lambda g, y, a, b: g * ((y + 1) * np.log(np.where(np.equal(a, 0), 1, a))),
    ],
    reads=["01", "0y"],
    domain=[_POSITIVE, _ANY],
)
_DEGREE = float(np.pi) / 180
sindg = elementwise(
    special.sindg, vjp=[lambda g, y, x: g * (_DEGREE * special.cosdg(x))], reads=["0"], domain=[(-50, 50)]
)
cosdg = elementwise(
    special.cosdg, vjp=[lambda g, y, x: g * (-_DEGREE * special.sindg(x))], reads=["0"], domain=[(-50, 50)]
)
tandg = elementwise(
    special.tandg, vjp=[lambda g, y, x: g * (_DEGREE * (1 + y * y))], reads=["y"], domain=[(-50, 50)]
)
cotdg = elementwise(
    special.cotdg, vjp=[lambda g, y, x: g * (-_DEGREE * (1 + y * y))], reads=["y"], domain=[(30, 80)]
)
radian = elementwise(
    special.radian,
    vjp=[
        lambda g, y, d, m, s: g * _DEGREE,
        lambda g, y, d, m, s: g * (_DEGREE / 60),
        lambda g, y, d, m, s: g * (_DEGREE / 3600),
    ],
    reads=["", "", ""],
    domain=[_ANY, _ANY, _ANY],
)
for _step, _domain in ((special.round, (0.1, 0.4)), (special.gammasgn, (0.2, 3.0))):
    elementwise(_step, vjp=[_zero], reads=[""], domain=[_domain])

# --- logistic ------------------------------------------------------------------------------------

# y * (1 - y) would be 0 for x > 37
expit = elementwise(
    special.expit, vjp=[lambda g, y, x: g * (y * special.expit(-x))], reads=["0y"], domain=[_ANY]
)
log_expit = elementwise(
    special.log_expit, vjp=[lambda g, y, x: g * special.expit(-x)], reads=["0"], domain=[_ANY]
)
logit = elementwise(special.logit, vjp=[lambda g, y, x: g / (x * (1 - x))], reads=["0"], domain=[_INSIDE])

# --- error functions -----------------------------------------------------------------------------

FAR = 10.0  # from here on 2 x f(x) - c cancels, and the asymptotic series has all digits


def _tail(x: Any, sign: int) -> Any:
    """``sum_n (2n+1) (2n-1)!! (sign / 2x^2)^n / (2 x^2)``: for ``x >= FAR`` (DLMF 7.12.1)."""
    small = sign / (2 * x * x)
    total: Any = 0.0
    for n in range(12, -1, -1):
        total = total * small + (2 * n + 1) * float(special.factorial2(2 * n - 1) if n else 1)
    return total / (2 * x * x)


def _erfcx_slope(x: Any, y: Any) -> Any:
    near = 2 * x * y - 2 / ROOT_PI
    if is_complex(x) or not np.any(frozen(x) > FAR):
        return near
    far = frozen(x) > FAR
    return np.where(far, -2 / ROOT_PI * _tail(np.where(far, x, FAR), -1), near)


def _dawsn_slope(x: Any, y: Any) -> Any:
    near = 1 - 2 * x * y
    if is_complex(x) or not np.any(np.abs(frozen(x)) > FAR):
        return near
    far = np.abs(frozen(x)) > FAR
    return np.where(far, -_tail(np.where(far, x, FAR), 1), near)


erf = elementwise(
    special.erf, vjp=[lambda g, y, x: g * (2 / ROOT_PI * np.exp(-x * x))], reads=["0"], domain=[_ANY]
)
erfc = elementwise(
    special.erfc, vjp=[lambda g, y, x: g * (-2 / ROOT_PI * np.exp(-x * x))], reads=["0"], domain=[_ANY]
)
erfi = elementwise(
    special.erfi, vjp=[lambda g, y, x: g * (2 / ROOT_PI * np.exp(x * x))], reads=["0"], domain=[(-1, 1)]
)
erfcx = elementwise(special.erfcx, vjp=[lambda g, y, x: g * _erfcx_slope(x, y)], domain=[(-1, 3)])
dawsn = elementwise(special.dawsn, vjp=[lambda g, y, x: g * _dawsn_slope(x, y)], domain=[_ANY])
wofz = elementwise(special.wofz, vjp=[lambda g, y, z: g * (2j / ROOT_PI - 2 * z * y)], domain=[(-1, 2)])
erfinv = elementwise(
    special.erfinv, vjp=[lambda g, y, x: g * (ROOT_PI / 2 * np.exp(y * y))], reads=["y"], domain=[_UNIT]
)
erfcinv = elementwise(
    special.erfcinv,
    vjp=[lambda g, y, x: g * (-ROOT_PI / 2 * np.exp(y * y))],
    reads=["y"],
    domain=[(0.1, 1.9)],
)
ndtr = elementwise(
    special.ndtr, vjp=[lambda g, y, x: g * (np.exp(x * x / -2) / ROOT_2PI)], reads=["0"], domain=[_ANY]
)
_ROOT_HALF = float(np.sqrt(0.5))


def _log_ndtr_slope(x: Any) -> Any:
    # the density over the distribution function; exp(-x**2 / 2 - y) would be off by eps * x**2
    return float(np.sqrt(2 / np.pi)) / special.erfcx(-_ROOT_HALF * x)


log_ndtr = elementwise(
    special.log_ndtr, vjp=[lambda g, y, x: g * _log_ndtr_slope(x)], reads=["0"], domain=[_ANY]
)
ndtri = elementwise(
    special.ndtri, vjp=[lambda g, y, p: g * (ROOT_2PI * np.exp(y * y / 2))], reads=["y"], domain=[_INSIDE]
)
ndtri_exp = elementwise(
    special.ndtri_exp, vjp=[lambda g, y, x: g / _log_ndtr_slope(y)], reads=["y"], domain=[(-3.0, -0.05)]
)


def _nrdtrisd_rule(g: Any, y: Any, mean: Any, p: Any, x: Any) -> Any:
    quantile = special.ndtri(p)
    return g * (-y / quantile * ROOT_2PI * np.exp(quantile * quantile / 2))


nrdtrimn = elementwise(
    special.nrdtrimn,  # the mean x - std * ndtri(p)
    vjp=[
        lambda g, y, p, std, x: g * (-std * ROOT_2PI * np.exp(special.ndtri(p) ** 2 / 2)),
        lambda g, y, p, std, x: -g * special.ndtri(p),
        lambda g, y, p, std, x: g,
    ],
    reads=["01", "0", ""],
    domain=[(0.6, 0.95), _POSITIVE, _POSITIVE],
)
nrdtrisd = elementwise(
    special.nrdtrisd,  # the deviation (x - mean) / ndtri(p)
    vjp=[
        lambda g, y, mean, p, x: -g / special.ndtri(p),
        _nrdtrisd_rule,
        lambda g, y, mean, p, x: g / special.ndtri(p),
    ],
    reads=["1", "1y", "1"],
    domain=[(-1.0, 0.0), (0.6, 0.95), (0.5, 2.0)],
)
owens_t = elementwise(
    special.owens_t,
    vjp=[
        lambda g, y, h, a: g * (-np.exp(h * h / -2) * special.erf(_ROOT_HALF * a * h) / (2 * ROOT_2PI)),
        lambda g, y, h, a: g * (np.exp(h * h * (1 + a * a) / -2) / (2 * np.pi * (1 + a * a))),
    ],
    reads=["01", "01"],
    domain=[_ANY, _ANY],
)


def _voigt_parts(x: Any, sigma: Any, gamma: Any) -> Any:
    """The slope of the profile along x, and minus that along gamma, as one complex number."""
    if np.any(np.equal(frozen(sigma), 0)):
        raise NoGradientError(
            f"scipy.special.voigt_profile has no gradient at sigma = 0 in whence{called_at()}\n"
            "  → gamma / (np.pi * (x**2 + gamma**2)), the Lorentz profile that it is there"
        )
    scale = np.sqrt(2.0) * sigma
    z = (x + 1j * gamma) / scale
    return (2j / ROOT_PI - 2 * z * special.wofz(z)) / (ROOT_PI * scale * scale)


def _voigt_width(g: Any, y: Any, x: Any, sigma: Any, gamma: Any) -> Any:
    slope = _voigt_parts(x, sigma, gamma)  # the profile is homogeneous of degree -1
    return g * ((gamma * np.imag(slope) - x * np.real(slope) - y) / sigma)


voigt_profile = elementwise(
    special.voigt_profile,
    vjp=[
        lambda g, y, x, sigma, gamma: g * np.real(_voigt_parts(x, sigma, gamma)),
        _voigt_width,
        lambda g, y, x, sigma, gamma: -g * np.imag(_voigt_parts(x, sigma, gamma)),
    ],
    domain=[_ANY, (0.4, 2.0), (0.3, 2.0)],
)

# --- gamma functions -----------------------------------------------------------------------------


def no_pole(slope: Any, x: Any, name: str) -> Any:
    """``slope``, unless ``x`` is a pole of the gamma function, where it would be NaN."""
    at = frozen(x)
    if np.any(np.logical_and(np.less(np.real(at), 0), np.equal(at, np.floor(np.real(at))))):
        raise NoGradientError(
            f"{name} has a pole at the negative integers, where it has no gradient{called_at()}\n"
            "  → np.where with a harmless argument in place of these"
        )
    return slope


def _trigamma(x: Any) -> Any:
    if is_complex(x):
        raise NoGradientError(
            f"scipy.special.psi of a complex argument has no gradient in whence{called_at()}\n"
            "  → SciPy's polygamma functions take real arguments only"
        )
    return polygamma(x, n=1)


def _polygamma(x: Any, n: Any) -> Any:
    if as_array(x).dtype.kind == "c":
        raise DtypeError(f"scipy.special.polygamma takes real arguments only{called_at()}")
    return special.polygamma(n, x)


polygamma = Primitive(
    "scipy.special.polygamma",
    _polygamma,
    vjp=[lambda g, y, x, n: g * polygamma(x, n=n + 1)],
    reads=["0"],
    kind="elementwise",
)
psi = elementwise(
    special.psi,
    vjp=[lambda g, y, x: g * no_pole(_trigamma(x), x, "scipy.special.psi")],
    reads=["0"],
    domain=[_POSITIVE],
)
gamma = elementwise(
    special.gamma,
    vjp=[lambda g, y, x: g * (y * no_pole(special.psi(x), x, "scipy.special.gamma"))],
    domain=[_POSITIVE],
)
gammaln = elementwise(
    special.gammaln,
    vjp=[lambda g, y, x: g * no_pole(special.psi(x), x, "scipy.special.gammaln")],
    reads=["0"],
    domain=[_POSITIVE],
)
loggamma = elementwise(
    special.loggamma,
    vjp=[lambda g, y, x: g * no_pole(special.psi(x), x, "scipy.special.loggamma")],
    reads=["0"],
    domain=[_POSITIVE],
)


def _rgamma_slope(x: Any, y: Any) -> Any:
    """``-psi(x) / gamma(x)``, left of 1/2 by reflection: psi has poles where 1 / gamma has zeros."""
    left = np.real(frozen(x)) < 0.5
    right = -y * special.psi(np.where(left, 1.0, x))
    if not np.any(left):
        return right
    mirrored = np.where(left, 1 - x, 1.0)
    # sin and cos of pi x, from the nearest integer on: so zeros are zeros
    nearest = np.round(np.real(frozen(x)))
    sign = 1 - 2 * np.mod(nearest, 2)
    angle = np.pi * (np.where(left, x, nearest) - nearest)
    reflected = sign * (np.cos(angle) - special.psi(mirrored) * np.sin(angle) / np.pi)
    return np.where(left, special.gamma(mirrored) * reflected, right)


rgamma = elementwise(special.rgamma, vjp=[lambda g, y, x: g * _rgamma_slope(x, y)], domain=[_POSITIVE])
beta = elementwise(
    special.beta,
    vjp=[
        lambda g, y, a, b: g * (y * (special.psi(a) - special.psi(a + b))),
        lambda g, y, a, b: g * (y * (special.psi(b) - special.psi(a + b))),
    ],
    domain=[(0.5, 3.0), (0.5, 3.0)],
)
betaln = elementwise(
    special.betaln,
    vjp=[
        lambda g, y, a, b: g * (special.psi(a) - special.psi(a + b)),
        lambda g, y, a, b: g * (special.psi(b) - special.psi(a + b)),
    ],
    reads=["01", "01"],
    domain=[(0.5, 3.0), (0.5, 3.0)],
)
OPS[special.digamma] = psi.apply  # the same function under its other name
