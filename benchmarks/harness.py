"""Timing side by side: every contender in turn, round after round, in one process.

Machines drift. So the contenders of a row run interleaved, A B C A B C ..., in short turns, and the
ratio of two of them is the median of the ratios of turns that stood side by side.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Contender = Callable[[], object]
PATIENCE = 15.0  # seconds after which a slow contender sits out the remaining rounds


@dataclass
class Row:
    """One workload: its contenders (ours first) and the ratios that are promised."""

    title: str
    contenders: dict[str, Contender]
    promises: dict[str, float] = field(default_factory=dict)  # contender -> ours may take at most
    rounds: int = 61
    seconds: float = 0.006  # that one contender may take in one round


@dataclass
class Result:
    """Seconds that each contender took, round by round."""

    row: Row
    times: dict[str, list[float]]

    @property
    def medians(self) -> dict[str, float]:
        """Median of each contender."""
        return {name: statistics.median(ts) for name, ts in self.times.items()}

    @property
    def ours(self) -> str:
        """The contender that ratios are taken of."""
        return next(iter(self.times))

    def ratio(self, other: str) -> float:
        """Ours over the other's, pair by pair: below 1 we are faster."""
        return statistics.median(paired(self.times[self.ours], self.times[other]))


def paired(ours: list[float], others: list[float]) -> list[float]:
    """Ratios of the times of each round in which both took part."""
    return [a / b for a, b in zip(ours, others, strict=False)]


def measure(row: Row) -> Result:
    """Time the contenders of a row, interleaved."""
    repeats = {name: _repeats(run, row.seconds) for name, run in row.contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in row.contenders}
    for _ in range(row.rounds):
        gc.collect()
        for name, run in row.contenders.items():
            spent = sum(times[name])
            if spent > PATIENCE:
                continue
            if spent < PATIENCE / 10:
                run()  # the caches are warm again
            times[name].append(_time(run, repeats[name]))
    return Result(row, times)


def _time(run: Contender, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def _repeats(run: Contender, seconds: float) -> int:
    run()
    once = _time(run, 1)
    if once < seconds:
        once = max(_time(run, 1), 1e-7)
    return max(1, int(seconds / once))
