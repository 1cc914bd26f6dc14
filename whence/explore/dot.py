"""The graph as Graphviz source."""

from __future__ import annotations

from typing import Any

from ..core.origin import place_of
from ..core.text import brief
from ..core.variable import Variable
from .walk import known_values, nodes_behind, output_edges


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
        >>> print(whence.to_dot(x * x, values=False, lines=False))
        digraph whence {
          rankdir=BT; node [fontname="Helvetica", fontsize=11]; edge [color="#777777"];
          v0 [shape=ellipse, style=filled, fillcolor="#ffe9b8", label="x"];
          f1 [shape=box, style="rounded,filled", fillcolor="#cfe3f7", label="np.multiply"];
          v2 [shape=ellipse, style=filled, fillcolor="#f4f4f4", label="()"];
          v0 -> f1;
          v0 -> f1;
          f1 -> v2;
        }
    """
    names: dict[Any, str] = {}
    declared: list[str] = []
    arrows: list[str] = []
    known: dict[Any, Any] = {}
    nodes: list[Any] = []
    for v in outputs:
        behind = nodes_behind(v.edge)
        known.update(known_values(v, behind))
        nodes += [node for node in behind if node not in nodes]
    nodes.sort(key=lambda node: node.generation)

    def value(edge: Any, fallback: Any = None) -> str:
        if edge not in names:
            names[edge] = f"v{len(names)}"
            data = known.get(edge, fallback)
            color = "#ffe9b8" if edge.node is None or not edge.node.edges else "#f4f4f4"
            label = _value_label(edge, data, values)
            declared.append(f'{names[edge]} [shape=ellipse, style=filled, fillcolor="{color}", label="{label}"];')
        return names[edge]

    for node in nodes:
        sources = [value(edge, saved) for edge, saved in node.operands()]
        names[node, "function"] = box = f"f{len(names)}"
        place = place_of(node.code, node.lasti) if lines else None
        label = _escaped(node.label) + (f"\\n{_escaped(place.where)}" if place else "")
        declared.append(f'{box} [shape=box, style="rounded,filled", fillcolor="#cfe3f7", label="{label}"];')
        arrows += [f"{source} -> {box};" for source in sources]
        arrows += [f"{box} -> {value(edge)};" for edge in output_edges(node)]
    for v in outputs:
        if v.edge is not None:
            value(v.edge, v._data)
    head = 'rankdir=BT; node [fontname="Helvetica", fontsize=11]; edge [color="#777777"];'
    body = "\n".join(f"  {line}" for line in [head, *declared, *arrows])
    return f"digraph whence {{\n{body}\n}}"


def _value_label(edge: Any, data: Any, values: bool) -> str:
    name = getattr(edge, "name", None)
    if data is None:
        text = ""
    elif values:
        text = brief(data)
    else:
        text = str(data.shape)
    if name and not values:
        return _escaped(name)
    return _escaped(f"{name} = {text}" if name else text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
