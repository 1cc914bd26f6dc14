"""Normalisation: of batches, layers, groups, instances and vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...config import no_grad
from ...core.batched import holds_batched
from ...core.origin import called_at
from ...core.variable import Variable
from ...errors import BatchingError, ShapeError
from ...ops.normalise import affine, standardize


def _standard(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    """``(x - mean) / sqrt(var + eps)`` along ``axes``, mean and variance."""
    return standardize.apply(x, axes=axes, eps=float(eps))


def _scaled(x: Any, weight: Any, bias: Any, shape: tuple[int, ...]) -> Any:
    """``x weight + bias``, either of which may be None; they are given ``shape``."""
    weight = weight if weight is None or np.shape(weight) == shape else np.reshape(weight, shape)
    bias = bias if bias is None or np.shape(bias) == shape else np.reshape(bias, shape)
    if weight is None:
        return x if bias is None else x + bias
    return x * weight if bias is None else affine.apply(x, weight, bias)


def _of_channels(name: str, x: Any, *parts: Any) -> tuple[int, ...]:
    """The shape that one number for each channel has beside x; all ``parts`` have to have it, flat."""
    shape = np.shape(x)
    if len(shape) < 2:
        raise ShapeError(f"{name} got x of shape {shape}{called_at()}\n  → (N, C, ...), channels second")
    for part in parts:
        if part is not None and np.shape(part) != (shape[1],):
            raise ShapeError(
                f"{name} got x of shape {shape}, which has {shape[1]} channels, and weights or statistics "
                f"of shape {np.shape(part)}{called_at()}\n  → (C,), one for each channel (second axis)"
            )
    return (shape[1],) + (1,) * (len(shape) - 2)


def _blend(running: Any, new: Any, share: float) -> None:
    """Move running statistics towards new ones."""
    with no_grad():
        value = running + share * (np.reshape(new, np.shape(running)) - running)
    if isinstance(running, Variable):
        running.assign(value)
    else:
        running[...] = getattr(value, "_data", value)


def _follow(name: str, mean: Any, var: Any, count: int, running: tuple[Any, Any], share: float) -> None:
    """Running mean and (unbiased) variance take their share of a batch's."""
    if holds_batched((mean,)):
        raise BatchingError(
            f"{name} would update its running statistics for each example of a vmap{called_at()}\n"
            "  → model.eval() first, or track_running_stats=False"
        )
    _blend(running[0], mean, share)
    _blend(running[1], var * (count / max(1, count - 1)), share)


