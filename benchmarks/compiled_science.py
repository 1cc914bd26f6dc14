"""The derivatives of :mod:`benchmarks.science`, compiled: against PyTorch and JAX's jit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import science
from .harness import Row


def rows() -> dict[str, Callable[[str], Row]]:
    """All rows of this file by title."""
    return {f"compiled: {title}": partial(made, compiled=True) for title, made in science.rows().items()}
