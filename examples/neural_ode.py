"""A neural ODE: the law of motion of a spiral, learnt from noisy positions along it.

The network is the right-hand side ``y' = f(y)``; Runge and Kutta's steps are NumPy, so the gradient goes
through the solver. (Chen, Rubanova, Bettencourt and Duvenaud, 2018.)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

import whence
from whence import nn

MATRIX = np.array([[-0.1, 2.0], [-2.0, -0.1]])


class Field(nn.Module):
    """``y' = net(y³)``; a step of the solver at each of the times that data are given for."""

    def __init__(self, hidden: int) -> None:
        self.net = nn.Sequential(
            nn.Linear(2, hidden, dtype=np.float64), np.tanh, nn.Linear(hidden, 2, dtype=np.float64)
        )

    def forward(self, y: np.ndarray) -> np.ndarray:
        """The velocities at the places y: (N, 2)."""
        return self.net(y**3)


def steps(field: Callable[[np.ndarray], np.ndarray], y: np.ndarray, h: float, count: int) -> list[np.ndarray]:
    """Runge-Kutta steps of fourth order."""
    path = [y]
    for _ in range(count):
        a = field(y)
        b = field(y + h / 2 * a)
        c = field(y + h / 2 * b)
        d = field(y + h * c)
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
        path.append(y)
    return path


def loss(field: Field, data: np.ndarray, h: float, horizon: int) -> np.ndarray:
    """Mean squared error of short paths, started from each of the data at once."""
    starts = data[: len(data) - horizon]
    path = steps(field, starts, h, horizon)
    return sum(np.mean((path[k] - data[k : len(starts) + k]) ** 2) for k in range(1, horizon + 1))


def main() -> None:
    """Learn the field from a noisy path, then run it from the start to the end."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=400)
    options.add_argument("--hidden", type=int, default=32)
    options.add_argument("--horizon", type=int, default=10)
    options.add_argument("--noise", type=float, default=0.01)
    options.add_argument("--error", type=float, default=0.1, help="the largest that is accepted")
    options.add_argument("--picture", help="where to save one")
    chosen = options.parse_args()

    whence.random.seed(0)
    t = np.linspace(0, 10, 201)
    start = np.array([2.0, 0.0])
    truth = solve_ivp(lambda t, y: MATRIX @ y**3, (0, 10), start, t_eval=t, rtol=1e-8, atol=1e-10).y.T
    data = truth + chosen.noise * whence.random.default.normal(truth.shape)

    fit = whence.optimize.minimize(
        loss,
        Field(chosen.hidden),
        (data, t[1], chosen.horizon),
        method="L-BFGS-B",
        options={"maxiter": chosen.steps},
    )
    path = np.stack(steps(fit.x, start, t[1], len(t) - 1))
    error = np.sqrt(np.mean((path - truth) ** 2))
    print(f"{fit.nit} steps, loss {fit.fun:.2e}, error of the whole path {error:.3f}")
    if chosen.picture:
        draw(chosen.picture, data, path)
    if not error < chosen.error:
        sys.exit("The learnt path is too far from the true one.")


def draw(file: str, data: np.ndarray, path: np.ndarray) -> None:
    """The data and the learnt path."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # only where a picture is wanted

    axes = (figure := Figure(figsize=(5, 5))).subplots()
    axes.plot(*data.T, "k.", *path.T)
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
