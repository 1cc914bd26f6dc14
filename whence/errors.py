"""The errors of whence: each says what happened, where, and what to write instead."""

from __future__ import annotations

import numpy as np


class WhenceError(Exception):
    """The root of every error that whence raises on purpose.

    Each member of the family also inherits the built-in error that NumPy users would expect
    (``ShapeError`` is a ``ValueError``), so existing ``except`` clauses go on working.
    """


class ShapeError(WhenceError, ValueError):
    """Shapes that do not fit together; names both operands and the lines that made them."""


class AxisError(ShapeError, np.exceptions.AxisError):
    """An axis that the array does not have."""


class DtypeError(WhenceError, TypeError):
    """A type that cannot be differentiated or computed with: integers, objects, strings."""


class BoundsError(WhenceError, IndexError):
    """An index outside the array."""


class NoGradientError(WhenceError, NotImplementedError):
    """A function, keyword or derivative order for which whence has no gradient."""


class LinAlgError(WhenceError, np.linalg.LinAlgError):
    """A matrix without the factorisation asked for, or one that has no derivative.

    Singular, not square, not positive definite; or with equal eigenvalues of which the loss treats
    one otherwise than the other.
    """


class GraphError(WhenceError, RuntimeError):
    """A graph used in a way that would lose or corrupt a gradient."""


class BatchingError(GraphError):
    """A value that differs from example to example (inside ``vmap``) was read as if it were one."""


class BatchingWarning(UserWarning):
    """``vmap`` computes an op example by example, since the op has no rule for whole batches."""


class CacheWarning(UserWarning):
    """What is compiled cannot be kept on disk, or was damaged there; it is compiled anew."""


class InPlaceError(GraphError):
    """An array was overwritten after a gradient had been made to depend on its old value."""


class NonFiniteError(WhenceError, FloatingPointError):
    """A NaN or an infinity appeared where values were being watched."""


class SingularError(WhenceError, np.linalg.LinAlgError):
    """A matrix that has to be inverted for a derivative is singular."""


class GradientCheckError(WhenceError, AssertionError):
    """A gradient disagrees with finite differences or complex steps."""


class StateError(WhenceError, ValueError):
    """Saved state that does not fit: missing, extra or wrongly shaped entries, a damaged file."""


class MissingExtraError(WhenceError, ImportError):
    """A package that a feature needs is not installed; the message says what to install."""


class SettingError(WhenceError, ValueError):
    """A setting that makes no sense: a negative learning rate, a parameter given twice."""


class DataError(WhenceError, ValueError):
    """Data that are not what they should be: empty, of unequal lengths, a damaged or unexpected file."""


class MissingDataError(DataError, FileNotFoundError):
    """A file of a data set is not there; the message says which is expected and where to get it."""


class WorkerError(WhenceError, RuntimeError):
    """A process that fetched data died, or could not be started."""


class TraceError(WhenceError, TypeError):
    """Something that ``compile`` cannot record: a value is read, or something outside the program changes."""


class UnknownShapeError(TraceError):
    """A result whose shape depends on values, in a program that ``compile`` records."""
