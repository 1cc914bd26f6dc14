"""Recurrent layers: RNN, LSTM and GRU over whole sequences, stacked and in both directions."""

from __future__ import annotations

from typing import Any

from ..core.origin import called_at
from ..errors import ShapeError, WhenceError
from ..ops.lstm import lstm_steps
from ..ops.recurrent import gru_steps, rnn_steps, run
from ..random import Stream
from .recurrence import Recurrent
from .sizes import check_sizes


class RNN(Recurrent):
    """``h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)``; Elman (1990), Cognitive Science 14.

    Args:
        input_size: length of x_t; None to learn it from the first input.
        hidden_size: length of h.
        num_layers: how many are stacked: each takes the states of the one below.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias: use b_ih and b_hh?
        batch_first: the batch is the first axis of x and y, not the second.
        dropout: with this probability an output of a layer is left out on its way to the next.
        bidirectional: a second set of weights goes from the end to the beginning.
        dtype: of the parameters; None for the default (float32).
        stream: what the weights (uniform on ± 1/√hidden_size) and dropout are drawn from.

    Shapes:
        x: (T, B, input_size), or (T, input_size) for one sequence; hx, h_n: (layers × directions, B,
        hidden_size); y: (T, B, directions × hidden_size). The parameters have PyTorch's names.

    Raises:
        ShapeError: inputs, states or lengths that do not fit.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> y, h = nn.RNN(3, 4, num_layers=2)(np.ones((7, 5, 3)))
        >>> y.shape, h.shape
        ((7, 5, 4), (2, 5, 4))
    """

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.nonlinearity = checked_nonlinearity(nonlinearity)
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, stream
        )

    def _run(self, x: Any, states: Any, weights: Any, reverse: bool, mask: Any) -> tuple[Any, ...]:
        relu = self.nonlinearity == "relu"
        return run(rnn_steps, x, *states, *weights, relu=relu, reverse=reverse, mask=mask)

    def forward(self, x: Any, hx: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """The states of the last layer at all steps, and the last states of all layers.

        Args:
            x: the sequences.
            hx: states to start from; None for zeros.
            lengths: (B,) how many steps of each sequence count. Outputs after its end are zero, and its last
                state is the one at its end.
        """
        y, (h,) = self._through(x, None if hx is None else (hx,), lengths)
        return y, h


class LSTM(Recurrent):
    """Long short-term memory; Hochreiter and Schmidhuber (1997), Neural Computation 9(8).

    ``i, f, o = σ(W x_t + b + U h_(t-1))``, ``g = tanh(W_g x_t + b_g + U_g h_(t-1))``,
    ``c_t = f c_(t-1) + i g``, ``h_t = o tanh(c_t)``. Weights hold the rows of i, f, g, o in this order.

    Args:
        input_size: length of x_t; None to learn it from the first input.
        hidden_size: length of h and c.
        num_layers: how many are stacked: each takes the states of the one below.
        bias: use b_ih and b_hh?
        batch_first: the batch is the first axis of x and y, not the second.
        dropout: with this probability an output of a layer is left out on its way to the next.
        bidirectional: a second set of weights goes from the end to the beginning.
        proj_size: length of h, where that is not hidden_size: ``h_t = R (o tanh(c_t))``; Sak et al. (2014),
            arXiv:1402.1128. 0 for no R.
        dtype: of the parameters; None for the default (float32).
        stream: what the weights (uniform on ± 1/√hidden_size) and dropout are drawn from.

    Shapes:
        x: (T, B, input_size), or (T, input_size) for one sequence; h, c: (layers × directions, B,
        hidden_size); y: (T, B, directions × hidden_size); for h and y proj_size, if there is one. The
        parameters have PyTorch's names.

    Raises:
        ShapeError: inputs, states or lengths that do not fit.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> lstm = nn.LSTM(3, 4, bidirectional=True)
        >>> y, (h, c) = lstm(np.ones((7, 5, 3)), lengths=[7, 3, 1, 2, 5])
        >>> y.shape, h.shape, float(np.abs(y[3:, 1]).sum())
        ((7, 5, 8), (2, 5, 4), 0.0)
    """

    gates, states = 4, 2

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        check_sizes(self, 0, proj_size=proj_size)
        check_sizes(self, 1, hidden_size=hidden_size)
        if proj_size >= hidden_size:
            raise ShapeError(
                f"LSTM got proj_size={proj_size} with hidden_size={hidden_size}{called_at()}\n"
                "  → less than hidden_size, or 0 for no projection"
            )
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            dtype,
            stream,
            proj_size,
        )

    def _run(self, x: Any, states: Any, weights: Any, reverse: bool, mask: Any) -> tuple[Any, ...]:
        return run(lstm_steps, x, *states, *weights, reverse=reverse, mask=mask)[:2]

    def forward(self, x: Any, hx: Any = None, lengths: Any = None) -> tuple[Any, tuple[Any, Any]]:
        """The states of the last layer at all steps, and the last ``(h, c)`` of all layers.

        Args:
            x: the sequences.
            hx: ``(h, c)`` to start from; None for zeros.
            lengths: (B,) how many steps of each sequence count. Outputs after its end are zero, and its last
                state is the one at its end.
        """
        y, (h, c) = self._through(x, None if hx is None else pair_of(hx, "LSTM"), lengths)
        return y, (h, c)


