"""Transforms in several threads at once: each sees only its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

import whence
from whence import Function, Variable, grad, hessian, jvp, vjp

THREADS = 8


class Square(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        return 2 * self.input.data * gy


def together(task):
    """The results of ``task(0) … task(7)``, all started at the same moment, 20 times each."""
    barrier = Barrier(THREADS)

    def run(k):
        barrier.wait(timeout=30)
        return [task(k) for _ in range(20)]

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_every_thread_has_its_own_graph():
    x = np.linspace(0.1, 1.0, 5)  # shared

    def task(k):
        def f(x):
            return np.sum(np.sin(k * x) * Square()(x))

        return np.concatenate([grad(f)(x), hessian(f)(x).ravel(), jvp(f, (x,), (x,))[1][None]])

    alone = [task(k) for k in range(THREADS)]
    for k, results in enumerate(together(task)):
        for result in results:
            np.testing.assert_array_equal(result, alone[k])


def test_no_grad_in_one_thread_does_not_touch_another():
    def task(k):
        if k % 2:
            with whence.no_grad():
                return Variable(2.0) * 3 if k % 4 == 1 else grad(np.sin)(0.0)
        return grad(lambda x: x * x)(3.0)

    for k, results in enumerate(together(task)):
        for result in results:
            if k % 4 == 1:
                assert result.creator is None
            else:
                assert result == (1.0 if k % 4 == 3 else 6.0)


def test_detect_nan_in_one_thread_does_not_touch_another():
    def task(k):
        with np.errstate(all="ignore"):
            if k % 2:
                return grad(np.log)(0.0)
            try:
                with whence.detect_nan():
                    return grad(np.log)(0.0)
            except whence.errors.NonFiniteError:
                return "raised"

    for k, results in enumerate(together(task)):
        assert results == ([np.inf] if k % 2 else ["raised"]) * 20


def test_threads_share_the_parameters_of_a_model():
    w = Variable(np.array([1.0, 2.0]))

    def task(k):
        x = np.array([k, 1.0])
        return grad(lambda x: np.sum(w * x**2))(x).data

    for k, results in enumerate(together(task)):
        for result in results:
            np.testing.assert_array_equal(result, [2 * k, 4])
    assert w.grad is None


def test_one_pull_in_many_threads():
    _, pull = vjp(lambda x: np.exp(x) * x, np.array([1.0, 2.0]))
    expected = pull(np.ones(2))
    for k, results in enumerate(together(lambda k: pull(k * np.ones(2)))):
        for result in results:
            np.testing.assert_allclose(result, k * expected, rtol=1e-15)
