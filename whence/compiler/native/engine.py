"""The walker and the pool as machine code in this process: made once, never taken away.

Workers run this code until the process ends, also while Python takes itself apart, so neither the code nor
the pool's memory is ever freed.
"""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ... import config
from .. import llvm
from ..cache import Cache, key, usual_folder
from . import blas, guards, layout, pool, walker

_CALLED = (
    *("PyEval_SaveThread", "PyEval_RestoreThread", "PyErr_CheckSignals", "PyObject_CallObject", "Py_IncRef"),
    *("Py_DecRef", "PyTuple_New", "PyTuple_SetItem", "PyContextVar_Get", "PyLong_AsLong"),
    *("PyDict_GetItemWithError", "PyDict_Next", "PyFunction_GetDefaults", "PyFunction_GetKwDefaults"),
)


class Engine(NamedTuple):
    """Addresses of what is native here."""

    library: llvm.Library
    call: int
    zero: int
    copy: int
    forked: Any
    use_pool: Any

    def kernel(self, name: str) -> int:
        """The address of one of the kernels that are always there (``whence_sgemm``)."""
        return self.library.address(name)


@cache
def engine() -> Engine:
    """The one engine of this process."""
    made_for = llvm.host()
    for name in _CALLED:
        llvm.name(name, _address(getattr(ctypes.pythonapi, name)))
    llvm.name("_Py_NoneStruct", id(None))
    llvm.name("whence_not_implemented", id(NotImplemented))
    llvm.name("whence_ndarray", id(np.ndarray))
    llvm.name("whence_empty", layout.empty_function())
    settings = np.array([id(config.THREADS), config.usual_threads()], np.uint64)
    llvm.name("whence_threads", settings.__array_interface__["data"][0])
    library = llvm.Library(made_for)
    library.add(_code(made_for))
    procedure = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    made = Engine(
        library,
        library.address("whence_call"),
        library.address("whence_zero"),
        library.address("whence_copy"),
        ctypes.CFUNCTYPE(None)(library.address("whence_forked")),
        procedure(library.address("whence_use_pool")),
    )
    for immortal in (settings, library, made, config.THREADS):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(immortal))
    _new_pool(made)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _forked(made))
    return made


def _code(made_for: llvm.Target) -> bytes:
    """The object file, from the disk if an earlier process has left it (80 ms to make, 0.4 to read)."""
    kept, source = Cache(usual_folder()), text()
    wanted = key("native call", text=source, target=repr(made_for), LLVM=llvm.version())
    code = kept.get(wanted)
    if code is None:
        code = llvm.assemble(source, made_for)
        kept.put(wanted, code)
    return code


def text() -> str:
    """All that the engine is made of."""
    return guards.text() + walker.text() + pool.text(platform.system(), platform.machine()) + blas.text()


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _new_pool(made: Engine) -> None:
    memory = np.zeros(pool.POOL_BYTES + 64, np.uint8)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(memory))
    start = memory.__array_interface__["data"][0]
    made.use_pool(start + -start % 64)


def _forked(made: Engine) -> None:
    """In a child there are no workers, and whatever ran runs in the parent."""
    made.forked()
    _new_pool(made)
