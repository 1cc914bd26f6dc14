"""autograd.scipy.special: SciPy's ufuncs, which Variables answer for, and ``whence.scipy.special``."""

from scipy.special import *  # noqa: F403

from ....scipy.special import *  # noqa: F403
