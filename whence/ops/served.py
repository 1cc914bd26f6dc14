"""Native kernels for eager ops, where llvmlite is installed: looked for when the first op is worth it.

Ops lie below the compiler and know nothing of it but the name of the room that is opened here. Without
llvmlite, or with ``WHENCE_NATIVE=off`` in the environment, NumPy does everything.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from functools import cache
from typing import Any

Served = Callable[..., Any]

_ROOM = "compiler.kernels"


@cache
def kernels() -> dict[str, Served]:
    """What is served natively, by name; empty where nothing is."""
    if os.environ.get("WHENCE_NATIVE", "").lower() == "off" or importlib.util.find_spec("llvmlite") is None:
        return {}
    top = __name__.partition(".")[0]
    try:
        return importlib.import_module(f"{top}.{_ROOM}").served()
    except (ImportError, OSError):  # llvmlite is there, but not the LLVM that it needs
        return {}


def served(name: str, *arguments: Any) -> Any:
    """What the kernel ``name`` makes of the arguments; None where there is none, or it does not take them."""
    function = kernels().get(name)
    return None if function is None else function(*arguments)
