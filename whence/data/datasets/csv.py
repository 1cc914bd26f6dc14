"""Tables of numbers as comma-separated text."""

from __future__ import annotations

import csv as _csv
import os

import numpy as np

from ...core.origin import called_at
from ...errors import DataError
from ..dataset import TensorDataset
from .files import existing, verified


def read_csv(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    header: bool = True,
    delimiter: str = ",",
    dtype: type = np.float64,
    checksum: str | None = None,
) -> TensorDataset:
    """The numbers of a table: inputs (rows, columns), and with ``target`` the target column (rows,).

    Args:
        path: the file, in UTF-8.
        target: name (with a header) or number of the column to predict.
        header: does the first line hold the columns' names?
        delimiter: between the fields.
        dtype: of the numbers.
        checksum: "sha256:..." or "md5:..." of the file.

    Raises:
        MissingDataError: it is not there. DataError: a field that is empty or no number, a line with more
            or fewer fields (each named with its line), no lines, or no such column.
    """
    found = existing(path, "a table of numbers as comma-separated text")
    lines = verified(found, checksum).decode("utf-8-sig").splitlines()
    reader = _csv.reader(lines, delimiter=delimiter)
    names = [name.strip() for name in next(reader, [])] if header else []
    rows: list[list[float]] = []
    for fields in reader:
        if fields:
            width = len(names) or len(rows[0] if rows else fields)
            rows.append(_row(fields, width, f"{found}, line {reader.line_num}", names))
    if not rows:
        raise DataError(f"{found} has no lines of numbers{called_at()}")
    table = np.array(rows, dtype)
    if target is None:
        return TensorDataset(table)
    column = _column(target, names, table.shape[1], found)
    return TensorDataset(np.delete(table, column, 1), table[:, column].copy())


def _row(fields: list[str], width: int, where: str, names: list[str]) -> list[float]:
    if len(fields) != width:
        raise DataError(f"{where}: {len(fields)} fields, the first line has {width}{called_at()}")
    row = []
    for k, field in enumerate(fields):
        try:
            row.append(float(field))
        except ValueError:
            column = repr(names[k]) if names else str(k)
            what = "is missing" if not field.strip() else f"is {field!r}, no number"
            raise DataError(f"{where}: the value of column {column} {what}{called_at()}") from None
    return row


def _column(target: str | int, names: list[str], width: int, path: object) -> int:
    if isinstance(target, str):
        if target not in names:
            raise DataError(f"{path} has no column {target!r}{called_at()}; it has {names}")
        return names.index(target)
    if not -width <= target < width:
        raise DataError(f"{path} has no column {target}{called_at()}; it has {width} columns")
    return target
