"""DataLoader: batches of a data set, in an order that a seed decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from operator import index
from typing import Any, Self

import numpy as np

from ..core.origin import called_at
from ..errors import BoundsError, DataError, DtypeError, StateError
from ..random import Stream
from .dataset import as_stream
from .fetch import Fetcher, Task
from .workers import Batches, Crew


class DataLoader:
    """Batches of a data set, epoch after epoch: each ``for`` is a new epoch.

    The order of epoch e is ``stream.split("epoch", e).permutation(n)``: a function of seed and epoch alone.
    An item's random transforms draw from a stream of their own, a function of seed, epoch and the item's
    number. So the batches are the same for any number of workers, and a run can go on in the middle of an
    epoch.

    Args:
        dataset: anything with ``len`` and numbered items (:class:`Dataset`), which are tuples, dicts,
            arrays or numbers. One that has ``batch`` is asked once for each batch.
        batch_size: items in a batch; the last one may be smaller.
        shuffle: a new order in each epoch?
        seed: an integer or a stream; None takes a stream from ``whence.random.default``.
        drop_last: leave out a last batch that is smaller?
        num_workers: how many make batches ahead; 0: batches are made when they are asked for.
        worker: "thread" (NumPy's work in parallel; nothing is copied), "process" (for items made by Python
            code: data set, collate and transform are pickled to each), or a ``multiprocessing`` context.
        prefetch: how many batches are made ahead for each worker.
        collate: list of items → batch; None stacks (tuples and dicts field by field).
        transform: what to do with an item's input: its first field, or the item where it is no tuple.
            Called as ``transform(x)``, or ``transform(x, stream)`` where it has a parameter of that name.
        sampler: the numbers of an epoch's items, instead of ``shuffle``: an iterable, iterated anew in each
            epoch (``sampler.set_epoch(e)`` is called first where it exists).
        batch_sampler: the same, of lists of numbers, each a batch.

    Raises:
        DataError: an empty data set, no whole batch with ``drop_last``, sizes that are not positive, or
            ``sampler`` and ``shuffle`` together.
        WorkerError: a worker process died. What an item itself raises comes with a note that names it.

    Example:
        >>> import numpy as np
        >>> from whence.data import DataLoader, TensorDataset
        >>> data = TensorDataset(np.arange(5.0), np.arange(5) % 2)
        >>> loader = DataLoader(data, batch_size=2, shuffle=True, seed=0)
        >>> len(loader), [len(x) for x, t in loader]
        (3, [2, 2, 1])
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        seed: int | Stream | None = None,
        drop_last: bool = False,
        num_workers: int = 0,
        worker: Any = "thread",
        prefetch: int = 2,
        collate: Callable[[list[Any]], Any] | None = None,
        transform: Callable[..., Any] | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Any] | None = None,
    ) -> None:
        self.dataset, self.shuffle, self.drop_last = dataset, shuffle, drop_last
        self.batch_size = _count("batch_size", batch_size, 1)
        self.num_workers = _count("num_workers", num_workers, 0)
        self.prefetch = _count("prefetch", prefetch, 1)
        self.sampler, self.batch_sampler, self.worker = sampler, batch_sampler, worker
        self._check()
        self._stream = as_stream(seed) if seed is not None or shuffle or transform else Stream(0)
        self._collate, self._transform = collate, transform
        self._prepare()
        self._epoch, self._position = 0, 0
        self._resuming = False
        self._current: object = None  # the pass that says where the loader stands

    def _check(self) -> None:
        try:
            n = len(self.dataset)
        except TypeError:
            raise DataError(
                f"a {type(self.dataset).__name__} has no length{called_at()}\n  → a Dataset: __len__ and "
                "__getitem__; arrays: TensorDataset(x, t)"
            ) from None
        chosen = [bool(self.shuffle), self.sampler is not None, self.batch_sampler is not None]
        if sum(chosen) > 1:
            raise DataError(f"shuffle, sampler and batch_sampler exclude one another{called_at()}")
        for name, given in {"sampler": self.sampler, "batch_sampler": self.batch_sampler}.items():
            if given is not None and (not isinstance(given, Iterable) or isinstance(given, Iterator)):
                raise DataError(
                    f"{name} is iterated anew in each epoch, which a {type(given).__name__} cannot "
                    f"be{called_at()}\n"
                    "  → a list, an array, or an object with __iter__"
                )
        if n == 0:
            raise DataError(f"the data set is empty{called_at()}")
        if sum(chosen[1:]) == 0 and self.drop_last and n < self.batch_size:
            raise DataError(
                f"drop_last leaves nothing of {n} items in batches of {self.batch_size}{called_at()}\n"
                f"  → batch_size up to {n}, or drop_last=False"
            )
        if not (self.worker in ("thread", "process") or hasattr(self.worker, "Process")):
            raise DataError(f'worker is "thread", "process" or a multiprocessing context{called_at()}')

    def _prepare(self) -> None:
        self._fetcher = Fetcher(self.dataset, self._collate, self._transform, self._stream.state)
        self._crew = Crew(self._fetcher, self.num_workers, self.worker) if self.num_workers else None

    # --- batches ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Batches in an epoch."""
        if self.batch_sampler is not None:
            return _length(self.batch_sampler, "batch_sampler")
        n = len(self.dataset) if self.sampler is None else _length(self.sampler, "sampler")
        return n // self.batch_size if self.drop_last else math.ceil(n / self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if not self._resuming:
            self._epoch, self._position = self._next_epoch(), 0
        self._resuming = False
        return _Epoch(self)

    def _next_epoch(self) -> int:
        return self._epoch + 1 if self._position else self._epoch

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of an epoch's items, in order (where no sampler decides it)."""
        n = len(self.dataset)
        return self._stream.split("epoch", epoch).permutation(n) if self.shuffle else np.arange(n)

    def _batches(self, epoch: int) -> Iterator[Any]:
        """The numbers of the items of each batch."""
        given = self.batch_sampler if self.batch_sampler is not None else self.sampler
        if given is not None and hasattr(given, "set_epoch"):
            given.set_epoch(epoch)  # type: ignore[attr-defined]
        if self.batch_sampler is not None:
            return (_numbers(batch, len(self.dataset)) for batch in self.batch_sampler)
        if self.sampler is not None:
            return self._cut(_numbers(list(self.sampler), len(self.dataset)))
        return self._cut(self.order(epoch))

    def _cut(self, order: np.ndarray) -> Iterator[np.ndarray]:
        size = self.batch_size
        end = len(order) - len(order) % size if self.drop_last else len(order)
        return (order[start : min(start + size, end)] for start in range(0, end, size))

    def _tasks(self, epoch: int, position: int) -> Iterator[Task]:
        return (Task(epoch, indices) for indices in islice(self._batches(epoch), position, None))

    # --- where it stands -------------------------------------------------------------------------

    def set_epoch(self, epoch: int) -> None:
        """Start the next ``for`` with this epoch, from its beginning."""
        self._epoch, self._position, self._resuming = _count("epoch", epoch, 0), 0, True

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands: after which batch of which epoch, and the key of its order.

        After the last batch of an epoch and before the ``for`` has ended, what is left of the epoch is
        nothing: a loader with that state begins with a pass of no batches.
        """
        return {
            "epoch": self._epoch,
            "position": self._position,
            "stream": tuple(self._stream.state),
            "items": len(self.dataset),
            "batch_size": self.batch_size,
            "drop_last": self.drop_last,
            "shuffle": self.shuffle,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there: the next ``for`` begins with the batch after the last one that was taken.

        The order is the saved one's, whatever seed this loader was made with.

        Raises:
            StateError: the state is of a loader with another number of items, batch size or kind of order,
                or it is no loader's state. Nothing was changed then.
        """
        mine = self.state_dict()
        if not isinstance(state, Mapping) or set(state) != set(mine):
            raise StateError(f"this is no state of a DataLoader{called_at()}")
        differ = [
            f"{key} {state[key]}, here {mine[key]}"
            for key in ("items", "batch_size", "drop_last", "shuffle")
            if state[key] != mine[key]
        ]
        if differ:
            raise StateError(
                f"the state is of another loader: {'; '.join(differ)}{called_at()}\n"
                "  → make the loader as it was, or begin a new epoch with set_epoch()"
            )
        stream = Stream()
        stream.state = state["stream"]
        epoch, position = _count("epoch", state["epoch"], 0), _count("position", state["position"], 0)
        if stream.state != self._stream.state:
            self.close()
            self._stream = stream
            self._prepare()
        self._epoch, self._position, self._resuming = epoch, position, True

    # --- the end ---------------------------------------------------------------------------------

    def close(self) -> None:
        """End threads and processes; a later ``for`` starts new ones. Dropping the loader does the same."""
        if self._crew is not None:
            self._crew.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Epoch:
    """One pass; it tells the loader how far it is, as long as no other pass was begun."""

    def __init__(self, loader: DataLoader) -> None:
        self._loader, self._epoch, self._position = loader, loader._epoch, loader._position
        ahead = loader.num_workers * loader.prefetch
        tasks = loader._tasks(self._epoch, self._position)
        self._batches = Batches(tasks, loader._fetcher, loader._crew, ahead)
        loader._current = self._token = object()

    def __iter__(self) -> _Epoch:
        return self

    def __next__(self) -> Any:
        try:
            batch = next(self._batches)
        except StopIteration:
            self._stand(self._epoch + 1, 0)
            raise
        self._position += 1
        self._stand(self._epoch, self._position)
        return batch

    def _stand(self, epoch: int, position: int) -> None:
        loader = self._loader
        if loader._current is self._token and not loader._resuming:
            loader._epoch, loader._position = epoch, position

    def close(self) -> None:
        """Make no more batches of this pass."""
        self._batches.close()


def _count(name: str, value: Any, least: int) -> int:
    try:
        number = index(value)
    except TypeError:
        raise DataError(f"{name} is a whole number, not {value!r}{called_at()}") from None
    if number < least:
        raise DataError(f"{name} is at least {least}, not {number}{called_at()}")
    return number


def _length(given: Any, name: str) -> int:
    try:
        return len(given)
    except TypeError:
        raise DataError(f"the {name} has no length, so the loader has none{called_at()}") from None


def _numbers(given: Any, n: int) -> np.ndarray:
    """A sampler's numbers as an array.

    Raises:
        DtypeError: they are no integers. BoundsError: there are no such items. DataError: there are none.
    """
    order = np.asarray(given)
    if order.size == 0:
        raise DataError("the sampler gave no items")
    if order.dtype.kind not in "iu" or order.ndim != 1:
        raise DtypeError(
            f"a sampler gives the numbers of items, not {order.dtype} values of shape {order.shape}\n"
            "  → a mask: np.flatnonzero(mask)"
        )
    wrong = order[(order < -n) | (order >= n)]
    if wrong.size:
        raise BoundsError(f"the sampler gave {wrong[0]}; the data set has {n} items")
    return order % n
