"""What layers cannot be made of is refused where they are made, by the name of the argument."""

from __future__ import annotations

import inspect
from collections import deque
from typing import Any

import numpy as np
import pytest

import whence
from whence import nn
from whence.errors import BoundsError, DtypeError, GraphError, ShapeError
from whence.tree import TreeError

SIZES: list[tuple[Any, str]] = [
    (lambda n: nn.Linear(3, n), "Linear got out_features"),
    (lambda n: nn.Linear(n, 3), "Linear got in_features"),
    (lambda n: nn.Bilinear(2, n, 3), "Bilinear got in2_features"),
    (lambda n: nn.Conv2d(3, n, 3), "Conv2d got out_channels"),
    (lambda n: nn.Conv1d(n, 3, 3), "Conv1d got in_channels"),
    (lambda n: nn.ConvTranspose2d(4, 4, 3, groups=n), "ConvTranspose2d got groups"),
    (lambda n: nn.LSTM(3, n), "LSTM got hidden_size"),
    (lambda n: nn.GRU(n, 3), "GRU got input_size"),
    (lambda n: nn.RNN(3, 3, num_layers=n), "RNN got num_layers"),
    (lambda n: nn.GRUCell(3, n), "GRUCell got hidden_size"),
    (lambda n: nn.Embedding(n, 3), "Embedding got num_embeddings"),
    (lambda n: nn.Embedding(3, n), "Embedding got embedding_dim"),
    (lambda n: nn.BatchNorm1d(n), "BatchNorm1d got num_features"),
    (lambda n: nn.LayerNorm(n), "LayerNorm got normalized_shape"),
    (lambda n: nn.RMSNorm((3, n)), "RMSNorm got normalized_shape"),
    (lambda n: nn.GroupNorm(n, 4), "GroupNorm got num_groups"),
    (lambda n: nn.GroupNorm(1, n), "GroupNorm got num_channels"),
    (lambda n: nn.MultiheadAttention(n, 2), "MultiheadAttention got embed_dim"),
    (lambda n: nn.MultiheadAttention(4, n), "MultiheadAttention got num_heads"),
    (lambda n: nn.TransformerEncoderLayer(4, 2, n), "TransformerEncoderLayer got dim_feedforward"),
]


@pytest.mark.parametrize("size", [-1, 2.5, "3", True])
@pytest.mark.parametrize(("make", "text"), SIZES)
def test_sizes_are_integers_that_make_sense(make, text, size):
    with pytest.raises(
        ShapeError, match=rf"{text}={size!r} \(called at (.|\n)*test_settings(.|\n)*an integer, "
    ):
        make(size)


def test_numpys_integers_are_sizes():
    n = np.int64(3)
    assert nn.Linear(n, n)(np.ones((2, 3))).shape == (2, 3)
    assert nn.LSTM(n, n)(np.ones((2, 1, 3)))[0].shape == (2, 1, 3)


def test_a_padding_row_is_a_row():
    with pytest.raises(BoundsError, match="padding_idx 7 is no row of a table of 4"):
        nn.Embedding(4, 2, padding_idx=7)
    np.testing.assert_array_equal(nn.Embedding(4, 2, padding_idx=-1).weight._data[3], 0)


def test_the_batch_is_the_second_axis_unless_told_otherwise_as_in_pytorch():
    layers = [nn.RNN, nn.LSTM, nn.GRU, nn.MultiheadAttention]
    layers += [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer]
    for layer in layers:
        assert inspect.signature(layer).parameters["batch_first"].default is False


@pytest.mark.parametrize("dtype", ["float16", "complex64", "int32", "longdouble", "nonsense"])
def test_layers_are_of_two_types(dtype):
    for make in (
        nn.set_default_dtype,
        lambda d: nn.Linear(3, 2, dtype=d),
        lambda d: nn.LayerNorm(2, dtype=d),
    ):
        with pytest.raises(DtypeError, match=r"layers are float32 or float64, not "):
            make(dtype)
    assert nn.Linear(3, 2).weight.dtype == np.float32
    with pytest.raises(DtypeError, match=r"for storage"):
        nn.set_default_dtype(np.float16)
    assert nn.Linear(3, 2).to(np.float16).weight.dtype == np.float16


class Holder(nn.Module):
    def __init__(self, part: Any = None) -> None:
        self.inner = nn.Linear(2, 2)
        self.part = part


def test_a_module_that_holds_itself_is_refused():
    direct = Holder()
    direct.part = direct
    indirect = Holder(Holder())
    indirect.part.part = [indirect]
    for model, name in ((direct, "part"), (indirect, "part.part.0")):
        for call in (
            lambda m: list(m.parameters()),
            lambda m: m.state_dict(),
            lambda m: m.eval(),
            lambda m: m.load_state_dict({}),
        ):
            with pytest.raises(GraphError, match=rf"a Holder holds itself, as its '{name}'(.|\n)*weakref"):
                call(model)
        assert "..." in repr(model)
        with pytest.raises(TreeError, match="holds itself"):
            whence.grad(lambda m: np.sum(m.inner(np.ones(2))))(model)


def test_one_module_in_two_places_is_no_circle():
    shared = nn.Linear(2, 2)
    model = Holder([shared, Holder(shared)])
    assert len(list(model.parameters())) == 6
    assert "part.1.part.weight" in model.state_dict()


@pytest.mark.parametrize("container", [set, frozenset, deque, lambda parts: np.array(parts, dtype=object)])
def test_modules_in_containers_without_names_are_not_lost_in_silence(container):
    for part in (nn.Linear(2, 2), nn.Parameter(np.ones(2))):
        if isinstance(part, nn.Parameter) and container not in (deque,):
            continue  # arrays take it apart, and sets hold what has a hash
        with pytest.raises(GraphError, match=r"would not be found(.|\n)*test_settings(.|\n)*a list"):
            Holder(container([part]))
        model = Holder([container([part])])
        with pytest.raises(GraphError, match="would not be found"):
            list(model.parameters())
    for plain in ({1, 2}, deque([np.tanh]), np.array(["a", None], dtype=object)):
        assert len(list(Holder(plain).parameters())) == 2
