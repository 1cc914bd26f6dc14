"""Laws that every optimiser keeps."""

import copy
import gc
import pickle

import numpy as np
import pytest

from whence import Variable, nn, optim
from whence.errors import DtypeError, SettingError, ShapeError, StateError
from whence.optim import packs

from .cases import OPTIMISERS, OURS, first_values, label, slope

ALL = pytest.mark.parametrize("case", OPTIMISERS + OURS, ids=label)


def made(case, params):
    name, keywords = case
    return getattr(optim, name)(params, **keywords)


def parameters(dtype=np.float64):
    return [nn.Parameter(value) for value in first_values(dtype)]


def go(optimizer, params, steps):
    """Some updates; the parameters after them."""
    for t in steps:
        for i, p in enumerate(params):
            p.grad = slope(np.array(p._data), i, t)
        optimizer.step()
    return [np.array(p._data) for p in params]


def same_bits(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == b.dtype and a.tobytes() == b.tobytes()


class OneByOne:
    """Whole parameters, each alone, by the pure formula."""

    def __init__(self, optimizer, params):
        self.optimizer, self.group = optimizer, optimizer.param_groups[0]
        self.values = [np.array(p._data) for p in params]
        self.states = [optimizer.init_single(value, self.group) for value in self.values]

    def step(self, t):
        for i, p in enumerate(self.values):
            g, p = self.optimizer.decayed(slope(p, i, t), p, self.group)
            before = copy.deepcopy((g, p, self.states[i]))
            new, state = self.optimizer.apply_single(g, p, self.states[i], self.group, t + 1)
            same_bits([g, p], before[:2])
            assert {k: np.array(v).tobytes() for k, v in self.states[i].items()} == {
                k: np.array(v).tobytes() for k, v in before[2].items()
            }
            self.values[i], self.states[i] = np.asarray(new), state


@ALL
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_packed_is_one_by_one_and_formulas_are_pure(case, dtype):
    params = parameters(dtype)
    optimizer = made(case, params)
    alone = OneByOne(optimizer, params)
    for t in range(8):
        alone.step(t)
    same_bits(go(optimizer, params, range(8)), alone.values)


@ALL
def test_blocks_are_the_whole(case, monkeypatch):
    params, others = parameters(), parameters()
    wanted = go(made(case, params), params, range(4))
    monkeypatch.setattr(packs, "BLOCK", 5)
    same_bits(go(made(case, others), others, range(4)), wanted)
    monkeypatch.setattr(packs, "SMALL", 5)
    others = parameters()
    same_bits(go(made(case, others), others, range(4)), wanted)


@ALL
def test_saved_and_restored_goes_on_to_the_bit(case):
    params = parameters()
    optimizer = made(case, params)
    middle = go(optimizer, params, range(3))
    saved = optimizer.state_dict()
    wanted = go(optimizer, params, range(3, 7))
    others = [nn.Parameter(value) for value in middle]
    fresh = getattr(optim, case[0])(others, lr=9.0)
    fresh.load_state_dict(pickle.loads(pickle.dumps(saved)))
    same_bits(go(fresh, others, range(3, 7)), wanted)
    again = [nn.Parameter(value) for value in middle]
    late = made(case, again)
    go(late, again, range(2))
    for p, value in zip(again, middle, strict=True):
        p.assign(value)
    late.load_state_dict(saved)  # what was saved has not changed since
    same_bits(go(late, again, range(3, 7)), wanted)


@ALL
def test_copies_go_their_own_way(case):
    params = parameters()
    optimizer = made(case, params)
    go(optimizer, params, range(2))
    for copied, others in (
        copy.deepcopy((optimizer, params)),
        pickle.loads(pickle.dumps((optimizer, params))),
    ):
        before = [np.array(p._data) for p in params]
        found = go(copied, others, range(2, 4))
        same_bits([p._data for p in params], before)
        other, theirs = copy.deepcopy((optimizer, params))
        same_bits(found, go(other, theirs, range(2, 4)))


@ALL
def test_missing_gradients_leave_parameters_and_state_alone(case):
    params = parameters()
    optimizer = made(case, params)
    alone = [OneByOne(made(case, [p]), [p]) for p in params]
    turns = [[0, 1, 2, 3], [0, 2], [0, 2], [1], [0, 1, 2, 3], [0, 1, 2, 3]]
    counts = [0] * 4
    for turn in turns:
        optimizer.zero_grad()
        for i in turn:
            params[i].grad = slope(np.array(params[i]._data), 0, counts[i])
            alone[i].step(counts[i])
            counts[i] += 1
        optimizer.step()
    same_bits([p._data for p in params], [one.values[0] for one in alone])


@ALL
def test_float32_stays(case):
    params = parameters(np.float32)
    optimizer = made(case, params)
    go(optimizer, params, range(2))
    assert all(p.data.dtype == np.float32 for p in params)
    for state in optimizer.state_dict()["state"].values():
        assert all(v.dtype == np.float32 for v in state.values() if isinstance(v, np.ndarray))


@ALL
def test_graphs_recorded_before_keep_the_old_values(case):
    params = parameters()
    optimizer = made(case, params)
    go(optimizer, params, range(2))
    values = [np.array(p._data) for p in params]
    loss = sum((p * p * p).sum() for p in params)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    for p, value in zip(params, values, strict=True):
        np.testing.assert_allclose(p.grad.data, 3 * value**2, rtol=1e-14)


@pytest.mark.parametrize("name", ["SGD", "Adam", "Lion"])
def test_read_arrays_are_ones_own(name):
    p, q = nn.Parameter(np.ones(3)), nn.Parameter(np.ones(2))
    optimizer = made((name, {"lr": 0.25}), [p, q])
    for part in (p, q):
        part.grad = np.ones(part.shape)
    optimizer.step()
    p.data[...] = 7.0  # what the user writes does not reach q, and is what the next step starts from
    assert np.all(q.data < 1)
    optimizer.step()
    assert np.all(p.data < 7) and np.all(p.data > 6)
    p.assign(np.full(3, 3.0))
    optimizer.step()
    assert np.all(p.data < 3) and np.all(p.data > 2)


def test_groups():
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)
    a.grad, b.grad = np.ones(1), np.ones(1)
    optimizer.step()
    assert (a.data[0], b.data[0]) == (0.75, 0.5)
    optimizer.param_groups[0]["lr"] = 0.5
    c = nn.Parameter([1.0])
    optimizer.add_param_group({"params": [c], "momentum": 0.5})
    c.grad = np.ones(1)
    optimizer.step()
    assert (a.data[0], b.data[0], c.data[0]) == (0.25, 0.0, 0.75)
    assert "momentum=0.5" in repr(optimizer)


