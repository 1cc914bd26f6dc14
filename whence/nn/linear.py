"""Linear: the affine map; Bilinear."""

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
from .functions.linear import bilinear, linear
from .module import Module
from .sizes import check_sizes


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
        check_sizes(self, lazy=True, in_features=in_features)
        check_sizes(self, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self._stream, self._dtype = stream, default_dtype(dtype)
        self.weight = Parameter(None)
        self.bias = Parameter(None) if bias else None
        if in_features is not None:
            self.learn_size(in_features)

    def lazy_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Of weight and bias."""
        return {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}

    def learn_size(self, size: int) -> None:
        """Take ``in_features``."""
        self.in_features = in_features = size
        bound = 1 / math.sqrt(in_features) if in_features else 0.0
        shape = (self.out_features, in_features)
        if self.weight.is_lazy:  # else a saved state has been loaded
            self.weight.initialize(init.uniform(shape, bound, self._stream, self._dtype))
        if self.bias is not None and self.bias.is_lazy:
            self.bias.initialize(init.uniform(shape[:1], bound, self._stream, self._dtype))

    def forward(self, x: Any) -> Any:
        """``x Wᵀ + b``."""
        shape = x.shape if hasattr(x, "shape") else np.shape(x)
        if self.in_features is None and shape:
            self.learn_size(shape[-1])
        if shape[-1:] != (self.in_features,):
            raise ShapeError(
                f"Linear({self.in_features}, {self.out_features}) got x of shape {shape}{called_at()}\n"
                f"  → its last axis has to be {self.in_features or 'the features'}"
            )
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Its sizes."""
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")


class Bilinear(Module):
    """``y_o = x1ᵀ W_o x2 + b_o``.

    Args:
        in1_features: length of the last axis of x1.
        in2_features: length of the last axis of x2.
        out_features: length of the last axis of y.
        bias: add ``b``?
        dtype: of the parameters; None for the default (float32).
        stream: what the first weights are drawn from, uniform on ± 1/√in1_features.

    Shapes:
        x1: (..., in1_features); x2: (..., in2_features); weight: (out, in1, in2); y: (..., out).

    Raises:
        ShapeError: inputs that do not fit.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> nn.Bilinear(2, 3, 4)(np.ones((5, 2)), np.ones((5, 3))).shape
        (5, 4)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        check_sizes(self, in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        bound = 1 / math.sqrt(in1_features) if in1_features else 0.0
        shape = (out_features, in1_features, in2_features)
        dtype = default_dtype(dtype)
        self.weight = Parameter(init.uniform(shape, bound, stream, dtype))
        self.bias = Parameter(init.uniform(shape[:1], bound, stream, dtype)) if bias else None

    def forward(self, x1: Any, x2: Any) -> Any:
        """``x1ᵀ W x2 + b``."""
        return bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Its sizes."""
        sizes = f"{self.in1_features}, {self.in2_features}, {self.out_features}"
        return sizes + ("" if self.bias is not None else ", bias=False")
