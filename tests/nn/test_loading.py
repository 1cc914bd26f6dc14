"""Saved state on its way in: what does not fit is listed, and nothing is loaded; or everything is."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from whence import nn
from whence.errors import StateError
from whence.random import Stream

#: Layers that wait for their first input: how they are made, with a size or None, and an input of size 4.
LAZY: dict[str, tuple[Any, Any]] = {
    "linear": (lambda n: nn.Linear(n, 6), np.ones((2, 4))),
    "conv": (lambda n: nn.Conv1d(n, 6, 3), np.ones((2, 4, 5))),
    "conv of groups": (lambda n: nn.Conv2d(n, 6, 3, groups=2), np.ones((2, 4, 5, 5))),
    "transposed": (lambda n: nn.ConvTranspose1d(n, 6, 3, groups=2), np.ones((2, 4, 5))),
    "batch norm": (lambda n: nn.BatchNorm1d(n), np.ones((2, 4, 5))),
    "layer norm": (lambda n: nn.LayerNorm(n), np.ones((2, 4))),
    "lstm": (lambda n: nn.LSTM(n, 3, num_layers=2, bidirectional=True), np.ones((5, 2, 4))),
    "gru": (lambda n: nn.GRU(n, 3, bias=False), np.ones((5, 2, 4))),
    "cell": (lambda n: nn.RNNCell(n, 3), np.ones((2, 4))),
}


def result(model: Any, x: Any) -> Any:
    y = model.eval()(x.astype(np.float32))
    return y[0]._data if isinstance(y, tuple) else y._data


def untouched(model: Any) -> bool:
    return all(p.is_lazy for name, p in model.named_parameters() if "weight" in name and "_hh" not in name)


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_layer_becomes_what_was_saved(name):
    make, x = LAZY[name]
    full, lazy = make(4), make(None)
    for k, p in enumerate(full.parameters()):
        p.assign(Stream(k).normal(p.shape, dtype=np.float32))
    lazy.load_state_dict(full.state_dict())
    assert repr(lazy) == repr(full)
    np.testing.assert_array_equal(result(lazy, x), result(full, x))


@pytest.mark.parametrize("name", LAZY)
def test_what_contradicts_a_lazy_layer_is_refused(name):
    make, _ = LAZY[name]
    state = make(4).state_dict()
    lazies = [key for key, value in make(None)._all_state().items() if value._data is None]
    for key in lazies:
        lazy, wrong = make(None), state[key]
        # of another rank, and where a size is known, of another size
        for bad in (wrong[None], *([np.concatenate([wrong, wrong])] if wrong.ndim > 1 else [])):
            if name == "transposed" and bad.ndim == wrong.ndim:
                continue  # twice as many inputs are as good
            with pytest.raises(StateError, match=re.escape(f"{key}: {bad.shape}, the module ")):
                lazy.load_state_dict({**state, key: bad})
            assert all(lazy._all_state()[other]._data is None for other in lazies)
            assert repr(lazy) == repr(make(None))


def test_every_wrong_key_of_a_lazy_model_is_listed():
    def model(n: int | None) -> nn.Sequential:
        return nn.Sequential(nn.Linear(n, 6), nn.BatchNorm1d(n and 6), nn.Linear(6, 2))

    state = {**model(4).state_dict(), "0.weight": np.ones((5, 4)), "2.bias": np.ones(3)}
    state["1.running_mean"] = np.ones(7)
    lazy = model(None)
    with pytest.raises(StateError) as caught:
        lazy.load_state_dict(state)
    text = str(caught.value)
    assert "0.weight: (5, 4), the module takes (6, any)" in text
    assert "1.running_mean: (7,), the module takes (6,)" in text  # as the weight before it has 6
    assert "2.bias: (3,), the module has (2,)" in text
    assert getattr(lazy, "0").weight.is_lazy and getattr(lazy, "1").running_var.is_lazy


def test_channels_that_groups_cannot_share_are_refused():
    lazy = nn.ConvTranspose1d(None, 4, 3, groups=2)
    with pytest.raises(StateError, match=r"weight: \(3, 2, 3\), groups has to divide"):
        lazy.load_state_dict({"weight": np.ones((3, 2, 3)), "bias": np.ones(4)})
    assert lazy.weight.is_lazy


def test_a_part_of_a_lazy_state_settles_the_size():
    lazy = nn.Linear(None, 2, stream=Stream(0))
    lazy.load_state_dict({"weight": np.ones((2, 3))}, strict=False)
    assert repr(lazy) == "Linear(3, 2)" and lazy.bias is not None and not lazy.bias.is_lazy


def test_a_module_that_names_no_shapes_takes_any():
    class Own(nn.Module):
        def __init__(self) -> None:
            self.table = nn.Parameter(None)

    own = Own()
    own.load_state_dict({"table": np.ones((2, 3, 4))})
    assert own.table.shape == (2, 3, 4)


class Tied(nn.Module):
    def __init__(self, n: int | None = 3) -> None:
        self.there, self.back = nn.Linear(n, 3), nn.Linear(n, 3)
        self.back.weight = self.there.weight


@pytest.mark.parametrize("n", [3, None])
def test_tied_weights_take_one_value(n):
    model, state = Tied(n), Tied().state_dict()
    before = None if n is None else model.state_dict()
    with pytest.raises(StateError, match=r"tied, but with different values: there.weight and back.weight"):
        model.load_state_dict({**state, "back.weight": state["back.weight"] + 1})
    if before is None:
        assert model.there.weight.is_lazy
    else:
        for key, value in model.state_dict().items():
            np.testing.assert_array_equal(value, before[key])
    model.load_state_dict(state)
    np.testing.assert_array_equal(model.back.weight._data, state["there.weight"])


@pytest.mark.parametrize("n", [3, None])
def test_numbers_too_large_for_the_type_are_refused(n):
    model = nn.Linear(n, 2)
    state = {"weight": np.ones((2, 3)), "bias": np.array([1.0, -1e300])}
    before = [p._data for p in model.parameters()]
    with pytest.raises(StateError, match=r"bias: -1e\+300 at \[1\] is too large for float32"):
        model.load_state_dict(state)
    assert all(p._data is old for p, old in zip(model.parameters(), before, strict=True))
    state["bias"] = np.array([np.inf, np.nan])  # what was not finite before is taken
    model.load_state_dict(state)
    assert not np.isfinite(model.bias._data).any()
    model.double().load_state_dict({"weight": np.ones((2, 3)), "bias": np.array([1.0, -1e300])})


def test_counts_too_large_for_the_type_are_refused():
    class Counts(nn.Module):
        def __init__(self) -> None:
            self.seen = nn.Buffer(np.zeros(2, np.int32))

    model = Counts()
    with pytest.raises(StateError, match=r"seen: 4294967296 at \[0\] is too large for int32"):
        model.load_state_dict({"seen": np.array([2**32, 0])})
    model.load_state_dict({"seen": np.array([7, 0])})
    assert model.seen._data.tolist() == [7, 0]
