"""scan, while_loop and cond in compiled programs: as eagerly, whatever the transform and the backend."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import whence
from tests.transforms.loops import CASES, Case, bent, root
from whence import cond, nn, optim, scan, while_loop
from whence.errors import DtypeError, GraphError, TraceError
from whence.tree import flatten

BACKEND = pytest.mark.parametrize("backend", ["numpy", "auto"])
BY_NAME = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def agree(want: Any, got: Any, rtol: float = 1e-9) -> None:
    """The same leaves."""
    for a, b in zip(flatten(want)[0], flatten(got)[0], strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.allclose(a, b, rtol=rtol)


def bumped(f: Callable[..., Any]) -> Callable[..., Any]:
    """A gradient of a gradient."""
    return whence.grad(lambda a, *rest: np.sum(np.sin(whence.grad(f)(a, *rest))))


def pushed(f: Callable[..., Any]) -> Callable[..., Any]:
    """Forward mode."""
    return lambda a, *rest: whence.jvp(lambda a: f(a, *rest), (a,), (np.ones_like(a),))


TRANSFORMS = {
    "value": lambda f: f,
    "grad": whence.grad,
    "grad of grad": bumped,
    "jvp": pushed,
    "hessian": whence.hessian,
}


@BACKEND
@pytest.mark.parametrize("name", TRANSFORMS)
@BY_NAME
def test_as_eagerly(case: Case, name: str, backend: str) -> None:
    """A program of the transformed function, twice."""
    f = TRANSFORMS[name](case.function)
    compiled = whence.compile(f, backend=backend)
    want = f(*case.args)
    agree(want, compiled(*case.args))
    agree(want, compiled(*case.args))
    assert len(compiled.programs) == 1


@BACKEND
@BY_NAME
def test_compiled_functions_are_differentiated(case: Case, backend: str) -> None:
    """By the pullback that was compiled with them, and further."""
    compiled = whence.compile(case.function, backend=backend)
    for transform in (whence.grad, whence.hessian):
        agree(transform(case.function)(*case.args), transform(compiled)(*case.args))


@BACKEND
@pytest.mark.parametrize("f", [root, bent])
def test_batches(f: Any, backend: str) -> None:
    """vmap, in all orders with grad."""
    xs = np.array([0.5, 2.0, 9.0])
    total = whence.grad(lambda xs: np.sum(whence.vmap(f)(xs)))
    for g in (whence.vmap(f), whence.vmap(whence.grad(f)), total):
        with np.errstate(all="ignore"):
            agree(g(xs), whence.compile(g, backend=backend)(xs))


def test_batched_scans() -> None:
    """Whose carry, rows, or both differ from example to example."""

    def f(x: Any, rows: Any) -> Any:
        return scan(lambda c, v: (np.sin(c + v * x), c * c), x, rows)

    xs, rows = np.array([0.5, 2.0, 9.0]), np.linspace(-1, 1, 15).reshape(3, 5)
    for axes, args in (((0, 0), (xs, rows)), ((0, None), (xs, rows[0])), ((None, 1), (0.3, rows))):
        g = whence.vmap(f, in_axes=axes)
        agree(g(*args), whence.compile(g)(*args))


@BACKEND
def test_one_program_for_any_number_of_steps(backend: str) -> None:
    """Of a value; of a gradient until there is no room left for the carries."""

    def power(a: Any, n: Any) -> Any:
        return while_loop(lambda s: s[1] < n, lambda s: (s[0] * a, s[1] + 1), (a, np.int64(0)))[0]

    value, slope = (whence.compile(f, backend=backend) for f in (power, whence.grad(power)))
    for n in (3, 0, 50, 64, 65, 300, 3):
        assert np.isclose(value(1.01, np.int64(n)), 1.01 ** (n + 1))
        assert np.isclose(slope(1.01, np.int64(n)), (n + 1) * 1.01**n)
    assert len(value.programs) == 1
    assert len(slope.programs) == 3  # with room for 64, for 256 and for 1,024


def test_the_program_does_not_grow_with_the_length() -> None:
    """A thousand steps are one call of it."""

    @whence.compile
    def f(x: Any) -> Any:
        return scan(lambda c, _: (c + 0.001 * np.cos(c), None), x, length=1000)[0]

    f(np.ones(3))
    assert len(f.graph) == 1
    assert "scan" in f.explain()


def test_one_program_for_both_branches() -> None:
    """Which is taken is decided at each call."""
    f = whence.compile(whence.value_and_grad(bent))
    for x in (1.5, 0.5, 2.5, -3.0):
        agree(whence.value_and_grad(bent)(x), f(x))
    assert len(f.programs) == 1


@BACKEND
def test_random_draws_are_those_of_eager_runs(backend: str) -> None:
    """Steps draw in turn, branches only where they are taken; and gradients draw the same again."""

    def noisy(stream: Any, w: Any) -> Any:
        c, _ = scan(lambda c, _: (c * w * stream.uniform((3,)), None), np.ones(3), length=4)
        n = np.int64(0)
        s, _ = while_loop(
            lambda s: s[1] < 4,
            lambda s: (cond(s[1] > 1, lambda: s[0] * w * stream.normal(()), lambda: s[0] * w), s[1] + 1),
            (w, n),
        )
        return np.sum(c) + s

    eager, compiled = whence.random.Stream(3), whence.random.Stream(3)
    want = whence.value_and_grad(lambda w: noisy(eager, w))
    got = whence.compile(whence.value_and_grad(lambda w: noisy(compiled, w)), backend=backend)
    for _ in range(3):
        agree(want(0.8), got(0.8))
    assert compiled.state == eager.state


def test_a_recurrent_network_learns() -> None:
    """Parameters that the step closes over are state; their gradients and updates are as eagerly."""
    data = np.random.default_rng(0)
    xs, t = data.normal(size=(12, 8, 2)).astype(np.float32), data.integers(0, 2, 8)

    def losses(wrap: Callable[..., Any]) -> list[float]:
        whence.random.seed(0)
        cell, head = nn.Linear(6, 4), nn.Linear(4, 2)
        optimizer = optim.Adam([*cell.parameters(), *head.parameters()], lr=0.05)

        def step(xs: Any, t: Any) -> Any:
            def one(h: Any, x: Any) -> Any:
                return np.tanh(cell(np.concatenate([h, x], axis=-1))), None

            h, _ = scan(one, np.zeros((8, 4), np.float32), xs)
            loss = nn.functional.cross_entropy(head(h), t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        step = wrap(step)
        return [float(step(xs, t).data) for _ in range(5)]

    assert np.allclose(losses(whence.compile), losses(lambda f: f), rtol=1e-4)


def test_a_gradient_inside_the_body() -> None:
    """Gradient descent as a loop, and its own gradient."""

    def descent(x: Any, rate: Any) -> Any:
        slope = whence.grad(lambda q: np.sum(np.sin(q) * q))
        return np.sum(scan(lambda c, _: (c - rate * slope(c), None), x, length=5)[0])

    x = np.array([0.5, 1.0])
    for f in (descent, whence.grad(descent, (0, 1))):
        agree(f(x, 0.1), whence.compile(f)(x, 0.1))


def test_what_is_not_recorded_has_no_gradient() -> None:
    """no_grad around a loop, and in its body."""

    def around(x: Any) -> Any:
        with whence.no_grad():
            y = scan(lambda c, _: (c * x, None), x, length=3)[0]
            y = while_loop(lambda c: c < 50, lambda c: c * x, y)
            y = cond(y > 0, lambda: y * x, lambda: y)
        return y * x

    def inside(x: Any) -> Any:
        def step(c: Any, _: Any) -> Any:
            with whence.no_grad():
                factor = c * x
            return c * factor, factor

        c, ys = scan(step, x, length=3)
        return c + np.sum(ys) * x

    for f in (around, inside):
        agree(whence.grad(f)(1.3), whence.compile(whence.grad(f))(1.3))
        v = whence.Variable(np.array(1.3))
        agree(f(v).data, whence.compile(f)(v).data)


def test_ctrl_c_ends_a_loop_without_end() -> None:
    """And the function can be called again."""
    f = whence.compile(lambda x: while_loop(lambda c: c > 0, lambda c: c * 1.0, x))
    assert f(-1.0) == -1.0
    timer = threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        f(1.0)
    assert f(-2.0) == -2.0


def test_changes_outside_are_refused() -> None:
    """They would happen once, and nothing is half done."""
    v = nn.Parameter(np.ones(2))

    def body(c: Any, _: Any) -> Any:
        v.assign(v * c)
        return c, None

    with pytest.raises((TraceError, GraphError)):
        whence.compile(lambda x: scan(body, x, length=3)[0])(1.0)
    assert v.data.tolist() == [1.0, 1.0]


def test_branches_that_differ_are_refused() -> None:
    """Eagerly only one of them runs."""
    with pytest.raises(DtypeError, match="branches return float64 and int64"):
        whence.compile(lambda x: cond(x > 0, lambda: x, lambda: np.int64(1)))(2.0)


def test_values_kept_from_a_body_are_refused() -> None:
    """They belong to one step."""
    kept: list[Any] = []

    def step(c: Any, _: Any) -> Any:
        kept.append(c)
        return c * 2, None

    with pytest.raises(TraceError, match="recording had ended"):
        whence.compile(lambda x: scan(step, x, length=3)[0] + kept[0])(1.0)
