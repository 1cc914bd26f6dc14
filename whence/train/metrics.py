"""Metrics: what is counted in every batch, and the figure that the counts come to.

A metric is two pure functions. ``count(output, target)`` gives sums over a batch, which add up from batch to
batch; ``figure(sums)`` is the metric of everything that was counted. So a metric of many batches is that of
all their samples together, whatever the sizes of the batches.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax

from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import BoundsError, DtypeError, SettingError, ShapeError

Count = Callable[[np.ndarray, np.ndarray], np.ndarray]
Figure = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Metric:
    """A figure of outputs and targets.

    >>> import numpy as np
    >>> accuracy = metric("accuracy")
    >>> sums = accuracy.count(np.array([[0.1, 2.0], [3.0, 0.5], [0.0, 1.0]]), np.array([1, 0, 0]))
    >>> round(accuracy.figure(sums), 3)
    0.667
    """

    name: str
    count: Count  # (output, target) -> float64 sums, whose first is the number of samples
    figure: Figure
    mode: str = "min"  # is less better, or more?


class Tally:
    """The sums of some metrics so far."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = list(metrics)
        self.sums: dict[str, np.ndarray] = {}

    def add(self, output: Any, target: Any) -> None:
        """Count a batch."""
        output, target = _plain(output), _plain(target)
        for m in self.metrics:
            sums = np.asarray(m.count(output, target), np.float64)
            self.sums[m.name] = self.sums[m.name] + sums if m.name in self.sums else sums

    def figures(self) -> dict[str, float]:
        """The metrics of everything that was counted."""
        return {m.name: float(m.figure(self.sums[m.name])) for m in self.metrics if m.name in self.sums}


def metric(wanted: str | Metric | Callable[[Any, Any], float]) -> Metric:
    """The metric of a name (``accuracy``, ``top_5``, ``mse``, ...), or of a function of one's own.

    Args:
        wanted: a name; a :class:`Metric`; or a function ``(output, target) -> float`` that is a mean over the
            batch. Its values are averaged, each with the size of its batch for weight.

    Raises:
        SettingError: there is no metric of that name; it lists those that there are.
    """
    if isinstance(wanted, Metric):
        return wanted
    if callable(wanted):
        return _averaged(wanted)
    if wanted in METRICS:
        return METRICS[wanted]
    top = re.fullmatch(r"top_(\d+)", str(wanted))
    if top:
        return top_k(int(top[1]))
    raise SettingError(
        f"there is no metric {wanted!r}{called_at()}\n"
        f"  → one of {', '.join(METRICS)}, top_3 (any number), or a function (output, target) -> float"
    )


def top_k(k: int) -> Metric:
    """The share of samples whose class is among the ``k`` with the highest scores."""

    def count(output: np.ndarray, target: np.ndarray) -> np.ndarray:
        scores, labels = _classes(output, target, f"top_{k}")
        own = np.take_along_axis(scores, labels[:, None], 1)
        return np.array([len(labels), np.sum(np.sum(scores > own, axis=1) < k)], np.float64)

    return Metric(f"top_{k}", count, _mean, "max")


def _averaged(function: Callable[[Any, Any], float]) -> Metric:
    def count(output: np.ndarray, target: np.ndarray) -> np.ndarray:
        n = len(target)
        return np.array([n, n * float(function(output, target))])

    return Metric(getattr(function, "__name__", type(function).__name__), count, _mean)


# --- what is counted -----------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    return value._data if isinstance(value, Variable) else value


