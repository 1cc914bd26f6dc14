"""One launch on the pool without a program around it: how eager ops reach native kernels.

The call lets go of the interpreter's lock. What is launched from several threads at once runs on the pool for
one of them, and on their own thread for the others; so does what a fork has left without a pool.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ... import config
from .engine import engine
from .program import address


def launch(kernel: int, words: Sequence[int], items: int, grain: int = 1) -> None:
    """Run a kernel over items, on as many threads as :func:`whence.threads` says.

    Args:
        kernel: its address.
        words: its argument block, numbers and addresses.
        items: how many there are, independent of each other.
        grain: how many are worth a thread.
    """
    block = np.array(words, np.int64)
    _share()(kernel, address(block), items, grain, config.threads())


@cache
def _share() -> Any:
    word, integer = ctypes.c_void_p, ctypes.c_int64
    function = ctypes.CFUNCTYPE(None, word, word, integer, integer, integer)
    return function(engine().kernel("whence_share"))
