"""Loaders: the same batches whoever makes them, from any position, and errors that name the item."""

import gc
import multiprocessing
import os
import threading
import time
from typing import Any

import numpy as np
import pytest

import whence
from tests.data.items import Numbers, noisy
from whence.data import (
    ConcatDataset,
    DataLoader,
    SequenceDataset,
    SequenceLoader,
    Subset,
    TensorDataset,
    random_split,
)
from whence.errors import BoundsError, DataError, DtypeError, ShapeError, StateError, WorkerError
from whence.random import Stream

WORKERS = {
    "none": {},
    "one thread": {"num_workers": 1},
    "four threads": {"num_workers": 4, "prefetch": 3},
    "processes": {"num_workers": 2, "worker": "process"},
}


def drain(loader: Any) -> list[Any]:
    return [tuple(np.array(part) for part in batch) for batch in loader]


def equal(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(
        (x == y).all() for one, two in zip(a, b, strict=True) for x, y in zip(one, two, strict=True)
    )


@pytest.mark.parametrize("workers", WORKERS)
def test_the_batches_do_not_depend_on_the_workers(workers: str) -> None:
    data = Numbers(11, slow=True)
    options: dict[str, Any] = {"batch_size": 3, "shuffle": True, "seed": 5, "transform": noisy}
    plain = DataLoader(data, **options)
    with DataLoader(data, **options, **WORKERS[workers]) as loader:
        for _ in range(2):
            assert equal(drain(plain), drain(loader))


def test_order_is_a_function_of_seed_and_epoch() -> None:
    data = TensorDataset(np.arange(20))
    loader = DataLoader(data, 6, shuffle=True, seed=3)
    epochs = [np.concatenate([x for (x,) in loader]) for _ in range(3)]
    for epoch, items in enumerate(epochs):
        assert sorted(items) == list(range(20))
        assert (items == Stream(3).split("epoch", epoch).permutation(20)).all()
    assert (epochs[0] != epochs[1]).any()
    loader.set_epoch(1)
    assert (np.concatenate([x for (x,) in loader]) == epochs[1]).all()


def test_without_a_seed_the_default_stream_decides() -> None:
    def order() -> list[int]:
        whence.random.seed(4)
        return [int(x[0]) for (x,) in DataLoader(TensorDataset(np.arange(9)), shuffle=True)]

    assert order() == order()


@pytest.mark.parametrize("workers", ["none", "four threads"])
@pytest.mark.parametrize("kind", ["items", "arrays", "sampler"])
def test_resumed_at_every_position(kind: str, workers: str) -> None:
    def make(seed: int) -> DataLoader:
        data = TensorDataset(np.arange(10.0), np.arange(10)) if kind == "arrays" else Numbers(10)
        how: dict[str, Any] = {"sampler": [3, 1, 4, 1, 5, 9, 2]} if kind == "sampler" else {"shuffle": True}
        return DataLoader(data, 3, seed=seed, transform=noisy, **how, **WORKERS[workers])

    whole = make(1)
    wanted = drain(whole) + drain(whole)
    for stop in range(len(wanted) + 1):
        first, taken = make(1), []
        for _ in range(2):
            for batch in first:
                if len(taken) == stop:
                    break
                taken.append(batch)
                state = first.state_dict()
        if stop == 0:
            state = make(1).state_dict()
        second = make(2)  # the saved order counts, not its own
        second.load_state_dict(state)
        rest = drain(second)
        while len(rest) < len(wanted) - stop:
            rest += drain(second)
        assert equal(wanted[:stop], drain(taken)) and equal(wanted[stop:], rest)


def test_a_pass_broken_off_is_an_epoch() -> None:
    loader = DataLoader(TensorDataset(np.arange(8)), 2, shuffle=True, seed=0)
    next(iter(loader))
    assert (next(iter(loader))[0] == loader.order(1)[:2]).all()


def test_the_state_can_be_saved(tmp_path: Any) -> None:
    loader = DataLoader(TensorDataset(np.arange(8)), 2, shuffle=True, seed=0)
    iterator = iter(loader)
    next(iterator)
    whence.save(tmp_path / "x", loader.state_dict())
    rest = drain(iterator)
    loader.load_state_dict(whence.load(tmp_path / "x"))
    assert equal(drain(loader), rest)


def test_states_of_other_loaders() -> None:
    loader = DataLoader(TensorDataset(np.arange(8)), 2, shuffle=True, seed=0)
    before = loader.state_dict()
    for wrong, text in [
        ({}, "no state of a DataLoader"),
        ({**before, "items": 9}, "items 9, here 8"),
        ({**before, "batch_size": 4}, "batch_size 4, here 2"),
    ]:
        with pytest.raises(StateError, match=text):
            loader.load_state_dict(wrong)
        assert loader.state_dict() == before


@pytest.mark.parametrize("n", [1, 4, 5, 8])
@pytest.mark.parametrize("drop_last", [False, True])
def test_length(n: int, drop_last: bool) -> None:
    if drop_last and n < 4:
        return
    loader = DataLoader(TensorDataset(np.arange(n)), 4, drop_last=drop_last)
    assert len(loader) == len(drain(loader))


def test_arrays_are_gathered_at_once_and_are_copies() -> None:
    x = np.arange(6.0)
    for (batch,) in DataLoader(TensorDataset(x), 3):
        batch[:] = -1
    assert (x == np.arange(6.0)).all()


def test_collate() -> None:
    items = [{"a": np.zeros(2), "b": ("x", 1)}, {"a": np.ones(2), "b": ("y", 2)}]
    batch = next(iter(DataLoader(items, 2)))
    assert batch["a"].shape == (2, 2) and batch["b"][0] == ["x", "y"] and batch["b"][1].tolist() == [1, 2]
    assert next(iter(DataLoader([1, 2, 3], 3, collate=sum))) == 6
    with pytest.raises(ShapeError, match="different shapes") as caught:
        drain(DataLoader([np.zeros(2), np.zeros(3)], 2))
    assert "the batch of items [0, 1] of epoch 0" in caught.value.__notes__[0]


@pytest.mark.parametrize("workers", WORKERS)
def test_an_exception_names_the_item(workers: str) -> None:
    with DataLoader(Numbers(9, bad=5), 2, **WORKERS[workers]) as loader:
        iterator = iter(loader)
        next(iterator), next(iterator)
        with pytest.raises(KeyError, match="no such thing") as caught:
            next(iterator)
        assert "item 5 of epoch 0" in caught.value.__notes__[0]
        assert "items.py" in caught.value.__notes__[0]
        where = {"none": "epoch 0:", "processes": "in worker process "}.get(workers, "in worker thread ")
        assert where in caught.value.__notes__[0]


@pytest.mark.parametrize("how", ["strange", "stop"])
def test_strange_exceptions(how: str) -> None:
    loader = DataLoader(Numbers(4, bad=2, how=how), num_workers=1, worker="process")
    with loader, pytest.raises(WorkerError, match="item 2 of epoch 0"):
        drain(loader)


def test_a_killed_worker_is_an_error_and_no_hang() -> None:
    with DataLoader(Numbers(9, bad=4, how="die"), 2, num_workers=2, worker="process") as loader:
        with pytest.raises(WorkerError, match="a worker process of the loader died"):
            drain(loader)
        loader._fetcher.dataset.bad = -1
        assert len(drain(loader)) == 5  # the next epoch starts new ones


def settled(count: Any, wanted: int) -> bool:
    for _ in range(200):
        if count() <= wanted:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", ["close", "drop"])
def test_nothing_is_left_running(how: str) -> None:
    threads, children = threading.active_count(), len(multiprocessing.active_children())
    for options in ({"num_workers": 3}, {"num_workers": 2, "worker": "process"}):
        loader = DataLoader(Numbers(50), **options)
        iterator = iter(loader)
        next(iterator)
        if how == "close":
            loader.close()
            assert threading.active_count() <= threads
        del loader, iterator
    gc.collect()
    assert settled(threading.active_count, threads)
    assert settled(lambda: len(multiprocessing.active_children()), children)


def test_what_cannot_be_sent_to_a_process() -> None:
    loader = DataLoader([1, 2], num_workers=1, worker="process", transform=lambda x: x)
    with pytest.raises(DataError, match=r"no lambda.*worker=\"thread\""):
        next(iter(loader))


class Mask:
    def __iter__(self) -> Any:
        return iter([True, False])


WRONG: dict[str, tuple[Any, type, str]] = {
    "empty": (lambda: DataLoader([]), DataError, "the data set is empty"),
    "size": (lambda: DataLoader([1], 0), DataError, "batch_size is at least 1, not 0"),
    "size kind": (lambda: DataLoader([1], 1.5), DataError, "a whole number, not 1.5"),
    "workers": (lambda: DataLoader([1], num_workers=-1), DataError, "num_workers is at least 0"),
    "nothing left": (lambda: DataLoader([1], 2, drop_last=True), DataError, "leaves nothing of 1 items"),
    "no length": (lambda: DataLoader(iter([1])), DataError, "has no length"),
    "both": (lambda: DataLoader([1], shuffle=True, sampler=[0]), DataError, "exclude one another"),
    "used up": (lambda: DataLoader([1], sampler=iter([0])), DataError, "iterated anew"),
    "worker": (lambda: DataLoader([1], worker="gpu"), DataError, '"thread", "process"'),
    "outside": (lambda: drain(DataLoader([1], sampler=[1])), BoundsError, "gave 1; the data set has 1"),
    "mask": (lambda: drain(DataLoader([1, 2], sampler=Mask())), DtypeError, "flatnonzero"),
    "no items": (lambda: drain(DataLoader([1], sampler=[])), DataError, "gave no items"),
    "unequal": (lambda: TensorDataset(np.ones(2), np.ones(3)), DataError, "have one length"),
    "no arrays": (lambda: TensorDataset(), DataError, "at least one axis"),
    "split": (lambda: random_split([1, 2], [1, 2]), DataError, "do not divide 2 items"),
    "subset": (lambda: Subset([1], [3]), BoundsError, "item 3 of a data set of 1"),
    "lanes": (lambda: SequenceLoader([1], 2), DataError, "1 items cannot be read at 2"),
    "short": (lambda: SequenceDataset([1, 2], 2), DataError, "need 3 tokens, there are 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name: str) -> None:
    make, error, text = WRONG[name]
    with pytest.raises(error, match=text):
        make()


def test_parts_of_data_sets() -> None:
    data = TensorDataset(np.arange(10))
    parts = random_split(data, [7, 3], seed=1)
    assert sorted(int(x) for part in parts for (x,) in (part[i] for i in range(len(part)))) == list(range(10))
    assert [len(part) for part in random_split(data, [0.5, 0.25, 0.25], 0)] == [6, 2, 2]
    both = ConcatDataset([Subset(data, [1, 2]), data])
    assert [int(both[i][0]) for i in (0, 1, 2, -1)] == [1, 2, 0, 9]
    assert [x.tolist() for (x,) in DataLoader(parts[1], 2)] == [
        parts[1].indices[:2].tolist(), parts[1].indices[2:].tolist(),
    ]  # fmt: skip
    with pytest.raises(BoundsError):
        both[12]


def test_windows() -> None:
    data = SequenceDataset(np.arange(23), 5, 3)
    for x, t in DataLoader(data, 2):
        assert x.shape[1] == 5 and (t == x + 1).all()
    batch = data.batch(range(len(data)))
    assert all(
        (batch[0][i] == data[i][0]).all() and (batch[1][i] == data[i][1]).all() for i in range(len(data))
    )


@pytest.mark.skipif(os.name != "posix", reason="fork")
def test_a_context_of_one_s_own() -> None:
    with DataLoader(Numbers(4), num_workers=1, worker=multiprocessing.get_context("spawn")) as loader:
        assert len(drain(loader)) == 4
