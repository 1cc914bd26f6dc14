"""The extension ``fft``: ``whence.numpy.fft``, and frequencies of a chosen type."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..fft import *  # type: ignore[assignment]  # noqa: F403


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of ``fft``, in cycles per unit of the sample spacing ``d``."""
    return np.fft.fftfreq(n, d, device=device).astype(dtype or float, copy=False)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of ``rfft``."""
    return np.fft.rfftfreq(n, d, device=device).astype(dtype or float, copy=False)
