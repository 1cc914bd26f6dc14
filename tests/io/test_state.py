"""whence.save and whence.load: what comes back is what went in, or an error."""

import math
import os
import struct
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import whence
from whence import Variable, nn
from whence.errors import DtypeError, StateError
from whence.random import Stream


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, the same types everywhere."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (np.str_, np.bytes_)):
        return bool(a == b)
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            same(*keys) and same(a[keys[0]], b[keys[1]]) for keys in zip(a, b, strict=True)
        )
    if isinstance(a, (list, tuple)) and not isinstance(a, whence.random.State):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Stream):
        return a.state == b.state
    return bool(a == b)


dtypes = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(endianness="?"), hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(), hnp.datetime64_dtypes(), hnp.timedelta64_dtypes(),
    hnp.unicode_string_dtypes(max_len=4), hnp.byte_string_dtypes(max_len=4),
)  # fmt: skip
arrays = dtypes.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, min_side=0, max_side=3)))
keys = st.one_of(
    st.text(max_size=4), st.integers(), st.booleans(), st.none(), st.binary(max_size=3),
    st.tuples(st.integers(), st.text(max_size=2)),
)  # fmt: skip
streams = st.integers(0, 1 << 70).map(Stream)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(),
    st.text(st.characters(), max_size=5), st.binary(max_size=5), st.binary(max_size=5).map(bytearray),
    arrays, dtypes.flatmap(lambda d: hnp.arrays(d, ()).map(lambda a: a[()])),
    streams, streams.map(lambda s: s.state),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=8,
)


@given(tree=trees)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_everything_comes_back(tree: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "tree.state"
    whence.save(path, tree)
    assert same(whence.load(path), tree)


AWKWARD = {
    "payload": struct.unpack("d", struct.pack("Q", 0x7FF8_0000_DEAD_BEEF))[0],
    "huge": 3**20_000,
    "negative": -(1 << 53),
    "zero": -0.0,
    "infinity": -math.inf,
    "surrogate": "\ud800",
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(12)[::-2],
    "long": np.array([1.1], np.longdouble) ** 2,
    "complex": np.array(1 + 2j),
    "a.b": np.ones(1),
    "a": {"b": np.zeros(1)},
    "__metadata__": np.ones(2),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_values(name: str, tmp_path: Path) -> None:
    whence.save(tmp_path / "x", {name: AWKWARD[name]})
    assert same(whence.load(tmp_path / "x"), {name: AWKWARD[name]})


def test_names_that_meet(tmp_path: Path) -> None:
    tree = {"a.b": np.ones(1), "a": {"b": np.zeros(1)}, 1: np.full(1, 2.0), "1": np.full(1, 3.0)}
    whence.save(tmp_path / "x", tree)
    assert same(whence.load(tmp_path / "x"), tree)


def test_the_order_of_memory_is_kept(tmp_path: Path) -> None:
    whence.save(tmp_path / "x", AWKWARD["fortran"])
    loaded = whence.load(tmp_path / "x")
    assert loaded.flags.f_contiguous and not loaded.flags.c_contiguous


def test_loaded_arrays_can_be_written_to(tmp_path: Path) -> None:
    whence.save(tmp_path / "x", [np.ones(3), np.ones((2, 2), order="F"), np.array(1.0)])
    for array in whence.load(tmp_path / "x"):
        array += 1
        assert array.flags.owndata or array.base.flags.owndata


def test_readable_by_the_format_s_library(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    tree = {"model": {"w": np.ones((2, 3), np.float32), "z": np.array([1 + 2j])}, "step": 3}
    whence.save(tmp_path / "x", tree)
    read = numpy.load_file(tmp_path / "x")
    assert read["model.w"].tolist() == [[1.0] * 3] * 2
    assert read["model.z"].tolist() == [[1.0, 2.0]]


class Point(namedtuple("Point", "x y")):
    pass


LOOP: list[Any] = []
LOOP.append(LOOP)
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]

REFUSED = {
    "variable": (lambda: Variable(np.ones(2)), DtypeError, "v.data"),
    "module": (lambda: nn.Linear(2, 2), DtypeError, "state_dict"),
    "objects": (lambda: np.array([object()]), DtypeError, "object elements"),
    "masked": (lambda: np.ma.array([1.0]), DtypeError, "np.asarray"),
    "named tuple": (lambda: Point(1, 2), DtypeError, "_asdict"),
    "generator": (lambda: np.random.default_rng(0), DtypeError, "bit_generator.state"),
    "function": (lambda: len, DtypeError, "builtin_function"),
    "set": (lambda: {1}, DtypeError, "builtins.set"),
    "loop": (lambda: LOOP, StateError, "contains itself"),
    "deep": (lambda: DEEP, StateError, "too deeply"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_saved_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    value, error, text = REFUSED[name]
    path = tmp_path / "x"
    whence.save(path, "old")
    with pytest.raises(error, match=text):
        whence.save(path, {"part": [1, value()]})
    assert whence.load(path) == "old"
    assert os.listdir(tmp_path) == ["x"]


def test_the_message_says_where() -> None:
    with pytest.raises(DtypeError, match=r"optimizer\.slots\.1 is of type builtins\.set"):
        whence.save("never", {"optimizer": {"slots": [0, set()]}})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "run.state"
    whence.save(path, {"w": np.arange(4.0), "step": 7, "name": "é"})
    return path


def test_any_changed_byte_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    for i in range(len(content)):
        for flip in (0x01, 0x20, 0x80):
            saved.write_bytes(content[:i] + bytes([content[i] ^ flip]) + content[i + 1 :])
            with pytest.raises(StateError, match=r"run\.state"):
                whence.load(saved)


def test_any_truncation_or_addition_is_noticed(saved: Path) -> None:
    content = saved.read_bytes()
    for end in range(len(content)):
        saved.write_bytes(content[:end])
        with pytest.raises(StateError, match=r"run\.state.*\n.*nothing was loaded"):
            whence.load(saved)
    for more in (b"\0", content):
        saved.write_bytes(content + more)
        with pytest.raises(StateError, match="checksum"):
            whence.load(saved)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        whence.load(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(StateError, match="does not start"):
        whence.load(tmp_path / "text")
