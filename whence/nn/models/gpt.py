"""A GPT: a transformer that predicts the next token.

Radford et al. (2019), *Language models are unsupervised multitask learners*.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import random
from ...config import no_grad
from ...core.origin import called_at
from ...core.variable import Variable, as_array
from ...errors import ShapeError, WhenceError
from ...random import Stream
from ..attention import KVCache, MultiheadAttention
from ..containers import ModuleList
from ..dropout import Dropout
from ..embedding import Embedding
from ..functions.activation import gelu
from ..functions.linear import linear
from ..linear import Linear
from ..module import Module
from ..norm import LayerNorm


class Block(Module):
    """Attention to what came before, then two linear maps, each added to its normalised input's original."""

    def __init__(self, width: int, heads: int, dropout: float, dtype: Any, stream: Stream | None) -> None:
        self.norm1 = LayerNorm(width, dtype=dtype)
        self.attention = MultiheadAttention(
            width, heads, dropout, batch_first=True, dtype=dtype, stream=stream
        )
        self.norm2 = LayerNorm(width, dtype=dtype)
        self.up = Linear(width, 4 * width, dtype=dtype, stream=stream)
        self.down = Linear(4 * width, width, dtype=dtype, stream=stream)
        self.dropout = Dropout(dropout, stream=stream)

    def forward(self, x: Any, cache: KVCache | None = None) -> Any:
        """x: (B, T, width), and so the result."""
        h = self.norm1(x)
        x = x + self.dropout(self.attention(h, h, h, need_weights=False, is_causal=True, cache=cache)[0])
        return x + self.dropout(self.down(gelu(self.up(self.norm2(x)))))


class GPT(Module):
    """A decoder-only transformer with learned positions and norms in front.

    Args:
        vocab_size: how many tokens there are.
        context: the longest sequence.
        layers: how many blocks.
        heads: of each block's attention.
        width: of a token's vector.
        dropout: probability, in training.
        tied: is the table of tokens also the last layer's weight (Press and Wolf 2017, arXiv:1608.05859)?
        dtype: of the parameters; None for the default (float32).
        stream: what first weights and dropout are drawn from.

    Shapes:
        tokens: (B, T) or (T,) integers, T up to context; logits: (B, T, vocab_size) or (T, vocab_size).

    Raises:
        ShapeError: more tokens than the context holds. BoundsError: a token that is none.

    Example:
        >>> import numpy as np
        >>> from whence.nn.models.gpt import GPT
        >>> model = GPT(vocab_size=10, context=8, layers=2, heads=2, width=16)
        >>> model(np.array([[1, 2, 3]])).shape, model.generate([1, 2, 3], 4).shape
        ((1, 3, 10), (7,))
    """

    def __init__(
        self,
        vocab_size: int,
        context: int,
        layers: int = 4,
        heads: int = 4,
        width: int = 128,
        dropout: float = 0.0,
        tied: bool = False,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.context = context
        self.tokens = Embedding(vocab_size, width, dtype=dtype, stream=stream)
        self.positions = Embedding(context, width, dtype=dtype, stream=stream)
        self.dropout = Dropout(dropout, stream=stream)
        self.blocks = ModuleList(Block(width, heads, dropout, dtype, stream) for _ in range(layers))
        self.norm = LayerNorm(width, dtype=dtype)
        self.head = None if tied else Linear(width, vocab_size, bias=False, dtype=dtype, stream=stream)
        self._start(stream)

    def _start(self, stream: Stream | None) -> None:
        """Radford's first weights: normal with deviation 0.02, less where results are added up."""
        stream = random.default if stream is None else stream
        sums = math.sqrt(2 * max(len(self.blocks), 1))
        for name, p in self.named_parameters():
            if p.ndim > 1:
                std = 0.02 / (sums if name.endswith(("down.weight", "out_proj.weight")) else 1)
                p.assign(stream.normal(p.shape, std=std, dtype=p.dtype))
            elif name.endswith("bias"):
                p.assign(np.zeros(p.shape, p.dtype))

    def forward(self, tokens: Any, caches: list[KVCache] | None = None) -> Any:
        """The logits of the token after each; ``caches``: of each block, with what came before."""
        tokens = tokens if isinstance(tokens, Variable) else as_array(tokens)
        before = len(caches[0]) if caches else 0
        end = before + tokens.shape[-1]
        if tokens.ndim not in (1, 2) or end > self.context:
            raise ShapeError(
                f"GPT with a context of {self.context} got tokens of shape {tokens.shape}"
                + (f" after {before}" if before else "")
                + f"{called_at()}\n  → (B, T) or (T,), T up to {self.context} in all"
            )
        x = self.tokens(tokens[None] if tokens.ndim == 1 else tokens)
        x = self.dropout(x + self.positions.weight[before:end])
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i])
        x = self.norm(x)
        y = linear(x, self.tokens.weight) if self.head is None else self.head(x)
        return y[0] if tokens.ndim == 1 else y

    def generate(
        self,
        prompt: Any,
        n: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        stream: Stream | None = None,
    ) -> np.ndarray:
        """``prompt`` continued by n tokens, each drawn from what the model expects (without dropout).

        Each step computes one position; keys and values of those before are kept. Once the context is
        full, the model looks at its latter half and goes on from there.

        Args:
            prompt: (B, T) or (T,) tokens, one at least.
            n: how many to add.
            temperature: the logits are divided by it; 0 for the likeliest token.
            top_k: draw among that many of the likeliest only.
            stream: what is drawn from; None for the default stream.

        Returns:
            (B, T + n) or (T + n,) tokens.

        Raises:
            ShapeError: an empty prompt. WhenceError: a negative temperature, a top_k below 1.
        """
        found = np.asarray(prompt)
        if found.ndim not in (1, 2) or found.shape[-1] == 0:
            raise ShapeError(
                f"a prompt is (B, T) or (T,) tokens, one at least, not {found.shape}{called_at()}"
            )
        if temperature < 0 or (top_k is not None and top_k < 1):
            raise WhenceError(
                f"temperature {temperature}, top_k {top_k}{called_at()}\n"
                "  → temperature is not negative, top_k at least 1"
            )
        stream = random.default if stream is None else stream
        single, found = found.ndim == 1, np.atleast_2d(found)
        was = self.training
        self.eval()
        try:
            with no_grad():
                caches, new = [KVCache() for _ in self.blocks], found[:, -self.context :]
                for _ in range(n):
                    if caches and len(caches[0]) + new.shape[1] > self.context:
                        caches, new = [KVCache() for _ in self.blocks], found[:, -(self.context + 1) // 2 :]
                    logits = _values(self(new, caches))[:, -1]
                    new = _drawn(logits.astype(np.float64), temperature, top_k, stream)[:, None]
                    found = np.concatenate([found, new], axis=1)
        finally:
            self.train(was)
        return found[0] if single else found


def _values(y: Any) -> np.ndarray:
    return y._data if isinstance(y, Variable) else y


def _drawn(logits: Any, temperature: float, top_k: int | None, stream: Stream) -> np.ndarray:
    """One token for each row: the largest of logits plus Gumbel noise is distributed as the softmax."""
    if temperature == 0:
        return logits.argmax(axis=-1)
    if top_k is not None and top_k < logits.shape[-1]:
        least = np.partition(logits, -top_k, axis=-1)[:, -top_k, None]
        logits = np.where(logits >= least, logits, -np.inf)
    noise = -np.log(-np.log1p(-stream.uniform(logits.shape)))
    return (logits / temperature + noise).argmax(axis=-1)
