"""``make bench``: every row in one run, a table on the terminal and in ``benchmarks/RESULTS.md``.

``python -m benchmarks.run [word ...]`` runs only the rows whose title has one of the words, and puts
them in the place of the older ones.
"""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
import statistics
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from . import compiled, compiled_science, eager, growth, layers, memory, networks, science
from .harness import Result, measure, paired
from .peers import versions

RESULTS = pathlib.Path(__file__).with_name("RESULTS.md")
IMPORTS = {
    "whence": "import whence",
    "numpy + scipy.special": "import numpy, scipy.special",
    "torch": "import torch",
    "jax": "import jax",
}


def import_seconds(rounds: int = 15) -> dict[str, list[float]]:
    """Times of each import in fresh processes, interleaved."""
    # With byte code on disk, as an installed package has it; the first round writes it.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for round_number in range(rounds + 1):
        for name, statement in IMPORTS.items():
            code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, env=environment
            )
            if done.returncode == 0 and round_number:
                times[name].append(float(done.stdout))
    return {name: ts for name, ts in times.items() if len(ts) == rounds}


def pretty(seconds: float) -> str:
    """A duration in the unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def machine() -> str:
    """Processor, cores, system, Python."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def row_lines(result: Result) -> list[tuple[str, str, str, str]]:
    """One line for each contender: name, median, ratio, promise."""
    lines = []
    for name, median in result.medians.items():
        promise = result.row.promises.get(name)
        ratio = "" if name == result.ours else f"{result.ratio(name):.2f}"
        kept = ""
        if promise is not None:
            kept = f"≤ {promise:.2f} {'✓' if result.ratio(name) <= promise else '✗'}"
        lines.append((name, pretty(median), ratio, kept))
    return lines


def main(words: list[str]) -> int:
    """Run the rows, print them and write the results."""
    console = Console()
    sections: dict[str, str] = {}

    def show(title: str, heads: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
        table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2))
        for i, head in enumerate(heads):
            table.add_column(head, justify="left" if i == 0 else "right")
        for line in lines:
            table.add_row(*line)
        console.print(table, "")
        rule = "|---|" + "---:|" * (len(heads) - 1)
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        sections[title] = f"### {title}\n\n| {' | '.join(heads)} |\n{rule}\n{body}\n"

    def chosen(title: str) -> bool:
        return not words or any(word in title for word in words)

    heads = ("", "median", "whence / this", "promised")
    for row in eager.rows():
        if chosen(row.title):
            show(row.title, heads, list(row_lines(measure(row))))
    rooms = (science, networks, layers, compiled, compiled_science)
    for title, made in (pair for room in rooms for pair in room.rows().items()):
        if chosen(title):
            show(title, heads, list(row_lines(measure(made(title)))))
    if chosen("cost per op"):
        per_op = growth.in_fresh_process()
        first = next(iter(per_op.values()))
        lines = [(f"{n:,} ops", pretty(t), f"{t / first:.2f}") for n, t in per_op.items()]
        show("cost per op, forward and backward, scalar chain", ("", "per op", "of the first"), list(lines))
    if chosen("import"):
        seconds = import_seconds()
        ours = seconds["whence"]
        lines2 = [
            (
                n,
                pretty(statistics.median(ts)),
                "" if n == "whence" else f"{statistics.median(paired(ours, ts)):.2f}",
            )
            for n, ts in seconds.items()
        ]
        show("import", ("", "median", "whence / this"), list(lines2))
    if chosen("memory"):
        found = memory.findings()
        lines3 = [
            (f.title, f"{f.value:.2f} {f.unit}", f"≤ {f.promise:g} {'✓' if f.value <= f.promise else '✗'}")
            for f in found
        ]
        show("memory", ("", "measured", "promised"), list(lines3))
    RESULTS.write_text(report(older() | sections if words else sections), encoding="utf-8")
    console.print(f"written to {RESULTS}")
    return 0


def older() -> dict[str, str]:
    """The sections that RESULTS.md has, by title."""
    parts = RESULTS.read_text(encoding="utf-8").split("### ")[1:]
    return {part.partition("\n")[0]: f"### {part.rstrip()}\n" for part in parts}


def report(sections: dict[str, str]) -> str:
    """The text of RESULTS.md."""
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    return (
        "# Results of `make bench`\n\n"
        f"{datetime.date.today()}, {machine()}; {packages}.\n\n"
        "Contenders of a row run interleaved in one process; figures are medians, ratios "
        "medians of pairs. Ratios compare "
        "within a row of one run; absolute times of different runs do not compare. "
        "A ratio below 1 means that whence is faster.\n\n" + "\n".join(sections.values())
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
