"""A training that is killed at random moments ends as one that never was: equal bit for bit."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import whence
from whence import nn, optim
from whence.errors import StateError, WhenceError
from whence.nn import functional as F
from whence.train import CheckpointWarning, Trainer

from . import victim

ROOT = Path(__file__).parents[2]


def saved(state: Any, path: Path) -> bytes:
    """What a state is, to the bit."""
    whence.save(path, state)
    return path.read_bytes()


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The end of a training that saved nothing and was never killed."""
    return saved(victim.train(None), tmp_path_factory.mktemp("unharmed") / "end.whence")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes that it forks")
def test_a_training_killed_again_and_again_ends_as_if_it_never_was(unharmed: bytes, tmp_path: Path) -> None:
    """Dropout, shuffling, momentum, a schedule, running statistics, early stopping; saved at every step.

    Most of the time is spent in writing, so most kills come in the middle of it.
    """
    command = [sys.executable, "-m", "tests.train.victim", str(tmp_path), "0"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "end.whence").read_bytes() == unharmed
    steps = re.findall(r"killed at step (\d+)", result.stdout)
    assert len(steps) == victim.KILLS
    assert len(set(steps)) > victim.KILLS / 3, result.stdout
    assert sorted(os.listdir(tmp_path / "checkpoints"))[-1] == f"{victim.STEPS:010d}.whence"
    assert not list((tmp_path / "checkpoints").glob("*.damaged"))


class Stopped(Exception):
    """Where the training is broken off."""


@pytest.mark.parametrize("where", [1, 2, 9, 10, 11, 35])
def test_resumed_after_any_step(unharmed: bytes, tmp_path: Path, where: int) -> None:
    """In the middle of an epoch, at its last step, after it."""

    class Stop(whence.train.Callback):
        def on_step_end(self, trainer: Any, loss: float) -> None:
            if trainer.step == where + 1:
                raise Stopped

    with pytest.raises(Stopped):
        victim.train(tmp_path / "run", every=1, callbacks=[Stop()])
    assert (tmp_path / "run" / f"{where:010d}.whence").exists()
    assert len(list((tmp_path / "run").iterdir())) <= 3
    whence.random.default.normal(5)
    state = victim.train(tmp_path / "run")
    assert saved(state, tmp_path / "end.whence") == unharmed


def test_a_run_that_is_done_has_nothing_to_do(unharmed: bytes, tmp_path: Path) -> None:
    victim.train(tmp_path / "run")
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "run").iterdir()}
    assert saved(victim.train(tmp_path / "run"), tmp_path / "end.whence") == unharmed
    assert files == {file: file.stat().st_mtime_ns for file in (tmp_path / "run").iterdir()}


# --- damage --------------------------------------------------------------------------------------


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def changed(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


@pytest.mark.parametrize("harm", [cut, changed, lambda content: b""], ids=["cut", "changed", "empty"])
def test_a_damaged_checkpoint_is_passed_over(unharmed: bytes, tmp_path: Path, harm: Any) -> None:
    victim.train(tmp_path / "run")
    newest = sorted((tmp_path / "run").iterdir())[-1]
    newest.write_bytes(harm(newest.read_bytes()))
    with pytest.warns(
        CheckpointWarning, match=rf"{newest.name}.*set aside as {newest.name}.damaged, and the chec"
    ):
        state = victim.train(tmp_path / "run")
    assert saved(state, tmp_path / "end.whence") == unharmed


def test_all_damaged(tmp_path: Path) -> None:
    victim.train(tmp_path / "run")
    for file in (tmp_path / "run").iterdir():
        file.write_bytes(b"")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        with pytest.raises(StateError, match=r"all 3 checkpoints in .*run are damaged"):
            victim.train(tmp_path / "run")


# --- another model -------------------------------------------------------------------------------


def other_model() -> Any:
    model = nn.Sequential(nn.Linear(5, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = optim.schedule.CosineAnnealingLR(optimizer, 10)
    return Trainer(model, optimizer, F.cross_entropy, schedule=schedule, schedule_by="step")


def other_optimizer() -> Any:
    model = victim.Net()
    optimizer = optim.Adam(model.parameters())
    schedule = optim.schedule.CosineAnnealingLR(optimizer, 10)
    return Trainer(model, optimizer, F.cross_entropy, schedule=schedule, schedule_by="step")


def no_schedule() -> Any:
    model = victim.Net()
    return Trainer(model, optim.SGD(model.parameters(), lr=0.1, momentum=0.9), F.cross_entropy)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (other_model, r"(?s)does not fit Sequential.*missing: 0.weight, 0.bias.*extra: first.weight"),
        (other_optimizer, r"(?s)does not fit Adam.*SGD"),
        (no_schedule, "this training has no schedule, the saved one had a schedule"),
    ],
)
@pytest.mark.parametrize("lazy", [True, False])
def test_a_checkpoint_of_another_training_is_refused_whole(
    tmp_path: Path, build: Any, message: str, lazy: bool
) -> None:
    victim.train(tmp_path / "run")
    run = build()
    loader, _ = victim.data()
    if not lazy:
        run.model(np.ones((1, 5), np.float32))
    before = [None if p._data is None else p._data.copy() for p in run.model.parameters()]
    random, files = whence.random.default.state, sorted((tmp_path / "run").iterdir())
    with pytest.raises(StateError, match=message):
        run.fit(loader, epochs=2, checkpoint=tmp_path / "run", progress=False)
    for p, data in zip(run.model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p._data, data)
    assert whence.random.default.state == random
    assert (run.step, run.history) == (0, {})
    assert sorted((tmp_path / "run").iterdir()) == files


def test_settings_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    loader, _ = victim.data()
    with pytest.raises(WhenceError, match=r"(?s)is a file.*names a folder"):
        victim.trainer().fit(loader, checkpoint=tmp_path / "file", progress=False)
    with pytest.raises(WhenceError, match="keep=0"):
        victim.trainer().fit(loader, checkpoint=tmp_path / "run", keep=0, progress=False)


def test_by_time_too(tmp_path: Path) -> None:
    loader, _ = victim.data()
    victim.trainer().fit(
        loader, epochs=1, checkpoint=tmp_path, checkpoint_seconds=0.0, keep=100, progress=False
    )
    assert len(list(tmp_path.iterdir())) == 10
