"""Real programs that depend on autograd: their own tests, with autograd and with whence in its place.

``make programs`` makes an environment, fetches the programs' sources as they are published, runs the tests
of each both ways and prints a table. A program passes if no test fails with whence that passes with
autograd.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

HOUSE = Path(__file__).resolve().parents[1]


class Program(NamedTuple):
    """A program: where its tests are, and how they are chosen."""

    name: str
    version: str
    tests: tuple[str, ...]
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()  # tests of what docs/migration.md says is otherwise, or of internals


PROGRAMS = [
    Program(
        "autograd",
        "1.9.1",
        ("tests",),
        differs=(
            "test_logic",  # imports its table of rules
            "test_pinv",  # calls np.linalg._dot
            "test_wrapped_name_and_docs",
            "test_const_graph",
            "test_rfftn_odd_not_implemented",  # whence has it
            "test_assignment_raises_error",  # whence records it
        ),
    ),
    Program(
        "pymanopt",
        "2.2.1",
        (
            "tests/backends/test_autograd.py",
            "tests/manifolds",
            "tests/optimizers",
            "tests/test_multi_tools.py",
        ),
        ("--noconftest",),  # it imports every backend
    ),
    Program(
        "lifelines",
        "0.30.3",
        ("lifelines/tests/test_estimation.py", "lifelines/tests/test_statistics.py", "lifelines/tests/utils"),
        needs=("autograd-gamma==0.5.0", "dill", "flaky", "jinja2", "psutil", "statsmodels"),
    ),
    Program("surpyval", "0.25", ("surpyval/tests/univariate",)),
]


class Outcome(NamedTuple):
    """How the tests of a program went."""

    passed: set[str]
    failed: set[str]
    skipped: int
    seconds: float


def prepared(folder: Path, program: Program, python: str) -> Path:
    """The unpacked sources of a program, its requirements installed."""
    wanted = [f"{program.name}=={program.version}", *program.needs]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", *wanted], check=True)
    pattern = f"{program.name.replace('-', '?')}-{program.version}.tar.gz"
    if not list(folder.glob(pattern)):
        only = ["--no-deps", "--no-binary", program.name, "--dest", str(folder)]
        subprocess.run([*pip, "download", *only, wanted[0]], check=True)
    (archive,) = folder.glob(pattern)
    source = folder / archive.name.removesuffix(".tar.gz")
    if not source.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return source


def tested(program: Program, source: Path, python: str, mapped: bool, minutes: float) -> Outcome:
    """Run the tests, with ``autograd`` mapped to whence or not."""
    report = source.parent / f"{source.name}-{'whence' if mapped else 'autograd'}.xml"
    report.unlink(missing_ok=True)
    start = ["-m", "whence.compat", "autograd"] if mapped else []
    chosen = ["-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    chosen += ["-o", "addopts=", "-o", "required_plugins="]  # coverage and the like
    command = [python, *start, *chosen, "--continue-on-collection-errors", *program.options, *program.tests]
    log = report.with_suffix(".log")
    try:
        with log.open("w") as out:
            subprocess.run(command, cwd=source, stdout=out, stderr=out, check=False, timeout=60 * minutes)
    except subprocess.TimeoutExpired:
        return Outcome(set(), {f"not done after {minutes:g} minutes"}, 0, 60 * minutes)
    return read(report)


def read(report: Path) -> Outcome:
    """What pytest wrote down."""
    if not report.exists():
        return Outcome(set(), {f"pytest did not run; see {report.with_suffix('.log')}"}, 0, 0.0)
    passed, failed, skipped, seconds = set(), set(), 0, 0.0
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        kinds = {child.tag for child in case}
        seconds += float(case.get("time") or 0)
        if kinds & {"failure", "error"}:
            failed.add(name)
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed.add(name)
    return Outcome(passed, failed, skipped, seconds)


def main(arguments: list[str]) -> int:
    """Run the programs asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", help="names; all if none are given")
    parser.add_argument("--folder", type=Path, default=HOUSE / ".programs")
    parser.add_argument("--minutes", type=float, default=30.0, help="for each run")
    options = parser.parse_args(arguments)
    options.folder.mkdir(exist_ok=True)
    print(f"{'program':20} {'autograd':>24} {'whence':>24}   worse")
    worse = 0
    for program in PROGRAMS:
        if options.programs and program.name not in options.programs:
            continue
        source = prepared(options.folder, program, sys.executable)
        before, after = (
            tested(program, source, sys.executable, mapped, options.minutes) for mapped in (False, True)
        )
        lost = sorted(
            name
            for name in after.failed - before.failed | before.passed - after.passed
            if not any(part in name for part in program.differs)
        )
        worse += len(lost)
        columns = [f"{len(o.passed)} + {len(o.failed)} failed, {o.seconds:.0f} s" for o in (before, after)]
        print(f"{program.name + ' ' + program.version:20} {columns[0]:>24} {columns[1]:>24}   {len(lost)}")
        for name in lost:
            print(f"    {name}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
