"""Random programs: eager, NumPy's and native runs of a drawn function agree, bit for bit over threads.

``make test`` draws few. A nightly run: ``python -m tests.compiler.random_programs 20000``.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import whence
from tests.ops.calculus import LAYOUTS, loss, parts, weights_for
from tests.ops.entries import ENTRIES, array_of
from whence.core.primitive import PRIMITIVES

from ..ops import tables as tables

DTYPES = ["f4", "f8", "f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c16"]
LENGTHS = st.sampled_from([0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 70])
UNCHECKED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
BIG = 50.0  # beyond, a call is left out: so what rounding becomes stays bounded


class Drawn(NamedTuple):
    """A function of arrays, and arguments for it; ``text`` says what it does."""

    function: Callable[..., Any]
    arguments: list[Any]
    text: str
    rounding: float  # how often the widest epsilon results may differ
    epsilon: float = 2.0**-52  # of the coarsest type that takes part


# --- arguments -----------------------------------------------------------------------------------------


def array(draw: Any, shape: tuple[int, ...], dtype: str, rng: np.random.Generator) -> Any:
    """Numbers of a type in some layout."""
    kind = np.dtype(dtype).kind
    layout = draw(
        st.sampled_from(["plain", "plain", "fortran", "negative", "strided", "broadcast", "turned"])
    )
    held = shape[::-1] if layout == "turned" else shape
    if layout == "broadcast":
        held = tuple(1 if draw(st.booleans()) else n for n in shape)
    if layout == "strided":
        held = tuple(2 * n for n in shape)
    if kind == "b":
        x = rng.integers(0, 2, held).astype(bool)
    elif kind in "iu":
        x = rng.integers(0 if kind == "u" else -9, 10, held).astype(dtype)
    else:
        x = rng.uniform(-2, 2, held)
        x = np.where(rng.integers(0, 9, held) == 0, rng.choice([0.0, -0.0, 1.0, -1.0], held), x)
        x = (x + 1j * rng.uniform(-1, 1, held) if kind == "c" else x).astype(dtype)
    x = np.asarray(x)
    if layout == "fortran":
        return np.asfortranarray(x)
    if layout == "negative":
        return x[(slice(None, None, -1),) * x.ndim]
    if layout == "strided":
        return x[(slice(None, None, 2),) * x.ndim]
    return np.broadcast_to(x, shape) if layout == "broadcast" else x.T if layout == "turned" else x


# --- programs of many calls ----------------------------------------------------------------------------


class Line(NamedTuple):
    """One call: the numbers of its operands among the values so far, what it does, and its text."""

    operands: tuple[int, ...]
    call: Callable[..., Any]
    text: str


def _is_float(x: Any) -> bool:
    return x.dtype.kind == "f"


def _dtype(x: Any) -> Any:
    return x.dtype.type


#: Continuous functions whose derivatives are small: name -> (call, kinds).
SMOOTH: dict[str, tuple[Callable[..., Any], str]] = {
    "sin": (np.sin, "f"),
    "cos": (np.cos, "f"),
    "tanh": (np.tanh, "fc"),
    "arctan": (np.arctan, "f"),
    "exp(tanh)": (lambda x: np.exp(np.tanh(x)), "f"),
    "log1p(square)": (lambda x: np.log1p(x * x), "f"),
    "sqrt(1+square)": (lambda x: np.sqrt(1 + x * x), "f"),
    "expm1(-abs)": (lambda x: np.expm1(-abs(x)), "f"),
    "log(1+abs)": (lambda x: np.log(1 + abs(x)), "f"),
    "1/(1+square)": (lambda x: 1 / (1 + x * x), "f"),
    "negative": (np.negative, "iufc"),
    "abs": (np.abs, "iufb"),
    "square": (np.square, "iufc"),
    "copy": (lambda x: x.copy(), "biufc"),
    "times 0.5": (lambda x: x * 0.5, "biufc"),
    "minus 1": (lambda x: x - 1, "ifc"),
    "power 3": (lambda x: np.tanh(x) ** 3, "f"),
    "clip": (lambda x: np.clip(x, -1, 1), "if"),
    "relu": (lambda x: np.maximum(x, 0), "if"),
    "arcsinh": (np.arcsinh, "f"),
    "conjugate": (np.conjugate, "biufc"),
    "exp2": (lambda x: np.exp2(np.sin(x)), "f"),
    "cbrt": (lambda x: np.cbrt(1 + x * x), "f"),
    "sinh": (lambda x: np.sinh(np.tanh(x)), "f"),
    "logaddexp": (lambda x: np.logaddexp(x, 0), "f"),
    "positive": (np.positive, "iufc"),
    "softmax": (lambda x: np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))) if x.size else x, "f"),
    "where": (lambda x: np.where(x * 0 == 0, x, -x), "biufc"),
    "real": (np.real, "fc"),
    "imag": (np.imag, "fc"),
    "cumsum": (lambda x: np.cumsum(x, axis=0) if x.ndim else x, "iufc"),
    "diff": (lambda x: np.diff(x, axis=-1) if x.ndim else x, "ifc"),
}

#: Steps: only of values that every way computes exactly.
STEPS: dict[str, tuple[Callable[..., Any], str]] = {
    "floor": (np.floor, "f"),
    "ceil": (np.ceil, "f"),
    "rint": (np.rint, "f"),
    "trunc": (np.trunc, "f"),
    "sign": (np.sign, "iuf"),
    "positive?": (lambda x: x > 0, "biuf"),
    "signbit": (np.signbit, "f"),
    "isfinite": (np.isfinite, "biufc"),
    "not": (np.logical_not, "biuf"),
    "int": (lambda x: x.astype(np.int32), "bif"),
    "float": (lambda x: x.astype(np.float32), "biuf"),
    "double": (lambda x: x.astype(np.float64), "biuf"),
    "byte": (lambda x: x.astype(np.int8), "biu"),
    "bool": (lambda x: x.astype(bool), "biuf"),
    "invert": (np.invert, "biu"),
    "argmax": (lambda x: np.argmax(x, axis=0) if x.ndim and 0 not in x.shape else x, "biuf"),
    "argmin": (lambda x: np.argmin(x) if x.size else x, "biuf"),
    "any": (lambda x: np.any(x, axis=-1) if x.ndim else x, "biuf"),
    "all": (lambda x: np.all(x), "biuf"),
    "sort": (lambda x: np.sort(x, axis=-1) if x.ndim else x, "biuf"),
    "modulo": (lambda x: x % 3, "if"),
    "floor_divide": (lambda x: x // 2, "iuf"),
    "shift": (lambda x: x << 1, "iu"),
}

PAIRS: dict[str, tuple[Callable[..., Any], str]] = {
    "add": (np.add, "biufc"),
    "subtract": (np.subtract, "iufc"),
    "multiply": (np.multiply, "biufc"),
    "divide": (lambda x, y: x / (1 + y * y), "f"),
    "maximum": (np.maximum, "biuf"),
    "minimum": (np.minimum, "biuf"),
    "hypot": (lambda x, y: np.hypot(x, 1 + y * y), "f"),
    "arctan2": (lambda x, y: np.arctan2(x, 1 + y * y), "f"),
    "fmax": (np.fmax, "biuf"),
    "copysign": (lambda x, y: np.copysign(x, 1 + y * y), "f"),
    "where": (lambda x, y: np.where(y == y, x, y), "biufc"),
    "power": (lambda x, y: (1 + x * x) ** np.tanh(y), "f"),
}

COMPARISONS: dict[str, tuple[Callable[..., Any], str]] = {
    "greater": (np.greater, "biuf"),
    "equal": (np.equal, "biufc"),
    "less_equal": (np.less_equal, "biuf"),
    "logical_and": (np.logical_and, "biuf"),
    "bitwise_xor": (np.bitwise_xor, "biu"),
    "not_equal": (np.not_equal, "biufc"),
    "chosen": (lambda x, y: np.where(x > y, x, y), "biuf"),
}

REDUCTIONS = [np.sum, np.max, np.min, np.mean, np.sum, np.prod, np.var, np.std]


def _reduced(draw: Any, x: Any) -> tuple[Callable[..., Any], str] | None:
    kind = x.dtype.kind
    function = draw(st.sampled_from(REDUCTIONS))
    axes = draw(st.sets(st.integers(0, max(x.ndim - 1, 0)), max_size=x.ndim)) if x.ndim else set()
    axis = draw(st.sampled_from([None, tuple(sorted(axes))]))
    keepdims = draw(st.booleans())
    if function not in (np.sum, np.prod) and (0 in x.shape or kind in "cb"):
        return None
    if function in (np.prod, np.std, np.var) and kind != "f":
        return None
    if function is np.std:
        return lambda x: np.sqrt(1 + np.var(x, axis=axis, keepdims=keepdims)), f"std {axis} {keepdims}"
    if function is np.prod:
        return lambda x: np.prod(np.tanh(x), axis=axis, keepdims=keepdims), f"prod {axis} {keepdims}"
    return lambda x: function(x, axis=axis, keepdims=keepdims), f"{function.__name__} {axis} {keepdims}"


def _viewed(draw: Any, x: Any) -> tuple[Callable[..., Any], str] | None:
    n = x.ndim
    which = draw(st.integers(0, 11))
    if which == 0:
        axes = tuple(draw(st.permutations(range(n))))
        return lambda x: np.transpose(x, axes), f"transpose {axes}"
    if which == 1:
        return lambda x: x.reshape(-1), "reshape -1"
    if which == 2 and n:
        step = draw(st.sampled_from([1, 2, -1, -2, 3]))
        start = draw(st.sampled_from([None, 0, 1, -2]))
        axis = draw(st.integers(0, n - 1))
        index = (slice(None),) * axis + (slice(start, None, step),)
        return lambda x: x[index], f"[{axis}: {start}::{step}]"
    if which == 3:
        m = draw(st.integers(1, 3))
        return lambda x: np.broadcast_to(x, (m, *x.shape)), f"broadcast_to {m}"
    if which == 4:
        at = draw(st.integers(0, n))
        return lambda x: np.expand_dims(x, at), f"expand_dims {at}"
    if which == 5 and n and x.shape[0]:
        i = draw(st.integers(-x.shape[0], x.shape[0] - 1))
        return lambda x: x[i], f"[{i}]"
    if which == 6 and n and x.shape[0]:
        rows = np.array(draw(st.lists(st.integers(-x.shape[0], x.shape[0] - 1), max_size=5)), int)
        return lambda x: x[rows], f"[{rows.tolist()}]"
    if which == 7:
        return lambda x: np.flip(x), "flip"
    if which == 8 and n:
        by, axis = draw(st.integers(-3, 3)), draw(st.integers(0, n - 1))
        return lambda x: np.roll(x, by, axis), f"roll {by} {axis}"
    if which == 9 and n:
        return lambda x: np.pad(x, [(1, 0)] + [(0, 2)] * (n - 1)), "pad"
    if which == 10 and n:
        axis = draw(st.integers(0, n - 1))
        return lambda x: np.concatenate([x, x[::-1]], axis=axis), f"concatenate {axis}"
    if which == 11 and n >= 1:
        return lambda x: np.stack([x, x], axis=-1), "stack -1"
    return None


def _matched(x: Any, y: Any) -> bool:
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return int(np.prod(shape)) < 40000


def _line(draw: Any, values: list[Any], exact: list[bool]) -> tuple[Line, bool] | None:
    """One more call that fits, and whether its result is exact."""
    i = draw(st.integers(0, len(values) - 1))
    x = values[i]
    sort = draw(
        st.sampled_from(
            ["smooth", "smooth", "step", "pair", "pair", "compare", "reduce", "view", "view", "matmul"]
        )
    )
    found: tuple[Callable[..., Any], str] | None = None
    if sort in ("smooth", "step"):
        table = SMOOTH if sort == "smooth" else STEPS
        name = draw(st.sampled_from(sorted(table)))
        call, kinds = table[name]
        if x.dtype.kind not in kinds or (sort == "step" and not exact[i]):
            return None
        return Line((i,), call, name), exact[i] and (sort == "step" or x.dtype.kind in "biu")
    if sort in ("reduce", "view"):
        found = (_reduced if sort == "reduce" else _viewed)(draw, x)
        keeps = sort == "view" or x.dtype.kind in "biu"
        return None if found is None else (Line((i,), *found), exact[i] and keeps and "mean" not in found[1])
    j = draw(st.integers(0, len(values) - 1))
    y = values[j]
    if sort == "matmul":
        fits = (
            x.ndim
            and y.ndim
            and x.dtype.kind in "fc"
            and y.dtype.kind in "fc"
            and x.dtype != np.float16 != y.dtype
        )
        fits = fits and x.shape[-1] == y.shape[max(y.ndim - 2, 0)]
        if not fits or not _matched(np.empty(x.shape[:-2]), np.empty(y.shape[:-2])):
            return None
        return Line((i, j), np.matmul, "matmul"), False
    table = PAIRS if sort == "pair" else COMPARISONS
    name = draw(st.sampled_from(sorted(table)))
    call, kinds = table[name]
    if x.dtype.kind not in kinds or y.dtype.kind not in kinds or not _matched(x, y):
        return None
    if sort == "compare" and not (exact[i] and exact[j]):
        return None
    return Line((i, j), call, name), exact[i] and exact[j] and (sort == "compare" or x.dtype.kind in "biu")


def chain(draw: Any) -> Drawn:
    """A function of many calls."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = tuple(draw(st.lists(LENGTHS, max_size=3)))
    while np.prod(shape, dtype=int) > 5000:
        shape = shape[1:]
    arguments = []
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(shape)))
        mine = tuple(1 if draw(st.integers(0, 5)) == 0 else n for n in shape[start:])
        arguments.append(array(draw, mine, draw(st.sampled_from(DTYPES)), rng))
    values, exact = list(arguments), [True] * len(arguments)
    lines: list[Line] = []
    largest = 1.0
    with np.errstate(all="ignore"):
        for _ in range(draw(st.integers(1, 12))):
            found = _line(draw, values, exact)
            if found is None:
                continue
            line, is_exact = found
            try:
                value = np.asarray(line.call(*[values[i] for i in line.operands]))
            except (TypeError, ValueError):  # refused by NumPy for such types or shapes
                continue
            if value.size > 40000 or value.dtype == object:
                continue
            if value.size and value.dtype.kind in "fc" and not np.max(np.abs(value)) < BIG:
                continue
            if value.size and value.dtype.kind in "fc":
                largest = max(largest, float(np.max(np.abs(value))))
            lines.append(line)
            values.append(value)
            exact.append(is_exact)
    count = len(arguments)
    outputs = sorted({len(values) - 1, *draw(st.sets(st.integers(0, len(values) - 1), max_size=2))})

    def function(*xs: Any) -> Any:
        found = list(xs)
        for line in lines:
            found.append(line.call(*[found[i] for i in line.operands]))
        return tuple([found[i] for i in outputs])

    given = ", ".join(f"{a.dtype}{list(a.shape)} strides {a.strides}" for a in arguments)
    text = [f"arguments {given}"]
    text += [f"v{count + k} = {line.text} of {line.operands}" for k, line in enumerate(lines)]
    coarsest = max([np.finfo(v.dtype).eps for v in values if v.dtype.kind in "fc"], default=2.0**-52)
    return Drawn(
        function, arguments, "\n".join([*text, f"outputs {outputs}"]), 400 * largest**2, float(coarsest)
    )


