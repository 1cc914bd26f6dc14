"""Arrays of other libraries come and go without copying."""

import numpy as np
import pytest

import whence
from whence import Variable
from whence.errors import DtypeError, GraphError, InPlaceError


def test_the_memory_is_shared() -> None:
    theirs = np.arange(3.0)
    v = whence.from_dlpack(theirs)
    assert np.shares_memory(v._data, theirs)
    theirs[0] = 7
    np.sum(v**2).backward()
    assert v.grad.data.tolist() == [14.0, 2.0, 4.0]


def test_a_write_between_forward_and_backward_is_noticed() -> None:
    theirs = np.arange(1.0, 4.0)
    v = whence.from_dlpack(theirs)
    y = np.sum(v**2)
    theirs[1] = 9.0
    with pytest.raises(InPlaceError):
        y.backward()


def test_copy_has_memory_of_its_own() -> None:
    theirs = np.ones(3)
    v = whence.from_dlpack(theirs, copy=True)
    assert not np.shares_memory(v._data, theirs)


def test_data_is_ours() -> None:
    theirs = np.ones(3)
    v = whence.from_dlpack(theirs)
    v.data[0] = 5
    assert theirs[0] == 1


def test_read_only_memory() -> None:
    theirs = np.ones(3)
    theirs.flags.writeable = False
    v = whence.from_dlpack(theirs)
    assert np.shares_memory(v._data, theirs)
    np.sum(v * v).backward()
    assert v.grad.data.tolist() == [2.0] * 3


def test_integers_come_as_they_are() -> None:
    assert whence.from_dlpack(np.arange(3)).dtype == np.int64


def test_out_and_back() -> None:
    v = Variable(np.arange(3.0))
    with whence.no_grad():  # elsewhere it would lose the gradient, and says so
        assert np.from_dlpack(v).tolist() == [0.0, 1.0, 2.0]
        assert np.shares_memory(np.from_dlpack(v), v._data)
    with pytest.raises(GraphError, match="lose its gradient"):
        np.from_dlpack(v)
    assert v.__dlpack_device__() == np.ones(1).__dlpack_device__()


@pytest.mark.parametrize(
    "x", [[1.0], 3.0, "text", Variable(np.ones(2))], ids=["list", "float", "str", "variable"]
)
def test_what_has_no_dlpack(x: object) -> None:
    with pytest.raises(DtypeError):
        whence.from_dlpack(x)


def test_torch() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.arange(3, dtype=torch.float32)
    v = whence.from_dlpack(tensor)
    tensor[0] = 5
    assert v.dtype == np.float32 and v._data[0] == 5
    back = torch.from_dlpack(Variable(np.arange(3.0)).data)
    assert back.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(DtypeError, match=r"detach\(\)"):
        whence.from_dlpack(torch.ones(2, requires_grad=True))
    with pytest.raises(DtypeError, match="bfloat16"):
        whence.from_dlpack(torch.ones(2, dtype=torch.bfloat16))


def test_jax() -> None:
    jnp = pytest.importorskip("jax.numpy")
    v = whence.from_dlpack(jnp.arange(3.0))
    assert v._data.tolist() == [0.0, 1.0, 2.0]
    assert jnp.from_dlpack(v.data).tolist() == [0.0, 1.0, 2.0]
