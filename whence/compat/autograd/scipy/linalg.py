"""autograd.scipy.linalg: the mirror, whose functions have gradients."""

from ....scipy.linalg import *  # noqa: F403
