"""Products of matrices by the tiles of convolutions: tables with one stride each.

A tile reads its left factor through two tables of offsets, so it may be stored by rows or by columns; the
right factor is read in rows of neighbours, where it lies, without being packed. GFLOP/s on one thread of an
EPYC with AVX-512, here / OpenBLAS, float32: (30, 100, 400) 108 / 64, (400, 900, 100) with the left one stored
by columns 101 / 80, (100, 784, 1000) 98 / 71, 512³ 105 / 88, 1024³ 102 / 88, (30, 32, 32) 80 / 95.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import llvm
from ..native.blas import Product
from ..native.program import At, Launch, address
from ..vector.values import SIZES
from . import conv_text
from .conv import DEPTH, HEIGHT, ITEMS, SPARE
from .library import kernel
from .tables import offsets

#: Multiplications and additions below which a call of BLAS is as fast: its kernels for small matrices.
FEW = 200_000

#: Multiplications that are worth a thread: 10 µs.
WORK = 1 << 19

#: Columns and rows from which tiles are full enough: (1000, 1000, 16) takes 1.3 times as long as in BLAS.
COLUMNS, ROWS = 32, 8

Word = int | At
Tables = dict[Any, Any]


def suits(one: Product, shared: int) -> bool:
    """Is such a product faster here than in BLAS?

    A right factor that is stored transposed is brought into order first, one element a nanosecond; that pays
    where ``shared`` products read it.
    """
    if one.columns < COLUMNS or one.rows < ROWS or one.flops < FEW or not conv_text.masks(llvm.host()):
        return False
    return not one.turned[1] or one.rows * shared >= 512


def tiles(
    y: Word,
    a: Word,
    b: Word,
    one: Product,
    kind: str,
    apart: Sequence[int],
    count: int,
    b_step: int,
    b_panel: int,
    tables: Tables,
) -> Launch:
    """A launch that computes ``count`` products.

    Args:
        y, a, b: where the matrices are.
        one: a product, b by rows.
        kind: of the elements.
        apart: bytes from one product to the next in a, b, y.
        b_step, b_panel: bytes from row to row of b, and from panel to panel.
        tables: what the launch reads is put there; they have to live as long as it.
    """
    size = SIZES[kind]
    strides = (size, one.steps[0] * size) if one.turned[0] else (one.steps[0] * size, size)
    products = one.rows * one.columns * one.inner * count
    wanted = min(ITEMS, products // WORK)
    width = panel(kind)
    across = -(-one.columns // width) if count < wanted else 1
    lines = -(-one.rows // HEIGHT)
    high = HEIGHT * -(-lines // min(lines, max(1, wanted // (count * across))))
    down = -(-one.rows // high)
    said = {
        "x": a,
        "x_apart": apart[0],
        "y": y,
        "y_apart": apart[2],
        "b": b,
        "b_apart": apart[1],
        "b_step": b_step,
        "b_panel": b_panel,
        "rows": _table(tables, one.rows, strides[0]),
        "places": _table(tables, one.rows, one.steps[2] * size),
        "steps": _table(tables, one.inner, strides[1]),
        "count": one.rows,
        "inner": one.inner,
        "columns": one.columns,
        "depth": DEPTH,
        "start": _zeros(tables, one.columns * size),
        "none": _zeros(tables, 64 * 8),
        "wide": width if across > 1 else one.columns,
        "high": high,
        "across": across,
        "down": down,
    }
    items = count * across * down
    grain = -(-items * WORK // products) if items > 1 else 0
    return Launch(kernel("conv", "tiles", kind), _words(said), items, grain, "product")


def packed(b: Word, one: Product, kind: str, tables: Tables) -> tuple[Launch, Any, int, int]:
    """A launch that brings a right factor stored transposed into panels; their memory, b_step, b_panel."""
    size, lanes = SIZES[kind], llvm.host().lanes(SIZES[kind])
    vectors = -(-one.columns // lanes)
    row = min(panel(kind), vectors * lanes)
    memory = np.zeros(-(-vectors * lanes // row) * one.inner * row * size, np.uint8)
    said = {
        "x": b,
        "x_apart": one.steps[1] * size,
        "y": address(memory),
        "b_step": row * size,
        "rows": _table(tables, one.inner, size),
        "inner": one.inner,
        "columns": one.columns,
    }
    launch = Launch(kernel("conv", "pack", kind), _words(said), vectors, 0, "pack")
    return launch, memory, row * size, row * size * one.inner


def panel(kind: str) -> int:
    """Elements of a full panel."""
    made_for = llvm.host()
    return len(conv_text.rows_of(made_for)) * made_for.lanes(SIZES[kind])


def _words(said: dict[str, Word]) -> list[Word]:
    return [said.get(word, 0) for word in conv_text.WORDS]


def _table(tables: Tables, count: int, stride: int) -> int:
    """Offsets of ``count`` things, ``stride`` bytes apart."""
    if (count, stride) not in tables:
        tables[count, stride] = offsets((count,), (stride,), SPARE)
    return address(tables[count, stride])


def _zeros(tables: Tables, size: int) -> int:
    if size not in tables:
        tables[size] = np.zeros(size, np.uint8)
    return address(tables[size])
