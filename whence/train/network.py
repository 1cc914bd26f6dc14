"""A network under scikit-learn's rules: what its classifier and its regressor share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Self

import numpy as np

from .. import nn, optim, random
from ..config import no_grad
from ..core.origin import called_at
from ..data import DataLoader, TensorDataset
from ..data.scikit import (
    BaseEstimator,
    _check_sample_weight,
    check_is_fitted,
    check_random_state,
    train_test_split,
    validate_data,
)
from ..errors import SettingError
from ..random import Stream
from .callbacks import EarlyStopping
from .trainer import Trainer

_ACTIVATIONS = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
_OPTIMIZERS = {"adam": optim.Adam, "adamw": optim.AdamW, "rmsprop": optim.RMSprop, "sgd": optim.SGD}
_FLOATS = (np.float64, np.float32)


class Weighted(Trainer):
    """Batches are ``(x, weight, target)``; the loss is the weighted mean over the samples."""

    def compute(self, inputs: tuple[Any, ...], target: Any) -> tuple[Any, Any]:
        """Output and loss."""
        x, weight = inputs
        output = self.model(x)
        losses = self.loss(output, target)
        if losses.ndim > 1:
            losses = np.mean(losses, axis=tuple(range(1, losses.ndim)))
        return output, np.mean(losses * weight)


class Network(BaseEstimator):
    """What the two estimators share: settings, the network, its training, its outputs."""

    def __init__(
        self,
        hidden_sizes: tuple[int, ...] = (64,),
        activation: str | Callable[[Any], Any] = "relu",
        *,
        lr: float = 3e-3,
        epochs: int = 200,
        batch_size: int | str = "auto",
        weight_decay: float = 1e-4,
        optimizer: str | Callable[[Any], Any] = "adam",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        module: Callable[[int, int], nn.Module] | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_sizes = hidden_sizes
        self.activation = activation
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.module = module
        self.random_state = random_state
        self.verbose = verbose

    def _checked(
        self, X: Any, y: Any, sample_weight: Any, fresh: bool, **options: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Arrays that fit together; weights with mean 1, samples of weight 0 left out."""
        X, y = validate_data(self, X, y, dtype=_FLOATS, reset=fresh, **options)
        if not fresh:
            X = X.astype(next(self.module_.parameters()).dtype, copy=False)
        if sample_weight is None:
            return X, y, np.ones(len(X), X.dtype)
        weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        kept = weight > 0
        if not kept.any():
            raise SettingError(
                f"all sample weights are zero{called_at()}\n  → at least one has to be positive"
            )
        weight = weight[kept]
        return X[kept], y[kept], weight / np.mean(weight)

    def _start(self, X: np.ndarray, outputs: int) -> None:
        """A network with fresh weights, and its optimiser."""
        self._stream = Stream(int(check_random_state(self.random_state).randint((1 << 31) - 1)))
        with self._seeded():
            self.module_ = self._built(X.shape[1], outputs).to(X.dtype)
            with no_grad():
                self.module_.eval()(X[:1])  # sizes that are learnt from the first input
        self._steps = self._made_optimizer()
        self.n_iter_, self.loss_curve_ = 0, []

    def _built(self, inputs: int, outputs: int) -> nn.Module:
        if self.module is not None:
            return self.module(inputs, outputs)
        if not callable(self.activation) and self.activation not in _ACTIVATIONS:
            raise SettingError(
                f"there is no activation {self.activation!r}{called_at()}\n"
                f"  → one of {', '.join(_ACTIVATIONS)}, or a function"
            )
        sizes = [inputs, *self.hidden_sizes]
        layers: list[Any] = []
        for n, m in pairwise(sizes):
            activation = self.activation if callable(self.activation) else _ACTIVATIONS[self.activation]()
            layers += [nn.Linear(n, m, stream=self._stream), activation]
        return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs, stream=self._stream))

    def _made_optimizer(self) -> Any:
        parameters = list(self.module_.parameters())
        if callable(self.optimizer):
            return self.optimizer(parameters)
        if self.optimizer not in _OPTIMIZERS:
            raise SettingError(
                f"there is no optimizer {self.optimizer!r}{called_at()}\n"
                f"  → one of {', '.join(_OPTIMIZERS)}, or a function of the parameters"
            )
        return _OPTIMIZERS[self.optimizer](parameters, lr=self.lr, weight_decay=self.weight_decay)

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        """A module of the user's draws from the default stream: for a while that is the estimator's."""
        if self.module is None:
            yield
            return
        before = random.default.state
        random.default.state = self._stream.state
        try:
            yield
        finally:
            self._stream.state = random.default.state
            random.default.state = before

    def _train(self, X: Any, target: Any, weight: Any, epochs: int, stopping: bool) -> Self:
        valid, patience = None, None
        if stopping:
            X, X_valid, target, t_valid, weight, w_valid = self._split(X, target, weight)
            valid = DataLoader(TensorDataset(X_valid, w_valid, t_valid), batch_size=1024)
            patience = EarlyStopping(self.patience)
        size = min(200, len(X)) if self.batch_size == "auto" else int(self.batch_size)
        seed = int(self._stream.integers(0, 1 << 62))
        loader = DataLoader(TensorDataset(X, weight, target), batch_size=size, shuffle=True, seed=seed)
        trainer = Weighted(self.module_, self._steps, self._losses)
        show = None if self.verbose else False
        with self._seeded():
            history = trainer.fit(loader, valid, epochs, early_stopping=patience, progress=show)
        self.module_.eval()
        self.loss_curve_ = [*self.loss_curve_, *history["loss"]]
        self.n_iter_ += history.epochs
        if stopping:
            self.validation_loss_curve_ = history["valid_loss"]
        return self

    def _split(self, X: Any, target: Any, weight: Any) -> list[Any]:
        """A part held out; of labels, each in its proportion where there are enough."""
        seed = int(self._stream.integers(0, 1 << 31))
        labels = target if target.ndim == 1 and np.bincount(target).min(initial=2) >= 2 else None
        return train_test_split(
            X, target, weight, test_size=self.validation_fraction, random_state=seed, stratify=labels
        )

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=_FLOATS, reset=False)
        kind = next(self.module_.parameters()).dtype
        trainer = Trainer(self.module_, self._steps, self._losses)
        with self._seeded():
            return trainer.predict(X.astype(kind, copy=False), batch_size=1024)

    def _losses(self, output: Any, target: Any) -> Any:
        """The loss of each sample."""
        raise NotImplementedError
