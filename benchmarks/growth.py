"""How the cost per op grows with the length of a chain, in a process that has imported nothing else.

The garbage collector walks through all objects of a process, those of other libraries too, so this row is not
measured beside them. ``python -m benchmarks.growth`` prints seconds per op.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

import numpy as np

from whence import Variable

COUNTS = (100, 1_000, 10_000, 100_000, 1_000_000)


def cost_per_op(counts: tuple[int, ...] = COUNTS) -> dict[int, float]:
    """Seconds per op, forward and backward, of scalar chains of growing length (median of runs)."""
    costs = {}
    for n in counts:
        times = []
        for _ in range(max(5, min(200, 100_000 // n))):
            start = time.perf_counter()
            x = Variable(np.array(0.5))
            y = x
            for _ in range(n // 2):
                y = y * 1.0000001
                y = y + x
            y.backward()
            times.append(time.perf_counter() - start)
        costs[n] = statistics.median(times) / n
    return costs


def in_fresh_process() -> dict[int, float]:
    """The same, measured in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth"], capture_output=True, text=True, check=True
    )
    return {int(n): seconds for n, seconds in json.loads(done.stdout).items()}


if __name__ == "__main__":
    print(json.dumps(cost_per_op()))
