"""Linear: the affine map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Parameter
from ..errors import ShapeError
from ..random import Stream
from . import init
from .dtypes import default_dtype
from .functions.linear import linear
from .module import Module


class Linear(Module):
    """``y = x Wᵀ + b``.

    Args:
        in_features: length of the last axis of x; None to learn it from the first input.
        out_features: length of the last axis of y.
        bias: add ``b``?
        dtype: of the parameters; None for the default (float32).
        stream: what the first weights are drawn from; None for the default stream. They are uniform on
            ± 1/√in_features, as in PyTorch.

    Shapes:
        x: (..., in_features); weight: (out_features, in_features); bias: (out_features,);
        y: (..., out_features).

    Raises:
        ShapeError: x has another last axis.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> layer = nn.Linear(None, 2)
        >>> layer(np.ones((5, 3))).shape, layer
        ((5, 2), Linear(3, 2))
    """

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        bias: bool = True,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self._stream, self._dtype = stream, default_dtype(dtype)
        self.weight = Parameter(None)
        self.bias = Parameter(None) if bias else None
        if in_features is not None:
            self._start(in_features)

    def _start(self, in_features: int) -> None:
        self.in_features = in_features
        bound = 1 / math.sqrt(in_features) if in_features else 0.0
        shape = (self.out_features, in_features)
        self.weight.initialize(init.uniform(shape, bound, self._stream, self._dtype))
        if self.bias is not None:
            self.bias.initialize(init.uniform(shape[:1], bound, self._stream, self._dtype))

    def forward(self, x: Any) -> Any:
        """``x Wᵀ + b``."""
        if self.weight.is_lazy:
            self._start(np.shape(x)[-1])
        elif self.in_features is None:  # the weight came from a state_dict
            self.in_features = self.weight.shape[1]
        if np.shape(x)[-1:] != (self.in_features,):
            raise ShapeError(
                f"Linear({self.in_features}, {self.out_features}) got x of shape {np.shape(x)}{called_at()}\n"
                f"  → its last axis has to be {self.in_features}"
            )
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Its sizes."""
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")
