"""Whole derivatives of scientific objectives, against every peer as its own users write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

import whence
from whence.scipy import special

from . import problems
from .harness import Contender, Row
from .peers import autograd, jax, torch
from .problems import Space

NUMPY = Space(np, lambda x, axis: special.logsumexp(x, axis=axis), lambda x, axis: np.min(x, axis), np.array)
#: At least twice as fast as autograd, and never slower than 1.1 times the best eager peer.
PROMISES = {"autograd": 0.5, "torch": 1.1, "jax, no jit": 1.1}
#: Compiled: faster than the fastest peer.
COMPILED = {"torch": 0.8, "jax.jit": 0.8}


def ours(function: Callable[..., Any], args: tuple[Any, ...], compiled: bool) -> Contender:
    """A function of arrays, as it is or compiled."""
    run = whence.compile(function) if compiled else function
    return lambda: run(*args)


def finished(row: Row, compiled: bool) -> Row:
    """The row, against PyTorch and JAX's jit alone where ours is compiled."""
    if not compiled:
        return agreed(row)
    kept = {name: run for name, run in row.contenders.items() if name in ("whence", *COMPILED)}
    return agreed(Row(row.title, kept, COMPILED, row.rounds, row.seconds))


def torch_space() -> Space:
    """PyTorch, double precision."""
    return Space(torch, torch.logsumexp, torch.amin, torch.tensor)


def jax_space() -> Space:
    """JAX, double precision."""
    from jax.scipy.special import logsumexp

    jnp = jax.numpy
    return Space(jnp, logsumexp, jnp.min, jnp.array)


def autograd_space() -> Space:
    """Autograd's mirror of NumPy."""
    from autograd.scipy.special import logsumexp

    anp = autograd.numpy
    return Space(anp, logsumexp, anp.min, np.array)


def plain(value: Any) -> list[np.ndarray]:
    """What a contender returned, as arrays."""
    if isinstance(value, (tuple, list)):
        return [part for v in value for part in plain(v)]
    return [value.toarray() if sparse.issparse(value) else np.asarray(value)]


def agreed(row: Row) -> Row:
    """The row, once all of its contenders have been seen to compute the same."""
    results = {name: plain(run()) for name, run in row.contenders.items()}
    for name, found in results.items():
        for ours, theirs in zip(results["whence"], found, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8, err_msg=f"{row.title}: {name}")
    return row


def gradients(
    title: str,
    formula: Callable[..., Any],
    params: tuple[Any, ...],
    data: Callable[[Space], tuple[Any, ...]] = lambda space: (),
    scanned: Callable[..., Any] | None = None,
    compiled: bool = False,
    written: Callable[..., Any] | None = None,
    **settings: Any,
) -> Row:
    """A row of gradients of ``formula(space, *params, *data(space))`` with respect to all params.

    ``scanned``: the formula as JAX's users write it for jit, ``written``: of one argument, as ours write it
    to compile it, where that is otherwise.
    """
    everything = tuple(range(len(params)))

    def of(space: Space) -> Callable[..., Any]:
        constants = data(space)
        return lambda *p: formula(space, *p, *constants)

    gradient = whence.grad(written) if written and compiled else whence.grad(of(NUMPY), everything)
    contenders = {"whence": ours(gradient, params, compiled)}
    if autograd is not None:
        theirs = autograd.grad(of(autograd_space()), everything)
        contenders["autograd"] = lambda: theirs(*params)
    if torch is not None:
        loss = of(torch_space())
        leaves = [torch.tensor(p, requires_grad=True) for p in params]
        contenders["torch"] = lambda: torch.autograd.grad(loss(*leaves), leaves)
    if jax is not None:
        space = jax_space()
        eager = jax.grad(of(space), everything)
        constants = data(space)
        jitted = jax.jit(jax.grad(lambda *p: (scanned or formula)(space, *p, *constants), everything))
        arrays = [space.constant(p) for p in params]
        contenders["jax, no jit"] = lambda: jax.block_until_ready(eager(*arrays))
        contenders["jax.jit"] = lambda: jax.block_until_ready(jitted(*arrays))
    return finished(Row(title, contenders, PROMISES, **settings), compiled)


def rosenbrock(title: str, n: int, compiled: bool = False) -> Row:
    """Rosenbrock's valley."""
    x = np.random.default_rng(0).normal(size=n)
    return gradients(
        title, lambda space, x: problems.rosenbrock(x), (x,), compiled=compiled, written=problems.rosenbrock
    )


