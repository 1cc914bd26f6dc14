"""From numbers of items to a batch: what a loader does, in its own thread or in a worker's."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import pickle
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..core.array import raw
from ..errors import DataError, ShapeError, WorkerError
from ..random import State, Stream
from .dataset import gathers


class Task(NamedTuple):
    """One batch to be made."""

    epoch: int
    indices: Any


class Failure(NamedTuple):
    """An exception on its way out of a worker."""

    exception: BaseException | None  # None where it cannot be carried over
    text: str  # what the worker's traceback says
    where: str


class Fetcher:
    """Items, transformed and put together: a function of epoch and numbers alone, whoever calls it."""

    def __init__(
        self, dataset: Any, collate: Callable | None, transform: Callable | None, key: State
    ) -> None:
        self.dataset, self.collate, self.transform, self.key = dataset, collate, transform, key
        many = transform is None or (hasattr(transform, "many") and not takes_stream(transform))
        self.at_once = collate is None and many and gathers(dataset)

    def __call__(self, task: Task) -> Any:
        """The batch, or the Failure to make it."""
        item: Any = None
        try:
            if self.at_once:
                return self._whole(task)
            items = []
            for item in task.indices:
                items.append(self._item(task.epoch, int(item)))
            item = None
            return collate(items) if self.collate is None else self.collate(items)
        except Exception as error:
            what = f"item {item}" if item is not None else f"the batch of items {_short(task.indices)}"
            return Failure(
                _portable(error), traceback.format_exc(), f"{what} of epoch {task.epoch}{_where()}"
            )

    def _whole(self, task: Task) -> Any:
        batch = self.dataset.batch(task.indices)
        if self.transform is None:
            return batch
        if isinstance(batch, tuple):
            return (self.transform.many(batch[0]), *batch[1:])  # type: ignore[attr-defined]
        return self.transform.many(batch)  # type: ignore[attr-defined]

    def _item(self, epoch: int, i: int) -> Any:
        item = self.dataset[i]
        if self.transform is None:
            return item
        first = item[0] if isinstance(item, tuple) else item
        if takes_stream(self.transform):
            root = Stream()
            root.state = self.key
            first = self.transform(first, root.split("item", epoch, i))
        else:
            first = self.transform(first)
        return (first, *item[1:]) if isinstance(item, tuple) else first


def takes_stream(function: Any) -> bool:
    """Does this transform draw random numbers (has it a parameter named ``stream``)?"""
    declared = getattr(function, "needs_stream", None)
    if declared is not None:
        return bool(declared)
    try:
        return "stream" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a builtin
        return False


def collate(items: list[Any]) -> Any:
    """Items put together: arrays stacked, tuples, lists and dicts field by field, the rest listed.

    >>> collate([(np.zeros(2), 1), (np.ones(2), 0)])
    (array([[0., 0.],
           [1., 1.]]), array([1, 0]))

    Raises:
        ShapeError: arrays of different shapes. DataError: items with different fields.
    """
    first = items[0]
    if isinstance(first, Mapping):
        if any(not isinstance(item, Mapping) or item.keys() != first.keys() for item in items):
            raise DataError(f"the items of a batch have different keys; the first has {list(first)}")
        return {key: collate([item[key] for item in items]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(not isinstance(item, (tuple, list)) or len(item) != len(first) for item in items):
            raise DataError(f"the items of a batch have different fields; the first has {len(first)}")
        fields = [collate(list(field)) for field in zip(*items, strict=True)]
        return type(first)(*fields) if hasattr(first, "_fields") else tuple(fields)
    if isinstance(first, (str, bytes)) or first is None:
        return items
    arrays = [np.asarray(raw(item)) for item in items]
    if any(array.dtype.kind == "O" for array in arrays):
        return items
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise ShapeError(
            f"the items of a batch have different shapes: {sorted(shapes)}\n"
            "  → bring them to one by a transform, or give the loader collate= that pads them"
        )
    return np.stack(arrays)


def delivered(result: Any) -> Any:
    """A batch as the user gets it.

    Raises:
        Exception: what the worker's code raised, with a note that names the item.
    """
    if not isinstance(result, Failure):
        return result
    note = f"while fetching {result.where}:\n{result.text.rstrip()}"
    if result.exception is None or isinstance(result.exception, StopIteration):  # which would end the epoch
        raise WorkerError(note) from result.exception
    result.exception.add_note(note)
    raise result.exception


def _portable(error: Exception) -> Exception | None:
    """The exception, if it can be carried to another process."""
    if _in_worker_process():
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return None
    return error


def _where() -> str:
    """Which worker this is, if it is one."""
    if _in_worker_process():
        return f", in worker process {multiprocessing.current_process().name} (pid {os.getpid()})"
    thread = threading.current_thread()
    return f", in worker thread {thread.name}" if thread.name.startswith(THREADS) else ""


#: What the names of worker threads begin with.
THREADS = "whence.data"
_HOME = os.getpid()
_WORKER = threading.Event()


def _in_worker_process() -> bool:
    return _WORKER.is_set() or os.getpid() != _HOME


def _short(indices: Any) -> str:
    listed = [int(i) for i in indices[:8]]
    return str(listed) if len(indices) <= 8 else f"{str(listed)[:-1]}, ...]"


class _Room:
    fetcher: Fetcher | None = None


def start_worker(fetcher: Fetcher) -> None:
    """What a worker process does first."""
    _Room.fetcher = fetcher
    _WORKER.set()


def fetch_in_worker(task: Task) -> Any:
    """What a worker process does for each batch."""
    assert _Room.fetcher is not None
    return _Room.fetcher(task)
