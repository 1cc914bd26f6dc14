"""Losses for L-BFGS that both libraries can compute: polynomials of arrays ``a`` (3,) and ``b`` (2, 2)."""

import numpy as np

LBFGS = [
    {"lr": 0.5, "max_iter": 4},
    {"lr": 0.1, "max_iter": 6, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "max_iter": 20, "history_size": 3},
    {"line_search_fn": "strong_wolfe", "max_iter": 8, "max_eval": 6, "lr": 0.3},
    {"line_search_fn": "strong_wolfe", "max_iter": 3, "lr": 20.0},
    {"line_search_fn": "strong_wolfe", "max_iter": 5, "lr": 1e-3},
]


def label(keywords):
    return f"LBFGS({', '.join(f'{key}={value}' for key, value in keywords.items())})"


def starts():
    return [np.array([-1.2, 1.0, 0.5]), np.array([[0.3, -0.7], [1.1, 0.2]])]


def loss(a, b):
    """Rosenbrock's valley in ``a``, a quartic bowl in ``b``, and a product between them."""
    valley = (1 - a[0]) ** 2 + 10 * (a[1] - a[0] ** 2) ** 2 + (a[2] - a[1]) ** 2
    return valley + (b**4).sum() / 4 + (b * b).sum() * (1 + a[2] ** 2) / 2 - b[0, 0]