def logistic_hessian(title: str, compiled: bool = False, n: int = 1000, d: int = 325) -> Row:
    """The Hessian of a logistic regression's likelihood."""
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(n, d)) / np.sqrt(d), rng.choice([-1.0, 1.0], n)
    w = rng.normal(size=d)

    def of(space: Space) -> Callable[..., Any]:
        x, t = space.constant(features), space.constant(labels)
        return lambda w: problems.logistic(space, w, x, t)

    contenders = {"whence": ours(whence.hessian(of(NUMPY)), (w,), compiled)}
    if autograd is not None:
        theirs = autograd.hessian(of(autograd_space()))
        contenders["autograd"] = lambda: theirs(w)
    if torch is not None:
        hessian, leaf = torch.func.hessian(of(torch_space())), torch.tensor(w)
        contenders["torch"] = lambda: hessian(leaf)
    if jax is not None:
        eager = jax.hessian(of(jax_space()))
        jitted, array = jax.jit(eager), jax.numpy.array(w)
        contenders["jax, no jit"] = lambda: eager(array).block_until_ready()
        contenders["jax.jit"] = lambda: jitted(array).block_until_ready()
    promises = {**PROMISES, "autograd": 0.1}
    return finished(Row(title, contenders, promises, 11, 0.1), compiled)


def mixture(title: str, compiled: bool = False) -> Row:
    """The log-posterior of a Gaussian mixture."""
    data, start = problems.mixture()

    def constants(space: Space) -> tuple[Any, ...]:
        return (problems.Mixture(*[space.constant(a) for a in data]),)

    def formula(space: Space, weights: Any, means: Any, factors: Any, data: Any) -> Any:
        return problems.gmm(space, data, weights, means, factors)

    return gradients(title, formula, start, constants, compiled=compiled, rounds=21, seconds=0.1)


