"""RNN, LSTM and GRU: PyTorch's numbers, lengths, second order, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import whence
from whence import Variable, nn
from whence.errors import DtypeError, ShapeError, WhenceError
from whence.random import Stream
from whence.testing import check_gradient

from .record_sequence import CELLS, FILE, LENGTHS, RECURRENT, arrays, called, flat, weighted

LAYERS = {name: (getattr(nn, kind), args, how) for name, (kind, args, how) in RECURRENT.items()}
LAYERS |= {name: (getattr(nn, kind), (3, 4), {}) for name, kind in CELLS.items()}


def made(name: str) -> Any:
    kind, args, options = LAYERS[name]
    return kind(*args, **options, dtype=np.float64, stream=Stream(1))


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_recorded_numbers_of_pytorch(name):
    with np.load(FILE) as file:
        case = {key[len(name) + 1 :]: file[key] for key in file.files if key.startswith(name + "/")}
    model = made(name)
    model.load_state_dict({key[6:]: value for key, value in case.items() if key.startswith("state/")})
    x, states = arrays(name)
    inputs = [Variable(a) for a in (x, *states)]
    ys = flat(called(model, *inputs))
    for k, y in enumerate(ys):
        close(y.data, case[f"output/{k}"])
    weighted(ys, np.asarray).backward()
    for key, p in model.named_parameters():
        close(p.grad.data, case[f"grad/{key}"])
    for k, v in enumerate(inputs):
        close(v.grad.data, case[f"input/{k}"])


@pytest.mark.parametrize("name", [name for name in RECURRENT if name != "lstm_first"])
def test_lengths_are_pytorchs_packed_sequences(name):
    torch = pytest.importorskip("torch")
    kind, args, options = RECURRENT[name]
    theirs = getattr(torch.nn, kind)(*args, **options).double()
    mine = made(name)
    mine.load_state_dict(theirs.state_dict())
    x, states = arrays(name)
    tx = torch.tensor(x, requires_grad=True)
    packed = torch.nn.utils.rnn.pack_padded_sequence(tx, torch.tensor(LENGTHS), enforce_sorted=False)
    begin = tuple(torch.tensor(s) for s in states)
    out, last = theirs(packed, begin if len(begin) == 2 else begin[0])
    ys = [torch.nn.utils.rnn.pad_packed_sequence(out, total_length=5)[0], *flat(last)]
    weighted(ys, torch.tensor).backward()
    v = Variable(x)
    mine_ys = flat(mine(v, tuple(states) if len(states) == 2 else states[0], lengths=LENGTHS))
    for y, expected in zip(mine_ys, ys, strict=True):
        close(y.data, expected.detach().numpy())
    weighted(mine_ys, np.asarray).backward()
    close(v.grad.data, tx.grad.numpy())
    for key, p in mine.named_parameters():
        close(p.grad.data, theirs.get_parameter(key).grad.numpy())


@pytest.mark.parametrize("name", RECURRENT)
def test_lengths_are_each_sequence_by_itself(name):
    model = made(name)
    x, _ = arrays(name)
    first = model.batch_first
    y, last = model(x, lengths=LENGTHS)
    for b, n in enumerate(LENGTHS):
        alone, end = model(x[b, :n] if first else x[:n, b])
        mine = (y[b] if first else y[:, b])._data
        close(mine[:n], alone._data)
        assert not mine[n:].any()
        for part, of_one in zip(flat(last), flat(end), strict=True):
            close(part._data[:, b], of_one._data)


@pytest.mark.parametrize("lengths", [None, [3, 1]])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_second_order(kind, lengths):
    model = kind(2, 2, bidirectional=True, dtype=np.float64, stream=Stream(3))
    x = np.random.default_rng(0).normal(size=(3, 2, 2))

    def f(model: Any, x: Any) -> Any:
        return sum(np.sum(np.sin(part)) for part in flat(model(x, lengths=lengths)))

    check_gradient(f, model, x, order=2)


def test_second_order_of_a_projected_state():
    model = nn.LSTM(2, 3, proj_size=1, dtype=np.float64, stream=Stream(3))
    x = np.random.default_rng(0).normal(size=(3, 2, 2))
    check_gradient(lambda model, x: np.sum(np.sin(model(x, lengths=[3, 1])[0])), model, x, order=2)
    assert model.weight_hr_l0.shape == (1, 3) and repr(model) == "LSTM(2, 3, proj_size=1)"


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_a_layer_is_a_loop_over_its_cell(kind):
    layer = {nn.RNNCell: nn.RNN, nn.LSTMCell: nn.LSTM, nn.GRUCell: nn.GRU}[kind]
    cell = kind(3, 4, dtype=np.float64, stream=Stream(2))
    whole = layer(3, 4, dtype=np.float64)
    whole.load_state_dict({f"{key}_l0": value for key, value in cell.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(6, 2, 3))
    state = None
    for t, step in enumerate(x):
        state = cell(step, state)
        close(flat(state)[0].data, whole(x)[0].data[t])
    single = cell(x[0, 0])
    close(flat(single)[0].data, flat(cell(x[0]))[0].data[0])


def test_lazy_input_size_and_names():
    model = nn.LSTM(None, 4, num_layers=2, bidirectional=True)
    assert model(np.ones((5, 2, 3), np.float32))[0].dtype == np.float32
    assert list(model.state_dict())[:4] == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    assert model.state_dict()["weight_ih_l1_reverse"].shape == (16, 8)
    assert repr(model) == "LSTM(3, 4, num_layers=2, bidirectional=True)"
    assert nn.GRUCell(None, 2)(np.ones((4, 3))).shape == (4, 2)


def test_dropout_between_layers_only_in_training():
    model = nn.GRU(3, 4, num_layers=2, dropout=0.5, stream=Stream(1))
    x = np.ones((5, 2, 3), np.float32)
    assert np.any(model(x)[0].data != model(x)[0].data)
    model.eval()
    np.testing.assert_array_equal(model(x)[0].data, model(x)[0].data)


def test_one_gradient_for_each_example():
    model = nn.LSTM(3, 2, dtype=np.float64, stream=Stream(1))
    x = np.random.default_rng(0).normal(size=(4, 5, 3))  # sequences without a batch

    def loss(model: Any, x: Any) -> Any:
        return np.sum(model(x)[0] ** 2)

    each = whence.vmap(whence.grad(loss), (None, 0))(model, x)
    for b in range(4):
        close(each.weight_hh_l0[b].data, whence.grad(loss)(model, x[b]).weight_hh_l0.data)


def test_bad_input_is_named():
    lstm = nn.LSTM(3, 4)
    x = np.ones((5, 2, 3), np.float32)
    for call, error, text in [
        (lambda: lstm(np.ones((5, 2, 4))), ShapeError, r"LSTM got x of shape \(5, 2, 4\).*\n.*\(T, B, 3\)"),
        (
            lambda: lstm(x, (np.ones((1, 2, 4)), np.ones((1, 1, 4)))),
            ShapeError,
            r"first state.*\n.*\(1, 2",
        ),
        (lambda: lstm(x, np.ones((1, 2, 4))), ShapeError, r"starts from a pair \(h, c\)"),
        (
            lambda: lstm(x, lengths=[5, 6]),
            ShapeError,
            r"lengths \[5, 6\] for 2 sequences of 5",
        ),
        (lambda: lstm(x, lengths=[5, 0]), ShapeError, "from 1 to 5"),
        (lambda: lstm(x, lengths=[5.0, 1.0]), DtypeError, "lengths are integers, not float64"),
        (lambda: lstm(x[:0]), ShapeError, "no steps"),
        (lambda: nn.RNN(3, 4, nonlinearity="gelu"), WhenceError, "'tanh' or 'relu', not 'gelu'"),
        (lambda: nn.GRU(3, 0), ShapeError, r"GRU got hidden_size=0(.|\n)*1 or more"),
        (lambda: nn.LSTM(3, 2, proj_size=2), ShapeError, r"proj_size=2 with hidden_size=2(.|\n)*less than"),
        (
            lambda: nn.LSTM(3, 4, proj_size=2)(x, (np.ones((1, 2, 4)), np.ones((1, 2, 4)))),
            ShapeError,
            r"\(1, 2, 2\): \(layers × directions, batch, proj_size\)",
        ),
        (lambda: nn.GRU(3, 2, dropout=2), WhenceError, "a probability, not 2"),
        (lambda: nn.GRUCell(3, 2)(np.ones((4, 2))), ShapeError, r"GRUCell got x of shape \(4, 2\)"),
        (lambda: nn.GRUCell(3, 2)(np.ones((4, 3)), np.ones((4, 3))), ShapeError, "a state of shape"),
    ]:
        with pytest.raises(error, match=text):
            call()
