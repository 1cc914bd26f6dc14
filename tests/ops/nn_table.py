"""The ops behind ``whence.nn``: activations and normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from whence.core.primitive import PRIMITIVES
from whence.ops import activation, cross_entropy, normalise  # noqa: F401  (they register themselves)

from .entries import Draw, Spec, Trial, broadcast_part, entry, shapes

#: Parameters to draw from, for ops of one operand.
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "nn.relu": [{}],
    "nn.leaky_relu": [{"slope": s} for s in (0.1, 1.5, -0.3)],
    "nn.elu": [{"alpha": 0.7, "scale": 1.3, "rate": 0.8}],
    "nn.sigmoid": [{}],
    "nn.silu": [{}],
    "nn.softplus": [{"beta": 1.3, "threshold": t} for t in (20.0, 0.5)],
    "nn.mish": [{}],
    "nn.gelu": [{}],
    "nn.gelu slope": [{}],
    "nn.gelu(approximate='tanh')": [{}],
    "nn.gelu(approximate='tanh') slope": [{}],
}


def _of_one(name: str) -> Any:
    def trial(draw: Draw, large: bool) -> Trial:
        params = draw(st.sampled_from(OPTIONS[name]))
        primitive = PRIMITIVES[name]
        return Trial(
            lambda x: primitive.apply(x, **params),
            lambda x: primitive.forward(x, **params),
            (Spec(shapes(draw, large)),),
        )

    return trial


for _name in OPTIONS:
    entry(_name)(_of_one(_name))


@entry("nn.hardtanh")
def _hardtanh(draw: Draw, large: bool) -> Trial:
    primitive = PRIMITIVES["nn.hardtanh"]
    low, high = draw(
        st.sampled_from([(-0.6, 1.1), (1.3, 2.0), (-2.0, -0.8)])
    )  # a stencil must not meet the ends
    return Trial(
        lambda x: primitive.apply(x, low=-0.7, high=1.2),
        lambda x: primitive.forward(x, low=-0.7, high=1.2),
        (Spec(shapes(draw, large), low, high),),
    )


@entry("nn.prelu")
def _prelu(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large)
    primitive = PRIMITIVES["nn.prelu"]
    return Trial(primitive.apply, primitive.forward, (Spec(shape), Spec(broadcast_part(draw, shape))))


def _along(name: str) -> Any:
    def trial(draw: Draw, large: bool) -> Trial:
        shape = shapes(draw, large, low=1, least=1)
        axis = draw(st.integers(-len(shape), len(shape) - 1))
        primitive = PRIMITIVES[name]
        return Trial(
            lambda x: primitive.apply(x, axis=axis), lambda x: primitive.forward(x, axis), (Spec(shape),)
        )

    return trial


for _name in ("nn.softmax", "nn.log_softmax"):
    entry(_name)(_along(_name))


def _axes(draw: Draw, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))))


@entry("nn.standardize")
def _standardize(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, low=1, least=1)
    params = {"axes": _axes(draw, shape), "eps": 0.1}
    primitive = PRIMITIVES["nn.standardize"]
    return Trial(
        lambda x: primitive.apply(x, **params), lambda x: primitive.forward(x, **params), (Spec(shape),)
    )


@entry("nn.standardize slope")
def _standardize_slope(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, low=1, least=1)
    axes = _axes(draw, shape)
    few = tuple(1 if i in axes else n for i, n in enumerate(shape))
    primitive = PRIMITIVES["nn.standardize slope"]
    return Trial(
        lambda *xs: primitive.apply(*xs, axes=axes),
        lambda *xs: primitive.forward(*xs, axes=axes),
        (Spec(shape), Spec(shape), Spec(few, 0.5, 2.0)),
    )


@entry("nn.affine")
def _affine(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, low=1, least=1)
    part = broadcast_part(draw, shape)
    primitive = PRIMITIVES["nn.affine"]
    return Trial(primitive.apply, primitive.forward, (Spec(shape), Spec(part), Spec(part)))


@entry("nn.cross_entropy")
def _cross_entropy(draw: Draw, large: bool) -> Trial:
    rows, classes = (40, 30) if large else draw(st.sampled_from([(1, 1), (3, 4), (0, 2), (2, 1)]))
    target = np.arange(rows) % classes
    share = draw(st.sampled_from([0.7, np.linspace(0.0, 1.0, rows)]))
    primitive = PRIMITIVES["nn.cross_entropy"]
    summed = draw(st.booleans())
    return Trial(
        lambda x: primitive.apply(x, target=target, share=_like(share, x), summed=summed),
        lambda x: primitive.forward(x, target=target, share=_like(share, x), summed=summed),
        (Spec((rows, classes)),),
    )


def _like(share: Any, x: Any) -> Any:
    return np.asarray(share, x.dtype)[()]


@entry("nn.cross_entropy slope")
def _cross_entropy_slope(draw: Draw, large: bool) -> Trial:
    rows, classes = (40, 30) if large else draw(st.sampled_from([(1, 1), (3, 4), (0, 2)]))
    target = np.arange(rows) % classes
    primitive = PRIMITIVES["nn.cross_entropy slope"]
    return Trial(
        lambda *xs: primitive.apply(*xs, target=target),
        lambda *xs: primitive.forward(*xs, target=target),
        (Spec((rows, classes)), Spec(draw(st.sampled_from([(rows,), ()])))),
    )


@entry("nn.binary_cross_entropy")
def _binary_cross_entropy(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large)
    primitive = PRIMITIVES["nn.binary_cross_entropy"]
    return Trial(
        primitive.apply, primitive.forward, (Spec(shape, 0.1, 0.9), Spec(broadcast_part(draw, shape), 0, 1))
    )
