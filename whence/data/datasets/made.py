"""Data sets that are computed: a spiral of three arms, a noisy sine."""

from __future__ import annotations

import numpy as np

from ...random import Stream
from ..dataset import TensorDataset


class Spiral(TensorDataset):
    """Points of three arms of a spiral: x (float32, (300, 2)), labels (int64, (300,)), in random order.

    >>> Spiral(seed=0).arrays[0].shape
    (300, 2)
    """

    def __init__(self, train: bool = True, seed: int = 0, points: int = 100, classes: int = 3) -> None:
        stream = Stream(seed).split("spiral", "train" if train else "test")
        label = np.repeat(np.arange(classes), points)
        radius = np.tile(np.arange(points) / points, classes)
        angle = 4.0 * label + 4.0 * radius + stream.normal(label.size, std=0.2)
        x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1).astype(np.float32)
        order = stream.permutation(label.size)
        super().__init__(x[order], label[order].astype(np.int64))


class SinCurve(TensorDataset):
    """One value of a curve and the next: two periods of a sine with noise to train on, of a cosine to test.

    x, t: (float32, (999, 1)).

    >>> [part.shape for part in SinCurve().arrays]
    [(999, 1), (999, 1)]
    """

    def __init__(self, train: bool = True, seed: int = 0, points: int = 1000) -> None:
        angle = np.linspace(0, 4 * np.pi, points)
        noise = Stream(seed).split("curve").uniform(points, -0.05, 0.05)
        y = (np.sin(angle) + noise if train else np.cos(angle)).astype(np.float32)[:, None]
        super().__init__(y[:-1], y[1:])
