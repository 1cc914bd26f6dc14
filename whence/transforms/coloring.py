"""Colourings of sparsity patterns: which columns may share one product with the matrix.

After Gebremedhin, Manne and Pothen, *What color is your Jacobian? Graph coloring for computing
derivatives* (SIAM Review 47, 2005). All are greedy, the busiest vertices first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

Pattern = Any  # a Boolean csr_array, whose stubs say little


def color_columns(pattern: Pattern) -> np.ndarray:
    """Colours such that no row has two columns of one colour (partial distance-2, section 3.3).

    >>> from scipy.sparse import eye_array
    >>> print(color_columns(csr_array(eye_array(4)) != 0))
    [0 0 0 0]
    """
    columns: Pattern = csr_array(pattern.T)
    starts, rows = columns.indptr.tolist(), columns.indices.tolist()
    colors = np.zeros(columns.shape[0], np.intp)
    used = [0] * pattern.shape[0]  # for each row the colours in it, as bits
    for j in np.argsort(-np.diff(columns.indptr), kind="stable").tolist():
        mine = rows[starts[j] : starts[j + 1]]
        taken = 0
        for i in mine:
            taken |= used[i]
        bit = ~taken & (taken + 1)  # the lowest that is free
        for i in mine:
            used[i] |= bit
        colors[j] = bit.bit_length() - 1
    return colors


def color_adjacent(pattern: Pattern) -> np.ndarray:
    """Colours such that no two of one colour have an entry in common: enough for a diagonal.

    >>> print(color_adjacent(csr_array(np.ones((3, 3), bool))))
    [0 1 2]
    """
    graph = _graph(pattern)
    starts, others = graph.indptr.tolist(), graph.indices.tolist()
    colors = [0] * graph.shape[0]
    seen = [0] * graph.shape[0]  # for each vertex the colours around it, as bits
    for j in np.argsort(-np.diff(graph.indptr), kind="stable").tolist():
        bit = ~seen[j] & (seen[j] + 1)
        colors[j] = bit.bit_length() - 1
        for i in others[starts[j] : starts[j + 1]]:
            seen[i] |= bit
    return np.array(colors, np.intp)


def color_symmetric(pattern: Pattern) -> np.ndarray:
    """A star colouring of a symmetric pattern (section 4.2): entries by symmetry need fewer colours.

    Neighbours differ, and no path of four vertices has two colours; then for each entry ``(i, j)``
    either column j is alone with its colour in row i, or column i in row j.

    >>> arrow = np.eye(5, dtype=bool)
    >>> arrow[0] = arrow[:, 0] = True
    >>> print(color_symmetric(csr_array(arrow)))
    [0 1 1 1 1]
    """
    graph = _graph(pattern)
    n = graph.shape[0]
    if n > 100 and graph.nnz > n * n / 2:  # there is little to gain
        return np.arange(n)
    colors = np.full(n, -1, np.intp)
    count = np.zeros((n, 8), np.intp)  # neighbours of each vertex in each colour
    lengths = np.diff(graph.indptr)
    for v in np.argsort(-lengths, kind="stable"):
        near = graph.indices[graph.indptr[v] : graph.indptr[v + 1]]
        forbidden = np.zeros(count.shape[1], bool)
        forbidden[colors[near][colors[near] >= 0]] = True
        # all paths v - w - x of which x has a colour
        w = np.repeat(near, lengths[near])
        first = np.repeat(graph.indptr[near] - np.cumsum(lengths[near]) + lengths[near], lengths[near])
        x = graph.indices[first + np.arange(len(w))]
        w, x = w[colors[x] >= 0], x[colors[x] >= 0]
        # v must not be as x if w may still become like another neighbour of v or x, or is like one of x
        risky = (colors[w] < 0) | (count[x, colors[w]] >= 2)
        forbidden[colors[x[risky]]] = True
        free = np.flatnonzero(~forbidden)
        color = int(free[0]) if len(free) else count.shape[1]
        if color >= count.shape[1]:
            count = np.concatenate([count, np.zeros_like(count)], axis=1)
        colors[v] = color
        count[near, color] += 1
    return colors


def alone(pattern: Pattern, colors: np.ndarray) -> np.ndarray:
    """For each stored entry ``(i, j)``: is j the only column of its colour in row i?"""
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    shades = colors[pattern.indices]
    width = int(colors.max(initial=-1)) + 1
    keys = rows * width + shades
    return np.bincount(keys, minlength=pattern.shape[0] * width)[keys] == 1


def _graph(pattern: Pattern) -> Pattern:
    """The neighbours of each vertex: the entries off the diagonal, made symmetric."""
    both: Any = csr_array(pattern + pattern.T).tocoo()
    off = both.coords[0] != both.coords[1]
    entries = (np.ones(int(off.sum()), bool), (both.coords[0][off], both.coords[1][off]))
    return csr_array(entries, shape=both.shape)
