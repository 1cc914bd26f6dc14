"""whence.compile against PyTorch eager, torch.compile and JAX's jit, each as its own users write it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import whence
import whence.nn.functional as F
import whence.scipy.special as special
from whence import nn, optim

from .harness import Contender, Row
from .peers import inductor, jax, torch

if jax is not None:
    import jax.numpy as jnp
    import jax.scipy.special as jsp


def _ready(result: Any) -> Any:
    return jax.block_until_ready(result)


def row(
    title: str, contenders: dict[str, Contender | None], promise: float, rounds: int, seconds: float
) -> Row:
    """A row of those contenders that are installed, all with one promise."""
    there = {name: run for name, run in contenders.items() if run is not None}
    return Row(title, there, {name: promise for name in there if name != "whence"}, rounds, seconds)


def _as_it_is(f: Any) -> Any:
    return f


# --- functions of arrays ---------------------------------------------------------------------------------


def functions(
    title: str, ours: Any, peers: Any, args: tuple[Any, ...], promise: float, seconds: float
) -> Row:
    """A NumPy function compiled, a function of ``torch`` tensors, one of JAX."""
    compiled = whence.compile(ours)
    compiled(*args)
    contenders: dict[str, Contender | None] = {"whence": lambda: compiled(*args)}
    in_torch, in_jax = peers
    if torch is not None and in_torch is not None:
        given = [torch.tensor(a) for a in args]
        contenders["torch"] = lambda: in_torch(*given)
        if inductor is not None:
            contenders["torch.compile"] = lambda: in_torch(*given, inductor)
    if jax is not None and in_jax is not None:
        jitted, arrays = jax.jit(in_jax), [jnp.asarray(a) for a in args]
        _ready(jitted(*arrays))
        contenders["jax jit"] = lambda: _ready(jitted(*arrays))
    return row(title, contenders, promise, 31, seconds)


def _price(s: Any, k: Any, t: Any, exp: Any, log: Any, sqrt: Any, erf: Any) -> Any:
    """Black and Scholes (1973): the price of a call, rate 0.02 and volatility 0.3."""
    width = 0.3 * sqrt(t)
    d1 = (log(s / k) + (0.02 + 0.045) * t) / width
    first = 0.5 * (1 + erf(d1 * 0.7071067811865476))
    second = 0.5 * (1 + erf((d1 - width) * 0.7071067811865476))
    return s * first - k * exp(-0.02 * t) * second


def black_scholes(title: str) -> Row:
    """The gradient of the sum of a million prices, by all three arguments."""
    rng = np.random.default_rng(0)
    args = tuple([rng.uniform(a, b, 10**6).astype(np.float32) for a, b in ((80, 120), (80, 120), (0.1, 2))])

    def total(s: Any, k: Any, t: Any) -> Any:
        return np.sum(_price(s, k, t, np.exp, np.log, np.sqrt, special.erf))

    def value_in_torch(s: Any, k: Any, t: Any) -> Any:
        return _price(s, k, t, torch.exp, torch.log, torch.sqrt, torch.erf).sum()

    def in_torch(s: Any, k: Any, t: Any, how: Any = _as_it_is) -> Any:
        leaves = [a.requires_grad_() for a in (s, k, t)]
        return torch.autograd.grad(how(value_in_torch)(*leaves), leaves)

    def in_jax(s: Any, k: Any, t: Any) -> Any:
        return jnp.sum(_price(s, k, t, jnp.exp, jnp.log, jnp.sqrt, jsp.erf))

    ours = whence.grad(total, argnums=(0, 1, 2))
    peers = (in_torch, jax and jax.grad(in_jax, argnums=(0, 1, 2)))
    return functions(title, ours, peers, args, 0.7, 0.03)


def rowwise(title: str, kind: str) -> Row:
    """Softmax or layer norm of (1024, 128), and its gradient."""
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(1024, 128)).astype(np.float32) for _ in range(2))

    def ours(x: Any, g: Any) -> Any:
        return whence.vjp(lambda x: f(x), x)[1](g)

    def f(x: Any) -> Any:
        return F.softmax(x, -1) if kind == "softmax" else F.layer_norm(x, (128,))

    def f_in_torch(x: Any) -> Any:
        functional = torch.nn.functional
        return functional.softmax(x, -1) if kind == "softmax" else functional.layer_norm(x, (128,))

    def in_torch(x: Any, g: Any, how: Any = _as_it_is) -> Any:
        x = x.detach().requires_grad_()
        how(f_in_torch)(x).backward(g)
        return x.grad

    def normalised(x: Any) -> Any:
        off = x - x.mean(-1, keepdims=True)
        return off / jnp.sqrt((off * off).mean(-1, keepdims=True) + 1e-5)

    def in_jax(x: Any, g: Any) -> Any:
        return jax.vjp(lambda x: jax.nn.softmax(x, -1) if kind == "softmax" else normalised(x), x)[1](g)

    return functions(title, ours, (in_torch, in_jax), (x, g), 0.4, 0.01)


def rosenbrock(title: str) -> Row:
    """Its Hessian times a vector, n = 1000."""
    rng = np.random.default_rng(0)
    x, v = (rng.normal(size=1000).astype(np.float32) for _ in range(2))

    def f(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    def in_torch(x: Any, v: Any, how: Any = None) -> Any:
        if how is None:
            return torch.autograd.functional.hvp(f, x, v)[1]
        return how(in_functions)(x, v)

    def in_functions(x: Any, v: Any) -> Any:
        return torch.func.jvp(torch.func.grad(f), (x,), (v,))[1]

    def in_jax(x: Any, v: Any) -> Any:
        return jax.jvp(jax.grad(f), (x,), (v,))[1]

    return functions(title, lambda x, v: whence.hvp(f)(x, v), (in_torch, in_jax), (x, v), 0.5, 0.004)


def notebook(title: str) -> Row:
    """(exp(x²))², forward and backward."""

    def f(x: Any) -> Any:
        return np.exp(x**2) ** 2

    def in_jax(x: Any) -> Any:
        return jnp.exp(x**2) ** 2

    return functions(
        title,
        whence.value_and_grad(f),
        (None, jax and jax.value_and_grad(in_jax)),
        (np.float32(0.5),),
        0.5,
        0.002,
    )


def dispatch(title: str) -> Row:
    """A compiled function of three small arrays: the call alone."""
    x, y, z = (np.ones(4, np.float32) for _ in range(3))
    return functions(
        title, lambda x, y, z: x * y + z, (None, lambda x, y, z: x * y + z), (x, y, z), 2 / 11, 0.002
    )


# --- training steps ----------------------------------------------------------------------------------------


def _jax_adam(loss: Callable[..., Any], params: Any, rate: float = 1e-3) -> Any:
    """A step of Adam, as the examples of JAX write one."""

    @functools.partial(jax.jit, donate_argnums=(0,))
    def step(state: Any, *batch: Any) -> Any:
        p, m, v, i = state
        value, g = jax.value_and_grad(loss)(p, *batch)
        i = i + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        scale = rate * jnp.sqrt(1 - 0.999**i) / (1 - 0.9**i)
        p = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), p, m, v)
        return (p, m, v, i), value

    zeros = jax.tree.map(jnp.zeros_like, params)
    box = [(params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.float32(0))]

    def run(*batch: Any) -> Any:
        box[0], value = step(box[0], *batch)
        return _ready(value)

    return run


def _torch_steps(model: Callable[[], Any], loss: Callable[[Any], Any]) -> dict[str, Contender | None]:
    """A training step as PyTorch's users write it: eager, and with model, loss and update compiled."""

    def step(model: Any, optimizer: Any, loss: Any, update: Any) -> Any:
        value = loss(model)
        optimizer.zero_grad()
        value.backward()
        update()
        return value

    first, second = model(), model()
    adam, other = (torch.optim.Adam(m.parameters(), lr=1e-3) for m in (first, second))
    steps: dict[str, Contender | None] = {"torch": lambda: step(first, adam, loss, adam.step)}
    if inductor is not None:
        compiled = inductor(loss), inductor(other.step)
        steps["torch.compile"] = lambda: step(second, other, *compiled)
    return steps


