"""One step of a training: forward, backward, update; or nothing at all, where something went wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..compiler.function import compile as compiled
from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import DataError, DtypeError, NonFiniteError, ShapeError, WhenceError
from ..explore.nonfinite import find_nan
from ..nn.module import Module
from .randomness import set_states, states, streams


class Outcome(NamedTuple):
    """What a batch came to."""

    size: int
    loss: float
    output: Any
    target: Any


def parts_of(batch: Any) -> tuple[tuple[Any, ...], Any]:
    """Inputs and target of a batch: its last item is the target."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise DataError(
            f"a batch is (input, target), not a {type(batch).__name__}{called_at()}\n"
            "  → train on (x, t), or on a Dataset whose items are pairs; (x, x) for an autoencoder"
        )
    return tuple(batch[:-1]), batch[-1]


def size_of(batch: tuple[Any, ...]) -> int:
    """How many samples there are in a batch."""
    return len(batch[0])


def scalar(loss: Any) -> float:
    """The value of a loss, which has to be one real number."""
    if loss is None:
        raise DataError(f"the loss function returned None{called_at()}\n  → return the loss")
    data = loss._data if isinstance(loss, Variable) else np.asarray(loss)
    if data.size != 1:
        raise ShapeError(
            f"the loss has shape {data.shape}, but it has to be one number{called_at()}\n"
            "  → its mean over the batch: F.cross_entropy(output, target), or np.mean(...) of it"
        )
    if data.dtype.kind not in "fiub":
        kind = type(loss).__name__ if data.dtype.kind not in "c" else str(data.dtype)
        raise DtypeError(f"the loss is a {kind}, but it has to be one real number{called_at()}")
    return float(data.reshape(()))


def _independent() -> WhenceError:
    return WhenceError(
        f"the loss does not depend on the parameters{called_at()}\n"
        "  → compute it from the model's output with functions that whence records"
    )


def _puller(
    compute: Callable[[tuple[Any, ...], Any], tuple[Any, Any]], accumulate: int
) -> Callable[[tuple[Any, ...], Any], tuple[Any, Any]]:
    """Forward and backward of a batch: output and loss, and gradients added up in the parameters."""

    def pull(inputs: tuple[Any, ...], target: Any) -> tuple[Any, Any]:
        output, loss = compute(inputs, target)
        size = size_of(inputs)
        if isinstance(loss, Variable) and loss.size == 1 and loss.creator is not None:
            whole = loss if accumulate == 1 else loss * float(size)
            whole.backward()
        elif isinstance(loss, Variable) and loss.size == 1:
            raise _independent()
        return output, loss

    return pull


