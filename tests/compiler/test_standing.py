"""Training steps with their state in place: the same numbers, and arrays that somebody kept stay."""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest

import whence
from whence import nn, optim
from whence.nn import functional as F

pytest.importorskip("llvmlite")

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(6, 4)), RNG.integers(0, 3, 6)
OPTIMISERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.05),
    "AMSGrad": lambda p: optim.AdamW(p, lr=0.05, amsgrad=True),
    "RMSprop": lambda p: optim.RMSprop(p, centered=True, momentum=0.5),
    "Lion": lambda p: optim.Lion(p, lr=0.01),
}


class Net(nn.Module):
    """Batch norm has running statistics; the head's weight is used twice."""

    def __init__(self) -> None:
        stream = whence.random.Stream(1)
        self.first = nn.Linear(4, 5, dtype=np.float64, stream=stream)
        self.norm = nn.BatchNorm1d(4, dtype=np.float64)
        self.head = nn.Linear(5, 3, dtype=np.float64, stream=stream)

    def forward(self, x: Any) -> Any:
        h = np.tanh(self.first(self.norm(x)))
        return self.head(h) + h @ self.head.weight.T


def training(kind: str = "Adam", compiled: bool = True, clear: bool = True) -> tuple[Any, Any, Any]:
    """A model, its optimiser, a step."""
    model = Net()
    optimizer = OPTIMISERS[kind](model.parameters())

    def step(x: Any, t: Any) -> Any:
        loss = F.cross_entropy(model(x), t)
        if clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return model, optimizer, whence.compile(step) if compiled else step


def settled(step: Any) -> bool:
    """Does the next call go straight to native code?"""
    return step._quick is not None


def assert_same(one: Any, other: Any) -> None:
    for (name, p), (_, q) in zip(one.state_dict().items(), other.state_dict().items(), strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("clear", [True, False])
@pytest.mark.parametrize("kind", OPTIMISERS)
def test_the_same_numbers_as_eager(kind, clear):
    (model, _, step), (other, _, eager) = training(kind, clear=clear), training(kind, False, clear)
    for n in range(12):
        x = X + 0.01 * n
        np.testing.assert_allclose(step(x, T).data, eager(x, T).data, rtol=1e-9)
    assert settled(step)
    assert_same(model, other)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.data, q.grad.data, rtol=1e-8, atol=1e-12)


def test_what_somebody_kept_does_not_change():
    model, optimizer, step = training()
    kept: list[tuple[Any, Any]] = []
    losses = []
    for n in range(24):
        losses.append(step(X, T))
        if n % 3 == 0:
            p = model.first.weight
            slot = optimizer._slots[id(p)]
            found = [
                p.data,
                p.grad.data,
                p._data,
                p.grad._data,
                *slot.state.values(),
                model.norm.running_mean.data,
            ]
            kept += [(array, array.copy()) for array in found]
            kept += [(p.grad, p.grad._data.copy())]
    for array, before in kept:
        np.testing.assert_array_equal(getattr(array, "_data", array), before)
    assert len({float(loss) for loss in losses}) == 24


def test_a_graph_that_used_a_parameter_keeps_its_leaf():
    model, _, step = training()
    for _ in range(6):
        step(X, T)
    assert settled(step)
    weight = model.first.weight
    y = np.sum(weight + 1)  # holds the parameter's edge, not its array
    step(X, T)
    y.backward()  # into what the parameter was then
    found = weight.grad.data
    (other, _, eager) = training(compiled=False)
    for _ in range(6):
        eager(X, T)
    z = np.sum(other.first.weight + 1)
    eager(X, T)
    z.backward()
    np.testing.assert_allclose(found, other.first.weight.grad.data, rtol=1e-9)


def load(model: Any, optimizer: Any) -> None:
    fresh, other, _ = training(compiled=False)
    model.load_state_dict(fresh.state_dict())
    optimizer.load_state_dict(other.state_dict())


