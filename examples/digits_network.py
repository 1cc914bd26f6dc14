"""Handwritten digits read by a layered network: an MLP, or with ``--cnn`` a convolutional one.

A third of scikit-learn's 1,797 digits is held out.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

import whence
import whence.nn.functional as F
from whence import nn, optim

try:
    from sklearn.datasets import load_digits
except ImportError:
    sys.exit('This example reads data of scikit-learn.\n  → pip install "whence[demo]"')


def mlp() -> nn.Module:
    """Images (N, 1, 8, 8) to logits (N, 10) by way of 128 units."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))


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


def accuracy(model: nn.Module, x: np.ndarray, t: np.ndarray) -> float:
    """The share of images that are read right."""
    model.eval()
    with whence.no_grad():
        right = np.mean(model(x).argmax(axis=1) == t)
    model.train()
    return float(right)


def main() -> None:
    """Train with Adam and a cosine schedule; test on the third held out."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cnn", action="store_true", help="convolutions")
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--accuracy", type=float, default=0.965, help="the smallest that is accepted")
    chosen = options.parse_args()

    whence.random.seed(chosen.seed)
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x = (digits.images[order, None] / 16).astype(np.float32)  # (N, 1, 8, 8)
    t = digits.target[order]
    train = 2 * len(x) // 3

    model = cnn() if chosen.cnn else mlp()
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    steps = chosen.epochs * -(-train // chosen.batch)
    schedule = optim.schedule.CosineAnnealingLR(optimizer, T_max=steps)
    stream = whence.random.Stream(chosen.seed)
    for epoch in range(chosen.epochs):
        shuffled = stream.permutation(train)
        for start in range(0, train, chosen.batch):
            batch = shuffled[start : start + chosen.batch]
            loss = F.cross_entropy(model(x[batch]), t[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {float(loss):.4f}")
    result = accuracy(model, x[train:], t[train:])
    print(f"{sum(p.size for p in model.parameters())} parameters, accuracy {result:.4f}")
    if result < chosen.accuracy:
        sys.exit("The digits were not read well enough.")


if __name__ == "__main__":
    main()
