"""autograd.numpy.random: ``whence.numpy.random``."""

from ....numpy.random import *  # noqa: F403
