"""Layers, activations and losses as functions, with PyTorch's names: ``import whence.nn.functional as F``."""

from .functions.linear import linear as linear
