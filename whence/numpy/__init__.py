"""NumPy's names for code that has Variables in it: ``import whence.numpy as np``.

Everything that NumPy has is here, under its name, and nearly everything is NumPy's own: NumPy asks a
Variable how to compute with it. The few functions that NumPy does not let a Variable answer for
(``array`` and its kin, ``full``, ``arange``, ``r_`` …) are replaced by whence's, which do what NumPy's
do and keep the gradient. ``whence.numpy.array_api`` is the namespace of the array API standard
(``v.__array_namespace__()``).

Example:
    >>> import whence
    >>> import whence.numpy as np
    >>> def length(p):
    ...     return np.linalg.norm(np.array([p[0], 3.0 * p[0] * p[1]]))
    >>> whence.grad(length)(np.array([4.0, 0.25]))
    array([1.25, 7.2 ])
"""

from numpy import __array_namespace_info__ as __array_namespace_info__
from numpy import __version__ as __version__

from . import fft as fft
from . import linalg as linalg
from . import polynomial as polynomial
from . import random as random
from . import testing as testing
from .base import *  # noqa: F403
from .creation import arange as arange
from .creation import array as array
from .creation import asanyarray as asanyarray
from .creation import asarray as asarray
from .creation import asarray_chkfinite as asarray_chkfinite
from .creation import ascontiguousarray as ascontiguousarray
from .creation import asfortranarray as asfortranarray
from .creation import from_dlpack as from_dlpack
from .creation import fromiter as fromiter
from .creation import full as full
from .creation import isscalar as isscalar
from .creation import require as require
from .loops import vectorize as vectorize
from .subscripts import c_ as c_  # type: ignore[misc]
from .subscripts import mgrid as mgrid  # type: ignore[misc]
from .subscripts import ogrid as ogrid  # type: ignore[misc]
from .subscripts import r_ as r_  # type: ignore[misc]
