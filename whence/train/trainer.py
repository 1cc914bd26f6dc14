"""Trainer: fit, evaluate, predict; interrupted at any moment, it goes on as if nothing had been."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

from ..core.origin import called_at
from ..errors import DataError, NonFiniteError, SettingError
from ..nn.module import Module
from ..optim import clip_grad_norm_
from ..optim.schedule import ReduceLROnPlateau
from ..random import Stream
from .callbacks import AtEpochEnd, BestModel, Callback, EarlyStopping
from .checkpoints import Folder
from .history import History
from .loaders import as_loader, input_batches
from .measure import measured, outputs
from .metrics import Metric, Tally, metric
from .owned import check_owner, check_trainable
from .progress import Silent, reporter
from .state import Counters, restored, saved
from .step import Outcome, Stepper

Watcher = Callback | Callable[[Any, Mapping[str, float]], Any]


#: What a Trainer keeps itself, besides model and loss.
_OWN = frozenset(
    (
        *("optimizer", "schedule", "metrics", "history", "best", "_schedule_by", "_stream", "_at"),
        *("_callbacks", "_report", "_looked", "_stepper"),
    )
)


class Trainer:
    """Trains a model, measures it, and uses it.

    Args:
        model: a Module, called with the inputs of a batch.
        optimizer: of :mod:`whence.optim`, made with the model's parameters. ``LBFGS`` makes up to
            ``max_iter`` iterations on each batch (each ``accumulate`` batches), which it evaluates again and
            again: with the same random numbers, and with running statistics that count it once.
        loss: ``loss(output, target)``, the mean over the batch: ``F.cross_entropy``, or a Module.
        metrics: names (``"accuracy"``, ``"top_5"``, ``"f1"``, ``"mse"``, ``"mae"``, ``"rmse"``, ``"r2"``,
            ``"perplexity"``, ``"precision"``, ``"recall"``), or functions ``(output, target) -> float``.
        schedule: of :mod:`whence.optim`; its ``step`` is called after each epoch, or each update.
        schedule_by: ``"epoch"`` or ``"step"``; for ``ReduceLROnPlateau`` the figure that it looks at, where
            that is not the ``valid_loss`` (or the ``loss``).
        accumulate: batches to one update; their gradients are averaged as one large batch's would be.
        clip_norm: gradients are scaled down so that their norm together is at most this. Not with LBFGS.
        stream: gives the order of the batches where the data is no loader; None for the default stream.
        check_finite: stop at a NaN or an infinity in the loss or in a gradient, and name its origin?
        compile: run forward and backward as one program and the update as another (:func:`whence.compile`).
            Not with LBFGS.

    Raises:
        SettingError: settings that make no sense; an optimiser that has none of the model's parameters.

    Attributes:
        history: lists of figures, an entry to an epoch: ``history["valid_loss"]``, ``history.plot()``.
        epoch, step: how many epochs and updates were done.

    Example:
        >>> import numpy as np
        >>> from whence import nn, optim, train
        >>> from whence.nn import functional as F
        >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
        >>> model = nn.Linear(1, 1)
        >>> trainer = train.Trainer(model, optim.Adam(model.parameters(), lr=0.1), F.mse_loss, ["r2"])
        >>> history = trainer.fit((x, 3 * x + 1), epochs=40, progress=False)
        >>> history["r2"][-1] > 0.99, trainer.predict(x[:2]).shape
        (True, (2, 1))
    """

    def __init__(
        self,
        model: Module,
        optimizer: Any,
        loss: Callable[[Any, Any], Any],
        metrics: Sequence[str | Metric | Callable[[Any, Any], float]] = (),
        schedule: Any = None,
        schedule_by: str = "epoch",
        accumulate: int = 1,
        clip_norm: float | None = None,
        stream: Stream | None = None,
        check_finite: bool = True,
        compile: bool = False,
    ) -> None:
        if accumulate < 1:
            raise SettingError(f"accumulate counts from 1: {accumulate!r}{called_at()}")
        plateau = isinstance(schedule, ReduceLROnPlateau)
        if schedule_by == "step" if plateau else schedule_by not in ("epoch", "step"):
            raise SettingError(
                f"schedule_by={schedule_by!r} does not go with {type(schedule).__name__}{called_at()}\n"
                '  → "epoch" or "step"; for ReduceLROnPlateau "epoch" or a figure: "valid_accuracy"'
            )
        if isinstance(metrics, str):
            raise SettingError(f"metrics is a list{called_at()}\n  → metrics=[{metrics!r}]")
        self.model, self.optimizer, self.loss, self.schedule = model, optimizer, loss, schedule
        self.metrics = [metric(m) for m in metrics]
        self.history = History()
        self.best: BestModel | None = None
        self._schedule_by, self._stream = schedule_by, stream
        self._at = Counters()
        self._callbacks: list[Callback] = []
        self._report: Any = Silent()
        self._looked = False
        check_owner(self.modules, optimizer)
        if optimizer.needs_closure and clip_norm is not None:
            raise SettingError(
                f"{type(optimizer).__name__} compares the loss along a line with its gradient, which "
                f"clip_norm would change{called_at()}\n  → leave clip_norm out"
            )
        if optimizer.needs_closure and compile:
            raise SettingError(
                f"{type(optimizer).__name__} decides by the loss how often to evaluate it; no program can"
                f"{called_at()}\n  → leave compile out"
            )
        clip = None if clip_norm is None else _clipper(clip_norm)
        self._stepper = Stepper(
            self.modules, optimizer, self.compute, accumulate, clip, check_finite, compile
        )

    @property
    def modules(self) -> dict[str, Any]:
        """The model, and the loss where it is a Module."""
        return {"model": self.model, **({"loss": self.loss} if isinstance(self.loss, Module) else {})}

    @property
    def epoch(self) -> int:
        """How many epochs were done."""
        return self._at.epoch

    @property
    def step(self) -> int:
        """How many updates were done."""
        return self._at.step

    def compute(self, inputs: tuple[Any, ...], target: Any) -> tuple[Any, Any]:
        """Output and loss of a batch; a subclass may compute them otherwise."""
        output = self.model(*inputs)
        return output, self.loss(output, target)

    def compile_parts(self, label: str) -> Iterator[tuple[Any, Any, Any, str]]:
        """What a compiled step takes for granted: the model, the loss, and what a subclass keeps."""
        own = vars(self)
        for name in ("model", "loss", *(own.keys() - _OWN)):
            yield own, name, own[name], name

    def stop(self, reason: str) -> None:
        """End the training after this epoch."""
        self._at.stopped = reason

    # --- training --------------------------------------------------------------------------------

    def fit(
        self,
        train: Any,
        valid: Any = None,
        epochs: int = 10,
        batch_size: int = 32,
        *,
        shuffle: bool = True,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every: int | None = None,
        checkpoint_seconds: float | None = None,
        keep: int = 3,
        callbacks: Iterable[Watcher] = (),
        early_stopping: int | EarlyStopping | None = None,
        restore_best: bool = False,
        monitor: str | None = None,
        progress: bool | None = None,
    ) -> History:
        """Train for ``epochs`` epochs, and return the history.

        Args:
            train: a DataLoader, a Dataset, or arrays ``(x, t)``; with several inputs ``(x1, x2, t)``.
            valid: the same, measured after every epoch; its figures are called ``valid_loss`` and so on.
            epochs: how many; where a run goes on from a checkpoint, those before it count.
            batch_size, shuffle: for datasets and arrays.
            checkpoint: a folder. Everything is saved there after every epoch, and a run that finds something
                there goes on from it: with the very numbers, bit for bit, that it would have had without
                the interruption. Files are written whole or not at all.
            checkpoint_every, checkpoint_seconds: save in the middle of epochs too, after so many updates
                or so much time.
            keep: how many of the newest checkpoints stay.
            callbacks: of :class:`Callback`, or functions ``(trainer, figures)`` called after every epoch.
            early_stopping: after how many epochs without improvement to stop; or :class:`EarlyStopping`.
                The best epoch's weights come back then.
            restore_best: go back to the weights of the best epoch at the end.
            monitor: the figure that says which epoch is best: ``valid_loss``, or ``loss`` without ``valid``.
            progress: False for no text; else a line to each epoch, and a bar on a terminal.

        Raises:
            NonFiniteError: a NaN or an infinity in the loss or a gradient; it names the op and the line. The
                model is as it was before that step.
            SettingError: all parameters are frozen.
            TrainingWarning (a warning, once): parameters that are neither frozen nor the optimiser's.
            StateError: the checkpoint is of another model, optimiser or data set; or all are damaged.
            CheckpointWarning (a warning): the newest was damaged, the one before it was taken.
        """
        loader = as_loader(train, batch_size, shuffle, self._stream, "train")
        valid = None if valid is None else as_loader(valid, batch_size, False, what="valid")
        folder = (
            None if checkpoint is None else Folder(checkpoint, keep, checkpoint_every, checkpoint_seconds)
        )
        self._callbacks = self._watchers(callbacks, early_stopping, restore_best, monitor)
        self._report = reporter(progress)
        self._at = self._at.fresh()
        if folder is not None:
            self._resume(folder, loader)
        goal = self._at.start + epochs
        self._report.begin(goal, self.epoch)
        try:
            self._tell("on_fit_begin")
            if not self._looked:
                check_trainable(self.modules, self.optimizer)
                self._looked = True
            while self.epoch < goal and self._at.stopped is None:
                self._epoch(loader, valid, folder)
            if self._at.stopped is not None:
                self._report.note(f"stopped: {self._at.stopped}")
        finally:
            self._report.end()
        self._tell("on_fit_end")
        return self.history

    def _watchers(
        self,
        callbacks: Iterable[Watcher],
        early_stopping: int | EarlyStopping | None,
        restore_best: bool,
        monitor: str | None,
    ) -> list[Callback]:
        found = [c if isinstance(c, Callback) else AtEpochEnd(c) for c in callbacks]
        self.best = None
        if isinstance(early_stopping, EarlyStopping):
            self.best = early_stopping
        elif early_stopping is not None:
            self.best = EarlyStopping(early_stopping, monitor)
        elif restore_best:
            self.best = BestModel(monitor)
        return found if self.best is None else [*found, self.best]

    def _epoch(self, loader: Any, valid: Any, folder: Folder | None) -> None:
        """One epoch, or what is left of one."""
        started, at = time.perf_counter(), self._at
        tally = Tally(self.metrics)
        tally.sums = dict(at.sums)
        self.model.train()
        self._stepper.epoch_begin(self._stream)
        self._report.epoch_begin(at.epoch + 1, len(loader), at.batch)
        self._tell("on_epoch_begin")
        for batch in loader:
            self._batch(batch, tally)
            if self._stepper.full:
                self._update(loader, folder)
        if self._stepper.pending:
            self._update(loader, folder)
        if not at.samples:
            raise DataError("the loader gave no batch\n  → is it larger than the data, with drop_last?")
        figures = {"loss": at.total / at.samples, **tally.figures()}
        if valid is not None:
            figures.update({f"valid_{k}": v for k, v in self._measured(valid).items()})
        figures["lr"] = float(self.optimizer.param_groups[0]["lr"])
        self.history.add(figures)
        at.next_epoch()
        if self.schedule is not None and self._schedule_by != "step":
            self._advance_schedule(figures)
        self._report.epoch_end(at.epoch, figures, time.perf_counter() - started)
        self._tell("on_epoch_end", figures)
        if folder is not None:
            folder.write(at.step, self.state_dict(loader))

    def _batch(self, batch: Any, tally: Tally) -> Outcome:
        at = self._at
        try:
            done = self._stepper.batch(batch)
        except NonFiniteError as error:
            raise self._located(error, at.batch + 1) from None
        tally.add(done.output, done.target)
        at.batch += 1
        at.samples += done.size
        at.total += done.loss * done.size
        at.last, at.sums = done.loss, tally.sums
        self._report.batch(at.total / at.samples)
        return done

    def _located(self, error: NonFiniteError, batch: int) -> NonFiniteError:
        """The same with the place in the training."""
        at = self._at
        return NonFiniteError(
            f"{error}\n  in epoch {at.epoch + 1}, batch {batch}, after {at.step} updates"
            "\n  → the model is as it was before this step; whence.detect_nan() stops at the op itself"
        )

    def _update(self, loader: Any, folder: Folder | None) -> None:
        try:
            self._stepper.update()
        except NonFiniteError as error:
            raise self._located(error, self._at.batch) from None
        self._at.step += 1
        if self.schedule is not None and self._schedule_by == "step":
            self.schedule.step()
        self._tell("on_step_end", self._at.last)
        if folder is not None and folder.due(self._at.step):
            folder.write(self._at.step, self.state_dict(loader))

    def _advance_schedule(self, figures: Mapping[str, float]) -> None:
        """After an epoch; a plateau schedule is told the figure that it looks at."""
        if not isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step()
            return
        name = self._schedule_by
        if name == "epoch":
            name = "valid_loss" if "valid_loss" in figures else "loss"
        if name not in figures:
            raise SettingError(f"schedule_by: there is no figure {name!r}\n  → one of {', '.join(figures)}")
        self.schedule.step(figures[name])

    def _tell(self, event: str, *about: Any) -> None:
        for callback in self._callbacks:
            getattr(callback, event)(self, *about)

    # --- measuring and using ---------------------------------------------------------------------

    def evaluate(self, data: Any, batch_size: int = 256) -> dict[str, float]:
        """Loss and metrics on ``data`` (as in :meth:`fit`), with the model in ``eval`` mode."""
        return self._measured(as_loader(data, batch_size, False))

    def _measured(self, loader: Any) -> dict[str, float]:
        return measured(self.modules.values(), self.compute, self.metrics, loader)

    def predict(self, x: Any, batch_size: int = 256) -> Any:
        """The model's outputs for an array, a tuple of arrays (several inputs), or a loader of inputs.

        Returns:
            One array; or a tuple of them where the model returns several.
        """
        return outputs(self.model, input_batches(x, batch_size))

    # --- state -----------------------------------------------------------------------------------

    def state_dict(self, loader: Any = None) -> dict[str, Any]:
        """Everything that the training goes on from; for :func:`whence.save`."""
        return saved(self, loader)

    def load_state_dict(self, state: Mapping[str, Any], loader: Any = None) -> None:
        """Take what ``state_dict`` gave; all of it, or on an error nothing."""
        restored(self, state, loader)

    def _resume(self, folder: Folder, loader: Any) -> None:
        found = folder.newest()
        if found is None:
            return
        file, state = found
        self.load_state_dict(state, loader)
        self._report.note(f"resumed from {file} (epoch {self.epoch}, step {self.step})")


def _clipper(norm: float) -> Callable[[Sequence[Any]], object]:
    def clip(parameters: Sequence[Any]) -> object:
        return clip_grad_norm_(parameters, norm)

    return clip
