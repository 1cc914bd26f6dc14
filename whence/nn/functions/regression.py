"""Losses of numbers: squared and absolute errors, and likelihoods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import ShapeError, WhenceError
from ...ops.declare import anywhere
from .reduction import reduced, same_shapes


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """``(input - target)²``.

    Args:
        input: any shape.
        target: of the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: different shapes.

    >>> print(mse_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """
    same_shapes("mse_loss", input=input, target=target)
    return reduced(np.square(input - target), reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """``|input - target|``; arguments as of :func:`mse_loss`.

    >>> print(l1_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    1.0
    """
    same_shapes("l1_loss", input=input, target=target)
    return reduced(np.absolute(input - target), reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """``d² / 2`` where ``|d| < delta`` for the difference d, else ``delta (|d| - delta / 2)`` (Huber 1964).

    >>> print(huber_loss(np.array([0.5, 3.0]), np.zeros(2), "none"))
    [0.125 2.5  ]
    """
    if not delta > 0:
        raise WhenceError(f"huber_loss needs delta > 0, not {delta}{called_at()}")
    same_shapes("huber_loss", input=input, target=target)
    d = input - target
    near = np.clip(d, -delta, delta)
    return reduced(near * (d - near / 2), reduction)


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """``huber_loss / beta``; ``l1_loss`` for ``beta = 0`` (Girshick 2015, arXiv:1504.08083, section 2.3).

    >>> print(smooth_l1_loss(np.array([0.5, 3.0]), np.zeros(2), "none", beta=2.0))
    [0.0625 2.    ]
    """
    if beta == 0:
        return l1_loss(input, target, reduction)
    if not beta > 0:
        raise WhenceError(f"smooth_l1_loss needs beta >= 0, not {beta}{called_at()}")
    return huber_loss(input, target, reduction, beta) / beta


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """Minus the logarithm of a Poisson density of counts, of which ``log(target!)`` is left out.

    Args:
        input: the rate; its logarithm if ``log_input``.
        target: counts, of the same shape.
        log_input: ``e^input - target input``; else ``input - target log(input + eps)``.
        full: add Stirling's ``t log t - t + log(2πt) / 2`` for ``log(t!)`` where t > 1.
        eps: keeps the logarithm from 0.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    >>> print(poisson_nll_loss(np.array([0.0]), np.array([3.0])))
    1.0
    """
    same_shapes("poisson_nll_loss", input=input, target=target)
    losses = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if full:
        many = np.greater(target, 1)
        t = np.where(many, target, 1)
        losses = losses + np.where(many, t * np.log(t) - t + np.log(2 * math.pi * t) / 2, 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """``(log(var) + (input - target)² / var) / 2`` (Nix and Weigend 1994).

    Args:
        input: the expected values.
        target: of the same shape.
        var: variances: of the same shape, or without the last axis, or one number in place of it.
        full: add ``log(2π) / 2``.
        eps: variances count as no less than this.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: shapes that do not fit. WhenceError: a negative variance.

    >>> print(gaussian_nll_loss(np.array([1.0]), np.array([3.0]), np.array([1.0])))
    2.0
    """
    same_shapes("gaussian_nll_loss", input=input, target=target)
    shape = np.shape(input)
    if np.shape(var) == shape[:-1] and np.shape(var) != shape:
        var = np.expand_dims(var, -1)
    if np.shape(var) not in (shape, (*shape[:-1], 1), ()):
        raise ShapeError(
            f"gaussian_nll_loss got variances {np.shape(var)} for values {shape}{called_at()}\n"
            f"  → {shape}, or {shape[:-1]}, one for each row"
        )
    if anywhere(np.less(var, 0)):
        raise WhenceError(f"gaussian_nll_loss got a negative variance{called_at()}")
    var = np.maximum(var, eps)
    losses = (np.log(var) + np.square(input - target) / var) / 2
    return reduced(losses + math.log(2 * math.pi) / 2 if full else losses, reduction)
