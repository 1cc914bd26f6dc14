"""Every name of ``whence.numpy``, except the rooms that this package has itself."""

from ....numpy import *  # noqa: F403

del fft, linalg, random  # noqa: F821  (a package keeps the first module of a name that it is given)
