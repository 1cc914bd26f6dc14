"""autograd.numpy.numpy_boxes: a boxed array is a Variable."""

from ....core.variable import Variable as ArrayBox

__all__ = ["ArrayBox"]
