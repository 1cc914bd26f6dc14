"""``numpy.linalg``: NumPy's own functions, which Variables answer for themselves."""

from numpy.linalg import *  # noqa: F403