# --- programs of one primitive, with what stands around it ---------------------------------------------

NAMES = sorted(set(ENTRIES) & set(PRIMITIVES))


def primitive(draw: Any) -> Drawn:
    """A call of one primitive, in some layout and precision, its value or its gradient."""
    name = draw(st.sampled_from(NAMES))
    trial = ENTRIES[name](draw, draw(st.integers(0, 5)) == 0)
    seed = draw(st.integers(0, 999))
    kinds = "fc" if trial.complex else "f"
    arrays = [array_of(s, i, seed, draw(st.sampled_from(kinds))) for i, s in enumerate(trial.specs)]
    layouts = [LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))] for _ in arrays]
    arrays = [layout.store(a) for layout, a in zip(layouts, arrays, strict=True)]
    around = draw(st.sampled_from(["nothing", "arithmetic"]))

    def through(*held: Any) -> Any:
        xs = [layout.view(a) for layout, a in zip(layouts, held, strict=True)]
        if around == "arithmetic":
            xs = [x * 1.0 for x in xs]
        y = trial.f(*xs)
        return tuple([part * 2 + 1 for part in parts(y)]) if around == "arithmetic" else y

    text = f"{name} of {[a.shape for a in arrays]}, {around}"
    if draw(st.booleans()):
        return Drawn(through, arrays, text, 1e6)
    weights = weights_for(through(*[whence.Variable(a) for a in arrays]), seed)
    gradient = whence.grad(lambda *xs: loss(through(*xs), weights), tuple(range(len(arrays))))
    return Drawn(gradient, arrays, f"gradient of {text}", 1e8)


