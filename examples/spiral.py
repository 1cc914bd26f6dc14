"""Three arms of a spiral told apart by a small network: the classic picture of a decision boundary."""

from __future__ import annotations

import argparse
import sys

import numpy as np

import whence
import whence.nn.functional as F
from whence import nn, optim


def spiral(stream: whence.random.Stream, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (3 · points, 2) of three arms, and the number of the arm of each."""
    radius = np.tile(np.linspace(0, 1, points), 3)
    arm = np.repeat(np.arange(3), points)
    angle = 4 * arm + 4 * radius + 0.2 * stream.normal(len(radius))
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1).astype(np.float32), arm


def main() -> None:
    """Train with Adam; test on a second spiral."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--hidden", type=int, default=32)
    options.add_argument("--batch", type=int, default=30)
    options.add_argument("--accuracy", type=float, default=0.93, help="the smallest that is accepted")
    options.add_argument("--picture", help="where to save one")
    chosen = options.parse_args()

    whence.random.seed(0)
    stream = whence.random.Stream(1)
    x, arm = spiral(stream, 100)
    test_x, test_arm = spiral(stream, 100)
    model = nn.Sequential(
        nn.Linear(2, chosen.hidden), nn.ReLU(), nn.Linear(chosen.hidden, chosen.hidden), nn.ReLU(),
        nn.Linear(chosen.hidden, 3),
    )  # fmt: skip
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    total = 0.0
    for epoch in range(chosen.epochs):
        order, total = stream.permutation(len(x)), 0.0
        for start in range(0, len(x), chosen.batch):
            i = order[start : start + chosen.batch]
            loss = -np.mean(F.log_softmax(model(x[i]))[np.arange(len(i)), arm[i]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss) * len(i) / len(x)
        if epoch % 20 == 0:
            print(f"epoch {epoch}: loss {total:.4f}")
    with whence.no_grad():
        accuracy = np.mean(model(test_x).argmax(axis=1) == test_arm)
    print(f"loss {total:.4f}, accuracy on another spiral {accuracy:.3f}")
    if chosen.picture:
        draw(chosen.picture, model, x, arm)
    if not accuracy >= chosen.accuracy:
        sys.exit("The arms were not told apart.")


def draw(path: str, model: nn.Module, x: np.ndarray, arm: np.ndarray) -> None:
    """The regions, and the points that they were learnt from."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # only where a picture is wanted

    axis = np.linspace(-1.2, 1.2, 200, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    with whence.no_grad():
        regions = model(grid).argmax(axis=1).reshape(200, 200)
    axes = (figure := Figure(figsize=(5, 5))).subplots()
    axes.contourf(axis, axis, regions, alpha=0.3)
    axes.scatter(*x.T, c=arm, s=8)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
