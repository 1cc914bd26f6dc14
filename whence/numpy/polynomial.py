"""``numpy.polynomial``: NumPy's own functions, which Variables answer for themselves."""

from numpy.polynomial import *  # noqa: F403
