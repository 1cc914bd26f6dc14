"""What stands on other packages: event files, the bar, the report of what was found."""

import io
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from rich.console import Console

import whence
from whence import __main__ as found
from whence import train
from whence.errors import MissingExtraError
from whence.train.bar import Bar
from whence.train.progress import Lines, Silent, reporter

from .test_trainer import TRAIN, VALID, trainer

ROOT = Path(__file__).parents[2]


def test_event_files(tmp_path: Path) -> None:
    trainer().fit(TRAIN, VALID, epochs=2, progress=False, callbacks=[train.TensorBoardLog(tmp_path / "runs")])
    events = b"".join(file.read_bytes() for file in (tmp_path / "runs").iterdir())
    assert {b"loss/train", b"loss/valid", b"accuracy/valid", b"lr/train"} <= set(
        re.findall(rb"[a-z]+/[a-z]+", events)
    )


def test_a_bar_on_a_terminal() -> None:
    text = io.StringIO()
    bar = Bar(Console(file=text, force_terminal=True, width=100, highlight=False, color_system=None))
    bar.begin(10, 2)
    bar.epoch_begin(3, 8, 4)
    bar.batch(0.25)
    bar.progress.refresh()
    bar.note("a note")
    bar.epoch_end(3, {"loss": 0.125}, 1.0)
    bar.end()
    assert re.search(r"epoch  3/10 +━.* 5/8 +loss 0\.2500", text.getvalue())
    assert re.search(r"a note *\n.*epoch  3/10   loss 0\.1250   1\.0 s", text.getvalue(), re.DOTALL)


def test_the_bar_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(reporter(None)) is type(reporter(True)) is Lines
    assert type(reporter(False)) is Silent
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert type(reporter(None)) is Bar


@pytest.mark.parametrize(
    ("package", "name", "extra"),
    [("tensorboardX", "TensorBoardLog", "tensorboard"), ("sklearn", "WhenceClassifier", "train")],
)
def test_a_missing_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, package: str, name: str, extra: str
) -> None:
    for module in list(sys.modules):
        if re.match(rf"{package}(\.|$)|whence\.(train\.(tensorboard|estimators)|data\.scikit)$", module):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "whence\[{extra}\]"'):
        getattr(train, name)


def test_training_needs_no_extra() -> None:
    extras = ["matplotlib", "rich", "sklearn", "tensorboardX", "safetensors"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({extras}));"
        "import numpy as np; from whence import nn, optim, train; from whence.nn import functional as F;"
        "model = nn.Linear(2, 1); x = np.ones((8, 2), np.float32);"
        "fit = train.Trainer(model, optim.SGD(model.parameters(), lr=0.1), F.mse_loss).fit;"
        "fit((x, x[:, :1]), epochs=1)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.startswith("epoch 1/1   loss "), result.stderr


def test_what_was_found() -> None:
    result = subprocess.run([sys.executable, "-m", "whence"], cwd=ROOT, capture_output=True, check=True)
    text = result.stdout.decode()
    assert re.search(rf"^whence +{re.escape(whence.__version__)}$", text, re.MULTILINE)
    assert re.search(r"^BLAS +\S+", text, re.MULTILINE)
    assert re.search(r"^✓ matplotlib +pictures +[\d.]+$", text, re.MULTILINE)


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "EXTRAS", (found.Extra("no_such", "no-such", "train", "nothing"),))
    assert found.report().endswith(
        '✗ no-such        nothing                        pip install "whence[train]"'
    )


def test_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in found.EXTRAS:
        packages = [re.split(r"[\[>=<]", line)[0] for line in project["optional-dependencies"][extra.extra]]
        assert extra.package in packages