class GRU(Recurrent):
    """Gated recurrent units; Cho et al. (2014), arXiv:1406.1078.

    ``r, z = σ(W x_t + b + U h_(t-1) + b')``, ``n = tanh(W_n x_t + b_n + r (U_n h_(t-1) + b'_n))``,
    ``h_t = (1 - z) n + z h_(t-1)``. Weights hold the rows of r, z, n in this order.

    Args:
        input_size: length of x_t; None to learn it from the first input.
        hidden_size: length of h.
        num_layers: how many are stacked: each takes the states of the one below.
        bias: use b_ih and b_hh?
        batch_first: the batch is the first axis of x and y, not the second.
        dropout: with this probability an output of a layer is left out on its way to the next.
        bidirectional: a second set of weights goes from the end to the beginning.
        dtype: of the parameters; None for the default (float32).
        stream: what the weights (uniform on ± 1/√hidden_size) and dropout are drawn from.

    Shapes:
        x: (T, B, input_size), or (T, input_size) for one sequence; hx, h_n: (layers × directions, B,
        hidden_size); y: (T, B, directions × hidden_size). The parameters have PyTorch's names.

    Raises:
        ShapeError: inputs, states or lengths that do not fit.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> y, h = nn.GRU(3, 4)(np.ones((7, 5, 3)))
        >>> y.shape, h.shape
        ((7, 5, 4), (1, 5, 4))
    """

    gates = 3
    merged_bias = False

    def _run(self, x: Any, states: Any, weights: Any, reverse: bool, mask: Any) -> tuple[Any, ...]:
        return run(gru_steps, x, *states, *weights, reverse=reverse, mask=mask)[:1]

    def forward(self, x: Any, hx: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """The states of the last layer at all steps, and the last states of all layers.

        Args:
            x: the sequences.
            hx: states to start from; None for zeros.
            lengths: (B,) how many steps of each sequence count. Outputs after its end are zero, and its last
                state is the one at its end.
        """
        y, (h,) = self._through(x, None if hx is None else (hx,), lengths)
        return y, h


def pair_of(hx: Any, name: str) -> tuple[Any, Any]:
    """``(h, c)``, and nothing else."""
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise ShapeError(f"{name} starts from a pair (h, c){called_at()}")
    return hx[0], hx[1]


def checked_nonlinearity(name: str) -> str:
    """``"tanh"`` or ``"relu"``."""
    if name not in ("tanh", "relu"):
        raise WhenceError(f"nonlinearity is 'tanh' or 'relu', not {name!r}{called_at()}")
    return name
