"""The notebook, whole: every cell as typed, then what it left to be done and what it left broken."""

import contextlib
import gc
import io
import re
import threading
import unittest
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import whence
from whence import Function, Variable

ANSWER = "3.297442541400256"
NOTEBOOK = Path(__file__).with_name("notebook.py")
CELLS = re.split(r"^# %% In \[.*\]\n", NOTEBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]


class Square(Function):
    def forward(self, x: Any) -> Any:
        return x**2

    def backward(self, gy: Any) -> Any:
        x = self.input.data
        return 2 * x * gy


class Exp(Function):
    def forward(self, x: Any) -> Any:
        return np.exp(x)

    def backward(self, gy: Any) -> Any:
        x = self.input.data
        return np.exp(x) * gy


class Add(Function):
    def forward(self, a: Any, b: Any) -> Any:
        return a + b

    def backward(self, gy: Any) -> Any:
        return gy, gy


class Shift(Function):
    def forward(self, x: Any) -> Any:
        return x + 1e-6

    def backward(self, gy: Any) -> Any:
        return gy


class SumAndProduct(Function):
    def forward(self, a: Any, b: Any) -> Any:
        return a + b, a * b

    def backward(self, gsum: Any, gproduct: Any) -> Any:
        a, b = (x.data for x in self.inputs)
        return gsum + gproduct * b, gsum + gproduct * a


def square(x: Any) -> Any:
    return Square()(x)


def exp(x: Any) -> Any:
    return Exp()(x)


def half() -> Variable:
    return Variable(np.array(0.5))


def printed(value: Any) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print(value)
    return out.getvalue().rstrip("\n")


# --- the cells -----------------------------------------------------------------------------------


def test_every_cell_runs_and_every_print_is_right() -> None:
    namespace: dict[str, Any] = {"__name__": "notebook"}
    outputs = []
    for cell in CELLS:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(cell, str(NOTEBOOK), "exec"), namespace)
        if out.getvalue():
            outputs.append(out.getvalue())
    assert outputs == [ANSWER + "\n"] * 6

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(namespace["SquareTest"])
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    assert result.testsRun == 1
    assert result.wasSuccessful(), result.failures or result.errors


def test_backward_by_hand() -> None:
    A, B, C = Square(), Exp(), Square()
    x = half()
    a = A(x)
    b = B(a)
    y = C(b)
    y.grad = np.array(1.0)
    b.grad = C.backward(y.grad)
    a.grad = B.backward(b.grad)
    x.grad = A.backward(a.grad)
    assert printed(x.grad) == ANSWER


def test_the_graph_can_be_walked() -> None:
    A, B, C = Square(), Exp(), Square()
    x = half()
    a = A(x)
    b = B(a)
    y = C(b)
    assert y.creator is C
    assert y.creator.input is b
    assert y.creator.input.creator is B
    assert y.creator.input.creator.input is a
    assert y.creator.input.creator.input.creator is A
    assert y.creator.input.creator.input.creator.input is x
    assert C.output is y
    assert x.creator is None


def test_the_graph_of_numpy_functions_can_be_walked_too() -> None:
    x = half()
    a = x**2
    y = np.exp(a)
    assert isinstance(y.creator, Function)
    assert y.creator.inputs == (a,)
    assert y.creator.input is a
    assert y.creator.output is y
    assert a.creator.inputs[0] is x


def test_backward_link_by_link() -> None:
    x = half()
    a = square(x)
    b = exp(a)
    y = square(b)
    y.grad = np.array(1.0)
    value = y
    while value.creator is not None:
        function = value.creator
        function.input.grad = function.backward(value.grad)
        value = function.input
    assert value is x
    assert printed(x.grad) == ANSWER


def test_backward_by_recursion_in_the_users_hands() -> None:
    def walk(value: Variable) -> None:
        function = value.creator
        if function is not None:
            function.input.grad = function.backward(value.grad)
            walk(function.input)

    x = half()
    a = square(x)
    b = exp(a)
    y = square(b)
    y.grad = np.array(1.0)
    walk(y)
    assert printed(x.grad) == ANSWER


@pytest.mark.parametrize("seed", [None, np.array(1.0)])
def test_backward(seed: Any) -> None:
    x = half()
    y = square(exp(square(x)))
    y.grad = seed
    y.backward()
    assert printed(x.grad) == ANSWER


def test_numpy_functions_stand_among_the_users_own() -> None:
    x = half()
    y = square(np.exp(square(x)))
    y.backward()
    assert printed(x.grad) == ANSWER


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_default_seed_is_ones_like_the_data(dtype: Any) -> None:
    x = Variable(np.array([1.0, 2.0, 3.0], dtype))
    y = square(x)
    y.backward()
    assert y.grad.dtype == x.grad.dtype == dtype
    np.testing.assert_array_equal(y.grad.data, np.ones(3))
    np.testing.assert_array_equal(x.grad.data, [2.0, 4.0, 6.0])


def test_set_creator() -> None:
    A = Square()
    x = half()
    y = A(x)
    other = Variable(np.array(0.25))
    other.set_creator(A)
    assert other.creator is A
    other.backward()
    assert printed(x.grad) == "1.0"
    del y


# --- the last cell, and the tests it was going to have ------------------------------------------


class SquareTest(unittest.TestCase):
    def test_forward(self) -> None:
        x = Variable(np.array(2.0))
        y = square(x)
        expected = np.array(4.0)
        self.assertEqual(y.data, expected)

    def test_backward(self) -> None:
        x = Variable(np.array(3.0))
        y = square(x)
        y.backward()
        expected = np.array(6.0)
        self.assertEqual(x.grad, expected)

    def test_gradient_by_numerical_differentiation(self) -> None:
        x = Variable(np.random.default_rng(0).random(1))
        y = square(x)
        y.backward()
        self.assertTrue(np.allclose(x.grad.data, numerical_derivative(square, x.data)))


