"""Layers that normalise: over the batch, the layer, groups or instances."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Parameter
from ..errors import ShapeError
from .dtypes import default_dtype
from .functions import norm as f
from .module import Buffer, Module
from .sizes import check_sizes


class _OfChannels(Module):
    """One weight, one bias and running statistics for each channel; None: as many as the first x has."""

    ranks: tuple[int, ...] = ()  # how many axes x may have

    def __init__(
        self,
        num_features: int | None,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        dtype: Any,
    ) -> None:
        check_sizes(self, lazy=True, num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._dtype = default_dtype(dtype)
        self.weight = Parameter(None) if affine else None
        self.bias = Parameter(None) if affine else None
        self.running_mean = Buffer(None) if track_running_stats else None
        self.running_var = Buffer(None) if track_running_stats else None
        self.num_batches_tracked = Buffer(np.array(0, np.int64)) if track_running_stats else None
        if num_features is not None:
            self.learn_size(num_features)

    def lazy_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """A number for each channel."""
        return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (self.num_features,))

    def learn_size(self, size: int) -> None:
        """Take ``num_features``."""
        self.num_features = num_features = size
        for part, value in (
            (self.weight, 1),
            (self.bias, 0),
            (self.running_mean, 0),
            (self.running_var, 1),
        ):
            if part is not None and part.is_lazy:
                part.initialize(np.full(num_features, value, self._dtype))

    def _prepared(self, x: Any) -> None:
        """Check x; learn the number of channels."""
        shape = np.shape(x)
        if len(shape) not in self.ranks:
            axes = " or ".join(str(rank) for rank in self.ranks)
            raise ShapeError(
                f"{self} takes x of {axes} axes, not of shape {shape}{called_at()}\n  → (N, C, ...)"
            )
        if self.num_features is None:
            self.learn_size(shape[1])
        if shape[1] != self.num_features:
            raise ShapeError(
                f"{self} got x of shape {shape}{called_at()}\n"
                f"  → its second axis has to be {self.num_features}"
            )

    def reset_running_stats(self) -> None:
        """Forget the running statistics: mean 0, variance 1, no batches."""
        if self.running_mean is not None and self.running_var is not None and not self.running_mean.is_lazy:
            self.running_mean.assign(np.zeros_like(self.running_mean._data))
            self.running_var.assign(np.ones_like(self.running_var._data))
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.assign(np.array(0, np.int64))

    def extra_repr(self) -> str:
        """Channels and options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_OfChannels):
    def __init__(
        self,
        num_features: int | None,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype)

    def forward(self, x: Any) -> Any:
        """Normalised by the statistics of this batch in training, else by the running ones."""
        self._prepared(x)
        tracked, momentum = self.num_batches_tracked, self.momentum
        if tracked is not None and momentum is None:
            momentum = 1 / (int(tracked._data) + 1)  # the mean over all batches
        y = f.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            0.0 if momentum is None else momentum,
            self.eps,
        )
        if tracked is not None and self.training:
            tracked.assign(tracked._data + 1)
        return y


class BatchNorm1d(_BatchNorm):
    """``(x - mean) / sqrt(var + eps) weight + bias`` for each channel: see ``functional.batch_norm``.

    Args:
        num_features: channels; None to learn it from the first input.
        eps: keeps the root from 0.
        momentum: the share of the newest batch in the running statistics; None for the mean of all batches.
        affine: learn weight and bias?
        track_running_stats: keep statistics for evaluation? Else a batch's own are always used.
        dtype: of the parameters; None for the default (float32).

    Shapes:
        x: (N, C) or (N, C, L).

    Raises:
        ShapeError: x of other shapes; one value for each channel in training.

    Example:
        >>> layer = BatchNorm1d(2)
        >>> layer(np.ones((4, 2), np.float32)).shape, int(layer.num_batches_tracked)
        ((4, 2), 1)
    """

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """As :class:`BatchNorm1d`, of images x: (N, C, H, W).

    >>> BatchNorm2d(3)(np.ones((2, 3, 4, 4), np.float32)).shape
    (2, 3, 4, 4)
    """

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """As :class:`BatchNorm1d`, of volumes x: (N, C, D, H, W).

    >>> BatchNorm3d(None)
    BatchNorm3d(None, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
    """

    ranks = (5,)


class _InstanceNorm(_OfChannels):
    def __init__(
        self,
        num_features: int | None,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype)

    def forward(self, x: Any) -> Any:
        """Normalised by each example's own statistics, or by the running ones in evaluation."""
        whole = len(np.shape(x)) == self.ranks[0] - 1
        x = np.expand_dims(x, 0) if whole else x  # (C, ...) is one example
        self._prepared(x)
        own = self.training or self.running_mean is None
        # num_batches_tracked stays 0, as in PyTorch, whose state has it, too
        y = f.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            own,
            self.momentum or 0.0,
            self.eps,
        )
        return y[0] if whole else y


class InstanceNorm1d(_InstanceNorm):
    """Normalise each channel of each example: see ``functional.instance_norm``.

    Args:
        num_features: channels; None to learn it from the first input.
        eps: keeps the root from 0.
        momentum: the share of the newest batch in the running statistics.
        affine: learn weight and bias?
        track_running_stats: keep statistics, and use them in evaluation?
        dtype: of the parameters; None for the default (float32).

    Shapes:
        x: (N, C, L) or (C, L).

    Example:
        >>> print(InstanceNorm1d(1)(np.array([[[1.0, 3.0]]])).round(2))
        [[[-1.  1.]]]
    """

    ranks = (3,)


