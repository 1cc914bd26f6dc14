"""Activations: functions of each element, and softmax and glu, which look along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ...core.origin import called_at
from ...errors import ShapeError, WhenceError
from ...ops import activation as op

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017, section 2


def relu(x: Any) -> Any:
    """``max(x, 0)``; the derivative at 0 is 0.

    >>> print(relu(np.array([-1.0, 2.0])))
    [0. 2.]
    """
    return op.relu.apply(x)


def relu6(x: Any) -> Any:
    """``min(max(x, 0), 6)``; the derivative at both ends is 0.

    >>> print(relu6(np.array([-1.0, 2.0, 7.0])))
    [0. 2. 6.]
    """
    return op.hardtanh.apply(x, low=0.0, high=6.0)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """``x`` above 0, ``negative_slope x`` below.

    >>> print(leaky_relu(np.array([-1.0, 2.0]), 0.5))
    [-0.5  2. ]
    """
    return op.leaky_relu.apply(x, slope=float(negative_slope))


def prelu(x: Any, weight: Any) -> Any:
    """``x`` above 0, ``weight x`` below, with a slope that is learned (He et al. 2015, arXiv:1502.01852).

    Args:
        x: (N, C, ...) or anything, if there is one weight for all.
        weight: one number, of shape () or (1,); or (C,), one for each channel.

    Raises:
        ShapeError: neither one weight nor one for each channel.

    >>> print(prelu(np.array([[-1.0, -2.0]]), np.array([0.5, 0.25])))
    [[-0.5 -0.5]]
    """
    size, ndim = np.size(weight), np.ndim(x)
    if np.ndim(weight) > 1 or (size != 1 and (ndim < 2 or np.shape(x)[1] != size)):
        raise ShapeError(
            f"prelu got weights of shape {np.shape(weight)} for x of shape {np.shape(x)}{called_at()}\n"
            "  → one weight, or one for each channel: x is (N, C, ...), weight (C,)"
        )
    if size == 1:
        weight = np.reshape(weight, ())
    elif ndim > 2:
        weight = np.reshape(weight, (size,) + (1,) * (ndim - 2))
    return op.prelu.apply(x, weight)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` above 0, ``alpha (e^x - 1)`` below (Clevert et al. 2015, arXiv:1511.07289).

    >>> print(elu(np.array([-100.0, 2.0])))
    [-1.  2.]
    """
    return op.elu.apply(x, alpha=float(alpha), scale=1.0, rate=1.0)


