"""What must stand where it stood: looked at by native code at each call, a few nanoseconds apiece.

A program takes for granted what its function reaches: names, entries of containers, arrays that nobody else
holds. Each is a row of words; a call goes on only while all of them hold. Objects are compared by identity
alone, so a row that does not hold says "perhaps": Python then looks again, by value.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from types import CellType, FunctionType, MappingProxyType
from typing import Any

import numpy as np

from . import layout

#: Kinds of rows, as ``@whence_guarded`` tells them apart.
POINTER, ITEM, DICT, LIST, BYTES, ALONE, ARRAY_ALONE, DEFAULTS, KEYWORD_DEFAULTS = range(9)

_OF_FUNCTIONS = {"__defaults__": DEFAULTS, "__kwdefaults__": KEYWORD_DEFAULTS}


class Guards:
    """Rows for native code, and everything that they point to.

    An object stays alive as long as the rows that name it, so its address is no other's; it is held once,
    however many rows name it: ``alone`` counts on that.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int, int]] = []
        self._held: dict[int, Any] = {}
        self._kept: list[Any] = []

    def hold(self, thing: Any) -> int:
        """The address of an object, which stays alive."""
        self._held[id(thing)] = thing
        return id(thing)

    def slot(self, holder: Any, name: str) -> None:
        """An attribute that is kept in a slot.

        Raises:
            TypeError: it is not.
        """
        place = layout.place(holder, name)
        self.rows.append((POINTER, place, 0, self.hold(getattr(holder, name)), 0))
        self.hold(holder)

    def item(self, holder: dict[Any, Any], key: Any) -> None:
        """The value under a key."""
        self.rows.append((ITEM, self.hold(holder), self.hold(key), self.hold(holder[key]), 0))

    def attribute(self, holder: Any, key: Any) -> None:
        """What is found in a dict, a closure's cell, a function or a slot.

        Raises:
            TypeError: it is kept in another way.
        """
        if isinstance(holder, dict):
            self.item(holder, key)
        elif type(holder) is CellType:
            found = self.hold(holder.cell_contents)
            if layout.word(id(holder) + layout.CONTENTS) != found:
                raise TypeError("a cell's contents are not where CPython's layout says")
            self.rows.append((POINTER, self.hold(holder) + layout.CONTENTS, 0, found, 0))
        elif type(holder) is FunctionType and key in _OF_FUNCTIONS:
            found = getattr(holder, key)
            self.rows.append((_OF_FUNCTIONS[key], self.hold(holder), 0, id(found) if found else 0, 0))
            self.hold(found)
        else:
            self.slot(holder, key)

    def contents(self, holder: Any) -> None:
        """All that is in a dict (its keys too, in order) or in a list.

        Raises:
            TypeError: it is another container.
        """
        if isinstance(holder, MappingProxyType):
            (holder,) = gc.get_referents(holder)
        if isinstance(holder, dict):
            found = [part for pair in holder.items() for part in pair]
            kind, count = DICT, len(holder)
        elif isinstance(holder, list):
            found, kind, count = list(holder), LIST, len(holder)
        else:
            raise TypeError(f"{type(holder).__name__} is no dict and no list")
        self._row_over(kind, holder, np.array([self.hold(part) for part in found], np.uint64), count)

    def elements(self, array: Any) -> None:
        """What is in a contiguous array, byte by byte."""
        if not (type(array) is np.ndarray and array.flags.c_contiguous):
            raise TypeError("only an array in C order is compared byte by byte")
        copy = np.frombuffer(array.tobytes() + b"\0" * 8, np.uint8)
        self._row_over(BYTES, array, copy, array.nbytes)

    def alone(self, thing: Any) -> None:
        """Nobody has the object but the place where it was found, and these rows."""
        kind = ARRAY_ALONE if type(thing) is np.ndarray else ALONE
        self.rows.append((kind, self.hold(thing), 0, 0, 2))

    def _row_over(self, kind: int, holder: Any, values: Any, count: int) -> None:
        self._kept.append(values)
        self.rows.append((kind, self.hold(holder), values.__array_interface__["data"][0], 0, count))

    def table(self) -> np.ndarray[Any, Any]:
        """The rows as native code reads them."""
        return _table(self.rows)


def _table(rows: Sequence[tuple[int, ...]]) -> np.ndarray[Any, Any]:
    return np.array(rows, np.uint64).reshape(-1, 5)


def text() -> str:
    """The native side."""
    return _TEXT


