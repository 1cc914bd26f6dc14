"""A recipe as text in LLVM's language: loops over rows, passes over a row, vectors of elements.

The kernel is ``void kernel(ptr words, i64 begin, i64 end)``; :mod:`whence.compiler.recipes` says which words.
"""

from __future__ import annotations

import hashlib
from typing import Any

from .elements import ELEMENTS, Vector
from .recipes import Recipe, Step, cost_of_step, schedule
from .reductions import REDUCTIONS
from .vector.values import SIZES
from .vector.writer import Writer

#: Passes of so few instructions are unrolled, so that sums in a row need not wait for each other.
SHORT, UNROLL = 8, 4

#: Functions of so few instructions are also written for single elements: they take half as long to compile.
PLAIN = 5


def name_of(recipe: Recipe) -> str:
    """What the kernel of a recipe is called: the same form has the same name in every process."""
    steps = [(_label(step.function), *step[1:]) for step in recipe.steps]
    text = repr((*recipe[:3], steps, *recipe[4:]))
    return "loop_" + hashlib.sha256(text.encode()).hexdigest()[:20]


def _label(function: Any) -> str:
    return getattr(function, "__qualname__", None) or getattr(function, "__name__", repr(function))


def lanes_of(recipe: Recipe, target: Any) -> int:
    """Elements in a vector: as many of the widest type as a register holds."""
    if recipe.single and all(cost_of_step(step) <= PLAIN for step in recipe.steps):
        return 1
    kinds = {step.gives for step in recipe.steps} | {kind for step in recipe.steps for kind in step.takes}
    kinds |= {kind for kind, how in recipe.accesses if how != "number"}
    return target.width // max(SIZES[kind] for kind in kinds)


def write(recipe: Recipe, target: Any) -> str:
    """The module with the kernel of a recipe."""
    w = Writer(target, lanes_of(recipe, target))
    with w.function(name_of(recipe), words="ptr", begin="i64", end="i64") as (words, begin, end):
        _Kernel(w, recipe, words).write(begin, end)
    return w.text()


