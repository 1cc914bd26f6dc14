"""autograd.numpy.numpy_vjps: what rules of other packages use from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....core.sweep import unbroadcast as _unbroadcast


def unbroadcast(x: Any, target_meta: tuple[Any, ...], broadcast_idx: int = 0) -> Any:
    """``x`` summed to the shape that ``target_meta`` (from ``numpy_wrapper.metadata``) begins with."""
    shape, _, _, is_complex = target_meta
    y = _unbroadcast(x, tuple(shape)) if np.ndim(x) else np.broadcast_to(x, shape)
    return y if is_complex else np.real(y)


def unbroadcast_f(target: Any, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``f``, its result summed to the shape of ``target``."""
    meta = np.shape(target), np.ndim(target), np.result_type(target), np.iscomplexobj(target)
    return lambda g: unbroadcast(f(g), meta)
