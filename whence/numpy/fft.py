"""``numpy.fft``: NumPy's own functions, which Variables answer for themselves."""

from numpy.fft import *  # noqa: F403
