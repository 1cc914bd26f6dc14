"""A noisy sine continued by an LSTM, trained on windows and then fed with what it says itself."""

from __future__ import annotations

import argparse
import sys

import numpy as np

import whence
from whence import nn, optim


class Next(nn.Module):
    """The next value of a series, at every step of it."""

    def __init__(self, hidden: int) -> None:
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x: np.ndarray, state: object = None) -> tuple:
        """x: (N, T, 1); predictions (N, T, 1) and the state to go on from."""
        h, state = self.lstm(x, state)
        return self.out(h), state


def main() -> None:
    """Learn two hundred steps of the series; then run freely for two periods."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=150)
    options.add_argument("--hidden", type=int, default=32)
    options.add_argument("--window", type=int, default=50)
    options.add_argument("--error", type=float, default=0.25, help="the largest that is accepted")
    options.add_argument("--picture", help="where to save one")
    chosen = options.parse_args()

    whence.random.seed(0)
    period = 25
    t = np.arange(400)
    clean = np.sin(2 * np.pi * t / period)
    noisy = (clean + 0.05 * whence.random.Stream(1).normal(len(t))).astype(np.float32)
    starts = np.arange(0, 200 - chosen.window, 5)
    windows = np.stack([noisy[i : i + chosen.window + 1] for i in starts])[..., None]  # (N, T + 1, 1)

    model = Next(chosen.hidden)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(chosen.epochs):
        y, _ = model(windows[:, :-1])
        loss = np.mean((y - windows[:, 1:]) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 30 == 0:
            print(f"epoch {epoch}: loss {float(loss):.5f}")

    said = []
    with whence.no_grad():
        y, state = model(noisy[None, :200, None])
        for _ in range(2 * period):
            said.append(float(y[0, -1, 0]))
            y, state = model(np.full((1, 1, 1), said[-1], np.float32), state)
    error = np.sqrt(np.mean((np.array(said) - clean[200 : 200 + 2 * period]) ** 2))
    print(f"error over two periods of its own: {error:.3f}")
    if chosen.picture:
        draw(chosen.picture, noisy[:200], np.array(said))
    if not error < chosen.error:
        sys.exit("The series was not learnt.")


def draw(path: str, seen: np.ndarray, said: np.ndarray) -> None:
    """The series, and how the network goes on."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # only where a picture is wanted

    axes = (figure := Figure(figsize=(9, 3))).subplots()
    axes.plot(np.arange(100, 200), seen[100:], np.arange(200, 200 + len(said)), said)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
