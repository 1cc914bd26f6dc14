"""Where a NaN or an infinity came from: the op, the line, the direction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import watching
from ..core.graph import Absent
from ..core.origin import called_at, here, made_at, place_of
from ..core.sweep import sweep
from ..core.variable import Variable
from ..errors import DtypeError, NonFiniteError
from .walk import as_array, is_input, kind_of, known_values, nodes_behind, output_edges, recomputed


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

    Looks through the values, oldest first, and computes again those that were not kept; if all of
    them are finite it runs a backward sweep (which changes no ``grad``) and watches the gradients.

    Example:
        >>> import numpy as np, whence
        >>> p = whence.Variable(np.array([0.0, 1.0]))
        >>> with np.errstate(divide="ignore"):
        ...     loss = np.sum(np.log(p))
        >>> report = whence.find_nan(loss)
        >>> print(report.op, report.direction)
        np.log forward
    """
    if not isinstance(y, Variable):
        raise DtypeError(f"find_nan looks behind a Variable, not a {type(y).__name__}{called_at()}")
    return _first_forward(y) or _first_backward(y)


def _first_forward(y: Variable) -> NonFinite | None:
    nodes = nodes_behind(y.edge)
    values = known_values((y,), nodes)
    for edge, value in values.items():
        if is_input(edge) and not _finite(value):
            return _report(edge, "input", value, [], "forward")
    with np.errstate(all="ignore"):
        for node in nodes:
            if any(edge not in values for edge in output_edges(node)):
                values.update(recomputed(node, values))
            for edge in output_edges(node):
                if edge in values and not _finite(values[edge]):
                    operands = [(e, values.get(e, x)) for e, x in node.operands()]
                    return _report(node, node.label, values[edge], operands, "forward")
    return None


def _first_backward(y: Variable) -> NonFinite | None:
    if y.creator is None or y.dtype.kind not in "fc":
        return None
    try:
        with watching(_raise_report):
            sweep([(y.edge, np.ones_like(y._data))])
    except _Found as found:
        return found.report
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
    except _Found as found:
        raise NonFiniteError(found.report.text) from None


class _Found(NonFiniteError):
    """The first non-finite value, on its way out of the computation."""

    def __init__(self, report: NonFinite) -> None:
        super().__init__(report.text)
        self.report = report


def _raise_report(maker: Any, value: Any, direction: str) -> None:
    value = as_array(getattr(value, "_data", value))
    if _finite(value):
        return
    recorded = hasattr(maker, "edges")  # a node; while nothing is recorded, the op alone
    operands = list(maker.operands()) if recorded else []
    label = maker.label if hasattr(maker, "label") else maker.name
    raise _Found(_report(maker, label, value, operands, direction))


def _finite(value: Any) -> bool:
    value = as_array(value)
    return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())


def _report(maker: Any, label: str, value: Any, operands: list[tuple[Any, Any]], direction: str) -> NonFinite:
    kind = "NaN" if np.isnan(value).any() else "infinity"
    place = place_of(getattr(maker, "_code", None), getattr(maker, "_lasti", 0)) or here()
    where = place.where if place else "an unknown line"
    if label == "input":
        name = getattr(maker, "_name", None)
        lines = [f"the first {kind} is in an input{f' {name!r}' if name else ''}, made at {where}"]
    else:
        lines = [f"the first {kind} appears in {label}, {direction}, at {where}"]
    if place and place.text:
        lines.append(f"  {place.line} |     {place.text}")
    if label == "input":
        lines.append(f"  it has {_oddities(value)}")
    if direction == "backward":
        lines.append(f"  the value is finite, the gradient is not: it has {_oddities(value)}")
    for edge, x in operands:
        if not isinstance(x, Absent):
            lines.append(f"  {_name(edge)} has {_oddities(x)}; it was {_maker(edge)}")
    return NonFinite(label, direction, where, "\n".join(lines))


def _name(edge: Any) -> str:
    name = getattr(edge, "_name", None)
    return repr(name) if name else "its input"


def _maker(edge: Any) -> str:
    kind = kind_of(edge)
    if is_input(edge):
        return f"{'an' if kind == 'input' else 'a'} {kind}, {made_at(edge)}"
    place = place_of(edge._code, edge._lasti)
    return f"made by {kind}" + (f" at {place.where}" if place else "")


def _oddities(x: Any) -> str:
    """What of an array may explain a NaN: zeros, negatives, non-finite values, its range."""
    x = as_array(x)
    if x.size == 0:
        return "no values"
    tests = {"NaN": np.isnan(x), "infinite": np.isinf(x), "zero": x == 0}
    if x.dtype.kind != "c":
        tests["negative"] = x < 0
    counts = {what: int(np.count_nonzero(test)) for what, test in tests.items()}
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    finite = x[np.isfinite(x)]
    if finite.size and x.dtype.kind != "c":
        low, high = finite.min(), finite.max()
        parts.append(f"all {low:.4g}" if low == high else f"range {low:.4g} to {high:.4g}")
    elif finite.size:
        parts.append(f"|x| up to {np.abs(finite).max():.4g}")
    return ", ".join(parts) + f" (of {x.size} value{'s' if x.size != 1 else ''})"