class _Kernel:
    """The text of one kernel while it is being written."""

    def __init__(self, w: Writer, recipe: Recipe, words: Vector) -> None:
        self.w, self.recipe, self.words = w, recipe, words
        self.steps = recipe.steps
        self.schedule = schedule(self.steps, frozenset(i for i, _ in recipe.stores))
        self.at = 0
        self.n = self._word()
        self.lengths = [self._word() for _ in range(recipe.outer)]
        self.bases: list[Any] = []
        self.along: list[list[Vector]] = []
        self.far: list[Any] = []
        for kind, how in recipe.accesses:
            self.bases.append(self._number(kind) if how == "number" else self._word("ptr"))
            self.along.append(
                [self._word() for _ in range(recipe.outer)] if how not in ("number", "one") else []
            )
            self.far.append(self._word() if how == "far" else None)
        if recipe.chunked:
            self.total, self.each = self._word(), self._word()
        self.ends = [i for i, step in enumerate(self.steps) if step.role in ("end", "whole")]
        self.partials = {i: self._word("ptr") for i in self.ends}
        self.store_of = dict(recipe.stores)
        self.buffers = {i: self._buffer(i) for i in recipe.kept}
        self.row: dict[int, Vector] = {}
        self.pointers: list[Any] = []

    def _word(self, kind: str = "i64") -> Vector:
        self.at += 1
        return self.w.load(kind, self.words, self.at - 1, lanes=1, align=8)

    def _number(self, kind: str) -> Vector:
        self.at += 1
        x = self.w.load(kind, self.w.at(self.words, self.at - 1, "i64"), lanes=1)
        return self.w.splat(x, self.w.lanes)

    def _buffer(self, i: int) -> Vector:
        kind = self.steps[i].gives
        size = (self.n + self.w.lanes) * SIZES[kind]
        return self.w.emit(f"alloca i8, {size}, align 64", "ptr", 1)

    def start_of(self, i: int) -> Vector:
        """What the sum of a step starts from."""
        step = self.steps[i]
        return self.w.constant(REDUCTIONS[step.function].start(step.gives), step.gives, self.w.lanes)

    def write(self, begin: Vector, end: Vector) -> None:
        """The kernel: items, each a row, a chunk of rows or of elements."""
        w, recipe = self.w, self.recipe
        for a, (kind, how) in enumerate(recipe.accesses):
            if how == "one" and a not in self.store_of.values():
                self.bases[a] = w.spread(kind, self.bases[a])
        zero = w.constant(0, "i64")
        if not recipe.chunked:
            if not recipe.outer and self._flat():
                self._row(zero, begin, end, [])
                return
            with w.loop(begin, end) as loop:
                self._row(loop.index, zero, self.n, [])
            return
        with w.loop(begin, end) as items:
            first = items.index * self.each
            last = first + self.each
            last = w.select(last < self.total, last, self.total)
            self._clear(items.index)
            whole = [i for i in self.ends if self.steps[i].role == "whole"]
            starts = [self.start_of(i) for i in whole]
            if not recipe.outer and self._flat():
                sums = self._row(zero, first, last, starts, items.index)
            else:
                with w.loop(first, last, 1, starts) as rows:
                    rows.next(*self._row(rows.index, zero, self.n, list(rows.carried), items.index))
                sums = rows.results
            for i, total in zip(whole, sums, strict=True):
                x = total.lane(0) if self._is_row(self.steps[i]) else self._folded(i, total)
                w.store(x, self.partials[i], items.index)

    def _flat(self) -> bool:
        """Are items elements, not rows? So where nothing is summed along the row or over rows."""
        return not any(step.role in ("sum", "end", "row") for step in self.steps)

    def _is_row(self, step: Step) -> bool:
        k = step.operands[0]
        return k >= 0 and self.steps[k].role in ("row", "sum")

    def _folded(self, i: int, total: Vector) -> Vector:
        return self.w.fold(total, lambda a, b: REDUCTIONS[self.steps[i].function].join(self.w, a, b))

    def _clear(self, chunk: Vector) -> None:
        """Partial sums over rows start from nothing."""
        for i in self.ends:
            if self.steps[i].role == "end":
                with self.w.loop(0, self.n, self.w.lanes) as loop:
                    mask = self.w.tail(self.n - loop.index)
                    self.w.store(self.start_of(i), self.partials[i], chunk * self.n + loop.index, mask=mask)

    def _row(
        self, row: Vector, start: Vector, stop: Vector, whole: list[Vector], chunk: Any = None
    ) -> list[Vector]:
        """All passes over one row; the sums over everything are carried through."""
        w = self.w
        self.row = {}
        self._point(row)
        totals = dict(zip([i for i in self.ends if self.steps[i].role == "whole"], whole, strict=True))
        for p in range(self.schedule.passes):
            self._per_row(p, totals)
            inner = [i for i, step in enumerate(self.steps) if self._in_pass(i, step, p)]
            sums = [i for i in inner if self.steps[i].role in ("sum", "whole")]
            if not inner:
                continue
            starts = [totals.get(i) or self.start_of(i) for i in sums]
            found = self._pass(p, inner, sums, starts, start, stop, chunk)
            for i, x in zip(sums, found, strict=True):
                if self.steps[i].role == "whole":
                    totals[i] = x
                else:
                    self.row[i] = w.splat(self._folded(i, x), w.lanes)
                    self._store_row(i)
        return list(totals.values())

    def _in_pass(self, i: int, step: Step, p: int) -> bool:
        if step.role == "full":
            return p in self.schedule.wanted[i]
        if step.role == "sum":
            return self.schedule.ready[i] - 1 == p
        return step.role in ("end", "whole") and self.schedule.ready[i] == p and not self._is_row(step)

    def _point(self, row: Vector) -> None:
        """Where the row's elements are."""
        w, left, places = self.w, row, []
        for axis in reversed(range(self.recipe.outer)):
            if axis:
                places.append(left % self.lengths[axis])
                left = left // self.lengths[axis]
            else:
                places.append(left)
        places.reverse()
        self.pointers = []
        for a, (kind, how) in enumerate(self.recipe.accesses):
            pointer = self.bases[a]
            if how in ("near", "far", "row"):
                for place, step in zip(places, self.along[a], strict=True):
                    pointer = w.at(pointer, place * step, kind)
            if how == "row" and a not in self.store_of.values():
                pointer = w.spread(kind, pointer)
            self.pointers.append(pointer)

    def _per_row(self, p: int, totals: dict[int, Vector]) -> None:
        """Steps with one element a row that can be computed before pass p."""
        for i, step in enumerate(self.steps):
            if self.schedule.ready[i] != p:
                continue
            if step.role == "row":
                self.row[i] = self._computed(step, lambda k: self.row[k] if k >= 0 else self.pointers[-1 - k])
                self._store_row(i)
            elif step.role == "whole" and self._is_row(step):
                x = self.row[step.operands[0]].to(step.gives)
                totals[i] = REDUCTIONS[step.function].join(self.w, totals[i], x)

    def _store_row(self, i: int) -> None:
        if i in self.store_of:
            self.w.store(self.row[i].lane(0), self.pointers[self.store_of[i]])

    def _computed(self, step: Step, read: Any) -> Vector:
        operands = [read(k).to(kind) for k, kind in zip(step.operands, step.takes, strict=True)]
        return ELEMENTS[step.function].write(self.w, *operands).to(step.gives)

    def _pass(
        self,
        p: int,
        inner: list[int],
        sums: list[int],
        starts: list[Vector],
        start: Vector,
        stop: Vector,
        chunk: Any,
    ) -> list[Vector]:
        """One loop along the row: whole vectors first, then what is left under a mask."""
        w = self.w
        if self.recipe.single:
            return self._body(p, inner, sums, starts, start, None, chunk)
        unroll = UNROLL if sum(cost_of_step(self.steps[i]) for i in inner) <= SHORT else 1
        many = [list(starts)] + [[self.start_of(i) for i in sums] for _ in range(unroll - 1)]
        width = unroll * w.lanes
        main = start + ((stop - start) & -width)
        carried = [x for part in many for x in part]
        with w.loop(start, main, width, carried) as loop:
            given = []
            for u in range(unroll):
                part = list(loop.carried[u * len(sums) : (u + 1) * len(sums)])
                given += self._body(p, inner, sums, part, loop.index + u * w.lanes, None, chunk)
            loop.next(*given)
        found = list(loop.results)
        with w.loop(main, stop, w.lanes, found[: len(sums)]) as rest:
            mask = w.tail(stop - rest.index)
            rest.next(*self._body(p, inner, sums, list(rest.carried), rest.index, mask, chunk))
        parts = [rest.results, *(found[u * len(sums) : (u + 1) * len(sums)] for u in range(1, unroll))]
        joins = [REDUCTIONS[self.steps[i].function].join for i in sums]
        while len(parts) > 1:
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [[join(w, a, b) for join, a, b in zip(joins, x, y, strict=True)] for x, y in pairs]
        return parts[0]

    def _body(
        self,
        p: int,
        inner: list[int],
        sums: list[int],
        totals: list[Vector],
        index: Vector,
        mask: Any,
        chunk: Any,
    ) -> list[Vector]:
        """One vector of elements through the steps of a pass."""
        w, here, loaded = self.w, {}, {}

        def read(k: int) -> Vector:
            if k >= 0:
                return here[k] if k in here else self.row[k]
            if -1 - k not in loaded:
                loaded[-1 - k] = self._load(-1 - k, index, mask)
            return loaded[-1 - k]

        for i in inner:
            step = self.steps[i]
            if step.role == "full":
                here[i] = self._full(i, step, p, read, index, mask)
                continue
            x = read(step.operands[0]).to(step.gives)
            reduction = REDUCTIONS[step.function]
            if step.role == "end":
                place = chunk * self.n + index
                before = w.load(step.gives, self.partials[i], place, mask=mask)
                w.store(reduction.join(w, before, x), self.partials[i], place, mask=mask)
                continue
            after = reduction.join(w, totals[sums.index(i)], x)
            totals[sums.index(i)] = after if mask is None else w.select(mask, after, totals[sums.index(i)])
        return totals

    def _full(self, i: int, step: Step, p: int, read: Any, index: Vector, mask: Any) -> Vector:
        first = self.schedule.wanted[i][0] == p
        if not first and i in self.schedule.again:
            if i in self.buffers:
                return self.w.load(step.gives, self.buffers[i], index, mask=mask)
            return self._load(self.store_of[i], index, mask)
        x = self._computed(step, read)
        if first and i in self.buffers:
            self.w.store(x, self.buffers[i], index, mask=mask)
        if first and i in self.store_of:
            self._store(x, self.store_of[i], index, mask)
        return x

    def _load(self, a: int, index: Vector, mask: Any) -> Vector:
        kind, how = self.recipe.accesses[a]
        if how == "near":
            return self.w.load(kind, self.pointers[a], index, mask=mask)
        if how == "far":
            return self.w.gather(kind, self.pointers[a], (self.w.numbers("i64") + index) * self.far[a], mask)
        if a in self.store_of.values():
            return self.w.spread(kind, self.pointers[a])
        return self.pointers[a]

    def _store(self, x: Vector, a: int, index: Vector, mask: Any) -> None:
        _, how = self.recipe.accesses[a]
        if how == "near":
            self.w.store(x, self.pointers[a], index, mask=mask)
        elif how == "far":
            self.w.scatter(x, self.pointers[a], (self.w.numbers("i64") + index) * self.far[a], mask)
        else:
            self.w.store(x.lane(0), self.pointers[a])


