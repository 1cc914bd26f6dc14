"""Machine code of the kernels in this process: made, or read from the disk, when first asked for."""

from __future__ import annotations

from functools import cache

from .. import llvm
from ..cache import Cache, key, usual_folder
from ..native.engine import engine
from . import conv_text


@cache
def kernel(name: str) -> int:
    """The address of ``whence_<family>_<kind>``."""
    kind = name.rpartition("_")[2]
    made_for = llvm.host()
    text = conv_text.write(made_for, kind)
    kept = Cache(usual_folder())
    wanted = key(name, text=text, target=repr(made_for), LLVM=llvm.version())
    code = kept.get(wanted)
    if code is None:
        code = llvm.assemble(text, made_for)
        kept.put(wanted, code)
    library = engine().library
    library.add(code)
    return library.address(name)
