"""What a Variable is called in autograd, and how to look at its bare value."""

from __future__ import annotations

from typing import Any

from ...core.variable import Variable as Box
from .extend import notrace_primitive as notrace_primitive
from .extend import primitive as primitive
from .extend import register_notrace as register_notrace
from .sequences import subvals as subvals
from .sequences import toposort as toposort


def isbox(x: Any) -> bool:
    """Is ``x`` a Variable?"""
    return isinstance(x, Box)


def getval(x: Any) -> Any:
    """The bare value of a Variable; anything else as it is."""
    return x.data if isinstance(x, Box) else x
