"""A variational autoencoder of handwritten digits: it learns to draw new ones.

The loss is minus the evidence lower bound of Kingma and Welling (2014), with Bernoulli pixels.
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


class Autoencoder(nn.Module):
    """Images (N, 64) to the normal distribution of a code (N, K), and codes back to logits of pixels."""

    def __init__(self, hidden: int, code: int) -> None:
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, 64))
        self.code = code

    def encode(self, x: np.ndarray) -> tuple:
        """Mean and log-variance of the code."""
        both = self.encoder(x)
        return both[:, : self.code], both[:, self.code :]

    def loss(self, x: np.ndarray, stream: whence.random.Stream) -> np.ndarray:
        """Minus the lower bound, for each image on average."""
        mean, log_variance = self.encode(x)
        code = mean + np.exp(log_variance / 2) * stream.normal(mean.shape, dtype=x.dtype)
        logits = self.decoder(code)
        likelihood = np.sum(x * logits - F.softplus(logits))
        divergence = np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance) / 2
        return (divergence - likelihood) / len(x)


def main() -> None:
    """Train on two thirds of the digits, and look at the others and at drawn ones."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--hidden", type=int, default=128)
    options.add_argument("--code", type=int, default=8)
    options.add_argument("--bound", type=float, default=27.0, help="the largest loss that is accepted")
    options.add_argument("--picture", help="where to save one")
    chosen = options.parse_args()

    whence.random.seed(0)
    stream = whence.random.Stream(1)
    images = (load_digits().data / 16).astype(np.float32)
    images = images[stream.permutation(len(images))]
    train, test = images[:1198], images[1198:]
    model = Autoencoder(chosen.hidden, chosen.code)
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(chosen.epochs):
        order = stream.permutation(len(train))
        for start in range(0, len(train), 64):
            loss = model.loss(train[order[start : start + 64]], stream)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch}: loss {float(loss):.2f}")
    with whence.no_grad():
        final = float(model.loss(test, whence.random.Stream(2)))
        drawn = F.sigmoid(model.decoder(stream.normal((32, chosen.code), dtype=np.float32)))
    print(f"loss of digits that it has not seen: {final:.2f} nats")
    if chosen.picture:
        draw(chosen.picture, drawn.data)
    if not final < chosen.bound:
        sys.exit("The digits were not learnt.")


def draw(path: str, pixels: np.ndarray) -> None:
    """Digits that nobody wrote."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # only where a picture is wanted

    figure = Figure(figsize=(8, 4))
    for axes, image in zip(figure.subplots(4, 8).flat, pixels, strict=True):
        axes.imshow(image.reshape(8, 8), cmap="gray_r")
        axes.axis("off")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
