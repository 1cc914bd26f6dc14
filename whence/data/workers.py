"""Who makes the batches: the loader's own thread, other threads, or other processes; in order, all alike."""

from __future__ import annotations

import multiprocessing
import pickle
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any

from ..core.origin import called_at
from ..errors import DataError, WorkerError
from .fetch import THREADS, Fetcher, Task, delivered, fetch_in_worker, start_worker


class Crew:
    """The threads or processes of one loader, started at the first batch and kept from epoch to epoch."""

    def __init__(self, fetcher: Fetcher, number: int, kind: Any) -> None:
        self.fetcher, self.number, self.kind = fetcher, number, kind
        self._executor: Executor | None = None
        self._finalizer: Any = None

    def submit(self, task: Task) -> Future[Any]:
        """Have a batch made.

        Raises:
            WorkerError: the processes are broken.
        """
        if self._executor is None:
            self._executor = self._start()
            self._finalizer = weakref.finalize(self, _shut, self._executor)
        try:
            if self.kind == "thread":
                return self._executor.submit(self.fetcher, task)
            return self._executor.submit(fetch_in_worker, task)
        except BrokenProcessPool as error:
            raise self._broken() from error

    def result(self, future: Future[Any]) -> Any:
        """The batch, when it is there."""
        try:
            result = future.result()
        except BrokenProcessPool as error:
            raise self._broken() from error
        return delivered(result)

    def close(self) -> None:
        """End the threads or processes, and wait until they have ended."""
        executor, self._executor = self._executor, None
        if executor is not None:
            self._finalizer.detach()
            executor.shutdown(wait=True, cancel_futures=True)

    def _start(self) -> Executor:
        if self.kind == "thread":
            return ThreadPoolExecutor(self.number, thread_name_prefix=THREADS)
        try:
            pickle.dumps(self.fetcher)
        except Exception as error:
            raise DataError(
                f"the data set, collate or transform cannot be sent to a worker process: "
                f"{error}{called_at()}\n"
                '  → define its class or function at the top of a module (no lambda), or worker="thread"'
            ) from error
        return ProcessPoolExecutor(self.number, _context(self.kind), start_worker, (self.fetcher,))

    def _broken(self) -> WorkerError:
        self.close()  # the next epoch starts new ones
        return WorkerError(
            f"a worker process of the loader died{called_at()}\n"
            "  it was killed (by the system, where memory ran out?), crashed, or could not start\n"
            '  → a script keeps its own code under if __name__ == "__main__":; fewer workers need less '
            "memory; "
            "num_workers=0 shows what an item does"
        )


def _shut(executor: Executor) -> None:
    executor.shutdown(wait=False, cancel_futures=True)


def _context(kind: Any) -> Any:
    """Processes that inherit no threads and locks in an unknown state."""
    if kind != "process":
        return kind
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")


class Batches:
    """One epoch's batches; made ahead by a crew where there is one."""

    def __init__(self, tasks: Iterator[Task], fetcher: Fetcher, crew: Crew | None, ahead: int) -> None:
        self._tasks, self._fetcher, self._crew, self._ahead = tasks, fetcher, crew, max(1, ahead)
        self._waiting: deque[Future[Any]] = deque()

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Any:
        if self._crew is None:
            return delivered(self._fetcher(next(self._tasks)))
        try:
            for task in islice(self._tasks, self._ahead - len(self._waiting)):
                self._waiting.append(self._crew.submit(task))
            if not self._waiting:
                raise StopIteration
            return self._crew.result(self._waiting.popleft())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Make no more batches."""
        self._tasks = iter(())
        for future in self._waiting:
            future.cancel()
        self._waiting.clear()

    def __del__(self) -> None:
        self.close()
