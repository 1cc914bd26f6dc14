"""Graphs as pictures, gradients by differences, comparisons, files."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import MissingExtraError, StateError
from .core import Variable, as_variable, plain
from .functions import sum_to as _sum_to
from .sizes import get_conv_outsize as get_conv_outsize
from .sizes import get_deconv_outsize as get_deconv_outsize
from .sizes import pair as pair

#: Where downloaded files are looked for.
cache_dir = str(Path.home() / ".dezero")

#: What graphs call the ops that DeZero has a word for.
_WORDS = {
    "negative": "Neg",
    "subtract": "Sub",
    "divide": "Div",
    "power": "Pow",
    "multiply": "Mul",
    "square": "Square",
    "dot": "MatMul",
    "getitem": "GetItem",
}


def _box(function: Any) -> str:
    name = function.label.rpartition(".")[2]
    if not function.label.startswith(("np.", "scipy.")) and name not in _WORDS:
        return name
    return _WORDS.get(name) or "".join(word.capitalize() for word in name.split("_"))


def get_dot_graph(output: Any, verbose: bool = True) -> str:
    """Graphviz source of the graph behind ``output``.

    Args:
        output: a Variable.
        verbose: show shapes and dtypes.

    Example:
        >>> import numpy as np
        >>> from whence.compat.dezero import Variable
        >>> x = Variable(np.array(1.0), name="x")
        >>> print(get_dot_graph(-x, verbose=False))
        digraph g {
        v0 [label="", color=orange, style=filled]
        f0 [label="Neg", color=lightblue, style=filled, shape=box]
        f0 -> v0
        v1 [label="x", color=orange, style=filled]
        v1 -> f0
        }
    """
    values: dict[Any, str] = {}
    boxes: dict[Any, str] = {}
    lines: list[str] = []

    def value(edge: Any, data: Any) -> str:
        if edge not in values:
            values[edge] = f"v{len(values)}"
            label = edge._name or ""
            if verbose and data is not None:
                label += (": " if label else "") + f"{data.shape} {data.dtype}"
            lines.append(f'{values[edge]} [label="{label}", color=orange, style=filled]')
        return values[edge]

    value(output.edge, plain(output))
    waiting = [output.edge]
    while waiting:
        node = waiting.pop().node
        if node is None or node in boxes or not node.edges:
            continue
        boxes[node] = box = f"f{len(boxes)}"
        lines.append(f'{box} [label="{_box(node)}", color=lightblue, style=filled, shape=box]')
        lines += [f"{box} -> {value(port, None)}" for port in node._ports or (node,)]
        for source, data in node.operands():
            lines.append(f"{value(source, data)} -> {box}")
            waiting.append(source)
    return "\n".join(["digraph g {", *lines, "}"])


def plot_dot_graph(output: Any, verbose: bool = True, to_file: str = "graph.png") -> None:
    """Draw the graph behind ``output`` into a file; its ending says in which format.

    Raises:
        MissingExtraError: the program ``dot`` of Graphviz is not there.
        StateError: it could not draw.
    """
    program = shutil.which("dot")
    if program is None:
        raise MissingExtraError(
            f"pictures of graphs are drawn by Graphviz, whose program dot was not found{called_at()}\n"
            "  → install it (apt install graphviz, brew install graphviz), or print(get_dot_graph(y))"
        )
    form = Path(to_file).suffix[1:] or "png"
    command = [program, "-T", form, "-o", to_file]
    done = subprocess.run(command, input=get_dot_graph(output, verbose), capture_output=True, text=True)
    if done.returncode:
        raise StateError(f"dot could not draw {to_file}: {done.stderr.strip()}{called_at()}")


# --- checking gradients ----------------------------------------------------------------------------


def numerical_grad(f: Callable[..., Any], x: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    """The gradient of the sum of ``f(x, *args, **kwargs)``, by central differences of width 2e-4."""
    x, step = np.array(plain(x)), 1e-4
    grad = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        value, ends = x[i], []
        for sign in (1, -1):
            x[i] = value + sign * step
            ends.append(np.array(plain(f(x.copy(), *args, **kwargs))))
        x[i] = value
        grad[i] = (ends[0] - ends[1]).sum() / (2 * step)
    return grad


def gradient_check(
    f: Callable[..., Any], x: Any, *args: Any, rtol: float = 1e-4, atol: float = 1e-5, **kwargs: Any
) -> bool:
    """Does ``backward`` agree with :func:`numerical_grad`, in float64?"""
    x = Variable(np.asarray(plain(x), float))
    f(x, *args, **kwargs).backward()
    return array_allclose(x.grad, numerical_grad(f, x, *args, **kwargs), rtol, atol)


def array_equal(a: Any, b: Any) -> bool:
    """The same shape and the same elements?"""
    return np.array_equal(plain(a), plain(b))


def array_allclose(a: Any, b: Any, rtol: float = 1e-4, atol: float = 1e-5) -> bool:
    """Equal within these tolerances?"""
    return np.allclose(plain(a), plain(b), rtol=rtol, atol=atol)


# --- helpers of its functions, for arrays ------------------------------------------------------------


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """An array summed over the axes that ``shape`` would be repeated along."""
    return _sum_to(x, shape).data


def logsumexp(x: np.ndarray, axis: int = 1) -> np.ndarray:
    """``log(sum(exp(x)))`` over an axis that stays, of length one."""
    top = x.max(axis=axis, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True))


def max_backward_shape(x: Any, axis: Any) -> list[int]:
    """The shape of ``x`` with the axes of a reduction of length one."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    gone = {int(a) % x.ndim for a in axes}
    return [1 if i in gone else n for i, n in enumerate(x.shape)]


def reshape_sum_backward(gy: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """The gradient of a sum, with the axes that were summed away back at length one."""
    if keepdims or axis is None:
        return gy if keepdims or not x_shape else as_variable(gy).reshape((1,) * len(x_shape))
    gone = {int(a) % len(x_shape) for a in np.atleast_1d(axis)}
    return as_variable(gy).reshape([1 if i in gone else n for i, n in enumerate(x_shape)])


# --- files -----------------------------------------------------------------------------------------


def get_file(url: str, file_name: str | None = None, download: bool = False) -> str:
    """The path of a file that is in :data:`cache_dir`.

    Args:
        url: where it comes from.
        file_name: its name there; by default the last part of the URL.
        download: fetch it if it is missing.

    Raises:
        StateError: it is missing; the message says where to get it and where to put it.
    """
    path = Path(cache_dir) / (file_name or url.rpartition("/")[2])
    if path.exists():
        return str(path)
    if not download:
        raise StateError(
            f"{path} is not there, and nothing is downloaded unasked{called_at()}\n"
            f"  → get it from {url}\n    or call dezero.utils.get_file({url!r}, download=True) once"
        )
    if not url.startswith("https://"):
        raise StateError(f"only https is fetched, not {url}{called_at()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        urllib.request.urlretrieve(url, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return str(path)
