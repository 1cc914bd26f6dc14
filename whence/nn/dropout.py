"""Dropout layers: in training they set elements, or whole channels, to 0 at random."""

from __future__ import annotations

from typing import Any

from ..random import Stream
from .functions import dropout as f
from .module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False, stream: Stream | None = None) -> None:
        del inplace
        f.check_probability(type(self).__name__, p)
        self.p, self.stream = p, stream

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Dropout(_Dropout):
    """Each element is 0 with the probability p, else ``x / (1 - p)``: see ``functional.dropout``.

    Args:
        p: a probability.
        inplace: taken so that PyTorch's calls fit; nothing is ever written in place.
        stream: what masks are drawn from; None for ``whence.random.default``.

    Raises:
        WhenceError: p is no probability.

    Example:
        >>> import numpy as np
        >>> print(Dropout(0.5).eval()(np.ones(3)))
        [1. 1. 1.]
    """

    def forward(self, x: Any) -> Any:
        """``dropout`` of x in training, else x."""
        return f.dropout(x, self.p, self.training, self.stream)


class Dropout1d(_Dropout):
    """Dropout of whole channels of x: (N, C, L) or (C, L)."""

    def forward(self, x: Any) -> Any:
        """``dropout1d`` of x in training, else x."""
        return f.dropout1d(x, self.p, self.training, self.stream)


class Dropout2d(_Dropout):
    """Dropout of whole channels of x: (N, C, H, W) or (C, H, W)."""

    def forward(self, x: Any) -> Any:
        """``dropout2d`` of x in training, else x."""
        return f.dropout2d(x, self.p, self.training, self.stream)


class Dropout3d(_Dropout):
    """Dropout of whole channels of x: (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, x: Any) -> Any:
        """``dropout3d`` of x in training, else x."""
        return f.dropout3d(x, self.p, self.training, self.stream)


class AlphaDropout(_Dropout):
    """Dropout for networks of ``SELU``: mean 0 and variance 1 stay; see ``functional.alpha_dropout``."""

    def forward(self, x: Any) -> Any:
        """``alpha_dropout`` of x in training, else x."""
        return f.alpha_dropout(x, self.p, self.training, self.stream)
