"""The peers that are installed. A missing one is left out of the rows and named in the results."""

from __future__ import annotations

import functools
import importlib
import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

NAMES = ("torch", "jax", "autograd", "mygrad", "dezero")


def load(name: str) -> Any:
    """The module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


torch = load("torch")
jax = load("jax")
autograd = load("autograd")
mygrad = load("mygrad")
# DeZero 0.0.13 names np.int, which NumPy no longer has: lent while it is imported.
np.int = int  # type: ignore[attr-defined]
dezero = load("dezero")
del np.int  # type: ignore[attr-defined]
if jax is not None:
    jax.config.update("jax_enable_x64", True)
# torch.compile writes C++: without a compiler there is nothing to compare with.
inductor = functools.cache(torch.compile) if torch is not None and shutil.which("g++") else None
if autograd is not None:
    importlib.import_module("autograd.numpy")


def versions() -> dict[str, str]:
    """Versions of everything that takes part."""
    found = {}
    for name in ("numpy", "scipy", *NAMES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
