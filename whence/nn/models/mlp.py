"""A multi-layer perceptron."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ...core.origin import called_at
from ...errors import ShapeError
from ...random import Stream
from ..containers import ModuleList
from ..dropout import Dropout
from ..functions.activation import relu
from ..linear import Linear
from ..module import Module


class MLP(Module):
    """Linear layers with an activation between them.

    Args:
        sizes: widths from the input to the output; the first may be None, to learn it from the data.
        activation: a function (or module) between the layers.
        dropout: probability of leaving out a hidden value, in training.
        dtype: of the parameters; None for the default (float32).
        stream: what first weights and dropout are drawn from.

    Shapes:
        x: (..., sizes[0]); y: (..., sizes[-1]).

    Raises:
        ShapeError: fewer than two sizes.

    Example:
        >>> import numpy as np
        >>> from whence.nn.models.mlp import MLP
        >>> MLP([4, 16, 3], activation=np.tanh)(np.ones((5, 4))).shape
        (5, 3)
    """

    def __init__(
        self,
        sizes: Sequence[int | None],
        activation: Callable[[Any], Any] = relu,
        dropout: float = 0.0,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        if len(sizes) < 2 or None in sizes[1:]:
            raise ShapeError(
                f"an MLP has the sizes of its input and its output, not {list(sizes)}{called_at()}"
            )
        pairs = itertools.pairwise(sizes)
        self.layers = ModuleList(Linear(n, m or 0, dtype=dtype, stream=stream) for n, m in pairs)
        self.activation = activation
        self.dropout = Dropout(dropout, stream=stream) if dropout else None

    def forward(self, x: Any) -> Any:
        """The last layer's result."""
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
            if self.dropout is not None:
                x = self.dropout(x)
        return last(x)
