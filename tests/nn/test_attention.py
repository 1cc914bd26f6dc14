"""Attention, its layers and transformer blocks: PyTorch's numbers, masks, caches, second order, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import whence
from whence import Variable, nn
from whence.errors import DtypeError, ShapeError, WhenceError
from whence.nn import functional as F
from whence.random import Stream
from whence.testing import check_gradient

from .record_sequence import ATTENTION_FILE, BLOCKS, block_arrays, flat, weighted

RNG = np.random.default_rng(0)
Q, K, V = RNG.normal(size=(2, 4, 3, 5)), RNG.normal(size=(2, 4, 6, 5)), RNG.normal(size=(2, 4, 6, 2))


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


def by_hand(q: Any, k: Any, v: Any, seen: Any = True) -> Any:
    s = np.where(seen, q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]), -np.inf)
    w = np.exp(s - s.max(-1, keepdims=True))
    return w / w.sum(-1, keepdims=True) @ v


@pytest.mark.parametrize("name", BLOCKS)
def test_recorded_numbers_of_pytorch(name):
    with np.load(ATTENTION_FILE) as file:
        case = {key[len(name) + 1 :]: file[key] for key in file.files if key.startswith(name + "/")}
    kind, args, options = BLOCKS[name]
    model = getattr(nn, kind)(*args, **options, dtype=np.float64)
    model.load_state_dict({key[6:]: value for key, value in case.items() if key.startswith("state/")})
    inputs = [Variable(a.swapaxes(0, 1) if name == "mha_bare" else a) for a in block_arrays(name)]
    ys = flat(model(*inputs))
    for k, y in enumerate(ys):
        close(y.data, case[f"output/{k}"])
    weighted(ys, np.asarray).backward()
    for key, p in model.named_parameters():
        close(p.grad.data, case[f"grad/{key}"])
    for k, v in enumerate(inputs):
        close(v.grad.data, case[f"input/{k}"])


def test_attention_is_the_formula():
    close(F.scaled_dot_product_attention(Q, K, V), by_hand(Q, K, V))
    close(F.scaled_dot_product_attention(Q, K, V, is_causal=True), by_hand(Q, K, V, np.tri(3, 6, dtype=bool)))
    seen = RNG.random((3, 6)) > 0.3
    close(F.scaled_dot_product_attention(Q, K, V, seen), by_hand(Q, K, V, seen))
    close(F.scaled_dot_product_attention(Q, K, V, np.where(seen, 0, -np.inf)), by_hand(Q, K, V, seen))
    shared = F.scaled_dot_product_attention(Q, K[:, :2], V[:, :2], enable_gqa=True)
    close(shared, by_hand(Q, K[:, [0, 0, 1, 1]], V[:, [0, 0, 1, 1]]))
    single = F.scaled_dot_product_attention(np.float32(Q), np.float32(K), np.float32(V), is_causal=True)
    assert single.dtype == np.float32


def test_a_query_that_sees_nothing_gets_zeros():
    seen = np.ones((3, 6), bool)
    seen[1] = False
    q, v = Variable(Q), Variable(V)
    y = F.scaled_dot_product_attention(q, K, v, seen)
    np.sum(y**2).backward()
    assert not y.data[..., 1, :].any() and not q.grad.data[..., 1, :].any()
    assert np.isfinite(v.grad.data).all()


def test_second_order():
    q, k, v, bias = Q[0, 0], K[0, 0], V[0, 0], RNG.normal(size=(3, 6))

    def f(q: Any, k: Any, v: Any, bias: Any) -> Any:
        return np.sum(np.sin(F.scaled_dot_product_attention(q, k, v, bias)))

    check_gradient(f, q, k, v, bias, order=2)
    check_gradient(lambda q: np.sum(F.scaled_dot_product_attention(q, q, q, is_causal=True) ** 3), q, order=2)


@pytest.mark.parametrize("norm_first", [False, True])
def test_second_order_of_blocks(norm_first):
    how: Any = {"dropout": 0.0, "activation": "gelu", "norm_first": norm_first, "dtype": np.float64}
    block = nn.TransformerEncoderLayer(4, 2, 3, stream=Stream(1), **how)
    x = RNG.normal(size=(3, 1, 4))
    check_gradient(lambda block, x: np.sum(np.sin(block(x, is_causal=True))), block, x, order=2)


def test_dropout_of_weights():
    y = F.scaled_dot_product_attention(Q, K, V, dropout_p=0.5, stream=Stream(0))
    again = F.scaled_dot_product_attention(Q, K, V, dropout_p=0.5, stream=Stream(0))
    np.testing.assert_array_equal(y, again)
    assert np.any(y != by_hand(Q, K, V))
    check_gradient(
        lambda q: np.sum(F.scaled_dot_product_attention(q, K, V, dropout_p=0.5, stream=Stream(0)) ** 2), Q
    )
    model = nn.MultiheadAttention(4, 2, dropout=0.9, stream=Stream(0)).eval()
    x = np.ones((3, 2, 4), np.float32)
    np.testing.assert_array_equal(model(x, x, x)[0].data, model(x, x, x)[0].data)


@pytest.mark.parametrize("batch_first", [False, True])
def test_masks_are_pytorchs(batch_first):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.MultiheadAttention(4, 2, batch_first=batch_first).double()
    mine = nn.MultiheadAttention(4, 2, batch_first=batch_first, dtype=np.float64)
    mine.load_state_dict(theirs.state_dict())
    x = RNG.normal(size=(3, 3, 4))
    padding = np.array([[False, False, True], [False, False, False], [False, True, True]])
    blocked = ~np.tri(3, dtype=bool)
    for masks in (
        {"key_padding_mask": padding},
        {"attn_mask": blocked},
        {"attn_mask": np.repeat(blocked[None], 6, 0)},
        {"key_padding_mask": padding, "attn_mask": blocked},
        {"attn_mask": RNG.normal(size=(3, 3))},
    ):
        tx = torch.tensor(x, requires_grad=True)
        expected = theirs(tx, tx, tx, **{key: torch.tensor(mask) for key, mask in masks.items()})
        v = Variable(x)
        found = mine(v, v, v, **masks)
        for a, b in zip(found, expected, strict=True):
            close(a.data, b.detach().numpy())
        (expected[0] ** 3).sum().backward()
        np.sum(found[0] ** 3).backward()
        close(v.grad.data, tx.grad.numpy())


@pytest.mark.parametrize(
    "options",
    [
        {"kdim": 3, "vdim": 5},
        {"kdim": 3, "bias": False},
        {"add_bias_kv": True},
        {"add_zero_attn": True},
        {"vdim": 2, "add_bias_kv": True, "add_zero_attn": True, "batch_first": True},
    ],
)
def test_other_widths_and_added_keys_are_pytorchs(options):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.MultiheadAttention(4, 2, **options).double()
    mine = nn.MultiheadAttention(4, 2, **options, dtype=np.float64)
    mine.load_state_dict(theirs.state_dict())
    assert mine.state_dict().keys() == theirs.state_dict().keys()
    arrays = [RNG.normal(size=(3, 3, options.get(name, 4))) for name in ("", "kdim", "vdim")]
    padding = np.array([[False, False, True], [False, False, False], [False, True, True]])
    for masks in ({}, {"key_padding_mask": padding, "attn_mask": ~np.tri(3, dtype=bool)}):
        ts = [torch.tensor(a, requires_grad=True) for a in arrays]
        theirs.zero_grad(), mine.zero_grad()
        expected = theirs(*ts, **{key: torch.tensor(mask) for key, mask in masks.items()})
        vs = [Variable(a) for a in arrays]
        found = mine(*vs, **masks)
        for a, b in zip(found, expected, strict=True):
            close(a.data, b.detach().numpy())
        (expected[0] ** 3).sum().backward()
        np.sum(found[0] ** 3).backward()
        for v, t in zip(vs, ts, strict=True):
            close(v.grad.data, t.grad.numpy())
        for name, p in mine.named_parameters():
            close(p.grad.data, theirs.get_parameter(name).grad.numpy())


def test_second_order_with_added_keys():
    how: Any = {"kdim": 3, "add_bias_kv": True, "add_zero_attn": True, "dtype": np.float64}
    model, x, k = nn.MultiheadAttention(2, 1, stream=Stream(1), **how), RNG.normal(size=(2, 1, 2)), V[0, 0]
    key, value = RNG.normal(size=(2, 1, 3)), k[:2, None]
    check_gradient(lambda m, x: np.sum(np.sin(m(x, key, value)[0])), model, x, order=2)


def test_stacks_are_pytorchs():
    torch = pytest.importorskip("torch")
    layer = torch.nn.TransformerEncoderLayer(4, 2, 6, 0.0).double()
    theirs = torch.nn.TransformerEncoder(layer, 2, torch.nn.LayerNorm(4).double(), enable_nested_tensor=False)
    inner = nn.TransformerEncoderLayer(4, 2, 6, 0.0, dtype=np.float64)
    mine = nn.TransformerEncoder(inner, 2, nn.LayerNorm(4, dtype=np.float64))
    mine.load_state_dict(theirs.state_dict())
    x = RNG.normal(size=(5, 3, 4))
    close(mine(x).data, theirs(torch.tensor(x)).detach().numpy())
    layer = torch.nn.TransformerDecoderLayer(4, 2, 6, 0.0).double()
    theirs = torch.nn.TransformerDecoder(layer, 2)
    mine = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6, 0.0, dtype=np.float64), 2)
    mine.load_state_dict(theirs.state_dict())
    memory, mask = RNG.normal(size=(4, 3, 4)), ~np.tri(5, dtype=bool)
    expected = theirs(torch.tensor(x), torch.tensor(memory), tgt_mask=torch.tensor(mask)).detach().numpy()
    close(mine(x, memory, tgt_mask=mask).data, expected)
    close(mine(x, memory, tgt_is_causal=True).data, expected)


def test_packed_and_separate_projections_agree():
    model = nn.MultiheadAttention(4, 2, batch_first=True, dtype=np.float64, stream=Stream(1))
    x = RNG.normal(size=(2, 5, 4))
    close(model(x, x, x)[0].data, model(x, x.copy(), x)[0].data)
    close(model(x[0], x[0], x[0])[0].data, model(x, x, x)[0].data[0])


def test_decoding_with_a_cache_is_the_whole_at_once():
    model = nn.MultiheadAttention(4, 2, batch_first=True, dtype=np.float64, stream=Stream(1))
    x = RNG.normal(size=(2, 40, 4))
    check_decoding(model, x)
    added: Any = {"add_bias_kv": True, "add_zero_attn": True}
    check_decoding(nn.MultiheadAttention(4, 2, **added, batch_first=True, dtype=np.float64), x)


def check_decoding(model: Any, x: Any) -> None:
    whole = model(x, x, x, is_causal=True)[0].data
    cache, parts, start = nn.KVCache(), [], 0
    for n in (5, 1, 1, 20, 1, 12):
        new = x[:, start : start + n]
        parts.append(model(new, new, new, is_causal=True, cache=cache)[0].data)
        start += n
    close(np.concatenate(parts, axis=1), whole)
    assert len(cache) == 40
    with pytest.raises(ShapeError, match="do not continue"):
        model(x[:1, :1], x[:1, :1], x[:1, :1], cache=cache)
    assert len(cache) == 40


def test_each_example_of_vmap():
    each = whence.vmap(lambda q: F.scaled_dot_product_attention(q, K[0], V[0]))(Q)
    close(each[1], by_hand(Q[1], K[0], V[0]))


def test_bad_input_is_named():
    model = nn.MultiheadAttention(4, 2)
    x = np.ones((3, 2, 4), np.float32)
    for call, error, text in [
        (lambda: nn.MultiheadAttention(5, 2), ShapeError, "cannot split 5 into 2 heads"),
        (lambda: model(x[..., :2], x, x), ShapeError, r"query \(3, 2, 2\).*\n.*\(L, B, 4\)"),
        (
            lambda: nn.MultiheadAttention(4, 2, kdim=3)(x, x, x),
            ShapeError,
            r"\(L, B, 4\).*; key 3 wide, value 4",
        ),
        (lambda: nn.MultiheadAttention(4, 2, kdim=0), ShapeError, "kdim=0"),
        (lambda: model(x, x, x, attn_mask=np.ones((2, 2), bool)), ShapeError, r"\(2, 2\).*\n.*\(3, 3\) or"),
        (lambda: model(x, x, x, np.ones((3, 2), bool)), ShapeError, r"key_padding_mask of shape \(3, 2\)"),
        (lambda: model(x, x, x, attn_mask=np.ones((3, 3), int)), DtypeError, r"booleans, or floats"),
        (lambda: F.scaled_dot_product_attention(Q, K[..., :2], V), ShapeError, r"\(\.\.\., L, E\)"),
        (lambda: F.scaled_dot_product_attention(Q, K, V, True, is_causal=True), WhenceError, "not both"),
        (lambda: F.scaled_dot_product_attention(Q, K, V, dropout_p=2.0), WhenceError, "probability, not 2"),
        (
            lambda: F.scaled_dot_product_attention(Q, K[:, :3], V[:, :3], enable_gqa=True),
            ShapeError,
            "a multiple",
        ),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="swish"), WhenceError, "not 'swish'"),
    ]:
        with pytest.raises(error, match=text):
            call()
