"""From the derivative of one expression to a network that reads handwritten digits.

Run it with ``make demo``, or ``python examples/digits.py`` where ``whence[demo]`` is installed;
``--cnn`` reads them by convolutions.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import whence
import whence.nn.functional as F
from whence import Function, Variable, nn, optim
from whence.train import History, Trainer

try:
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.console import Console
    from rich.panel import Panel
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.syntax import Syntax
    from rich.text import Text
    from sklearn.datasets import load_digits
except ImportError as error:
    sys.exit(
        f"The demo needs {error.name}, which is not installed.\n"
        '  → pip install "whence[demo]"   (or run it with: make demo)'
    )

PICTURE = Path("demo_output") / "digits.png"

INK, QUIET, BLUE, ORANGE, RED = "#22262b", "#8a9099", "#2f6fb0", "#d9822b", "#c8372d"


# --- one expression ------------------------------------------------------------------------------


class Square(Function):
    """``x ** 2``, with its derivative written by hand."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """An array in, an array out."""
        return x**2

    def backward(self, gy: np.ndarray) -> np.ndarray:
        """The gradient of the output in, that of the input out."""
        return 2 * self.input.data * gy


def one_expression() -> tuple[Variable, Variable]:
    """The derivative of ``(exp(x²))²`` at 0.5: a user's Function around NumPy's own."""
    x = Variable(np.array(0.5), name="x")
    a = Square()(x)
    b = np.exp(a)
    y = Square()(b)
    y.backward()
    return x, y


# --- a network -----------------------------------------------------------------------------------


class Digits(NamedTuple):
    """1,797 real digits of 8 × 8 pixels, a third of them held out."""

    x: np.ndarray  # (N, 1, 8, 8), float32 in [0, 1]
    t: np.ndarray  # (N,)
    test_x: np.ndarray
    test_t: np.ndarray


def digits() -> Digits:
    """scikit-learn's bundled digits (UCI), in an order that is always the same."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    held, rest = np.split(order, [len(order) // 3])
    x = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return Digits(x[rest], labels[rest], x[held], labels[held])


def moved(x: np.ndarray) -> np.ndarray:
    """Every image at nine places, up to a pixel off: (N, 1, 8, 8) to (9 N, 1, 8, 8)."""
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return np.concatenate([wide[..., i : i + 8, j : j + 8] for i in range(3) for j in range(3)])