def _our_step(model: Any, loss: Callable[..., Any], *batch: Any) -> Contender:
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    @whence.compile
    def step(*batch: Any) -> Any:
        value = loss(model, *batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    step(*batch)
    return lambda: step(*batch)


def mlp(title: str, sizes: tuple[int, ...], batch: int, promise: float, seconds: float) -> Row:
    """A multilayer perceptron, cross-entropy, Adam."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, sizes[0])).astype(np.float32)
    t = rng.integers(0, sizes[-1], batch)

    def layers(linear: Any, relu: Any) -> list[Any]:
        return [part for a, b in itertools.pairwise(sizes) for part in (linear(a, b), relu())][:-1]

    model = nn.Sequential(*layers(nn.Linear, nn.ReLU))
    contenders: dict[str, Contender | None] = {
        "whence": _our_step(model, lambda m, x, t: F.cross_entropy(m(x), t), x, t)
    }
    if torch is not None:
        tx, tt = torch.tensor(x), torch.tensor(t)
        contenders |= _torch_steps(
            lambda: torch.nn.Sequential(*layers(torch.nn.Linear, torch.nn.ReLU)),
            lambda m: torch.nn.functional.cross_entropy(m(tx), tt),
        )
    if jax is not None:

        def loss(params: Any, x: Any, t: Any) -> Any:
            for w, b in params[:-1]:
                x = jax.nn.relu(x @ w + b)
            x = x @ params[-1][0] + params[-1][1]
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), t[:, None], 1))

        params = [
            (jnp.asarray(rng.normal(size=(a, b)).astype(np.float32) / np.sqrt(a)), jnp.zeros(b, jnp.float32))
            for a, b in itertools.pairwise(sizes)
        ]
        run, jx, jt = _jax_adam(loss, params), jnp.asarray(x), jnp.asarray(t)
        run(jx, jt)
        contenders["jax jit"] = lambda: run(jx, jt)
    return row(title, contenders, promise, 31, seconds)


def adam(title: str) -> Row:
    """Adam alone, two million parameters."""
    rng = np.random.default_rng(0)
    shapes = [(1000, 1000), (1000, 1000), (1000,)]
    values = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    grads = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    params = [nn.Parameter(v) for v in values]
    optimizer = optim.Adam(params)
    for p, g in zip(params, grads, strict=True):
        p.grad = whence.Variable(g)
    step = whence.compile(optimizer.step)
    step()
    contenders: dict[str, Contender | None] = {"whence": step}
    if torch is not None:
        theirs = [torch.nn.Parameter(torch.tensor(v)) for v in values]
        for p, g in zip(theirs, grads, strict=True):
            p.grad = torch.tensor(g)
        contenders["torch"] = torch.optim.Adam(theirs).step
        fused = torch.optim.Adam(theirs, fused=True)
        contenders["torch fused"] = fused.step
        if inductor is not None:
            contenders["torch.compile"] = inductor(torch.optim.Adam(theirs).step)
    return row(title, contenders, 0.8, 31, 0.02)


def lstm(title: str) -> Row:
    """An LSTM of 100 units over 30 steps, and a linear layer; JAX by ``lax.scan``."""
    rng = np.random.default_rng(0)
    x, t = (rng.normal(size=(30, 30, 1)).astype(np.float32) for _ in range(2))

    class Ours(nn.Module):
        def __init__(self) -> None:
            self.lstm, self.head = nn.LSTM(1, 100, batch_first=True), nn.Linear(100, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0])

    contenders: dict[str, Contender | None] = {
        "whence": _our_step(Ours(), lambda m, x, t: F.mse_loss(m(x), t), x, t)
    }
    if torch is not None:

        class Theirs(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.lstm, self.head = torch.nn.LSTM(1, 100, batch_first=True), torch.nn.Linear(100, 1)

            def forward(self, x: Any) -> Any:
                return self.head(self.lstm(x)[0])

        tx, tt = torch.tensor(x), torch.tensor(t)
        contenders |= _torch_steps(Theirs, lambda m: torch.nn.functional.mse_loss(m(tx), tt))
    if jax is not None:

        def loss(p: Any, x: Any, t: Any) -> Any:
            def cell(state: Any, x: Any) -> Any:
                h, c = state
                i, f, o, g = jnp.split(x @ p["x"] + h @ p["h"] + p["b"], 4, -1)
                c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
                h = jax.nn.sigmoid(o) * jnp.tanh(c)
                return (h, c), h

            start = jnp.zeros((x.shape[0], 100), jnp.float32)
            _, hs = jax.lax.scan(cell, (start, start), jnp.swapaxes(x, 0, 1))
            return jnp.mean((hs @ p["w"] + p["c"] - jnp.swapaxes(t, 0, 1)) ** 2)

        sizes = {"x": (1, 400), "h": (100, 400), "b": (400,), "w": (100, 1), "c": (1,)}
        p = {k: jnp.asarray(rng.uniform(-0.1, 0.1, s).astype(np.float32)) for k, s in sizes.items()}
        run, jx, jt = _jax_adam(loss, p), jnp.asarray(x), jnp.asarray(t)
        run(jx, jt)
        contenders["jax jit"] = lambda: run(jx, jt)
    return row(title, contenders, 0.6, 21, 0.05)


def rows() -> dict[str, Callable[[str], Row]]:
    """All rows of this file by title."""
    return {
        "compiled step: MLP 2-32-32-3, batch 30, Adam": lambda t: mlp(t, (2, 32, 32, 3), 30, 0.25, 0.01),
        "compiled: gradient of 10⁶ Black–Scholes prices": black_scholes,
        "compiled step: MLP 784-1000-1000-10, batch 100, Adam": lambda t: mlp(
            t, (784, 1000, 1000, 10), 100, 0.85, 0.1
        ),
        "compiled: softmax (1024, 128), forward + backward": lambda t: rowwise(t, "softmax"),
        "compiled: layer norm (1024, 128), forward + backward": lambda t: rowwise(t, "layer norm"),
        "compiled: Adam on 2 M parameters": adam,
        "compiled step: LSTM, hidden 100, 30 steps, batch 30, Adam": lstm,
        "compiled: Rosenbrock n = 1000, Hessian times vector": rosenbrock,
        "compiled: the notebook's expression": notebook,
        "compiled: dispatch, three small arrays": dispatch,
    }
