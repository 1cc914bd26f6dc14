"""Gradients bounded, in norm or in value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Variable, make
from ..errors import NonFiniteError, SettingError
from .packs import gradient


def with_gradients(params: Any) -> list[tuple[Any, Any]]:
    """Parameters (one, or an iterable) that have gradients, with those as arrays."""
    listed = [params] if isinstance(params, Variable) else list(params)
    pairs = [(p, gradient(p)) for p in listed]
    return [(p, g) for p, g in pairs if g is not None]


def set_gradient(p: Any, g: Any) -> None:
    """Give a parameter another gradient; whoever holds the old one keeps it as it was."""
    p.grad = make(g)


def total_norm(gradients: Iterable[Any], norm_type: float = 2.0) -> float:
    """The norm of all gradients as one vector, computed in double precision from each array's own norm."""
    norms = [_norm(g, norm_type) for g in gradients]
    if not norms:
        return 0.0
    return float(np.linalg.norm(np.array(norms), norm_type))


def _norm(g: Any, norm_type: float) -> float:
    flat = np.asarray(g).reshape(-1)
    if flat.size == 0:
        return 0.0
    if norm_type == 2.0:
        squares = float(np.vdot(flat, flat).real)
        if 1e-30 < squares < 1e30:  # else it may have left float32's range
            return math.sqrt(squares)
        return float(np.linalg.norm(flat.astype(np.result_type(flat, np.float64))))
    return float(np.linalg.norm(flat, norm_type))


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """Scale all gradients by one factor so that their norm, as one vector, is at most ``max_norm``.

    ``g ← g·min(1, max_norm / (‖g‖ + 10⁻⁶))``. Pascanu, Mikolov and Bengio, *On the difficulty of training
    recurrent neural networks* (2013), algorithm 1.

    Args:
        parameters: parameters, or one; those without a gradient are left out.
        max_norm: the bound.
        norm_type: p of the norm, ``np.inf`` too.
        error_if_nonfinite: raise for a norm that is NaN or infinite; otherwise a NaN spreads to all
            gradients, and an infinity makes all others zero.

    Returns:
        The norm before.

    Raises:
        NonFiniteError: see ``error_if_nonfinite``; it names the parameters, and no gradient is changed.

    Example:
        >>> import numpy as np
        >>> from whence import nn, optim
        >>> p = nn.Parameter([3.0, 4.0])
        >>> (p**2 / 2).sum().backward()
        >>> optim.clip_grad_norm_([p], 1.0), np.round(p.grad.data, 3)
        (5.0, array([0.6, 0.8]))
    """
    if not max_norm >= 0:
        raise SettingError(f"max_norm={max_norm!r} is not a number that is not negative{called_at()}")
    pairs = with_gradients(parameters)
    norm = total_norm((g for _, g in pairs), norm_type)
    if error_if_nonfinite and not math.isfinite(norm):
        broken = [p.name or f"number {i}" for i, (p, g) in enumerate(pairs) if not np.all(np.isfinite(g))]
        raise NonFiniteError(
            f"the norm of the gradients is {norm}{called_at()}\n"
            f"  not finite: those of {', '.join(broken) or 'none alone'}\n"
            "  → no gradient was changed; whence.detect_nan() finds the op"
        )
    factor = float(max_norm) / (norm + 1e-6)
    if not factor >= 1:  # NaN too
        for p, g in pairs:
            set_gradient(p, g * factor)
    return norm


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Clip each element of the gradients to ``[-clip_value, clip_value]``.

    Example:
        >>> from whence import nn, optim
        >>> p = nn.Parameter([3.0, 0.5])
        >>> (p**2 / 2).sum().backward()
        >>> optim.clip_grad_value_(p, 1.0)
        >>> print(p.grad)
        [1.  0.5]
    """
    if not clip_value >= 0:
        raise SettingError(f"clip_value={clip_value!r} is not a number that is not negative{called_at()}")
    for p, g in with_gradients(parameters):
        set_gradient(p, np.clip(g, -clip_value, clip_value))
