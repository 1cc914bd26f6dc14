"""What a model does when it is not being trained: measured, and used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..config import no_grad
from ..core.variable import Variable
from ..errors import DataError
from ..nn.module import Module
from .metrics import Metric, Tally
from .step import parts_of, scalar, size_of


def measured(
    modules: Iterable[Module],
    compute: Callable[[tuple[Any, ...], Any], tuple[Any, Any]],
    metrics: Iterable[Metric],
    loader: Iterable[Any],
) -> dict[str, float]:
    """Loss and metrics over all batches of a loader, with the modules in ``eval`` mode."""
    tally, total, samples = Tally(metrics), 0.0, 0
    with evaluating(modules):
        for batch in loader:
            inputs, target = parts_of(batch)
            output, loss = compute(inputs, target)
            size = size_of(inputs)
            tally.add(output, target)
            total += scalar(loss) * size
            samples += size
    if not samples:
        raise DataError("the loader gave no batch\n  → is a batch larger than the data, with drop_last?")
    return {"loss": total / samples, **tally.figures()}


def outputs(model: Module, batches: Iterable[tuple[Any, ...]]) -> Any:
    """The model's outputs for batches of inputs, in one array; in a tuple of them where it gives tuples."""
    with evaluating([model]):
        found = [model(*inputs) for inputs in batches]
    if not found:
        raise DataError("there is nothing to predict: the loader gave no batch")
    if isinstance(found[0], tuple):
        return tuple(np.concatenate([_plain(y) for y in part]) for part in zip(*found, strict=True))
    return np.concatenate([_plain(y) for y in found])


@contextmanager
def evaluating(modules: Iterable[Module]) -> Iterator[None]:
    """A block in which modules are in ``eval`` mode and nothing is recorded."""
    before = [(module, module.training) for top in modules for module in top.modules()]
    for module, _ in before:
        module.training = False
    try:
        with no_grad():
            yield
    finally:
        for module, mode in before:
            module.training = mode


def _plain(y: Any) -> np.ndarray:
    return np.asarray(y._data if isinstance(y, Variable) else y)
