"""Graphs for the tests, written down as calls; what NumPy gives for them is the truth."""

from collections.abc import Callable
from typing import Any

import numpy as np

from whence.compiler.graph import Graph, Node, Value


class Writing:
    """A graph that grows call by call; shapes and types of results are asked of NumPy."""

    def __init__(self) -> None:
        self.inputs: list[Value] = []
        self.nodes: list[Node] = []

    def take(self, *shape: int, dtype: Any = np.float32) -> Value:
        """One more input."""
        self.inputs.append(Value(shape, dtype))
        return self.inputs[-1]

    def __call__(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Value:
        """One more call."""
        given = [_ones(a) for a in args]
        with np.errstate(all="ignore"):
            y = function(*given, **keywords)
        self.nodes.append(Node(function, args, keywords, (Value(np.shape(y), np.asarray(y).dtype),)))
        return self.nodes[-1].output

    def graph(self, *outputs: Value) -> Graph:
        """All of it."""
        found = Graph(self.inputs, {}, self.nodes, outputs)
        found.check()
        return found


def _ones(part: Any) -> Any:
    if type(part) is list:
        return [_ones(inner) for inner in part]
    return np.ones(part.shape, part.dtype)[()] if type(part) is Value else part


def softmax(rows: int, columns: int) -> Graph:
    """Softmax over the last axis, and its gradient."""
    w = Writing()
    x, gy = w.take(rows, columns), w.take(rows, columns)
    e = w(np.exp, w(np.subtract, x, w(np.max, x, axis=(1,), keepdims=True)))
    y = w(np.divide, e, w(np.sum, e, axis=(1,), keepdims=True))
    t = w(np.sum, w(np.multiply, gy, y), axis=(1,), keepdims=True)
    return w.graph(y, w(np.multiply, y, w(np.subtract, gy, t)))


def layer_norm(rows: int, columns: int) -> Graph:
    """Layer norm over the last axis, and its gradients."""
    w, share = Writing(), np.float32(1 / columns)
    x, gamma, beta, gy = w.take(rows, columns), w.take(columns), w.take(columns), w.take(rows, columns)

    def mean(v: Value) -> Value:
        return w(np.multiply, w(np.sum, v, axis=(1,), keepdims=True), share)

    d = w(np.subtract, x, mean(x))
    r = w(np.divide, np.float32(1), w(np.sqrt, w(np.add, mean(w(np.multiply, d, d)), np.float32(1e-5))))
    h = w(np.multiply, d, r)
    y = w(np.add, w(np.multiply, h, gamma), beta)
    gh = w(np.multiply, gy, gamma)
    inner = w(np.subtract, w(np.subtract, gh, mean(gh)), w(np.multiply, h, mean(w(np.multiply, gh, h))))
    gx = w(np.multiply, r, inner)
    return w.graph(y, gx, w(np.sum, gy, axis=(0,)), w(np.sum, w(np.multiply, gy, h), axis=(0,)))


def adam(n: int) -> Graph:
    """One step of Adam."""
    w, f = Writing(), np.float32
    p, g, m, v = (w.take(n) for _ in range(4))
    m = w(np.add, w(np.multiply, m, f(0.9)), w(np.multiply, g, f(0.1)))
    v = w(np.add, w(np.multiply, v, f(0.999)), w(np.multiply, w(np.multiply, g, g), f(0.001)))
    step = w(np.divide, m, w(np.add, w(np.sqrt, v), f(1e-8)))
    return w.graph(w(np.subtract, p, w(np.multiply, f(1e-3), step)), m, v)


def network(batch: int) -> Graph:
    """Two layers with tanh, cross-entropy and the gradients of the weights."""
    w = Writing()
    x, a, b, t = w.take(batch, 5), w.take(5, 7), w.take(7), w.take(batch, 7)
    h = w(np.tanh, w(np.add, w(np.matmul, x, a), b))
    e = w(np.exp, w(np.subtract, h, w(np.max, h, axis=(1,), keepdims=True)))
    y = w(np.divide, e, w(np.sum, e, axis=(1,), keepdims=True))
    loss = w(np.sum, w(np.multiply, w(np.log, y), t), axis=(0, 1))
    gz = w(np.multiply, w(np.subtract, y, t), w(np.subtract, np.float32(1), w(np.multiply, h, h)))
    ga = w(np.matmul, w(np.transpose, x, (1, 0)), gz)
    gx = w(np.matmul, gz, w(np.transpose, a, (1, 0)))
    return w.graph(loss, ga, w(np.sum, gz, axis=(0,)), gx)