def mlp() -> nn.Module:
    """Images to the logits of ten digits, by way of twice 256 units."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 256),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(256, 256),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(256, 10),
    )


def cnn() -> nn.Module:
    """The same by two convolutions."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(32 * 4 * 4, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def trained(model: nn.Module, data: Digits, epochs: int, console: Console) -> Trainer:
    """The model, trained under a bar that shows loss and accuracy."""
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    schedule = optim.schedule.CosineAnnealingLR(optimizer, T_max=epochs)
    trainer = Trainer(model, optimizer, F.cross_entropy, metrics=["accuracy"], schedule=schedule)
    columns = (
        TextColumn("epoch {task.completed:>2}/{task.total}"),
        BarColumn(bar_width=30),
        TextColumn("loss {task.fields[loss]:.4f}   test accuracy [bold]{task.fields[valid_accuracy]:.2%}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=epochs, loss=float("nan"), valid_accuracy=0.0)

        def show(_: Any, figures: Any) -> None:
            progress.update(task, advance=1, **figures)

        trainer.fit(
            (moved(data.x), np.tile(data.t, 9)),
            (data.test_x, data.test_t),
            epochs=epochs,
            batch_size=64,
            callbacks=[show],
            progress=False,
        )
    return trainer


# --- the picture ---------------------------------------------------------------------------------


def draw(history: History, data: Digits, predicted: np.ndarray, path: Path) -> None:
    """The learning curve, and some of the held-out digits as the network reads them."""
    matplotlib.rcParams.update(
        {"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": QUIET}
        | {"xtick.color": QUIET, "ytick.color": QUIET, "axes.spines.top": False, "axes.spines.right": False}
    )
    figure = Figure(figsize=(11.5, 5.4), dpi=150, facecolor="white")
    curves, gallery = figure.subfigures(1, 2, width_ratios=[1, 1.15])
    draw_curves(*curves.subplots(2, 1, sharex=True), history)
    curves.subplots_adjust(left=0.14, right=0.92, top=0.86, bottom=0.12, hspace=0.32)

    rows, columns = 5, 8
    chosen = choose(predicted != data.test_t, rows * columns)
    for axes, i in zip(gallery.subplots(rows, columns).flat, chosen, strict=True):
        draw_digit(axes, data.test_x[i].reshape(8, 8), int(predicted[i]), int(data.test_t[i]))
    gallery.subplots_adjust(left=0.03, right=0.98, top=0.86, bottom=0.06, hspace=0.55, wspace=0.15)

    wrong = int(np.sum(predicted != data.test_t))
    curves.text(0.14, 0.93, "Learning curve", fontsize=13, fontweight="bold")
    gallery.text(0.03, 0.93, "Held-out digits, as the network reads them", fontsize=13, fontweight="bold")
    gallery.text(0.98, 0.93, f"{wrong} of {len(predicted)} wrong", fontsize=10, color=RED, ha="right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def draw_curves(top: Axes, bottom: Axes, history: History) -> None:
    """Training loss above, test accuracy below."""
    epochs = np.arange(1, history.epochs + 1)
    top.semilogy(epochs, history["loss"], color=BLUE, linewidth=1.8)
    top.set_title("training loss", loc="left", fontsize=10, color=BLUE)
    percent = 100 * np.array(history["valid_accuracy"])
    bottom.plot(epochs, percent, color=ORANGE, linewidth=1.8)
    bottom.set_title("test accuracy, %", loc="left", fontsize=10, color=ORANGE)
    bottom.plot(epochs[-1], percent[-1], "o", color=ORANGE, markersize=5, clip_on=False)
    bottom.annotate(
        f"{percent[-1]:.1f} %",
        (float(epochs[-1]), float(percent[-1])),
        (0, -18),
        textcoords="offset points",
        ha="right",
        color=ORANGE,
        fontweight="bold",
    )
    bottom.set_ylim(88, 100)
    bottom.set_xlim(0, len(epochs))
    bottom.set_xlabel("epoch")
    for axes in (top, bottom):
        axes.grid(axis="y", color="#e8eaed", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(which="both", length=0)


def choose(wrong: np.ndarray, count: int) -> np.ndarray:
    """Every mistake (up to eight), spread among digits that were read right."""
    mistakes = np.flatnonzero(wrong)[:8]
    chosen = np.concatenate([mistakes, np.flatnonzero(~wrong)[: count - len(mistakes)]])
    return np.random.default_rng(0).permutation(chosen)


def draw_digit(axes: Axes, pixels: np.ndarray, predicted: int, label: int) -> None:
    """One image with the digit read; in red, with the right one, where it was misread."""
    right = predicted == label
    axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="bicubic")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=True, color="#d5d8dc" if right else RED, linewidth=0.8 if right else 1.8)
    text = f"{predicted}" if right else f"{predicted}, is {label}"
    axes.set_title(
        text, fontsize=10, pad=4, color=INK if right else RED, fontweight="normal" if right else "bold"
    )


# --- the show ------------------------------------------------------------------------------------


def show_tree(console: Console, tree: str, title: str) -> None:
    """A tree of creators in a frame, lines of source dimmed."""
    text = Text(no_wrap=True, overflow="ellipsis")
    rows = [re.split(rf"\s{{2,}}(?=\S*{Path(__file__).name}:)", line) for line in tree.splitlines()]
    width = max(len(head) for head, *_ in rows)
    for head, *place in rows:
        text.append(f"{head:<{width}}", style="bold cyan" if "input" in head else "bold")
        text.append("".join(f"   {re.sub(r'^[^:]*/', '', part)}" for part in place) + "\n", style="dim")
    text.rstrip()
    console.print(Panel(text, title=title, title_align="left", border_style="dim", padding=(0, 1)))


def introduce(console: Console) -> None:
    """A derivative, and where it came from."""
    console.rule("[bold]One expression")
    x, y = one_expression()
    text = "y = Square()(np.exp(Square()(x)));  y.backward();  print(x.grad)"
    console.print(Syntax(text, "python", background_color="default"))
    console.print(f"[bold green]{x.grad}")
    show_tree(console, y.whence(), "y.whence()")


def main() -> int:
    """Run both parts; 1 if the network reads too few of the held-out digits."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cnn", action="store_true", help="a convolutional network")
    options.add_argument("--epochs", type=int, default=12)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--accuracy", type=float, default=0.97, help="the smallest that is accepted")
    chosen = options.parse_args()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 110
    started = time.perf_counter()
    introduce(console)

    console.rule("[bold]A network that reads digits")
    whence.random.seed(chosen.seed)
    data, model = digits(), cnn() if chosen.cnn else mlp()
    console.print(
        f"{len(data.x):,} handwritten digits to learn from, {len(data.test_x)} held out; "
        f"{sum(p.size for p in model.parameters()):,} parameters, float32."
    )
    loss = F.cross_entropy(model(data.x[:64]), data.t[:64])
    show_tree(console, loss.whence(depth=3), "loss.whence(depth=3)")
    trainer = trained(model, data, chosen.epochs, console)

    predicted = trainer.predict(data.test_x).argmax(axis=1)
    right = int(np.sum(predicted == data.test_t))
    accuracy = right / len(predicted)
    draw(trainer.history, data, predicted, PICTURE)
    good = accuracy >= chosen.accuracy
    console.print(
        f"Test accuracy [bold {'green' if good else 'red'}]{accuracy:.4f}[/] "
        f"({right} of {len(predicted)}; at least {chosen.accuracy} expected)"
    )
    console.print(f"Picture       [bold]{PICTURE}[/]")
    console.print(f"[dim]{time.perf_counter() - started:.1f} s in all")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
