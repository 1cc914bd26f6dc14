"""Bad input: every error is a WhenceError that says what happened, where, and what to write."""

from __future__ import annotations

import copy
import os
import re
import sys
from typing import Any

import numpy as np
import pytest

from whence import Function, Variable, WhenceError, no_grad
from whence.errors import BoundsError, DtypeError, GraphError, InPlaceError, NoGradientError, ShapeError

FILE = "test_errors.py"


def raised(error: type[WhenceError], text: str, call: Any) -> str:
    """The message of what ``call`` raises: of that type, with that text, naming a line of the test."""
    frame = sys._getframe(1)
    first, line = frame.f_code.co_firstlineno, frame.f_lineno
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert isinstance(caught.value, WhenceError)
    assert text in message, message
    named = [int(n) for n in re.findall(rf"{FILE}:(\d+)", message)]
    assert any(first <= n <= line + 12 for n in named), f"no line of the test is in: {message}"
    return message


def ones(*shape: int) -> Variable:
    return Variable(np.ones(shape))


# --- what a Variable can hold --------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        np.array(["a"]), "a", [object()], None, {"a": 1}, np.array([1, None]), np.array(["2020"], "M8[Y]"),
        np.zeros(2, [("a", float)]), b"bytes",
    ],
)  # fmt: skip
def test_only_numbers(value):
    message = raised(DtypeError, "a Variable holds numbers, not", lambda: Variable(value))
    assert "x.astype(float)" in message


def test_ragged_lists():
    raised(DtypeError, "not an array", lambda: Variable([[1.0], [1.0, 2.0]]))


@pytest.mark.parametrize("value", [np.ma.array([1.0, 2.0], mask=[0, 1]), np.ones((1, 2)).view(np.matrix)])
def test_masked_arrays_and_matrices(value):
    message = raised(DtypeError, "rules of its own", lambda: Variable(value))
    assert "np.where" in message


def test_a_variable_of_a_variable():
    x = ones(2)
    message = raised(GraphError, "would forget its history", lambda: Variable(x))
    assert "v.detach()" in message


@pytest.mark.parametrize("other", ["a", np.array(["a"]), [1, 2, object()], np.array([1, None, 2])])
@pytest.mark.parametrize("op", [lambda v, o: v + o, lambda v, o: o * v, lambda v, o: np.maximum(v, o)])
def test_operands_that_are_no_numbers(op, other):
    if isinstance(other, str) and op(3, 4) == 12:
        pytest.skip("str.__mul__ answers first")
    raised(DtypeError, "numbers, not", lambda: op(ones(3), other))


def test_none_as_an_operand():
    raised(DtypeError, "a constant of type NoneType", lambda: ones(3) + None)


def test_masked_operands_on_either_side():
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    raised(DtypeError, "rules of its own", lambda: ones(3) * masked)
    message = raised(DtypeError, "a masked array with a Variable", lambda: masked * ones(3))
    assert "np.where" in message


# --- shapes --------------------------------------------------------------------------------------


def test_mismatched_shapes_name_both_lines():
    x = Variable(np.ones((2, 3)), name="weights")
    y = ones(4) * 2
    message = raised(ShapeError, "could not be broadcast together", lambda: x + y)
    assert f"(2, 3)  input 'weights', made at {_place(x)}" in message
    assert f"(4,)  np.multiply, made at {_place(y)}" in message
    assert "np.add" in message


def _place(v: Variable) -> str:
    lines = v.edge._code.co_lines()
    line = next(number for start, end, number in lines if start <= v.edge._lasti < end)
    return f"{os.path.relpath(__file__)}:{line}"


def test_mismatched_shapes_with_a_constant():
    message = raised(ShapeError, "could not be broadcast", lambda: np.ones((2, 3)) - ones(4))
    assert "a constant of type ndarray" in message


def test_matmul_advises_the_transpose():
    message = raised(ShapeError, "np.matmul", lambda: ones(2, 3) @ ones(4, 3))
    assert "inner lengths must agree: 3 ≠ 4" in message
    assert "a @ b.T" in message
    message = raised(ShapeError, "np.matmul", lambda: ones(3, 2) @ ones(3, 4))
    assert "a.T @ b" in message


def test_one_axis_each_advises_a_new_one():
    message = raised(ShapeError, "broadcast", lambda: ones(3) * ones(4))
    assert "v[:, None]" in message


