"""Where a NaN or an infinity came from: the op, the line, the direction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import watching
from ..core.graph import Absent
from ..core.origin import here, made_at, place_of
from ..core.sweep import sweep
from ..core.variable import Variable
from ..errors import NonFiniteError
from .walk import known_values, nodes_behind, output_edges


@dataclass(frozen=True)
class NonFinite:
    """The first non-finite value of a graph.

    Attributes:
        op: the op that made it (``np.log``), or ``input``.
        direction: ``forward`` or ``backward``.
        where: ``file:line`` of the op.
        text: the whole report.
    """

    op: str
    direction: str
    where: str
    text: str

    def __str__(self) -> str:
        return self.text


def find_nan(y: Variable) -> NonFinite | None:
    """The op that made the first NaN or infinity behind ``y``, forward, else backward; or None.

    Looks through the values that were kept, oldest first; if all of them are finite it runs a
    backward sweep (which changes no ``grad``) and watches the gradients.

    Example:
        >>> import numpy as np, whence
        >>> p = whence.Variable(np.array([0.0, 1.0]))
        >>> with np.errstate(divide="ignore"):
        ...     loss = np.sum(np.log(p))
        >>> report = whence.find_nan(loss)
        >>> print(report.op, report.direction)
        np.log forward
    """
    nodes = nodes_behind(y.edge)
    values = known_values(y, nodes)
    for edge, value in values.items():
        if edge.node is None and not _finite(value):
            return _report(edge, "input", value, [], "forward")
    with np.errstate(all="ignore"):
        for node in nodes:
            for edge in output_edges(node):
                value = values.get(edge)
                if value is None:
                    value = values[edge] = _again(node, edge, values)
                if value is not None and not _finite(value):
                    return _report(node, node.label, value, list(node.operands()), "forward")
    if y.edge is None or y.edge.node is None or y.dtype.kind not in "fc":
        return None
    try:
        with watching(_raise_report):
            sweep([(y.edge, np.ones_like(y._data))])
    except NonFiniteError as error:
        return error.args[1]
    return None


@contextmanager
def detect_nan() -> Iterator[None]:
    """Raise :class:`NonFiniteError` at the first NaN or infinity made in this block.

    Forward, as soon as an op makes it; backward, as soon as a gradient holds it. The error names
    the op, the line, the direction, and what was odd about the op's inputs.

    Example:
        >>> import numpy as np, whence
        >>> with whence.detect_nan():
        ...     y = np.sqrt(whence.Variable(-1.0))
        Traceback (most recent call last):
        ...
        whence.errors.NonFiniteError: the first NaN appears in np.sqrt, forward, at ...
    """
    try:
        with watching(_raise_report):
            yield
    except NonFiniteError as error:
        raise NonFiniteError(str(error.args[0])) from None


def _raise_report(maker: Any, value: Any, direction: str) -> None:
    value = getattr(value, "_data", value)
    if _finite(value):
        return
    operands = list(maker.operands()) if hasattr(maker, "operands") else []
    label = maker.label if hasattr(maker, "label") else maker.name
    report = _report(maker, label, value, operands, direction)
    raise NonFiniteError(report.text, report)


def _finite(value: Any) -> bool:
    if value.dtype.kind not in "fc":
        return True
    return bool(np.all(np.isfinite(value)))


def _again(node: Any, edge: Any, values: dict[Any, Any]) -> Any:
    """Compute a value that was not kept, if all that it needs is known."""
    inputs = [values.get(source) for source, _ in node.operands()]
    if any(x is None for x in inputs):
        return None
    saved = getattr(node, "values", ())
    positions = {i for i, _ in node.rules} if node.rules is not None else set()
    if any(isinstance(v, Absent) and i not in positions for i, v in enumerate(saved)):
        return None
    y = node.forward(*inputs)
    return np.asarray(y[edge.index] if node.ports else y)


def _report(
    maker: Any, label: str, value: Any, operands: list[tuple[Any, Any]], direction: str
) -> NonFinite:
    kind = "NaN" if bool(np.any(np.isnan(value))) else "infinity"
    place = place_of(getattr(maker, "code", None), getattr(maker, "lasti", 0)) or here()
    where = place.where if place else "an unknown line"
    if label == "input":
        lines = [f"the first {kind} is in an input, made at {where}"]
    else:
        lines = [f"the first {kind} appears in {label}, {direction}, at {where}"]
    if place and place.text:
        lines.append(f"  {place.line} |     {place.text}")
    if direction == "backward":
        lines.append("  its gradient is not finite:")
    for edge, x in operands:
        if not isinstance(x, Absent):
            lines.append(f"  {_name(edge)} has {_oddities(x)}; it was {_maker(edge)}")
    return NonFinite(label, direction, where, "\n".join(lines))


def _name(edge: Any) -> str:
    name = getattr(edge, "name", None)
    return repr(name) if name else "its input"


def _maker(edge: Any) -> str:
    if edge.node is not None and edge.node.edges:
        place = place_of(edge.code, edge.lasti)
        return f"made by {edge.node.label}" + (f" at {place.where}" if place else "")
    return "an input, " + made_at(edge)


def _oddities(x: Any) -> str:
    """What of an array may explain a NaN: zeros, negatives, non-finite values, its range."""
    x = np.asarray(x)
    if x.size == 0:
        return "no values"
    if x.dtype.kind == "c":
        return f"{x.size} complex values"
    bad = int(np.count_nonzero(~np.isfinite(x)))
    parts = []
    for count, what in (
        (int(np.count_nonzero(np.isnan(x))), "NaN"),
        (int(np.count_nonzero(np.isinf(x))), "infinite"),
        (int(np.count_nonzero(x == 0)), "zero"),
        (int(np.count_nonzero(x < 0)), "negative"),
    ):
        if count:
            parts.append(f"{count} {what}")
    if bad < x.size:
        finite = x[np.isfinite(x)]
        parts.append(f"range {finite.min():.4g} to {finite.max():.4g}")
    return ", ".join(parts) + f" (of {x.size} value{'s' if x.size != 1 else ''})"
