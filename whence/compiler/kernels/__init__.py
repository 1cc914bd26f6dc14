"""Native kernels that eager ops and compiled programs share; opened by :mod:`whence.ops.served`."""

from collections.abc import Callable
from typing import Any

from ..native import layout
from . import conv, each, pool


def served() -> dict[str, Callable[..., Any]]:
    """What of :mod:`whence.ops` is served here, by name."""
    if not layout.readable():
        return {}
    return {
        "convolution": conv.convolve_into,
        "the kernel of a convolution": conv.kernel_gradient,
        "convolution of each channel": each.convolve_into,
        "the kernels of each channel": each.kernel_gradient,
        "max pooling": pool.max_into,
        "the gradient of max pooling": pool.unmax_into,
        "sum pooling": pool.sum_into,
        "the gradient of sum pooling": pool.spread_into,
    }
