"""A tagger: a label for each word of a sentence, by an LSTM in both directions."""

from __future__ import annotations

from typing import Any

from ...random import Stream
from ..dropout import Dropout
from ..embedding import Embedding
from ..linear import Linear
from ..module import Module
from ..recurrent import LSTM


class LSTMTagger(Module):
    """Words to vectors, an LSTM over the sentence, scores of the tags; Huang et al. (2015), arXiv:1508.01991.

    Args:
        vocab_size: how many words; word 0 is padding.
        tags: how many labels.
        embedding_dim: width of a word's vector.
        hidden_size: of the LSTM in each direction.
        num_layers: of the LSTM.
        bidirectional: does it read from both ends?
        dropout: probability of leaving out a value between the parts, in training.
        dtype: of the parameters; None for the default (float32).
        stream: what first weights and dropout are drawn from.

    Shapes:
        words: (B, T) integers; lengths: (B,) or None; scores: (B, T, tags).

    Example:
        >>> import numpy as np
        >>> from whence.nn.models.tagger import LSTMTagger
        >>> LSTMTagger(100, 5)(np.array([[3, 14, 15], [9, 26, 0]]), lengths=[3, 2]).shape
        (2, 3, 5)
    """

    def __init__(
        self,
        vocab_size: int,
        tags: int,
        embedding_dim: int = 64,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        how = {"dtype": dtype, "stream": stream}
        self.words = Embedding(vocab_size, embedding_dim, padding_idx=0, **how)
        self.lstm = LSTM(
            embedding_dim,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
            bidirectional=bidirectional,
            **how,
        )
        self.dropout = Dropout(dropout, stream=stream)
        self.scores = Linear(hidden_size * (2 if bidirectional else 1), tags, **how)

    def forward(self, words: Any, lengths: Any = None) -> Any:
        """A score for each tag of each word; what is behind a sentence's end means nothing."""
        states, _ = self.lstm(self.dropout(self.words(words)), lengths=lengths)
        return self.scores(self.dropout(states))
