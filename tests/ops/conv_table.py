"""The ops behind convolutions and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from whence.core.primitive import PRIMITIVES
from whence.ops import conv, pool  # noqa: F401  (they register themselves)
from whence.ops.window import Window

from .entries import Draw, Spec, Trial, entry

WINDOWS = [
    Window((5,), (3,), (1,), ((0, 0),), (1,)),
    Window((6,), (2,), (2,), ((1, 0),), (2,)),
    Window((4, 4), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    Window((5, 4), (3, 2), (2, 1), ((1, 1), (0, 1)), (1, 2)),
    Window((3, 2, 3), (2, 1, 2), (1, 1, 2), ((0, 0), (0, 0), (1, 0)), (1, 1, 1)),
]
LARGE = Window((9, 9), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
MAPS = ("convolution", "convolution with bias", "transposed convolution", "the kernel of a convolution")


def _window(draw: Draw, large: bool) -> Window:
    return LARGE if large else draw(st.sampled_from(WINDOWS))


def _map(name: str) -> Any:
    def trial(draw: Draw, large: bool) -> Trial:
        window = _window(draw, large)
        groups, inside, outside = draw(st.sampled_from([(1, 2, 3), (2, 1, 1), (2, 1, 2), (1, 1, 2)]))
        images = draw(st.sampled_from([0, 1, 2]))
        x = Spec((images, groups * inside, *window.size))
        w = Spec((groups * outside, inside, *window.kernel))
        g = Spec((images, groups * outside, *window.counts))
        operands = {
            "convolution": (x, w),
            "convolution with bias": (x, w, Spec(w.shape[:1])),
            "transposed convolution": (g, w),
            "the kernel of a convolution": (x, g),
        }[name]
        primitive, params = PRIMITIVES[name], {"window": window, "groups": groups}
        return Trial(
            lambda *xs: primitive.apply(*xs, **params), lambda *xs: primitive.forward(*xs, **params), operands
        )

    return trial


for _name in MAPS:
    entry(_name)(_map(_name))


def _over_windows(name: str, shape_of: Any) -> Any:
    def trial(draw: Draw, large: bool) -> Trial:
        window = _window(draw, large)
        primitive = PRIMITIVES[name]
        return Trial(
            lambda x: primitive.apply(x, window=window),
            lambda x: primitive.forward(x, window=window),
            (Spec((draw(st.sampled_from([0, 1, 2])), 2, *shape_of(window))),),
        )

    return trial


SHAPES = {
    "max pooling": lambda window: window.size,
    "sum pooling": lambda window: window.size,
    "the gradient of sum pooling": lambda window: window.counts,
    "unfold": lambda window: window.size,
    "fold": lambda window: (*window.kernel, *window.counts),
}
for _name, _shape in SHAPES.items():
    entry(_name)(_over_windows(_name, _shape))


def _where_maxima_are(name: str, shape_of: Any) -> Any:
    """Ops that are told by x and its maxima where to read or write: those stay as they are."""

    def trial(draw: Draw, large: bool) -> Trial:
        window = _window(draw, large)
        images = draw(st.sampled_from([1, 2]))
        x = np.random.default_rng(0).permutation(images * 2 * int(np.prod(window.size))) / 8.0
        x = x.reshape(images, 2, *window.size)
        y = PRIMITIVES["max pooling"].forward(x, window=window)
        primitive = PRIMITIVES[name]

        def of(function: Any) -> Any:
            return lambda g: function(g, np.asarray(x, g.dtype), np.asarray(y, g.dtype), window=window)

        return Trial(of(primitive.apply), of(primitive.forward), (Spec((images, 2, *shape_of(window))),))

    return trial


entry("the gradient of max pooling")(
    _where_maxima_are("the gradient of max pooling", lambda window: window.counts)
)
entry("picking where max pooling does")(
    _where_maxima_are("picking where max pooling does", lambda window: window.size)
)