def test_axes_and_indices_out_of_bounds():
    raised(ShapeError, "axis 2 is out of bounds", lambda: np.sum(ones(2, 3), axis=2))
    raised(BoundsError, "index 5 is out of bounds", lambda: ones(3)[5])
    raised(BoundsError, "with index='a'", lambda: ones(3)["a"])
    with pytest.raises(np.exceptions.AxisError):
        np.flip(ones(2), axis=3)
    with pytest.raises(IndexError):
        ones(3)[3]


# --- backward ------------------------------------------------------------------------------------


def test_a_seed_of_the_wrong_shape():
    y = ones(3) * 2
    message = raised(
        ShapeError, "starts from a gradient of shape (4,)", lambda: y.backward(gradient=np.ones(4))
    )
    assert "a value of shape (3,)" in message
    assert "give one of shape (3,), or sum the value first" in message
    y.grad = np.ones((3, 1))
    raised(ShapeError, "starts from a gradient of shape (3, 1)", lambda: y.backward())


def test_a_seed_of_the_wrong_type():
    y = ones(3) * 2
    message = raised(
        DtypeError, "a gradient of dtype complex128", lambda: y.backward(gradient=np.ones(3) * 1j)
    )
    assert "make it float64" in message
    raised(DtypeError, "a gradient of dtype int64", lambda: y.backward(gradient=np.ones(3, int)))
    raised(DtypeError, "numbers, not", lambda: y.backward(gradient="abc"))


def test_integer_variables():
    x = Variable(np.arange(3), name="labels")
    message = raised(DtypeError, "integers have no derivative", lambda: (x * 2).backward())
    assert "Variable(x.astype(float))" in message
    message = raised(DtypeError, "'labels' holds int64 values", lambda: (x * 2.5).backward())
    assert "use the plain array" in message


def test_a_gradient_left_with_another_shape():
    x = ones(3)
    x.grad = np.ones(4)
    message = raised(ShapeError, "cannot be added to the one of shape (4,)", lambda: (x * 2).backward())
    assert "v.cleargrad()" in message


# --- what would lose a gradient ------------------------------------------------------------------


@pytest.mark.parametrize(
    "lose",
    [
        lambda v: np.array([v, v]),
        lambda v: np.array(v),
        lambda v: np.asarray(v),
        lambda v: np.sum([v, v]),
        lambda v: np.ones(3).dot(v),
        lambda v: np.ones(3).__setitem__(slice(None), v),
    ],
)
def test_plain_arrays_of_variables(lose):
    message = raised(GraphError, "would lose its gradient", lambda: lose(ones(3)))
    assert "np.stack([...])" in message
    assert "v.data" in message
    with no_grad():
        lose(ones(3))


def test_out_and_in_place_targets():
    target, x = np.zeros(3), ones(3)
    message = raised(NoGradientError, "np.add(..., out=)", lambda: np.add(x, 1, out=target))
    assert "v[...] = np.add(...)" in message
    raised(NoGradientError, "out=", lambda: target.__iadd__(x))
    raised(NoGradientError, "np.less(..., out=v)", lambda: np.less(x, 1, out=x))
    raised(NoGradientError, "np.add.at", lambda: np.add.at(target, [0], x[0]))
    raised(NoGradientError, "np.copyto", lambda: np.copyto(target, x))
    assert not target.any()


def test_an_unknown_function():
    message = raised(
        NoGradientError, "np.intersect1d has no gradient in whence", lambda: np.intersect1d(ones(3), [1.0])
    )
    assert "v.data" in message
    assert "whence.primitive" in message


def test_a_shallow_copy():
    with pytest.raises(GraphError, match=r"v\.detach\(\)"):
        copy.copy(ones(2))


def test_data_of_a_result_cannot_be_replaced():
    y = ones(3) + 1
    with pytest.raises(GraphError) as caught:
        y.data = np.zeros(3)
    assert "would not fit its history" in str(caught.value)
    assert "v[...] = value" in str(caught.value)
    raised(GraphError, "assign() is for inputs", lambda: y.assign(np.zeros(3)))


def test_assign_of_another_shape_or_type():
    x = ones(3)
    raised(ShapeError, "assign() of shape (4,) to a Variable of shape (3,)", lambda: x.assign(np.ones(4)))
    message = raised(DtypeError, "assign() of complex128", lambda: x.assign(np.ones(3) * 1j))
    assert "value.astype('float64')" in message
    raised(DtypeError, "assign() of float64", lambda: Variable(np.arange(3)).assign(np.ones(3)))
    np.testing.assert_array_equal(x.data, 1)


