"""Memory: what training leaves behind, and what a backward sweep needs at its peak."""

from __future__ import annotations

import gc
import os
import tracemalloc
from dataclasses import dataclass

import numpy as np

from whence import Variable

STEPS = 10_000
MEGABYTE = 1 << 20


@dataclass
class Finding:
    """One measured figure and what was promised of it."""

    title: str
    value: float
    unit: str
    promise: float


def resident() -> float:
    """Memory of this process that is in RAM, MB (Linux)."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def training_growth(create_graph: bool) -> Finding:
    """Growth of resident memory over 10,000 steps of a small network, collector off."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(32, 8))
    target = np.sin(data.sum(1, keepdims=True))
    weights = [Variable(rng.normal(size=(8, 16)) * 0.3), Variable(rng.normal(size=(16, 1)) * 0.3)]

    def step() -> None:
        x = Variable(data)
        loss = np.mean((np.tanh(x @ weights[0]) @ weights[1] - target) ** 2)
        loss.backward(create_graph=create_graph)
        if create_graph:  # a gradient penalty: the gradient of the input is itself differentiated
            penalty = np.mean(x.grad**2)
            for w in weights:
                w.cleargrad()
            penalty.backward()
        for w in weights:
            w.assign(w.data - 0.01 * w.grad.data)
            w.cleargrad()

    gc.collect()
    gc.disable()
    try:
        for _ in range(STEPS // 10):
            step()
        before = resident()
        for _ in range(STEPS):
            step()
        growth = resident() - before
    finally:
        gc.enable()
    kind = "with create_graph" if create_graph else "first order"
    return Finding(f"{STEPS:,} training steps, {kind}, collector off: growth", growth, "MB", 1.0)


def backward_peak(title: str, op: object, saved: int) -> Finding:
    """Peak of forward and backward over what the chain must save, 100 ops on 8 MB arrays."""
    x = Variable(np.random.default_rng(0).uniform(0.1, 1.0, MEGABYTE))
    array = x.nbytes
    tracemalloc.start()
    try:
        base = tracemalloc.get_traced_memory()[0]
        y = x
        for _ in range(100):
            y = op(y)  # type: ignore[operator]
        total = np.sum(y)
        del y
        tracemalloc.reset_peak()
        total.backward()
        peak = tracemalloc.get_traced_memory()[1] - base
    finally:
        tracemalloc.stop()
    # besides the saved arrays: the gradient that is kept, one coming in and one going out
    return Finding(title, peak / (array * max(saved, 1)), f"of {max(saved, 1)} × 8 MB", 1.1 if saved else 4.0)


def findings() -> list[Finding]:
    """All figures of this file."""
    return [
        training_growth(create_graph=False),
        training_growth(create_graph=True),
        backward_peak("peak of backward: 100 × np.sin (each saves its input)", np.sin, 100),
        backward_peak("peak of backward: 100 × np.tanh (each saves its output)", np.tanh, 100),
        backward_peak("peak of backward: 100 × (y + 1) (nothing to save)", lambda y: y + 1.0, 0),
    ]
