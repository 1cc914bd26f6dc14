"""Optimisers, schedules of their rates, and hooks.

>>> import numpy as np
>>> import whence
>>> from whence import nn, optim
>>> x = np.linspace(-1, 1, 20)[:, None]
>>> t = 3 * x + 1
>>> model = nn.Linear(1, 1, dtype=np.float64)
>>> optimizer = optim.Adam(model.parameters(), lr=0.3).add_hook(optim.ClipGradNorm(10.0))
>>> schedule = optim.schedule.CosineAnnealingLR(optimizer, T_max=200)
>>> for _ in range(200):
...     loss = ((model(x) - t) ** 2).mean()
...     optimizer.zero_grad()
...     loss.backward()
...     optimizer.step()
...     schedule.step()
>>> print(np.round(model.weight.data, 2), np.round(model.bias.data, 2))
[[3.]] [1.]
"""

from . import schedule as schedule
from .adam import Adam as Adam
from .adam import Adamax as Adamax
from .adam import AdamW as AdamW
from .adam import NAdam as NAdam
from .adam import RAdam as RAdam
from .adaptive import Adadelta as Adadelta
from .adaptive import Adagrad as Adagrad
from .adaptive import Lion as Lion
from .adaptive import RMSprop as RMSprop
from .average import ExponentialMovingAverage as ExponentialMovingAverage
from .clip import clip_grad_norm_ as clip_grad_norm_
from .clip import clip_grad_value_ as clip_grad_value_
from .hooks import ClipGradNorm as ClipGradNorm
from .hooks import ClipGradValue as ClipGradValue
from .hooks import Freeze as Freeze
from .hooks import WeightDecay as WeightDecay
from .lbfgs import LBFGS as LBFGS
from .optimizer import Optimizer as Optimizer
from .sgd import SGD as SGD

AdaGrad, AdaDelta = Adagrad, Adadelta
lr_scheduler = schedule  # PyTorch's name
lr_scheduler = schedule  # PyTorch's name
