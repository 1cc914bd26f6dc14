"""Data sets and functions that worker processes can import."""

import os
import signal
import time
from typing import Any

import numpy as np

from whence.data import Dataset
from whence.random import Stream


class Numbers(Dataset):
    def __init__(self, n: int, bad: int = -1, how: str = "raise", slow: bool = False) -> None:
        self.n, self.bad, self.how, self.slow = n, bad, how, slow

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        if self.slow:
            time.sleep(0.001 * ((7 * i) % 5))  # so that workers finish out of order
        if i == self.bad:
            if self.how == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "strange":
                raise Strange(1, 2)
            if self.how == "stop":
                raise StopIteration
            raise KeyError("no such thing")
        return np.full(2, float(i)), i


class Strange(Exception):
    """An exception that pickle cannot put together again."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__("strange")


def noisy(x: np.ndarray, stream: Stream) -> np.ndarray:
    return x + stream.normal(x.shape)
