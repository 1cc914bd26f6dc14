"""Functions of the system's C library, called lane by lane: about an ULP off at most, but slow."""

from __future__ import annotations

from collections.abc import Callable

from .values import Value


def each_lane(name: str) -> Callable[..., Value]:
    """C's function ``name`` (``namef`` for float32) of all lanes, through one shared loop in the module."""

    def emit(*values: Value) -> Value:
        x = values[0]
        w, kind, lanes = x.writer, x.kind, x.lanes
        symbol = name + ("f" if kind == "f32" else "")
        w.external(symbol, kind, *[kind] * len(values))
        if lanes == 1:
            return w.call(symbol, (kind, 1), *values)
        shared = f"{symbol}_{lanes}"

        def write() -> None:
            arguments = {f"x{i}": f"{kind}x{lanes}" for i in range(len(values))}
            with w.function(shared, (kind, lanes), internal=True, **arguments) as given:
                places = [w.emit(f"alloca {x.type}", "ptr", 1) for _ in given]
                for place, value in zip(places, given, strict=True):
                    w.store(value, place)
                with w.loop(0, lanes) as loop:
                    scalars = [w.load(kind, place, loop.index, lanes=1) for place in places]
                    w.store(w.call(symbol, (kind, 1), *scalars), places[0], loop.index)
                w.give_back(w.load(kind, places[0], lanes=lanes))

        w.once(shared, write)
        return w.call(shared, (kind, lanes), *values)

    return emit
