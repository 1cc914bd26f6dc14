"""Layers, activations and losses as functions, with PyTorch's names: ``import whence.nn.functional as F``."""

from .functions.embedding import embedding as embedding
from .functions.linear import bilinear as bilinear
from .functions.linear import linear as linear
