"""Does the optimiser move what is to be trained?"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.origin import called_at
from ..errors import SettingError
from ..nn.module import Module


class TrainingWarning(UserWarning):
    """A training may not do what was meant: some parameters are no optimiser's."""


def check_owner(modules: Mapping[str, Any], optimizer: Any) -> None:
    """Raise if none of the modules' parameters is the optimiser's.

    Raises:
        SettingError: it is that of another model, or of this one before its parameters were replaced.
    """
    if not any(isinstance(module, Module) for module in modules.values()):
        return
    mine = _ids(optimizer)
    if not any(id(p) in mine for _, p in _named(modules)):
        raise SettingError(
            f"the optimiser has none of the model's parameters, so nothing would be trained{called_at()}\n"
            f"  → {type(optimizer).__name__}(model.parameters(), ...), of this very model"
        )


def check_trainable(modules: Mapping[str, Any], optimizer: Any) -> None:
    """Raise if all parameters of the optimiser are frozen; warn of those that nobody moves.

    Raises:
        SettingError: nothing would be trained.
        TrainingWarning (a warning): trainable parameters that the optimiser does not have.
    """
    owned = [p for group in optimizer.param_groups for p in group["params"]]
    if not any(getattr(p, "requires_grad", True) for p in owned):
        raise SettingError(
            f"all parameters of the optimiser are frozen, so nothing would be trained{called_at()}\n"
            "  → model.requires_grad_(True), or thaw those that are to learn"
        )
    mine = _ids(optimizer)
    others = [name for name, p in _named(modules) if p.requires_grad and id(p) not in mine]
    if others:
        shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
        warnings.warn(
            f"the optimiser does not have {shown}: they keep their values{called_at()}\n"
            "  → give it all parameters; or freeze those that are to stay: p.requires_grad = False",
            TrainingWarning,
            stacklevel=3,
        )


def _ids(optimizer: Any) -> set[int]:
    return {id(p) for group in optimizer.param_groups for p in group["params"]}


def _named(modules: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for prefix, module in modules.items():
        if isinstance(module, Module):
            for name, p in module.named_parameters():
                yield f"{prefix}.{name}", p