def test_momentum_may_be_switched_on_later():
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p], lr=1.0)
    p.grad = np.ones(1)
    optimizer.step()
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.step()
    optimizer.step()
    assert p.data[0] == 1 - 1 - 1 - 1.5
    assert list(optimizer.state_dict()["state"][0]) == ["step", "momentum_buffer"]


def test_complex_parameters_are_pairs():
    z, pair = nn.Parameter(np.array([1 + 2j, 3 - 1j])), nn.Parameter(np.array([1.0, 2, 3, -1]))
    one, two = optim.Adam([z], lr=0.1), optim.Adam([pair], lr=0.1)
    for _ in range(3):
        z.grad, pair.grad = z.data * (1 + 1j), (z.data * (1 + 1j)).view(float)
        one.step()
        two.step()
    np.testing.assert_array_equal(z.data.view(float), pair.data)
    saved = one.state_dict()
    assert saved["state"][0]["exp_avg"].dtype == complex
    one.load_state_dict(saved)


def test_lazy_parameters_wait():
    layer = nn.Linear(None, 2)
    optimizer = optim.Adam(layer.parameters())
    optimizer.step()
    layer(np.ones((1, 3), np.float32)).sum().backward()
    before = layer.weight.data.copy()
    optimizer.step()
    assert np.all(layer.weight.data < before)