_TEXT = """
%Guard = type { i64, ptr, ptr, ptr, i64 }  ; kind, holder, key or copy, what stands there, a number

declare ptr @PyDict_GetItemWithError(ptr, ptr)
declare i32 @PyDict_Next(ptr, ptr, ptr, ptr)
declare ptr @PyFunction_GetDefaults(ptr)
declare ptr @PyFunction_GetKwDefaults(ptr)

define internal i1 @same.words(ptr %a, ptr %b, i64 %count) {
entry:
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %same ]
  %over = icmp sge i64 %n, %count
  br i1 %over, label %yes, label %look
look:
  %a.at = getelementptr i64, ptr %a, i64 %n
  %b.at = getelementptr i64, ptr %b, i64 %n
  %x = load i64, ptr %a.at, align 1
  %y = load i64, ptr %b.at, align 1
  %equal = icmp eq i64 %x, %y
  %n.next = add i64 %n, 1
  br i1 %equal, label %same, label %no
same:
  br label %next
yes:
  ret i1 true
no:
  ret i1 false
}

define internal i1 @same.bytes(ptr %a, ptr %b, i64 %count) {
entry:
  %words = lshr i64 %count, 3
  %whole = call i1 @same.words(ptr %a, ptr %b, i64 %words)
  %start = shl i64 %words, 3
  br i1 %whole, label %next, label %no
next:
  %n = phi i64 [ %start, %entry ], [ %n.next, %look ]
  %over = icmp sge i64 %n, %count
  br i1 %over, label %yes, label %look
look:
  %a.at = getelementptr i8, ptr %a, i64 %n
  %b.at = getelementptr i8, ptr %b, i64 %n
  %x = load i8, ptr %a.at
  %y = load i8, ptr %b.at
  %equal = icmp eq i8 %x, %y
  %n.next = add i64 %n, 1
  br i1 %equal, label %next, label %no
yes:
  ret i1 true
no:
  ret i1 false
}

define internal i1 @same.dict(ptr %dict, ptr %pairs, i64 %count) {
entry:
  %place = alloca i64, align 8
  %key.at = alloca ptr, align 8
  %value.at = alloca ptr, align 8
  store i64 0, ptr %place
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %key.same ]
  %more = call i32 @PyDict_Next(ptr %dict, ptr %place, ptr %key.at, ptr %value.at)
  %over = icmp eq i32 %more, 0
  br i1 %over, label %end, label %room
room:
  %fits = icmp slt i64 %n, %count
  br i1 %fits, label %look, label %no
look:
  %first = shl i64 %n, 1
  %second = or i64 %first, 1
  %key.said.at = getelementptr ptr, ptr %pairs, i64 %first
  %value.said.at = getelementptr ptr, ptr %pairs, i64 %second
  %key.said = load ptr, ptr %key.said.at
  %value.said = load ptr, ptr %value.said.at
  %key = load ptr, ptr %key.at
  %value = load ptr, ptr %value.at
  %same.key = icmp eq ptr %key, %key.said
  %same.value = icmp eq ptr %value, %value.said
  %same = and i1 %same.key, %same.value
  %n.next = add i64 %n, 1
  br i1 %same, label %key.same, label %no
key.same:
  br label %next
end:
  %all = icmp eq i64 %n, %count
  ret i1 %all
no:
  ret i1 false
}

define internal i1 @holds(ptr %guard) {
entry:
  %kind = load i64, ptr %guard
  %holder.at = getelementptr %Guard, ptr %guard, i32 0, i32 1
  %holder = load ptr, ptr %holder.at
  %key.at = getelementptr %Guard, ptr %guard, i32 0, i32 2
  %key = load ptr, ptr %key.at
  %said.at = getelementptr %Guard, ptr %guard, i32 0, i32 3
  %said = load ptr, ptr %said.at
  %number.at = getelementptr %Guard, ptr %guard, i32 0, i32 4
  %number = load i64, ptr %number.at
  switch i64 %kind, label %no [
    i64 0, label %pointer
    i64 1, label %item
    i64 2, label %dict
    i64 3, label %list
    i64 4, label %bytes
    i64 5, label %alone
    i64 6, label %array.alone
    i64 7, label %defaults
    i64 8, label %keyword.defaults
  ]
pointer:
  %there = load ptr, ptr %holder
  br label %compare
item:
  %entry.there = call ptr @PyDict_GetItemWithError(ptr %holder, ptr %key)
  br label %compare
defaults:
  %defaults.there = call ptr @PyFunction_GetDefaults(ptr %holder)
  br label %compare
keyword.defaults:
  %keywords.there = call ptr @PyFunction_GetKwDefaults(ptr %holder)
  br label %compare
compare:
  %found = phi ptr [ %there, %pointer ], [ %entry.there, %item ], [ %defaults.there, %defaults ],
                   [ %keywords.there, %keyword.defaults ]
  %same = icmp eq ptr %found, %said
  ret i1 %same
dict:
  %dict.same = call i1 @same.dict(ptr %holder, ptr %key, i64 %number)
  ret i1 %dict.same
list:
  %size.at = getelementptr i8, ptr %holder, i64 16
  %size = load i64, ptr %size.at
  %as.long = icmp eq i64 %size, %number
  br i1 %as.long, label %list.items, label %no
list.items:
  %items.at = getelementptr i8, ptr %holder, i64 24
  %items = load ptr, ptr %items.at
  %list.same = call i1 @same.words(ptr %items, ptr %key, i64 %number)
  ret i1 %list.same
bytes:
  %data.at = getelementptr i8, ptr %holder, i64 16
  %data = load ptr, ptr %data.at
  %bytes.same = call i1 @same.bytes(ptr %data, ptr %key, i64 %number)
  ret i1 %bytes.same
array.alone:
  %weak.at = getelementptr i8, ptr %holder, i64 72
  %weak = load ptr, ptr %weak.at
  %unwatched = icmp eq ptr %weak, null
  %flags.at = getelementptr i8, ptr %holder, i64 64
  %flags = load i32, ptr %flags.at
  %flags.both = and i32 %flags, 1281
  %writeable = icmp eq i32 %flags.both, 1281
  %may = and i1 %unwatched, %writeable
  br i1 %may, label %alone, label %no
alone:
  %held.half = load i32, ptr %holder
  %held = zext i32 %held.half to i64
  %ours = icmp eq i64 %held, %number
  ret i1 %ours
no:
  ret i1 false
}

; The number of the first row that does not hold, -1 when all do.
define internal i64 @guarded(ptr %guards, i64 %count) {
entry:
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %good ]
  %over = icmp eq i64 %n, %count
  br i1 %over, label %done, label %look
look:
  %guard = getelementptr %Guard, ptr %guards, i64 %n
  %holds = call i1 @holds(ptr %guard)
  %n.next = add i64 %n, 1
  br i1 %holds, label %good, label %bad
good:
  br label %next
bad:
  ret i64 %n
done:
  ret i64 -1
}
"""
