"""From a graph to a program of native kernels.

>>> import numpy as np
>>> from whence.compiler.graph import Graph, Node, Value
>>> x, y, z = (Value((3,), np.float64) for _ in range(3))
>>> nodes = Node(np.multiply, (x, 2.0), {}, (y,)), Node(np.add, (y, x), {}, (z,))
>>> run = build(Graph((x,), {}, nodes, (z,)))
>>> run([np.array([1.0, 2.0, 3.0])])
[array([3., 6., 9.])]
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cache, cached_property
from operator import itemgetter
from threading import Lock, get_ident
from typing import Any
from weakref import WeakSet

import numpy as np

from ..config import EAGER, using
from . import llvm, loops, rows, words
from .cache import Cache, key, usual_folder
from .copies import copies_of, moved
from .elements import kind_of
from .fuse import Fusion, Group
from .graph import Graph, Node, Value
from .interpret import interpreted
from .kernels import products
from .layout import Layout, collapse
from .native import blas
from .native.engine import engine
from .native.layout import readable
from .native.program import At, Input, Launch, Output, Program, Step, address
from .passes import simplified
from .plan import LINE, arrange, lifetimes
from .recipes import Builder, Pointer, Walk
from .standing import Standing
from .vector.values import SIZES

#: Instructions on single elements that are worth a thread: about 10 µs of work with vectors of 16.
THREAD_WORK = 400_000


class Kernels:
    """Machine code of kernels by name, for one kind of machine; made when first asked for."""

    def __init__(self, target: llvm.Target) -> None:
        self.target, self.library = target, llvm.Library(target)
        self._addresses: dict[Any, int] = {}
        self._names: dict[Any, str] = {}

    def loop(self, recipe: Any) -> int:
        """The address of a recipe's kernel."""
        if recipe not in self._addresses:
            self._addresses[recipe] = self._made(loops.name_of(recipe), loops.write(recipe, self.target))
        return self._addresses[recipe]

    def name(self, recipe: Any) -> str:
        """What a recipe's kernel is called."""
        if recipe not in self._names:
            self._names[recipe] = loops.name_of(recipe)
        return self._names[recipe]

    def combine(self, function: Any, kind: str) -> int:
        """The address of the kernel that joins partial results."""
        if (function, kind) not in self._addresses:
            self._addresses[function, kind] = self._made(*loops.combine(function, kind, self.target))
        return self._addresses[function, kind]

    def rows(self, adds: bool, kind: str, index: str) -> int:
        """The address of the kernel that takes rows by number, or adds them."""
        if (adds, kind, index) not in self._addresses:
            made = self._made(*rows.kernel(adds, kind, index, self.target))
            self._addresses[adds, kind, index] = made
        return self._addresses[adds, kind, index]

    def _made(self, name: str, text: str) -> int:
        kept = Cache(usual_folder())
        wanted = key("kernel", text=text, target=repr(self.target), LLVM=llvm.version())
        code = kept.get(wanted)
        if code is None:
            code = llvm.assemble(text, self.target)
            kept.put(wanted, code)
        self.library.add(code)
        return self.library.address(name)


@cache
def kernels(target: llvm.Target) -> Kernels:
    """Those of this process."""
    return Kernels(target)


def build(graph: Graph, target: llvm.Target | None = None) -> Callable[[Sequence[Any]], list[Any]]:
    """A function of the inputs that gives a list of the outputs, as ``interpreted`` makes."""
    graph = simplified(graph)  # a reduction of single elements is a view; loops count on that
    values = [*graph.inputs, *(value for node in graph.nodes for value in node.outputs)]
    if any(value.dtype.kind not in "fiubc" for value in values) or not values or not readable():
        return interpreted(graph)
    return Native(graph, kernels(target or llvm.host()))


#: Those of this process: a child that is forked while a thread runs one must be able to run it.
_programs: WeakSet[Any] = WeakSet()


def _unlock() -> None:
    for program in _programs:
        program.free = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


