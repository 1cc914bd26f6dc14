"""Training: Trainer, metrics, callbacks, checkpoints; estimators that keep scikit-learn's rules."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .callbacks import BestModel as BestModel
from .callbacks import Callback as Callback
from .callbacks import CSVLog as CSVLog
from .callbacks import EarlyStopping as EarlyStopping
from .checkpoints import CheckpointWarning as CheckpointWarning
from .history import History as History
from .metrics import Metric as Metric
from .metrics import metric as metric
from .owned import TrainingWarning as TrainingWarning
from .trainer import Trainer as Trainer

if _TYPE_CHECKING:
    from .estimators import WhenceClassifier as WhenceClassifier
    from .estimators import WhenceRegressor as WhenceRegressor
    from .tensorboard import TensorBoardLog as TensorBoardLog

#: What needs an extra, and the module that it is in.
_EXTRAS = {
    "TensorBoardLog": "tensorboard",
    "WhenceClassifier": "estimators",
    "WhenceRegressor": "estimators",
}


def __getattr__(name: str) -> _Any:
    if name not in _EXTRAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module(f".{_EXTRAS[name]}", __name__), name)
