"""Timing side by side: every contender in turn, round after round, in one process.

Machines drift. So the contenders of a row run interleaved, A B C A B C ..., and what is compared is
the median over the rounds and the ratios between them.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Contender = Callable[[], object]


@dataclass
class Row:
    """One workload: its contenders (ours first) and the ratios that are promised."""

    title: str
    contenders: dict[str, Contender]
    promises: dict[str, float] = field(default_factory=dict)  # contender -> ours may take at most
    rounds: int = 21
    seconds: float = 0.02  # that one contender may take in one round
    note: str = ""


@dataclass
class Result:
    """Median and 20th percentile of each contender, in seconds."""

    row: Row
    medians: dict[str, float]
    fast: dict[str, float]

    @property
    def ours(self) -> str:
        """The contender that ratios are taken of."""
        return next(iter(self.medians))

    def ratio(self, other: str) -> float:
        """Ours over the other's: below 1 we are faster."""
        return self.medians[self.ours] / self.medians[other]


def measure(row: Row) -> Result:
    """Time the contenders of a row, interleaved."""
    repeats = {name: _repeats(run, row.seconds) for name, run in row.contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in row.contenders}
    for _ in range(row.rounds):
        for name, run in row.contenders.items():
            gc.collect()
            times[name].append(_time(run, repeats[name]))
    medians = {name: statistics.median(ts) for name, ts in times.items()}
    fast = {name: sorted(ts)[len(ts) // 5] for name, ts in times.items()}
    return Result(row, medians, fast)


def _time(run: Contender, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def _repeats(run: Contender, seconds: float) -> int:
    run()
    run()
    once = max(_time(run, 1), 1e-7)
    return max(1, int(seconds / once))
