"""Transformer blocks; Vaswani et al. (2017), arXiv:1706.03762."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np

from ..random import Stream
from .attention import MultiheadAttention, checked_activation
from .containers import ModuleList
from .dropout import Dropout
from .dtypes import default_dtype
from .functions.activation import gelu, relu
from .linear import Linear
from .module import Module
from .norm import LayerNorm
from .sizes import check_sizes


def sinusoidal_positions(length: int, width: int, dtype: Any = None) -> np.ndarray:
    """Sines and cosines of the position, (length, width), at wavelengths from 2π to 10000 · 2π.

    ``[t, 2i] = sin(t / 10000^(2i / width))``, ``[t, 2i + 1]`` the cosine; arXiv:1706.03762, section 3.5.

    >>> print(sinusoidal_positions(2, 4).round(3))
    [[0.    1.    0.    1.   ]
     [0.841 0.54  0.01  1.   ]]
    """
    angles = np.arange(length)[:, None] / 10000 ** (np.arange(0, width, 2) / max(width, 1))
    table = np.empty((length, width), default_dtype(dtype))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles)[:, : width // 2]
    return table


class _Block(Module):
    """What the layers of encoder and decoder share: two linear maps, norms, where the norms stand."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        check_sizes(self, 1, d_model=d_model, nhead=nhead)
        check_sizes(self, dim_feedforward=dim_feedforward)
        how: Any = {"batch_first": batch_first, "dtype": dtype, "stream": stream}
        self._attend = partial(MultiheadAttention, d_model, nhead, dropout, bias, **how)
        self.self_attn = self._attend()
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype, stream)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype, stream)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout = Dropout(dropout, stream=stream)
        self.norm_first = norm_first
        self.activation = checked_activation(activation, {"relu": relu, "gelu": gelu})

    def _around(self, x: Any, norm: Any, part: Callable[[Any], Any]) -> Any:
        """``x + part(norm(x))``, or ``norm(x + part(x))``."""
        if self.norm_first:
            return x + self.dropout(part(norm(x)))
        return norm(x + self.dropout(part(x)))

    def _feed_forward(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Block):
    """Self-attention, then two linear maps, each with a residual and a norm.

    Args:
        d_model: width of the positions.
        nhead: number of heads.
        dim_feedforward: width between the linear maps.
        dropout: probability, in training.
        activation: ``"relu"``, ``"gelu"`` or a function.
        layer_norm_eps: of the norms.
        batch_first: the batch is the first axis, not the second.
        norm_first: the norms stand before the parts instead of after the sums.
        bias: have the maps and norms biases?
        dtype: of the parameters; None for the default (float32).
        stream: what first weights and dropout are drawn from.

    Shapes:
        src and the result: (S, B, d_model), or (S, d_model). The parameters have PyTorch's names.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> nn.TransformerEncoderLayer(8, 2, 16)(np.ones((5, 3, 8), np.float32)).shape
        (5, 3, 8)
    """

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Any:
        """The block's result; masks as in :class:`MultiheadAttention`."""

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        x = self._around(src, self.norm1, attend)
        return self._around(x, self.norm2, self._feed_forward)


class TransformerDecoderLayer(_Block):
    """Self-attention, attention to the encoder's result, then two linear maps.

    Arguments are those of :class:`TransformerEncoderLayer`.

    Shapes:
        tgt and the result: (T, B, d_model), or (T, d_model); memory: (S, B, d_model).

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> block = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
        >>> block(np.ones((3, 4, 8)), np.ones((3, 5, 8)), tgt_is_causal=True).shape
        (3, 4, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        options = (activation, layer_norm_eps, batch_first, norm_first, bias, dtype, stream)
        super().__init__(d_model, nhead, dim_feedforward, dropout, *options)
        self.multihead_attn = self._attend()
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The block's result; masks as in :class:`MultiheadAttention`."""

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def look(x: Any) -> Any:
            masks = (memory_key_padding_mask, False, memory_mask)
            return self.multihead_attn(x, memory, memory, *masks, is_causal=memory_is_causal)[0]

        x = self._around(tgt, self.norm1, attend)
        x = self._around(x, self.norm2, look)
        return self._around(x, self.norm3, self._feed_forward)


class TransformerEncoder(Module):
    """Copies of one layer, one after the other; they start with equal weights, as in PyTorch.

    Args:
        encoder_layer: the layer.
        num_layers: how many copies.
        norm: a module for the end, or None.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 3)
        >>> encoder(np.ones((5, 3, 8), np.float32), is_causal=True).shape
        (5, 3, 8)
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = ModuleList(deepcopy(encoder_layer) for _ in range(num_layers))
        self.norm = norm

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Any:
        """The last layer's result."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Copies of one decoder layer, one after the other; see :class:`TransformerEncoder`.

    Args:
        decoder_layer: the layer.
        num_layers: how many copies.
        norm: a module for the end, or None.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = ModuleList(deepcopy(decoder_layer) for _ in range(num_layers))
        self.norm = norm

    def forward(self, tgt: Any, memory: Any, *masks: Any, **options: Any) -> Any:
        """The last layer's result; masks as the layer takes them."""
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks, **options)
        return tgt if self.norm is None else self.norm(tgt)
