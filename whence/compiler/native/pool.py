"""The pool of threads, as text in LLVM's language: a fork and join that can be taken back.

A launch is offered; a worker that happens to be awake joins it by one compare-and-swap of the *gate*; who has
come too late stays out. Items are claimed in pieces from counters, one per thread, so that each thread has
its own range from launch to launch (its caches are warm) and those who are done help out in the ranges of
others. The caller closes the gate and waits only for those that have joined: a worker that another process
has pushed off its core costs nothing.

The gate: bits 0-15 how many workers are inside, 16-30 how many threads may take part, 31 open, 32-63 a number
that grows with each launch. A worker that has nothing to do spins, then sleeps on a condition variable.
"""

from __future__ import annotations

#: How long idle workers spin before they sleep. Waking one costs 50-300 µs, so long pauses cost more than
#: they save; a step's stretches on one thread are mostly shorter than this.
SPIN_NANOSECONDS = 150_000

#: How many times the caller looks for the workers' end before it sleeps: about 30 µs. While it sleeps, the
#: system can move a worker that was pushed off its core to the caller's.
PATIENCE = 1000

MOST_THREADS = 128
POOL_BYTES = 512 + 64 * MOST_THREADS

_PAUSES = {
    "x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "aarch64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"),
}

_TYPES = """
; gate | kernel, arguments, count, ranges, piece | sleeping, workers, refused | owner | mutex | condition |
; ranges
%Pool = type { i64, [7 x i64], ptr, ptr, i64, i64, i64, [3 x i64], i64, i64, i64, [5 x i64], i64, [7 x i64],
               [16 x i64], [16 x i64], [0 x %Range] }
%Range = type { i64, i64, ptr, i64, [4 x i64] }  ; next, end, the pool, the number of its thread
"""

ALONE = """
define internal void @share(ptr %kernel, ptr %arguments, i64 %count, i64 %grain, i64 %threads) {
  call void %kernel(ptr %arguments, i64 0, i64 %count)
  ret void
}
define internal void @rouse() {
  ret void
}
define void @whence_use_pool(ptr %pool) {
  ret void
}
"""

