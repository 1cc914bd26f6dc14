"""Entries and examples of SciPy's special functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import special
from scipy.special import _ufuncs

import whence.scipy.special as mirror
from whence.core.primitive import PRIMITIVES, Primitive

from .entries import (
    ENTRIES,
    Draw,
    Spec,
    Trial,
    broadcast_part,
    entry,
    shapes,
)
from .examples import EXAMPLES, Example, of

HIDDEN = {
    "scipy.special.zeta": _ufuncs._riemann_zeta,
    "scipy.special.zeta(x, q)": _ufuncs._zeta,
}
#: Complex arguments that SciPy takes, and whose derivative is refused (not holomorphic, or unknown).
REAL_ONLY = {"psi", "gamma", "gammaln", "loggamma", "rgamma", "jve", "yve", "ive", "elliprc", "zeta"}
#: The random complex numbers of the tables are near the real axis, where these have no cut.
COMPLEX = {
    "erf", "erfc", "erfi", "erfcx", "dawsn", "log_ndtr", "ndtr", "expm1", "log1p", "exp1", "expi", "spence",
    "wrightomega", "xlogy", "xlog1py", "elliprf", "elliprg", "elliprd", "elliprj",
}  # fmt: skip


#: Their derivatives take some tens of values of the function for each element: no large arrays.
SLOW = {
    "betainc", "betaincc", "betaincinv", "betainccinv", "btdtria", "btdtrib", "fdtr", "fdtrc", "fdtri",
    "fdtridfd", "stdtr", "stdtrit", "stdtridf", "elliprd", "elliprj",
}  # fmt: skip


def scipys(name: str) -> Any:
    """The ufunc that a primitive stands for."""
    return HIDDEN[name] if name in HIDDEN else getattr(special, name.removeprefix("scipy.special."))


def elementwise_entry(primitive: Primitive) -> Any:
    function = scipys(primitive.name)
    count = len(primitive.vjp)
    slow = function.__name__ in SLOW

    def trial(draw: Draw, large: bool) -> Trial:
        large = large and not slow
        shape = shapes(draw, large)
        first = draw(st.integers(0, count - 1))
        specs = tuple(
            Spec(shape if large and i == first else broadcast_part(draw, shape), *primitive.domain[i])
            for i in range(count)
        )
        return Trial(primitive.apply, function, specs, function.__name__ in COMPLEX)

    return trial


ELEMENTWISE = [
    p
    for p in PRIMITIVES.values()
    if p.name.startswith("scipy.special.") and p.domain and " by " not in p.name and "spherical" not in p.name
]
for _primitive in ELEMENTWISE:
    ENTRIES[_primitive.name] = elementwise_entry(_primitive)


# --- functions with operands that are constants --------------------------------------------------


def last(name: str, *choices: tuple[Any, ...], low: float = 0.3, high: float = 2.0, complex: bool = False):
    """An entry for ``f(*constants, x)``; and an example of it."""
    function = getattr(special, name)
    primitive = PRIMITIVES[f"scipy.special.{name}"]

    @entry(primitive.name)
    def trial(draw: Draw, large: bool) -> Trial:
        constants = draw(st.sampled_from(choices))
        return Trial(
            lambda x: primitive(*constants, x),
            lambda x: function(*constants, x),
            (Spec(shapes(draw, large), low, high),),
            complex,
        )

    EXAMPLES[function] = [
        Example(lambda x, c=c: function(*c, x), (Spec((2, 3), low, high),), complex) for c in choices
    ]


last("yn", (0,), (1,), (3,), low=0.5)
last("kn", (0,), (1,), (3,), low=0.5)
last("expn", (0,), (1,), (2,), (5,))
last("hyp0f1", (1.5,), (0.5,), complex=True)
last("hyp1f1", (0.5, 1.5), (-2.0, 1.0), (1.0, 2.0), complex=True)
last("hyp2f1", (0.5, 1.5, 2.5), (1.0, 1.0, 2.0), high=0.7, complex=True)
last("hyperu", (0.5, 1.5), (1.2, 2.3))
last("wright_bessel", (0.5, 1.5), (1.0, 2.0))
last("log_wright_bessel", (0.5, 1.5), (1.0, 2.0))
last("struve", (0,), (1,), (0.5,))
last("modstruve", (0,), (1,), (0.5,))
last("pdtr", (0,), (2,), (2.7,))
last("pdtrc", (0,), (2,))
last("pdtri", (0,), (2,), low=0.2, high=0.8)
# SciPy warns of a number of trials that is not an integer, and takes 4 for 4.0 beside a float32
last("bdtr", (0, np.int64(4)), (3, np.int64(7)), (7, np.int64(7)), low=0.1, high=0.9)
last("bdtrc", (0, np.int64(4)), (3, np.int64(7)), low=0.1, high=0.9)
last("bdtri", (0, np.int64(4)), (3, np.int64(7)), low=0.1, high=0.9)
last("nbdtr", (0, 4), (3, 2), low=0.1, high=0.9)
last("nbdtrc", (0, 4), (3, 2), low=0.1, high=0.9)
last("nbdtri", (0, 4), (3, 2), low=0.1, high=0.9)
last("pbdv", (0.5,), (2,), (-1.2,))
last("pbvv", (0.5,), (-1.2,))
last("pbwa", (0.5,), (1,), (-1.2,))
for _name in ("legendre", "chebyt", "chebyu", "chebyc", "chebys", "laguerre"):
    last(f"eval_{_name}", (0,), (1,), (4,), (2.5,), low=-0.8, high=0.8, complex=True)
for _name in ("sh_legendre", "sh_chebyt", "sh_chebyu"):
    last(f"eval_{_name}", (0,), (1,), (4,), low=0.1, high=0.9, complex=True)
for _name in ("hermite", "hermitenorm"):
    last(f"eval_{_name}", (0,), (1,), (4,))
last("eval_jacobi", (0, 0.5, 1.5), (3, 0.5, 1.5), (2.5, 1.0, 2.0), low=-0.8, high=0.8, complex=True)
last("eval_sh_jacobi", (0, 2.5, 1.5), (3, 2.5, 1.5), low=0.1, high=0.9, complex=True)
last("eval_gegenbauer", (0, 0.5), (3, 1.5), (2.5, 0.7), low=-0.8, high=0.8, complex=True)
last("eval_genlaguerre", (0, 0.5), (3, 1.5), (2.5, 0.7), low=-0.8, high=0.8, complex=True)

# --- several values ------------------------------------------------------------------------------


def several(name: str, *domain: tuple[float, float], complex: bool = False) -> None:
    function = getattr(special, name)
    primitive = PRIMITIVES[f"scipy.special.{name}"]

    @entry(primitive.name)
    def trial(draw: Draw, large: bool) -> Trial:
        shape = shapes(draw, large)
        specs = [Spec(shape, *domain[0]), *[Spec(broadcast_part(draw, shape), *d) for d in domain[1:]]]
        return Trial(primitive.apply, function, tuple(specs), complex)

    EXAMPLES[function] = of(*[Spec((2, 3), *d) for d in domain], complex=complex)(lambda *xs: function(*xs))


several("sici", (0.3, 3.0), complex=True)
several("shichi", (0.3, 3.0), complex=True)
several("fresnel", (-1.0, 1.0), complex=True)
several("airy", (-3.0, 2.0), complex=True)
several("airye", (0.3, 3.0))
several("ellipj", (0.2, 3.0), (0.1, 0.7))
for _name in ("itj0y0", "iti0k0", "it2j0y0", "it2i0k0"):
    several(_name, (0.5, 3.0))


# --- derivatives by orders and shapes ------------------------------------------------------------


def by_parameters(name: str, *domain: tuple[float, float], keywords: tuple[dict[str, Any], ...]) -> None:
    primitive = PRIMITIVES[name]

    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        chosen = draw(st.sampled_from(keywords))
        shape = shapes(draw, False)  # a large one takes long, and is in no way special
        specs = [Spec(shape, *domain[0]), *[Spec(broadcast_part(draw, shape), *d) for d in domain[1:]]]
        return Trial(
            lambda *xs: primitive(*xs, **chosen), lambda *xs: primitive.forward(*xs, **chosen), tuple(specs)
        )


_ORDERS = ({"order": 1}, {"order": 2})
for _primitive in [p for p in PRIMITIVES.values() if p.name.endswith(" by order")]:
    by_parameters(_primitive.name, (-2.2, 3.7), (0.5, 4.0), keywords=_ORDERS)
by_parameters("scipy.special.gammainc by a", (0.7, 4.0), (0.5, 6.0), keywords=_ORDERS)
by_parameters(
    "scipy.special.betainc by a, b",
    (0.7, 4.0),
    (0.7, 4.0),
    (0.1, 0.9),
    keywords=({"orders": (1, 0)}, {"orders": (0, 1)}),
)
by_parameters("scipy.special.zeta by x", (1.6, 5.0), keywords=_ORDERS)
by_parameters("scipy.special.zeta(x, q) by x", (1.6, 5.0), (0.5, 3.0), keywords=_ORDERS)
by_parameters("scipy.special.elliprd by operands", *[(0.4, 3.0)] * 3, keywords=({"orders": (1, 0, 0)},))
by_parameters("scipy.special.elliprj by operands", *[(0.4, 3.0)] * 4, keywords=({"orders": (0, 0, 1, 0)},))


@entry("scipy.special.polygamma")
def _polygamma(draw: Draw, large: bool) -> Trial:
    n = draw(st.integers(0, 3))
    f = PRIMITIVES["scipy.special.polygamma"]
    return Trial(
        lambda x: f(x, n=n), lambda x: special.polygamma(n, x), (Spec(shapes(draw, large), 0.5, 3.0),)
    )


@entry("scipy.special.diric")
def _diric(draw: Draw, large: bool) -> Trial:
    n = draw(st.sampled_from([1, 2, 3, 6]))
    f = PRIMITIVES["scipy.special.diric"]
    return Trial(lambda x: f(x, n=n), lambda x: special.diric(x, n), (Spec(shapes(draw, large), -3.0, 3.0),))


@entry("scipy.special.lambertw")
def _lambertw(draw: Draw, large: bool) -> Trial:
    k = draw(st.sampled_from([0, -1, 1]))
    f = PRIMITIVES["scipy.special.lambertw"]
    return Trial(
        lambda x: f(x, k=k, tol=1e-8),
        lambda x: special.lambertw(x, k),
        (Spec(shapes(draw, large), 0.5, 3.0),),
        True,
    )


def _spherical(name: str) -> None:
    plain = getattr(special, f"spherical_{name}")
    for label, derivative in (
        (f"scipy.special.spherical_{name}", False),
        (f"scipy.special.spherical_{name}'", True),
    ):
        if label not in PRIMITIVES:  # spherical_jn is NumPy's sinc too, and stands there
            continue

        @entry(label)
        def trial(draw: Draw, large: bool, label: str = label, derivative: bool = derivative) -> Trial:
            n = draw(st.integers(0, 3))
            f = PRIMITIVES[label]
            spec = Spec(shapes(draw, large), 0.5, 3.0)
            return Trial(lambda x: f(x, n=n), lambda x: plain(n, x, derivative), (spec,), True)


for _name in ("jn", "yn", "in", "kn"):
    _spherical(_name)

# --- functions of SciPy, called plainly ----------------------------------------------------------

_real = of(Spec((2, 3), 0.5, 2.5), complex=False)
EXAMPLES[_ufuncs._lambertw] = of(Spec((2, 3), 0.5, 2.5), complex=True)(
    lambda x: special.lambertw(x), lambda x: special.lambertw(x, -1), lambda x: special.lambertw(x, k=2)
)
EXAMPLES[_ufuncs._riemann_zeta] = of(Spec((2, 3), 1.5, 5.0), complex=False)(lambda x: special.zeta(x))
EXAMPLES[_ufuncs._zeta] = of(Spec((2, 3), 1.5, 5.0), Spec((3,), 0.5, 2.0), complex=False)(
    lambda x, q: special.zeta(x, q)
)
for _primitive in ELEMENTWISE:
    _function = scipys(_primitive.name)
    if _function not in EXAMPLES:
        _specs = [Spec((2, 3), *d) for d in _primitive.domain]
        EXAMPLES[_function] = of(*_specs, complex=False)(lambda *xs, f=_function: f(*xs))


def along(name: str, *orders: float, complex: bool = True) -> None:
    """A Bessel function of constant order, of a complex argument too."""
    f = getattr(special, name)
    EXAMPLES[f] = [
        *EXAMPLES[f],
        *of(Spec((2, 3), 0.5, 3.0), complex=complex)(*[lambda z, v=v: f(v, z) for v in orders]),
    ]


for _name in ("jv", "yv", "iv", "kv", "kve", "hankel1", "hankel2", "hankel1e", "hankel2e"):
    along(_name, 0, 1, 2.5, -1.5)
for _name in ("jve", "yve", "ive"):
    along(_name, 0, 2.5, complex=False)
for _name, _low in (("gamma", 0.6), ("gammaln", -0.9), ("rgamma", -0.9)):
    _f = getattr(special, _name)
    EXAMPLES[_f] += of(Spec((2, 3), _low, _low + 0.7), complex=False)(lambda x, f=_f: f(x))

# --- the mirror ----------------------------------------------------------------------------------


_MATRIX = Spec((2, 3), 0.5, 2.5)


def mirrored(name: str, *calls: Any, specs: Any = (_MATRIX,), complex: bool = False) -> None:
    """Examples of a function of the mirror; ``call(f, *arrays)`` calls it or SciPy's."""
    ours, plain = getattr(mirror, name), getattr(special, name)
    EXAMPLES[ours] = [
        Example(
            lambda *xs, call=call: call(ours, *xs),
            specs,
            complex,
            plain=lambda *xs, call=call: call(plain, *xs),
        )
        for call in calls
    ]


