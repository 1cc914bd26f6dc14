"""What hyperparameters may be: one table for all optimisers."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np


def _number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _not_negative(value: Any) -> bool:
    return _number(value) and value >= 0


def _below_one(value: Any) -> bool:
    return _number(value) and 0 <= value < 1


def _betas(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(_below_one(b) for b in value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= 1


_NOT_NEGATIVE = (_not_negative, "a number that is not negative")
_FLAG = (_flag, "True or False")
_COUNT = (_count, "a whole number from 1")

#: What each hyperparameter may be, and that in words. Those that are not here are the optimiser's own affair.
RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "lr": _NOT_NEGATIVE,
    "initial_lr": _NOT_NEGATIVE,
    "eps": _NOT_NEGATIVE,
    "weight_decay": _NOT_NEGATIVE,
    "momentum": _NOT_NEGATIVE,
    "momentum_decay": _NOT_NEGATIVE,
    "lr_decay": _NOT_NEGATIVE,
    "initial_accumulator_value": _NOT_NEGATIVE,
    "tolerance_grad": _NOT_NEGATIVE,
    "tolerance_change": _NOT_NEGATIVE,
    "alpha": (_below_one, "a number in [0, 1)"),
    "rho": (_below_one, "a number in [0, 1)"),
    "dampening": (_number, "a number"),
    "betas": (_betas, "two numbers in [0, 1)"),
    "max_iter": _COUNT,
    "max_eval": _COUNT,
    "history_size": _COUNT,
    "line_search_fn": (lambda value: value in (None, "strong_wolfe"), "None or 'strong_wolfe'"),
    "nesterov": _FLAG,
    "amsgrad": _FLAG,
    "centered": _FLAG,
    "maximize": _FLAG,
    "decoupled_weight_decay": _FLAG,
}


def faults(hyper: dict[str, Any]) -> list[str]:
    """A line for each hyperparameter that makes no sense."""
    lines = []
    for name, value in hyper.items():
        allowed, words = RULES.get(name, (None, ""))
        if allowed is not None and not allowed(value):
            lines.append(f"{name}={value!r} is not {words}")
    if hyper.get("nesterov") is True and (not hyper.get("momentum") or hyper.get("dampening")):
        lines.append("nesterov=True needs momentum > 0 and dampening=0")
    return lines
