"""Schedules: composed, on a plateau, saved, refused."""

import json
import pickle

import numpy as np
import pytest

from whence import nn, optim
from whence.errors import SettingError, StateError
from whence.optim import schedule as S

from . import peer
from .cases import SCHEDULES, label

COMPOSED = {
    "sequential": lambda m, o: m.SequentialLR(
        o, [m.LinearLR(o, 0.1, 1.0, 4), m.ExponentialLR(o, 0.9), m.CosineAnnealingLR(o, 5)], [4, 9]
    ),
    "chained": lambda m, o: m.ChainedScheduler(
        [m.ConstantLR(o, 0.5, 3), m.ExponentialLR(o, 0.9), m.StepLR(o, 4)]
    ),
    "polynomial at last": lambda m, o: m.SequentialLR(
        o, [m.ConstantLR(o, 0.5, 3), m.PolynomialLR(o, 20)], [5]
    ),
    "lambda": lambda m, o: m.LambdaLR(o, [lambda t: 1 / (1 + t), lambda t: 0.9**t]),
}


def ours(lrs=(0.5, 0.2), **hyper):
    return optim.SGD([{"params": [nn.Parameter(np.zeros(2))], "lr": lr} for lr in lrs], momentum=0.9, **hyper)


def course(optimizer, schedule, steps=15):
    rows = []
    for _ in range(steps):
        rows.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return rows


@pytest.mark.skipif(peer.torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("make", COMPOSED.values(), ids=COMPOSED)
@pytest.mark.filterwarnings("ignore")
def test_composed_as_in_pytorch(make):
    torch = peer.torch
    theirs = torch.optim.SGD(
        [{"params": [torch.nn.Parameter(torch.zeros(2))], "lr": lr} for lr in (0.5, 0.2)], momentum=0.9
    )
    mine = ours()
    wanted = course(theirs, make(torch.optim.lr_scheduler, theirs))
    np.testing.assert_allclose(course(mine, make(S, mine)), wanted, rtol=1e-12, atol=1e-15)


def test_composed_by_hand():
    optimizer = ours((1.0,))
    parts = [S.LinearLR(optimizer, 0.5, 1.0, 2), S.ExponentialLR(optimizer, 0.5)]
    rates = [lr for (lr,) in course(optimizer, S.SequentialLR(optimizer, parts, [2]), 5)]
    assert rates == [0.5, 0.75, 1.0, 0.5, 0.25]
    optimizer = ours((1.0,))
    parts = [S.ConstantLR(optimizer, 0.5, 2), S.ExponentialLR(optimizer, 0.5)]
    assert [lr for (lr,) in course(optimizer, S.ChainedScheduler(parts), 4)] == [0.5, 0.25, 0.25, 0.125]


PLATEAUS = [
    {},
    {"mode": "max", "patience": 2, "factor": 0.5},
    {"patience": 1, "cooldown": 2, "min_lr": [0.1, 0.05], "factor": 0.5},
    {"patience": 0, "threshold": 0.1, "threshold_mode": "abs", "mode": "max", "eps": 1e-3},
    {"patience": 1, "threshold": 0.05},
]
LOSSES = [3.0, 2.0, 2.0, 2.1, 1.99, 1.99, 1.99, 1.98, float("nan"), 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def plateau(optimizer, schedule):
    rows = []
    for loss in LOSSES:
        schedule.step(loss)
        rows.append([group["lr"] for group in optimizer.param_groups])
    return rows


@pytest.mark.skipif(peer.torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("keywords", PLATEAUS, ids=str)
def test_plateau_as_in_pytorch(keywords):
    torch = peer.torch
    theirs = torch.optim.SGD(
        [{"params": [torch.nn.Parameter(torch.zeros(2))], "lr": lr} for lr in (0.5, 0.2)]
    )
    mine = ours()
    wanted = plateau(theirs, torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **keywords))
    np.testing.assert_allclose(plateau(mine, S.ReduceLROnPlateau(mine, **keywords)), wanted, rtol=1e-14)


def test_plateau_by_hand_and_restored():
    optimizer = ours((1.0,))
    schedule = S.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1)
    rates = []
    for i, loss in enumerate([2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0]):
        if i == 3:
            fresh = S.ReduceLROnPlateau(optimizer)
            fresh.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
            schedule = fresh
        schedule.step(loss)
        rates += schedule.get_last_lr()
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    with pytest.raises(StateError, match="it is of StepLR"):
        schedule.load_state_dict(S.StepLR(optimizer, 3).state_dict())


def single(case):
    return lambda m, optimizer: getattr(m, case[0])(optimizer, **case[1])


SAVED = {label(case): single(case) for case in SCHEDULES} | COMPOSED


@pytest.mark.parametrize("make", SAVED.values(), ids=SAVED)
def test_saved_and_restored_goes_on_to_the_bit(make):
    optimizer = ours()
    schedule = make(S, optimizer)
    course(optimizer, schedule, 6)
    saved = json.loads(json.dumps([schedule.state_dict(), optimizer.state_dict()]))
    wanted = course(optimizer, schedule, 9)
    other = ours((9.0, 9.0))
    fresh = make(S, other)
    other.load_state_dict(saved[1])
    before = [dict(group, params=0) for group in other.param_groups]
    fresh.load_state_dict(saved[0])
    assert [dict(group, params=0) for group in other.param_groups] == before
    assert course(other, fresh, 9) == wanted


def test_tampered_states_are_refused_whole():
    optimizer = ours()
    schedule = COMPOSED["sequential"](S, optimizer)
    schedule.step()
    before = pickle.dumps(schedule.state_dict())
    for change, text in [
        (lambda s: s.update(last_epoch="x"), "last_epoch is 'x'"),
        (lambda s: s.update(last_epoch=-2), "last_epoch is -2"),
        (lambda s: s.pop("base_lrs"), "missing base_lrs"),
        (lambda s: s.update(base_lrs=[1.0]), r"base_lrs is \[1.0\]"),
        (lambda s: s["schedulers"][1].pop("gamma"), "ExponentialLR: missing gamma"),
        (lambda s: s["schedulers"].pop(), "not a list of 3 states"),
        (lambda s: s.update(schedule="StepLR"), "it is of StepLR"),
    ]:
        state = schedule.state_dict()
        change(state)
        with pytest.raises(StateError, match=text):
            schedule.load_state_dict(state)
        assert pickle.dumps(schedule.state_dict()) == before


def test_parts_of_an_epoch():
    optimizer = ours((1.0,))
    schedule = S.CosineAnnealingWarmRestarts(optimizer, 2, T_mult=2)
    for epoch, rate in [(1.0, 0.5), (2.0, 1.0), (4.0, 0.5), (5.999999, 0.0), (6, 1.0), (10, 0.5)]:
        schedule.step(epoch)
        assert schedule.get_last_lr()[0] == pytest.approx(rate, abs=1e-6)


def test_one_cycle_sets_betas():
    optimizer = optim.Adam([nn.Parameter([1.0])])
    schedule = S.OneCycleLR(optimizer, 1.0, total_steps=4)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.999)
    for _ in range(4):
        schedule.step()
    with pytest.raises(SettingError, match="cycle of 4"):
        schedule.step()


