"""Initialisers: arrays to start from, drawn from a stream; or drawn anew into a parameter.

``xavier_uniform(shape)`` makes an array, ``xavier_uniform_(parameter)`` assigns one to a parameter, and
``by_name("xavier_uniform")`` finds the first of them. For weights ``(out, in, *kernel)``: fan-in is
in × kernel, fan-out is out × kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from .. import random
from ..core.origin import called_at
from ..errors import ShapeError, WhenceError
from .dtypes import default_dtype

Shape = tuple[int, ...]
Stream = random.Stream | None


def fans(shape: Shape) -> tuple[int, int]:
    """Fan-in and fan-out of a weight.

    Raises:
        ShapeError: fewer than two axes.

    >>> fans((8, 3, 5, 5))
    (75, 200)
    """
    if len(shape) < 2:
        raise ShapeError(
            f"fan-in and fan-out of shape {tuple(shape)}: two axes at least{called_at()}\n"
            "  → weights are (out, in, *kernel); for a bias take zeros or uniform"
        )
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much weights before this activation are larger than before none, to keep the spread.

    Args:
        nonlinearity: ``"linear"``, ``"conv1d"`` ... ``"conv_transpose3d"``, ``"sigmoid"``, ``"tanh"``,
            ``"relu"``, ``"leaky_relu"`` or ``"selu"``.
        param: the negative slope of ``"leaky_relu"``; None for 0.01.

    Raises:
        WhenceError: another name.

    >>> print(round(calculate_gain("relu"), 4), calculate_gain("leaky_relu", 1.0))
    1.4142 1.0
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    convolutions = {f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)}
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2.0), "selu": 0.75}
    if nonlinearity in convolutions:
        return 1.0
    if nonlinearity not in gains:
        names = ", ".join(sorted([*gains, "leaky_relu", *convolutions]))
        raise WhenceError(f"no gain for {nonlinearity!r}{called_at()}\n  → {names}")
    return gains[nonlinearity]


def _from(stream: Stream) -> random.Stream:
    return random.default if stream is None else stream


# --- without regard to the shape -----------------------------------------------------------------


def uniform(shape: Shape, bound: float, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """Uniform on ``[-bound, bound)``."""
    return _from(stream).uniform(shape, -bound, bound, default_dtype(dtype))


def uniform_between(
    shape: Shape, a: float = 0.0, b: float = 1.0, stream: Stream = None, dtype: Any = None
) -> np.ndarray:
    """Uniform on ``[a, b)``."""
    return _from(stream).uniform(shape, a, b, default_dtype(dtype))


def normal(
    shape: Shape, mean: float = 0.0, std: float = 1.0, stream: Stream = None, dtype: Any = None
) -> np.ndarray:
    """Normal with this mean and standard deviation."""
    return _from(stream).normal(shape, mean, std, default_dtype(dtype))


def trunc_normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    stream: Stream = None,
    dtype: Any = None,
) -> np.ndarray:
    """Normal within ``[a, b]``: the quantiles of uniform draws.

    >>> print(bool(np.all(np.abs(trunc_normal((100,), std=5.0)) <= 2)))
    True
    """
    kind = default_dtype(dtype)
    low, high = special.ndtr((a - mean) / std), special.ndtr((b - mean) / std)
    u = _from(stream).uniform(shape, float(low), float(high))
    return np.clip(mean + std * special.ndtri(u), a, b).astype(kind)


def constant(shape: Shape, val: float, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """One value everywhere."""
    del stream
    return np.full(shape, val, default_dtype(dtype))


def zeros(shape: Shape, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """Zeros."""
    return constant(shape, 0.0, stream, dtype)


def ones(shape: Shape, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """Ones."""
    return constant(shape, 1.0, stream, dtype)


def eye(shape: Shape, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """Ones on the diagonal of a matrix.

    Raises:
        ShapeError: not two axes.
    """
    del stream
    if len(shape) != 2:
        raise ShapeError(f"eye of shape {tuple(shape)}: it makes matrices{called_at()}")
    return np.eye(*shape, dtype=default_dtype(dtype))


def dirac(shape: Shape, groups: int = 1, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """The kernel ``(out, in, *kernel)`` of a convolution that hands channel i on as channel i.

    Args:
        shape: of three to five axes.
        groups: so many times over, each for its share of the output channels.
        stream: not used.
        dtype: None for the default.

    Raises:
        ShapeError: another number of axes; output channels that cannot be shared out.

    >>> print(dirac((2, 2, 3))[:, :, 1])
    [[1. 0.]
     [0. 1.]]
    """
    del stream
    if not 3 <= len(shape) <= 5 or shape[0] % groups:
        raise ShapeError(
            f"dirac of shape {tuple(shape)} for {groups} groups{called_at()}\n"
            "  → (out, in, *kernel), with one to three axes of the kernel; groups divides out"
        )
    weight = np.zeros(shape, default_dtype(dtype))
    share = shape[0] // groups
    middle = tuple(n // 2 for n in shape[2:])
    for group in range(groups):
        for i in range(min(share, shape[1])):
            weight[(group * share + i, i, *middle)] = 1
    return weight


# --- by fan-in and fan-out -----------------------------------------------------------------------


def xavier_uniform(shape: Shape, gain: float = 1.0, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """Uniform on ``± gain √(6 / (fan-in + fan-out))`` (Glorot and Bengio 2010, equation 16)."""
    return uniform(shape, gain * math.sqrt(6 / max(1, sum(fans(shape)))), stream, dtype)


def xavier_normal(shape: Shape, gain: float = 1.0, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """Normal with the standard deviation ``gain √(2 / (fan-in + fan-out))``; see :func:`xavier_uniform`."""
    return normal(shape, 0.0, gain * math.sqrt(2 / max(1, sum(fans(shape)))), stream, dtype)


def _kaiming_std(shape: Shape, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise WhenceError(f"no mode {mode!r} of kaiming{called_at()}\n  → 'fan_in' or 'fan_out'")
    fan = fans(shape)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fan))


def kaiming_uniform(
    shape: Shape,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    stream: Stream = None,
    dtype: Any = None,
) -> np.ndarray:
    """Uniform with the standard deviation ``gain / √fan`` (He et al. 2015, arXiv:1502.01852, equation 14).

    Args:
        shape: (out, in, *kernel).
        a: the negative slope, for ``"leaky_relu"``.
        mode: ``"fan_in"`` keeps the spread of values, ``"fan_out"`` that of gradients.
        nonlinearity: what follows, see :func:`calculate_gain`.
        stream: None for the default one.
        dtype: None for the default.

    Raises:
        ShapeError: fewer than two axes. WhenceError: another mode or nonlinearity.
    """
    return uniform(shape, math.sqrt(3) * _kaiming_std(shape, a, mode, nonlinearity), stream, dtype)


def kaiming_normal(
    shape: Shape,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    stream: Stream = None,
    dtype: Any = None,
) -> np.ndarray:
    """Normal with the standard deviation ``gain / √fan``; see :func:`kaiming_uniform`."""
    return normal(shape, 0.0, _kaiming_std(shape, a, mode, nonlinearity), stream, dtype)


def lecun_uniform(shape: Shape, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """Uniform with the standard deviation ``1 / √fan-in`` (LeCun et al. 1998, *Efficient BackProp*, 4.6)."""
    return uniform(shape, math.sqrt(3 / max(1, fans(shape)[0])), stream, dtype)


def lecun_normal(shape: Shape, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """Normal with the standard deviation ``1 / √fan-in``; see :func:`lecun_uniform`."""
    return normal(shape, 0.0, math.sqrt(1 / max(1, fans(shape)[0])), stream, dtype)


# --- matrices ------------------------------------------------------------------------------------


def orthogonal(shape: Shape, gain: float = 1.0, stream: Stream = None, dtype: Any = None) -> np.ndarray:
    """``gain`` times a matrix ``(out, the rest)`` with orthonormal rows or columns (Saxe et al. 2013).

    Raises:
        ShapeError: fewer than two axes.

    >>> w = orthogonal((2, 3), dtype=np.float64)
    >>> print(np.allclose(w @ w.T, np.eye(2)))
    True
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(_from(stream).normal((max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # so that all directions are equally likely
    q = q if rows >= columns else q.T
    return (gain * q).reshape(shape).astype(default_dtype(dtype))


def sparse(
    shape: Shape, sparsity: float, std: float = 0.01, stream: Stream = None, dtype: Any = None
) -> np.ndarray:
    """Normal, with the share ``sparsity`` of each column set to 0 (Martens 2010).

    Raises:
        ShapeError: not two axes.

    >>> print(np.sum(sparse((4, 2), 0.5) == 0, axis=0))
    [2 2]
    """
    if len(shape) != 2:
        raise ShapeError(f"sparse of shape {tuple(shape)}: it makes matrices{called_at()}")
    stream = _from(stream)
    weight = normal(shape, 0.0, std, stream, dtype)
    count = math.ceil(sparsity * shape[0])
    for column in range(shape[1]):
        weight[stream.permutation(shape[0])[:count], column] = 0
    return weight


# --- by name, and into parameters ----------------------------------------------------------------

_BY_NAME: dict[str, Callable[..., np.ndarray]] = {
    "constant": constant,
    "dirac": dirac,
    "eye": eye,
    "kaiming_normal": kaiming_normal,
    "kaiming_uniform": kaiming_uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "normal": normal,
    "ones": ones,
    "orthogonal": orthogonal,
    "sparse": sparse,
    "trunc_normal": trunc_normal,
    "uniform": uniform_between,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "zeros": zeros,
}


def by_name(name: str) -> Callable[..., np.ndarray]:
    """The initialiser of this name: a function of a shape, its own options, ``stream`` and ``dtype``.

    Raises:
        WhenceError: no such name; the message lists all.

    >>> by_name("kaiming_normal")((8, 3)).shape
    (8, 3)
    """
    if name not in _BY_NAME:
        raise WhenceError(
            f"no initialiser is called {name!r}{called_at()}\n  → {', '.join(sorted(_BY_NAME))}"
        )
    return _BY_NAME[name]


def _into(name: str) -> Callable[..., Any]:
    """The initialiser that assigns to a parameter and returns it, as PyTorch's do."""
    draw = _BY_NAME[name]

    def assign(tensor: Any, *options: Any, **keywords: Any) -> Any:
        if tensor._data is None:
            raise ShapeError(
                f"init.{name}_ of a parameter whose shape is not known yet{called_at()}\n"
                "  → call the model once on data of the right size first"
            )
        return tensor.assign(draw(tensor.shape, *options, dtype=tensor.dtype, **keywords))

    assign.__name__ = assign.__qualname__ = f"{name}_"
    assign.__doc__ = f"``{name}`` of the parameter's shape and type, assigned to it; returns the parameter."
    return assign


constant_ = _into("constant")
dirac_ = _into("dirac")
eye_ = _into("eye")
kaiming_normal_ = _into("kaiming_normal")
kaiming_uniform_ = _into("kaiming_uniform")
lecun_normal_ = _into("lecun_normal")
lecun_uniform_ = _into("lecun_uniform")
normal_ = _into("normal")
ones_ = _into("ones")
orthogonal_ = _into("orthogonal")
sparse_ = _into("sparse")
trunc_normal_ = _into("trunc_normal")
uniform_ = _into("uniform")
xavier_normal_ = _into("xavier_normal")
xavier_uniform_ = _into("xavier_uniform")
zeros_ = _into("zeros")