CHANGES = {
    "another rate": lambda model, optimizer: optimizer.param_groups[0].update(lr=0.5),
    "another setting": lambda model, optimizer: optimizer.param_groups[0].update(betas=(0.5, 0.9)),
    "a frozen weight": lambda model, optimizer: setattr(model.first.weight, "requires_grad", False),
    "a frozen layer": lambda model, optimizer: optimizer.add_hook(
        optim.Freeze(model.first), str(len(optimizer.hooks))
    ),
    "evaluation": lambda model, optimizer: model.eval(),
    "other weights": lambda model, optimizer: model.head.weight.assign(np.ones((3, 5))),
    "written in place": lambda model, optimizer: model.head.bias.data.__setitem__(0, 3.0),
    "another epsilon": lambda model, optimizer: setattr(model.norm, "eps", 0.5),
    "no gradients": lambda model, optimizer: optimizer.zero_grad(),
    "loaded": load,
    "another layer": lambda model, optimizer: setattr(model, "norm", nn.Identity()),
    "cleared by hand": lambda model, optimizer: setattr(model.head.bias, "grad", None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_is_noticed(name):
    (model, optimizer, step), (other, peer, eager) = training(), training(compiled=False)
    for n in range(20):
        if n % 6 == 5:
            assert settled(step) or n > 6
            CHANGES[name](model, optimizer)
            CHANGES[name](other, peer)
        np.testing.assert_allclose(step(X, T).data, eager(X, T).data, rtol=1e-8, err_msg=str(n))
    assert_same(model, other)


def test_gradients_that_a_step_clears_are_cleared():
    model = Net()
    optimizer = OPTIMISERS["Adam"](model.parameters())

    @whence.compile
    def step(x: Any, t: Any) -> Any:
        loss = F.cross_entropy(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    for n in range(12):
        if n % 4 == 3:
            model.head.bias.grad = whence.Variable(np.ones(3))
        step(X, T)
        assert all(p.grad is None for p in model.parameters())


def test_a_settled_step_allocates_nothing():
    _, _, step = training()
    for _ in range(8):
        step(X, T)
    assert settled(step)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(50):
            step(X, T)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(400):
            step(X, T)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 8192  # twenty bytes a step; one array has more than a hundred


def test_another_shape_in_between():
    (model, _, step), (other, _, eager) = training(), training(compiled=False)
    for n in range(30):
        size = 4 if n % 5 == 4 else 6
        np.testing.assert_allclose(step(X[:size], T[:size]).data, eager(X[:size], T[:size]).data, rtol=1e-8)
    assert_same(model, other)


def test_a_wrong_label_changes_nothing():
    model, optimizer, step = training()
    for _ in range(5):
        step(X, T)
    assert settled(step)
    before = {name: np.array(value) for name, value in model.state_dict().items()}
    moments = [np.array(a) for s in optimizer._slots.values() for a in s.state.values()]
    with pytest.raises(IndexError):
        step(X, T + 7)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    for a, b in zip([a for s in optimizer._slots.values() for a in s.state.values()], moments, strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(step(X, T)) > 0


def test_results_stay():
    f = whence.compile(lambda x: (np.exp(x), np.sum(x)))
    x = np.arange(5.0)
    kept = [f(x + n) for n in range(8)]
    assert settled(f)
    for n, (y, total) in enumerate(kept):
        np.testing.assert_allclose(y, np.exp(x + n), rtol=1e-15)
        assert total == np.sum(x + n)


def test_numbers_keep_their_types():
    f = whence.compile(lambda x: x * 2)
    for x in (np.float32(0.5), np.float32(1.5), 2.5, 3.5, np.float64(1), 4.5, np.float32(2)):
        for _ in range(4):
            y, expected = f(x), x * 2
            assert y == expected and type(y) is type(expected)


ARGUMENTS = {
    "plain values": (lambda x, n: x * n, [(X, 3), (X, 4), (X, 3.0), (X, True)]),
    "shapes alone": (lambda x, y: y * len(x), [(X, T), (X[:2], T), (X, T)]),
    "how many": (lambda *xs: xs[0] + len(xs), [(X,), (X, X), (X, X, X)]),
    "defaults": (lambda x, y=2.0: x * y, [(X,), (X, 3.0), (X, X), (X,)]),
    "containers": (lambda x: x["a"] if isinstance(x, dict) else 2 * x, [({"a": X},), (X,), ({"a": X},)]),
    "types": (lambda x: x * 2, [(X,), (X.astype(np.float32),), (X[:3],), (X[:, ::2],), (X[0, 0],)]),
    "weak numbers": (lambda x, n: x * n, [(X.astype(np.float32), n) for n in (2.0, np.float64(2), 3.0)]),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_other_arguments_are_another_call(name):
    f, calls = ARGUMENTS[name]
    compiled = whence.compile(f)
    for args in (*calls, *reversed(calls)):
        for _ in range(5):
            found, expected = compiled(*args), f(*args)
            np.testing.assert_allclose(found, expected, rtol=1e-6)
            assert np.asarray(found).dtype == np.asarray(expected).dtype


def test_a_refusal_now_and_then_does_not_end_it():
    model, _, step = training()
    slow = 0
    for _ in range(20):
        for _ in range(30):
            slow += not settled(step)
            step(X, T)
        _ = [model.first.weight.data]  # somebody looks
    assert slow <= 20 * 4


def test_several_threads_take_turns():
    model, _, step = training()
    for _ in range(4):
        step(X, T)
    threads = [threading.Thread(target=lambda: [step(X, T) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.isfinite(model.first.weight.data).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_goes_on_alone():
    (model, _, step), (other, _, eager) = training(), training(compiled=False)
    for _ in range(5):
        step(X, T)
        eager(X, T)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            step(X, T)
            eager(X, T)
            assert_same(model, other)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    step(X, T)
    eager(X, T)
    assert_same(model, other)
