"""Eager forward and backward, against every peer as its own users write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import whence
from whence import Function, Variable

from .harness import Contender, Row
from .peers import autograd, dezero, jax, mygrad, torch

# --- the notebook's own forty lines, as the yardstick of what the idea costs ---------------------


class ToyVariable:
    """The notebook's last Variable."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.grad: Any = None
        self.creator: Any = None

    def set_creator(self, func: Any) -> None:
        self.creator = func

    def backward(self) -> None:
        if self.grad is None:
            self.grad = np.ones_like(self.data)
        funcs = [self.creator]
        while funcs:
            f = funcs.pop()
            x, y = f.input, f.output
            x.grad = f.backward(y.grad)
            if x.creator is not None:
                funcs.append(x.creator)


class ToyFunction:
    """The notebook's Function."""

    def __call__(self, input: Any) -> Any:
        y = self.forward(input.data)
        output = ToyVariable(y)
        output.set_creator(self)
        self.input = input
        self.output = output
        return output


def notebook_classes(base: Any) -> tuple[Any, Any]:
    """Square and Exp as the notebook writes them, on one base class or the other."""

    class Square(base):
        def forward(self, x: Any) -> Any:
            return x**2

        def backward(self, gy: Any) -> Any:
            return 2 * self.input.data * gy

    class Exp(base):
        def forward(self, x: Any) -> Any:
            return np.exp(x)

        def backward(self, gy: Any) -> Any:
            return np.exp(self.input.data) * gy

    return Square, Exp


def notebook_expression() -> Row:
    """exp(x²)² at 0.5, value and gradient."""
    toy_square, toy_exp = notebook_classes(ToyFunction)
    square, exp = notebook_classes(Function)

    def ours() -> Any:
        x = Variable(np.array(0.5))
        y = np.exp(x**2) ** 2
        y.backward()
        return x.grad

    def own_classes() -> Any:
        x = Variable(np.array(0.5))
        y = square()(exp()(square()(x)))
        y.backward()
        return x.grad

    def toy() -> Any:
        x = ToyVariable(np.array(0.5))
        y = toy_square()(toy_exp()(toy_square()(x)))
        y.backward()
        return x.grad

    contenders: dict[str, Contender] = {
        "whence": ours,
        "whence, user's classes": own_classes,
        "notebook's toy": toy,
    }
    if torch is not None:

        def pytorch() -> Any:
            x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
            y = torch.exp(x**2) ** 2
            y.backward()
            return x.grad

        contenders["torch"] = pytorch
    if autograd is not None:
        anp = autograd.numpy
        slope = autograd.grad(lambda x: anp.exp(x**2) ** 2)
        contenders["autograd"] = lambda: slope(0.5)
    if mygrad is not None:

        def my() -> Any:
            x = mygrad.tensor(0.5)
            y = mygrad.exp(x**2) ** 2
            y.backward()
            return x.grad

        contenders["mygrad"] = my
    if dezero is not None:
        functions = dezero.functions

        def book() -> Any:
            x = dezero.Variable(np.array(0.5))
            y = functions.exp(x**2) ** 2
            y.backward()
            return x.grad

        contenders["dezero"] = book
    if jax is not None:
        jitted = jax.jit(jax.value_and_grad(lambda x: jax.numpy.exp(x**2) ** 2))
        contenders["jax.jit"] = lambda: jitted(0.5)[1].block_until_ready()
    return Row("notebook's expression", contenders, {"torch": 1 / 3, "notebook's toy": 2.0})


