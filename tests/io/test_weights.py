"""safetensors files, in and out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whence import Variable, io, nn
from whence.errors import DtypeError, StateError

pytest.importorskip("safetensors")
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", ">f4"]


@pytest.mark.parametrize("code", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_round_trip(code: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.arange(6)[: np.prod(shape, dtype=int)].reshape(shape).astype(code)
    io.save_safetensors({"x": array, "t": array.T}, tmp_path / "w")
    loaded = io.load_safetensors(tmp_path / "w")
    for name, wanted in {"x": array, "t": array.T}.items():
        assert loaded[name].shape == wanted.shape
        assert loaded[name].dtype == np.dtype(code).newbyteorder("=")
        assert (loaded[name] == wanted).all()
        loaded[name][...] = 0  # our own memory


def test_a_model(tmp_path: Path) -> None:
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    io.save_safetensors(model.state_dict(), tmp_path / "w", {"epoch": "3"})
    other.load_state_dict(io.load_safetensors(tmp_path / "w"))
    assert (model.weight._data == other.weight._data).all()
    assert io.weights.load_metadata(tmp_path / "w") == {"epoch": "3"}
    assert io.load_metadata(tmp_path / "w") == {"epoch": "3"}


def test_bfloat16_comes_as_float32(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, np.inf, 0.0], np.float32)
    halves = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    header = b'{"x":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}}'
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header + halves)
    assert io.load_safetensors(tmp_path / "w")["x"].tolist() == values.tolist()


REFUSED: dict[str, tuple[Any, type, str]] = {
    "complex128": ({"x": np.ones(1, complex)}, DtypeError, "whence.save"),
    "container": ({"x": {"y": np.ones(1)}}, StateError, "container"),
    "key": ({1: np.ones(1)}, StateError, "strings, not 1"),
    "lazy": ({"x": nn.Parameter(None)}, StateError, "not known yet"),
    "notes": ({"__metadata__": np.ones(1)}, StateError, "own notes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    state, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        io.save_safetensors(state, tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_damaged(tmp_path: Path) -> None:
    io.save_safetensors({"x": Variable(np.ones(5))}, tmp_path / "w")
    content = (tmp_path / "w").read_bytes()
    for end in (0, 5, 20, len(content) - 1):
        (tmp_path / "w").write_bytes(content[:end])
        with pytest.raises(StateError, match="w: not a whole safetensors file"):
            io.load_safetensors(tmp_path / "w")
    with pytest.raises(FileNotFoundError):
        io.load_safetensors(tmp_path / "none")
