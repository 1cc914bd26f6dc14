"""find_nan and detect_nan: which op, which line, which direction."""

import re
import sys

import numpy as np
import pytest

import whence
from whence import Function, Variable, detect_nan, find_nan, grad
from whence.errors import DtypeError, NonFiniteError


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def line_of(text):
    """The line of this file that a report names."""
    return int(re.search(r"test_nonfinite\.py:(\d+)", text)[1])


def here():
    return sys._getframe(1).f_lineno


class Ratio(Function):
    def forward(self, x, y):
        return x / y

    def backward(self, g):
        x, y = (v.data for v in self.inputs)
        return g / y, -g * x / y**2


def test_everything_finite():
    x = Variable(np.array([1.0, 2.0]))
    assert find_nan(np.sum(np.log(x))) is None
    assert find_nan(x) is None
    assert find_nan(x.detach() * 0) is None
    assert x.grad is None


def test_the_first_op_forward():
    p = Variable(np.array([0.5, 0.0, 0.0, 2.0]), name="p")
    q = p * 3
    loss, line = np.sum(np.exp(np.log(q) * 0)), here()
    report = find_nan(loss)
    assert (report.op, report.direction) == ("np.log", "forward")
    assert line_of(report.where) == line
    text = str(report)
    assert text.splitlines()[0].startswith("the first infinity appears in np.log, forward, at ")
    assert f"  {line} |     loss, line = np.sum(np.exp(np.log(q) * 0)), here()" in text
    assert "its input has 2 zero, range 0 to 6 (of 4 values); it was made by np.multiply at " in text


def test_an_input():
    x = Variable(np.array([1.0, np.nan, np.inf]), name="data")
    report = find_nan(np.sum(x * 2))
    assert (report.op, report.direction) == ("input", "forward")
    assert "the first NaN is in an input 'data', made at " in report.text
    assert "it has 1 NaN, 1 infinite, all 1 (of 3 values)" in report.text
    assert find_nan(x).op == "input"


def test_the_gradient_alone():
    x = Variable(np.array([0.0, 4.0]), name="x")
    y, line = np.sqrt(x), here()
    report = find_nan(np.sum(y * y))
    assert (report.op, report.direction) == ("np.sqrt", "backward")
    assert line_of(report.where) == line
    assert (
        "the first infinity appears in np.sqrt, backward, at" in report.text or "the first NaN" in report.text
    )
    assert "the value is finite, the gradient is not: it has 1 NaN, all 1 (of 2 values)" in report.text
    assert "'x' has 1 zero, range 0 to 4 (of 2 values); it was an input, made at" in report.text
    assert x.grad is None


def test_values_that_were_not_kept_are_computed_again():
    big = Variable(np.linspace(-1.0, 1.0, 10_000))
    y = np.sum(((big * 2 + 1) * 3 - 1e308) * 2 + np.inf)
    report = find_nan(y)
    assert (report.op, report.direction) == ("np.multiply", "forward")
    assert "-inf" not in report.text
    assert "made by np.subtract" in report.text


def test_users_functions_and_several_outputs():
    report = find_nan(np.sum(Ratio()(Variable(np.ones(3)), Variable(np.array([1.0, 0.0, 2.0]), name="rate"))))
    assert report.op == "Ratio"
    assert "'rate' has 1 zero" in report.text

    class Both(Function):
        def forward(self, x):
            return np.sqrt(x), np.log(x)

        def backward(self, g, h):
            return g + h

    a, b = Both()(Variable(-1.0, name="x"))
    report = find_nan(a + b)
    assert report.op == "Both"
    assert "the first NaN appears in Both, forward" in report.text
    assert "'x' has 1 negative, all -1 (of 1 value)" in report.text


def test_complex_values():
    report = find_nan(np.sum(np.abs(np.log(Variable(np.array([0j, 1 + 1j]))))))
    assert report.op == "np.log"
    assert "1 zero, |x| up to 1.414 (of 2 values)" in report.text


def test_something_else_is_refused():
    with pytest.raises(DtypeError, match="find_nan looks behind a Variable, not a float"):
        find_nan(1.0)


def test_a_long_chain_needs_no_recursion():
    x = Variable(1.0)
    for _ in range(3000):
        x = x * 1.0
    assert find_nan(x) is None
    assert find_nan(np.log(x - 1)).op == "np.log"


def test_detect_forward():
    x = Variable(np.array([1.0, -1.0]), name="x")
    with pytest.raises(NonFiniteError) as error, detect_nan():
        line = here() + 1
        np.sqrt(x * 2)
    text = str(error.value)
    assert text.startswith("the first NaN appears in np.sqrt, forward, at ")
    assert line_of(text) == line
    assert "its input has 1 negative, range -2 to 2 (of 2 values); it was made by np.multiply at " in text
    assert isinstance(error.value, FloatingPointError)
    assert type(error.value) is NonFiniteError


def test_detect_backward():
    x = Variable(0.0)
    with detect_nan():
        y, line = np.sqrt(x), here()
        with pytest.raises(NonFiniteError) as error:
            y.backward()
    text = str(error.value)
    assert text.startswith("the first infinity appears in np.sqrt, backward, at ")
    assert line_of(text) == line


def test_detect_while_nothing_is_recorded():
    with whence.no_grad(), detect_nan(), pytest.raises(NonFiniteError) as error:
        line = here() + 1
        np.log(Variable(0.0))
    assert str(error.value).startswith("the first infinity appears in np.log, forward, at ")
    assert line_of(str(error.value)) == line


@pytest.mark.parametrize(
    ("transform", "direction"),
    [
        (lambda f: grad(f)(0.0), "backward"),
        (lambda f: whence.no_grad()(grad(f))(0.0), "backward"),
        (lambda f: whence.vjp(f, 0.0)[1](1.0), "backward"),
        (lambda f: whence.jacobian(f)(0.0), "backward"),
    ],
)
def test_detect_inside_transforms(transform, direction):
    with pytest.raises(NonFiniteError) as error, detect_nan():
        transform(lambda x: np.sqrt(x) + 1)
    assert f"appears in np.sqrt, {direction}, at " in str(error.value)
    assert "test_nonfinite.py" in str(error.value)


def test_detect_inside_second_order():
    with pytest.raises(NonFiniteError, match=r"infinity appears in np\.power"), detect_nan():
        whence.hessian(lambda x: x**1.5)(0.0)


def test_detect_in_users_functions():
    with pytest.raises(NonFiniteError, match=r"infinity appears in Ratio, forward"), detect_nan():
        Ratio()(Variable(1.0), Variable(0.0))


def test_detect_leaves_everything_as_it_was():
    with pytest.raises(NonFiniteError), detect_nan():
        np.log(Variable(0.0))
    assert np.log(Variable(0.0)).data == -np.inf
    with detect_nan(), pytest.raises(ZeroDivisionError):
        _ = 1 / 0
    with detect_nan(), detect_nan():
        np.log(Variable(1.0)).backward()


def test_detect_lets_finite_computations_pass():
    with detect_nan():
        x = Variable(np.array([1.0, 2.0]))
        np.sum(np.log(x)).backward()
    np.testing.assert_array_equal(x.grad.data, [1, 0.5])
