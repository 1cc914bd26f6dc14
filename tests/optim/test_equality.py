"""Equal to PyTorch: ten steps of each optimiser, twenty of each schedule, to 1e-10."""

from pathlib import Path

import numpy as np
import pytest

from whence import nn, optim

from . import peer, problems
from .cases import OPTIMISERS, SCHEDULES, STEPS, first_values, label, slope

RECORDED = np.load(Path(__file__).parent / "recorded.npz")
needs_torch = pytest.mark.skipif(peer.torch is None, reason="PyTorch is not installed")


def trained(case):
    name, keywords = case
    params = [nn.Parameter(value) for value in first_values()]
    optimizer = getattr(optim, name)(params, **keywords)
    rows = []
    for t in range(STEPS):
        for i, p in enumerate(params):
            p.grad = slope(p.data, i, t)
        optimizer.step()
        rows.append(np.concatenate([p.data for p in params], axis=None))
    return np.array(rows)


def rates(case, steps=20):
    name, keywords = case
    groups = [{"params": [nn.Parameter(np.zeros(2))], "lr": lr} for lr in (0.5, 0.2)]
    optimizer = optim.SGD(groups, momentum=0.9)
    schedule = getattr(optim.schedule, name)(optimizer, **keywords)
    rows = []
    for t in range(steps):
        rows.append([value for group in optimizer.param_groups for value in (group["lr"], group["momentum"])])
        assert schedule.get_last_lr() == rows[-1][::2]
        if t < steps - 1:
            schedule.step()
    return np.array(rows)


def searched(keywords, steps=3):
    params = [nn.Parameter(value) for value in problems.starts()]
    optimizer = optim.LBFGS(params, **keywords)

    def closure():
        optimizer.zero_grad()
        value = problems.loss(*params)
        value.backward()
        return value

    rows = []
    for _ in range(steps):
        optimizer.step(closure)
        count = optimizer.state_dict()["state"][0]["func_evals"]
        rows.append(np.concatenate([*(p.data for p in params), count], axis=None))
    return np.array(rows)


@pytest.mark.parametrize("case", OPTIMISERS, ids=label)
def test_optimisers_as_recorded(case):
    np.testing.assert_allclose(trained(case)[[0, 1, -1]], RECORDED[label(case)], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", SCHEDULES, ids=label)
def test_schedules_as_recorded(case):
    np.testing.assert_allclose(rates(case), RECORDED[label(case)], rtol=1e-10, atol=1e-12)


@needs_torch
@pytest.mark.parametrize("case", OPTIMISERS, ids=label)
def test_optimisers_live(case):
    np.testing.assert_allclose(trained(case), peer.trained(case), rtol=1e-10, atol=1e-10)


@needs_torch
@pytest.mark.parametrize("case", SCHEDULES, ids=label)
def test_schedules_live(case):
    np.testing.assert_allclose(rates(case), peer.rates(case), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", problems.LBFGS, ids=problems.label)
def test_searches_as_recorded(case):
    np.testing.assert_allclose(searched(case), RECORDED[problems.label(case)], rtol=1e-10, atol=1e-10)


@needs_torch
@pytest.mark.parametrize("case", problems.LBFGS, ids=problems.label)
def test_searches_live(case):
    np.testing.assert_allclose(searched(case), peer.searched(case), rtol=1e-10, atol=1e-10)


def test_lion_by_hand():
    p = nn.Parameter([1.0])
    optimizer = optim.Lion([p], lr=0.5, betas=(0.5, 0.75), weight_decay=0.25)
    seen = []
    for g in (4.0, -1.0, -8.0):  # means: 1, 0.5, -1.625; directions: sign of 2, 0, -3.75
        p.grad = np.array([g])
        optimizer.step()
        seen.append((p.data[0], optimizer.state_dict()["state"][0]["exp_avg"][0]))
    first, second = 1 * 0.875 - 0.5, (1 * 0.875 - 0.5) * 0.875
    assert seen == [(first, 1.0), (second, 0.5), (second * 0.875 + 0.5, -1.625)]
