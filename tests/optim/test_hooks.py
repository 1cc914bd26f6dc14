"""Clipping, decay, freezing, averages; as a user of DeZero or PyTorch writes them."""

import numpy as np
import pytest

from whence import nn, optim
from whence.errors import NonFiniteError, SettingError, StateError

from . import peer
from .test_optimizer import go, parameters, same_bits


def with_gradients(*arrays):
    params = [nn.Parameter(np.zeros_like(array)) for array in arrays]
    for p, array in zip(params, arrays, strict=True):
        p.grad = array
    return params


def gradients(params):
    return [np.asarray(getattr(p.grad, "data", p.grad)) for p in params]


ARRAYS = [np.array([3.0, -4.0]), np.array([[12.0]]), np.array(2.0)]


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, np.inf])
@pytest.mark.parametrize("most", [5.0, 100.0])
def test_norms_are_clipped(norm_type, most):
    params = with_gradients(*ARRAYS)
    flat = np.concatenate(ARRAYS, axis=None)
    norm = np.linalg.norm(flat, norm_type)
    assert nn.utils.clip_grad_norm_(params, most, norm_type) == pytest.approx(norm, rel=1e-14)
    wanted = flat * min(1, most / (norm + 1e-6))
    np.testing.assert_allclose(np.concatenate(gradients(params), axis=None), wanted, rtol=1e-14)
    if peer.torch is not None:
        torch = peer.torch
        theirs = [torch.nn.Parameter(torch.zeros(array.shape, dtype=torch.float64)) for array in ARRAYS]
        for p, array in zip(theirs, ARRAYS, strict=True):
            p.grad = torch.tensor(array)
        torch.nn.utils.clip_grad_norm_(theirs, most, norm_type)
        for p, q in zip(params, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(gradients([p])[0]), q.grad.numpy(), rtol=1e-12)


def test_norms_of_large_and_small_float32():
    for scale in (1e25, 1e-30):
        params = with_gradients(np.full(4, scale, np.float32))
        assert optim.clip_grad_norm_(params, 1e30) == pytest.approx(2 * scale, rel=1e-5)
    p, *_ = params = with_gradients(np.full(4, 3, np.float32))
    optim.clip_grad_norm_(params, np.float64(1.0))
    assert p.grad.dtype == np.float32
    assert optim.clip_grad_norm_([nn.Parameter([1.0])], 1.0) == 0.0


def test_nonfinite_norms():
    params = with_gradients(np.array([1.0]), np.array([np.nan]))
    params[1].name = "bad"
    with pytest.raises(NonFiniteError, match="bad"):
        optim.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert gradients(params)[0][0] == 1.0
    assert np.isnan(optim.clip_grad_norm_(params, 1.0)) and np.isnan(gradients(params)[0][0])


def test_values_are_clipped():
    params = with_gradients(*ARRAYS)
    nn.utils.clip_grad_value_(params, 2.5)
    assert np.concatenate(gradients(params), axis=None).tolist() == [2.5, -2.5, 2.5, 2.0]
    with pytest.raises(SettingError, match="clip_value=-1"):
        optim.clip_grad_value_(params, -1)


def test_vectors_of_parameters():
    params = with_gradients(*ARRAYS)
    nn.utils.vector_to_parameters(np.arange(4.0), params)
    assert nn.utils.parameters_to_vector(params).tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="4 values"):
        nn.utils.vector_to_parameters(np.arange(5.0), params)


def test_decay_as_a_hook_is_weight_decay():
    one, two = parameters(), parameters()
    first = optim.SGD(one, lr=0.1, momentum=0.9, weight_decay=0.2)
    second = optim.SGD(two, lr=0.1, momentum=0.9).add_hook(optim.WeightDecay(0.2))
    same_bits(go(first, one, range(4)), go(second, two, range(4)))


def test_hooks_run_in_order_and_by_name():
    (p,) = params = with_gradients(np.array([3.0, 4.0]))
    clip = optim.ClipGradNorm(1.0)
    optimizer = optim.SGD(params, lr=1.0).add_hook(optim.ClipGradValue(3.0)).add_hook(clip, "norm")
    optimizer.step()
    np.testing.assert_allclose(p.data, -np.ones(2) / np.sqrt(2), rtol=1e-6)
    assert clip.last == pytest.approx(np.sqrt(18))
    with pytest.raises(SettingError, match="'norm' already"):
        optimizer.add_hook(clip, "norm")
    optimizer.remove_hook("norm")
    with pytest.raises(SettingError, match="ClipGradValue"):
        optimizer.remove_hook("norm")
    for bad in (optim.WeightDecay, optim.ClipGradNorm, optim.ClipGradValue):
        with pytest.raises(SettingError, match="not negative"):
            bad(-1.0)


def test_a_hook_as_in_the_book_on_deep_learning_from_scratch():
    """DeZero's hooks write to ``param.grad.data``."""

    def decay(params):
        for param in params:
            param.grad.data += 0.5 * param.data

    p = nn.Parameter([1.0, 2.0])
    optimizer = optim.SGD([p], lr=1.0).add_hook(decay)
    (0 * p).sum().backward()
    optimizer.step()
    assert p.data.tolist() == [0.5, 1.0]


@pytest.mark.parametrize("how", ["module", "parameter", "name", "pattern"])
def test_freezing(how):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    what = {"module": [model[0]], "parameter": list(model[0].parameters()), "pattern": ["0.*"]}
    optimizer = optim.Adam(model.named_parameters())
    names = [name for name, _ in model.named_parameters()]
    optimizer.add_hook(optim.Freeze(*what.get(how, names[:2])))
    before = [p.data.copy() for p in model.parameters()]
    model(np.ones((1, 2))).sum().backward()
    optimizer.step()
    moved = [not np.array_equal(p.data, old) for p, old in zip(model.parameters(), before, strict=True)]
    assert moved == [False, False, True, True]


def test_freezing_what_is_not_there():
    model = nn.Linear(2, 2)
    with pytest.raises(SettingError, match="'weight'"):
        optim.Adam(model.named_parameters()).add_hook(optim.Freeze("wait"))
    with pytest.raises(SettingError, match="not int"):
        optim.Freeze(3)


def test_averages():
    (p,) = params = with_gradients(np.array([1.0, 2.0], np.float32))
    optimizer, average = optim.SGD(params, lr=1.0), optim.ExponentialMovingAverage(params, 0.5)
    wanted = np.zeros(2)
    for _ in range(3):
        optimizer.step()
        average.update()
        wanted = 0.5 * wanted + 0.5 * p.data
    now = p.data.copy()
    with pytest.raises(KeyError), average.applied():
        assert p.data.tolist() == wanted.tolist() and p.data.dtype == np.float32
        raise KeyError
    assert p.data.tolist() == now.tolist()
    saved = average.state_dict()
    average.update()
    average.load_state_dict(saved)
    assert average.values()[0].tolist() == wanted.tolist()
    with pytest.raises(StateError, match="mean 0 has the shape"):
        average.load_state_dict({"updates": 1, "means": [np.ones(3)]})
    with pytest.raises(SettingError, match="decay=1"):
        optim.ExponentialMovingAverage(params, 1.0)
    with pytest.raises(SettingError, match="no parameters"):
        optim.ExponentialMovingAverage([])


def test_averages_warm_up():
    (p,) = params = with_gradients(np.zeros(1))
    average = optim.ExponentialMovingAverage(params, 0.999, warmup=True)
    p.assign([1.0])
    average.update()
    assert average.values()[0][0] == pytest.approx(0.9)
