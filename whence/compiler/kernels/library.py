"""Machine code of the kernels in this process: made, or read from the disk, when first asked for."""

from __future__ import annotations

from functools import cache

from .. import llvm
from ..cache import Cache, key, usual_folder
from . import conv_text, pool_text

_FAMILIES = {"conv": conv_text.write, "pool": pool_text.write}


def kernel(family: str, name: str, kind: str) -> int:
    """The address of a kernel of a family, for elements of a kind, as this machine runs it fastest."""
    return _address(family, name, kind, llvm.host())


@cache
def _address(family: str, name: str, kind: str, made_for: llvm.Target) -> int:
    return _library(family, kind, made_for).address("_".join(("whence", family, name, kind)))


@cache
def _library(family: str, kind: str, made_for: llvm.Target) -> llvm.Library:
    text = _FAMILIES[family](made_for, kind)
    kept = Cache(usual_folder())
    wanted = key(f"{family} {kind}", text=text, target=repr(made_for), LLVM=llvm.version())
    code = kept.get(wanted)
    if code is None:
        code = llvm.assemble(text, made_for)
        kept.put(wanted, code)
    library = llvm.Library(made_for)
    library.add(code)
    return library
