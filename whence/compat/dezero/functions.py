"""DeZero's functions: Variables or arrays in, Variables out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import ShapeError
from ...nn import functional
from .core import Config, Variable, as_variable, dressed, plain
from .core import add as add
from .core import div as div
from .core import mul as mul
from .core import neg as neg
from .core import pow as pow
from .core import rdiv as rdiv
from .core import rsub as rsub
from .core import sub as sub
from .functions_conv import average_pooling as average_pooling
from .functions_conv import col2im as col2im
from .functions_conv import conv2d as conv2d
from .functions_conv import conv2d_simple as conv2d_simple
from .functions_conv import deconv2d as deconv2d
from .functions_conv import im2col as im2col
from .functions_conv import pooling as pooling
from .functions_conv import pooling_simple as pooling_simple

Shape = tuple[int, ...]


# --- elementwise -----------------------------------------------------------------------------------


def sin(x: Any) -> Variable:
    """The sine."""
    return dressed(np.sin(as_variable(x)))


def cos(x: Any) -> Variable:
    """The cosine."""
    return dressed(np.cos(as_variable(x)))


def tanh(x: Any) -> Variable:
    """The hyperbolic tangent."""
    return dressed(np.tanh(as_variable(x)))


def exp(x: Any) -> Variable:
    """The exponential."""
    return dressed(np.exp(as_variable(x)))


def log(x: Any) -> Variable:
    """The natural logarithm."""
    return dressed(np.log(as_variable(x)))


def clip(x: Any, x_min: Any, x_max: Any) -> Variable:
    """``x`` limited to ``[x_min, x_max]``; the gradient passes where x lies in it."""
    return dressed(np.clip(as_variable(x), x_min, x_max))


# --- shapes ----------------------------------------------------------------------------------------


def reshape(x: Any, shape: Shape) -> Variable:
    """The same elements in another shape."""
    return as_variable(x).reshape(shape)


def expand_dims(x: Any, axis: int) -> Variable:
    """A new axis of length one."""
    return dressed(np.expand_dims(as_variable(x), axis))


def flatten(x: Any) -> Variable:
    """All axes but the first in one: (N, ...) to (N, D)."""
    return as_variable(x).reshape(x.shape[0], -1)


def transpose(x: Any, axes: Any = None) -> Variable:
    """The axes reversed, or in the order given."""
    return dressed(np.transpose(as_variable(x), axes))


def get_item(x: Any, slices: Any) -> Variable:
    """``x[slices]``."""
    return as_variable(x)[slices]


def broadcast_to(x: Any, shape: Shape) -> Variable:
    """``x`` repeated to a larger shape."""
    return dressed(np.broadcast_to(as_variable(x), shape))


def sum_to(x: Any, shape: Shape) -> Variable:
    """The opposite of broadcasting: ``x`` summed over the axes that ``shape`` would be repeated along.

    Raises:
        ShapeError: ``shape`` does not broadcast to the shape of x.
    """
    x = as_variable(x)
    if np.broadcast_shapes(x.shape, shape) != x.shape:
        raise ShapeError(f"{x.shape} cannot be summed to {shape}{called_at()}")
    lead = x.ndim - len(shape)
    axes = tuple(i for i, n in enumerate(x.shape) if i < lead or (shape[i - lead] == 1 and n != 1))
    return x.sum(axis=axes, keepdims=True).reshape(shape) if axes else x


# --- sums and extremes -----------------------------------------------------------------------------


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Variable:
    """The sum over ``axis``."""
    return as_variable(x).sum(axis, keepdims)


def average(x: Any, axis: Any = None, keepdims: bool = False) -> Variable:
    """The mean over ``axis``."""
    return dressed(np.mean(as_variable(x), axis=axis, keepdims=keepdims))


mean = average


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Variable:
    """The largest element over ``axis``; equal ones share the gradient."""
    return as_variable(x).max(axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Variable:
    """The smallest element over ``axis``; equal ones share the gradient."""
    return as_variable(x).min(axis, keepdims)


# --- products --------------------------------------------------------------------------------------


def matmul(x: Any, W: Any) -> Variable:
    """``x.dot(W)``."""
    return dressed(np.dot(as_variable(x), as_variable(W)))


def linear(x: Any, W: Any, b: Any = None) -> Variable:
    """``x.dot(W) + b``, with W of shape (in, out)."""
    y = matmul(x, W)
    return y if plain(b) is None else y + b


linear_simple = linear


# --- activations -----------------------------------------------------------------------------------


def sigmoid(x: Any) -> Variable:
    """``1 / (1 + exp(-x))``, without overflow."""
    return dressed(functional.sigmoid(as_variable(x)))


sigmoid_simple = sigmoid


def relu(x: Any) -> Variable:
    """``max(x, 0)``, with the derivative 0 at 0."""
    return dressed(functional.relu(as_variable(x)))


def leaky_relu(x: Any, slope: float = 0.2) -> Variable:
    """``x`` where it is positive, else ``slope x``."""
    return dressed(functional.leaky_relu(as_variable(x), slope))


def softmax(x: Any, axis: int = 1) -> Variable:
    """Exponentials that sum to one over ``axis``."""
    return dressed(functional.softmax(as_variable(x), axis))


softmax_simple = softmax


def log_softmax(x: Any, axis: int = 1) -> Variable:
    """The logarithm of :func:`softmax`."""
    return dressed(functional.log_softmax(as_variable(x), axis))


# --- losses ----------------------------------------------------------------------------------------


def mean_squared_error(x0: Any, x1: Any) -> Variable:
    """The sum of squared differences, over the length of the first axis."""
    difference = as_variable(x0) - as_variable(x1)
    return (difference**2).sum() / len(difference)


mean_squared_error_simple = mean_squared_error


def softmax_cross_entropy(x: Any, t: Any) -> Variable:
    """``-log softmax(x)[t]``, the mean over the batch; x: (N, C), t: (N,) integers."""
    t = np.asarray(plain(t)).ravel()
    return -log_softmax(x)[np.arange(len(t)), t].sum() / len(t)


softmax_cross_entropy_simple = softmax_cross_entropy


def sigmoid_cross_entropy(x: Any, t: Any) -> Variable:
    """Cross-entropy of logits for labels 0 and 1, summed, over the length of the first axis."""
    x = as_variable(x)
    p = clip(sigmoid(x), 1e-15, 1.0)
    return _binary(p, as_variable(t).reshape(x.shape))


def binary_cross_entropy(p: Any, t: Any) -> Variable:
    """Cross-entropy of probabilities for labels 0 and 1, summed, over the length of the first axis."""
    p = as_variable(p)
    return _binary(clip(p, 1e-15, 0.999), as_variable(t).reshape(p.shape))


def _binary(p: Variable, t: Variable) -> Variable:
    return -(t * log(p) + (1 - t) * log(1 - p)).sum() / len(p)


def accuracy(y: Any, t: Any) -> Variable:
    """The share of rows whose largest element is at ``t``; it has no gradient."""
    t = np.asarray(plain(t))
    return Variable(np.array((np.argmax(plain(y), axis=1).reshape(t.shape) == t).mean()))


# --- layers as functions ---------------------------------------------------------------------------


def embed_id(x: Any, W: Any) -> Variable:
    """Rows ``x`` of the table ``W``."""
    return as_variable(W)[x]


def dropout(x: Any, dropout_ratio: float = 0.5) -> Variable:
    """Elements dropped with this probability and the others scaled up; ``x`` itself when not training.

    The mask is drawn from ``np.random``, which scripts seed.
    """
    x = as_variable(x)
    if not Config.train:
        return x
    mask = np.random.rand(*x.shape) > dropout_ratio
    return x * (mask.astype(x.dtype) / x.dtype.type(1 - dropout_ratio))


def batch_norm(
    x: Any, gamma: Any, beta: Any, mean: np.ndarray, var: np.ndarray, decay: float = 0.9, eps: float = 2e-5
) -> Variable:
    """Batch normalisation (Ioffe and Szegedy, 2015) over all axes but the second.

    Args:
        x: (N, C) or (N, C, H, W).
        gamma, beta: (C,).
        mean, var: (C,), the running statistics, written in place when training and used when not.
        decay: the part of them that is kept.
        eps: added to the variance.
    """
    return dressed(
        functional.batch_norm(as_variable(x), mean, var, gamma, beta, Config.train, 1 - decay, eps)
    )


batch_nrom = batch_norm  # as DeZero has it
