"""Convolutions and their kernels' gradients as vectorised SSA text: one tile, addressed through tables.

A tile is a product ``y[r, v] = start[r, v] + Σ_k x[row r + step k] b[k, v]`` of some rows by some vectors of
neighbouring elements, all sums in registers (Van Zee and van de Geijn, "BLIS", ACM TOMS 41, 2015). Where
element ``(r, k)`` of the left factor lies is said by two tables of offsets, one by rows and one by steps;
so no windows are ever copied, and strides, dilation, order of axes and number of axes are the tables'
business (after Dukhan, "The indirect convolution algorithm", arXiv:1907.02129, 2019):

    forward:      rows are pixels of y, steps are (channel, tap) of x, b the weights
    of a kernel:  rows are (channel, tap) of x, steps are pixels, b the gradient of y
"""

from __future__ import annotations

from ..vector import Value, Writer
from ..vector.values import SIZES
from ..vector.writer import Registers

#: Rows of a tile by its vectors, for 32 and for 16 registers. 6 × 4 keeps 24 sums, 4 of b and 1 of x in
#: registers; with fewer vectors the addresses of the rows (one general register each) are the limit.
ROWS = {32: (12, 9, 8, 6), 16: (8, 6)}

#: What a driver reads, word by word.
WORDS = (
    *("x", "x_apart", "y", "y_apart"),  # addresses, and bytes from one block of images to the next
    *("b", "b_apart", "b_step", "b_panel"),  # bytes: of a block, from step to step, from panel to panel
    *("rows", "places", "steps"),  # tables of offsets in bytes: of x by row, of y by row, of x by step
    *("count", "inner", "columns", "depth"),  # rows, steps, elements of a row of y, steps at a time
    *("start", "none"),  # what y begins with (a row of it), a table of zeros
    *("plane", "runs", "run_count", "run_bytes"),  # zero-bordered copy: bytes (0: none), (from, to) offsets
    *("wide", "high", "across", "down"),  # of an item: columns, rows; how many items across a block, and down
)


def rows_of(target: Registers) -> tuple[int, ...]:
    """Rows of a tile of 1, 2, ... vectors."""
    return ROWS[32 if target.level in ("avx512", "neon") else 16]


def masks(target: Registers) -> bool:
    """Are masked loads single instructions? Where not, rows of b are made of whole vectors."""
    return target.level in ("avx512", "avx2")


