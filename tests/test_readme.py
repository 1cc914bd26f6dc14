"""README and docs are executed: every Python block runs, and prints what it says it prints.

A block is checked in two ways: ``print(...)  # text`` must print ``text``; whatever the other
prints leave must be the ``text`` block that follows. ``...`` stands for anything. The blocks of a
file share one namespace; ``<!-- file: name.py -->`` before a block says what file it would be.
"""

import ast
import contextlib
import doctest
import io
import linecache
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
TABLES = {"coverage.md", "migration.md"}  # written and checked by tests of their own
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name not in TABLES),
]

FENCE = re.compile(
    r"(?:^<!-- file: (?P<name>\S+) -->\n+)?"
    r"^```python\n(?P<code>.*?)^```\n"
    r"(?:\n*^```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
COMMENT = re.compile(r"\)\s*#\s?(?P<text>.*)$")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A piece of code in a page, the file it stands for, and what it should leave printed."""

    code: str
    file: str
    output: str | None


def blocks(page: Path) -> list[Block]:
    """The Python blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text[: match.start("code")].count("\n")
        file, code = match["name"], match["code"]
        if file is None:  # line numbers are those of the page itself
            file, code = page.name, "\n" * line + code
        found.append(Block(code, file, match["output"]))
    return found


def same(expected: str, got: str) -> bool:
    """Equal, but for white space and what ``...`` stands for."""
    return doctest.OutputChecker().check_output(expected.strip() + "\n", got.strip() + "\n", FLAGS)


def run(block: Block, namespace: dict[str, Any]) -> int:
    """Execute a block statement by statement; the number of outputs that were compared."""
    lines = block.code.splitlines(keepends=True)
    linecache.cache[block.file] = (len(block.code), None, lines, block.file)
    left, compared = io.StringIO(), 0
    for statement in ast.parse(block.code).body:
        code = compile(ast.Module([statement], []), block.file, "exec")
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, namespace)
        comment = COMMENT.search(lines[(statement.end_lineno or 0) - 1])
        if out.getvalue() and comment:
            assert same(comment["text"], out.getvalue()), (
                f"{block.file}:{statement.lineno} printed {out.getvalue().strip()!r}, "
                f"the page says {comment['text']!r}"
            )
            compared += 1
        else:
            left.write(out.getvalue())
    if block.output is not None or left.getvalue():
        assert block.output is not None, f"{block.file} does not show what was printed:\n{left.getvalue()}"
        assert same(block.output, left.getvalue()), f"{block.file} printed\n{left.getvalue()}"
        compared += 1
    return compared


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_runs_and_prints_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__page__"}
    found = blocks(page)
    compared = sum(run(block, namespace) for block in found)
    assert found, f"{page.name} has no example"
    assert compared, f"{page.name} shows no output"
