"""Corners: points where a derivative is a convention, so that the next one does not exist.

The norm has the derivative 0 at 0 (the least of its subgradients); its second derivative there is
refused. So a rule that has used the convention marks what it read, and whoever differentiates the
rule meets a NaN: dead in a branch that is not taken, refused elsewhere (see ``core.guard``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import guard as guard  # registers what a sweep asks for
from ..core.primitive import Primitive
from ..core.sweep import wary
from ..core.variable import Variable

corner = Primitive(
    "the corner of a norm",
    lambda x, at: np.where(at, x, x),
    vjp=[lambda g, y, x, at: wary(g) * np.where(at, np.nan, 1.0)],
    reads=[""],
    kind="elementwise",
)


def cornered(x: Any, at: Any) -> Any:
    """``x``, without a derivative at the elements ``at``; anything but a Variable as it is."""
    return corner(x, at=at) if isinstance(x, Variable) and np.any(at) else x
