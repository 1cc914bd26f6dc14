"""The graph as Graphviz source."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.origin import called_at, place_of
from ..core.text import brief
from ..core.variable import Variable
from ..errors import DtypeError
from .walk import Values, as_array, is_input, known_values, nodes_behind, output_edges


def to_dot(*outputs: Variable, values: bool = True, lines: bool = True) -> str:
    """Graphviz source of the graph behind ``outputs``; render it with ``dot -Tsvg``.

    Graphviz is not needed to make it. Values are ellipses, functions boxes; the arrows point the
    way that data flows.

    Args:
        outputs: one or more Variables.
        values: show the values of small arrays, not only their shapes.
        lines: show the source line of each function.

    Example:
        >>> import whence
        >>> x = whence.Variable(2.0, name="x")
        >>> print(whence.to_dot(x + x, values=False, lines=False))
        digraph whence {
          rankdir=BT; node [fontname="Helvetica", fontsize=11]; edge [color="#777777"];
          v0 [shape=ellipse, style=filled, fillcolor="#ffe9b8", label="x"];
          f1 [shape=box, style="rounded,filled", fillcolor="#cfe3f7", label="np.add"];
          v2 [shape=ellipse, style=filled, fillcolor="#f4f4f4", label="()"];
          v0 -> f1;
          v0 -> f1;
          f1 -> v2;
        }
    """
    for v in outputs:
        if not isinstance(v, Variable):
            raise DtypeError(f"to_dot draws Variables, not a {type(v).__name__}{called_at()}")
    nodes = nodes_behind(*[v.edge for v in outputs])
    picture = _Picture(known_values(outputs, nodes), values)
    for node in nodes:
        sources = [picture.value(edge) for edge in node.edges]
        place = place_of(node._code, node._lasti) if lines else None
        box = picture.function(node.label, place.where if place else None)
        results = [picture.value(edge) for edge in output_edges(node)]
        picture.arrows += [f"{source} -> {box};" for source in sources]
        picture.arrows += [f"{box} -> {result};" for result in results]
    for v in outputs:
        picture.value(v.edge if v.edge is not None else v, v._data)
    head = 'rankdir=BT; node [fontname="Helvetica", fontsize=11]; edge [color="#777777"];'
    body = "\n".join(f"  {line}" for line in [head, *picture.shapes, *picture.arrows])
    return f"digraph whence {{\n{body}\n}}"


class _Picture:
    """Shapes and arrows, as they are drawn."""

    def __init__(self, known: Values, show: bool) -> None:
        self.known, self.show = known, show
        self.names: dict[Any, str] = {}
        self.shapes: list[str] = []
        self.arrows: list[str] = []

    def value(self, edge: Any, data: Any = None) -> str:
        """The ellipse of a value, drawn when it is first asked for."""
        if edge not in self.names:
            self.names[edge] = name = f"v{len(self.shapes)}"
            made = not isinstance(edge, Variable) and not is_input(edge)
            color = "#f4f4f4" if made else "#ffe9b8"
            label = self._label(edge, self.known.get(edge, data))
            self.shapes.append(f'{name} [shape=ellipse, style=filled, fillcolor="{color}", label="{label}"];')
        return self.names[edge]

    def function(self, label: str, where: str | None) -> str:
        """The box of a function."""
        name = f"f{len(self.shapes)}"
        text = _escaped(label if where is None else f"{label}\n{where}")
        self.shapes.append(
            f'{name} [shape=box, style="rounded,filled", fillcolor="#cfe3f7", label="{text}"];'
        )
        return name

    def _label(self, edge: Any, data: Any) -> str:
        name = getattr(edge, "_name", None)
        text = ""
        if data is not None:
            text = brief(as_array(data)) if self.show else str(np.shape(data))
        if name is not None and (not self.show or not text):
            return _escaped(name)
        return _escaped(text if name is None else f"{name} = {text}")


def _escaped(text: str) -> str:
    """Text for a label between double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "\\n")
