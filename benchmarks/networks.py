"""Training steps of networks, eager, against PyTorch eager doing the same as its own users write it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import whence.nn.functional as F
from whence import nn, optim
from whence.nn.models.gpt import GPT

from .harness import Contender, Row
from .peers import torch


def steps(
    title: str,
    ours: tuple[Any, Callable[[Any], Any]],
    theirs: Callable[[], tuple[Any, Callable[[Any], Any]]],
    promise: float,
    seconds: float,
    rounds: int = 21,
) -> Row:
    """A row: forward, backward and Adam of a model, with the loss of the model as a function."""
    model, loss = ours
    mine = optim.Adam(model.parameters(), lr=1e-3)

    def whence_step() -> Any:
        value = loss(model)
        mine.zero_grad()
        value.backward()
        mine.step()
        return value

    contenders: dict[str, Contender] = {"whence": whence_step}
    if torch is not None:
        their_model, their_loss = theirs()
        optimizer = torch.optim.Adam(their_model.parameters(), lr=1e-3)

        def torch_step() -> Any:
            value = their_loss(their_model)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            return value

        contenders["torch"] = torch_step
    return Row(title, contenders, {"torch": promise}, rounds, seconds)


def mlp(title: str, sizes: tuple[int, ...], batch: int, promise: float, seconds: float) -> Row:
    """A multilayer perceptron and cross-entropy."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, sizes[0])).astype(np.float32)
    t = rng.integers(0, sizes[-1], batch)

    def layers(linear: Any, relu: Any) -> list[Any]:
        parts = [part for a, b in itertools.pairwise(sizes) for part in (linear(a, b), relu())]
        return parts[:-1]

    def theirs() -> Any:
        tx, tt = torch.tensor(x), torch.tensor(t)
        model = torch.nn.Sequential(*layers(torch.nn.Linear, torch.nn.ReLU))
        return model, lambda m: torch.nn.functional.cross_entropy(m(tx), tt)

    model = nn.Sequential(*layers(nn.Linear, nn.ReLU))
    return steps(title, (model, lambda m: F.cross_entropy(m(x), t)), theirs, promise, seconds)


def cnn(title: str) -> Row:
    """Two convolutions, pooling, two linear layers."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 1, 28, 28)).astype(np.float32)
    t = rng.integers(0, 10, 64)

    def layers(n: Any) -> list[Any]:
        return [
            n.Conv2d(1, 32, 3), n.ReLU(), n.Conv2d(32, 64, 3), n.ReLU(), n.MaxPool2d(2), n.Flatten(),
            n.Linear(64 * 12 * 12, 128), n.ReLU(), n.Linear(128, 10),
        ]  # fmt: skip

    def theirs() -> Any:
        tx, tt = torch.tensor(x), torch.tensor(t)
        return torch.nn.Sequential(*layers(torch.nn)), lambda m: torch.nn.functional.cross_entropy(m(tx), tt)

    model = nn.Sequential(*layers(nn))
    return steps(title, (model, lambda m: F.cross_entropy(m(x), t)), theirs, 1.0, 0.3, 11)


def lstm(title: str) -> Row:
    """An LSTM of 100 units over 30 steps, and a linear layer."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 30, 1)).astype(np.float32)
    t = rng.normal(size=(30, 30, 1)).astype(np.float32)

    class Ours(nn.Module):
        def __init__(self) -> None:
            self.lstm, self.head = nn.LSTM(1, 100, batch_first=True), nn.Linear(100, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0])

    def theirs() -> Any:
        class Theirs(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.lstm, self.head = torch.nn.LSTM(1, 100, batch_first=True), torch.nn.Linear(100, 1)

            def forward(self, x: Any) -> Any:
                return self.head(self.lstm(x)[0])

        tx, tt = torch.tensor(x), torch.tensor(t)
        return Theirs(), lambda m: torch.nn.functional.mse_loss(m(tx), tt)

    return steps(title, (Ours(), lambda m: F.mse_loss(m(x), t)), theirs, 1 / 1.5, 0.05)


def torch_gpt(vocabulary: int, context: int, layers: int, heads: int, width: int) -> Any:
    """The same GPT as :mod:`whence.nn.models.gpt`, of PyTorch's own layers, as its users write one."""

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1 = torch.nn.LayerNorm(width)
            self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
            self.norm2 = torch.nn.LayerNorm(width)
            self.up, self.down = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            b, t, _ = x.shape
            q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            a = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(a.transpose(1, 2).reshape(b, t, width))
            return x + self.down(torch.nn.functional.gelu(self.up(self.norm2(x))))

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = torch.nn.Embedding(vocabulary, width)
            self.positions = torch.nn.Embedding(context, width)
            self.blocks = torch.nn.Sequential(*[Block() for _ in range(layers)])
            self.norm, self.head = torch.nn.LayerNorm(width), torch.nn.Linear(width, vocabulary, bias=False)

        def forward(self, indices: Any) -> Any:
            x = self.tokens(indices) + self.positions(torch.arange(indices.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    return Model()


def gpt(title: str, vocabulary: int = 65, context: int = 64, batch: int = 16) -> Row:
    """A small GPT over characters."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, vocabulary, (batch, context + 1))
    x, t = tokens[:, :-1], tokens[:, 1:]

    def theirs() -> Any:
        tx, tt = torch.tensor(x), torch.tensor(t).reshape(-1)
        model = torch_gpt(vocabulary, context, 4, 4, 128)
        return model, lambda m: torch.nn.functional.cross_entropy(m(tx).view(-1, vocabulary), tt)

    model = GPT(vocabulary, context, layers=4, heads=4, width=128)

    def loss(m: Any) -> Any:
        return F.cross_entropy(np.reshape(m(x), (-1, vocabulary)), t.reshape(-1))

    return steps(title, (model, loss), theirs, 1.3, 0.3, 11)


def rows() -> dict[str, Callable[[str], Row]]:
    """All rows of this file by title."""
    return {
        "training step: MLP 2-32-32-3, batch 30, Adam": lambda t: mlp(t, (2, 32, 32, 3), 30, 0.5, 0.02),
        "training step: MLP 784-1000-1000-10, batch 100, Adam": lambda t: mlp(
            t, (784, 1000, 1000, 10), 100, 1.0, 0.2
        ),
        "training step: CNN 1→32→64, pool, 128, 10, batch 64, Adam": cnn,
        "training step: LSTM, hidden 100, 30 steps, batch 30, Adam": lstm,
        "training step: GPT, 4 layers, width 128, T 64, batch 16, Adam": gpt,
    }
