"""A physics-informed network: it learns y'' + 2 d y' + w² y = 0 from the equation, with no data at all.

The loss holds the first and second derivatives of the network by its input; its own gradient goes through
them. (Raissi, Perdikaris and Karniadakis, 2019.)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np

import whence
from whence import nn

DAMPING, FREQUENCY = 0.5, 4.0


def exact(t: np.ndarray) -> np.ndarray:
    """The solution from y(0) = 1, y'(0) = 0."""
    w = np.sqrt(FREQUENCY**2 - DAMPING**2)
    return np.exp(-DAMPING * t) * (np.cos(w * t) + DAMPING / w * np.sin(w * t))


class Path(nn.Module):
    """A network whose ``y(t) = 1 + t² net(t)`` starts at 1, at rest."""

    def __init__(self, hidden: int) -> None:
        self.net = nn.Sequential(
            nn.Linear(1, hidden, dtype=np.float64),
            np.tanh,
            nn.Linear(hidden, hidden, dtype=np.float64),
            np.tanh,
            nn.Linear(hidden, 1, dtype=np.float64),
        )

    def forward(self, t: np.ndarray) -> np.ndarray:
        """Y at the times t: (N,)."""
        return 1 + t**2 * self.net(t[:, None])[:, 0]


def slope(f: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The derivative at each time: one jvp along all of them, since y(t) depends on its own t alone."""
    return lambda t: whence.jvp(f, (t,), (np.ones(len(t)),))[1]


def residual(path: Path, t: np.ndarray) -> np.ndarray:
    """How far the network is from the equation, squared, on average."""
    velocity = slope(path)
    equation = slope(velocity)(t) + 2 * DAMPING * velocity(t) + FREQUENCY**2 * path(t)
    return np.mean(equation**2)


def main() -> None:
    """Train by L-BFGS and compare with the exact solution."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=2000)
    options.add_argument("--hidden", type=int, default=24)
    options.add_argument("--times", type=int, default=60)
    options.add_argument("--end", type=float, default=3.0)
    options.add_argument("--error", type=float, default=0.01, help="the largest that is accepted")
    options.add_argument("--picture", help="where to save one")
    chosen = options.parse_args()

    whence.random.seed(0)
    t = np.linspace(0, chosen.end, chosen.times)
    fit = whence.optimize.minimize(
        residual,
        Path(chosen.hidden),
        (t,),
        method="L-BFGS-B",
        options={"maxiter": chosen.steps, "maxfun": 10**6},
    )
    y = fit.x(t)
    error = np.max(np.abs(y - exact(t)))
    print(f"{fit.nit} steps, mean squared residual {fit.fun:.2e}, largest error {error:.2e}")
    if chosen.picture:
        draw(chosen.picture, t, y)
    if not error < chosen.error:
        sys.exit("The network is too far from the solution.")


def draw(path: str, t: np.ndarray, y: np.ndarray) -> None:
    """The network and the solution."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # only where a picture is wanted

    axes = (figure := Figure(figsize=(7, 3.5))).subplots()
    axes.plot(t, exact(t), "k:", t, y)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