def combine(function: Any, kind: str, target: Any) -> tuple[str, str]:
    """The kernel that joins partial results, and its text: item ``j`` is column ``j`` of (count, width).

    Words: partial results, result, count, width. Sums keep what each addition rounds away (Neumaier, 1974):
    hundreds of partial sums cost no accuracy.
    """
    w = Writer(target, target.lanes(SIZES[kind]))
    reduction, name = REDUCTIONS[function], f"combine_{_label(function)}_{kind}"
    exact = _label(function) == "sum" and kind in ("f32", "f64")
    with w.function(name, words="ptr", begin="i64", end="i64") as (words, begin, end):
        source, result = (w.load("ptr", words, at, lanes=1) for at in (0, 1))
        count, width = (w.load("i64", words, at, lanes=1) for at in (2, 3))
        with w.loop(begin, end, w.lanes) as columns:
            mask = w.tail(end - columns.index)
            start = w.constant(reduction.start(kind), kind, w.lanes)
            lost = w.constant(0, kind, w.lanes)
            with w.loop(0, count, 1, [start, lost]) as rows:
                x = w.load(kind, source, rows.index * width + columns.index, mask=mask)
                total, lost = rows.carried
                after = reduction.join(w, total, x)
                if exact:
                    part = after - total
                    lost = lost + ((total - (after - part)) + (x - part))
                rows.next(after, lost)
            total, lost = rows.results
            if exact:
                total = w.select((lost - lost).eq(0) & lost.ne(0), total + lost, total)
            w.store(total, result, columns.index, mask=mask)
    return name, w.text()
