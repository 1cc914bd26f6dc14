"""How well what is trained does: digits over five seeds, and a character GPT beside the same one in PyTorch.

``python -m benchmarks.accuracy [digits] [gpt] [--text FILE]`` prints a table.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import whence
import whence.nn.functional as F
from whence import nn, optim
from whence.nn.models.gpt import GPT

from .networks import torch_gpt
from .peers import torch


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and labels to learn from, and a third that is held out, the same at every call."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    held, rest = order[: len(order) // 3], order[len(order) // 3 :]
    x = (images / 16).astype(np.float32)
    return x[rest], labels[rest], x[held], labels[held]


def mlp() -> Any:
    """A multilayer perceptron for 8 × 8 images."""
    return nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 256), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(256, 10),
    )  # fmt: skip


def cnn() -> Any:
    """A small convolutional network for 8 × 8 images."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.4), nn.Linear(64 * 16, 128), nn.ReLU(),
        nn.Dropout(0.4), nn.Linear(128, 10),
    )  # fmt: skip


def trained(model: Any, x: np.ndarray, t: np.ndarray, seed: int, epochs: int, batch: int = 64) -> None:
    """Adam with a cosine schedule; images shifted by up to one pixel."""
    optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = optim.schedule.CosineAnnealingLR(optimizer, epochs)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            loss = F.cross_entropy(model(shifted(x[rows], rng)), t[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()


def shifted(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Images moved by -1, 0 or 1 pixel along each axis."""
    padded = np.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (8, 8), (1, 2))
    down, right = rng.integers(0, 3, (2, len(x)))
    return windows[np.arange(len(x)), down, right].reshape(-1, 64)


def digits_table() -> None:
    """Mean accuracy over five seeds."""
    x, t, held, labels = digits()
    for name, build, epochs, wanted in (("MLP", mlp, 60, 0.975), ("CNN", cnn, 25, 0.985)):
        scores = []
        for seed in range(5):
            whence.random.seed(seed)
            model = build()
            trained(model.train(), x, t, seed, epochs)
            model.eval()
            with whence.no_grad():
                guess = np.argmax(model(held), axis=1)
            scores.append(float(np.mean(np.asarray(guess) == labels)))
        mean = np.mean(scores)
        verdict = "✓" if mean >= wanted else "✗"
        print(f"digits, {name}: {mean:.4f} (≥ {wanted} {verdict}), seeds {np.round(scores, 4)}")


def licences() -> str:
    """Text that is on this machine: the licences of the installed packages."""
    texts = set()
    for package in importlib.metadata.distributions():
        for file in package.files or ():
            if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
                path = pathlib.Path(str(package.locate_file(file)))
                if path.is_file():
                    texts.add(path.read_text(encoding="utf-8", errors="ignore"))
    return "\n".join(sorted(texts))


def windows(tokens: np.ndarray, context: int, batch: int, steps: int) -> Iterator[tuple[Any, Any]]:
    """Random windows, the same for both."""
    rng = np.random.default_rng(0)
    for _ in range(steps):
        starts = rng.integers(0, len(tokens) - context - 1, batch)
        rows = tokens[starts[:, None] + np.arange(context + 1)]
        yield rows[:, :-1], rows[:, 1:]


def gpt_table(text: str, steps: int, context: int = 64, batch: int = 16) -> None:
    """Validation loss of a GPT here and in PyTorch, from the same weights and batches."""
    letters = sorted(set(text))
    number = {letter: i for i, letter in enumerate(letters)}
    tokens = np.array([number[letter] for letter in text])
    split = len(tokens) * 9 // 10
    train, valid = tokens[:split], tokens[split:]
    size = len(letters)
    theirs = torch_gpt(size, context, 2, 4, 64)
    ours = GPT(size, context, layers=2, heads=4, width=64)
    matched(ours, theirs)
    mine = optim.AdamW(ours.parameters(), lr=1e-3)
    other = torch.optim.AdamW(theirs.parameters(), lr=1e-3)
    for x, t in windows(train, context, batch, steps):
        loss = F.cross_entropy(np.reshape(ours(x), (-1, size)), t.reshape(-1))
        mine.zero_grad()
        loss.backward()
        mine.step()
        guess = theirs(torch.tensor(x)).view(-1, size)
        their_loss = torch.nn.functional.cross_entropy(guess, torch.tensor(t).reshape(-1))
        other.zero_grad()
        their_loss.backward()
        other.step()
    ours.eval()
    pairs = []
    with whence.no_grad(), torch.no_grad():
        for x, t in windows(valid, context, batch, 30):
            a = float(F.cross_entropy(np.reshape(ours(x), (-1, size)), t.reshape(-1)).data)
            guess = theirs(torch.tensor(x)).view(-1, size)
            pairs.append((a, float(torch.nn.functional.cross_entropy(guess, torch.tensor(t).reshape(-1)))))
    a, b = np.mean(pairs, axis=0)
    verdict = "✓" if abs(a / b - 1) <= 0.01 else "✗"
    print(
        f"GPT, {len(text):,} characters, {steps} steps: whence {a:.4f}, PyTorch {b:.4f} (within 1% {verdict})"
    )


def matched(ours: Any, theirs: Any) -> None:
    """Copy our first weights to PyTorch's model; the names differ, the order of the layers does not."""
    mine = list(ours.state_dict().values())
    other = list(theirs.state_dict().items())
    shapes = [(a.shape, tuple(b.shape)) for a, (_, b) in zip(mine, other, strict=True)]
    if any(a != b for a, b in shapes):
        raise SystemExit(f"the two models differ: {[pair for pair in shapes if pair[0] != pair[1]]}")
    theirs.load_state_dict({name: torch.tensor(a) for a, (name, _) in zip(mine, other, strict=True)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["digits", "gpt"])
    parser.add_argument("--text", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    if "digits" in options.what:
        digits_table()
    if "gpt" in options.what:
        corpus = options.text.read_text(encoding="utf-8") if options.text else licences()[:400_000]
        gpt_table(corpus, options.steps)
