"""The picture of a training: a panel to a figure, training and validation in each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingExtraError, WhenceError

try:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import MaxNLocator
except ImportError as error:
    raise MissingExtraError(f'a picture needs {error.name}\n  → pip install "whence[train]"') from error

INK, QUIET, GRID = "#22262b", "#8a9099", "#e8eaed"
TRAIN, VALID = "#2f6fb0", "#d9822b"
STYLE: dict[Any, Any] = {
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}
#: Figures whose best value is their greatest.
_MORE_IS_BETTER = {"accuracy", "f1", "precision", "r2", "recall"}


def draw(history: Mapping[str, list[float]], path: Path) -> Path:
    """Write the learning curves of a history into ``path``."""
    names = [name for name in history if not name.startswith("valid_") and name != "lr"]
    if not names or not history[names[0]]:
        raise WhenceError("there is nothing to draw yet\n  → history.plot() after at least one epoch")
    rows, columns = _layout(len(names))
    with mpl.rc_context(STYLE):
        figure = Figure(
            figsize=(5.2 * columns + 0.6, 3.2 * rows + 0.5),
            dpi=150,
            facecolor="white",
            layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12, wspace=0.05, hspace=0.06),
        )
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
        for axes, name in zip(grid.flat, names, strict=False):
            _panel(axes, name, np.array(history[name]), np.array(history.get(f"valid_{name}", [])))
        if f"valid_{names[0]}" in history:
            _legend(grid[0, 0])
        for axes in grid.flat[len(names) :]:
            axes.set_visible(False)
        for column in range(columns):
            last = grid[(len(names) - 1 - column) // columns, column]
            last.set_xlabel("epoch")
            last.tick_params(labelbottom=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    return path


def _layout(panels: int) -> tuple[int, int]:
    columns = 1 if panels == 1 else 2 if panels in (2, 4) else min(panels, 3)
    return math.ceil(panels / columns), columns


def _panel(axes: Any, name: str, train: np.ndarray, valid: np.ndarray) -> None:
    """One figure over the epochs, its best value marked."""
    epochs = np.arange(1, len(train) + 1)
    finite = np.concatenate([train, valid])
    finite = finite[np.isfinite(finite)]
    if name == "loss" and finite.size and finite.min() > 0 and finite.max() > 20 * finite.min():
        axes.set_yscale("log")
    axes.plot(epochs, train, color=TRAIN, linewidth=1.6, **_dots(train))
    if valid.size:
        axes.plot(epochs, valid, color=VALID, linewidth=1.8, **_dots(valid))
    shown, colour = (valid, VALID) if np.isfinite(valid).any() else (train, TRAIN)
    best = _best(name, shown)
    if best is not None:
        axes.plot(epochs[best], shown[best], "o", color=colour, markersize=5.5, zorder=3, clip_on=False)
        axes.set_title(
            f"best {shown[best]:.4g} at {epochs[best]}", loc="right", fontsize=9.5, color=colour, pad=10
        )
    axes.set_title(name.replace("_", " "), loc="left", fontsize=12, fontweight="bold", pad=10)
    axes.set_xlim(1 if len(train) > 1 else 0.5, max(len(train), 1.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0)


def _dots(values: np.ndarray) -> dict[str, Any]:
    """A curve of few points shows them."""
    return {"marker": "o", "markersize": 3} if len(values) <= 12 else {}


def _best(name: str, values: np.ndarray) -> int | None:
    if not np.isfinite(values).any():
        return None
    more = name in _MORE_IS_BETTER or name.startswith("top_")
    return int(np.nanargmax(values) if more else np.nanargmin(values))


def _legend(axes: Any) -> None:
    lines = axes.get_lines()[:2]
    axes.legend(lines, ["training", "validation"], frameon=False, fontsize=9.5, labelcolor="linecolor")
