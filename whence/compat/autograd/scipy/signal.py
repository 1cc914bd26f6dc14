"""autograd.scipy.signal: its convolution over chosen axes, with others multiplied and summed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def convolve(
    A: Any,
    B: Any,
    axes: tuple[Sequence[int], Sequence[int]] | None = None,
    dot_axes: tuple[Sequence[int], Sequence[int]] = ((), ()),
    mode: str = "full",
) -> Any:
    """Convolve ``A`` with ``B``.

    Args:
        A: the signal. B: the filter.
        axes: of A and of B, the axes to convolve along; None for all axes of both.
        dot_axes: of A and of B, the axes to multiply and sum over.
        mode: ``"full"``, ``"valid"`` or ``"same"`` (of A's lengths, the middle of the full one).

    Returns:
        An array with the remaining axes of A, then those of B, then the convolved ones.
    """
    if mode not in ("full", "valid", "same"):
        raise ValueError(f"convolve: mode is 'full', 'valid' or 'same', not {mode!r}")
    if axes is None:
        axes = list(range(np.ndim(A))), list(range(np.ndim(B)))
    if mode == "same":
        middle = []
        for i, j in zip(*axes, strict=True):
            start = (np.shape(B)[j] - 1) // 2
            middle.append(slice(start, start + np.shape(A)[i]))
        return convolve(A, B, axes, dot_axes)[(..., *middle)]
    rest_a = [i for i in range(np.ndim(A)) if i not in (*axes[0], *dot_axes[0])]
    rest_b = [i for i in range(np.ndim(B)) if i not in (*axes[1], *dot_axes[1])]
    # (rest, dot, moving) each
    a = np.transpose(A, (*rest_a, *dot_axes[0], *axes[0]))
    b = np.transpose(B, (*rest_b, *dot_axes[1], *axes[1]))
    moving = len(axes[0])
    lengths_a, lengths_b = np.shape(a)[np.ndim(a) - moving :], np.shape(b)[np.ndim(b) - moving :]
    if mode == "valid" and any(n < m for n, m in zip(lengths_a, lengths_b, strict=True)):
        if any(n > m for n, m in zip(lengths_a, lengths_b, strict=True)):
            raise ValueError("convolve: for mode='valid' one array must be at least as large in every axis")
        swapped = convolve(B, A, (axes[1], axes[0]), (dot_axes[1], dot_axes[0]), mode)
        count = len(rest_b)
        order = (*range(count, count + len(rest_a)), *range(count), *range(-moving, 0))
        return np.transpose(swapped, [i % np.ndim(swapped) for i in order])
    if mode == "full":
        width = [(0, 0)] * (np.ndim(a) - moving) + [(m - 1, m - 1) for m in lengths_b]
        a = np.pad(a, width)
    out = tuple(n - m + 1 for n, m in zip(np.shape(a)[np.ndim(a) - moving :], lengths_b, strict=True))
    summed = list(range(len(rest_a), len(rest_a) + len(dot_axes[0])))
    against = list(range(len(rest_b), len(rest_b) + len(dot_axes[1])))
    total: Any = 0.0
    for offset in np.ndindex(*lengths_b):
        window = tuple(
            slice(m - 1 - k, m - 1 - k + n) for k, m, n in zip(offset, lengths_b, out, strict=True)
        )
        # (rest of A, moving, rest of B)
        total = total + np.tensordot(a[(..., *window)], b[(..., *offset)], (summed, against))
    before = len(rest_a)
    order = (*range(before), *range(before + moving, np.ndim(total)), *range(before, before + moving))
    return np.transpose(total, order)
