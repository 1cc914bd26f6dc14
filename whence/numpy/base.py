"""Every name of NumPy, except those that whence has something of its own for."""

from numpy import *  # noqa: F403

# a package keeps the first module of a name that it is given, and these names are declared final
del fft, linalg, polynomial, random, testing, c_, mgrid, ogrid, r_  # noqa: F821
