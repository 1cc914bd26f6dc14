"""Loads and stores: contiguous, masked, broadcast, strided."""

from __future__ import annotations

from .values import KINDS, SIZES, Lines, Value, suffix_of, type_of


class Memory(Lines):
    """The part of the writer that reads and writes memory.

    Truth values are bytes there, 0 or 1. Addresses are aligned to an element unless ``align`` says more.
    """

    lanes: int

    def at(self, pointer: Value, index: Value | int, kind: str) -> Value:
        """The address of element ``index`` of an array of ``kind``."""
        if isinstance(index, int):
            index = self.constant(index, "i64")
        step = "i8" if kind == "i1" else KINDS[kind]
        text = f"getelementptr {step}, {pointer}, {index}"
        return self.emit(text, "ptr", index.lanes)

    def numbers(self, kind: str = "i64", lanes: int | None = None) -> Value:
        """0, 1, 2, … in the lanes."""
        lanes = lanes or self.lanes
        if lanes == 1:
            return self.constant(0, kind)
        items = ", ".join(f"{KINDS[kind]} {self.constant(n, kind).name}" for n in range(lanes))
        return Value(self, f"<{items}>", kind, lanes)

    def tail(self, count: Value, lanes: int | None = None) -> Value:
        """A mask of the first ``count`` lanes (an i64; all of them where it is more)."""
        return self.numbers("i64", lanes) < count

    def load(
        self,
        kind: str,
        pointer: Value,
        index: Value | int | None = None,
        *,
        lanes: int | None = None,
        mask: Value | None = None,
        align: int = 0,
    ) -> Value:
        """Neighbouring elements from ``pointer[index]`` on; 0 where the mask does not hold."""
        lanes = lanes or self.lanes
        stored = "u8" if kind == "i1" else kind
        if index is not None:
            pointer = self.at(pointer, index, kind)
        align = align or SIZES[kind]
        if mask is None or lanes == 1:
            x = self.emit(f"load {type_of(stored, lanes)}, {pointer}, align {align}", stored, lanes)
        else:
            zero = self.constant(0, stored, lanes)
            suffix = f"{suffix_of(stored, lanes)}.p0"
            aligned = Value(self, f"align {align} {pointer.name}", "ptr")
            x = self._masked("llvm.masked.load", stored, lanes, suffix, aligned, mask, zero)
        return x.to(kind)

    def _masked(
        self, name: str, kind: str, lanes: int, suffix: str, p: Value, mask: Value, other: Value
    ) -> Value:
        where = "ptr" if p.lanes == 1 else f"<{p.lanes} x ptr>"
        returned = type_of(kind, lanes)
        self.declarations[f"declare {returned} @{name}.{suffix}({where}, {mask.type}, {returned})"] = None
        return self.emit(f"call {returned} @{name}.{suffix}({p}, {mask}, {other})", kind, lanes)

    def store(
        self,
        x: Value,
        pointer: Value,
        index: Value | int | None = None,
        *,
        mask: Value | None = None,
        align: int = 0,
    ) -> None:
        """Write the lanes to ``pointer[index]`` and on, only where the mask holds."""
        align = align or SIZES[x.kind]
        if index is not None:
            pointer = self.at(pointer, index, x.kind)
        if x.kind == "i1":
            x = x.to("u8")
        if mask is None or x.lanes == 1:
            self.lines.append(f"  store {x}, {pointer}, align {align}")
            return
        name = f"@llvm.masked.store.{suffix_of(x.kind, x.lanes)}.p0"
        self.declarations[f"declare void {name}({x.type}, ptr, {mask.type})"] = None
        self.lines.append(f"  call void {name}({x}, ptr align {align} {pointer.name}, {mask})")

    def spread(self, kind: str, pointer: Value, index: Value | int | None = None) -> Value:
        """One element in every lane."""
        return self.splat(self.load(kind, pointer, index, lanes=1), self.lanes)

    def gather(self, kind: str, pointer: Value, indices: Value, mask: Value | None = None) -> Value:
        """Elements ``pointer[indices]``; 0 where the mask does not hold."""
        lanes = indices.lanes
        if lanes == 1:
            return self.load(kind, pointer, indices, lanes=1)
        stored = "u8" if kind == "i1" else kind
        where = self.at(pointer, indices, kind)
        aligned = Value(self, f"align {SIZES[kind]} {where.name}", "ptr", lanes)
        mask = mask or self.constant(True, "i1", lanes)
        zero = self.constant(0, stored, lanes)
        suffix = f"{suffix_of(stored, lanes)}.v{lanes}p0"
        return self._masked("llvm.masked.gather", stored, lanes, suffix, aligned, mask, zero).to(kind)

    def scatter(self, x: Value, pointer: Value, indices: Value, mask: Value | None = None) -> None:
        """Write lane by lane to ``pointer[indices]``, the first lane first."""
        lanes = indices.lanes
        if lanes == 1:
            self.store(x, pointer, indices)
            return
        where = self.at(pointer, indices, x.kind)
        mask = mask or self.constant(True, "i1", lanes)
        size = SIZES[x.kind]
        if x.kind == "i1":
            x = x.to("u8")
        name = f"@llvm.masked.scatter.{suffix_of(x.kind, lanes)}.v{lanes}p0"
        self.declarations[f"declare void {name}({x.type}, <{lanes} x ptr>, {mask.type})"] = None
        self.lines.append(f"  call void {name}({x}, <{lanes} x ptr> align {size} {where.name}, {mask})")

    def strided(self, kind: str, pointer: Value, index: Value, stride: Value | int) -> Value:
        """Elements ``index, index + 1, …`` of an array whose elements lie ``stride`` elements apart."""
        return self.gather(kind, pointer, (self.numbers("i64") + index) * stride)
