"""Scripts in the style of DeZero's book print what DeZero prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import whence

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))
NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d*(?:e[+-]?\d+)?")

#: Scripts whose layers are float32; the others are compared to 1e-10.
SINGLE = {"images", "regression", "series", "spiral"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_prints_what_dezero_prints(script: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(whence.__file__).parents[1]))
    command = [sys.executable, "-m", "whence.compat", "dezero", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    expected = script.with_suffix(".txt").read_text()

    def words(text: str) -> str:
        return "".join(NUMBER.sub("NUMBER", text).split())

    assert words(done.stdout) == words(expected), done.stdout
    tolerance = 1e-5 if script.stem in SINGLE else 1e-10
    np.testing.assert_allclose(
        [float(x) for x in NUMBER.findall(done.stdout)],
        [float(x) for x in NUMBER.findall(expected)],
        rtol=tolerance,
        atol=tolerance,
    )
