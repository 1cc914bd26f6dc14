"""The call of a compiled program and the walk through its launches, as text in LLVM's language.

The structures are those that :mod:`whence.compiler.native.program` fills in; the numbers in ``getelementptr``
are places in them.
"""

from __future__ import annotations

from .pool import MOST_THREADS

#: Clock ticks between two looks for Ctrl-C: 20-60 ms on today's x86 processors (2-5 GHz time-stamp counters).
TICKS = 100_000_000

STRUCTURES = """
%Program = type {
  i64,        ;  0 busy: the generation of the process that runs it, 0 when nobody does
  i64,        ;  1 the launch that stopped it
  i64, i64,   ;  2 why a call was refused: the reason, the number of what did not fit
  i64, ptr,   ;  4 inputs
  i64, ptr,   ;  6 guards
  i64, ptr,   ;  8 outputs
  i64, ptr,   ; 10 slots
  ptr,        ; 12 patches
  i64, ptr,   ; 13 launches
  i64,        ; 15 release: whether to let go of the interpreter's lock
  i64,        ; 16 single: whether the result is the one output, not a tuple
  i64,        ; 17 parallel: whether any launch may be shared
  i64         ; 18 the launch from which on Ctrl-C waits for the end
}
%Input = type { ptr, i64, ptr, i64 }                  ; description, rank, shape, slot
%Output = type { ptr, i64, ptr, i64, ptr, i64, i64 }  ; as Input; two kept arrays, the turn, whether to keep
%Slot = type { i64, i64, i64, i64 }                   ; address, the one patched in, first patch, last
%Patch = type { ptr, i64 }                            ; word of an argument block, offset in bytes
; kernel, arguments, count, grain; of a call of Python's: null, what to call, a byte's address (0: always)
%Launch = type { ptr, ptr, i64, i64 }
"""

