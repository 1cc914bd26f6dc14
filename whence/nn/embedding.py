"""Embedding: a learned row for each of finitely many things."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import random
from ..core.variable import Parameter, Variable
from ..random import Stream
from .dtypes import default_dtype
from .functions.embedding import embedding, padding_row
from .module import Module
from .sizes import check_sizes


class Embedding(Module):
    """``y = weight[indices]``.

    Args:
        num_embeddings: how many rows.
        embedding_dim: the length of a row.
        padding_idx: a row that stands for padding: zeros at first, and no gradient.
        max_norm: rows longer than this are shortened in the table when they are read.
        norm_type: p of the p-norm that lengths are measured by.
        scale_grad_by_freq: divide a row's gradient by how often it is read in a batch?
        dtype: of the table; None for the default (float32).
        stream: what the rows are drawn from, normal with standard deviation 1.

    Shapes:
        indices: (...); y: (..., embedding_dim); weight: (num_embeddings, embedding_dim).

    Raises:
        DtypeError: indices that are no integers. BoundsError: an index that is no row.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> words = nn.Embedding(10, 3, padding_idx=0)
        >>> y = words(np.array([[4, 2, 0]]))
        >>> print(y.shape, y[0, 2])
        (1, 3, 3) [0. 0. 0.]
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        check_sizes(self, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_row(padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        stream = random.default if stream is None else stream
        rows = stream.normal((num_embeddings, embedding_dim), dtype=default_dtype(dtype))
        if padding_idx is not None:
            rows[self.padding_idx] = 0
        self.weight = Parameter(rows)

    @classmethod
    def from_pretrained(
        cls,
        weight: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
    ) -> Embedding:
        """An embedding of rows that are there already; ``freeze``: they do not learn."""
        rows = weight._data if isinstance(weight, Variable) else np.asarray(weight)
        made = object.__new__(cls)
        made.num_embeddings, made.embedding_dim = rows.shape
        made.padding_idx = padding_idx
        made.max_norm, made.norm_type = max_norm, norm_type
        made.scale_grad_by_freq = scale_grad_by_freq
        made.weight = Parameter(rows)
        made.weight.requires_grad = not freeze
        return made

    def forward(self, indices: Any) -> Any:
        """The rows."""
        how = (self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)
        return embedding(indices, self.weight, *how)

    def extra_repr(self) -> str:
        """Its sizes."""
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False}
        said = [f", {name}={getattr(self, name)}" for name, x in usual.items() if getattr(self, name) != x]
        return f"{self.num_embeddings}, {self.embedding_dim}" + "".join(said)
