"""``python -m whence.compat autograd``: somebody's program with its imports unchanged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import whence

PROGRAM = """
import sys
import autograd, autograd.numpy as np, autograd.numpy.random as npr
import autograd.numpy.linalg as la
from autograd import grad, elementwise_grad as egrad
from autograd.extend import primitive, defvjp
from autograd.misc.optimizers import adam
from autograd.test_util import check_grads
from autograd.differential_operators import make_jvp_reversemode
import helper

assert autograd.numpy is np and autograd.__name__ == "whence.compat.autograd"
assert sys.modules["autograd.numpy"].__spec__.name == "whence.compat.autograd.numpy"
assert la.norm is np.linalg.norm
print(grad(lambda x: np.sum(np.tanh(x)) * helper.TWO)(np.zeros(2)), *sys.argv[1:], __name__)
"""


def run(*arguments: str, cwd: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "whence.compat", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "helper.py").write_text("TWO = 2.0")
    monkeypatch.setenv("PYTHONPATH", str(Path(whence.__file__).parents[1]))
    return str(tmp_path)


def test_a_script(folder):
    result = run("autograd", "program.py", "--fast", "3", cwd=folder)
    assert result.stdout.split() == ["[2.", "2.]", "--fast", "3", "__main__"], result.stderr


def test_a_module(folder):
    result = run("autograd", "-m", "program", "a", cwd=folder)
    assert result.stdout.split() == ["[2.", "2.]", "a", "__main__"], result.stderr


def test_a_line_of_code(folder):
    result = run("autograd", "-c", "from autograd import grad; print(grad(lambda x: x * x)(3))", cwd=folder)
    assert result.stdout.split() == ["6.0"], result.stderr


def test_usage(folder):
    for arguments in ([], ["autograd"], ["jax", "program.py"], ["autograd", "-m"]):
        result = run(*arguments, cwd=folder)
        assert result.returncode == 1 and result.stderr.startswith("usage:")


def test_a_module_that_is_not_there_is_missing(folder):
    result = run("autograd", "-c", "import autograd.nowhere", cwd=folder)
    assert "No module named 'autograd.nowhere'" in result.stderr
