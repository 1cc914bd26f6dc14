"""A training that may be killed at any moment; run as a program, it is killed again and again.

``python -m tests.train.victim FOLDER SEED``: lives one after another train on, each killed by SIGKILL at
a random moment, until that has happened KILLS times; the last may finish. It prints how far each one came.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import whence
from whence import nn, optim
from whence.data import DataLoader, TensorDataset
from whence.nn import functional as F
from whence.random import Stream
from whence.train import EarlyStopping, Trainer

#: How often the training of the story is killed; more often by WHENCE_KILLS=50.
KILLS = int(os.environ.get("WHENCE_KILLS", "10"))
EPOCHS, BATCHES, SIZE = 8 + KILLS // 2, 10, 8
STEPS = EPOCHS * BATCHES


class Net(nn.Module):
    """Dropout from the default stream and from one of its own, and running statistics."""

    def __init__(self) -> None:
        self.first = nn.Linear(None, 12)
        self.second = nn.Linear(12, 3)
        self.drop, self.own = nn.Dropout(0.3), nn.Dropout(0.1, stream=Stream(5))
        self.mean = nn.Buffer(np.zeros(12, np.float32))

    def forward(self, x: Any) -> Any:
        h = self.drop(np.tanh(self.first(x)))
        if self.training:
            self.mean.assign(np.float32(0.9) * self.mean._data + np.float32(0.1) * h._data.mean(0))
        return self.second(self.own(h - self.mean))


def trainer() -> Trainer:
    """The training, as a script builds it at every start."""
    whence.random.seed(1)
    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = optim.schedule.CosineAnnealingLR(optimizer, STEPS)
    return Trainer(
        model, optimizer, F.cross_entropy, ["accuracy", "f1"], schedule, schedule_by="step", clip_norm=1.0
    )


def data() -> tuple[Any, Any]:
    """A loader that shuffles, and data to validate on."""
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(SIZE * BATCHES - 3, 5)).astype(np.float32)
    t = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    loader = DataLoader(TensorDataset(x, t), batch_size=SIZE, shuffle=True, seed=3)
    return loader, (x[:20], t[:20])


def train(folder: Path | None, every: int | None = None, **options: Any) -> dict[str, Any]:
    """Train to the end, from wherever the folder stopped; everything that there is in the end."""
    run = trainer()
    loader, valid = data()
    options |= {"checkpoint": folder, "checkpoint_every": every, "progress": False}
    run.fit(loader, valid, EPOCHS, early_stopping=EarlyStopping(EPOCHS), **options)
    return run.state_dict(loader)


def newest(folder: Path) -> int:
    """The step of the newest checkpoint."""
    return max((int(file.stem) for file in folder.glob("*.whence")), default=0)


def _lives(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def life(folder: Path, moments: random.Random | None) -> bool:
    """Train in a process of its own, killed at a random moment a few steps on; was it?"""
    started = newest(folder)
    child = os.fork()
    if child == 0:
        train(folder, every=1)
        os._exit(0)
    if moments is not None:
        steps = moments.randint(0, STEPS // KILLS // 2)
        while newest(folder) < started + steps and _lives(child):
            time.sleep(0.001)
        time.sleep(moments.uniform(0.0, 0.005))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def main() -> None:
    """Lives until enough were killed."""
    folder, moments = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    checkpoints = folder / "checkpoints"
    for i in range(KILLS):
        assert life(checkpoints, moments), f"life {i} came to its end"
        sys.stdout.write(f"killed at step {newest(checkpoints)}\n")
    life(checkpoints, None)
    whence.save(folder / "end.whence", train(checkpoints))


if __name__ == "__main__":
    main()
