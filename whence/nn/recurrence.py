"""What the recurrent layers share: weights by layer and direction, and the way through the layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Parameter, Variable, as_array
from ..errors import DtypeError, ShapeError, WhenceError
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
    states = 1  # how many arrays a step hands on
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
        proj_size: int = 0,
    ) -> None:
        check_sizes(self, lazy=True, input_size=input_size)
        check_sizes(self, 1, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.has_bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.proj_size = bidirectional, proj_size
        if not 0 <= dropout <= 1:
            raise WhenceError(f"dropout is a probability, not {dropout}{called_at()}")
        self._stream, self._dtype = stream, default_dtype(dtype)
        directions = 2 if bidirectional else 1
        for layer, name in self._names():
            inner = input_size if layer == 0 else self.output_size * directions
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"):
                if (bias or kind.startswith("weight")) and (proj_size or kind != "weight_hr"):
                    setattr(self, f"{kind}_{name}", Parameter(None))
                    if inner is not None or kind != "weight_ih":
                        self._start(f"{kind}_{name}", inner)

    @property
    def output_size(self) -> int:
        """The length of h: ``proj_size``, if there is one."""
        return self.proj_size or self.hidden_size

    def _names(self) -> Iterator[tuple[int, str]]:
        """Layer and PyTorch's suffix of each pass: ``l0``, ``l0_reverse``, ``l1``."""
        for layer in range(self.num_layers):
            yield layer, f"l{layer}"
            if self.bidirectional:
                yield layer, f"l{layer}_reverse"

    def _start(self, name: str, inner: int | None) -> None:
        rows, bound = self.gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        shape = (rows,) if name.startswith("bias") else (rows, self.output_size)
        shape = (self.proj_size, self.hidden_size) if name.startswith("weight_hr") else shape
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
        self, x: Any, states: tuple[Any, ...], weights: tuple[Any, ...], reverse: bool, mask: Any
    ) -> tuple[Any, ...]:
        """All steps of one layer in one direction: its states, (T, B, output_size), and cells.

        ``weights``: of the state, its bias if it is not merged, and the projection if there is one.
        """
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
            weights = [getattr(self, f"weight_hh_{name}")]
            weights += [] if inner is None else [inner]
            weights += [getattr(self, f"weight_hr_{name}")] if self.proj_size else []
            y = self._run(a, begin, tuple(weights), reverse, mask)
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
        passes, widths = (
            self.num_layers * (2 if self.bidirectional else 1),
            (self.output_size, self.hidden_size),
        )
        wanted = [(passes, batch, width) for width in widths[: self.states]]
        if states is None:
            dtype = self.weight_hh_l0.dtype  # type: ignore[attr-defined]
            return tuple([np.zeros(shape, dtype) for shape in wanted])
        if single:
            states = tuple(state[:, None] for state in states)
        for state, shape in zip(states, wanted, strict=True):
            if np.shape(state) != shape:
                raise ShapeError(
                    f"{type(self).__name__} got a first state of shape {np.shape(state)}{called_at()}\n"
                    f"  → {shape}: (layers × directions, batch, "
                    + ("proj_size)" if shape[-1] == self.proj_size else "hidden_size)")
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
            ("proj_size", 0),
        ):
            if getattr(self, name) != usual:
                said.append(f"{name}={getattr(self, name)}")
        return ", ".join(said) + ("" if self.has_bias else ", bias=False")
