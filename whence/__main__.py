"""``python -m whence``: what it found on this machine; ``cache``: what compiled functions keep on disk."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import sys
from typing import Any, NamedTuple

import numpy as np
import scipy

from . import __version__
from .compiler.cache import Cache, usual_folder

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Extra(NamedTuple):
    """A package that whence can do without."""

    module: str
    package: str  # on PyPI
    extra: str  # of whence
    purpose: str


EXTRAS = (
    Extra("llvmlite", "llvmlite", "compile", "native kernels"),
    Extra("cupy", "cupy-cuda12x", "cuda", "arrays on NVIDIA GPUs"),
    Extra("mpi4py", "mpi4py", "mpi", "several processes"),
    Extra("matplotlib", "matplotlib", "plot", "pictures"),
    Extra("rich", "rich", "train", "the progress bar"),
    Extra("sklearn", "scikit-learn", "train", "estimators, small data sets"),
    Extra("tensorboardX", "tensorboardX", "tensorboard", "logs for TensorBoard"),
    Extra("safetensors", "safetensors", "safetensors", "weights in safetensors files"),
    Extra("onnx", "onnx", "onnx", "export"),
)


def report() -> str:
    """The text that ``python -m whence`` prints."""
    rows = [
        ("whence", __version__),
        ("Python", f"{platform.python_version()} ({platform.system()} {platform.machine()})"),
        ("NumPy", np.__version__),
        ("SciPy", scipy.__version__),
        ("BLAS", _blas()),
        ("cores", str(_cores())),
        ("threads", _threads()),
    ]
    lines = [f"{name:<10}{text}" for name, text in rows]
    return "\n".join([*lines, "", *map(_extra, EXTRAS)])


def _extra(extra: Extra) -> str:
    """A line: there, and in which version; or what to install."""
    head = f"{extra.package:<14}"
    if importlib.util.find_spec(extra.module) is None:
        return f'✗ {head} {extra.purpose:<30} pip install "whence[{extra.extra}]"'
    return f"✓ {head} {extra.purpose:<30} {_version(extra)}"


def _version(extra: Extra) -> str:
    for package in (extra.package, extra.module):
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "of unknown version"


def _blas() -> str:
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return " ".join(filter(None, (blas.get("name"), blas.get("version")))) or "unknown"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads() -> str:
    limits = [f"{name}={os.environ[name]}" for name in _THREADS if name in os.environ]
    return ", ".join(limits) or f"all {_cores()} cores (set {_THREADS[0]} to use fewer)"


def cache(clear: bool) -> str:
    """The text that ``python -m whence cache`` prints."""
    kept = Cache(usual_folder())
    if kept.folder is None:
        return "There is no compile cache (WHENCE_CACHE=off, or no home folder)."
    if clear:
        return f"{kept.folder}: {_entries(kept.clear())} removed"
    entries = kept.entries()
    size = sum(entry.size for entry in entries)
    return f"{kept.folder}: {_entries(len(entries))}, {size:,} bytes of at most {kept.limit:,}"


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def main() -> str:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m whence", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    compiled = commands.add_parser("cache", help="what compiled functions keep on disk")
    compiled.add_argument("--clear", action="store_true", help="remove it")
    asked = parser.parse_args()
    return cache(asked.clear) if asked.command == "cache" else report()


if __name__ == "__main__":
    text = main()
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
