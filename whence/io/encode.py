"""Nested containers as JSON and a list of arrays, and back, without loss.

What JSON has stands as it is: None, booleans, strings, lists, integers below 2⁵³, finite floats (which it
writes with the digits that name them exactly). All else is an object with one tag, and what it is
made of: ``{"tuple": [...]}``, ``{"dict": [[key, value], ...]}``, ``{"float": "7ff8000000000001"}``.
"""

from __future__ import annotations

import base64
import math
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import DtypeError, StateError
from ..random import State, Stream

_INTEGERS = 1 << 53  # below, every reader of JSON has them exactly
_REMEDIES = {
    "Module": "save its state_dict(), and load_state_dict() it into a module built the same way",
    "Generator": "save generator.bit_generator.state, or use whence.random.Stream",
}


class Stored(NamedTuple):
    """An array as it stands in the file."""

    kind: str  # safetensors' name of the element type
    shape: tuple[int, ...]
    data: Any  # its bytes, little-endian


_KINDS = {
    "b1": "BOOL", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "m8": "I64", "M8": "I64",
    "u1": "U8", "u2": "U16", "u4": "U32", "u8": "U64", "f2": "F16", "f4": "F32", "f8": "F64",
}  # fmt: skip
_PAIRS = {"c8": "F32", "c16": "F64"}