class Stepper:
    """Computes gradients batch by batch and updates the parameters.

    Args:
        modules: what has parameters, buffers or streams: the model, and the loss if it is a Module.
        optimizer: updates the parameters.
        compute: ``(inputs, target) -> (output, loss)``.
        accumulate: batches to an update.
        clip: called before each update with the optimiser; or None.
        check_finite: look for NaN and infinities in the loss and in the gradients?
        compile: run forward and backward as one program, and the update as another.
    """

    def __init__(
        self,
        modules: Mapping[str, Any],
        optimizer: Any,
        compute: Callable[[tuple[Any, ...], Any], tuple[Any, Any]],
        accumulate: int = 1,
        clip: Callable[[Sequence[Any]], object] | None = None,
        check_finite: bool = True,
        compile: bool = False,
    ) -> None:
        self._modules, self._optimizer, self._compute = modules, optimizer, compute
        self._accumulate, self._clip, self._check = accumulate, clip, check_finite
        self._pull = _puller(compute, accumulate)
        self._move = optimizer.step
        if compile:
            self._pull, self._move = compiled(self._pull), compiled(self._move)
        self._pending = self._samples = 0
        self._total = 0.0
        self._kept: list[Any] = []  # batches of this update, for optimisers that evaluate them again
        self._before: tuple[Any, Any] = ({}, [])

    def epoch_begin(self, stream: Any = None) -> None:
        """Look for streams, buffers and parameters anew, and forget what was pending."""
        modules = [m for m in self._modules.values() if isinstance(m, Module)]
        self._streams = streams(self._modules, stream)
        self._buffers = [b for m in modules for b in m.buffers()]
        self._parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        self._forget()

    @property
    def pending(self) -> bool:
        """Are there gradients that no update has used?"""
        return self._pending > 0

    def batch(self, batch: Any) -> Outcome:
        """Add the gradients of a batch; :meth:`update` is due when :attr:`full`.

        Raises:
            NonFiniteError: a NaN or an infinity, named; model and random state are as before the step.
        """
        if not self._pending:
            self._remember()
        try:
            with np.errstate(all="ignore"):
                done = self._gradients(batch)
        except BaseException:
            self._undo()
            raise
        if self._optimizer.needs_closure:
            self._kept.append(batch)
        return done

    def _gradients(self, batch: Any) -> Outcome:
        inputs, target = parts_of(batch)
        output, loss = self._pull(inputs, target)
        size, value = size_of(inputs), scalar(loss)
        if self._check and not np.isfinite(value):
            raise NonFiniteError(_report(f"the loss is {value}", self._recorded(loss, batch)))
        if not isinstance(loss, Variable):
            raise _independent()
        if self._check and not _finite(self._parameters):
            text = f"the loss is {value:.6g}, but its gradient is not finite"
            raise NonFiniteError(_report(text, self._recorded(loss, batch)))
        self._pending += 1
        self._samples += size
        self._total += value * size
        return Outcome(size, value, output, target)

    def _recorded(self, loss: Any, batch: Any) -> Any:
        """The loss with its graph: of a compiled step, computed again as it was the first time."""
        if loss.creator is not None:
            return loss
        self._rewind()
        return self._compute(*parts_of(batch))[1]

    @property
    def full(self) -> bool:
        """Were as many batches added as go to one update?"""
        return self._pending >= self._accumulate

    def update(self) -> None:
        """Move the parameters by the gradients that were added up."""
        with np.errstate(all="ignore"):
            self._average()
            if self._clip is not None:
                self._clip(self._parameters)
            if self._optimizer.needs_closure:
                self._search()
            else:
                self._move()
        self._forget()

    def _average(self) -> None:
        """Gradients of sums over samples become those of the mean."""
        if self._accumulate > 1:
            scale = 1.0 / self._samples
            for p in self._parameters:
                if p.grad is not None:
                    p.grad = Variable(p.grad._data * scale)

    def _search(self) -> None:
        """A step of an optimiser that evaluates the batches again; or, on an error, none."""
        before, kept = [p._data for p in self._parameters], self._kept
        mean, fresh = self._total / self._samples, True

        def closure() -> float:
            nonlocal fresh
            if fresh:  # these gradients are there
                fresh = False
                return mean
            self._rewind()
            for batch in kept:
                self._gradients(batch)
            self._average()
            value = self._total / self._samples
            if check and not searches and not math.isfinite(value):
                raise NonFiniteError(f"the loss is {value} within a step of {type(self._optimizer).__name__}")
            return value

        searches = getattr(self._optimizer, "searches", False)  # then a trial may go too far
        check, self._check = self._check, False
        try:
            self._optimizer.step(closure)
            if check and not all(np.isfinite(p._data).all() for p in self._parameters):
                raise NonFiniteError(f"{type(self._optimizer).__name__} made a parameter that is not finite")
        except BaseException:
            for p, data in zip(self._parameters, before, strict=True):
                if data is not None:
                    p.assign(data)
            self._undo()
            raise
        finally:
            self._check = check

    def _forget(self) -> None:
        self._optimizer.zero_grad()
        self._pending = self._samples = 0
        self._total, self._kept = 0.0, []

    def _remember(self) -> None:
        buffers = [None if b._data is None else b._data.copy() for b in self._buffers]
        self._before = states(self._streams), buffers

    def _undo(self) -> None:
        """Everything as it was before the step that failed."""
        self._rewind()
        self._kept = []

    def _rewind(self) -> None:
        """Random numbers and buffers as before the first batch of this update, and no gradients."""
        found, buffers = self._before
        set_states(self._streams, found)
        for buffer, data in zip(self._buffers, buffers, strict=True):
            if data is not None:
                buffer.assign(data)
        self._optimizer.zero_grad()
        self._pending = self._samples = 0
        self._total = 0.0


def _finite(parameters: Sequence[Any]) -> bool:
    """Are all gradients without NaN and infinities? One pass at the speed of memory, two where in doubt."""
    gradients = [p.grad._data for p in parameters if p.grad is not None]
    if math.isfinite(sum(abs(np.vdot(g, g)) for g in gradients)):
        return True
    return all(np.isfinite(g).all() for g in gradients)


def _report(what: str, loss: Any) -> str:
    found = find_nan(loss) if isinstance(loss, Variable) else None
    return what if found is None else f"{what}; {found.text}"
