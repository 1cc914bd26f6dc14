"""Module: what it finds, saves, loads, shows, and that it is a tree for the transforms."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import whence
from whence import Variable, nn
from whence.errors import DtypeError, GraphError, ShapeError, StateError
from whence.random import Stream


class Scale(nn.Module):
    def __init__(self, n: int) -> None:
        self.factor = nn.Parameter(np.ones(n))
        self.count = nn.Buffer(np.array(0))

    def forward(self, x):
        return self.factor * x


class Tied(nn.Module):
    def __init__(self) -> None:
        self.there = nn.Linear(3, 3, bias=False)
        self.back = nn.Linear(3, 3, bias=False)
        self.back.weight = self.there.weight

    def forward(self, x):
        return self.back(self.there(x))


class Nested(nn.Module):
    """Modules and parameters in every kind of container."""

    def __init__(self) -> None:
        self.first = nn.Linear(3, 4, dtype=np.float64, stream=Stream(1))
        self.layers = [Scale(4), nn.Sequential({"tanh": np.tanh, "scale": Scale(4)})]
        self.heads = {"a": nn.Linear(4, 1, dtype=np.float64, stream=Stream(2))}
        self.pair = (nn.Parameter(np.array([2.0])), nn.Parameter(np.array([3.0])))
        self.size = 3
        self.nothing = []

    def forward(self, x):
        x = self.first(x)
        for layer in self.layers:
            x = layer(x)
        return self.heads["a"](x) * self.pair[0] + self.pair[1]


NAMES = [
    "first.weight", "first.bias", "layers.0.factor", "layers.1.scale.factor", "heads.a.weight",
    "heads.a.bias", "pair.0", "pair.1",
]  # fmt: skip
X = np.random.default_rng(0).normal(size=(5, 3))


def test_parameters_modules_and_buffers_are_found():
    model = Nested()
    assert [name for name, _ in model.named_parameters()] == NAMES
    assert [name for name, _ in model.named_buffers()] == ["layers.0.count", "layers.1.scale.count"]
    assert [name for name, _ in model.named_modules()] == [
        "", "first", "layers.0", "layers.1", "layers.1.scale", "heads.a",
    ]  # fmt: skip
    assert [type(m).__name__ for m in model.children()] == ["Linear", "Scale", "Sequential", "Linear"]
    model(X).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_shared_parameter_counts_once_and_is_saved_under_both_names():
    model = Tied()
    assert len(list(model.parameters())) == 1
    assert set(model.state_dict()) == {"there.weight", "back.weight"}
    model(np.ones((1, 3), np.float32)).sum().backward()
    twin = copy.deepcopy(model)
    assert twin.back.weight is twin.there.weight
    assert twin.there.weight is not model.there.weight
    again = pickle.loads(pickle.dumps(model))
    assert again.back.weight is again.there.weight
    model.load_state_dict(twin.state_dict())
    assert model.back.weight is model.there.weight


# --- saving and loading --------------------------------------------------------------------------


def test_state_goes_around():
    model, other = Nested(), Nested()
    for p in other.parameters():
        p.assign(p.data + 1)
    state = model.state_dict()
    other.load_state_dict(state)
    np.testing.assert_array_equal(other(X).data, model(X).data)
    state["first.weight"][:] = 0  # a copy
    assert np.any(model.first.weight.data != 0)


def test_everything_that_does_not_fit_is_listed_and_nothing_is_loaded():
    model = Nested()
    before = model.state_dict()
    state = dict(before)
    del state["first.bias"], state["pair.0"]
    state["layers.0.factor"] = np.zeros(5)
    state["pair.1"] = np.zeros(1, complex)
    state["layers.7.factor"] = np.zeros(4)
    with pytest.raises(StateError) as caught:
        model.load_state_dict(state)
    text = str(caught.value)
    assert "does not fit Nested" in text
    assert "test_module.py" in text
    assert "missing: first.bias, pair.0" in text
    assert "extra: layers.7.factor" in text
    assert "layers.0.factor: (5,), the module has (4,)" in text
    assert "pair.1: complex128 values, the module has float64" in text
    assert "nothing was loaded" in text
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[key])
    with pytest.raises(StateError, match=r"wrongly shaped"):
        model.load_state_dict(state, strict=False)
    some = {"pair.0": np.array([7.0]), "unknown": np.zeros(1)}
    model.load_state_dict(some, strict=False)
    assert model.pair[0].data == [7.0]
    with pytest.raises(StateError, match="strict=False to take what is there"):
        model.load_state_dict(some)


def test_what_is_no_array_is_refused_before_anything_is_loaded():
    model = Nested()
    before = model.state_dict()
    state = {**{key: value + 1 for key, value in before.items()}, "pair.1": "weights"}
    with pytest.raises((StateError, DtypeError)):
        model.load_state_dict(state)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_pytorchs_state_loads():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Linear(3, 2)
    mine = nn.Linear(3, 2)
    mine.load_state_dict(theirs.state_dict())
    x = np.ones((4, 3), np.float32)
    np.testing.assert_allclose(mine(x).data, theirs(torch.tensor(x)).detach(), rtol=1e-6)


# --- lazy sizes ----------------------------------------------------------------------------------


def test_a_lazy_layer_learns_its_size_from_data():
    layer = nn.Linear(None, 2)
    assert layer.weight.is_lazy
    assert repr(layer) == "Linear(None, 2)"
    with pytest.raises(StateError, match=r"'weight' is not known yet(.|\n)*call the model once"):
        layer.state_dict()
    layer(np.ones((4, 3), np.float32))
    assert layer.weight.shape == (2, 3)
    with pytest.raises(ShapeError, match=r"last axis has to be 3"):
        layer(np.ones((4, 5), np.float32))


def test_a_lazy_layer_learns_its_size_from_a_saved_state():
    full = nn.Linear(3, 2)
    lazy = nn.Linear(None, 2)
    lazy.load_state_dict(full.state_dict())
    x = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(lazy(x).data, full(x).data)
    assert repr(lazy) == repr(full)


def test_a_lazy_layer_keeps_the_type_it_was_given_later():
    layer = nn.Linear(None, 2).double()
    assert layer(np.ones((4, 3))).dtype == np.float64
    assert layer.weight.dtype == np.float64


# --- settings ------------------------------------------------------------------------------------


def test_train_and_eval_reach_everything():
    model = Nested()
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    model.train()
    assert all(m.training for m in model.modules())


def test_types():
    model = Nested().float()
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert model.layers[0].count.dtype == np.int64
    assert model(X.astype(np.float32)).dtype == np.float32
    assert model.double()(X).dtype == np.float64


def test_frozen_parameters_get_no_gradient():
    model = Nested()
    model.first.requires_grad_(False)
    model(X).sum().backward()
    assert model.first.weight.grad is None
    assert model.pair[1].grad is not None
    model.first.requires_grad_()
    model(X).sum().backward()
    assert model.first.weight.grad is not None


def test_apply_goes_from_the_leaves_up():
    seen = []
    Nested().apply(lambda m: seen.append(type(m).__name__))
    assert seen[-1] == "Nested"
    assert len(seen) == 6


def test_copies_are_apart():
    model = Nested()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other(X).data, model(X).data)
        other.first.weight.assign(np.zeros((4, 3)))
        assert np.any(model.first.weight.data != 0)
        other(X).sum().backward()
        assert model.heads["a"].weight.grad is None


def test_repr():
    assert repr(Nested()) == (
        "Nested(\n"
        "  (first): Linear(3, 4)\n"
        "  (layers.0): Scale()\n"
        "  (layers.1): Sequential(\n"
        "    (tanh): tanh\n"
        "    (scale): Scale()\n"
        "  )\n"
        "  (heads.a): Linear(4, 1)\n"
        ")"
    )
    assert repr(nn.Parameter(None)) == "Parameter(of unknown shape)"
    assert repr(nn.Buffer(None)) == "Buffer(of unknown shape)"


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r"Module has no forward\(\)"):
        nn.Module()(1)


# --- a tree for transforms -----------------------------------------------------------------------


def loss(model, x):
    return np.sum(model(x) ** 2)


def test_grad_of_a_module_is_a_module_of_gradients():
    model = Nested()
    slope = whence.grad(loss)(model, X)
    assert isinstance(slope, Nested)
    loss(model, X).backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(_at(slope, name), p.grad.data, rtol=1e-12)


def _at(tree, path):
    """What a dotted name means in a tree of modules and containers."""
    for key in path.split("."):
        if isinstance(tree, nn.Module):
            tree = getattr(tree, key)
        else:
            tree = tree[key if isinstance(tree, dict) else int(key)]
    return np.asarray(getattr(tree, "_data", tree))


def test_gradients_of_each_example():
    model = Nested()
    each = whence.vmap(whence.grad(loss), (None, 0))(model, X)
    for i, x in enumerate(X):
        one = whence.grad(loss)(model, x)
        for name in NAMES:
            np.testing.assert_allclose(_at(each, name)[i], _at(one, name), rtol=1e-10, atol=1e-12)


def test_jacobian_and_second_order():
    model = nn.Linear(3, 2, dtype=np.float64)
    rows = whence.jacobian(lambda m: m(X[0]))(model)
    np.testing.assert_allclose(_at(rows, "weight"), np.einsum("ij,k->ijk", np.eye(2), X[0]))
    np.testing.assert_allclose(_at(rows, "bias"), np.eye(2))
    whence.testing.check_gradient(lambda m, x: loss(m, x), Nested(), X)


def test_no_gradient_leaks_into_the_model():
    model = Nested()
    whence.grad(loss)(model, X)
    assert all(p.grad is None for p in model.parameters())


# --- containers ----------------------------------------------------------------------------------


def test_sequential():
    model = nn.Sequential(nn.Linear(3, 4), np.tanh, nn.Linear(4, 2))
    x = np.ones((5, 3), np.float32)
    assert len(model) == 3
    assert model[1] is np.tanh
    head = model[:2]
    assert isinstance(head, nn.Sequential)
    assert head(x).shape == (5, 4)
    assert head[0] is model[0]
    np.testing.assert_array_equal(model[2](head(x)).data, model(x).data)
    assert model[-1] is model[2]
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    named = nn.Sequential({"into": nn.Linear(3, 4), "out": nn.Linear(4, 2)})
    assert "into.weight" in named.state_dict()
    model.append(nn.ReLU())
    assert np.all(model(x).data >= 0)
    with pytest.raises(DtypeError, match=r"Sequential\(a, b\), not Sequential\(\[a, b\]\)"):
        nn.Sequential([nn.Linear(3, 4)])
    assert nn.Sequential()(x) is x


def test_lists_and_dicts_of_modules():
    class Many(nn.Module):
        def __init__(self) -> None:
            self.blocks = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
            self.heads = nn.ModuleDict({"a": nn.Linear(2, 1)})

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.heads["a"](x)

    model = Many()
    x = np.ones((1, 2), np.float32)
    assert "blocks.2.weight" in model.state_dict()
    assert "heads.a.bias" in model.state_dict()
    assert len(model.blocks[:2]) == 2
    model.blocks.append(nn.Linear(2, 2))
    assert len(list(model.parameters())) == 10
    slope = whence.grad(lambda m: np.sum(m(x)))(model)
    assert slope.blocks[3].weight.shape == (2, 2)
    copied = copy.deepcopy(model)
    np.testing.assert_array_equal(copied(x).data, model(x).data)
    assert list(model.heads) == ["a"]
    assert nn.Identity(3, any=2)(x) is x


def test_a_buffer_is_saved_but_not_learned():
    scale = Scale(2)
    scale.count.assign(np.array(5))
    assert scale.state_dict()["count"] == 5
    y = scale(Variable(np.ones(2)))
    y.sum().backward()
    assert scale.count.grad is None
    assert repr(scale.count) == "Buffer(5)"


def test_lists_may_hold_functions_and_gaps_too():
    class Mixed(nn.Module):
        def __init__(self):
            self.layers = [nn.Linear(2, 2), np.tanh, None, nn.Linear(2, 1)]

    assert sorted(Mixed().state_dict()) == [
        "layers.0.bias", "layers.0.weight", "layers.3.bias", "layers.3.weight",
    ]  # fmt: skip


def test_parameters_are_not_lost_by_assignment():
    model = nn.Linear(2, 1)
    with pytest.raises(GraphError, match=r"weight\.assign"):
        model.weight = np.zeros((1, 2))
    with pytest.raises(GraphError, match=r"weight\.assign"):
        model.weight = model.weight * 2
    model.weight = nn.Parameter(np.zeros((1, 2)))
    model.bias = None
    assert list(model.state_dict()) == ["weight"]


def test_names_that_clash_are_refused():
    class Clash(nn.Module):
        def __init__(self):
            self.d = {"a.b": nn.Linear(1, 1), "a": {"b": nn.Linear(1, 1)}}

    with pytest.raises(StateError, match="without dots"):
        Clash().state_dict()


def test_lazy_layers_keep_their_dtype_and_take_only_floats():
    layer = nn.Linear(None, 3)
    with pytest.raises(StateError, match="floats"):
        layer.load_state_dict({"weight": np.ones((3, 5), int), "bias": np.ones(3)})
    layer.load_state_dict({"weight": np.ones((3, 5)), "bias": np.ones(3)})
    assert layer.weight.dtype == np.float32 and layer(np.ones((2, 5), np.float32)).dtype == np.float32
    with pytest.raises(StateError, match="not known yet"):
        whence.grad(lambda m: np.sum(m(np.ones(2))))(nn.Linear(None, 1))
