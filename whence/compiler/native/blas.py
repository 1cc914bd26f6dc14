"""Matrix products by SciPy's BLAS, as kernels that look like all others: row-major arrays, items a batch.

BLAS counts columns first: a row-major product c = a b is its product cᵀ = bᵀ aᵀ, so the operands change
places.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cython_blas  # type: ignore[attr-defined]

from ...errors import DtypeError

_LETTERS = {np.dtype(np.float32): "s", np.dtype(np.float64): "d"}

#: The words of an argument block, after the function's address.
WORDS = (
    *("a", "b", "c"),  # addresses
    *("rows", "columns", "inner"),  # c: (rows, columns); inner: what is summed over
    *("step_a", "step_b", "step_c"),  # elements from one stored row to the next
    *("apart_a", "apart_b", "apart_c"),  # bytes from one matrix of the batch to the next
    *("turned_a", "turned_b"),  # 1 where the operand is stored transposed
    *("alpha", "beta"),  # c = alpha a b + beta c: bits of the element type
)

#: Operations up to which BLAS stays on the calling thread (OpenBLAS: rows x columns x inner up to 2^18).
SERIAL = 1 << 19

#: Operations that are worth a thread: 20 µs at 200 GFLOP/s.
PART = 4_000_000

#: A part has at least so many rows or columns, or packing the other operand again costs more than it brings.
NARROW = 64


class Product(NamedTuple):
    """One product of matrices, and how its operands lie: see :data:`WORDS`."""

    rows: int
    columns: int
    inner: int
    steps: tuple[int, int, int]
    turned: tuple[int, int]

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.rows * self.columns * self.inner

    @property
    def grain(self) -> int:
        """How many such products are worth a thread."""
        return -(-PART // self.flops)

    def in_parts(self, size: int) -> tuple[Product, int, list[int]]:
        """A part of it, how many there are, and the bytes from one to the next in a, b and c.

        Parts are blocks of rows or of columns, so that each number is summed up as in the whole.

        >>> Product(100, 1000, 784, (784, 1000, 1000), (0, 0)).in_parts(4)[1:]
        (8, [0, 500, 500])
        """
        by_rows = self.rows > self.columns
        length = self.rows if by_rows else self.columns
        for count in (8, 4, 2):
            part = length // count
            if length % count or part < NARROW or self.flops < count * PART:
                continue
            a, b, c = self.steps
            if by_rows:
                apart = [part if self.turned[0] else part * a, 0, part * c]
                return self._replace(rows=part), count, [size * one for one in apart]
            apart = [0, part * b if self.turned[1] else part, part]
            return self._replace(columns=part), count, [size * one for one in apart]
        return self, 1, [0, 0, 0]


_KERNEL = """
define void @whence_gemm(ptr %arguments, i64 %begin, i64 %end) {
entry:
  %function = load ptr, ptr %arguments
<loads>
  %alpha.at = getelementptr i64, ptr %arguments, i64 15
  %beta.at = getelementptr i64, ptr %arguments, i64 16
  br label %next
next:
  %n = phi i64 [ %begin, %entry ], [ %n.next, %one ]
  %over = icmp sge i64 %n, %end
  br i1 %over, label %done, label %one
one:
<matrices>
  call void %function(ptr %turned_b.at, ptr %turned_a.at, ptr %columns.at, ptr %rows.at, ptr %inner.at, ptr %alpha.at, ptr %b.n, ptr %step_b.at, ptr %a.n, ptr %step_a.at, ptr %beta.at, ptr %c.n, ptr %step_c.at)
  %n.next = add i64 %n, 1
  br label %next
done:
  ret void
}
"""  # noqa: E501


def text() -> str:
    """The kernel ``whence_gemm``; integers are 32 bits in BLAS, letters say what is transposed."""
    loads, matrices = [], []
    for place, name in enumerate(WORDS[:-2], 1):
        loads.append(f"  %{name}.word = getelementptr i64, ptr %arguments, i64 {place}")
        loads.append(f"  %{name} = load i64, ptr %{name}.word")
        if name.startswith(("rows", "columns", "inner", "step")):
            loads += [
                f"  %{name}.at = alloca i32",
                f"  %{name}.half = trunc i64 %{name} to i32",
                f"  store i32 %{name}.half, ptr %{name}.at",
            ]
        if name.startswith("turned"):
            loads += [
                f"  %{name}.at = alloca i8",
                f"  %{name}.yes = icmp ne i64 %{name}, 0",
                f"  %{name}.letter = select i1 %{name}.yes, i8 {ord('T')}, i8 {ord('N')}",
                f"  store i8 %{name}.letter, ptr %{name}.at",
            ]
    for name in "abc":
        matrices += [
            f"  %{name}.offset = mul i64 %n, %apart_{name}",
            f"  %{name}.address = add i64 %{name}, %{name}.offset",
            f"  %{name}.n = inttoptr i64 %{name}.address to ptr",
        ]
    return _KERNEL.replace("<loads>", "\n".join(loads)).replace("<matrices>", "\n".join(matrices))


@cache
def product(dtype: np.dtype[Any]) -> int:
    """The address of BLAS's matrix product: the first word of the argument block of ``whence_gemm``.

    Raises:
        DtypeError: BLAS knows float32 and float64 only.
    """
    if dtype not in _LETTERS:
        raise DtypeError(f"BLAS has no product of {dtype}\n  → convert to float32 or float64 first")
    capsule = cython_blas.__pyx_capi__[f"{_LETTERS[dtype]}gemm"]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return get(capsule, name(capsule))


def bits(value: float, dtype: np.dtype[Any]) -> int:
    """A number as a word of an argument block: its bits as an element of this type.

    >>> hex(bits(1.0, np.dtype(np.float32)))
    '0x3f800000'
    """
    return int.from_bytes(np.array(value, dtype).tobytes(), "little")


@cache
def _setters() -> tuple[Any, Any] | None:
    """OpenBLAS's own functions that set and ask for threads, if that is the BLAS that SciPy brought."""
    library = ctypes.CDLL(cython_blas.__file__)
    for prefix in ("scipy_", ""):
        try:
            return (
                getattr(library, f"{prefix}openblas_set_num_threads"),
                getattr(library, f"{prefix}openblas_get_num_threads"),
            )
        except AttributeError:
            continue
    return None


@contextmanager
def one_thread() -> Iterator[None]:
    """SciPy's BLAS on one thread: its own workers would spin on the cores that ours need."""
    found = _setters()
    if found is None:
        yield
        return
    set_threads, threads = found
    before = threads()
    set_threads(1)
    try:
        yield
    finally:
        set_threads(before)