def scalar_chain(n: int, promises: dict[str, float], peers: bool = True) -> Row:
    """n ops on scalars, alternately y * c and y + x."""

    def formula(x: Any) -> Any:
        y = x
        for _ in range(n // 2):
            y = y * 1.001
            y = y + x
        return y

    def ours() -> Any:
        x = Variable(np.array(0.5))
        formula(x).backward()
        return x.grad

    contenders: dict[str, Contender] = {"whence": ours}
    if torch is not None:

        def pytorch() -> Any:
            x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
            formula(x).backward()
            return x.grad

        contenders["torch"] = pytorch
    if peers and autograd is not None:
        slope = autograd.grad(formula)
        contenders["autograd"] = lambda: slope(0.5)
    if peers and mygrad is not None:

        def my() -> Any:
            x = mygrad.tensor(0.5)
            formula(x).backward()
            return x.grad

        contenders["mygrad"] = my
    if peers and dezero is not None:

        def book() -> Any:
            x = dezero.Variable(np.array(0.5))
            formula(x).backward()
            return x.grad

        contenders["dezero"] = book
    return Row(f"chain of {n:,} scalar ops", contenders, promises)


def small_gradient() -> Row:
    """grad(lambda x: np.sum(np.sin(x) * x)) for three numbers."""
    x = np.array([0.1, 0.2, 0.3])
    slope = whence.grad(lambda x: np.sum(np.sin(x) * x))
    contenders: dict[str, Contender] = {"whence": lambda: slope(x)}
    if torch is not None:
        tx = torch.tensor(x, requires_grad=True)

        def pytorch() -> Any:
            (g,) = torch.autograd.grad(torch.sum(torch.sin(tx) * tx), tx)
            return g

        contenders["torch"] = pytorch
    if autograd is not None:
        anp = autograd.numpy
        ag = autograd.grad(lambda x: anp.sum(anp.sin(x) * x))
        contenders["autograd"] = lambda: ag(x)
    if mygrad is not None:

        def my() -> Any:
            t = mygrad.tensor(x)
            mygrad.sum(mygrad.sin(t) * t).backward()
            return t.grad

        contenders["mygrad"] = my
    if dezero is not None:
        functions = dezero.functions

        def book() -> Any:
            v = dezero.Variable(x)
            functions.sum(functions.sin(v) * v).backward()
            return v.grad

        contenders["dezero"] = book
    if jax is not None:
        jnp = jax.numpy
        jg = jax.grad(lambda x: jnp.sum(jnp.sin(x) * x))
        jx = jnp.array(x)
        contenders["jax, no jit"] = lambda: jg(jx).block_until_ready()
    eager = [name for name in contenders if name != "whence"]
    return Row("gradient of sum(sin(x) x), n = 3", contenders, dict.fromkeys(eager, 0.5))


def large_arrays() -> Row:
    """The same formula on 10⁶ float32 numbers, against its derivative written out in NumPy."""
    x = np.random.default_rng(0).uniform(-1, 1, 10**6).astype(np.float32)

    def formula(x: Any) -> Any:
        return np.sum(np.tanh(x * x + 0.5) * np.exp(-x))

    slope = whence.value_and_grad(formula)

    def by_hand() -> Any:
        u = x * x + np.float32(0.5)
        t = np.tanh(u)
        e = np.exp(-x)
        value = np.sum(t * e)
        return value, e * ((1 - t * t) * (2 * x)) - t * e

    contenders: dict[str, Contender] = {"whence": lambda: slope(x), "by hand in NumPy": by_hand}
    if torch is not None:
        tx = torch.tensor(x, requires_grad=True)

        def pytorch() -> Any:
            y = torch.sum(torch.tanh(tx * tx + 0.5) * torch.exp(-tx))
            return torch.autograd.grad(y, tx)

        contenders["torch"] = pytorch
    if autograd is not None:
        anp = autograd.numpy
        ag = autograd.value_and_grad(lambda x: anp.sum(anp.tanh(x * x + 0.5) * anp.exp(-x)))
        contenders["autograd"] = lambda: ag(x)
    if jax is not None:
        jnp = jax.numpy
        jg = jax.value_and_grad(lambda x: jnp.sum(jnp.tanh(x * x + 0.5) * jnp.exp(-x)))
        jx = jnp.array(x)
        contenders["jax, no jit"] = lambda: jg(jx)[1].block_until_ready()
    return Row("10⁶ float32: sum(tanh(x² + 0.5) exp(-x))", contenders, {"by hand in NumPy": 1.2}, seconds=0.1)


def rows() -> Iterator[Row]:
    """All rows of this file."""
    yield notebook_expression()
    yield scalar_chain(200, {"torch": 1 / 1.7, "autograd": 1 / 3.5})
    yield small_gradient()
    yield scalar_chain(2000, {"torch": 0.7}, peers=False)
    yield large_arrays()