def test_a_model_made_double_goes_on():
    layer = nn.Linear(2, 2)
    optimizer = optim.Adam(layer.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        layer(np.ones((1, 2))).sum().backward()
        optimizer.step()
        layer.double()
    assert layer.weight.data.dtype == np.float64
    assert optimizer.state_dict()["state"][0]["step"] == 2


def test_closures_and_zeroing():
    p = nn.Parameter([2.0])
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert float(optimizer.step(closure)) == 4.0 and p.data[0] == 1.0
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.data[0] == 0.0
    optimizer.zero_grad()
    assert p.grad is None


def test_an_optimiser_of_ones_own_sees_whole_parameters():
    class Normalised(optim.Optimizer):
        def init_single(self, p, hyper):
            return {"norms": np.zeros(3), "last": 0.0}

        def apply_single(self, g, p, state, hyper, step):
            norm = float(np.linalg.norm(g))
            return p - hyper["lr"] * g / norm, {"norms": state["norms"] + norm, "last": norm}

    p = nn.Parameter(np.zeros((2, 2)))
    optimizer = Normalised([p], lr=2.0)
    p.grad = np.full((2, 2), 5.0)
    optimizer.step()
    np.testing.assert_allclose(p.data, -np.ones((2, 2)))
    saved = optimizer.state_dict()
    assert saved["state"][0]["last"] == 10.0
    optimizer.load_state_dict(saved)
    optimizer.step()
    assert optimizer.state_dict()["state"][0]["norms"][0] == 20.0


def test_nothing_is_kept_alive():
    p = nn.Parameter(np.ones(3))
    optimizer = optim.Adam([p])
    p.grad = np.ones(3)
    optimizer.step()
    gc.collect()
    gc.disable()
    try:
        from_graph = (p * p).sum()
        optimizer.step()
        del from_graph
        assert gc.collect() == 0
    finally:
        gc.enable()


MISTAKES = [
    (lambda: optim.Adam([]), SettingError, "used up"),
    (lambda: optim.Adam(iter(())), SettingError, "model.parameters"),
    (lambda: optim.Adam(parameters(), lr=-1.0), SettingError, "lr=-1.0 is not a number that is not negative"),
    (lambda: optim.Adam(parameters(), lr=np.nan), SettingError, "lr=nan"),
    (lambda: optim.Adam(parameters(), betas=(0.9, 1.0)), SettingError, r"betas=\(0.9, 1.0\)"),
    (lambda: optim.SGD(parameters(), nesterov=True), SettingError, "nesterov=True needs momentum"),
    (lambda: optim.Adam(2 * parameters()[:1]), SettingError, "given twice"),
    (lambda: optim.Adam([{"params": parameters(), "rate": 1.0}]), SettingError, "it has no rate"),
    (lambda: optim.Adam({"params": parameters()}), DtypeError, "list of parameters"),
    (lambda: optim.Adam(nn.Linear(2, 2)), DtypeError, r"model.parameters\(\)"),
    (lambda: optim.Adam([np.ones(2)]), DtypeError, "nn.Parameter"),
    (lambda: optim.Adam([Variable(np.arange(3))]), DtypeError, "int64"),
    (lambda: optim.Adam([Variable(np.ones(2)) * 2]), SettingError, "detach"),
]


@pytest.mark.parametrize(("make", "kind", "text"), MISTAKES, ids=[text for _, _, text in MISTAKES])
def test_mistakes(make, kind, text):
    with pytest.raises(kind, match=text):
        make()


def test_gradients_that_do_not_fit_change_nothing():
    p, q = nn.Parameter(np.ones(3), name="p"), nn.Parameter(np.ones(4), name="q")
    optimizer = optim.Adam([p, q])
    for shape, dtype, kind in (((1, 4), float, ShapeError), ((4,), complex, DtypeError)):
        p.grad, q.grad = np.ones(3), np.ones(shape, dtype)
        with pytest.raises(kind, match="'q'"):
            optimizer.step()
        assert np.all(p.data == 1) and not optimizer.state_dict()["state"]


def tampered(change):
    params = parameters()
    optimizer = optim.Adam(params)
    go(optimizer, params, range(2))
    state = optimizer.state_dict()
    change(state)
    return optimizer, state


TAMPERINGS = [
    (lambda s: s.pop("state"), "the state: missing state"),
    (lambda s: s.update(optimizer="SGD"), "it is of SGD"),
    (lambda s: s["param_groups"].pop(), "param_groups: 0, the optimiser has 1"),
    (lambda s: s["param_groups"][0].pop("lr"), "group 0: missing lr"),
    (lambda s: s["param_groups"][0].update(lr=-1.0, more=2), "extra more"),
    (lambda s: s["param_groups"][0].update(lr=-1.0), "group 0: lr=-1.0"),
    (lambda s: s["param_groups"][0]["params"].pop(), "group 0: 3 parameters, the optimiser has 4"),
    (lambda s: s["state"][1].pop("exp_avg"), "parameter 1: missing exp_avg"),
    (lambda s: s["state"][1].update(other=1), "parameter 1: extra other"),
    (lambda s: s["state"][1].update(step=-3), "parameter 1: step is -3"),
    (lambda s: s["state"][0].update(exp_avg=np.ones(2)), r"has the shape \(2,\), not \(3, 4\)"),
    (lambda s: s["state"][0].update(exp_avg=np.ones((3, 4)) * 1j), "complex128 values, not float64"),
    (lambda s: s["state"].update({9: {}}), "parameters that the optimiser has not: 9"),
]


@pytest.mark.parametrize(("change", "text"), TAMPERINGS, ids=[text for _, text in TAMPERINGS])
def test_tampered_states_are_refused_whole(change, text):
    optimizer, state = tampered(change)
    before = pickle.dumps(optimizer.state_dict())
    with pytest.raises(StateError, match=text) as caught:
        optimizer.load_state_dict(state)
    assert "nothing was loaded" in str(caught.value)
    assert pickle.dumps(optimizer.state_dict()) == before


def test_all_faults_are_listed():
    optimizer, state = tampered(lambda s: (s["state"][0].pop("exp_avg"), s["state"][2].update(step="x")))
    with pytest.raises(StateError, match=r"(?s)parameter 0: missing exp_avg.*parameter 2: step is 'x'"):
        optimizer.load_state_dict(state)
