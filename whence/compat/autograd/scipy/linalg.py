"""autograd.scipy.linalg: SciPy's names, and ``whence.scipy.linalg``."""

from scipy.linalg import *  # noqa: F403

from ....scipy.linalg import *  # noqa: F403
