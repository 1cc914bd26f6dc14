"""Parameters: Variables that learn, may be frozen, and may wait for their shape."""

import copy
import pickle

import numpy as np
import pytest

from whence import Variable
from whence.errors import DtypeError, GraphError
from whence.nn import Buffer, Parameter


def test_frozen_parameters_get_no_gradient():
    p, q = Parameter(np.ones(2)), Parameter(np.ones(2))
    p.requires_grad = False
    (p * q).sum().backward()
    assert p.grad is None and not p.requires_grad
    p.assign(np.zeros(2))
    assert not p.requires_grad
    for other in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert not other.requires_grad
    p.requires_grad = True
    (p * q).sum().backward()
    np.testing.assert_array_equal(p.grad.data, [1, 1])


def test_parameters_without_a_shape():
    p = Parameter(None)
    assert p.is_lazy and "unknown" in repr(p)
    assert copy.deepcopy(p).is_lazy
    p.initialize(np.ones(3, np.float32))
    assert not p.is_lazy and p.dtype == np.float32
    with pytest.raises(GraphError, match="assign"):
        p.initialize(np.ones(3))


def test_only_floats_learn():
    with pytest.raises(DtypeError, match="Buffer"):
        Parameter(np.arange(3))


def test_buffers_are_constants():
    b, x = Buffer(np.ones(2)), Variable(np.ones(2))
    (b * x).sum().backward()
    assert b.grad is None
    b.assign(np.zeros(2))
    (b * x).sum().backward()
    assert b.grad is None and type(copy.deepcopy(b)) is Buffer
    (copy.deepcopy(b) * x).sum().backward()


def test_results_are_plain_variables():
    p = Parameter(np.ones(2))
    for y in (p + 1, -p, p * p, 2 * p, np.sin(p), p @ p, p[0], p.detach(), p.copy()):
        assert type(y) is Variable
