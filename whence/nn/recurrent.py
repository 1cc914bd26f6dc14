"""Recurrent layers: RNN, LSTM and GRU over whole sequences, stacked and in both directions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Parameter, Variable, as_array
from ..errors import DtypeError, ShapeError, WhenceError
from ..ops.lstm import lstm_steps
from ..ops.recurrent import gru_steps, rnn_steps
from ..random import Stream
from . import init
from .dtypes import default_dtype
from .functions.dropout import dropout as dropped
from .functions.linear import linear
from .module import Module
from .sizes import check_sizes


class Recurrent(Module):
    """What RNN, LSTM and GRU share: weights by layer and direction, and the way through the layers."""

    gates = 1  # how many vectors of hidden_size a step computes
    merged_bias = True  # may the two biases be added up before the product with the state?

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        check_sizes(self, lazy=True, input_size=input_size)
        check_sizes(self, 1, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.has_bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional = bidirectional
        if not 0 <= dropout <= 1:
            raise WhenceError(f"dropout is a probability, not {dropout}{called_at()}")
        self._stream, self._dtype = stream, default_dtype(dtype)
        directions = 2 if bidirectional else 1
        for layer, name in self._names():
            inner = input_size if layer == 0 else hidden_size * directions
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                if bias or kind.startswith("weight"):
                    setattr(self, f"{kind}_{name}", Parameter(None))
                    if inner is not None or kind != "weight_ih":
                        self._start(f"{kind}_{name}", inner)

    def _names(self) -> Iterator[tuple[int, str]]:
        """Layer and PyTorch's suffix of each pass: ``l0``, ``l0_reverse``, ``l1``."""
        for layer in range(self.num_layers):
            yield layer, f"l{layer}"
            if self.bidirectional:
                yield layer, f"l{layer}_reverse"

    def _start(self, name: str, inner: int | None) -> None:
        rows, bound = self.gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        shape = (rows,) if name.startswith("bias") else (rows, self.hidden_size)
        shape = (rows, inner) if name.startswith("weight_ih") and inner is not None else shape
        getattr(self, name).initialize(init.uniform(shape, bound, self._stream, self._dtype))

    def lazy_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Of the first layer's weights for the input."""
        rows = self.gates * self.hidden_size
        return {f"weight_ih_{name}": (rows, self.input_size) for layer, name in self._names() if layer == 0}

    def learn_size(self, size: int) -> None:
        """Take ``input_size``."""
        self.input_size = size
        for name in self.lazy_shapes():
            if getattr(self, name).is_lazy:
                self._start(name, size)

    def _run(
        self, x: Any, states: tuple[Any, ...], w: Any, bias: Any, reverse: bool, mask: Any
    ) -> tuple[Any, ...]:
        """All steps of one layer in one direction: its states, (T, B, hidden_size), and cells."""
        raise NotImplementedError

    def _through(self, x: Any, states: tuple[Any, ...] | None, lengths: Any) -> tuple[Any, tuple[Any, ...]]:
        """Output and last states; the number of states (1, or 2 with cells) is that of ``starts``."""
        x, single = self._sequence(x)
        count, batch = x.shape[0], x.shape[1]
        starts = self._starts(states, batch, single)
        mask = None if lengths is None else self._mask(lengths, count, batch)
        ends: list[tuple[Any, ...]] = []
        outputs: list[Any] = []
        for k, (layer, name) in enumerate(self._names()):
            reverse = name.endswith("_reverse")
            if not reverse and layer > 0:
                x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
                outputs = []
                if self.dropout and self.training:
                    x = dropped(x, self.dropout, True, self._stream)
            bias, inner = self._biases(name)
            a = linear(x, getattr(self, f"weight_ih_{name}"), bias)
            begin = tuple(start[k] for start in starts)
            y = self._run(a, begin, getattr(self, f"weight_hh_{name}"), inner, reverse, mask)
            ends.append(tuple(part[0 if reverse else -1] for part in y))
            outputs.append(y[0] if mask is None else y[0] * mask[:, :, None])
        y = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
        last = tuple(part[0][None] if len(part) == 1 else np.stack(part) for part in zip(*ends, strict=True))
        if single:
            return y[:, 0], tuple(part[:, 0] for part in last)
        return (np.swapaxes(y, 0, 1) if self.batch_first else y), last

    def _biases(self, name: str) -> tuple[Any, Any]:
        """What is added to the inputs' product, and what to the state's."""
        if not self.has_bias:
            return None, None
        first, second = getattr(self, f"bias_ih_{name}"), getattr(self, f"bias_hh_{name}")
        return (first + second, None) if self.merged_bias else (first, second)

    def _sequence(self, x: Any) -> tuple[Any, bool]:
        """The input as (T, B, input_size), and whether it was one sequence without a batch."""
        x = x if isinstance(x, Variable) else as_array(x)
        single = x.ndim == 2
        if x.ndim not in (2, 3) or (self.input_size is not None and x.shape[-1] != self.input_size):
            lead, width = "(B, T, " if self.batch_first else "(T, B, ", self.input_size or "features"
            raise ShapeError(
                f"{type(self).__name__} got x of shape {x.shape}{called_at()}\n"
                f"  → {lead}{width}), or (T, {width}) for one sequence"
            )
        if self.input_size is None:
            self.learn_size(x.shape[-1])
        if single:
            x = x[:, None]
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        if x.shape[0] == 0:
            raise ShapeError(f"{type(self).__name__} got sequences of no steps{called_at()}")
        return x, single

    def _starts(self, states: tuple[Any, ...] | None, batch: int, single: bool) -> tuple[Any, ...]:
        wanted = (self.num_layers * (2 if self.bidirectional else 1), batch, self.hidden_size)
        if states is None:
            zeros = np.zeros(wanted, self.weight_hh_l0.dtype)  # type: ignore[attr-defined]
            return (zeros, zeros) if isinstance(self, LSTM) else (zeros,)
        if single:
            states = tuple(state[:, None] for state in states)
        for state in states:
            if np.shape(state) != wanted:
                raise ShapeError(
                    f"{type(self).__name__} got a first state of shape {np.shape(state)}{called_at()}\n"
                    f"  → {wanted}: (layers × directions, batch, hidden_size)"
                )
        return states

    def _mask(self, lengths: Any, count: int, batch: int) -> Any:
        """Which steps of which sequence are there, (T, B)."""
        n = lengths._data if isinstance(lengths, Variable) else as_array(lengths)
        if n.dtype.kind not in "iu":
            raise DtypeError(f"lengths are integers, not {n.dtype}{called_at()}")
        if n.shape != (batch,) or n.min(initial=1) < 1 or n.max(initial=1) > count:
            raise ShapeError(
                f"lengths {n.tolist()} for {batch} sequences of {count} steps{called_at()}\n"
                f"  → one for each sequence, from 1 to {count}"
            )
        return np.arange(count)[:, None] < n

    def extra_repr(self) -> str:
        """Its sizes."""
        said = [f"{self.input_size}, {self.hidden_size}"]
        for name, usual in (
            ("num_layers", 1),
            ("batch_first", False),
            ("dropout", 0.0),
            ("bidirectional", False),
        ):
            if getattr(self, name) != usual:
                said.append(f"{name}={getattr(self, name)}")
        return ", ".join(said) + ("" if self.has_bias else ", bias=False")


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

    def _run(self, x: Any, states: Any, w: Any, bias: Any, reverse: bool, mask: Any) -> tuple[Any, ...]:
        return rnn_steps.apply(x, *states, w, relu=self.nonlinearity == "relu", reverse=reverse, mask=mask)

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
        dtype: of the parameters; None for the default (float32).
        stream: what the weights (uniform on ± 1/√hidden_size) and dropout are drawn from.

    Shapes:
        x: (T, B, input_size), or (T, input_size) for one sequence; h, c: (layers × directions, B,
        hidden_size); y: (T, B, directions × hidden_size). The parameters have PyTorch's names.

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

    gates = 4

    def _run(self, x: Any, states: Any, w: Any, bias: Any, reverse: bool, mask: Any) -> tuple[Any, ...]:
        return lstm_steps.apply(x, *states, w, reverse=reverse, mask=mask)[:2]

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

    def _run(self, x: Any, states: Any, w: Any, bias: Any, reverse: bool, mask: Any) -> tuple[Any, ...]:
        biases = () if bias is None else (bias,)
        return gru_steps.apply(x, *states, w, *biases, reverse=reverse, mask=mask)[:1]

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
