"""autograd.numpy.numpy_vspaces: one class serves real and complex arrays."""

from ..spaces import VSpace as ArrayVSpace

ComplexArrayVSpace = ArrayVSpace
