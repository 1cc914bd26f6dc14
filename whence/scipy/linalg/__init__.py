"""The mirror of ``scipy.linalg``: the same names and signatures, on Variables too.

Plain arrays get SciPy's own answer. What has no gradient raises when it is given a Variable.

>>> import numpy as np, whence
>>> import whence.scipy.linalg as linalg
>>> a = np.array([[0.0, 1.0], [-1.0, 0.0]])
>>> print(np.round(whence.grad(lambda t: linalg.expm(a * t)[0, 1])(0.0), 12))
1.0
"""

from types import ModuleType as _ModuleType
from typing import Any as _Any

from scipy import linalg as _original

from ..beyond import passed_on as _passed_on
from . import factors as _factors
from . import functions as _functions
from . import solvers as _solvers
from . import special as _special
from . import spectral as _spectral
from . import sylvester as _sylvester
from .mirror import MIRRORS as _MIRRORS

_ROOMS = (_factors, _functions, _solvers, _spectral, _special, _sylvester)  # imported, they register

#: Names that take no matrix to differentiate, or answer about one.
_PLAIN = frozenset(
    {"bandwidth", "ishermitian", "issymmetric", "dft", "hadamard", "helmert", "hilbert", "invhilbert"}
    | {"invpascal", "pascal", "find_best_blas_type", "get_blas_funcs", "get_lapack_funcs"}
)


def _chosen(name: str) -> _Any:
    value = getattr(_original, name)
    if isinstance(value, type) or not callable(value):
        return value
    if value in _MIRRORS:
        return _MIRRORS[value]
    return value if name in _PLAIN else _passed_on(_original, name)


_NAMES = [name for name in _original.__all__ if not isinstance(getattr(_original, name), _ModuleType)]
globals().update({name: _chosen(name) for name in _NAMES})