def kmeans_step(title: str, compiled: bool = False, k: int = 100, n: int = 10_000, d: int = 16) -> Row:
    """Gradient and Hessian diagonal of k-means: H · 1 is the diagonal, as each centre stands alone."""
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(n, d)), rng.normal(size=(k, d))
    ones = np.ones_like(centres)

    def of(space: Space) -> Callable[..., Any]:
        x = space.constant(points)
        return lambda c: problems.kmeans(space, c, x)

    gradient = whence.grad(of(NUMPY))
    contenders = {"whence": ours(lambda c, u: whence.jvp(gradient, (c,), (u,)), (centres, ones), compiled)}
    if autograd is not None:
        cost = of(autograd_space())
        product = autograd.make_hvp(cost)
        slope = autograd.grad(cost)
        contenders["autograd"] = lambda: (slope(centres), product(centres)[0](ones))
    if torch is not None:
        loss = of(torch_space())
        leaf, along = torch.tensor(centres, requires_grad=True), torch.tensor(ones)

        def pytorch() -> Any:
            (g,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
            return g.detach(), torch.autograd.grad(g, leaf, along)[0]

        contenders["torch"] = pytorch
    if jax is not None:
        slope_ = jax.grad(of(jax_space()))
        c, u = jax.numpy.array(centres), jax.numpy.array(ones)

        def step(c: Any) -> Any:
            return jax.jvp(slope_, (c,), (u,))

        jitted = jax.jit(step)
        contenders["jax, no jit"] = lambda: jax.block_until_ready(step(c))
        contenders["jax.jit"] = lambda: jax.block_until_ready(jitted(c))
    return finished(Row(title, contenders, PROMISES, 11, 0.1), compiled)


def ode(title: str, compiled: bool = False) -> Row:
    """Lorenz' equations, with respect to the start and the parameters."""
    start = (np.array([1.0, 2.0, 3.0]), np.array([10.0, 28.0, 8 / 3]))

    def formula(space: Space, y: Any, p: Any) -> Any:
        return problems.runge_kutta(y, p)

    def scanned(space: Space, y: Any, p: Any) -> Any:
        return jax.lax.fori_loop(0, 100, lambda _, y: problems.runge_kutta_step(y, p), tuple(y))[0]

    return gradients(title, formula, start, scanned=scanned, compiled=compiled, rounds=21, seconds=0.05)


def lstm(title: str, compiled: bool = False, steps: int = 1024, b: int = 14) -> Row:
    """The objective of a small LSTM over a long sequence."""
    rng = np.random.default_rng(0)
    sequence = (rng.random((steps + 1, b)) < 0.2) * 1.0
    params = (rng.normal(size=(2, 2, 4, b)), rng.normal(size=(3, b)), rng.normal(size=(2, 2, b)))

    def constants(space: Space) -> tuple[Any, ...]:
        return (space.constant(sequence),)

    def scanned(space: Space, main: Any, extra: Any, start: Any, sequence: Any) -> Any:
        state = tuple((start[layer, 0], start[layer, 1]) for layer in range(2))

        def step(state: Any, pair: Any) -> Any:
            return problems.lstm_step(space, main, extra, state, *pair)

        _, gains = jax.lax.scan(step, state, (sequence[:-1], sequence[1:]))
        return -gains.sum() / steps

    return gradients(title, problems.lstm, params, constants, scanned, compiled, rounds=7, seconds=0.5)


def log_sum_exp(title: str, compiled: bool = False, n: int = 10**6) -> Row:
    """log Σ exp x of a million numbers."""
    x = np.random.default_rng(0).normal(size=n)
    return gradients(
        title, lambda space, x: space.logsumexp(x, 0), (x,), compiled=compiled, rounds=21, seconds=0.1
    )


def bundle_adjustment(title: str, compiled: bool = False) -> Row:
    """The sparse Jacobian of 2,000 reprojections, (4,000, 40 · 11 + 400 · 3 + 2,000)."""
    data, params = problems.scene()
    cameras, points, weights = params
    offsets = np.cumsum([0, cameras.size, points.size])
    shape = (data.seen.size, int(offsets[-1]) + weights.size)
    rows = np.broadcast_to(np.arange(data.seen.size).reshape(-1, 2, 1), (len(data.seen), 2, 15)).ravel()
    columns = np.concatenate(
        [
            data.camera[:, None] * 11 + np.arange(11),
            offsets[1] + data.point[:, None] * 3 + np.arange(3),
            offsets[2] + np.arange(len(weights))[:, None],
        ],
        1,
    )
    columns = np.repeat(columns[:, None, :], 2, 1).ravel()

    def assembled(blocks: Any) -> Any:
        """The matrix of the blocks (p, 2, 11), (p, 2, 3), (p, 2)."""
        parts = [np.asarray(block).reshape(len(weights), 2, -1) for block in blocks]
        return sparse.csr_array((np.concatenate(parts, 2).ravel(), (rows, columns)), shape)

    def residuals(cameras: Any, points: Any, weights: Any) -> Any:
        return problems.reprojection(np, cameras[data.camera], points[data.point], weights, data.seen).ravel()

    contenders = {"whence": ours(whence.sparse_jacobian(residuals, argnums=(0, 1, 2)), params, compiled)}
    seen = (cameras[data.camera], points[data.point], weights)
    if autograd is not None:
        anp = autograd.numpy

        def block(*args: Any) -> Any:
            return problems.reprojection(anp, *args)

        jacobians = [autograd.jacobian(block, i) for i in range(3)]

        def one_by_one() -> Any:
            each = list(zip(*seen, data.seen, strict=True))
            return assembled([np.stack([jacobian(*args) for args in each]) for jacobian in jacobians])

        contenders["autograd"] = one_by_one
    if torch is not None:
        one = torch.func.vmap(
            torch.func.jacrev(lambda c, x, w, s: problems.reprojection(torch, c, x, w, s), (0, 1, 2))
        )
        tensors = [torch.tensor(a) for a in (*seen, data.seen)]
        contenders["torch"] = lambda: assembled(one(*tensors))
    if jax is not None:
        each = jax.vmap(
            jax.jacrev(lambda c, x, w, s: problems.reprojection(jax.numpy, c, x, w, s), (0, 1, 2))
        )
        jitted = jax.jit(each)
        arrays = [jax.numpy.array(a) for a in (*seen, data.seen)]
        contenders["jax, no jit"] = lambda: assembled(each(*arrays))
        contenders["jax.jit"] = lambda: assembled(jitted(*arrays))
    return finished(Row(title, contenders, PROMISES, 11, 0.1), compiled)


def rows() -> dict[str, Callable[..., Row]]:
    """All rows of this file by title; made when they are run, since some take long to set up."""
    return {
        "Rosenbrock, n = 10": lambda title, compiled=False: rosenbrock(title, 10, compiled),
        "Rosenbrock, n = 1,000": lambda title, compiled=False: rosenbrock(title, 1000, compiled),
        "Hessian of a logistic regression, 325 × 325": logistic_hessian,
        "Gaussian mixture, d = 10, k = 25, n = 1,000": mixture,
        "k-means, gradient and Hessian diagonal, k = 100, n = 10,000, d = 16": kmeans_step,
        "100 Runge–Kutta steps": ode,
        "LSTM, 1,024 steps of 14 units": lstm,
        "log-sum-exp of 10⁶": log_sum_exp,
        "Jacobian of a bundle adjustment, 2,000 residual blocks": bundle_adjustment,
    }