def test_writing_what_does_not_fit():
    x = ones(3)
    raised(DtypeError, "complex128 cannot be written into float64", lambda: x.__setitem__(0, 1j))
    raised(ShapeError, "shape (3,) into shape (2,)", lambda: x.__setitem__(slice(2), np.ones(3)))
    raised(BoundsError, "out of bounds", lambda: x.__setitem__(7, 1.0))
    raised(DtypeError, "float64 cannot be written into int64", lambda: Variable([1, 2]).__setitem__(0, 0.5))
    np.testing.assert_array_equal(x.data, 1)


# --- overwritten in place ------------------------------------------------------------------------


def overwritten(y: Variable, array: Any, index: Any) -> None:
    array[index] = 7.0
    message = raised(InPlaceError, "was overwritten in place after", lambda: y.backward())
    assert "v.assign(new)" in message
    assert "saved it for its gradient" in message


SIZES = pytest.mark.parametrize("size", [3, 100, 5000, 100_000])


@SIZES
@pytest.mark.parametrize("looked_before", [True, False])
def test_an_input_written_to(size, looked_before):
    x = ones(size)
    if looked_before:
        assert x.data[0] == 1
    y = np.sum(x * x)
    overwritten(y, x.data, size // 2)
    assert x.grad is None


@SIZES
def test_an_intermediate_written_to(size):
    x = ones(size)
    z = np.exp(x)
    y = np.sum(z * z)
    overwritten(y, z.data, -1)


@SIZES
def test_a_view_written_to(size):
    x = ones(size)
    y = np.sum(np.reshape(x, (1, -1)) ** 2)
    overwritten(y, x.data, 0)


@SIZES
def test_a_constant_written_to(size):
    constant = np.ones(size)
    y = np.sum(ones(size) * constant)
    overwritten(y, constant, slice(None))


def test_a_saved_function_input_written_to():
    x = ones(3)
    y = Twice()(x)
    x.data[0] = 5
    raised(InPlaceError, "Twice called at", lambda: y.backward())


def test_an_unchained_value_written_to():
    u = ones(3) * 2
    u.unchain()
    y = np.sum(u * u)
    overwritten(y, u.data, 0)
    pair = type("Pair", (Twice,), {"forward": lambda self, x: (x, 2 * x)})()
    u, _ = pair(ones(3))
    u.unchain()
    y = np.sum(u * u)
    overwritten(y, u.data, 0)


def test_writing_before_use_or_after_backward_is_fine():
    x = ones(3)
    x.data[0] = 5
    y = np.sum(x * x)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [10, 2, 2])
    x.data[0] = 0
    x.cleargrad()
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad.data, [0, 2, 2])


def test_writing_where_no_gradient_reads_is_fine():
    x, constant = ones(3), np.ones(3)
    y = np.sum(x + constant)
    constant[:] = 9
    y.backward()
    np.testing.assert_array_equal(x.grad.data, 1)


def test_replaced_values_leave_old_graphs_right():
    x = Variable(np.array([2.0, 3.0]))
    y = np.sum(x * x)
    x.assign(np.array([7.0, 7.0]))
    x[0] = 9.0
    y.backward()
    z = np.sum(x * x)
    z.backward()
    np.testing.assert_array_equal(x.data, [9, 7])
    assert y.creator.inputs[0].grad is None


# --- the user's own Functions --------------------------------------------------------------------


class Twice(Function):
    def forward(self, x):
        return 2 * x

    def backward(self, gy):
        return 2 * gy


def variant(**methods: Any) -> Function:
    return type("Mine", (Twice,), methods)()


def test_too_many_gradients():
    y = variant(backward=lambda self, gy: (gy, gy))(ones(3))
    message = raised(GraphError, "Mine.backward returned 2 gradients for 1 inputs", lambda: y.backward())
    assert "one gradient (or None) for each input" in message


def test_too_few_gradients():
    y = variant(forward=lambda self, a, b: a + b)(ones(3), ones(3))
    raised(GraphError, "Mine.backward returned 1 gradients for 2 inputs", lambda: y.backward())


def test_a_gradient_of_the_wrong_shape():
    y = variant(backward=lambda self, gy: np.ones(7))(ones(3))
    message = raised(ShapeError, "a gradient of shape (7,) for an input of shape (3,)", lambda: y.backward())
    assert "Mine was made at" in message
    z = variant(backward=lambda self, gy: np.sum(gy))(ones(3))
    raised(ShapeError, "a gradient of shape () for an input of shape (3,)", lambda: z.backward())


