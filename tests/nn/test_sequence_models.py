"""The models: they learn, they agree with PyTorch's layers, they generate, and say what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import whence
from whence import Variable
from whence.errors import BoundsError, ShapeError, WhenceError
from whence.nn import functional as F
from whence.nn.attention import KVCache
from whence.nn.models.gpt import GPT
from whence.nn.models.mlp import MLP
from whence.nn.models.tagger import LSTMTagger
from whence.nn.models.vae import VAE
from whence.random import Stream
from whence.testing import check_gradient
from whence.tree import flatten


def trained(model: Any, loss: Any, steps: int, rate: float) -> tuple[float, float]:
    """The loss before and after some steps downhill."""
    losses = []
    for _ in range(steps):
        value = loss()
        model.zero_grad()
        value.backward()
        for p in model.parameters():
            p.assign(p._data - rate * p.grad._data)
        losses.append(float(value))
    return losses[0], losses[-1]


def cross_entropy(logits: Any, labels: Any) -> Any:
    return -np.mean(np.take_along_axis(F.log_softmax(logits), labels[..., None], axis=-1))


def test_mlp():
    model = MLP([2, 16, 1], np.tanh, dtype=np.float64, stream=Stream(0))
    x = np.random.default_rng(0).normal(size=(50, 2))
    t = x[:, :1] * x[:, 1:]
    first, last = trained(model, lambda: np.mean((model(x) - t) ** 2), 200, 0.2)
    assert last < 0.5 * first
    check_gradient(lambda m, x: np.sum(m(x) ** 2), MLP([2, 3, 1], np.tanh, dtype=np.float64), x[:2], order=2)
    assert list(model.state_dict())[:2] == ["layers.0.weight", "layers.0.bias"]
    with pytest.raises(ShapeError, match=r"not \[3\]"):
        MLP([3])


def small(**options: Any) -> GPT:
    return GPT(7, 12, layers=2, heads=2, width=8, dtype=np.float64, stream=Stream(3), **options)


@pytest.mark.parametrize("tied", [False, True])
def test_gpt_learns_a_sequence(tied):
    model = GPT(5, 8, layers=1, heads=2, width=16, dtype=np.float64, stream=Stream(3), tied=tied)
    tokens = np.tile(np.arange(5), 3)[None, :9]
    first, last = trained(model, lambda: cross_entropy(model(tokens[:, :-1]), tokens[:, 1:]), 80, 0.5)
    assert last < 0.2 * first
    np.testing.assert_array_equal(model.generate([0, 1], 5, temperature=0), [0, 1, 2, 3, 4, 0, 1])


def test_gpt_sees_nothing_of_what_follows():
    model = small()
    tokens = np.array([[1, 2, 3, 4, 5]])
    other = np.array([[1, 2, 3, 0, 6]])
    np.testing.assert_allclose(model(tokens).data[:, :3], model(other).data[:, :3], rtol=1e-13, atol=1e-15)


def test_gpt_generates_with_a_cache_what_it_would_without():
    model = small()
    for p in model.parameters():
        p.assign(10 * p._data)  # logits that differ
    prompt = np.array([[1, 2, 3], [4, 5, 6]])
    found = model.generate(prompt, 9, temperature=0)
    slow = prompt
    for _ in range(9):
        slow = np.concatenate([slow, model(slow).data[:, -1].argmax(-1)[:, None]], axis=1)
    np.testing.assert_array_equal(found, slow)
    assert model.training
    assert model.generate(prompt[0], 30, top_k=2, stream=Stream(1)).shape == (33,)  # past the context
    again = [model.generate(prompt, 4, stream=Stream(2)) for _ in range(2)]
    np.testing.assert_array_equal(again[0], again[1])


def test_gpt_draws_by_the_softmax():
    model = small()
    for p in model.parameters():
        p.assign(10 * p._data)
    logits = model(np.array([1])).data[0]
    expected = np.exp(logits) / np.exp(logits).sum()
    drawn = model.generate(np.ones((4000, 1), int), 1, stream=Stream(0))[:, 1]
    np.testing.assert_allclose(np.bincount(drawn, minlength=7) / 4000, expected, atol=0.03)
    likeliest = model.generate(np.ones((500, 1), int), 1, top_k=2, stream=Stream(0))[:, 1]
    assert set(likeliest) <= set(np.argsort(expected)[-2:])


def test_gpt_has_pytorchs_numbers():
    torch = pytest.importorskip("torch")
    model, tokens = small(), np.array([[1, 2, 3, 4], [0, 6, 5, 1]])
    state = {key: torch.tensor(value, requires_grad=True) for key, value in model.state_dict().items()}
    f = torch.nn.functional

    def norm(x: Any, name: str) -> Any:
        return f.layer_norm(x, (8,), state[f"{name}.weight"], state[f"{name}.bias"])

    def affine(x: Any, name: str) -> Any:
        return f.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    x = state["tokens.weight"][torch.tensor(tokens)] + state["positions.weight"][:4]
    for i in range(2):
        at = f"blocks.{i}."
        h, inner = norm(x, at + "norm1"), at + "attention."
        qkv = f.linear(h, state[inner + "in_proj_weight"], state[inner + "in_proj_bias"])
        q, k, v = qkv.view(2, 4, 3, 2, 4).permute(2, 0, 3, 1, 4)
        a = f.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(2, 4, 8)
        x = x + affine(a, inner + "out_proj")
        x = x + affine(f.gelu(affine(norm(x, at + "norm2"), at + "up")), at + "down")
    logits = f.linear(norm(x, "norm"), state["head.weight"])
    y = model(tokens)
    np.testing.assert_allclose(y.data, logits.detach().numpy(), rtol=1e-10, atol=1e-13)
    (logits**3).sum().backward()
    np.sum(y**3).backward()
    for key, p in model.named_parameters():
        np.testing.assert_allclose(p.grad.data, state[key].grad.numpy(), rtol=1e-8, atol=1e-13)


def test_gpt_says_what_does_not_fit():
    model = small()
    for call, error, text in [
        (lambda: model(np.zeros((1, 13), int)), ShapeError, r"context of 12 got tokens of shape \(1, 13\)"),
        (lambda: model(np.array([[7]])), BoundsError, "index 7 at"),
        (lambda: model.generate([], 3), ShapeError, "one at least"),
        (lambda: model.generate([1], 3, temperature=-1), WhenceError, "temperature is not negative"),
    ]:
        with pytest.raises(error, match=text):
            call()
    assert model.training


def test_tagger():
    words = np.array([[1, 2, 3, 4], [4, 2, 0, 0], [3, 1, 2, 0]])
    lengths = np.array([4, 2, 3])
    there = np.arange(4) < lengths[:, None]
    model = LSTMTagger(5, 2, 6, 5, dtype=np.float64, stream=Stream(0))

    def loss() -> Any:
        scores = F.log_softmax(model(words, lengths))
        return -np.mean(np.take_along_axis(scores, (words % 2)[..., None], axis=-1)[..., 0][there])

    first, last = trained(model, loss, 60, 1.0)
    assert last < 0.2 * first
    np.testing.assert_allclose(model(words, lengths).data[1, :2], model(words[1:2, :2]).data[0], rtol=1e-12)


def test_vae():
    rng = np.random.default_rng(0)
    x = (rng.random((40, 1)) < 0.5) * np.array([1.0, 1, 0, 0]) + 0.0
    model = VAE(4, 8, 2, dtype=np.float64, stream=Stream(0))
    first, last = trained(model, lambda: model.loss(x), 100, 0.1)
    assert last < first
    assert model(x).shape == (40, 4)
    samples = model.sample(5).data
    assert samples.shape == (5, 4) and (samples > 0).all() and (samples < 1).all()


def test_the_divergence_of_the_vae():
    model = VAE(3, 4, 2, dtype=np.float64)
    mean, log_variance = np.array([[0.5, -1.0]]), np.array([[0.2, -0.3]])
    z = mean + np.exp(log_variance / 2) * np.random.default_rng(0).normal(size=(200_000, 2))
    log_q = -0.5 * (log_variance + (z - mean) ** 2 / np.exp(log_variance))
    drawn = np.mean(np.sum(log_q + 0.5 * z**2, axis=1))
    model.encode = lambda x: (Variable(mean), Variable(log_variance))
    model.reparameterize = lambda mean, log_variance: mean
    logits = model.decode(mean).data
    x = np.array([[1.0, 0.0, 1.0]])
    missed = np.sum(np.log1p(np.exp(logits)) - x * logits)
    np.testing.assert_allclose(float(model.loss(x)) - missed, drawn, atol=0.01)


@pytest.mark.parametrize("cuts", [(3,), (1, 2, 3, 4)])
def test_gradients_go_through_the_cache(cuts):
    """A sequence in parts, each with the keys and values of those before, is the sequence as a whole."""
    tokens = np.array([[1, 2, 3, 4, 5], [0, 6, 2, 2, 1]])

    def whole(model: Any) -> Any:
        return np.sum(np.sin(model(tokens)))

    def in_parts(model: Any) -> Any:
        caches = [KVCache() for _ in model.blocks]
        parts = np.split(tokens, cuts, axis=1)
        return np.sum(np.sin(np.concatenate([model(part, caches) for part in parts], axis=1)))

    model = small()
    for name, p in model.named_parameters():
        p.assign(5 * p._data if "weight" in name else p._data)
    for f in (whence.grad, lambda f: whence.grad(lambda m: np.sum(whence.grad(f)(m).tokens.weight ** 2))):
        one, other = f(whole)(model), f(in_parts)(model)
        pairs = list(zip(flatten(one)[0], flatten(other)[0], strict=True))
        # the gradients of the keys' biases are zero but for the rounding of the largest
        rounding = 1e-14 * max(np.abs(p.data).max() for p, _ in pairs)
        for p, q in pairs:
            np.testing.assert_allclose(q.data, p.data, rtol=1e-9, atol=rounding)


def test_a_cache_filled_without_recording_goes_on_with_it():
    model, tokens = small(), np.array([[1, 2, 3, 4]])
    caches = [KVCache() for _ in model.blocks]
    with whence.no_grad():
        first = model(tokens[:, :2], caches)
    last = model(tokens[:, 2:], caches)  # recorded: what was cached before is constant
    np.sum(last).backward()
    np.testing.assert_allclose(
        np.concatenate([first.data, last.data], axis=1), model(tokens).data, rtol=1e-12
    )
    assert model.blocks[0].attention.in_proj_weight.grad is not None
    with whence.no_grad():
        assert model(tokens[:, :1], caches).shape == (1, 1, 7)