def selu(x: Any) -> Any:
    """``1.0507 elu(x, 1.6733)``, which keeps mean 0 and variance 1 (Klambauer et al. 2017, arXiv:1706.02515).

    >>> print(np.round(selu(np.array([-100.0, 2.0])), 3))
    [-1.758  2.101]
    """
    return op.elu.apply(x, alpha=SELU_ALPHA, scale=SELU_SCALE, rate=1.0)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` above 0, ``alpha (e^(x/alpha) - 1)`` below: smooth for every alpha (Barron 2017).

    >>> print(celu(np.array([-100.0, 2.0]), 0.5))
    [-0.5  2. ]
    """
    return op.elu.apply(x, alpha=float(alpha), scale=1.0, rate=1 / float(alpha))


def gelu(x: Any, approximate: str = "none") -> Any:
    """``x Φ(x)``, with the distribution function of the normal (Hendrycks and Gimpel 2016, arXiv:1606.08415).

    Args:
        x: any shape.
        approximate: ``"tanh"`` for ``x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2``.

    Raises:
        WhenceError: another ``approximate``.

    >>> print(np.round(gelu(np.array([-1.0, 2.0])), 3), np.round(gelu(np.array(-1.0), "tanh"), 3))
    [-0.159  1.954] -0.159
    """
    if approximate == "none":
        return op.gelu.apply(x)
    if approximate == "tanh":
        return op.gelu_tanh.apply(x)
    raise WhenceError(f"gelu has no approximate={approximate!r}{called_at()}\n  → 'none' or 'tanh'")


def silu(x: Any) -> Any:
    """``x sigmoid(x)``, also called swish.

    >>> print(np.round(silu(np.array([-1.0, 2.0])), 3))
    [-0.269  1.762]
    """
    return op.silu.apply(x)


def mish(x: Any) -> Any:
    """``x tanh(softplus(x))`` (Misra 2019, arXiv:1908.08681).

    >>> print(np.round(mish(np.array([-1.0, 2.0])), 3))
    [-0.303  1.944]
    """
    return op.mish.apply(x)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """``log(1 + e^(beta x)) / beta``, and ``x`` itself where ``beta x > threshold``.

    >>> print(softplus(np.array([-1e4, 25.0])))
    [ 0. 25.]
    """
    return op.softplus.apply(x, beta=float(beta), threshold=float(threshold))


def sigmoid(x: Any) -> Any:
    """``1 / (1 + e^-x)``.

    >>> print(sigmoid(np.array([-1e4, 0.0, 1e4])))
    [0.  0.5 1. ]
    """
    return op.sigmoid.apply(x)


def logsigmoid(x: Any) -> Any:
    """``log(sigmoid(x))``, without overflow.

    >>> print(logsigmoid(np.array([-1e4, 1e4])))
    [-10000.     -0.]
    """
    return special.log_expit(x)


def tanh(x: Any) -> Any:
    """``np.tanh``.

    >>> print(tanh(np.array([-1e4, 0.0])))
    [-1.  0.]
    """
    return np.tanh(x)


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """``x`` cut off below ``min_val`` and above ``max_val``; the derivative at both ends is 0.

    >>> print(hardtanh(np.array([-3.0, 0.5, 3.0])))
    [-1.   0.5  1. ]
    """
    return op.hardtanh.apply(x, low=float(min_val), high=float(max_val))


def hardsigmoid(x: Any) -> Any:
    """``relu6(x + 3) / 6``.

    >>> print(hardsigmoid(np.array([-4.0, 0.0, 4.0])))
    [0.  0.5 1. ]
    """
    return relu6(x + 3) / 6


def hardswish(x: Any) -> Any:
    """``x relu6(x + 3) / 6`` (Howard et al. 2019, arXiv:1905.02244).

    >>> print(hardswish(np.array([-4.0, 3.0])))
    [-0.  3.]
    """
    return x * hardsigmoid(x)


def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x`` where ``|x| > lambd``, else 0.

    >>> print(hardshrink(np.array([-1.0, 0.25, 2.0])))
    [-1.  0.  2.]
    """
    return x * np.greater(np.absolute(x), lambd)


def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x`` moved by ``lambd`` towards 0, and 0 nearer than that.

    >>> print(softshrink(np.array([-1.0, 0.25, 2.0])))
    [-0.5  0.   1.5]
    """
    return relu(x - lambd) - relu(-x - lambd)


def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``.

    >>> print(softsign(np.array([-1.0, 3.0])))
    [-0.5   0.75]
    """
    return x / (1 + np.absolute(x))


def tanhshrink(x: Any) -> Any:
    """``x - tanh(x)``.

    >>> print(tanhshrink(np.array([0.0, 100.0])))
    [ 0. 99.]
    """
    return x - np.tanh(x)


def threshold(x: Any, threshold: float, value: float) -> Any:
    """``x`` where it is above ``threshold``, elsewhere ``value``.

    >>> print(threshold(np.array([0.5, 2.0]), 1.0, -7.0))
    [-7.  2.]
    """
    return np.where(np.greater(x, threshold), x, np.asarray(value, np.result_type(x)))


def softmax(x: Any, dim: int = -1) -> Any:
    """``e^x / sum(e^x)`` along an axis.

    >>> print(softmax(np.array([0.0, 0.0, -1e4])))
    [0.5 0.5 0. ]
    """
    return op.softmax.apply(x, axis=dim)


def log_softmax(x: Any, dim: int = -1) -> Any:
    """``log(softmax(x))`` along an axis, without overflow.

    >>> print(log_softmax(np.array([0.0, -1e4])))
    [     0. -10000.]
    """
    return op.log_softmax.apply(x, axis=dim)


def softmin(x: Any, dim: int = -1) -> Any:
    """``softmax(-x)``.

    >>> print(softmin(np.array([0.0, 0.0, 1e4])))
    [0.5 0.5 0. ]
    """
    return op.softmax.apply(-x, axis=dim)


def glu(x: Any, dim: int = -1) -> Any:
    """``a sigmoid(b)``, where a and b are the halves of x along an axis (Dauphin et al. 2016).

    Raises:
        ShapeError: the axis has an odd length.

    >>> print(glu(np.array([2.0, 4.0, 0.0, 1e4])))
    [1. 4.]
    """
    length = np.shape(x)[dim]
    if length % 2:
        raise ShapeError(
            f"glu halves axis {dim} of x, which has the odd length {length}: {np.shape(x)}{called_at()}"
        )
    before = (slice(None),) * (dim % np.ndim(x))
    return x[(*before, slice(length // 2))] * sigmoid(x[(*before, slice(length // 2, None))])
