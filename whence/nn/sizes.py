"""The sizes that layers are made with: integers, not below some least one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import ShapeError


def check_sizes(layer: object, least: int = 0, lazy: bool = False, **sizes: Any) -> None:
    """Raise if one of ``sizes`` is no integer, or below ``least``; ``lazy``: None is to be learnt.

    Args:
        layer: what is being made, or its name.
        least: the least size that makes sense.
        lazy: may a size be None?
        sizes: by the names of the arguments.

    Raises:
        ShapeError: it names the argument.

    >>> check_sizes("Linear", in_features=3, out_features=2)
    """
    for name, value in sizes.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if (whole and value >= least) or (lazy and value is None):
            continue
        label = layer if isinstance(layer, str) else type(layer).__name__
        raise ShapeError(
            f"{label} got {name}={value!r}{called_at()}\n"
            f"  → an integer, {least} or more"
            + (", or None to learn it from the first input" if lazy else "")
        )