class Native:
    """A graph as launches over one arena."""

    def __init__(self, graph: Graph, made: Kernels) -> None:
        self.graph, self.kernels = graph, made
        self.free = Lock()  # the arena is one: a call holds it until its outputs are read
        self.fusion = fusion = Fusion(graph)
        self.given: Sequence[Any] = ()
        self.threads_of_blas = False  # would BLAS use its own threads, beside ours?
        self.tables: dict[Any, Any] = {}  # of offsets, that products read
        self.packed: dict[Any, Any] = {}  # right factors of products, brought into order
        self.readers = Counter(
            fusion.layouts.of(node.operands[1]).base
            for node in graph.nodes
            if node.function is np.matmul and len(node.operands) == 2
        )
        self.inputs: list[Any] = []  # as arrays
        self.numbers = {
            v: array for v, array in graph.constants.items() if np.size(array) == 1 and np.ndim(array) == 0
        }
        self.constants = {
            v: np.ascontiguousarray(np.asarray(array, v.dtype)) for v, array in graph.constants.items()
        }
        stored = set(fusion.stored())
        self.moved = moved(fusion)
        walks, partials = self._walks(stored)
        self.walks = walks
        spans = lifetimes(fusion, stored, partials, self.moved)
        apart = (g for g in fusion.order if g.kind in ("call", "join"))
        for value in (v for group in apart for n in group.nodes for v in n.outputs):
            spans.setdefault(value, (0, len(fusion.order)))
        self.slots = {value: slot for slot, value in enumerate(graph.inputs)}
        outputs = self._outputs(spans)
        for value in outputs:
            self.slots[value] = len(self.slots)
            del spans[value]
        self.places, size = arrange(spans)
        arena = np.zeros(size + LINE, np.uint8)
        start = -address(arena) % LINE
        self.arena = arena[start : start + size]
        launches = [launch for group in fusion.order for launch in self._launches(group, walks)]
        plain = [value in outputs and value.shape != () for value in graph.outputs]
        self.taken = [outputs.index(v) if p else -1 for v, p in zip(graph.outputs, plain, strict=True)]
        self.returned = [
            (i, self._returned(value, outputs)) for i, value in enumerate(graph.outputs) if not plain[i]
        ]
        #: Outputs that an earlier one is already: each result is in memory of its own.
        self.again = [i for i, value in enumerate(graph.outputs) if value in graph.outputs[:i]]
        self.nanoseconds = sum(walk.cost for walk in walks.values()) / 30
        self.program = Program(
            launches,
            len(self.slots),
            inputs=[Input(v.dtype, v.shape, self.slots[v]) for v in graph.inputs],
            outputs=[Output(v.dtype, v.shape, self.slots[v]) for v in outputs],
            nanoseconds=self.nanoseconds,
            keep=(self.arena, arena, self.constants, made),
        )
        self.count, self.written = len(outputs), outputs
        self.blas = blas.one_thread if self.threads_of_blas else nullcontext
        self.owner = 0  # the thread that holds ``free``
        _programs.add(self)
        #: Inputs without axes come as numbers: memory of their own, which the program reads.
        self.scalars = [(i, np.zeros((), v.dtype)) for i, v in enumerate(graph.inputs) if v.shape == ()]

    @cached_property
    def interpreter(self) -> Callable[[Sequence[Any]], list[Any]]:
        """The graph by NumPy, for calls that come while it runs further up."""
        return interpreted(self.graph)

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        """The outputs for these inputs."""
        if not self.begin():
            return self.interpreter(inputs)
        try:
            with self.blas():
                return self._run(inputs)
        finally:
            self.end()

    def begin(self) -> bool:
        """Take the arena, waiting for other threads; False if this thread has it, further up."""
        if not self.free.acquire(blocking=False):
            if self.owner == get_ident():
                return False
            self.free.acquire()
        self.owner = get_ident()
        return True

    def end(self) -> None:
        """Give the arena back."""
        self.owner = 0
        self.free.release()

    def forget(self) -> None:
        """Let go of the arrays of the last call."""
        self.given, self.inputs = (), []
        self.program.forget()

    def read(self, number: int) -> Callable[[Sequence[Any]], Any]:
        """An output from the arrays that a call of the program gives."""
        at = self.taken[number]
        return dict(self.returned)[number] if at < 0 else itemgetter(at)

    def standing(self, program: Any, arguments: Sequence[Any]) -> Standing:
        """What runs a recorded program in place, from the state that it is in now.

        Raises:
            TypeError: it cannot be done.
        """
        return Standing(program, self, arguments)

    def _run(self, inputs: Sequence[Any]) -> list[Any]:
        self.given = inputs
        self.inputs = given = list(inputs)
        for i, buffer in self.scalars:
            buffer[()] = given[i]
            given[i] = buffer
        found = self.program.call(*given)
        if found is NotImplemented:
            pairs = zip(inputs, self.graph.inputs, strict=True)
            self.inputs = [np.require(x, v.dtype, ("C", "A")).reshape(v.shape) for x, v in pairs]
            found = self.program.call(*self.inputs)
            if found is NotImplemented:
                return self.interpreter(inputs)
        arrays = (found,) if self.count == 1 else found
        results = [arrays[at] if at >= 0 else None for at in self.taken]
        for i, read in self.returned:
            results[i] = read(arrays)
        for i in self.again:
            results[i] = _own(results[i])
        return results

    def _walks(self, stored: set[Value]) -> tuple[dict[Group, Walk], dict[Group, list[Value]]]:
        walks = {}
        for group in self.fusion.order:
            if group.kind == "loop":
                stored.update(group.ends)
                walks[group] = Builder(self.fusion, group, stored, self.numbers, self.moved).walk()
        return walks, {
            group: [partial for _, partial, _, _ in walk.partials] for group, walk in walks.items()
        }

    def _outputs(self, spans: dict[Value, Any]) -> list[Value]:
        """Outputs that kernels write straight into the arrays that are returned."""
        called = {
            self.fusion.layouts.of(v).base
            for group in self.fusion.order
            if group.kind not in ("loop", "join") and not self._gemm(group.nodes[0])
            for node in group.nodes
            for v in (*node.operands, *(() if rows.rows_of(node, self.fusion.layouts) else node.outputs))
        }
        found = []
        for value in dict.fromkeys(self.graph.outputs):
            if value in spans and value not in self.fusion.layouts and value not in called and not value.weak:
                found.append(value)
        return found

    def _returned(self, value: Value, outputs: list[Value]) -> Callable[[Sequence[Any]], Any]:
        base = self.fusion.layouts.of(value).base
        if value in outputs:
            at = outputs.index(value)
            return lambda results: results[at][()] if value.shape == () else results[at]
        if value in self.graph.constants:
            constant = self.graph.constants[value]
            return lambda results: constant.copy()
        if base in outputs:
            at = outputs.index(base)
            return lambda results: self._view(value, results[at]).copy()[()]
        read = self._reader(value)
        if value in self.slots:
            slot = self.slots[value]
            return lambda results: _own(self.given[slot])
        return lambda results: read().item() if value.weak else read().copy()[()]

    def _word(self, word: Any) -> Any:
        if type(word) is not Pointer:
            return word
        value, offset = word
        if value in self.slots:
            return At(self.slots[value], offset)
        if value in self.constants:
            return address(self.constants[value]) + offset
        return address(self.arena) + self.places[value] + offset

    def _launches(self, group: Group, walks: dict[Group, Walk]) -> list[Launch | Step]:
        if group.kind == "join":
            copied = copies_of(group.nodes[0], self.fusion, self.numbers, self.moved)
            return [self._launch(walk) for walk in copied]
        if group.kind != "loop":
            (node,) = group.nodes
            product = self._gemm(node)
            if product is not None:
                return self._product(product) if node.output.size else []
            if node.function is words.depart_if:
                return [self._departure(node)]
            numbered = rows.rows_of(node, self.fusion.layouts)
            if numbered is not None:
                return self._by_rows(node, numbered)
            return [Step(self._call(node), (), node.name)]
        walk = walks[group]
        if not walk.items:
            return []
        found: list[Launch | Step] = [self._launch(walk)]
        for function, partial, result, count in walk.partials:
            kernel = self.kernels.combine(function, kind_of(result.dtype) or "")
            width = partial.shape[1]
            places = [self._word(Pointer(partial, 0)), self._word(Pointer(result, 0)), count, width]
            found.append(Launch(kernel, places, width, 0, "combine"))
        return found

    def _launch(self, walk: Walk) -> Launch:
        grain = 0
        if walk.cost > THREAD_WORK:
            grain = max(1, walk.items * THREAD_WORK // walk.cost)
            grain = -(-grain // walk.grain) * walk.grain
        arguments = [self._word(word) for word in walk.words]
        name = self.kernels.name(walk.recipe)
        return Launch(self.kernels.loop(walk.recipe), arguments, walk.items, grain, name)

    def _by_rows(self, node: Node, found: rows.Rows) -> list[Launch | Step]:
        """Rows by number; an index that names none is for NumPy to complain about."""
        table, size = found.table, found.table.dtype.itemsize
        bad = np.zeros(1, np.uint8)
        layouts = [self.fusion.layouts.of(v) for v in (table, found.indices, found.values or table)]
        pointers = [self._word(Pointer(at.base, at.offset * at.base.dtype.itemsize)) for at in layouts]
        target = self._word(Pointer(node.output, 0))
        kernel = self.kernels.rows(found.adds, kind_of(table.dtype) or "", kind_of(found.indices.dtype) or "")
        counts = [table.shape[0], found.width, found.indices.size]
        block = [target, pointers[2], pointers[1], address(bad), *counts]
        made: list[Launch | Step] = []
        if found.adds:
            made.append(Launch(engine().copy, [target, pointers[0], size], table.size, 0, "copy"))
        items = 1 if found.adds else found.indices.size
        grain = 0
        if not found.adds and node.output.size * 2 > THREAD_WORK:
            grain = max(1, THREAD_WORK // (2 * found.width))
        made.append(Launch(kernel, block, items, grain, "rows"))
        args = [self._argument(part) for part in node.args]

        def complain() -> None:
            bad[0] = 0
            node.function(*[read() for read in args])
            raise words.Departed  # an index has changed meanwhile

        return [*made, Step(complain, (), node.name, address(bad))]

    def _departure(self, node: Node) -> Step:
        """Leaving the program: Python is called only where the condition, a byte of the arena, is true."""
        (condition,) = node.operands
        base, offset, _ = self.fusion.layouts.of(condition)
        if base.dtype != np.bool_ or base not in self.places:
            return Step(self._call(node), (), node.name)
        return Step(_depart, (), node.name, address(self.arena) + self.places[base] + offset)

    def _gemm(self, node: Node) -> tuple[Any, ...] | None:
        """The words of a matrix product that BLAS can do as the operands lie; None: NumPy is called."""
        if node.function is not np.matmul or node.keywords or len(node.operands) != 2:
            return None
        a, b = node.args
        y = node.output
        if y.dtype not in (np.float32, np.float64) or a.dtype != y.dtype or b.dtype != y.dtype:
            return None
        if a.ndim < 2 or b.ndim < 2 or 0 in (*a.shape, *b.shape):
            return None
        batch = y.shape[:-2]
        stored = [self.fusion.access(v, (*batch, *v.shape[-2:])) for v in (a, b)]
        sides = [_turned(layout, v) for layout, v in zip(stored, (a, b), strict=True)]
        own = self.fusion.layouts.of(y)
        step, turned = _turned(own, y) or (0, 1)
        count, apart = collapse(list(batch), [list(layout.strides[:-2]) for layout in (*stored, own)])
        if None in sides or turned or len(count) > 1:
            return None
        return y, a.shape[-1], stored, sides, step, count, apart

    def _product(self, found: tuple[Any, ...]) -> list[Launch | Step]:
        y, inner, (a, b), ((step_a, turned_a), (step_b, turned_b)), step, count, apart = found
        rows, columns = y.shape[-2:]
        size, kind = y.dtype.itemsize, kind_of(y.dtype) or ""
        left, right = [self._word(Pointer(v.base, v.offset * size)) for v in (a, b)]
        target = self._word(Pointer(self.fusion.layouts.of(y).base, 0))
        one = blas.Product(rows, columns, inner, (step_a, step_b, step), (turned_a, turned_b))
        items = count[0] if count else 1
        apart = [size * (steps[0] if steps else 0) for steps in apart]
        shared = self.readers[b.base] if items == 1 else 0
        if products.suits(one, shared):
            return self._tiles((target, left, right), one, kind, apart, items, b)
        grain = one.grain if count else 0
        self.threads_of_blas |= one.flops > blas.SERIAL
        if not count:
            one, items, apart = one.in_parts(size)
            grain = int(items > 1)
        ends = blas.bits(1.0, y.dtype), blas.bits(0.0, y.dtype)
        sizes = one.rows, one.columns, inner
        words = [blas.product(y.dtype), left, right, target, *sizes, *one.steps, *apart, *one.turned, *ends]
        return [Launch(engine().kernel("whence_gemm"), words, items, grain, "product")]

    def _tiles(
        self, places: Any, one: blas.Product, kind: str, apart: list[int], items: int, b: Layout
    ) -> list[Launch | Step]:
        """A product by kernels of our own; what many products read is brought into order once."""
        target, left, right = places
        size = SIZES[kind]
        if not one.turned[1]:
            steps = one.steps[1] * size, products.panel(kind) * size
            return [products.tiles(target, left, right, one, kind, apart, items, *steps, self.tables)]
        known = b, one.columns, one.inner
        made: list[Launch | Step] = []
        if known not in self.packed:
            launch, *self.packed[known] = products.packed(right, one, kind, self.tables)
            made.append(launch)
        memory, step, panel = self.packed[known]
        return [
            *made,
            products.tiles(target, left, address(memory), one, kind, apart, items, step, panel, self.tables),
        ]

    def _view(self, value: Value, array: Any) -> Any:
        """A Value as a view of the array that its base is in."""
        layout = self.fusion.layouts.of(value)
        size = value.dtype.itemsize
        if not value.size:
            return np.empty(value.shape, value.dtype)
        flat = array.reshape(-1)[layout.offset :]
        return np.lib.stride_tricks.as_strided(flat, value.shape, [size * s for s in layout.strides])

    def _reader(self, value: Value) -> Callable[[], Any]:
        """The array that a Value is at the time of a call of Python's."""
        layout = self.fusion.layouts.of(value)
        base = layout.base
        if base in self.constants:
            constant = (
                self.graph.constants[base] if value is base else self._view(value, self.constants[base])
            )
            return lambda: constant
        if base in self.slots:
            slot = self.slots[base]
            if value is base:
                return lambda: self.inputs[slot]
            return lambda: self._view(value, np.ascontiguousarray(self.inputs[slot]))
        view = self._view(value, self._stored(base))
        return lambda: view

    def _stored(self, value: Value) -> Any:
        start = self.places[value]
        return self.arena[start : start + value.nbytes].view(value.dtype).reshape(value.shape)

    def _target(self, value: Value) -> Any:
        base = self.fusion.layouts.of(value).base
        return self._stored(value) if base is value else self._view(value, self._stored(base))

    def _call(self, node: Node) -> Callable[[], None]:
        """A call of Python's between the arrays of the arena."""
        args = tuple([self._argument(part) for part in node.args])
        keywords = {name: self._argument(part) for name, part in node.keywords.items()}
        targets = [self._target(value) for value in node.outputs]
        into = getattr(node.function, "into", None) or _copying(node.function, targets)

        def call() -> None:
            with using(EAGER):
                given = {name: read() for name, read in keywords.items()}
                into(targets[0] if targets else None, *[read() for read in args], **given)

        return call

    def _argument(self, part: Any) -> Callable[[], Any]:
        if type(part) is Value:
            read = self._reader(part)
            if part.weak or part.shape == ():
                return lambda: _number(read(), part.weak)
            return read
        if isinstance(part, (tuple, list)):
            inner = [self._argument(one) for one in part]
            kind = getattr(part, "_make", type(part))
            return lambda: kind([read() for read in inner])
        return lambda: part


def _copying(function: Callable[..., Any], targets: list[Any]) -> Callable[..., None]:
    """What copies a function's results into the arrays that are kept for them."""

    def into(_: Any, *args: Any, **keywords: Any) -> None:
        ys = function(*args, **keywords)
        ys = ys if isinstance(ys, (tuple, list)) else (ys,)
        for y, target in zip(ys, targets, strict=True):
            if np.shape(y) != target.shape:
                raise words.Departed
            target[...] = y

    return into


def _depart() -> None:
    raise words.Departed


def _own(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def _number(x: Any, weak: bool) -> Any:
    if weak:
        return x.item() if isinstance(x, (np.generic, np.ndarray)) else x
    return np.asarray(x)[()]


def _turned(layout: Layout, value: Value) -> tuple[int, int] | None:
    """Elements from one stored row to the next, and whether what is stored is the transposed matrix."""
    (rows, columns), (down, right) = value.shape[-2:], layout.strides[-2:]
    if (right == 1 or columns == 1) and (down >= columns or rows == 1):
        return max(down if rows > 1 else columns, 1), 0
    if (down == 1 or rows == 1) and (right >= rows or columns == 1):
        return max(right if columns > 1 else rows, 1), 1
    return None