def test_a_gradient_that_is_no_number():
    y = variant(backward=lambda self, gy: "steep")(ones(3))
    raised(DtypeError, "numbers, not", lambda: y.backward())


def test_none_means_no_gradient():
    x = ones(3)
    variant(backward=lambda self, gy: None)(x).backward()
    assert x.grad is None


def test_forward_that_writes_into_its_input():
    def forward(self, x):
        x += 1
        return x

    x = ones(3)
    message = raised(InPlaceError, "Mine.forward wrote into an array", lambda: variant(forward=forward)(x))
    assert "x = x.copy()" in message
    np.testing.assert_array_equal(x.data, 1)
    x.data[0] = 2  # and it can be written to again


def test_backward_that_writes_into_its_gradient():
    def backward(self, gy):
        gy *= 2
        return gy

    y = variant(backward=backward)(ones(3))
    raised(InPlaceError, "Mine.backward wrote into an array", lambda: y.backward())


def test_arrays_stored_on_self_have_no_second_derivative():
    def forward(self, x):
        self.slope = 2 * x
        return x**2

    x = ones(3)
    y = variant(forward=forward, backward=lambda self, gy: gy * self.slope)(x)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, 2)
    message = raised(NoGradientError, "Mine.forward stored self.slope", lambda: y.backward(create_graph=True))
    assert "self.input.data" in message


def test_forward_and_backward_are_asked_for():
    raised(NoGradientError, "needs a method forward", lambda: type("Bare", (Function,), {})()(ones(1)))
    y = type("Half", (Function,), {"forward": lambda self, x: x})()(ones(1))
    raised(NoGradientError, "Half needs a method backward", lambda: y.backward())


def test_forward_returning_a_variable():
    raised(
        GraphError, "Mine.forward returned a Variable", lambda: variant(forward=lambda self, x: ones(1))(1.0)
    )


def test_input_of_several():
    y = variant(forward=lambda self, a, b: a + b)(ones(3), ones(3))
    with pytest.raises(GraphError, match=r"has 2 inputs; write inputs\[0\]"):
        _ = y.creator.input
    with pytest.raises(GraphError, match="has not been called"):
        _ = Twice().inputs
    y, _ = variant(forward=lambda self, a: (a, a))(ones(3))
    with pytest.raises(GraphError, match=r"has 2 outputs; write outputs\[0\]"):
        _ = y.creator.output


def test_a_value_that_was_not_kept():
    x = ones(1000)
    y = (x + 1) + 1
    (released,) = y.creator.inputs[:1]
    assert released.shape == (1000,)
    raised(GraphError, "was not kept", lambda: released.data)


@pytest.mark.parametrize(
    "view", [lambda v: v[0], lambda v: v.T, lambda v: v.reshape(-1), lambda v: v[:, ::-1]]
)
def test_writing_into_a_view_is_refused(view):
    v = Variable(np.ones((2, 2)))
    w = view(v)
    with pytest.raises(GraphError, match=r"is a view, made at .*test_errors.py:\d+(.|\n)*index once"):
        w[0] = 5.0
    with no_grad(), pytest.raises(GraphError, match="is a view"):
        view(v)[0] = 5.0
    w = view(v).copy()
    w[0] = 5.0
    w.sum().backward()
    assert v.grad.data.sum() == w.size - w.data[0].size


def test_writing_into_a_recorded_value_without_recording_is_refused():
    v = Variable(np.ones(3)) * 2.0
    with no_grad(), pytest.raises(GraphError, match=r"made at .*test_errors.py:\d+(.|\n)*v.detach()"):
        v[0] = 5.0
    w = Variable(np.ones(3))
    with no_grad():
        w[0] = 5.0
    (w * w).sum().backward()
    assert w.grad.tolist() == [10.0, 2.0, 2.0]


def test_a_backward_that_writes_into_its_input_is_refused():
    class Greedy(Function):
        def forward(self, x):
            return x * 2

        def backward(self, gy):
            x = self.input.data
            x *= 2
            return gy * 2

    v = Variable(np.ones(3))
    with pytest.raises(InPlaceError, match=r"Greedy\.backward wrote into an array"):
        Greedy()(v).sum().backward()
    assert v.data.tolist() == [1.0, 1.0, 1.0]
