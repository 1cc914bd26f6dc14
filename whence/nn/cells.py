"""One step of a recurrent network: cells, for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Parameter, Variable, as_array
from ..errors import ShapeError
from ..ops.lstm import lstm_steps
from ..ops.recurrent import gru_steps, rnn_steps, run
from ..random import Stream
from . import init
from .dtypes import default_dtype
from .functions.linear import linear
from .module import Module
from .recurrent import checked_nonlinearity, pair_of
from .sizes import check_sizes


class Cell(Module):
    """What the cells share: their weights, and the shapes of their inputs."""

    gates = 1

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        bias: bool = True,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        check_sizes(self, lazy=True, input_size=input_size)
        check_sizes(self, 1, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        self._stream, self._dtype = stream, default_dtype(dtype)
        rows = self.gates * hidden_size
        self.weight_ih = Parameter(None)
        if input_size is not None:
            self.learn_size(input_size)
        self.weight_hh = Parameter(self._drawn((rows, hidden_size)))
        self.bias_ih = Parameter(self._drawn((rows,))) if bias else None
        self.bias_hh = Parameter(self._drawn((rows,))) if bias else None

    def _drawn(self, shape: tuple[int, ...]) -> Any:
        return init.uniform(shape, 1 / math.sqrt(self.hidden_size), self._stream, self._dtype)

    def lazy_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Of the weight for the input."""
        return {"weight_ih": (self.gates * self.hidden_size, self.input_size)}

    def learn_size(self, size: int) -> None:
        """Take ``input_size``."""
        self.input_size = size
        if self.weight_ih.is_lazy:
            self.weight_ih.initialize(self._drawn((self.gates * self.hidden_size, size)))

    def _step(self, x: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        """The op over one step: a is (1, B, gates)."""
        raise NotImplementedError

    def _taken(self, x: Any, states: tuple[Any, ...] | None, count: int) -> tuple[Any, ...]:
        """The next states, each (B, hidden_size), or (hidden_size,) for a single x."""
        x = x if isinstance(x, Variable) else as_array(x)
        if self.input_size is None and x.ndim:
            self.learn_size(x.shape[-1])
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__} got x of shape {x.shape}{called_at()}\n"
                f"  → (B, {self.input_size}), or ({self.input_size},)"
            )
        wanted = (*x.shape[:-1], self.hidden_size)
        if states is None:
            states = (np.zeros(wanted, self.weight_hh.dtype),) * count
        for state in states:
            if np.shape(state) != wanted:
                raise ShapeError(
                    f"{type(self).__name__} got a state of shape {np.shape(state)} for x of shape {x.shape}"
                    f"{called_at()}\n  → {wanted}"
                )
        if x.ndim == 1:
            x, states = x[None], tuple(state[None] for state in states)
            return tuple(part[0, 0] for part in self._step(x, states))
        return tuple(part[0] for part in self._step(x, states))

    def extra_repr(self) -> str:
        """Its sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias_ih is not None else ", bias=False")


class RNNCell(Cell):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, one step of :class:`~whence.nn.RNN`.

    Args:
        input_size: length of x; None to learn it from the first input.
        hidden_size: length of h.
        bias: use b_ih and b_hh?
        nonlinearity: ``"tanh"`` or ``"relu"``.
        dtype: of the parameters; None for the default (float32).
        stream: what the weights are drawn from, uniform on ± 1/√hidden_size.

    Shapes:
        x: (B, input_size) or (input_size,); h: (B, hidden_size) or (hidden_size,).

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> cell, h = nn.RNNCell(3, 4), None
        >>> for x in np.ones((6, 2, 3)):
        ...     h = cell(x, h)
        >>> h.shape
        (2, 4)
    """

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.nonlinearity = checked_nonlinearity(nonlinearity)
        super().__init__(input_size, hidden_size, bias, dtype, stream)

    def _step(self, x: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        a = linear(x, self.weight_ih, None if self.bias_ih is None else self.bias_ih + self.bias_hh)
        relu = self.nonlinearity == "relu"
        return run(rnn_steps, a[None], *states, self.weight_hh, relu=relu, reverse=False, mask=None)

    def forward(self, x: Any, hx: Any = None) -> Any:
        """The next state; ``hx``: the one before, None for zeros."""
        return self._taken(x, None if hx is None else (hx,), 1)[0]


class LSTMCell(Cell):
    """One step of :class:`~whence.nn.LSTM`: ``(h', c')`` from x and ``(h, c)``.

    Args:
        input_size: length of x; None to learn it from the first input.
        hidden_size: length of h and c.
        bias: use b_ih and b_hh?
        dtype: of the parameters; None for the default (float32).
        stream: what the weights are drawn from, uniform on ± 1/√hidden_size.

    Shapes:
        x: (B, input_size) or (input_size,); h, c: (B, hidden_size) or (hidden_size,).

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> h, c = nn.LSTMCell(3, 4)(np.ones((2, 3)))
        >>> h.shape, c.shape
        ((2, 4), (2, 4))
    """

    gates = 4

    def _step(self, x: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        a = linear(x, self.weight_ih, None if self.bias_ih is None else self.bias_ih + self.bias_hh)
        return run(lstm_steps, a[None], *states, self.weight_hh, reverse=False, mask=None)[:2]

    def forward(self, x: Any, hx: Any = None) -> tuple[Any, Any]:
        """The next ``(h, c)``; ``hx``: the pair before, None for zeros."""
        h, c = self._taken(x, None if hx is None else pair_of(hx, "LSTMCell"), 2)
        return h, c


class GRUCell(Cell):
    """One step of :class:`~whence.nn.GRU`.

    Args:
        input_size: length of x; None to learn it from the first input.
        hidden_size: length of h.
        bias: use b_ih and b_hh?
        dtype: of the parameters; None for the default (float32).
        stream: what the weights are drawn from, uniform on ± 1/√hidden_size.

    Shapes:
        x: (B, input_size) or (input_size,); h: (B, hidden_size) or (hidden_size,).

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> nn.GRUCell(3, 4)(np.ones((2, 3))).shape
        (2, 4)
    """

    gates = 3

    def _step(self, x: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        a = linear(x, self.weight_ih, self.bias_ih)
        biases = () if self.bias_hh is None else (self.bias_hh,)
        return run(gru_steps, a[None], *states, self.weight_hh, *biases, reverse=False, mask=None)[:1]

    def forward(self, x: Any, hx: Any = None) -> Any:
        """The next state; ``hx``: the one before, None for zeros."""
        return self._taken(x, None if hx is None else (hx,), 1)[0]