MISTAKES = [
    (lambda o: S.StepLR(o, 0), "step_size=0"),
    (lambda o: S.ConstantLR(o, 2.0), "factor=2.0"),
    (lambda o: S.LinearLR(o, 0.0), "start_factor"),
    (lambda o: S.PolynomialLR(o, 0), "total_iters=0"),
    (lambda o: S.CosineAnnealingLR(o, 0), "T_max=0"),
    (lambda o: S.CosineAnnealingWarmRestarts(o, 0), "T_0=0"),
    (lambda o: S.WarmupCosineLR(o, 5, 5), "warmup_steps=5"),
    (lambda o: S.OneCycleLR(o, 1.0), "total_steps, or epochs"),
    (lambda o: S.OneCycleLR(o, [1.0], 5), "1 rates for 2 groups"),
    (lambda o: S.OneCycleLR(o, 1.0, 5, anneal_strategy="sine"), "'cos' or 'linear'"),
    (lambda o: S.LambdaLR(o, [abs]), "1 functions for 2 groups"),
    (lambda o: S.ReduceLROnPlateau(o, factor=1.0), "factor=1.0"),
    (lambda o: S.ReduceLROnPlateau(o, mode="least"), "'min' or 'max'"),
    (lambda o: S.SequentialLR(o, [S.ExponentialLR(o, 0.5)], [3]), "need 0 milestones"),
    (lambda o: S.SequentialLR(o, [S.ReduceLROnPlateau(o)], []), "ReduceLROnPlateau has no rate"),
    (lambda o: S.ChainedScheduler([S.ExponentialLR(ours(), 0.5)], o), "same optimiser"),
    (lambda o: S.ExponentialLR(o.param_groups, 0.5), "with an optimiser, not with list"),
]


@pytest.mark.parametrize(("make", "text"), MISTAKES, ids=[text for _, text in MISTAKES])
def test_mistakes(make, text):
    with pytest.raises(SettingError, match=text):
        make(ours())


def test_groups_added_later_are_noticed():
    optimizer = ours()
    schedule = S.ExponentialLR(optimizer, 0.5)
    optimizer.add_param_group({"params": [nn.Parameter([1.0])]})
    with pytest.raises(SettingError, match="3 groups, ExponentialLR was made for 2"):
        schedule.step()