def write(target: Registers, kind: str) -> str:
    """The module for one kind of elements."""
    w = Writer(target, target.width // SIZES[kind])
    for vectors, rows in enumerate(rows_of(target), 1):
        _write_tile(w, kind, vectors, rows)
    _write_block(w, kind)
    _write_plane(w)
    _write_driver(w, kind)
    _write_packer(w, kind)
    return w.text()


def _write_tile(w: Writer, kind: str, vectors: int, rows: int) -> None:
    """``tile_<vectors>``: ``left`` elements of the last vector are there."""
    lanes = w.lanes
    pointers = ("x", "rows", "steps", "b", "y", "places", "start", "starts")
    arguments = dict.fromkeys(pointers, "ptr") | dict.fromkeys(("b_step", "inner", "left"), "i64")
    with w.function(f"tile_{vectors}", internal=True, **arguments) as given:
        x, table, steps, b, y, places, start, starts, b_step, inner, left = given
        ends = [None] * (vectors - 1) + [w.tail(left, lanes)]
        read = ends if masks(w.target) else [None] * vectors
        bases = [w.at(x, w.load("i64", table, r, lanes=1), "u8") for r in range(rows)]
        sums = [w.constant(0.0, kind, lanes)] * (rows * vectors)
        with w.loop(0, inner, carried=[b, *sums]) as loop:
            at, *now = loop.carried
            offset = w.load("i64", steps, loop.index, lanes=1)
            right = [w.load(kind, at, v * lanes, mask=read[v]) for v in range(vectors)]
            later = []
            for r, base in enumerate(bases):
                element = w.spread(kind, w.at(base, offset, "u8"))
                later += [w.fma(element, right[v], now[r * vectors + v]) for v in range(vectors)]
            loop.next(w.at(at, b_step, "u8"), *later)
        totals = loop.results[1:]
        for r in range(rows):
            row = w.at(start, w.load("i64", starts, r, lanes=1), "u8")
            for v in range(vectors):
                at = r * vectors + v
                totals[at] = totals[at] + w.load(kind, row, v * lanes, mask=ends[v])
        for r in range(rows):  # after all of y has been read: rows at the end may be the same
            row = w.at(y, w.load("i64", places, r, lanes=1), "u8")
            for v in range(vectors):
                w.store(totals[r * vectors + v], row, v * lanes, mask=ends[v])


def _words(w: Writer, words: Value) -> dict[str, Value]:
    pointers = ("x", "y", "b", "rows", "places", "steps", "start", "none", "runs")
    return {
        name: w.load("ptr" if name in pointers else "i64", words, place, lanes=1)
        for place, name in enumerate(WORDS)
    }


def _write_block(w: Writer, kind: str) -> None:
    """``block``: some rows and columns of y, panel by panel, some steps at a time, tile by tile."""
    rows, size = rows_of(w.target), SIZES[kind]
    full = len(rows)
    width = full * w.lanes
    arguments = dict.fromkeys(("words", "x", "y", "b"), "ptr")
    arguments |= dict.fromkeys(("left", "right", "top", "bottom"), "i64")
    with w.function("block", internal=True, **arguments) as given:
        words, x, y, b, first_column, columns, top, bottom = given
        said = _words(w, words)
        with w.loop(first_column, columns, width) as panel:
            right = w.at(b, panel.index / width * said["b_panel"], "u8")
            left = w.binary("llvm.smin", columns - panel.index, width)
            vectors = (left + (w.lanes - 1)) / w.lanes
            last = left - (vectors - 1) * w.lanes
            column = panel.index * size
            with w.loop(0, said["inner"], said["depth"]) as part:
                steps = w.binary("llvm.smin", said["inner"] - part.index, said["depth"])
                first = part.index.eq(0)
                onto = w.at(y, column, "u8")
                start = w.select(first, w.at(said["start"], column, "u8"), onto)
                table = w.at(said["steps"], part.index, "i64")
                at = w.at(right, part.index * said["b_step"], "u8")
                for many, height in enumerate(rows, 1):
                    with w.when(vectors.eq(many)), w.loop(top, bottom, height) as tile:
                        places = w.at(said["places"], tile.index, "i64")
                        starts = w.select(first, said["none"], places)
                        offsets = w.at(said["rows"], tile.index, "i64")
                        given = (x, offsets, table, at, onto, places, start, starts)
                        w.call(f"tile_{many}", None, *given, said["b_step"], steps, last)


def _write_plane(w: Writer) -> None:
    """``fill``: the runs of a block of images into a plane whose border is zero already."""
    arguments = dict.fromkeys(("plane", "x", "runs"), "ptr") | dict.fromkeys(("count", "bytes"), "i64")
    w.declarations["declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"] = None
    with (
        w.function("fill", internal=True, **arguments) as (plane, x, runs, count, size),
        w.loop(0, count) as loop,
    ):
        pair = loop.index * 2
        source = w.at(x, w.load("i64", runs, pair, lanes=1), "u8")
        place = w.at(plane, w.load("i64", runs, pair + 1, lanes=1), "u8")
        w.lines.append(f"  call void @llvm.memcpy.p0.p0.i64({place}, {source}, {size}, i1 false)")


def _write_driver(w: Writer, kind: str) -> None:
    """``whence_conv_tiles_<kind>``: items are parts of blocks; x is copied if it needs a border."""
    w.external("calloc", "ptr", "i64", "i64")
    w.external("free", "", "ptr")
    with w.function(f"whence_conv_tiles_{kind}", words="ptr", begin="i64", end="i64") as (words, begin, end):
        said = _words(w, words)
        bordered = said["plane"] > 0
        with w.when(bordered, said["x"]) as branch:
            branch.give(w.emit(f"call ptr @calloc({said['plane']}, i64 1)", "ptr", 1))
        plane = branch.results[0]
        with w.loop(begin, end) as loop:
            row = loop.index / said["across"]
            block = row / said["down"]
            left = (loop.index - row * said["across"]) * said["wide"]
            top = (row - block * said["down"]) * said["high"]
            right = w.binary("llvm.smin", left + said["wide"], said["columns"])
            bottom = w.binary("llvm.smin", top + said["high"], said["count"])
            x = w.at(said["x"], block * said["x_apart"], "u8")
            with w.when(bordered):
                w.call("fill", None, plane, x, said["runs"], said["run_count"], said["run_bytes"])
            x = w.select(bordered, plane, x)
            y = w.at(said["y"], block * said["y_apart"], "u8")
            b = w.at(said["b"], block * said["b_apart"], "u8")
            w.call("block", None, words, x, y, b, left, right, top, bottom)
        with w.when(bordered):
            w.call("free", None, plane)


def _write_packer(w: Writer, kind: str) -> None:
    """``whence_conv_pack_<kind>``: items are vectors of outputs of x, the weights, brought into panels y.

    Outputs lie ``x_apart`` bytes from each other; of one, the elements lie at the offsets of ``rows``.
    """
    size = SIZES[kind]
    with w.function(f"whence_conv_pack_{kind}", words="ptr", begin="i64", end="i64") as (words, begin, end):
        said = _words(w, words)
        places = w.numbers("i64", w.lanes) * (said["x_apart"] / size)
        across = said["b_step"] / (w.lanes * size)
        with w.loop(begin, end) as vector:
            first = vector.index * w.lanes
            mask = w.tail(said["columns"] - first, w.lanes)
            x = w.at(said["x"], vector.index * said["x_apart"] * w.lanes, "u8")
            panel = vector.index / across
            beside = (vector.index - panel * across) * (w.lanes * size)
            y = w.at(said["y"], panel * said["inner"] * said["b_step"] + beside, "u8")
            with w.loop(0, said["inner"]) as step:
                offset = w.load("i64", said["rows"], step.index, lanes=1)
                row = w.gather(kind, w.at(x, offset, "u8"), places, mask)
                w.store(row, y, step.index * (said["b_step"] / size))