_WALKER = """
@generation = internal global i64 1
@whence_threads = external global ptr
@whence_ndarray = external global i8
@whence_not_implemented = external global i8
@_Py_NoneStruct = external global i8

declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare i32 @PyErr_CheckSignals()
declare ptr @PyObject_CallObject(ptr, ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare i32 @PyContextVar_Get(ptr, ptr, ptr)
declare i64 @PyLong_AsLong(ptr)
declare ptr @whence_empty(i32, ptr, ptr, i32)
declare i64 @llvm.readcyclecounter()

; After a fork: what was running is running in the parent.
define void @whence_forked() {
  %old = load i64, ptr @generation
  %new = add i64 %old, 1
  store i64 %new, ptr @generation
  ret void
}

; Whether an object is an array exactly as said, with all of these flags.
define internal i1 @fits(ptr %object, ptr %said, i32 %flags) {
entry:
  %type.at = getelementptr i8, ptr %object, i64 8
  %type = load ptr, ptr %type.at
  %is.array = icmp eq ptr %type, @whence_ndarray
  br i1 %is.array, label %array, label %no
array:
  %description.at = getelementptr i8, ptr %object, i64 56
  %description = load ptr, ptr %description.at
  %description.said = load ptr, ptr %said
  %same.description = icmp eq ptr %description, %description.said
  %flags.at = getelementptr i8, ptr %object, i64 64
  %flags.there = load i32, ptr %flags.at
  %flags.both = and i32 %flags.there, %flags
  %same.flags = icmp eq i32 %flags.both, %flags
  %rank.at = getelementptr i8, ptr %object, i64 24
  %rank.half = load i32, ptr %rank.at
  %rank = sext i32 %rank.half to i64
  %rank.said.at = getelementptr %Input, ptr %said, i32 0, i32 1
  %rank.said = load i64, ptr %rank.said.at
  %same.rank = icmp eq i64 %rank, %rank.said
  %1 = and i1 %same.description, %same.flags
  %2 = and i1 %1, %same.rank
  br i1 %2, label %like, label %no
like:
  %shape.at = getelementptr i8, ptr %object, i64 32
  %shape = load ptr, ptr %shape.at
  %shape.said.at = getelementptr %Input, ptr %said, i32 0, i32 2
  %shape.said = load ptr, ptr %shape.said.at
  br label %axis
axis:
  %n = phi i64 [ 0, %like ], [ %n.next, %same ]
  %over = icmp eq i64 %n, %rank
  br i1 %over, label %yes, label %size
size:
  %size.at = getelementptr i64, ptr %shape, i64 %n
  %size.there = load i64, ptr %size.at
  %size.said.at = getelementptr i64, ptr %shape.said, i64 %n
  %size.said = load i64, ptr %size.said.at
  %same.size = icmp eq i64 %size.there, %size.said
  br i1 %same.size, label %same, label %no
same:
  %n.next = add i64 %n, 1
  br label %axis
yes:
  ret i1 true
no:
  ret i1 false
}

define internal void @put(ptr %program, i64 %slot, ptr %array) {
  %slots.at = getelementptr %Program, ptr %program, i32 0, i32 11
  %slots = load ptr, ptr %slots.at
  %slot.at = getelementptr %Slot, ptr %slots, i64 %slot
  %data.at = getelementptr i8, ptr %array, i64 16
  %data = load i64, ptr %data.at
  store i64 %data, ptr %slot.at
  ret void
}

define internal ptr @refuse(ptr %program, i64 %reason, i64 %number) {
  %reason.at = getelementptr %Program, ptr %program, i32 0, i32 2
  store i64 %reason, ptr %reason.at
  %number.at = getelementptr %Program, ptr %program, i32 0, i32 3
  store i64 %number, ptr %number.at
  call void @Py_IncRef(ptr @whence_not_implemented)
  ret ptr @whence_not_implemented
}

; The number of the first argument that is not as said, -1 when all are.
define internal i64 @take.inputs(ptr %program, ptr %arguments, i64 %count) {
entry:
  %inputs.at = getelementptr %Program, ptr %program, i32 0, i32 5
  %inputs = load ptr, ptr %inputs.at
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %good ]
  %over = icmp eq i64 %n, %count
  br i1 %over, label %done, label %look
look:
  %said = getelementptr %Input, ptr %inputs, i64 %n
  %object.at = getelementptr ptr, ptr %arguments, i64 %n
  %object = load ptr, ptr %object.at
  %fits = call i1 @fits(ptr %object, ptr %said, i32 257)
  br i1 %fits, label %good, label %bad
good:
  %slot.at = getelementptr %Input, ptr %said, i32 0, i32 3
  %slot = load i64, ptr %slot.at
  call void @put(ptr %program, i64 %slot, ptr %object)
  %n.next = add i64 %n, 1
  br label %next
bad:
  ret i64 %n
done:
  ret i64 -1
}

; An array for an output: one of the two kept ones that nobody else holds, or a new one.
define internal ptr @output(ptr %said) {
entry:
  %kept.at = getelementptr %Output, ptr %said, i32 0, i32 4
  %kept = load ptr, ptr %kept.at
  %turn.at = getelementptr %Output, ptr %said, i32 0, i32 5
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %no ]
  %one.at = getelementptr ptr, ptr %kept, i64 %n
  %one = load ptr, ptr %one.at
  %references = load i32, ptr %one
  %ours = icmp eq i32 %references, 1
  br i1 %ours, label %look, label %no
look:
  %fits = call i1 @fits(ptr %one, ptr %said, i32 1281)
  br i1 %fits, label %array, label %no
array:
  %weak.at = getelementptr i8, ptr %one, i64 72
  %weak = load ptr, ptr %weak.at
  %unwatched = icmp eq ptr %weak, null
  br i1 %unwatched, label %use, label %no
no:
  %n.next = add i64 %n, 1
  %more = icmp eq i64 %n, 0
  br i1 %more, label %next, label %make
use:
  store i64 %n, ptr %turn.at
  ret ptr %one
make:
  %description = load ptr, ptr %said
  %rank.at = getelementptr %Output, ptr %said, i32 0, i32 1
  %rank = load i64, ptr %rank.at
  %rank.half = trunc i64 %rank to i32
  %shape.at = getelementptr %Output, ptr %said, i32 0, i32 2
  %shape = load ptr, ptr %shape.at
  call void @Py_IncRef(ptr %description)
  %new = call ptr @whence_empty(i32 %rank.half, ptr %shape, ptr %description, i32 0)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %done, label %store
store:
  %turn = load i64, ptr %turn.at
  %other = xor i64 %turn, 1
  store i64 %other, ptr %turn.at
  %old.at = getelementptr ptr, ptr %kept, i64 %other
  %old = load ptr, ptr %old.at
  store ptr %new, ptr %old.at
  call void @Py_DecRef(ptr %old)
  br label %done
done:
  ret ptr %new
}

define internal i1 @make.outputs(ptr %program) {
entry:
  %count.at = getelementptr %Program, ptr %program, i32 0, i32 8
  %count = load i64, ptr %count.at
  %outputs.at = getelementptr %Program, ptr %program, i32 0, i32 9
  %outputs = load ptr, ptr %outputs.at
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %good ]
  %over = icmp eq i64 %n, %count
  br i1 %over, label %done, label %make
make:
  %said = getelementptr %Output, ptr %outputs, i64 %n
  %array = call ptr @output(ptr %said)
  %failed = icmp eq ptr %array, null
  br i1 %failed, label %bad, label %good
good:
  %slot.at = getelementptr %Output, ptr %said, i32 0, i32 3
  %slot = load i64, ptr %slot.at
  call void @put(ptr %program, i64 %slot, ptr %array)
  %n.next = add i64 %n, 1
  br label %next
bad:
  ret i1 false
done:
  ret i1 true
}

; The array of an output as a new reference; what is not to be kept is handed over.
define internal ptr @hand.out(ptr %said) {
entry:
  %kept.at = getelementptr %Output, ptr %said, i32 0, i32 4
  %kept = load ptr, ptr %kept.at
  %turn.at = getelementptr %Output, ptr %said, i32 0, i32 5
  %turn = load i64, ptr %turn.at
  %array.at = getelementptr ptr, ptr %kept, i64 %turn
  %array = load ptr, ptr %array.at
  %keep.at = getelementptr %Output, ptr %said, i32 0, i32 6
  %keep = load i64, ptr %keep.at
  %hand.over = icmp eq i64 %keep, 0
  br i1 %hand.over, label %over, label %share
over:
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  store ptr @_Py_NoneStruct, ptr %array.at
  ret ptr %array
share:
  call void @Py_IncRef(ptr %array)
  ret ptr %array
}

define internal ptr @result(ptr %program) {
entry:
  %count.at = getelementptr %Program, ptr %program, i32 0, i32 8
  %count = load i64, ptr %count.at
  %outputs.at = getelementptr %Program, ptr %program, i32 0, i32 9
  %outputs = load ptr, ptr %outputs.at
  %single.at = getelementptr %Program, ptr %program, i32 0, i32 16
  %single = load i64, ptr %single.at
  %alone = icmp ne i64 %single, 0
  br i1 %alone, label %one, label %many
one:
  %array = call ptr @hand.out(ptr %outputs)
  ret ptr %array
many:
  %tuple = call ptr @PyTuple_New(i64 %count)
  %failed = icmp eq ptr %tuple, null
  br i1 %failed, label %done, label %next
next:
  %n = phi i64 [ 0, %many ], [ %n.next, %put ]
  %over = icmp eq i64 %n, %count
  br i1 %over, label %done, label %put
put:
  %said = getelementptr %Output, ptr %outputs, i64 %n
  %item = call ptr @hand.out(ptr %said)
  %1 = call i32 @PyTuple_SetItem(ptr %tuple, i64 %n, ptr %item)
  %n.next = add i64 %n, 1
  br label %next
done:
  ret ptr %tuple
}

; Write slots' addresses into argument blocks, of those slots that have changed since the last time.
define internal void @patch(ptr %program) {
entry:
  %count.at = getelementptr %Program, ptr %program, i32 0, i32 10
  %count = load i64, ptr %count.at
  %slots.at = getelementptr %Program, ptr %program, i32 0, i32 11
  %slots = load ptr, ptr %slots.at
  %patches.at = getelementptr %Program, ptr %program, i32 0, i32 12
  %patches = load ptr, ptr %patches.at
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %slot.done ]
  %over = icmp eq i64 %n, %count
  br i1 %over, label %done, label %look
look:
  %slot = getelementptr %Slot, ptr %slots, i64 %n
  %address = load i64, ptr %slot
  %patched.at = getelementptr %Slot, ptr %slot, i32 0, i32 1
  %patched = load i64, ptr %patched.at
  %same = icmp eq i64 %address, %patched
  br i1 %same, label %slot.done, label %changed
changed:
  store i64 %address, ptr %patched.at
  %first.at = getelementptr %Slot, ptr %slot, i32 0, i32 2
  %first = load i64, ptr %first.at
  %last.at = getelementptr %Slot, ptr %slot, i32 0, i32 3
  %last = load i64, ptr %last.at
  br label %more
more:
  %m = phi i64 [ %first, %changed ], [ %m.next, %write ]
  %no.more = icmp sge i64 %m, %last
  br i1 %no.more, label %slot.done, label %write
write:
  %patch = getelementptr %Patch, ptr %patches, i64 %m
  %word = load ptr, ptr %patch
  %offset.at = getelementptr %Patch, ptr %patch, i32 0, i32 1
  %offset = load i64, ptr %offset.at
  %sum = add i64 %address, %offset
  store i64 %sum, ptr %word
  %m.next = add i64 %m, 1
  br label %more
slot.done:
  %n.next = add i64 %n, 1
  br label %next
done:
  ret void
}

; How many threads are wanted here and now.
define internal i64 @threads() {
entry:
  %value.at = alloca ptr, align 8
  %variable = load ptr, ptr @whence_threads
  %failed = call i32 @PyContextVar_Get(ptr %variable, ptr null, ptr %value.at)
  %bad = icmp slt i32 %failed, 0
  %value = load ptr, ptr %value.at
  br i1 %bad, label %error, label %read
read:
  %none = icmp eq ptr %value, null
  br i1 %none, label %error, label %number
number:
  %wanted = call i64 @PyLong_AsLong(ptr %value)
  call void @Py_DecRef(ptr %value)
  %unset = icmp eq i64 %wanted, 0
  %usual.at = getelementptr i64, ptr @whence_threads, i64 1
  %usual = load i64, ptr %usual.at
  %count = select i1 %unset, i64 %usual, i64 %wanted
  %many = icmp sgt i64 %count, <most>
  %most = select i1 %many, i64 <most>, i64 %count
  ret i64 %most
error:
  ret i64 1
}

; Call a callable of Python's with a tuple, holding the interpreter's lock.
define internal i1 @call.python(ptr %pair, ptr %state.at) {
entry:
  %state = load ptr, ptr %state.at
  %free = icmp ne ptr %state, null
  br i1 %free, label %take, label %call
take:
  call void @PyEval_RestoreThread(ptr %state)
  br label %call
call:
  %callable = load ptr, ptr %pair
  %tuple.at = getelementptr ptr, ptr %pair, i64 1
  %tuple = load ptr, ptr %tuple.at
  %value = call ptr @PyObject_CallObject(ptr %callable, ptr %tuple)
  %good = icmp ne ptr %value, null
  br i1 %good, label %drop, label %called
drop:
  call void @Py_DecRef(ptr %value)
  br label %called
called:
  br i1 %free, label %give, label %done
give:
  %state.new = call ptr @PyEval_SaveThread()
  store ptr %state.new, ptr %state.at
  br label %done
done:
  ret i1 %good
}

; Let Python's handlers of signals run; false if one of them raised.
define internal i1 @heed(ptr %state.at) {
  %state = load ptr, ptr %state.at
  call void @PyEval_RestoreThread(ptr %state)
  %raised = call i32 @PyErr_CheckSignals()
  %state.new = call ptr @PyEval_SaveThread()
  store ptr %state.new, ptr %state.at
  %good = icmp eq i32 %raised, 0
  ret i1 %good
}

; The launches, one after another: true at the end, false with an exception set.
define internal i1 @walk(ptr %program, i64 %threads, ptr %state.at) {
entry:
  %count.at = getelementptr %Program, ptr %program, i32 0, i32 13
  %count = load i64, ptr %count.at
  %launches.at = getelementptr %Program, ptr %program, i32 0, i32 14
  %launches = load ptr, ptr %launches.at
  %point.at = getelementptr %Program, ptr %program, i32 0, i32 18
  %point = load i64, ptr %point.at
  %state = load ptr, ptr %state.at
  %free = icmp ne ptr %state, null
  br i1 %free, label %start.clock, label %next
start.clock:
  %started = call i64 @llvm.readcyclecounter()
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ 0, %start.clock ], [ %n.next, %done.one ]
  %since = phi i64 [ 0, %entry ], [ %started, %start.clock ], [ %since.next, %done.one ]
  %over = icmp eq i64 %n, %count
  br i1 %over, label %finished, label %look
look:
  %launch = getelementptr %Launch, ptr %launches, i64 %n
  %kernel = load ptr, ptr %launch
  %arguments.at = getelementptr %Launch, ptr %launch, i32 0, i32 1
  %arguments = load ptr, ptr %arguments.at
  %items.at = getelementptr %Launch, ptr %launch, i32 0, i32 2
  %items = load i64, ptr %items.at
  %grain.at = getelementptr %Launch, ptr %launch, i32 0, i32 3
  %grain = load i64, ptr %grain.at
  %python = icmp eq ptr %kernel, null
  br i1 %python, label %python.call, label %native
python.call:
  %always = icmp eq i64 %items, 0
  br i1 %always, label %call, label %ask.byte
ask.byte:
  %byte.at = inttoptr i64 %items to ptr
  %byte = load i8, ptr %byte.at
  %wanted = icmp ne i8 %byte, 0
  br i1 %wanted, label %call, label %done.launch
call:
  %called = call i1 @call.python(ptr %arguments, ptr %state.at)
  br i1 %called, label %done.launch, label %stopped
native:
  %may = icmp ne i64 %grain, 0
  %several = icmp sgt i64 %threads, 1
  %shared = and i1 %may, %several
  br i1 %shared, label %many, label %one
one:
  call void %kernel(ptr %arguments, i64 0, i64 %items)
  br label %done.launch
many:
  call void @share(ptr %kernel, ptr %arguments, i64 %items, i64 %grain, i64 %threads)
  br label %done.launch
done.launch:
  %n.next = add i64 %n, 1
  br i1 %free, label %clock, label %done.one
clock:
  %time = call i64 @llvm.readcyclecounter()
  %passed = sub i64 %time, %since
  %late = icmp ugt i64 %passed, <ticks>
  %before = icmp slt i64 %n.next, %point
  %ask = and i1 %late, %before
  br i1 %ask, label %signals, label %done.one
signals:
  %heeded = call i1 @heed(ptr %state.at)
  br i1 %heeded, label %done.one, label %stopped
done.one:
  %since.next = phi i64 [ %since, %done.launch ], [ %since, %clock ], [ %time, %signals ]
  br label %next
stopped:
  %stopped.at = getelementptr %Program, ptr %program, i32 0, i32 1
  store i64 %n, ptr %stopped.at
  ret i1 false
finished:
  ret i1 true
}

; Run with the slots as they are.
define internal i1 @run(ptr %program) {
entry:
  %state.at = alloca ptr, align 8
  store ptr null, ptr %state.at
  call void @patch(ptr %program)
  %parallel.at = getelementptr %Program, ptr %program, i32 0, i32 17
  %parallel = load i64, ptr %parallel.at
  %any = icmp ne i64 %parallel, 0
  br i1 %any, label %ask, label %asked
ask:
  %wanted = call i64 @threads()
  br label %asked
asked:
  %threads = phi i64 [ 1, %entry ], [ %wanted, %ask ]
  %release.at = getelementptr %Program, ptr %program, i32 0, i32 15
  %release = load i64, ptr %release.at
  %free = icmp ne i64 %release, 0
  br i1 %free, label %let.go, label %go
let.go:
  %state = call ptr @PyEval_SaveThread()
  store ptr %state, ptr %state.at
  br label %go
go:
  %good = call i1 @walk(ptr %program, i64 %threads, ptr %state.at)
  br i1 %free, label %take, label %done
take:
  %state.last = load ptr, ptr %state.at
  call void @PyEval_RestoreThread(ptr %state.last)
  br label %done
done:
  ret i1 %good
}

; METH_FASTCALL: the first argument is an array of one %Program.
define ptr @whence_call(ptr %self, ptr %arguments, i64 %count) {
entry:
  %program.at = getelementptr i8, ptr %self, i64 16
  %program = load ptr, ptr %program.at
  %busy = load i64, ptr %program
  %generation = load i64, ptr @generation
  %running = icmp eq i64 %busy, %generation
  br i1 %running, label %refuse.busy, label %count.them
refuse.busy:
  %1 = call ptr @refuse(ptr %program, i64 4, i64 0)
  ret ptr %1
count.them:
  %guards.at = getelementptr %Program, ptr %program, i32 0, i32 6
  %guards = load i64, ptr %guards.at
  %guard.at = getelementptr %Program, ptr %program, i32 0, i32 7
  %guard = load ptr, ptr %guard.at
  %changed = call i64 @guarded(ptr %guard, i64 %guards)
  %unchanged = icmp slt i64 %changed, 0
  br i1 %unchanged, label %arguments.there, label %refuse.guard
refuse.guard:
  %2 = call ptr @refuse(ptr %program, i64 3, i64 %changed)
  ret ptr %2
arguments.there:
  %wanted.at = getelementptr %Program, ptr %program, i32 0, i32 4
  %wanted = load i64, ptr %wanted.at
  %as.many = icmp eq i64 %count, %wanted
  br i1 %as.many, label %inputs, label %refuse.count
refuse.count:
  %3 = call ptr @refuse(ptr %program, i64 1, i64 %count)
  ret ptr %3
inputs:
  %bad.input = call i64 @take.inputs(ptr %program, ptr %arguments, i64 %count)
  %good.inputs = icmp slt i64 %bad.input, 0
  br i1 %good.inputs, label %outputs, label %refuse.input
refuse.input:
  %4 = call ptr @refuse(ptr %program, i64 2, i64 %bad.input)
  ret ptr %4
outputs:
  store i64 %generation, ptr %program
  %made = call i1 @make.outputs(ptr %program)
  br i1 %made, label %run, label %failed
run:
  %good = call i1 @run(ptr %program)
  br i1 %good, label %finish, label %failed
failed:
  store i64 0, ptr %program
  ret ptr null
finish:
  %value = call ptr @result(ptr %program)
  store i64 0, ptr %program
  ret ptr %value
}
"""

