"""L-BFGS: bounds, saved state, mistakes."""

import json
import pickle

import numpy as np
import pytest

from whence import nn, optim
from whence.errors import DtypeError, SettingError, StateError

from . import problems


def made(keywords, values=None):
    params = [nn.Parameter(value) for value in (values or problems.starts())]
    optimizer = optim.LBFGS(params, **keywords)

    def closure():
        optimizer.zero_grad()
        value = problems.loss(*params)
        value.backward()
        return value

    return optimizer, params, closure


@pytest.mark.parametrize("keywords", problems.LBFGS, ids=problems.label)
def test_saved_and_restored_goes_on_to_the_bit(keywords):
    optimizer, params, closure = made(keywords)
    optimizer.step(closure)
    saved = pickle.loads(pickle.dumps(optimizer.state_dict()))
    other, others, again = made({}, [p.data.copy() for p in params])
    other.load_state_dict(saved)
    for _ in range(2):
        assert float(optimizer.step(closure)) == float(other.step(again))
    for p, q in zip(params, others, strict=True):
        assert p.data.tobytes() == q.data.tobytes()


def test_bounds():
    low, high = [-0.5, None], [0.4, np.array([[0.1, 9.0], [9.0, 9.0]])]
    optimizer, (a, b), closure = made({"bounds": (low, high), "max_iter": 200})
    first = float(optimizer.step(closure))
    assert np.all(a.data >= -0.5) and np.all(a.data <= 0.4) and b.data[0, 0] == 0.1
    assert a.data[0] == pytest.approx(0.4) and float(closure()) < first
    inside = np.abs(b.grad.data) < 1e-4
    assert inside.tolist() == [[False, True], [True, True]]  # held at the bound, at rest elsewhere
    optimizer.load_state_dict(json.loads(json.dumps(optimizer.state_dict())))


def test_float32():
    optimizer, params, closure = made(
        {"line_search_fn": "strong_wolfe"}, [value.astype(np.float32) for value in problems.starts()]
    )
    first = float(optimizer.step(closure))
    assert all(p.data.dtype == np.float32 for p in params) and float(closure()) < first
    assert optimizer.state_dict()["state"][0]["d"].dtype == np.float32


def test_hooks_and_frozen_parameters():
    optimizer, (a, b), closure = made({"line_search_fn": "strong_wolfe"})
    optimizer.add_hook(optim.Freeze(b))
    before = b.data.copy()
    optimizer.step(closure)
    np.testing.assert_array_equal(b.data, before)
    assert a.data[0] != -1.2


def test_mistakes():
    optimizer, params, closure = made({})
    with pytest.raises(SettingError, match=r"step\(closure\)"):
        optimizer.step()
    with pytest.raises(SettingError, match="return the loss"):
        optimizer.step(lambda: None)
    with pytest.raises(SettingError, match="one group"):
        optimizer.add_param_group({"params": [nn.Parameter([1.0])]})
    with pytest.raises(SettingError, match="line_search_fn='wolf'"):
        optim.LBFGS(params, line_search_fn="wolf")
    with pytest.raises(SettingError, match="above the upper"):
        optim.LBFGS(params, bounds=(1.0, 0.0))
    with pytest.raises(SettingError, match="pair"):
        optim.LBFGS(params, bounds=1.0)
    with pytest.raises(SettingError, match="1 of 2 parameters"):
        optim.LBFGS(params, bounds=([0.0], 1.0))
    with pytest.raises(DtypeError, match="real"):
        optim.LBFGS([nn.Parameter([1j])])
    optimizer.step(closure)
    before = pickle.dumps(optimizer.state_dict())
    state = optimizer.state_dict()
    state["state"][0].update(d=np.ones(2), n_iter=-1)
    with pytest.raises(StateError, match="n_iter is -1"):
        optimizer.load_state_dict(state)
    state["state"][0].update(n_iter=1)
    with pytest.raises(StateError, match=r"d has the shape \(2,\), not \(7,\)"):
        optimizer.load_state_dict(state)
    assert pickle.dumps(optimizer.state_dict()) == before
