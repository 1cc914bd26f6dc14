"""DeZero's layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import ref

import numpy as np

from ...core.origin import called_at
from ...errors import StateError
from ...nn.module import Module
from . import functions as F
from .core import Base, Parameter, plain
from .sizes import pair


class Layer(Module):
    """Parameters and other layers, found by attribute, and a ``forward``.

    It is a :class:`whence.nn.Module` too: ``state_dict``, ``whence.grad`` with respect to a layer and so on
    work.
    """

    def __init__(self) -> None:
        self._params: set[str] = set()

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Parameter, Layer)):
            self._params.add(name)
        super().__setattr__(name, value)

    def __call__(self, *inputs: Any) -> Any:
        """``forward``; what goes in and comes out is remembered weakly."""
        results: Any = self.forward(*inputs)
        outputs = results if isinstance(results, tuple) else (results,)
        self.inputs = [ref(x) for x in inputs if isinstance(x, (Base, np.ndarray))]
        self.outputs = [ref(y) for y in outputs]
        return results

    def named_parts(self) -> dict[str, Any]:
        """Parameters and layers by attribute, each under one name."""
        return {name: value for name, value in vars(self).items() if name in self._params}

    def params(self) -> Iterator[Any]:
        """The parameters, of the layers in it too."""
        for value in self.named_parts().values():
            if isinstance(value, Layer):
                yield from value.params()
            else:
                yield value

    def cleargrads(self) -> None:
        """Forget all gradients."""
        for param in self.params():
            param.cleargrad()

    def to_cpu(self) -> None:
        """Nothing: parameters are in memory."""

    def to_gpu(self) -> None:
        """Not here.

        Raises:
            MissingExtraError: always.
        """
        for param in self.params():
            param.to_gpu()

    def _flatten_params(self, params_dict: dict[str, Any], parent_key: str = "") -> None:
        for name, value in self.named_parts().items():
            key = f"{parent_key}/{name}" if parent_key else name
            if isinstance(value, Layer):
                value._flatten_params(params_dict, key)
            else:
                params_dict[key] = value

    def save_weights(self, path: Any) -> None:
        """Write all parameters to an npz file, under names such as ``l1/W``.

        Raises:
            StateError: a parameter has no values yet.
        """
        params: dict[str, Any] = {}
        self._flatten_params(params)
        unknown = [key for key, param in params.items() if param._data is None]
        if unknown:
            raise StateError(
                f"without values: {', '.join(unknown)}{called_at()}\n  → call the model once before saving it"
            )
        np.savez_compressed(path, **{key: param._data for key, param in params.items()})

    def load_weights(self, path: Any) -> None:
        """Read parameters from an npz file; all of them, or on an error none.

        Raises:
            StateError: parameters are missing, or have another shape.
        """
        params: dict[str, Any] = {}
        self._flatten_params(params)
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for key in params if key in file}
        missing = [key for key in params if key not in found]
        misfits = [
            f"{key} {found[key].shape}, here {param.shape}"
            for key, param in params.items()
            if key in found and param._data is not None and found[key].shape != param.shape
        ]
        if missing or misfits:
            texts = [f"missing: {', '.join(missing)}"] * bool(missing)
            texts += [f"of another shape: {', '.join(misfits)}"] * bool(misfits)
            raise StateError(f"{path} does not fit {type(self).__name__}: {'; '.join(texts)}{called_at()}")
        for key, param in params.items():
            param.data = found[key]


def _drawn(shape: tuple[int, ...], fan_in: int, dtype: Any) -> np.ndarray:
    """Normal with variance 1 / fan-in, from ``np.random``, which scripts seed."""
    return (np.random.randn(*shape).astype(dtype) * np.sqrt(1 / fan_in)).astype(dtype)


class Linear(Layer):
    """``x.dot(W) + b``.

    Args:
        out_size: the columns of the result.
        nobias: without ``b``?
        dtype: of the parameters.
        in_size: the columns of x; None to learn it from the first one.
    """

    def __init__(
        self, out_size: int, nobias: bool = False, dtype: Any = np.float32, in_size: int | None = None
    ) -> None:
        super().__init__()
        self.in_size, self.out_size, self.dtype = in_size, out_size, dtype
        self.W = Parameter(None, name="W")
        if in_size is not None:
            self._init_W()
        self.b = None if nobias else Parameter(np.zeros(out_size, dtype), name="b")

    def _init_W(self) -> None:
        size: Any = self.in_size
        self.W.data = _drawn((size, self.out_size), size, self.dtype)

    def forward(self, x: Any) -> Any:
        """``x.dot(W) + b``."""
        if self.W._data is None:
            self.in_size = x.shape[1]
            self._init_W()
        return F.linear(x, self.W, self.b)


class Conv2d(Layer):
    """Cross-correlation of images (N, C, H, W) with learnt filters.

    Args:
        out_channels: how many filters.
        kernel_size, stride, pad: a number, or a pair for height and width.
        nobias: without ``b``?
        dtype: of the parameters.
        in_channels: C; None to learn it from the first images.
    """

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_channels: int | None = None,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.pad, self.dtype = kernel_size, stride, pad, dtype
        self.W = Parameter(None, name="W")
        if in_channels is not None:
            self._init_W()
        self.b = None if nobias else Parameter(np.zeros(out_channels, dtype), name="b")

    def _init_W(self) -> None:
        c: Any = self.in_channels
        kh, kw = pair(self.kernel_size)
        self.W.data = _drawn(self._weight_shape(c, kh, kw), c * kh * kw, self.dtype)

    def _weight_shape(self, c: int, kh: int, kw: int) -> tuple[int, ...]:
        return self.out_channels, c, kh, kw

    def _ready(self, x: Any) -> None:
        if self.W._data is None:
            self.in_channels = x.shape[1]
            self._init_W()

    def forward(self, x: Any) -> Any:
        """The filtered images."""
        self._ready(x)
        return F.conv2d(x, self.W, self.b, self.stride, self.pad)


class Deconv2d(Conv2d):
    """The transpose of :class:`Conv2d`, with W of shape (C, OC, KH, KW)."""

    def _weight_shape(self, c: int, kh: int, kw: int) -> tuple[int, ...]:
        return c, self.out_channels, kh, kw

    def forward(self, x: Any) -> Any:
        """The larger images."""
        self._ready(x)
        return F.deconv2d(x, self.W, self.b, self.stride, self.pad)


class RNN(Layer):
    """``h = tanh(x Wx + b + h Wh)`` (Elman, 1990); it keeps h between calls."""

    def __init__(self, hidden_size: int, in_size: int | None = None) -> None:
        super().__init__()
        self.x2h = Linear(hidden_size, in_size=in_size)
        self.h2h = Linear(hidden_size, in_size=hidden_size if in_size else None, nobias=True)
        self.h: Any = None

    def reset_state(self) -> None:
        """Forget h."""
        self.h = None

    def forward(self, x: Any) -> Any:
        """The next h."""
        total = self.x2h(x)
        if self.h is not None:
            total = total + self.h2h(self.h)
        self.h = F.tanh(total)
        return self.h


class LSTM(Layer):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; with forget gates: Gers et al., 2000).

    It keeps h and c between calls.
    """

    def __init__(self, hidden_size: int, in_size: int | None = None) -> None:
        super().__init__()
        for gate in "fiou":
            setattr(self, f"x2{gate}", Linear(hidden_size, in_size=in_size))
        for gate in "fiou":
            setattr(self, f"h2{gate}", Linear(hidden_size, in_size=hidden_size, nobias=True))
        self.reset_state()

    def reset_state(self) -> None:
        """Forget h and c."""
        self.h: Any = None
        self.c: Any = None

    def _gate(self, name: str, x: Any) -> Any:
        total = getattr(self, f"x2{name}")(x)
        return total if self.h is None else total + getattr(self, f"h2{name}")(self.h)

    def forward(self, x: Any) -> Any:
        """The next h."""
        forget, take, give = (F.sigmoid(self._gate(name, x)) for name in "fio")
        new = take * F.tanh(self._gate("u", x))
        self.c = new if self.c is None else forget * self.c + new
        self.h = give * F.tanh(self.c)
        return self.h


class EmbedID(Layer):
    """A table with a row for each of ``in_size`` numbers."""

    def __init__(self, in_size: int, out_size: int) -> None:
        super().__init__()
        self.W = Parameter(np.random.randn(in_size, out_size), name="W")

    def forward(self, x: Any) -> Any:
        """The rows ``x``."""
        return self.W[plain(x)]


class BatchNorm(Layer):
    """Batch normalisation over all axes but the second; running statistics are saved with the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.avg_mean = Parameter(None, name="avg_mean")
        self.avg_var = Parameter(None, name="avg_var")
        self.gamma = Parameter(None, name="gamma")
        self.beta = Parameter(None, name="beta")

    def _init_params(self, x: Any) -> None:
        for param, start in ((self.avg_mean, 0), (self.avg_var, 1), (self.gamma, 1), (self.beta, 0)):
            if param._data is None:
                param.data = np.full(x.shape[1], start, x.dtype)

    def forward(self, x: Any) -> Any:
        """The normalised ``x``."""
        self._init_params(x)
        mean, var = self.avg_mean._data.copy(), self.avg_var._data.copy()
        y = F.batch_norm(x, self.gamma, self.beta, mean, var)
        self.avg_mean.assign(mean)
        self.avg_var.assign(var)
        return y
