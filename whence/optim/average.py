"""A running mean of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import SettingError
from .packs import replace
from .saved import fitted, listed, refuse, whole


class ExponentialMovingAverage:
    """``a ← d a + (1 - d) p`` after each update; what a model is best evaluated with.

    With ``warmup`` the decay after n updates is ``min(d, (1 + n) / (10 + n))``, so that the first values do
    not weigh for long. Polyak and Juditsky, *Acceleration of stochastic approximation by averaging* (1992),
    with exponential weights.

    Args:
        params: the parameters, or pairs ``(name, parameter)``.
        decay: d.
        warmup: see above.

    Example:
        >>> from whence import nn, optim
        >>> p = nn.Parameter([1.0])
        >>> average = optim.ExponentialMovingAverage([p], decay=0.75)
        >>> average.update()
        >>> _ = p.assign([5.0])
        >>> average.update()
        >>> with average.applied():
        ...     print(p)
        [2.]
        >>> print(p)
        [5.]
    """

    def __init__(self, params: Iterable[Any], decay: float = 0.999, warmup: bool = False) -> None:
        if not 0 <= decay < 1:
            raise SettingError(f"decay={decay!r} is not a number in [0, 1){called_at()}")
        self.params = [part[1] if isinstance(part, tuple) else part for part in params]
        if not self.params:
            raise SettingError(f"no parameters to average{called_at()}\n  → model.parameters()")
        if any(p._data is None for p in self.params):
            raise SettingError(
                f"a parameter's shape is not known yet{called_at()}\n  → call the model once on data first"
            )
        self.decay, self.warmup, self.updates = decay, warmup, 0
        self._means = [np.array(p._data) for p in self.params]

    def update(self) -> None:
        """Take in the parameters as they are now."""
        n = self.updates
        d = min(self.decay, (1 + n) / (10 + n)) if self.warmup else self.decay
        for i, (mean, p) in enumerate(zip(self._means, self.params, strict=True)):
            self._means[i] = d * mean + (1 - d) * p._data
        self.updates = n + 1

    def values(self) -> list[np.ndarray]:
        """Copies of the means."""
        return [np.array(mean) for mean in self._means]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the means in place of the parameters, for a block."""
        before = [p._data for p in self.params]
        for p, mean in zip(self.params, self._means, strict=True):
            replace(p, np.array(mean))
        try:
            yield
        finally:
            for p, data in zip(self.params, before, strict=True):
                replace(p, data)

    def state_dict(self) -> dict[str, Any]:
        """Copies of the means, and the count of updates."""
        return {"updates": self.updates, "means": self.values()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state; on an error nothing is loaded.

        Raises:
            StateError: it lists what does not fit.
        """
        problems: list[str] = []
        listed("the state", ("updates", "means"), state, problems)
        updates, means = whole(state.get("updates", 0), 0), state.get("means", self._means)
        if updates is None:
            problems.append(f"updates is {state['updates']!r}, not a whole number")
        if len(means) != len(self._means):
            problems.append(f"{len(means)} means, there are {len(self._means)} parameters")
            means = self._means
        pairs = enumerate(zip(means, self._means, strict=True))
        found = [fitted(mean, mine, f"mean {i}", problems) for i, (mean, mine) in pairs]
        if problems or updates is None:
            refuse(type(self).__name__, problems)
        self.updates, self._means = updates, found
