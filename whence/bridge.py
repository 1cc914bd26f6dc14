"""The bridge to scipy.stats: plain calls such as ``stats.norm.logpdf(v, loc=m)`` keep their gradient.

NumPy asks its arguments' classes before it computes; SciPy's distributions do not: their methods begin
with ``np.asarray(x)``. So this module does to them what NumPy's protocols do for NumPy: it stands in
front of the public methods of SciPy's distribution classes. A call with a Variable among its arguments
goes to ``whence.scipy.stats``; any other call goes to SciPy's own method with the arguments untouched.

That is all that is changed, and it is done once:

* when scipy.stats is imported, before or after whence (a finder on ``sys.meta_path`` waits for it and
  leaves when it has come); where it never is, nothing happens: whence does not import it (a second);
* on the classes, with ``functools.wraps``: names, signatures, documentation, subclasses, overriding and
  pickles are as they were, and ``method.__wrapped__`` is SciPy's;
* a distribution or method without a rule raises ``NoGradientError``. Nothing is computed without its
  gradient, and nothing returns an array of objects.

>>> import whence, scipy.stats as stats
>>> print(whence.grad(lambda m: stats.norm.logpdf(2.0, loc=m, scale=0.5))(1.0))
4.0
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .core.array import Array

STATS = "scipy.stats"
RULES = "whence.scipy.stats.rules"  # imported with the first Variable

#: The public methods of distributions, of one variable and of several, frozen or not.
METHODS = (
    *("pdf", "logpdf", "pmf", "logpmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf"),
    *("mean", "var", "std", "cov", "median", "mode", "entropy", "moment", "stats", "support"),
    *("interval", "expect", "nnlf", "fit", "fit_loc_scale", "rvs", "marginal", "freeze", "__call__"),
)


def connect(stats: ModuleType) -> None:
    """Stand in front of the methods of the distribution classes; a second time changes nothing."""
    for family in _families(stats):
        for name in METHODS:
            method = vars(family).get(name)
            if callable(method) and not hasattr(method, "_whence"):
                setattr(family, name, _in_front_of(method, name))


def _families(stats: ModuleType) -> Iterator[type]:
    """The classes whose methods users call: the generic ones, and those of several variables."""
    yield from (stats.rv_continuous, stats.rv_discrete, stats.rv_continuous.__mro__[1])
    room = sys.modules[type(stats.multivariate_normal).__module__]
    for found in vars(room).values():
        if isinstance(found, type) and found.__name__.endswith(("_gen", "_frozen")):
            yield found


def _in_front_of(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        for given in args:
            if isinstance(given, Array):
                break
        else:
            for given in kwargs.values():
                if isinstance(given, Array):
                    break
            else:
                return method(self, *args, **kwargs)
        return importlib.import_module(RULES).call(self, name, args, kwargs)

    call._whence = True  # type: ignore[attr-defined]
    return call


class _Arrival(MetaPathFinder):
    """Finds scipy.stats where Python would, and has it connected once it is there."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec that the other finders give, with a loader that connects afterwards."""
        if fullname != STATS:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        for finder in others:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Connecting(spec.loader)
                return spec
        return None


class _Connecting(Loader):
    """Loads as the real loader does, which the module then names as its own."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the real loader does."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then stand in front of its methods."""
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        connect(module)
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Arrival)]


def _wait() -> None:
    """Connect scipy.stats now if it is there, else when it comes."""
    if STATS in sys.modules:
        connect(importlib.import_module(STATS))  # which waits for a thread that is importing it
    elif not any(isinstance(finder, _Arrival) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Arrival())


_wait()
