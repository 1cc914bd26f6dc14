"""autograd.numpy.linalg: ``whence.numpy.linalg``."""

from ....numpy.linalg import *  # noqa: F403
from .lists import norm as norm
