"""Users of all kinds: what a review found could go wrong without a word. Right, or an error."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import whence
from whence import Function, Variable
from whence.errors import DtypeError, GraphError, InPlaceError, NoGradientError


class Sigmoid(Function):
    def forward(self, x):
        return 1 / (1 + np.exp(-x))

    def backward(self, gy):
        y = self.output.data
        return gy * y * (1 - y)


def second_derivative(function_class, at=1.0):
    return whence.grad(whence.grad(lambda x: np.sum(function_class()(x))))(at)


def test_gradients_that_are_kept_have_the_shape_of_their_value():
    x = Variable(np.ones(3))
    a = x * 2
    (a * 3).sum().backward(retain_grad=True)
    assert a.grad.shape == x.grad.shape == (3,)
    b = x * 2
    y = (b * 3).sum()
    b.unchain()
    y.backward()
    assert b.grad.tolist() == [3.0, 3.0, 3.0]


def test_the_output_in_backward():
    x = Variable(np.array([0.0, 1.0]))
    (Sigmoid()(x) * 1.0).sum().backward()  # nobody holds the output
    y = 1 / (1 + np.exp(-x.data))
    assert np.allclose(x.grad.data, y * (1 - y))
    s = 1 / (1 + math.exp(-1.0))
    assert np.isclose(second_derivative(Sigmoid), s * (1 - s) * (1 - 2 * s))


def test_second_derivatives_that_leave_the_graph_are_refused():
    class ByMath(Function):
        def forward(self, x):
            return np.exp(x)

        def backward(self, gy):
            return math.exp(self.input.data) * gy

    class ByFloat(ByMath):
        def backward(self, gy):
            return 2.0 * float(gy)

    for function_class in (ByMath, ByFloat):
        with pytest.raises((GraphError, NoGradientError), match=r"would lose the gradient|plain numbers"):
            second_derivative(function_class)

    square = whence.primitive(lambda x: x * x, vjp=[lambda g, y, x: float(g) * 2 * float(x)])
    assert whence.grad(square)(3.0) == 6.0
    with pytest.raises(GraphError, match="would lose the gradient"):
        whence.grad(whence.grad(square))(3.0)


def test_math_inside_a_differentiated_function_is_refused():
    with pytest.raises(GraphError, match=r"test_hostile.py:\d+(.|\n)*np\.exp\(v\) instead of math\.exp"):
        whence.grad(lambda x: x * math.exp(x))(1.0)

    def fills(x):
        a = np.zeros(2)
        for i in range(2):
            a[i] = x[i] ** 2
        return np.sum(a) + x[0]

    with pytest.raises(ValueError) as error:  # NumPy's, and ours as its cause
        whence.grad(fills)(np.ones(2))
    assert "np.stack([...])" in str(error.value.__cause__)
    assert math.exp(Variable(0.0)) == 1.0  # outside, a Variable is read like any number


def test_random_forwards_run_once():
    class Dropout(Function):
        def forward(self, x):
            self.mask = rng.random(x.shape) > 0.5
            return x * self.mask

        def backward(self, gy):
            return gy * self.mask

    rng = np.random.default_rng(0)
    x = Variable(np.ones(2000))
    y = np.sum(Dropout()(x))
    assert whence.find_nan(y) is None
    y.backward()
    assert y.data == x.grad.data.sum()
    value, tangent = whence.jvp(lambda x: np.sum(Dropout()(x)), (np.ones(2000),), (np.ones(2000),))
    assert value == tangent


def test_attributes_keep_their_names():
    class Scaled(Function):
        def __init__(self):
            self.values, self.first, self.second, self.rest = [5.0], 1, 2.0, 3
            self.code, self.name, self.owner, self.rules, self.stamps = 4, "mine", 6, 7, 8

        def forward(self, x):
            return x * self.values[0]

        def backward(self, gy):
            return gy * self.values[0]

    function = Scaled()
    x = Variable(np.ones(2))
    function(x).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    assert (function.name, function.second, function.code) == ("mine", 2.0, 4)


def test_buffers_and_twins_are_not_shared():
    class Buffered(Function):
        def __init__(self):
            self.buffer = np.zeros(1)

        def forward(self, x):
            self.buffer[:] = x * 2
            return self.buffer

        def backward(self, gy):
            return gy * 2

    class Twins(Function):
        def forward(self, x):
            y = x * 2
            return y, y

        def backward(self, g, h):
            return 2 * (g + h)

    function, x = Buffered(), Variable(np.ones(1))
    y = function(x)
    function(Variable(np.full(1, 50.0)))
    assert y.data == 2.0
    a, b = Twins()(x)
    a.data[...] = 7.0
    assert b.data == 2.0
    buffer = np.zeros(1)
    double = whence.primitive(lambda x: np.multiply(x, 2, out=buffer), vjp=[lambda g, y, x: 2 * g])
    y = double(x)
    double(Variable(np.full(1, 50.0)))
    assert y.data == 2.0


def test_declared_functions_are_not_trusted():
    x = Variable(np.array([3.0, 4.0]))

    def squares_in_place(x):
        x *= x
        return x

    with pytest.raises(InPlaceError, match="copy it first"):
        whence.primitive(squares_in_place, vjp=[lambda g, y, x: 2 * x * g])(x)
    assert x.tolist() == [3.0, 4.0]
    assert whence.grad(whence.primitive(math.sin, vjp=[lambda g, y, x: g * np.cos(x)]))(0.0) == 1.0
    nothing = whence.primitive(lambda x: x * 1, vjp=[lambda g, y, x: None])
    assert whence.grad(lambda x: np.sum(nothing(x)))(np.ones(2)).tolist() == [0.0, 0.0]


def test_a_view_and_its_base_in_one_function():
    class Dot(Function):
        def forward(self, a, b):
            return (a * b[1:]).sum()

        def backward(self, gy):
            a, b = (v.data for v in self.inputs)
            return gy * b[1:], np.concatenate([[0.0], gy * a])

    x = Variable(np.ones(3))
    Dot()(x[1:], x).backward()
    assert x.grad.tolist() == [0.0, 2.0, 2.0]
    x.data[0] = 5.0  # still writeable


def test_indices_that_change_afterwards():
    x, i = Variable(np.arange(4.0)), np.array([0, 1])
    y = x[i].sum()
    i[:] = [2, 3]
    y.backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_plain_arrays_taken_without_recording_are_watched():
    x = Variable(np.ones(2))
    y = x * x
    with whence.no_grad():
        a = np.asarray(x)
    a[0] = 50.0
    with pytest.raises(InPlaceError):
        y.sum().backward()


def test_an_unchained_output_inside_a_transform():
    class Split(Function):
        def forward(self, x):
            return x[:1] * 2, x[1:] * 3

        def backward(self, g, h):
            return np.concatenate([2 * g, 3 * h])

    def f(x):
        a, b = Split()(x)
        c = a * 2
        a.unchain()
        return np.sum(c * b)

    assert whence.grad(f)(np.ones(2)).tolist() == [0.0, 12.0]


def test_empty_sums_and_half_precision():
    assert whence.grad(lambda a: np.einsum("ij->j", a).sum())(np.zeros((0, 3))).shape == (0, 3)
    x = Variable(np.ones(100_000, np.float16))
    x.mean().backward()
    assert np.allclose(x.grad.data, 1e-5, rtol=1e-2)


def test_the_seed_by_position_is_explained():
    y = Variable(np.ones(2)) * 2
    for seed in (np.ones(2), Variable(2.0)):
        with pytest.raises(DtypeError, match="gradient=seed"):
            y.backward(seed)


def test_pickles_of_functions_and_subclasses():
    class_of = pickle.loads(pickle.dumps(Sigmoid()))
    assert isinstance(class_of, Sigmoid)
    used = Sigmoid()
    used.scale = 3.0
    used(Variable(1.0))
    again = copy.deepcopy(used)
    assert again.scale == 3.0
    x = Variable(0.0)
    again(x).backward()
    assert x.grad.data == 0.25
    assert type(copy.deepcopy(Weight(np.ones(2)))) is Weight
    assert type(pickle.loads(pickle.dumps(Weight(np.ones(2), name="w")))) is Weight


class Weight(Variable):
    """A subclass, as a user would write one."""
