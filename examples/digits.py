"""From the derivative of one expression to a network that reads handwritten digits.

Run it with ``make demo``, or ``python examples/digits.py`` where ``whence[demo]`` is installed.
There is no layer and no optimiser here: the network is four Variables and plain NumPy.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whence import Function, Variable, no_grad

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
    from sklearn.model_selection import train_test_split
except ImportError as error:
    sys.exit(
        f"The demo needs {error.name}, which is not installed.\n"
        '  → pip install "whence[demo]"   (or run it with: make demo)'
    )

SEED, EPOCHS, BATCH, HIDDEN = 0, 100, 64, 128
PEAK_RATE, NOISE = 3e-3, 0.2
REQUIRED = 0.96
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
    """1,797 real digits of 8 × 8 pixels, a fifth of them held out."""

    x: np.ndarray  # (N, 64), float32 in [0, 1]
    t: np.ndarray  # (N,)
    test_x: np.ndarray
    test_t: np.ndarray


class History(NamedTuple):
    """What each epoch came to."""

    loss: list[float]
    accuracy: list[float]


def digits() -> Digits:
    """scikit-learn's bundled digits (UCI), split with every digit in its proportion."""
    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype(np.float32)
    x, test_x, t, test_t = train_test_split(pixels, labels, test_size=360, random_state=SEED, stratify=labels)
    return Digits(x, t, test_x, test_t)


def parameters(random: np.random.Generator) -> list[Variable]:
    """W1, b1, W2, b2: He's initialisation, zero biases."""

    def weight(rows: int, columns: int, name: str) -> Variable:
        values = random.standard_normal((rows, columns), dtype=np.float32)
        return Variable(values * np.sqrt(2 / rows, dtype=np.float32), name=name)

    def bias(columns: int, name: str) -> Variable:
        return Variable(np.zeros(columns, np.float32), name=name)

    return [weight(64, HIDDEN, "W1"), bias(HIDDEN, "b1"), weight(HIDDEN, 10, "W2"), bias(10, "b2")]


def network(x: np.ndarray, params: list[Variable]) -> Variable:
    """Logits ``(N, 10)`` of images ``(N, 64)``."""
    W1, b1, W2, b2 = params
    hidden = np.maximum(x @ W1 + b1, 0)
    return hidden @ W2 + b2


def cross_entropy(logits: Variable, t: np.ndarray) -> Variable:
    """``-log softmax(logits)[t]``, averaged over the batch."""
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_total = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(log_total - shifted[np.arange(len(t)), t])


class Adam:
    """Adam (Kingma & Ba, 2015) with a cosine schedule, by hand."""

    def __init__(self, params: list[Variable], steps: int) -> None:
        self.params, self.steps, self.step = params, steps, 0
        self.mean = [np.zeros(p.shape, np.float32) for p in params]
        self.square = [np.zeros(p.shape, np.float32) for p in params]

    def update(self) -> None:
        """Move each parameter against its gradient, and clear that."""
        self.step += 1
        rate = PEAK_RATE * (1 + np.cos(np.pi * self.step / self.steps)) / 2
        rate *= np.sqrt(1 - 0.999**self.step) / (1 - 0.9**self.step)
        for p, mean, square in zip(self.params, self.mean, self.square, strict=True):
            g = p.grad.data
            mean += (g - mean) * np.float32(0.1)
            square += (g * g - square) * np.float32(0.001)
            p.assign(p.data - np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8)))
            p.cleargrad()


def predict(x: np.ndarray, params: list[Variable]) -> np.ndarray:
    """The likeliest digit of each image; nothing is recorded."""
    with no_grad():
        return network(x, params).argmax(axis=1)


def train(data: Digits, params: list[Variable], random: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Train; yield the mean loss and the test accuracy after every epoch."""
    optimizer = Adam(params, steps=EPOCHS * -(-len(data.x) // BATCH))
    for _ in range(EPOCHS):
        order, total = random.permutation(len(data.x)), 0.0
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            x = data.x[batch]  # with noise, so that single pixels are not learnt by heart
            x = x + np.float32(NOISE) * random.standard_normal(x.shape, dtype=np.float32)
            loss = cross_entropy(network(x, params), data.t[batch])
            loss.backward()
            optimizer.update()
            total += float(loss) * len(batch)
        yield total / len(order), float(np.mean(predict(data.test_x, params) == data.test_t))


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
    epochs = np.arange(1, len(history.loss) + 1)
    top.semilogy(epochs, history.loss, color=BLUE, linewidth=1.8)
    top.set_title("training loss", loc="left", fontsize=10, color=BLUE)
    percent = 100 * np.array(history.accuracy)
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
    return np.random.default_rng(SEED).permutation(chosen)


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


def main() -> int:
    """Run both parts; 1 if the network reads fewer than 96 % of the held-out digits."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 110
    started = time.perf_counter()

    console.rule("[bold]One expression")
    x, y = one_expression()
    console.print(
        Syntax(
            "y = Square()(np.exp(Square()(x)));  y.backward();  print(x.grad)",
            "python",
            background_color="default",
        )
    )
    console.print(f"[bold green]{x.grad}")
    show_tree(console, y.whence(), "y.whence()")

    console.rule("[bold]A network that reads digits")
    data, random = digits(), np.random.default_rng(SEED)
    params = parameters(random)
    size = sum(p.size for p in params)
    console.print(
        f"{len(data.x):,} handwritten digits to learn from, {len(data.test_x)} held out; "
        f"64 → {HIDDEN} → 10, {size:,} parameters in four Variables, float32."
    )
    loss = cross_entropy(network(data.x[:BATCH], params), data.t[:BATCH])
    show_tree(console, loss.whence(depth=3), "loss.whence(depth=3)")
    history = History([], [])
    columns = (
        TextColumn("epoch {task.completed:>3}/{task.total}"),
        BarColumn(bar_width=30),
        TextColumn("loss {task.fields[loss]:.5f}   test accuracy [bold]{task.fields[accuracy]:.2%}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=EPOCHS, loss=float(loss), accuracy=0.0)
        for value, accuracy in train(data, params, random):
            history.loss.append(value)
            history.accuracy.append(accuracy)
            progress.update(task, advance=1, loss=value, accuracy=accuracy)

    predicted = predict(data.test_x, params)
    accuracy = float(np.mean(predicted == data.test_t))
    draw(history, data, predicted, PICTURE)
    good = accuracy >= REQUIRED
    console.print(
        f"Test accuracy [bold {'green' if good else 'red'}]{accuracy:.4f}[/] "
        f"({np.sum(predicted == data.test_t)} of {len(predicted)}; at least {REQUIRED} expected)"
    )
    console.print(f"Picture       [bold]{PICTURE}[/]")
    console.print(f"[dim]{time.perf_counter() - started:.1f} s in all")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