_TEXT = """
@pool = internal global ptr null

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @clock_gettime(i32, ptr)
declare i32 @nanosleep(ptr, ptr)

define void @whence_use_pool(ptr %pool) {
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 14
  %condition = getelementptr %Pool, ptr %pool, i32 0, i32 15
  %1 = call i32 @pthread_mutex_init(ptr %mutex, ptr null)
  %2 = call i32 @pthread_cond_init(ptr %condition, ptr null)
  store ptr %pool, ptr @pool
  ret void
}

define internal i64 @now() {
  %time = alloca [2 x i64], align 16
  %1 = call i32 @clock_gettime(i32 <clock>, ptr %time)
  %seconds = load i64, ptr %time
  %rest.at = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.at
  %nanoseconds = mul i64 %seconds, 1000000000
  %sum = add i64 %nanoseconds, %rest
  ret i64 %sum
}

; Claim pieces, from the own range first, then from those of the others.
define internal void @work(ptr %pool, i64 %number) {
entry:
  %kernel.at = getelementptr %Pool, ptr %pool, i32 0, i32 2
  %kernel = load ptr, ptr %kernel.at
  %arguments.at = getelementptr %Pool, ptr %pool, i32 0, i32 3
  %arguments = load ptr, ptr %arguments.at
  %ranges.at = getelementptr %Pool, ptr %pool, i32 0, i32 5
  %ranges = load i64, ptr %ranges.at
  %piece.at = getelementptr %Pool, ptr %pool, i32 0, i32 6
  %piece = load i64, ptr %piece.at
  br label %next.range
next.range:
  %turn = phi i64 [ 0, %entry ], [ %turn.next, %range.done ]
  %sum = add i64 %number, %turn
  %over = icmp uge i64 %sum, %ranges
  %less = sub i64 %sum, %ranges
  %index = select i1 %over, i64 %less, i64 %sum
  %range = getelementptr %Pool, ptr %pool, i32 0, i32 16, i64 %index
  %end.at = getelementptr %Range, ptr %range, i32 0, i32 1
  %end = load i64, ptr %end.at
  br label %claim
claim:
  %begin = atomicrmw add ptr %range, i64 %piece monotonic
  %left = icmp slt i64 %begin, %end
  br i1 %left, label %claimed, label %range.done
claimed:
  %stop.full = add i64 %begin, %piece
  %beyond = icmp sgt i64 %stop.full, %end
  %stop = select i1 %beyond, i64 %end, i64 %stop.full
  call void %kernel(ptr %arguments, i64 %begin, i64 %stop)
  br label %claim
range.done:
  %turn.next = add i64 %turn, 1
  %more = icmp ult i64 %turn.next, %ranges
  br i1 %more, label %next.range, label %done
done:
  ret void
}

define internal ptr @worker(ptr %range) {
entry:
  %pool.at = getelementptr %Range, ptr %range, i32 0, i32 2
  %pool = load ptr, ptr %pool.at
  %number.at = getelementptr %Range, ptr %range, i32 0, i32 3
  %number = load i64, ptr %number.at
  %sleeping = getelementptr %Pool, ptr %pool, i32 0, i32 8
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 14
  %condition = getelementptr %Pool, ptr %pool, i32 0, i32 15
  br label %idle
idle:
  %seen = phi i64 [ 0, %entry ], [ %launch, %busy ], [ %seen, %awake ]
  %since = call i64 @now()
  br label %look
look:
  %spins = phi i64 [ 0, %idle ], [ %spins, %try ], [ %spins.next, %wait ], [ %spins.next, %clock ]
  %gate = load atomic i64, ptr %pool acquire, align 8
  %launch = lshr i64 %gate, 32
  %join = call i1 @open(i64 %gate, i64 %seen, i64 %number)
  br i1 %join, label %try, label %wait
try:
  %gate.joined = add i64 %gate, 1
  %pair = cmpxchg ptr %pool, i64 %gate, i64 %gate.joined acq_rel monotonic
  %joined = extractvalue { i64, i1 } %pair, 1
  br i1 %joined, label %busy, label %look
busy:
  call void @work(ptr %pool, i64 %number)
  %1 = atomicrmw sub ptr %pool, i64 1 release
  br label %idle
wait:
  <pause>
  %spins.next = add i64 %spins, 1
  %some = and i64 %spins.next, 63
  %ask = icmp eq i64 %some, 0
  br i1 %ask, label %clock, label %look
clock:
  %time = call i64 @now()
  %idled = sub i64 %time, %since
  %tired = icmp sgt i64 %idled, <spin>
  br i1 %tired, label %sleep, label %look
sleep:
  %2 = call i32 @pthread_mutex_lock(ptr %mutex)
  %3 = atomicrmw add ptr %sleeping, i64 1 seq_cst
  %gate.late = load atomic i64, ptr %pool seq_cst, align 8
  %late = call i1 @open(i64 %gate.late, i64 %seen, i64 %number)
  br i1 %late, label %awake, label %wait.long
wait.long:
  %4 = call i32 @pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %awake
awake:
  %5 = atomicrmw sub ptr %sleeping, i64 1 seq_cst
  %6 = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %idle
}

; Whether the gate lets a thread in: open, for a launch that the thread has not seen, with room for its
; number.
define internal i1 @open(i64 %gate, i64 %seen, i64 %number) {
  %launch = lshr i64 %gate, 32
  %new = icmp ne i64 %launch, %seen
  %shifted = shl i64 %gate, 32
  %open = icmp slt i64 %shifted, 0
  %high = lshr i64 %gate, 16
  %threads = and i64 %high, 32767
  %wanted = icmp ult i64 %number, %threads
  %1 = and i1 %new, %open
  %2 = and i1 %1, %wanted
  ret i1 %2
}

; Wake those that sleep.
define internal void @rouse() {
entry:
  %pool = load ptr, ptr @pool
  %sleeping.at = getelementptr %Pool, ptr %pool, i32 0, i32 8
  %sleeping = load atomic i64, ptr %sleeping.at seq_cst, align 8
  %none = icmp eq i64 %sleeping, 0
  br i1 %none, label %done, label %wake
wake:
  %mutex = getelementptr %Pool, ptr %pool, i32 0, i32 14
  %condition = getelementptr %Pool, ptr %pool, i32 0, i32 15
  %1 = call i32 @pthread_mutex_lock(ptr %mutex)
  %2 = call i32 @pthread_cond_broadcast(ptr %condition)
  %3 = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %done
done:
  ret void
}

; Let there be so many workers, all signals blocked in them; where the system refuses, do not ask again.
define internal void @hire(ptr %pool, i64 %wanted) {
entry:
  %all = alloca [128 x i8], align 16
  %old = alloca [128 x i8], align 16
  %thread = alloca ptr, align 8
  %workers.at = getelementptr %Pool, ptr %pool, i32 0, i32 9
  %refused.at = getelementptr %Pool, ptr %pool, i32 0, i32 10
  %1 = call i32 @sigfillset(ptr %all)
  %2 = call i32 @pthread_sigmask(i32 <setmask>, ptr %all, ptr %old)
  br label %next
next:
  %workers = load i64, ptr %workers.at
  %enough = icmp uge i64 %workers, %wanted
  br i1 %enough, label %done, label %hire
hire:
  %number = add i64 %workers, 1
  %range = getelementptr %Pool, ptr %pool, i32 0, i32 16, i64 %number
  %pool.at = getelementptr %Range, ptr %range, i32 0, i32 2
  store ptr %pool, ptr %pool.at
  %number.at = getelementptr %Range, ptr %range, i32 0, i32 3
  store i64 %number, ptr %number.at
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %range)
  %came = icmp eq i32 %failed, 0
  br i1 %came, label %hired, label %refuse
hired:
  %id = load ptr, ptr %thread
  %3 = call i32 @pthread_detach(ptr %id)
  store i64 %number, ptr %workers.at
  br label %next
refuse:
  store i64 1, ptr %refused.at
  br label %done
done:
  %4 = call i32 @pthread_sigmask(i32 <setmask>, ptr %old, ptr null)
  ret void
}

; Run a launch on the pool; alone if another thread has the pool, or there is too little for two.
define internal void @share(ptr %kernel, ptr %arguments, i64 %count, i64 %grain, i64 %asked) {
entry:
  %pool = load ptr, ptr @pool
  %shares = udiv i64 %count, %grain
  %threads = call i64 @llvm.umin.i64(i64 %shares, i64 %asked)
  %many = icmp ugt i64 %threads, 1
  br i1 %many, label %take, label %alone
alone:
  call void %kernel(ptr %arguments, i64 0, i64 %count)
  ret void
take:
  %owner = getelementptr %Pool, ptr %pool, i32 0, i32 12
  %pair = cmpxchg ptr %owner, i64 0, i64 1 acquire monotonic
  %taken = extractvalue { i64, i1 } %pair, 1
  br i1 %taken, label %count.staff, label %alone
count.staff:
  %workers.at = getelementptr %Pool, ptr %pool, i32 0, i32 9
  %refused.at = getelementptr %Pool, ptr %pool, i32 0, i32 10
  %workers = load i64, ptr %workers.at
  %wanted = sub i64 %threads, 1
  %few = icmp ult i64 %workers, %wanted
  %refused = load i64, ptr %refused.at
  %may = icmp eq i64 %refused, 0
  %lacking = and i1 %few, %may
  br i1 %lacking, label %hire, label %divide
hire:
  call void @hire(ptr %pool, i64 %wanted)
  br label %divide
divide:
  %hired = load i64, ptr %workers.at
  %hands = add i64 %hired, 1
  %ranges = call i64 @llvm.umin.i64(i64 %hands, i64 %threads)
  %pieces = shl i64 %ranges, 2  ; four to a thread: what is left to wait for at the end is a quarter at most
  %round = add i64 %count, %pieces
  %round.down = sub i64 %round, 1
  %even = udiv i64 %round.down, %pieces
  %piece = call i64 @llvm.umax.i64(i64 %even, i64 %grain)
  %at.2 = getelementptr %Pool, ptr %pool, i32 0, i32 2
  store ptr %kernel, ptr %at.2
  %at.3 = getelementptr %Pool, ptr %pool, i32 0, i32 3
  store ptr %arguments, ptr %at.3
  %at.4 = getelementptr %Pool, ptr %pool, i32 0, i32 4
  store i64 %count, ptr %at.4
  %at.5 = getelementptr %Pool, ptr %pool, i32 0, i32 5
  store i64 %ranges, ptr %at.5
  %at.6 = getelementptr %Pool, ptr %pool, i32 0, i32 6
  store i64 %piece, ptr %at.6
  br label %range
range:
  %index = phi i64 [ 0, %divide ], [ %index.next, %range ]
  %begin = phi i64 [ 0, %divide ], [ %end, %range ]
  %index.next = add i64 %index, 1
  %product = mul i64 %count, %index.next
  %end = udiv i64 %product, %ranges
  %range.at = getelementptr %Pool, ptr %pool, i32 0, i32 16, i64 %index
  store i64 %begin, ptr %range.at
  %end.at = getelementptr %Range, ptr %range.at, i32 0, i32 1
  store i64 %end, ptr %end.at
  %more = icmp ult i64 %index.next, %ranges
  br i1 %more, label %range, label %open
open:
  %gate.old = load i64, ptr %pool
  %launch.old = lshr i64 %gate.old, 32
  %launch = add i64 %launch.old, 1
  %gate.high = shl i64 %launch, 32
  %gate.threads = shl i64 %ranges, 16
  %gate.half = or i64 %gate.high, %gate.threads
  %gate.open = or i64 %gate.half, 2147483648
  store atomic i64 %gate.open, ptr %pool seq_cst, align 8
  call void @rouse()
  call void @work(ptr %pool, i64 0)
  %gate.shut = atomicrmw and ptr %pool, i64 -2147483649 acquire
  br label %wait
wait:
  %looks = phi i64 [ 0, %open ], [ %looks.next, %patient ], [ 0, %nap ]
  %gate = load atomic i64, ptr %pool acquire, align 8
  %inside = and i64 %gate, 65535
  %empty = icmp eq i64 %inside, 0
  br i1 %empty, label %done, label %busy
busy:
  %looks.next = add i64 %looks, 1
  %long = icmp ugt i64 %looks.next, <patience>
  br i1 %long, label %nap, label %patient
patient:
  <pause>
  br label %wait
nap:
  %1 = call i32 @nanosleep(ptr @nap.time, ptr null)
  br label %wait
done:
  store atomic i64 0, ptr %owner release, align 8
  ret void
}
@nap.time = internal constant [2 x i64] [ i64 0, i64 20000 ]
declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.umax.i64(i64, i64)
"""

_DIRECT = """
define void @whence_share(ptr %kernel, ptr %arguments, i64 %count, i64 %grain, i64 %threads) {
  call void @share(ptr %kernel, ptr %arguments, i64 %count, i64 %grain, i64 %threads)
  ret void
}
"""


def text(system: str, processor: str) -> str:
    """The pool for a system and a processor as :mod:`platform` names them; without pthreads, one thread."""
    if system not in ("Linux", "Darwin"):
        return ALONE + _DIRECT
    declaration, pause = _PAUSES.get("aarch64" if processor == "arm64" else processor, ("", ""))
    words = {
        "<pause>": pause,
        "<clock>": "1" if system == "Linux" else "6",  # CLOCK_MONOTONIC
        "<setmask>": "2" if system == "Linux" else "3",  # SIG_SETMASK
        "<spin>": str(SPIN_NANOSECONDS),
        "<patience>": str(PATIENCE),
    }
    body = _TYPES + declaration + _TEXT + _DIRECT
    for word, value in words.items():
        body = body.replace(word, value)
    return body
