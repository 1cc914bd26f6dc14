"""From text in LLVM's language to machine code in memory: the only module that names llvmlite.

>>> code = assemble("define i64 @twice(i64 %x) { %y = shl i64 %x, 1 ret i64 %y }", host())
>>> import ctypes
>>> library = Library(host())
>>> library.add(code)
>>> ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(library.address("twice"))(21)
42
"""

from __future__ import annotations

import platform
from functools import cache
from typing import Any, NamedTuple

from ..errors import MissingExtraError

try:
    import llvmlite
    import llvmlite.binding as llvm
except ImportError as error:
    raise MissingExtraError(
        'native kernels need llvmlite\n  → pip install "whence[compile]"; without it compile runs NumPy'
    ) from error

#: What a set of vector registers is for us: bytes in a register, and the features that LLVM is told of.
LEVELS = {
    "avx512": (64, ("avx512f", "avx512dq", "avx512bw", "avx512vl", "avx2", "fma", "bmi2")),
    "avx2": (32, ("avx2", "fma", "bmi2")),
    "neon": (16, ("neon",)),
    "generic": (16, ()),
}


class Target(NamedTuple):
    """What machine code is made for."""

    level: str  # a key of LEVELS
    width: int  # bytes in a vector register
    triple: str
    cpu: str
    features: str  # as LLVM writes them: "+avx2,+fma"

    def lanes(self, itemsize: int) -> int:
        """How many elements of so many bytes a register holds."""
        return self.width // itemsize


@cache
def host() -> Target:
    """The machine that this process runs on, at the best level that it has."""
    for level in ("avx512", "avx2", "neon"):
        if _has(level):
            return target(level)
    return target("generic")


@cache
def target(level: str) -> Target:
    """This machine with no more than ``level``, which it must have."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    if level != "generic" and not _has(level):
        raise ValueError(f"this machine has no {level}")
    width, features = LEVELS[level]
    triple = llvm.get_default_triple()
    if level == "avx512" or level == "neon":  # all that the machine has: LLVM may misname it, so by features
        text = llvm.get_host_cpu_features().flatten()
    else:
        text = ",".join(f"+{feature}" for feature in features)
    cpu = "x86-64" if platform.machine() in ("x86_64", "AMD64") else ""
    return Target(level, width, triple, cpu, text)


#: Code and constants are given memory one by one. Where the address space is full (JAX and PyTorch beside us)
#: they can lie more than 2 GB apart, and LLVM ends the process; so addresses are written out in full.
_FAR = platform.machine() in ("x86_64", "AMD64")
RELOCATION, MODEL = ("static", "large") if _FAR else ("pic", "default")


@cache
def _has(level: str) -> bool:
    present = llvm.get_host_cpu_features()
    return all(present.get(feature, False) for feature in LEVELS[level][1])


def _new_machine(made_for: Target) -> Any:
    target(made_for.level)
    return llvm.Target.from_triple(made_for.triple).create_target_machine(
        cpu=made_for.cpu, features=made_for.features, opt=1, reloc=RELOCATION, codemodel=MODEL, jit=True
    )


@cache
def _machine(made_for: Target) -> Any:
    return _new_machine(made_for)


def assemble(text: str, made_for: Target) -> bytes:
    """The object file of a module: no passes over it, what stands there is what is emitted.

    Raises:
        RuntimeError: the text is not LLVM's language; LLVM's own words, with the line.
    """
    target(made_for.level)  # LLVM must be ready
    module = llvm.parse_assembly(text)
    module.triple = made_for.triple
    module.verify()
    return _machine(made_for).emit_object(module)


def version() -> str:
    """Of llvmlite and LLVM, and how code is laid out: what is made in one way is not taken for the other."""
    return f"llvmlite {llvmlite.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}, {MODEL}"


class Library:
    """Machine code in this process: object files go in, addresses of functions come out.

    Functions of one object file may call those of another, and what ``name`` has been given an address.
    """

    def __init__(self, made_for: Target) -> None:
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _new_machine(made_for))

    def add(self, code: bytes) -> None:
        """Take in an object file (of :func:`assemble`)."""
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function is; 0 if there is none of this name."""
        return self._engine.get_function_address(name)


def name(symbol: str, address: int) -> None:
    """Let machine code that is added later call ``symbol`` at this address."""
    llvm.add_symbol(symbol, address)
