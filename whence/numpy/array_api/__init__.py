"""The array API standard 2024.12: what ``v.__array_namespace__()`` is.

``whence.numpy``, with the few functions whose parameters NumPy spells otherwise than the standard. A
Variable holds floating-point or complex numbers that can be differentiated; functions whose results are
integers or booleans (``argmax``, ``isfinite``, ``unique_inverse`` …) give plain NumPy arrays, which have
the standard's methods too.

Example:
    >>> import numpy, whence
    >>> def spread(x):
    ...     xp = x.__array_namespace__()
    ...     y = xp.sort(x, descending=True)
    ...     return y[0] - y[-1]
    >>> whence.grad(spread)(numpy.array([3.0, 1.0, 2.0]))
    array([ 1., -1.,  0.])
"""

from numpy import __array_api_version__ as __array_api_version__

from .. import *  # noqa: F403
from .. import __array_namespace_info__ as __array_namespace_info__
from .. import __version__ as __version__
from . import frequencies
from .functions import argsort as argsort
from .functions import diff as diff
from .functions import expand_dims as expand_dims
from .functions import finfo as finfo
from .functions import iinfo as iinfo
from .functions import sort as sort

fft = frequencies