def numerical_derivative(f: Any, x: Any, eps: float = 1e-4) -> Any:
    """Central differences, ``(f(x + ε) - f(x - ε)) / 2ε``."""
    return (f(Variable(x + eps)).data - f(Variable(x - eps)).data) / (2 * eps)


@pytest.mark.parametrize("f", [square, exp, lambda x: square(exp(square(x)))])
def test_gradients_agree_with_numerical_differentiation(f: Any) -> None:
    x = Variable(np.random.default_rng(1).uniform(-1, 1, (3, 2)))
    f(x).backward()
    np.testing.assert_allclose(x.grad.data, numerical_derivative(f, x.data), rtol=1e-6)


@pytest.mark.parametrize("f", [square, exp, lambda x: square(exp(square(x)))])
def test_check_gradient_accepts_users_functions(f: Any) -> None:
    whence.testing.check_gradient(f, np.array([0.5, -0.3]), order=2)


# --- what the notebook leaves broken --------------------------------------------------------------


def test_a_variable_used_twice() -> None:
    x = Variable(np.array(3.0))
    y = Add()(x, x)
    y.backward()
    assert x.grad.data == 2.0

    x.cleargrad()
    z = Add()(Add()(x, x), x)
    z.backward()
    assert x.grad.data == 3.0


def test_several_inputs_and_outputs() -> None:
    a, b = Variable(np.array(2.0)), Variable(np.array(5.0))
    total, product = SumAndProduct()(a, b)
    assert (total.data, product.data) == (7.0, 10.0)
    assert total.creator is product.creator
    assert total.creator.inputs == (a, b)
    assert total.creator.outputs == (total, product)
    square(total).backward()  # one output alone
    assert (a.grad.data, b.grad.data) == (14.0, 14.0)
    a.cleargrad()
    b.cleargrad()
    (square(total) + product).backward()  # both
    assert (a.grad.data, b.grad.data) == (19.0, 16.0)


def test_branches_that_rejoin_at_different_depths() -> None:
    x = Variable(np.array(2.0))
    a = square(x)
    y = Add()(square(a), square(a))  # 2 x⁴
    y.backward()
    assert (y.data, x.grad.data) == (32.0, 64.0)

    x.cleargrad()
    long = a
    for _ in range(5):
        long = Add()(long, a)
    y = Add()(long, square(exp(a)))  # 6 x² + exp(2 x²)
    y.backward()
    np.testing.assert_allclose(x.grad.data, 12 * 2.0 + 8 * np.exp(8.0))


def test_one_instance_called_twice() -> None:
    f = Square()
    x, z = Variable(np.array(3.0)), Variable(np.array(5.0))
    y = f(x)
    w = f(z)
    assert y.creator is not w.creator
    y.backward()
    w.backward()
    assert (x.grad.data, z.grad.data) == (6.0, 10.0)

    x.cleargrad()
    f(f(x)).backward()  # x⁴
    assert x.grad.data == 108.0


def test_one_instance_with_settings_called_twice() -> None:
    class Scale(Function):
        __slots__ = ("factor",)

        def __init__(self, factor: float) -> None:
            self.factor = factor

        def forward(self, x: Any) -> Any:
            return self.factor * x

        def backward(self, gy: Any) -> Any:
            return self.factor * gy

    f = Scale(3.0)
    x = Variable(np.array(2.0))
    f(f(x)).backward()
    assert x.grad.data == 9.0


def test_a_second_backward_adds() -> None:
    x = Variable(np.array(3.0))
    y = square(x)
    y.backward()
    y.backward()
    assert x.grad.data == 12.0
    x.cleargrad()
    assert x.grad is None
    y.backward()
    assert x.grad.data == 6.0


def test_backward_without_a_creator() -> None:
    x = half()
    x.backward()
    assert x.creator is None
    assert printed(x.grad) == "1.0"


def test_grad_of_an_intermediate_is_kept_only_on_request() -> None:
    x = half()
    a = square(x)
    y = exp(a)
    y.backward()
    assert a.grad is None
    y.backward(retain_grad=True)
    np.testing.assert_allclose(a.grad.data, np.exp(0.25))


def test_second_derivative_of_the_users_own_functions() -> None:
    x = half()
    y = square(exp(square(x)))
    y.backward(create_graph=True)
    first = x.grad
    x.cleargrad()
    first.backward()
    # y = exp(2 x²): y' = 4 x y, y'' = 4 y + 16 x² y
    np.testing.assert_allclose(x.grad.data, (4 + 16 * 0.25) * np.exp(0.5))


@pytest.mark.parametrize("step", [lambda v: v + 1e-6, Shift()], ids=["primitive", "user's Function"])
def test_a_chain_of_a_million(step: Any) -> None:
    """Forward, backward and freeing, with no recursion and no help from the garbage collector."""
    x = Variable(np.array(1.0))
    gc.collect()
    gc.disable()
    try:
        y = x
        for _ in range(1_000_000):
            y = step(y)
        first = weakref.ref(y.creator)
        y.backward()
        np.testing.assert_allclose(y.data, 2.0)
        assert x.grad.data == 1.0
        del y
        assert first() is None
    finally:
        gc.enable()


def test_recording_switched_off_in_one_thread_only() -> None:
    x = half()
    inside, done = threading.Event(), threading.Event()

    def quiet() -> None:
        with whence.no_grad():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=quiet)
    thread.start()
    inside.wait(10)
    y = square(x)
    done.set()
    thread.join()
    assert y.creator is not None
