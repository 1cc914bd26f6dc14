"""Connectionist temporal classification: labels of a sequence without knowing when each occurs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import BoundsError, ShapeError
from .reduction import check_labels, check_reduction, labels, reduced


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Minus the log-probability of all alignments of a sequence of labels (Graves et al. 2006).

    It is computed by the forward recursion (their equations 6 and 7), which is recorded as it runs, so
    derivatives of every order are right.

    Args:
        log_probs: (T, N, C) or (T, C), as ``log_softmax`` gives them.
        targets: labels, (N, S), or those of all sequences one after the other.
        input_lengths: (N,), each at most T.
        target_lengths: (N,), each at most S.
        blank: the label of nothing.
        reduction: ``"mean"`` (of each loss over its number of labels), ``"sum"`` or ``"none"``.
        zero_infinity: 0 in place of inf where a sequence is too short for its labels. Either way such a
            sequence passes no gradient.

    Returns:
        One number; (N,) (or one number, for (T, C)) for ``"none"``.

    Raises:
        ShapeError: sizes that do not fit. BoundsError: a label or a length out of range.

    Example:
        >>> even = np.log(np.full((2, 1, 2), 0.5))
        >>> print(np.exp(-ctc_loss(even, np.array([[1]]), [2], [1])))    # 11, 01, 10 of four
        0.75
    """
    check_reduction(reduction)
    single = np.ndim(log_probs) == 2
    if single:
        log_probs = np.expand_dims(log_probs, 1)
    if np.ndim(log_probs) != 3:
        raise ShapeError(f"ctc_loss got log_probs of shape {np.shape(log_probs)}{called_at()}\n  → (T, N, C)")
    steps, count, classes = np.shape(log_probs)
    inputs = _lengths("input_lengths", input_lengths, count, steps)
    rows = _rows(labels("ctc_loss", targets), target_lengths, count)
    lengths = np.array([len(row) for row in rows])
    for row in rows:
        check_labels("ctc_loss", row, classes)
    if not 0 <= blank < classes:
        raise BoundsError(f"ctc_loss got blank={blank}; there are {classes} classes{called_at()}")
    losses = _forward(log_probs, rows, inputs, blank)
    if zero_infinity:
        losses = np.where(np.isinf(losses), np.zeros((), losses.dtype), losses)
    if reduction == "mean":
        return np.mean(losses / np.maximum(lengths, 1).astype(losses.dtype))
    return losses[0] if single and reduction == "none" else reduced(losses, reduction)


def _lengths(name: str, given: Any, count: int, most: int) -> np.ndarray:
    """One length for each sequence."""
    found = labels("ctc_loss", given).reshape(-1)
    if found.shape != (count,):
        raise ShapeError(
            f"ctc_loss got {name} of shape {np.shape(given)} for {count} sequences{called_at()}\n"
            f"  → ({count},)"
        )
    if count and not (found.min() >= 0 and found.max() <= most):
        raise BoundsError(f"ctc_loss got {name} {found.tolist()}; each is from 0 to {most}{called_at()}")
    return found


def _rows(targets: Any, target_lengths: Any, count: int) -> list[np.ndarray]:
    """The labels of each sequence."""
    if targets.ndim == 2:
        lengths = _lengths("target_lengths", target_lengths, count, targets.shape[1])
        if len(targets) != count:
            raise ShapeError(
                f"ctc_loss got targets of shape {targets.shape} for {count} sequences{called_at()}"
            )
        return [row[:length] for row, length in zip(targets, lengths, strict=True)]
    lengths = _lengths("target_lengths", target_lengths, count, targets.size)
    if targets.ndim != 1 or lengths.sum() != targets.size:
        raise ShapeError(
            f"ctc_loss got targets of shape {targets.shape} for lengths {lengths.tolist()}{called_at()}\n"
            "  → (N, S), or all labels in a row, as many as the lengths add up to"
        )
    ends = np.cumsum(lengths)
    return [targets[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _forward(log_probs: Any, rows: list[np.ndarray], inputs: np.ndarray, blank: int) -> Any:
    """Losses, (N,): labels with blanks around them are states, of which each step goes on by up to two."""
    count, dtype = len(rows), log_probs.dtype
    width = 2 * max((len(row) for row in rows), default=0) + 1
    states = np.full((count, width), blank)
    for n, row in enumerate(rows):
        states[n, 1 : 2 * len(row) : 2] = row
    skips = np.zeros((count, width), bool)  # a blank may be left out between different labels
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    nothing = np.full((count, 2), -np.inf, dtype)
    emitted = log_probs[:, np.arange(count)[:, None], states]  # (T, N, width)
    start = np.arange(width) < 2
    alpha = np.where(start, np.zeros((), dtype), np.full((), -np.inf, dtype)) + np.zeros((count, 1), dtype)
    for t in range(np.shape(log_probs)[0]):
        new = alpha
        if t:
            padded = np.concatenate([nothing, alpha], axis=1)
            new = np.logaddexp(alpha, padded[:, 1:-1])
            new = np.logaddexp(new, np.where(skips, padded[:, :-2], nothing[:, :1]))
        new = new + emitted[t]
        alpha = new if np.all(t < inputs) else np.where((t < inputs)[:, None], new, alpha)
    ends = np.array([2 * len(row) for row in rows], int)
    last = alpha[np.arange(count), ends]
    before = np.where(ends > 0, alpha[np.arange(count), np.maximum(ends - 1, 0)], nothing[:, 0])
    return -np.logaddexp(last, before)