mirrored("softmax", lambda f, x: f(x), lambda f, x: f(x, axis=-1), lambda f, x: f(x, (0, 1)))
mirrored("log_softmax", lambda f, x: f(x), lambda f, x: f(x, axis=-1), lambda f, x: f(x, (0, 1)))
mirrored("softplus", lambda f, x: f(x))
mirrored("sinc", lambda f, x: f(x))
mirrored("polygamma", lambda f, x: f(0, x), lambda f, x: f(2, x), lambda f, x: f(np.array([0, 1, 2]), x))
mirrored(
    "multigammaln",
    lambda f, x: f(x, 1),
    lambda f, x: f(x, 3),
    lambda f, x: f(x[0, 0], 2),
    specs=(Spec((2, 3), 1.5, 4.0),),
)
mirrored("diric", lambda f, x: f(x, 3), lambda f, x: f(x, np.array([1, 2, 5])))
mirrored("factorial", lambda f, x: f(x))
_counts = (Spec((2, 3), 3.2, 6.0), Spec((3,), 0.4, 2.9))
mirrored("comb", lambda f, n, k: f(n, k), lambda f, n, k: f(n, k, repetition=True), specs=_counts)
mirrored("perm", lambda f, n, k: f(n, k), specs=_counts)
mirrored(
    "logsumexp",
    lambda f, x: f(x),
    lambda f, x: f(x, axis=0, keepdims=True),
    lambda f, x: f(x, 1, b=np.array([0.5, 1.0, 2.0])),
)
for _name in ("jn", "yn", "in", "kn"):
    mirrored(
        f"spherical_{_name}",
        lambda f, z: f(0, z),
        lambda f, z: f(np.array([0, 1, 4]), z),
        lambda f, z: f(2, z, derivative=True),
    )
for _name in ("jvp", "yvp", "ivp", "kvp"):
    _f = getattr(special, _name)
    EXAMPLES[_f] = _real(lambda x, f=_f: f(1, x), lambda x, f=_f: f(0.5, x, 2), lambda x, f=_f: f(0, x, 0))
for _name in ("h1vp", "h2vp"):
    _f = getattr(special, _name)
    EXAMPLES[_f] = of(Spec((2, 3), 0.5, 2.5))(lambda x, f=_f: f(1, x), lambda x, f=_f: f(0.5, x, 2))
