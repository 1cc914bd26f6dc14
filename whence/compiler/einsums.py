"""einsum in words: diagonals, sums, transposes and stacked matrix products, two operands at a time.

Operands are taken from left to right; a letter is summed over as soon as nothing later has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

Lengths = dict[str, int]


def einsum(
    emit: Callable[..., Any], *operands: Any, out: Any = None, optimize: Any = False, **more: Any
) -> Any:
    """``np.einsum`` with a text; NotImplemented for an ellipsis, and for complex numbers."""
    if more or not isinstance(operands[0], str) or len(operands) < 2 or "..." in operands[0]:
        return NotImplemented
    sources, arrow, output = operands[0].replace(" ", "").partition("->")
    terms, arrays = sources.split(","), list(operands[1:])
    if any(np.result_type(a).kind not in "fiu" for a in arrays) or len(terms) != len(arrays):
        return NotImplemented
    if not arrow:
        letters = sources.replace(",", "")
        output = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    lengths: Lengths = {}
    for term, array in zip(terms, arrays, strict=True):
        for letter, n in zip(term, np.shape(array), strict=True):
            if lengths.setdefault(letter, n) != n:
                return NotImplemented  # an axis of length one that is repeated
    kind = np.result_type(*arrays)
    return _contracted(terms, [_of_kind(a, kind) for a in arrays], output, lengths)


def _of_kind(a: Any, kind: Any) -> Any:
    return (
        a
        if np.result_type(a) == kind
        else np.asarray(a).astype(kind)
        if not hasattr(a, "recorder")
        else a.astype(kind)
    )


def _contracted(terms: Sequence[str], arrays: list[Any], output: str, lengths: Lengths) -> Any:
    terms = list(terms)
    while True:
        for i, term in enumerate(terms):
            others = output + "".join(terms[:i] + terms[i + 1 :])
            terms[i], arrays[i] = _reduced(*_diagonal(term, arrays[i]), others)
        if len(terms) == 1:
            return _ordered(terms[0], arrays[0], output)
        wanted = output + "".join(terms[2:])
        term, array = _pair(terms[0], arrays[0], terms[1], arrays[1], wanted, lengths)
        terms[:2], arrays[:2] = [term], [array]


def _diagonal(term: str, a: Any) -> tuple[str, Any]:
    """Letters that stand twice become one."""
    while len(set(term)) < len(term):
        letter = next(c for c in term if term.count(c) > 1)
        first = term.index(letter)
        second = term.index(letter, first + 1)
        n = a.shape[first]
        rest = [i for i in range(a.ndim) if i not in (first, second)]
        kept = [a.shape[i] for i in rest]
        flat = np.reshape(np.transpose(a, (*rest, first, second)), (*kept, n * n))
        a = flat[(*(slice(None),) * len(kept), slice(None, None, n + 1))]
        term = "".join(term[i] for i in rest) + letter
    return term, a


def _reduced(term: str, a: Any, others: str) -> tuple[str, Any]:
    """Letters that nothing else has are summed over."""
    axes = tuple([i for i, c in enumerate(term) if c not in others])
    return ("".join(c for c in term if c in others), np.sum(a, axes)) if axes else (term, a)


def _ordered(term: str, a: Any, output: str) -> Any:
    return a if term == output else np.transpose(a, [term.index(c) for c in output])


def _pair(one: str, a: Any, other: str, b: Any, wanted: str, lengths: Lengths) -> tuple[str, Any]:
    """The product of two operands, summed over the letters that are not wanted any more."""
    summed = "".join(c for c in one if c in other and c not in wanted)
    if not summed:
        letters = one + "".join(c for c in other if c not in one)
        letters = "".join(sorted(letters, key=lambda c: wanted.find(c)))
        return letters, _spread(one, a, letters, lengths) * _spread(other, b, letters, lengths)
    stacked = "".join(c for c in wanted if c in one and c in other)
    stacked = "".join(dict.fromkeys(stacked))
    rows, columns = (_alone(term, summed + stacked, wanted) for term in (one, other))
    if rows and (not columns or wanted.find(rows[-1]) > wanted.find(columns[-1])):
        one, a, rows, other, b, columns = other, b, columns, one, a, rows  # what runs last stays last
    left = _matrix(one, a, stacked, rows, summed, lengths)
    right = _matrix(other, b, stacked, summed, columns, lengths)
    shape = [lengths[c] for c in stacked + rows + columns]
    return stacked + rows + columns, np.reshape(np.matmul(left, right), shape)


def _alone(term: str, shared: str, wanted: str) -> str:
    """The letters that one operand alone has, in the order of the result."""
    return "".join(sorted((c for c in term if c not in shared), key=wanted.find))


def _matrix(term: str, a: Any, stacked: str, down: str, along: str, lengths: Lengths) -> Any:
    a = _ordered(term, a, stacked + down + along)
    sizes = [prod(lengths[c] for c in part) for part in (down, along)]
    return np.reshape(a, (*[lengths[c] for c in stacked], *sizes))


def _spread(term: str, a: Any, letters: str, lengths: Lengths) -> Any:
    """With an axis of length one for each letter that it lacks."""
    a = _ordered(term, a, "".join(c for c in letters if c in term))
    return np.reshape(a, [lengths[c] if c in term else 1 for c in letters])
