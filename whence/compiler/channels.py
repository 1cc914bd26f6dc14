"""channels: programs of convolutions with channels last in memory, where their kernels want them.

A convolution of (N, C, *size) becomes one of (N, *size, C) between two transposes, which are only views; and
what works element by element, or takes sums along axes, is done on the untransposed arrays. So the transposes
between two layers meet and vanish (:mod:`.passes` leaves out pairs), and what is stored lies channels last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..core.primitive import Primitive
from ..ops import conv, pool
from ..ops.served import served
from . import words
from .graph import Graph, Node, Value

#: The primitives of images: which operands are images, and whether the result is.
IMAGES: Mapping[Primitive, tuple[tuple[int, ...], bool]] = {
    conv.convolution: ((0,), True),
    conv.affine_convolution: ((0,), True),
    conv.transposed: ((0,), True),
    conv.kernel: ((0, 1), False),
    pool.maximum: ((0,), True),
    pool.unmax: ((0, 1, 2), True),
    pool.pick: ((0, 1, 2), True),
    pool.window_sum: ((0,), True),
    pool.spread: ((0,), True),
}

_REDUCTIONS = frozenset({np.sum, np.prod, np.max, np.min, np.any, np.all})


class Last(NamedTuple):
    """A primitive of images that takes and gives them with channels last."""

    primitive: Primitive
    images: tuple[int, ...]
    gives: bool

    @property
    def label(self) -> str:
        """What it is called in printed programs."""
        return self.primitive.name

    def __call__(self, *args: Any, **params: Any) -> Any:
        """The primitive's value, its axes moved."""
        given = [np.moveaxis(a, -1, 1) if i in self.images else a for i, a in enumerate(args)]
        y = self.primitive.forward(*given, **params)
        return np.moveaxis(y, 1, -1) if self.gives else y

    def into(self, target: Any, *args: Any, **params: Any) -> None:
        """The value written into ``target``, where its maker can do that without a copy."""
        if self.primitive in (conv.convolution, conv.affine_convolution):
            x, w, *b = args
            conv.convolve_into(target, x, w, b[0] if b else None, **params)
        elif self.primitive is conv.transposed:
            conv.transpose_into(target, *args, **params)
        elif not self._served(target, args, params):
            target[...] = self(*args, **params)

    def _served(self, target: Any, args: tuple[Any, ...], params: Any) -> Any:
        """Whether a kernel of pooling has written it."""
        if not self.gives:
            return False
        given = [np.moveaxis(a, -1, 1) for a in args]
        return served(self.primitive.name, np.moveaxis(target, -1, 1), *given, params["window"])


def channels_last(graph: Graph) -> Graph:
    """The same program, images stored channels last."""
    if not any(_is_of_images(node) for node in graph.nodes):
        return graph
    moved = _Moved()
    for node in graph.nodes:
        if not (moved.take_images(node) or moved.take_elements(node) or moved.take_sums(node)):
            moved.nodes.append(node)
    return Graph(graph.inputs, graph.constants, moved.nodes, graph.outputs)


def _is_of_images(node: Node) -> bool:
    return isinstance(node.function, Primitive) and node.function in IMAGES


def _first(ndim: int) -> tuple[int, ...]:
    """The axes that bring channels from the last place to theirs."""
    return (0, ndim - 1, *range(1, ndim - 1))


def _last(ndim: int) -> tuple[int, ...]:
    return (0, *range(2, ndim), 1)


class _Moved:
    """The nodes of the new program, and which values are images that lie channels last."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.stored: dict[Value, Value] = {}

    def last_of(self, value: Value) -> Value:
        """The value with channels last."""
        if value not in self.stored:
            axes = _last(value.ndim)
            moved = Value(tuple([value.shape[axis] for axis in axes]), value.dtype)
            self.nodes.append(Node(np.transpose, (value, axes), {}, (moved,)))
            self.stored[value] = moved
        return self.stored[value]

    def give(self, node: Node, function: Any, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        """The node's call on moved operands, and a view of its result as the node's output."""
        y = node.output
        moved = Value(tuple([y.shape[axis] for axis in _last(y.ndim)]), y.dtype)
        origin = (node.code, node.lasti)
        self.nodes.append(Node(function, args, keywords, (moved,), origin, node.pure, node.seconds))
        self.nodes.append(Node(np.transpose, (moved, _first(y.ndim)), {}, (y,), origin))
        self.stored[y] = moved

    def take_images(self, node: Node) -> bool:
        """A primitive of images."""
        if not _is_of_images(node):
            return False
        images, gives = IMAGES[node.function]  # type: ignore[index]
        if any(type(node.args[i]) is not Value for i in images):
            return False
        args = tuple([self.last_of(a) if i in images else a for i, a in enumerate(node.args)])
        function = Last(node.function, images, gives)  # type: ignore[arg-type]
        if gives:
            self.give(node, function, args, node.keywords)
        else:
            origin = (node.code, node.lasti)
            kept = Node(function, args, node.keywords, node.outputs, origin, node.pure, node.seconds)
            self.nodes.append(kept)
        return True

    def take_elements(self, node: Node) -> bool:
        """A call element by element, of at least one image that lies channels last."""
        function = node.function
        plain = isinstance(function, np.ufunc) and function.signature is None
        if not (plain or function in (np.where, words.astype)) or node.keywords or len(node.outputs) != 1:
            return False
        y, values = node.output, node.operands
        if not any(v in self.stored and v.shape == y.shape for v in values):
            return False
        if any(v.size != 1 and v.ndim != y.ndim for v in values):
            return False
        args = tuple([self.last_of(a) if type(a) is Value and a.size != 1 else a for a in node.args])
        self.give(node, function, args, {})
        return True

    def take_sums(self, node: Node) -> bool:
        """A reduction of an image that lies channels last, where what is left keeps its order."""
        x = node.args[0] if node.args else None
        if node.function not in _REDUCTIONS or type(x) is not Value or x not in self.stored:
            return False
        axes, keep = node.keywords["axis"], node.keywords["keepdims"]
        if not keep and x.ndim - len(axes) > 1:
            return False
        places = _first(x.ndim)
        how = {"axis": tuple(sorted(places[axis] for axis in axes)), "keepdims": keep}
        if keep:
            self.give(node, node.function, (self.stored[x],), how)
        else:
            origin = (node.code, node.lasti)
            given = (self.stored[x],)
            self.nodes.append(Node(node.function, given, how, node.outputs, origin, node.pure, node.seconds))
        return True