def _classes(output: np.ndarray, target: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores ``(n, classes)`` and labels ``(n,)``; rows whose label is negative (ignored) are left out.

    The classes are axis 1 of ``output``, as in the cross-entropy, or else its last axis. One score to a
    sample means two classes: the second from 0 up.
    """
    output, target = np.asarray(output), np.asarray(target)
    if target.shape == output.shape or (*target.shape, 1) == output.shape:
        scores = output.reshape(-1)
        scores = np.stack([np.zeros_like(scores), scores], axis=1)
    elif output.ndim >= 2 and output.shape[:1] + output.shape[2:] == target.shape:
        scores = np.moveaxis(output, 1, -1).reshape(-1, output.shape[1])
    elif output.shape[:-1] == target.shape:
        scores = output.reshape(-1, output.shape[-1])
    else:
        raise ShapeError(
            f"{name} of output {output.shape} and target {target.shape}{called_at()}\n"
            "  → scores (N, classes) and labels (N,), or one score (N,) and labels of 0 and 1"
        )
    if target.dtype.kind not in "iub" and not (
        target.dtype.kind == "f" and np.all(target == np.rint(target))
    ):
        raise DtypeError(
            f"{name} of targets that are no labels, {target.dtype} of shape {target.shape}{called_at()}\n"
            "  → whole numbers; for shares of classes give their likeliest, t.argmax(axis=1)"
        )
    labels = target.reshape(-1).astype(np.intp)
    kept = labels >= 0
    if labels.size and labels.max() >= scores.shape[1]:
        raise BoundsError(f"{name}: label {labels.max()} among {scores.shape[1]} classes{called_at()}")
    return (scores, labels) if kept.all() else (scores[kept], labels[kept])


def _hits(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    scores, labels = _classes(output, target, "accuracy")
    return np.array([len(labels), np.sum(_likeliest(scores) == labels)], np.float64)


def _likeliest(scores: np.ndarray) -> np.ndarray:
    return np.argmax(scores, axis=1) if len(scores) else np.zeros(0, np.intp)


def _surprise(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    scores, labels = _classes(output, target, "perplexity")
    logs = log_softmax(scores.astype(np.float64), axis=1)
    return np.array([len(labels), -np.sum(logs[np.arange(len(labels)), labels])])


def _confusion(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    """How many samples of each class were found, were claimed, and are there; the number of samples first."""
    scores, labels = _classes(output, target, "f1")
    size, guesses = scores.shape[1], _likeliest(scores)
    found = np.bincount(labels[guesses == labels], minlength=size)
    rows = [found, np.bincount(guesses, minlength=size), np.bincount(labels, minlength=size)]
    return np.concatenate([[len(labels)], *rows]).astype(np.float64)


def _residuals(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    output, target = np.asarray(output), np.asarray(target)
    if output.shape != target.shape and output.shape != (*target.shape, 1):
        raise ShapeError(
            f"output {output.shape} and target {target.shape} have to have one shape{called_at()}"
        )
    return output.reshape(-1).astype(np.float64) - target.reshape(-1)


def _squares(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    r = _residuals(output, target)
    return np.array([r.size, np.sum(r * r)])


def _sizes(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    r = _residuals(output, target)
    return np.array([r.size, np.sum(np.abs(r))])


def _variances(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    r, t = _residuals(output, target), np.asarray(target, np.float64)
    return np.array([r.size, np.sum(r * r), np.sum(t), np.sum(t * t)])


# --- the figures ---------------------------------------------------------------------------------


def _mean(sums: np.ndarray) -> float:
    return float(sums[1] / sums[0]) if sums[0] else math.nan


def _root(sums: np.ndarray) -> float:
    return math.sqrt(_mean(sums)) if sums[0] else math.nan


def _exponential(sums: np.ndarray) -> float:
    mean = _mean(sums)
    return math.exp(mean) if mean < 700 else math.inf


def _determination(sums: np.ndarray) -> float:
    n, residual, total, squares = sums
    spread = squares - total * total / n if n else 0.0
    return float(1 - residual / spread) if spread > 0 else math.nan


def _shares(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Found, claimed and there, of the classes that the metric is about.

    With two classes that is the second, else every class that occurs.
    """
    found, claimed, there = sums[1:].reshape(3, -1)
    if len(found) == 2:
        return found[1:], claimed[1:], there[1:]
    seen = claimed + there > 0
    return found[seen], claimed[seen], there[seen]


def _ratio(above: np.ndarray, below: np.ndarray) -> float:
    """The mean of the quotients, 0 where there is nothing to divide by."""
    return float(np.mean(np.divide(above, below, out=np.zeros_like(above), where=below > 0)))


def _precision(sums: np.ndarray) -> float:
    found, claimed, _ = _shares(sums)
    return _ratio(found, claimed)


def _recall(sums: np.ndarray) -> float:
    found, _, there = _shares(sums)
    return _ratio(found, there)


def _f1(sums: np.ndarray) -> float:
    found, claimed, there = _shares(sums)
    return _ratio(2 * found, claimed + there)


#: The metrics by name. Precision, recall and F1 are those of class 1 where there are two, else the mean over
#: the classes. Perplexity is exp of the mean cross-entropy of logits; labels below 0 are left out.
METRICS = {
    m.name: m
    for m in (
        Metric("accuracy", _hits, _mean, "max"),
        Metric("f1", _confusion, _f1, "max"),
        Metric("mae", _sizes, _mean),
        Metric("mse", _squares, _mean),
        Metric("perplexity", _surprise, _exponential),
        Metric("precision", _confusion, _precision, "max"),
        Metric("r2", _variances, _determination, "max"),
        Metric("recall", _confusion, _recall, "max"),
        Metric("rmse", _squares, _root),
    )
}