class Encoder:
    """One tree on its way to a file: :attr:`arrays` collects what does not go into the JSON.

    >>> encoder = Encoder()
    >>> encoder.encode({"w": np.ones(2), "lr": (0.5, None)})
    {'dict': [['w', {'array': ['w', '<f8', [2], 'C']}], ['lr', {'tuple': [0.5, None]}]]}
    >>> list(encoder.arrays)
    ['w']
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Stored] = {}
        self._open: set[int] = set()

    def encode(self, value: Any, path: str = "") -> Any:
        """What JSON keeps of ``value``, which stands at ``path`` in the tree."""
        encode = _ENCODERS.get(type(value))
        if encode is not None:
            return encode(value)
        if type(value) in _CONTAINERS:
            return self._container(value, path)
        if isinstance(value, np.generic):
            return {"scalar": [_portable(value.dtype, path).str, value.tobytes().hex()]}
        if type(value) in (np.ndarray, np.memmap):
            return self._array(np.asarray(value), path)
        raise _refusal(value, path)

    def _container(self, value: Any, path: str) -> Any:
        if id(value) in self._open:
            raise StateError(f"{path or 'the tree'} contains itself{called_at()}; a file has an end")
        self._open.add(id(value))
        if isinstance(value, dict):
            name = path + "." if path else ""
            parts: list[Any] = [
                [self.encode(key, f"a key of {path or 'the tree'}"), self.encode(part, f"{name}{key}")]
                for key, part in value.items()
            ]
        else:
            name = path + "." if path else ""
            parts = [self.encode(part, f"{name}{i}") for i, part in enumerate(value)]
        self._open.discard(id(value))
        return parts if type(value) is list else {type(value).__name__: parts}

    def _array(self, array: np.ndarray, path: str) -> Any:
        dtype = _portable(array.dtype, path)
        order = "C"
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            array, order = array.T, "F"  # the order of memory may decide the last bit of a product
        shape = array.shape
        array = np.ascontiguousarray(array, dtype.newbyteorder("<"))
        code = dtype.str[1:].split("[")[0]
        if code in _KINDS:
            kind, extent = _KINDS[code], shape
        elif code in _PAIRS:
            kind, extent = _PAIRS[code], (*shape, 2)
        else:
            kind, extent = "U8", (*shape, dtype.itemsize)
        data = array.reshape(-1).view(np.uint8) if array.nbytes else b""
        name = self._name(path)
        self.arrays[name] = Stored(kind, extent, data)
        return {"array": [name, dtype.str, list(shape), order]}

    def _name(self, path: str) -> str:
        path = path.encode("utf-8", "replace").decode() or "value"
        name, count = path, 1
        while name in self.arrays or name == "__metadata__":
            count += 1
            name = f"{path}#{count}"
        return name


def _portable(dtype: np.dtype, path: str) -> np.dtype:
    if dtype.kind not in "biufcmMSU":
        raise DtypeError(
            f"{path or 'the value'} holds {dtype} elements, which cannot be saved{called_at()}\n"
            "  → convert them to numbers or to plain Python values first"
        )
    return dtype


def _refusal(value: Any, path: str) -> DtypeError:
    kind = type(value)
    if isinstance(value, Variable):
        remedy = "save v.data; a whole model's arrays are model.state_dict()"
    elif hasattr(value, "_fields"):
        remedy = "named tuples would come back as plain ones: save value._asdict()"
    elif isinstance(value, np.ndarray):
        remedy = "save np.asarray(value), and a mask as an array of its own"
    else:
        base = next((part.__name__ for part in kind.__mro__ if part.__name__ in _REMEDIES), "")
        remedy = _REMEDIES.get(base, "save what it is made of")
    return DtypeError(
        f"{path or 'the value'} is of type {kind.__module__}.{kind.__qualname__}, "
        f"which cannot be saved{called_at()}\n"
        "  arrays, numbers, strings, bytes, booleans, None, random states, and lists, tuples and dicts of "
        f"these can\n  → {remedy}"
    )


def _bits(x: float) -> str:
    return struct.pack(">d", x).hex()


def _from_bits(text: str) -> float:
    return struct.unpack(">d", bytes.fromhex(text))[0]


def _state_text(state: State) -> list[Any]:
    return [f"{state.key:x}", f"{state.draws:x}"]


def _state(parts: list[str]) -> State:
    return State(*(int(part, 16) for part in parts))


def _stream(parts: list[str]) -> Stream:
    stream = Stream()
    stream.state = _state(parts)
    return stream


_CONTAINERS = (dict, list, tuple, OrderedDict)

_ENCODERS: dict[type, Callable[[Any], Any]] = {
    type(None): lambda x: x,
    bool: lambda x: x,
    str: lambda x: x,
    int: lambda x: x if -_INTEGERS < x < _INTEGERS else {"int": f"{x:x}"},
    float: lambda x: x if math.isfinite(x) else {"float": _bits(x)},
    complex: lambda x: {"complex": [_bits(x.real), _bits(x.imag)]},
    bytes: lambda x: {"bytes": base64.b64encode(x).decode()},
    bytearray: lambda x: {"bytearray": base64.b64encode(x).decode()},
    np.str_: lambda x: {"str_": str(x)},
    np.bytes_: lambda x: {"bytes_": base64.b64encode(x).decode()},
    State: lambda x: {"State": _state_text(x)},
    Stream: lambda x: {"Stream": _state_text(x.state)},
}

_DECODERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "float": _from_bits,
    "complex": lambda pair: complex(*map(_from_bits, pair)),
    "bytes": base64.b64decode,
    "bytearray": lambda text: bytearray(base64.b64decode(text)),
    "str_": np.str_,
    "bytes_": lambda text: np.bytes_(base64.b64decode(text)),
    "State": _state,
    "Stream": _stream,
    "scalar": lambda pair: np.frombuffer(bytes.fromhex(pair[1]), np.dtype(pair[0]))[0],
}


def decode(value: Any, arrays: dict[str, Any]) -> Any:
    """The tree that was encoded as ``value``, with arrays from their bytes by name."""
    if isinstance(value, list):
        return [decode(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == "array":
        return _from_bytes(arrays, *content)
    if tag == "tuple":
        return tuple(decode(part, arrays) for part in content)
    if tag in ("dict", "OrderedDict"):
        pairs = [(decode(key, arrays), decode(part, arrays)) for key, part in content]
        return dict(pairs) if tag == "dict" else OrderedDict(pairs)
    return _DECODERS[tag](content)


def _from_bytes(arrays: dict[str, Any], name: str, code: str, shape: list[int], order: str) -> np.ndarray:
    dtype, data = np.dtype(code), arrays[name]
    if not len(data):
        flat = np.zeros(shape, dtype)
    else:
        flat = np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape).astype(dtype)  # copied, aligned
    return flat.T if order == "F" else flat