def batch_norm(
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """``(x - mean) / sqrt(var + eps) weight + bias`` for each channel (Ioffe and Szegedy 2015).

    Args:
        x: (N, C, ...).
        running_mean, running_var: (C,), or None for statistics of this batch only. Where ``training``, they
            move by ``momentum`` towards the batch's mean and unbiased variance: a Buffer (or Variable) by
            ``assign``, an array in place.
        weight, bias: (C,) or None.
        training: use the statistics of this batch, over all axes but the second, not the running ones.
        momentum: the share of the newest batch in the running statistics.
        eps: keeps the root from 0.

    Returns:
        (N, C, ...).

    Raises:
        ShapeError: sizes that do not fit; one value for each channel in training.

    Example:
        >>> print(batch_norm(np.array([[1.0], [3.0]]), None, None, training=True, eps=0.0))
        [[-1.]
         [ 1.]]
    """
    shape = _of_channels("batch_norm", x, running_mean, running_var, weight, bias)
    if not training and running_mean is not None:
        scale = 1 / np.sqrt(running_var + eps)
        scale = scale if weight is None else weight * scale
        shift = -running_mean * scale if bias is None else bias - running_mean * scale
        return _scaled(x, scale, shift, shape)
    count = np.size(x) // max(1, shape[0])
    if count <= 1 and training:
        raise ShapeError(
            f"batch_norm in training needs more than one value for each channel, x is {np.shape(x)}"
            f"{called_at()}\n  → a larger batch (drop a last batch of one), or model.eval()"
        )
    y, mean, var = _standard(x, (0, *range(2, np.ndim(x))), eps)
    if running_mean is not None:
        _follow("batch_norm", mean, var, count, (running_mean, running_var), momentum)
    return _scaled(y, weight, bias, shape)


def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """``(x - mean) / sqrt(var + eps) weight + bias`` for each channel of each example (arXiv:1607.08022).

    Args:
        x: (N, C, ...), with one axis at least behind the channels.
        running_mean, running_var: (C,) or None, as in :func:`batch_norm`; they follow the batch's means.
        weight, bias: (C,) or None.
        use_input_stats: of this input, not the running ones.
        momentum: the share of the newest batch in the running statistics.
        eps: keeps the root from 0.

    Returns:
        (N, C, ...).

    Raises:
        ShapeError: sizes that do not fit; one value for each channel.

    Example:
        >>> print(instance_norm(np.array([[[1.0, 3.0], [4.0, 8.0]]]), eps=0.0))
        [[[-1.  1.]
          [-1.  1.]]]
    """
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    shape = _of_channels("instance_norm", x, running_mean, running_var, weight, bias)
    count = math.prod(np.shape(x)[2:])
    if count <= 1:
        raise ShapeError(
            f"instance_norm needs more than one value for each channel of an example, x is {np.shape(x)}"
            f"{called_at()}\n  → (N, C, length), (N, C, H, W), ..."
        )
    y, mean, var = _standard(x, tuple(range(2, np.ndim(x))), eps)
    if running_mean is not None:
        running = (running_mean, running_var)
        _follow("instance_norm", np.mean(mean, 0), np.mean(var, 0), count, running, momentum)
    return _scaled(y, weight, bias, shape)


def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """``(x - mean) / sqrt(var + eps) weight + bias`` for each group of channels of an example.

    Wu and He 2018, arXiv:1803.08494.

    Args:
        x: (N, C, ...).
        num_groups: of C / num_groups channels each, which share mean and variance.
        weight, bias: (C,) or None.
        eps: keeps the root from 0.

    Returns:
        (N, C, ...).

    Raises:
        ShapeError: C is no multiple of ``num_groups``, or sizes that do not fit.

    Example:
        >>> print(group_norm(np.array([[1.0, 3.0, 4.0, 8.0]]), 2, eps=0.0))
        [[-1.  1. -1.  1.]]
    """
    shape = _of_channels("group_norm", x, weight, bias)
    if num_groups < 1 or shape[0] % num_groups:
        raise ShapeError(
            f"group_norm cannot split {shape[0]} channels into {num_groups} groups{called_at()}\n"
            "  → num_groups divides the number of channels"
        )
    grouped = np.reshape(x, (np.shape(x)[0], num_groups, -1))
    y, _, _ = _standard(grouped, (2,), eps)
    return _scaled(np.reshape(y, np.shape(x)), weight, bias, shape)


def _last_axes(name: str, x: Any, normalized_shape: Any, *parts: Any) -> tuple[int, ...]:
    """The axes that ``normalized_shape`` names; x has to end in it, and ``parts`` to have it."""
    shape = (
        (normalized_shape,) if isinstance(normalized_shape, (int, np.integer)) else tuple(normalized_shape)
    )
    mine = np.shape(x)
    if not shape or mine[-len(shape) :] != shape:
        raise ShapeError(
            f"{name} over the last axes {shape} got x of shape {mine}{called_at()}\n"
            "  → x ends in normalized_shape"
        )
    for part in parts:
        if part is not None and np.shape(part) != shape:
            raise ShapeError(
                f"{name} over {shape} got a weight or bias of shape {np.shape(part)}{called_at()}\n"
                "  → weight and bias have the shape normalized_shape"
            )
    return tuple(range(len(mine) - len(shape), len(mine)))


def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """``(x - mean) / sqrt(var + eps) weight + bias`` over the last axes (Ba et al. 2016, arXiv:1607.06450).

    Args:
        x: (..., *normalized_shape).
        normalized_shape: the lengths of the axes that share mean and variance; an int for the last one.
        weight, bias: of shape ``normalized_shape``, or None.
        eps: keeps the root from 0.

    Returns:
        of x's shape.

    Raises:
        ShapeError: x does not end in ``normalized_shape``; weight or bias of another shape.

    Example:
        >>> print(layer_norm(np.array([[1.0, 3.0], [4.0, 8.0]]), 2, eps=0.0))
        [[-1.  1.]
         [-1.  1.]]
    """
    axes = _last_axes("layer_norm", x, normalized_shape, weight, bias)
    y, _, _ = _standard(x, axes, eps)
    return _scaled(y, weight, bias, np.shape(x)[axes[0] :])


def rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """``x / sqrt(mean(x²) + eps) weight`` over the last axes (Zhang and Sennrich 2019, arXiv:1910.07467).

    Args:
        x: (..., *normalized_shape).
        normalized_shape: the lengths of the axes that share a mean; an int for the last one.
        weight: of shape ``normalized_shape``, or None.
        eps: keeps the root from 0; None for the distance from 1 to the next number of x's type.

    Returns:
        of x's shape.

    Raises:
        ShapeError: x does not end in ``normalized_shape``; weight of another shape.

    Example:
        >>> print(rms_norm(np.array([3.0, -3.0]), 2))
        [ 1. -1.]
    """
    axes = _last_axes("rms_norm", x, normalized_shape, weight)
    eps = float(np.finfo(np.result_type(x)).eps) if eps is None else eps
    y = x * (1 / np.sqrt(np.mean(np.square(x), axis=axes, keepdims=True) + eps))
    return y if weight is None else y * weight


def local_response_norm(x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """``x / (k + alpha mean(x² of the size nearest channels)) ** beta`` (Krizhevsky et al. 2012).

    Channels beyond the ends count as 0.

    Args:
        x: (N, C, ...).
        size: how many channels.
        alpha, beta, k: the constants of the formula.

    Raises:
        ShapeError: x has no channels.

    Example:
        >>> print(local_response_norm(np.array([[2.0, 0.0]]), 2, alpha=1.0, beta=1.0, k=0.0))
        [[1. 0.]]
    """
    _of_channels("local_response_norm", x)
    length, before = np.shape(x)[1], size // 2
    ends = [(0, 0), (before, size - 1 - before), *[(0, 0)] * (np.ndim(x) - 2)]
    squares = np.pad(np.square(x), ends)
    total = squares[:, :length]
    for i in range(1, size):
        total = total + squares[:, i : i + length]
    return x / (k + total * (alpha / size)) ** beta


def normalize(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """``x / max(‖x‖_p, eps)`` along an axis.

    >>> print(normalize(np.array([[3.0, 4.0], [0.0, 0.0]])))
    [[0.6 0.8]
     [0.  0. ]]
    """
    return x / np.maximum(np.linalg.norm(x, ord=p, axis=dim, keepdims=True), eps)
