"""autograd.numpy.fft: ``whence.numpy.fft``."""

from ....numpy.fft import *  # noqa: F403