class InstanceNorm2d(_InstanceNorm):
    """As :class:`InstanceNorm1d`, of images x: (N, C, H, W) or (C, H, W).

    >>> InstanceNorm2d(3)(np.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    ranks = (4,)


class InstanceNorm3d(_InstanceNorm):
    """As :class:`InstanceNorm1d`, of volumes x: (N, C, D, H, W) or (C, D, H, W).

    >>> InstanceNorm3d(3)(np.ones((2, 3, 2, 4, 4))).shape
    (2, 3, 2, 4, 4)
    """

    ranks = (5,)


class LayerNorm(Module):
    """``(x - mean) / sqrt(var + eps) weight + bias`` over the last axes: see ``functional.layer_norm``.

    Args:
        normalized_shape: the lengths of these axes; an int for the last one; None to learn it from the first
            input.
        eps: keeps the root from 0.
        elementwise_affine: learn weight and bias?
        bias: learn a bias besides the weight?
        dtype: of the parameters; None for the default (float32).

    Raises:
        ShapeError: x does not end in ``normalized_shape``.

    Example:
        >>> LayerNorm(3)(np.ones((5, 3), np.float32)).shape
        (5, 3)
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...] | None,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        self.eps, self.elementwise_affine, self._dtype = eps, elementwise_affine, default_dtype(dtype)
        self.normalized_shape: tuple[int, ...] | None = None
        self.weight = Parameter(None) if elementwise_affine else None
        self.bias = Parameter(None) if elementwise_affine and bias else None
        if normalized_shape is not None:
            self._start(_as_shape(self, normalized_shape))

    def lazy_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """One length, unless several were given."""
        shape = (None,) if self.normalized_shape is None else self.normalized_shape
        return {"weight": shape, "bias": shape}

    def learn_size(self, size: int) -> None:
        """Take the length of the last axis."""
        self._start((size,))

    def _start(self, shape: tuple[int, ...]) -> None:
        self.normalized_shape = shape
        if self.weight is not None and self.weight.is_lazy:
            self.weight.initialize(np.ones(shape, self._dtype))
        if self.bias is not None and self.bias.is_lazy:
            self.bias.initialize(np.zeros(shape, self._dtype))

    def forward(self, x: Any) -> Any:
        """``layer_norm`` of x."""
        if self.normalized_shape is None:
            self._start(np.shape(x)[-1:])
        return f.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Shape and options."""
        text = f"{self.normalized_shape}, eps={self.eps}"
        if not self.elementwise_affine:
            return text + ", elementwise_affine=False"
        return text + ("" if self.bias is not None else ", bias=False")


class RMSNorm(Module):
    """``x / sqrt(mean(x²) + eps) weight`` over the last axes: see ``functional.rms_norm``.

    Args:
        normalized_shape: the lengths of these axes; an int for the last one.
        eps: keeps the root from 0; None for the distance from 1 to the next number of x's type.
        elementwise_affine: learn a weight?
        dtype: of the weight; None for the default (float32).

    Example:
        >>> print(RMSNorm(2, dtype=np.float64)(np.array([3.0, -3.0])))
        [ 1. -1.]
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape, self.eps = _as_shape(self, normalized_shape), eps
        self.elementwise_affine = elementwise_affine
        ones = np.ones(self.normalized_shape, default_dtype(dtype))
        self.weight = Parameter(ones) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """``rms_norm`` of x."""
        return f.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Shape and options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalise groups of channels of each example: see ``functional.group_norm``.

    Args:
        num_groups: how many groups; it divides the number of channels.
        num_channels: channels.
        eps: keeps the root from 0.
        affine: learn weight and bias?
        dtype: of the parameters; None for the default (float32).

    Raises:
        ShapeError: the channels cannot be split, x has another number of them.

    Example:
        >>> GroupNorm(2, 4)(np.ones((3, 4, 5), np.float32)).shape
        (3, 4, 5)
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, dtype: Any = None
    ) -> None:
        check_sizes(self, 1, num_groups=num_groups)
        check_sizes(self, num_channels=num_channels)
        if num_channels % num_groups:
            raise ShapeError(
                f"GroupNorm cannot split {num_channels} channels into {num_groups} groups{called_at()}"
            )
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        kind = default_dtype(dtype)
        self.weight = Parameter(np.ones(num_channels, kind)) if affine else None
        self.bias = Parameter(np.zeros(num_channels, kind)) if affine else None

    def forward(self, x: Any) -> Any:
        """``group_norm`` of x."""
        return f.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Groups, channels and options."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class LocalResponseNorm(Module):
    """Divide by the size of the nearest channels: see ``functional.local_response_norm``.

    >>> LocalResponseNorm(5)(np.ones((2, 7, 3))).shape
    (2, 7, 3)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        check_sizes(self, 1, size=size)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Any) -> Any:
        """``local_response_norm`` of x."""
        return f.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The constants."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _as_shape(layer: Module, shape: int | tuple[int, ...]) -> tuple[int, ...]:
    lengths = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    for length in lengths:
        check_sizes(layer, normalized_shape=length)
    return tuple([int(length) for length in lengths])
