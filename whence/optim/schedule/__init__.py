"""Schedules of the learning rate: each a formula of the count of steps and of the first rate.

    for epoch in range(90):
        train(model, optimizer)
        schedule.step()

Names, arguments and values are PyTorch's. A rate is computed from the count, not from the rate before, so
that nothing drifts and a run that is resumed has the same rates to the bit.
"""

from .annealing import CosineAnnealingLR as CosineAnnealingLR
from .annealing import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from .annealing import OneCycleLR as OneCycleLR
from .annealing import WarmupCosineLR as WarmupCosineLR
from .base import Schedule as Schedule
from .composed import ChainedScheduler as ChainedScheduler
from .composed import SequentialLR as SequentialLR
from .decay import ConstantLR as ConstantLR
from .decay import ExponentialLR as ExponentialLR
from .decay import LambdaLR as LambdaLR
from .decay import LinearLR as LinearLR
from .decay import MultiStepLR as MultiStepLR
from .decay import PolynomialLR as PolynomialLR
from .decay import StepLR as StepLR
from .plateau import ReduceLROnPlateau as ReduceLROnPlateau