# --- the law -------------------------------------------------------------------------------------------


def bare(y: Any) -> list[Any]:
    """The results as arrays."""
    return [np.asarray(part._data if isinstance(part, whence.Variable) else part) for part in parts(y)]


def near(found: Any, wanted: Any, tolerance: float) -> bool:
    """Within a tolerance, relative to the largest element where that is above one."""
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        return False
    if wanted.dtype.kind not in "fc":
        return np.array_equal(found, wanted)
    if not wanted.size:
        return True
    finite = np.abs(wanted[np.isfinite(wanted)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    return np.allclose(found, wanted, 0, tolerance * scale, equal_nan=True)


def check(drawn: Drawn) -> None:
    """Eager, by NumPy and native agree; threads and runs have the same bits; arguments stay as they are."""
    before = [np.array(a) for a in drawn.arguments]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        wanted = bare(drawn.function(*drawn.arguments))
        interpreted = whence.compile(drawn.function, backend="numpy")
        native = whence.compile(drawn.function)
        runs = {"numpy": bare(interpreted(*drawn.arguments))}
        for name, threads in (("one thread", 1), ("two threads", 2), ("again", 2), ("settled", 1)):
            with whence.threads(threads):
                runs[name] = [np.array(y) for y in bare(native(*drawn.arguments))]
    for name, found in runs.items():
        for i, (x, y) in enumerate(zip(found, wanted, strict=True)):
            if not near(x, y, drawn.rounding * drawn.epsilon):
                raise AssertionError(
                    f"{drawn.text}\n{name}, output {i}: {x.dtype}{x.shape} {x}\neager: {y.dtype}{y.shape} {y}"
                    f"\n{native.graph}"
                )
            if name in ("two threads", "again", "settled") and x.tobytes() != runs["one thread"][i].tobytes():
                raise AssertionError(f"{drawn.text}\n{name}, output {i}: other bits\n{native.graph}")
    for old, new in zip(before, drawn.arguments, strict=True):
        assert old.tobytes() == np.array(new).tobytes(), f"{drawn.text}\nan argument was written to"


@st.composite
def programs(draw: Any) -> Drawn:
    """Two chains for each primitive."""
    return (primitive if draw(st.integers(0, 2)) == 0 else chain)(draw)


def main(count: int, seed: int, most: int = 20) -> int:
    """Draw so many programs from ``seed`` on; print what disagrees and go on, up to ``most`` of them."""
    failures: list[str] = []

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=UNCHECKED,
        phases=[phase for phase in settings().phases if phase.name == "generate"],
    )
    @given(programs())
    def run(drawn: Drawn) -> None:
        try:
            check(drawn)
        except Exception as error:
            failures.append(drawn.text)
            print(f"--- {type(error).__name__}: {str(error)[:3000]}\n{drawn.text}", flush=True)
            if len(failures) >= most:
                raise

    run._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]
    run()
    print(f"{count} programs, {len(failures)} disagree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