#: Kernels for every program: bytes set to zero (words: place, bytes an item), bytes copied (place, source,
#: bytes an item).
_FILLS = """
define void @whence_zero(ptr %arguments, i64 %begin, i64 %end) {
  %place = load ptr, ptr %arguments
  %size.at = getelementptr i64, ptr %arguments, i64 1
  %size = load i64, ptr %size.at
  %offset = mul i64 %begin, %size
  %items = sub i64 %end, %begin
  %bytes = mul i64 %items, %size
  %at = getelementptr i8, ptr %place, i64 %offset
  call void @llvm.memset.p0.i64(ptr %at, i8 0, i64 %bytes, i1 false)
  ret void
}
define void @whence_copy(ptr %arguments, i64 %begin, i64 %end) {
  %place = load ptr, ptr %arguments
  %source.at = getelementptr i64, ptr %arguments, i64 1
  %source = load ptr, ptr %source.at
  %size.at = getelementptr i64, ptr %arguments, i64 2
  %size = load i64, ptr %size.at
  %offset = mul i64 %begin, %size
  %items = sub i64 %end, %begin
  %bytes = mul i64 %items, %size
  %at = getelementptr i8, ptr %place, i64 %offset
  %from = getelementptr i8, ptr %source, i64 %offset
  call void @llvm.memmove.p0.p0.i64(ptr %at, ptr %from, i64 %bytes, i1 false)
  ret void
}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
"""


def text() -> str:
    """The walker, the call and the kernels that fill and copy."""
    return STRUCTURES + _WALKER.replace("<ticks>", str(TICKS)).replace("<most>", str(MOST_THREADS)) + _FILLS
