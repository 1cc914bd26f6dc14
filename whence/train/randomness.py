"""The random state of a training: the default stream, and the streams that modules hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import random
from ..nn.module import Module
from ..random import State, Stream


def streams(modules: Mapping[str, Any], stream: Stream | None = None) -> dict[str, Stream]:
    """Every stream that a training draws from, by the name of its place.

    >>> from whence import nn
    >>> list(streams({"model": nn.Linear(2, 2, stream=Stream(1))}))
    ['default', 'model._stream']
    """
    found = {"default": random.default}
    if stream is not None:
        found["trainer"] = stream
    for name, module in modules.items():
        if isinstance(module, Module):
            found.update(_held(name, module))
    return found


def _held(prefix: str, module: Module) -> Iterator[tuple[str, Stream]]:
    for name, part in module.named_modules(prefix):
        for attribute, value in vars(part).items():
            if isinstance(value, Stream):
                yield f"{name}.{attribute}", value


def states(found: Mapping[str, Stream]) -> dict[str, State]:
    """Where each stream is."""
    return {name: stream.state for name, stream in found.items()}


def set_states(found: Mapping[str, Stream], wanted: Mapping[str, State]) -> None:
    """Go back (or on) to these places; streams that have none stay where they are."""
    for name, stream in found.items():
        if name in wanted:
            stream.state = wanted[name]
