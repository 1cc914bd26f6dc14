"""For every primitive a way to draw a call of it: the table that the laws range over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from whence.core.primitive import PRIMITIVES, Primitive

Draw = Callable[[Any], Any]


class Spec(NamedTuple):
    """What to draw an operand from. ``zeros``: some elements are exactly zero."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    zeros: bool = False


class Trial(NamedTuple):
    """A call: ``f`` on Variables and arrays, ``plain`` the same in NumPy, and its operands."""

    f: Callable[..., Any]
    plain: Callable[..., Any]
    specs: tuple[Spec, ...]
    complex: bool = False
    order: int = 2


ENTRIES: dict[str, Callable[[Draw, bool], Trial]] = {}


def entry(name: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        ENTRIES[name] = function
        return function

    return register


def array_of(spec: Spec, position: int, seed: int, kind: str = "f") -> np.ndarray:
    """Values from a grid, all different, none on the grid of another operand: no ties, no kinks."""
    rng = np.random.default_rng([seed, position])

    def part(low: float, high: float) -> np.ndarray:
        size = int(np.prod(spec.shape, dtype=int))
        cells = max(size, 61)
        chosen = rng.permutation(cells)[:size].reshape(spec.shape)
        return low + (high - low) * (chosen + 0.31 + 0.23 * (position % 3)) / cells

    values = part(spec.low, spec.high)
    if kind == "c":
        values = values + 1j * part(-0.45, 0.45)
    if spec.zeros:
        values = values * (rng.random(spec.shape) > 0.2)
    return values


def lengths(draw: Draw, large: bool, ndim: int, least: int = 0) -> tuple[int, ...]:
    """A shape with ``ndim`` axes; a large one holds more than 4096 bytes."""
    if large:
        return {0: (), 1: (521,), 2: (23, 24), 3: (8, 9, 8)}[ndim]
    return tuple(draw(st.lists(st.integers(least, 4), min_size=ndim, max_size=ndim)))


def shapes(draw: Draw, large: bool, low: int = 0, high: int = 3, least: int = 0) -> tuple[int, ...]:
    ndim = draw(st.integers(max(low, 1) if large else low, high))
    return lengths(draw, large, ndim, least)


def broadcast_part(draw: Draw, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to ``shape``."""
    start = draw(st.integers(0, len(shape)))
    return tuple(1 if draw(st.booleans()) else n for n in shape[start:])


def axes(draw: Draw, ndim: int) -> Any:
    """None, one axis (from either end) or several."""
    if ndim == 0:
        return None
    one = st.integers(-ndim, ndim - 1)
    several = st.sets(st.integers(0, ndim - 1), max_size=ndim).map(
        lambda chosen: tuple(i - ndim if i % 2 else i for i in chosen)
    )
    return draw(st.one_of(st.none(), one, several))


# --- elementwise: from their domains -------------------------------------------------------------


def accepts_complex(function: Any, count: int) -> bool:
    with np.errstate(all="ignore"):
        try:
            function(*[np.array([0.3 + 0.1j])] * count)
        except TypeError:
            return False
    return True


def elementwise_entry(primitive: Primitive) -> Callable[[Draw, bool], Trial]:
    name = primitive.name.rpartition(".")[2]
    function = getattr(np, name)
    count = len(primitive.vjp)

    def trial(draw: Draw, large: bool) -> Trial:
        shape = shapes(draw, large)
        first = draw(st.integers(0, count - 1))
        operands = tuple(
            Spec(shape if large and i == first else broadcast_part(draw, shape), *primitive.domain[i])
            for i in range(count)
        )
        return Trial(primitive.apply, function, operands, accepts_complex(function, count))

    return trial


for _primitive in PRIMITIVES.values():
    if (
        _primitive.name.startswith("np.")
        and _primitive.domain
        and len(_primitive.domain) == len(_primitive.vjp)
    ):
        ENTRIES[_primitive.name] = elementwise_entry(_primitive)


@entry("np.sign")
def _sign(draw: Draw, large: bool) -> Trial:
    return Trial(PRIMITIVES["np.sign"].apply, np.sign, (Spec(shapes(draw, large), 0.3, 2.0),), True)


@entry("np.ldexp")
def _ldexp(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large)
    exponents = np.random.default_rng(0).integers(-2, 3, broadcast_part(draw, shape))
    ldexp = PRIMITIVES["np.ldexp"].apply
    return Trial(lambda x: ldexp(x, exponents), lambda x: np.ldexp(x, exponents), (Spec(shape),))


@entry("spherical_jn")
def _spherical_jn(draw: Draw, large: bool) -> Trial:
    n = draw(st.integers(0, 3))
    return Trial(
        lambda x: PRIMITIVES["spherical_jn"](x, n=n),
        lambda x: special.spherical_jn(n, x),
        (Spec(shapes(draw, large), 0.2, 3.0),),
        complex=False,
    )


@entry("np.round")
def _round(draw: Draw, large: bool) -> Trial:
    f = PRIMITIVES["np.round"]
    return Trial(lambda x: f(x, decimals=0), np.round, (Spec(shapes(draw, large), 0.1, 0.4),), complex=True)


@entry("np.modf")
def _modf(draw: Draw, large: bool) -> Trial:
    return Trial(PRIMITIVES["np.modf"], np.modf, (Spec(shapes(draw, large), 1.1, 1.9),))


# --- reductions ----------------------------------------------------------------------------------


def reduction(name: str, plain: Any, least: int = 0, low: float = -2.0, complex: bool = True, **more: Any):
    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        shape = shapes(draw, large, least=least)
        keywords = {"axis": axes(draw, len(shape)), "keepdims": draw(st.booleans())}
        spec = Spec(shape, low, 2.0, more.get("zeros", False) and draw(st.booleans()))
        primitive = PRIMITIVES[name]
        return Trial(lambda x: primitive(x, **keywords), lambda x: plain(x, **keywords), (spec,), complex)


reduction("np.sum", np.sum)
reduction("np.mean", np.mean, least=1)
reduction("np.prod", np.prod, zeros=True)
reduction("np.max", np.max, least=1)
reduction("np.min", np.min, least=1)
reduction("np.var", np.var, least=1)


@entry("np.linalg.norm")
def _norm(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, 1, 2)
    axis = draw(st.sampled_from([None, -1, 0] if len(shape) == 1 else [None, 1, -2, (0, 1), (-1, 0)]))
    keywords = {"axis": axis, "keepdims": draw(st.booleans())}
    primitive = PRIMITIVES["np.linalg.norm"]
    return Trial(
        lambda x: primitive(x, **keywords),
        lambda x: np.linalg.norm(x, **keywords),
        (Spec(shape, 0.3, 2.0),),
        True,
    )


def running(name: str, plain: Any, zeros: bool) -> None:
    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        shape = shapes(draw, large, 1)
        axis = draw(st.integers(-len(shape), len(shape) - 1))
        low = 0.9 if large and zeros else -1.5  # hundreds of factors: their product stays moderate
        spec = Spec(shape, low, 1.1 if low > 0 else 1.5, zeros and draw(st.booleans()))
        primitive = PRIMITIVES[name]
        return Trial(lambda x: primitive(x, axis=axis), lambda x: plain(x, axis=axis), (spec,), True)


running("np.cumsum", np.cumsum, zeros=False)
running("np.cumprod", np.cumprod, zeros=True)


# --- shapes --------------------------------------------------------------------------------------


def linear(name: str, plain: Any, keywords: Callable[[Draw, tuple[int, ...]], dict[str, Any]], low: int = 0):
    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        shape = shapes(draw, large, low)
        drawn = keywords(draw, shape)
        primitive = PRIMITIVES[name]
        return Trial(lambda x: primitive(x, **drawn), lambda x: plain(x, **drawn), (Spec(shape),), True)


def _reshaped(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    size = int(np.prod(shape, dtype=int))
    choices: list[Any] = [shape[::-1], (size,), (1, *shape), (-1, 1) if size else (0, 3)]
    return {"shape": draw(st.sampled_from(choices)), "order": draw(st.sampled_from("CF"))}


def _shifted(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    ndim = len(shape)
    if ndim > 1 and draw(st.booleans()):
        return {"shift": (2, -1), "axis": (0, -1)}
    return {"shift": draw(st.integers(-5, 5)), "axis": draw(st.sampled_from([None, *range(-ndim, ndim)]))}


linear("np.reshape", np.reshape, _reshaped)
linear(
    "np.transpose",
    np.transpose,
    lambda draw, shape: {
        "axes": draw(
            st.one_of(
                st.none(), st.permutations(range(len(shape))).map(lambda p: tuple(i - len(shape) for i in p))
            )
        )
    },
)
linear("np.flip", np.flip, lambda draw, shape: {"axis": axes(draw, len(shape))})
linear("np.roll", np.roll, _shifted)
linear("np.copy", np.copy, lambda draw, shape: {})
linear("identity", lambda x: x, lambda draw, shape: {})
linear(
    "np.broadcast_to",
    np.broadcast_to,
    lambda draw, shape: {
        "shape": (*draw(st.sampled_from([(), (2,), (0,), (1, 3)])), *(2 if n == 1 else n for n in shape))
    },
)
linear(
    "np.pad",
    lambda x, width: np.pad(x, width),
    lambda draw, shape: {"width": tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape)},
    low=1,
)
linear("astype", lambda x, dtype: x.astype(dtype), lambda draw, shape: {"dtype": np.dtype(complex)})


@entry("np.repeat")
def _repeat(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, 1)
    axis = draw(st.integers(0, len(shape) - 1))
    counts = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 4, shape[axis])
    repeats = draw(st.sampled_from([0, 1, 3, [2], np.array([2]), counts, counts.tolist()]))
    keywords = {"repeats": repeats, "axis": axis}
    return Trial(
        lambda x: PRIMITIVES["np.repeat"](x, **keywords),
        lambda x: np.repeat(x, **keywords),
        (Spec(shape),),
        True,
    )


@entry("np.where")
def _where(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large)
    condition = np.random.default_rng(1).random(broadcast_part(draw, shape)) > 0.5
    if large:
        condition = np.broadcast_to(condition, shape).copy()
    specs = (Spec(broadcast_part(draw, shape)), Spec(broadcast_part(draw, shape)))
    return Trial(
        lambda a, b: PRIMITIVES["np.where"](condition, a, b),
        lambda a, b: np.where(condition, a, b),
        specs,
        True,
    )


@entry("np.clip")
def _clip(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large)
    ends = draw(st.sampled_from(["both", "low", "high"]))
    low, high = Spec(broadcast_part(draw, shape), -1.5, 0.8), Spec(broadcast_part(draw, shape), 0.2, 1.5)
    clip = PRIMITIVES["np.clip"]
    if ends == "both":
        return Trial(clip, np.clip, (Spec(shape), low, high))
    if ends == "low":
        return Trial(lambda x, a: clip(x, a, None), lambda x, a: np.clip(x, a, None), (Spec(shape), low))
    return Trial(lambda x, a: clip(x, None, a), lambda x, a: np.clip(x, None, a), (Spec(shape), high))


@entry("np.concatenate")
def _concatenate(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, 1)
    axis = draw(st.integers(0, len(shape) - 1))
    counts = [shape[axis], *draw(st.lists(st.integers(0, 3), max_size=2))]
    specs = tuple(Spec((*shape[:axis], n, *shape[axis + 1 :])) for n in counts)
    f = PRIMITIVES["np.concatenate"]
    return Trial(lambda *xs: f(*xs, axis=axis), lambda *xs: np.concatenate(xs, axis), specs, True)


# --- indexing ------------------------------------------------------------------------------------


def index_for(draw: Draw, shape: tuple[int, ...]) -> Any:
    """Slices, integers, masks, integer arrays (with repeats), and mixtures of them."""
    kinds = [hnp.basic_indices(shape, allow_newaxis=True)]
    kinds.append(hnp.arrays(bool, shape, elements=st.booleans(), fill=st.nothing()))
    if shape and 0 not in shape:
        rows = st.lists(st.integers(-shape[0], shape[0] - 1), max_size=6).map(
            lambda chosen: np.array(chosen, dtype=int)
        )
        kinds.append(rows)
        kinds.append(hnp.integer_array_indices(shape))
        kinds.append(rows.map(lambda chosen: (..., chosen % shape[-1])))
        if len(shape) > 1:
            kinds.append(rows.map(lambda chosen: (chosen, slice(None, None, -1))))
            kinds.append(rows.map(lambda chosen: (chosen[:, None], np.array([0, -1, 0]))))
        if len(shape) > 2:
            kinds.append(rows.map(lambda chosen: (chosen, slice(0, 2), -1)))
    return draw(st.one_of(kinds))


def _indexed(draw: Draw, large: bool) -> tuple[tuple[int, ...], Any]:
    shape = shapes(draw, large)
    if large:
        return shape, draw(st.sampled_from([slice(None, None, -1), np.arange(40) % 7, (..., 3), slice(2, 5)]))
    return shape, index_for(draw, shape)


@entry("getitem")
def _getitem(draw: Draw, large: bool) -> Trial:
    shape, index = _indexed(draw, large)
    f = PRIMITIVES["getitem"]
    return Trial(lambda x: f(x, index=index), lambda x: x[index], (Spec(shape),), True)


@entry("scatter")
def _scatter(draw: Draw, large: bool) -> Trial:
    shape, index = _indexed(draw, large)
    f = PRIMITIVES["scatter"]

    def plain(g: Any) -> Any:
        total = np.zeros(shape, g.dtype)
        np.add.at(total, index, g)
        return total

    return Trial(lambda g: f(g, index=index, shape=shape), plain, (Spec(np.empty(shape)[index].shape),), True)


@entry("setitem")
def _setitem(draw: Draw, large: bool) -> Trial:
    shape, index = _indexed(draw, large)
    f = PRIMITIVES["setitem"]

    def plain(x: Any, value: Any) -> Any:
        y = x.copy() if isinstance(x, np.ndarray) else np.array(x)
        y[index] = value
        return y

    target = np.empty(shape)[index].shape
    value = broadcast_part(draw, target)
    if target and isinstance(index, slice):
        value = (1, *target)  # NumPy takes more axes, of length one
    return Trial(lambda x, value: f(x, value, index=index), plain, (Spec(shape), Spec(value)))


# --- products ------------------------------------------------------------------------------------

MATMULS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 1)),
    ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((2, 1, 2, 3), (3, 3, 2)), ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)), ((2, 0), (0, 3)), ((0, 3), (3, 2)), ((0,), (0,)), ((1, 1), (1, 1)),
]  # fmt: skip
LARGE_MATMULS = [
    ((23, 24), (24, 25)),
    ((600,), (600,)),
    ((600, 2), (2,)),
    ((2,), (2, 600)),
    ((8, 9, 10), (10, 60)),
]


@entry("np.matmul")
def _matmul(draw: Draw, large: bool) -> Trial:
    a, b = draw(st.sampled_from(LARGE_MATMULS if large else MATMULS))
    return Trial(PRIMITIVES["np.matmul"], np.matmul, (Spec(a), Spec(b)), True)


EINSUMS = [
    ("i,i->", (3,), (3,)), ("ij,jk->ik", (2, 3), (3, 4)), ("ij->", (2, 3)), ("ij->ji", (2, 3)),
    ("ii->", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (3, 3, 2)), ("iii->i", (3, 3, 3)),
    ("ij,ij->ij", (2, 3), (1, 3)),
    ("i,j->ij", (2,), (3,)), ("ij,i,kj->k", (2, 3), (2,), (4, 3)), (",ij->ij", (), (2, 2)),
    ("ij,kj->k", (2, 3), (4, 1)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), ("ij,jk->ik", (2, 0), (0, 3)),
    ("ii,ij->j", (3, 3), (3, 2)), ("i->", (4,)), ("ij,kl->", (2, 2), (2, 2)), ("ijij->ij", (2, 3, 2, 3)),
]  # fmt: skip


@entry("np.einsum")
def _einsum(draw: Draw, large: bool) -> Trial:
    large_ones = [("ij,jk->k", (24, 25), (25, 26)), ("ii->i", (25, 25)), ("i,j->ij", (30,), (40,))]
    subscripts, *operands = draw(st.sampled_from(large_ones if large else EINSUMS))
    optimize = draw(st.sampled_from([False, True, "optimal"]))
    f = PRIMITIVES["np.einsum"]
    return Trial(
        lambda *xs: f(*xs, subscripts=subscripts, optimize=optimize),
        lambda *xs: np.einsum(subscripts, *xs, optimize=optimize),
        tuple(Spec(shape) for shape in operands),
        True,
    )
