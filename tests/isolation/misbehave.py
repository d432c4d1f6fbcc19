"""Tasks that do what a good task never does. What to do travels in ``Job.input``."""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import os
import signal
import struct
import subprocess
import sys
import threading
import time

from divere_cli.errors import CorruptInput
from divere_cli.isolation.runner import Progress
from divere_cli.isolation.wire import encode
from divere_cli.isolation.worker import hardening
from divere_cli.records.job import Job
from divere_cli.records.outcome import Stages, TaskResult

log = logging.getLogger("tests.misbehave")

wakes = threading.Event()  # of ``naps``, in this process

AT_IMPORT = frozenset(sys.modules)  # of the forkserver, where this is preloaded


def good(job: Job, progress: Progress) -> TaskResult:
    """Goes through all stages and says so."""
    for number, stage in enumerate(("read", "grade", "write"), 1):
        with progress.stage(stage):  # type: ignore[arg-type]
            progress.advance(number / 3)
    log.info("graded %s", job.name)
    return TaskResult(width=3, height=2, notes=(job.name,))


def raises(job: Job, progress: Progress) -> TaskResult:
    """Raises what ``input`` names."""
    with progress.stage("read"):
        if job.input == "scan error":
            raise CorruptInput("strip 3 ends after the end of the file", detail="offset 12")
        if job.input == "memory":
            raise MemoryError
        if job.input == "wrapped memory":
            try:
                raise MemoryError
            except MemoryError as problem:
                raise CorruptInput("cannot decode") from problem
        if job.input == "exit 3":
            sys.exit(3)
        if job.input == "exit 0":
            sys.exit()
        return [][1]


def wrong(job: Job, progress: Progress) -> object:
    """Gives back what is no result."""
    return {"width": 3}


def grades_a_while(job: Job, progress: Progress) -> TaskResult:
    """Spends 20 ms in one stage."""
    with progress.stage("grade"):
        deadline = time.perf_counter() + 0.02
        while time.perf_counter() < deadline:
            pass
    return TaskResult(stages=Stages(read=123.0))  # the runner's clock counts, not this


def steps(job: Job, progress: Progress) -> TaskResult:
    """Works for ``input`` seconds in small steps."""
    total = float(job.input)
    began = time.monotonic()
    with progress.stage("grade"):
        while (spent := time.monotonic() - began) < total:
            progress.advance(spent / total)
            time.sleep(0.002)
    return TaskResult(width=1)


def waits(job: Job, progress: Progress) -> TaskResult:
    """Works in small steps until there is a file of the name ``input``."""
    with progress.stage("grade"):
        while not os.path.exists(job.input):
            progress.advance(0.5)
            time.sleep(0.005)
    return TaskResult(width=1)


def waits_from_the_fifth(job: Job, progress: Progress) -> TaskResult:
    """Waits as above, except for the first four jobs."""
    return TaskResult(width=1) if job.id < 5 else waits(job, progress)


def ticks(job: Job, progress: Progress) -> TaskResult:
    """Logs ``input`` records, one each 5 ms."""
    for number in range(int(job.input)):
        log.info("tick %d", number)
        time.sleep(0.005)
    return TaskResult()


def about(job: Job, progress: Progress) -> TaskResult:
    """What a worker finds around it."""
    with open("/proc/self/oom_score_adj") as file:
        score = file.read().strip()
    return TaskResult(
        notes=(
            f"main={getattr(sys.modules['__main__'], 'MARK', 'none')}",
            f"group={os.getpgid(0) == os.getpid()}",
            f"interrupt={signal.getsignal(signal.SIGINT) == signal.SIG_IGN}",
            f"mask={sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))}",
            f"oom={score}",
            f"blas={os.environ.get('OPENBLAS_NUM_THREADS')}",
            f"folder={os.getcwd()}",
            f"imported={sorted(set(sys.modules) - AT_IMPORT)}",
        )
    )


def die(job: Job, progress: Progress) -> TaskResult:
    """Logs as many records as the second word of ``input`` says, dies as the first says."""
    how, _, count = job.input.partition(" ")
    with progress.stage("grade"):
        for number in range(int(count or 0)):
            log.info("record %d", number)
        _die(how)
    return TaskResult()


def crashes_later(job: Job, progress: Progress) -> TaskResult:
    """Waits for the file ``input``, then crashes."""
    waits(job, progress)
    with progress.stage("grade"):
        _die("segv")
    return TaskResult()


def _die(how: str) -> None:
    match how:
        case "segv":
            faulthandler._sigsegv()  # type: ignore[attr-defined]
        case "abort":
            os.abort()
        case "term" | "kill" | "xcpu":
            os.kill(os.getpid(), getattr(signal, f"SIG{how.upper()}"))
            time.sleep(60)
        case "mid-frame":
            _raw(struct.pack("!I", 1000) + b" " * 500)
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        case "after-result":
            hardening.end_descendants = lambda: os.kill(os.getpid(), signal.SIGKILL)
        case _:
            os._exit(int(how))


def hang(job: Job, progress: Progress) -> TaskResult:
    """Never ends, in the way that ``input`` names."""
    if job.input == "ignores term":  # before its stage is heard of
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with progress.stage("read"):
        match job.input:
            case "sleep" | "ignores term":
                sleep_for_ever()
            case "c":
                while True:
                    ctypes.PyDLL(None).sleep(600)  # holds the GIL; a signal interrupts it
            case "stopped":
                os.kill(os.getpid(), signal.SIGSTOP)
                sleep_for_ever()
            case "stopped mid-frame":
                _raw(struct.pack("!I", 1000) + b" ")
                os.kill(os.getpid(), signal.SIGSTOP)
                sleep_for_ever()
            case "spins":
                while True:
                    pass
            case "without guard":
                hardening.prctl(hardening.PR_SET_PDEATHSIG, 0)
                sleep_for_ever()
    return TaskResult()


def sleep_for_ever() -> None:
    """Sleeps; its name is looked for in the trace."""
    while True:
        time.sleep(600)


def nonsense(job: Job, progress: Progress) -> TaskResult:
    """Sends what is no message, then goes on as if nothing were."""
    result = {"t": "end", "end": "result", "result": {}, "seconds": 1, "cpu": 1}
    result |= {"peak": 1, "peak_source": "x"}
    match job.input:
        case "huge header":
            _raw(struct.pack("!I", 1 << 30) + b"x" * 100)
        case "bad json":
            _raw(struct.pack("!I", 4) + b"{{{{")
        case "no object":
            _raw(struct.pack("!I", 4) + b"1234")
        case "unknown kind":
            _raw(encode({"t": "attack"}))
        case "two results":
            _raw(encode(result) * 2)
        case "no peak":
            _raw(encode({"t": "end", "end": "result"}))
        case "wrong result":
            _raw(encode(result | {"result": {"width": "wide"}}))
            os._exit(0)
        case "infinity":
            _raw(_framed(b'{"t":"progress","stage":"read","done":Infinity}'))
        case "many digits":
            _raw(_framed(b'{"t":"progress","stage":"read","done":' + b"9" * 400 + b"}"))
        case "endless seconds":
            _raw(
                _framed(
                    b'{"t":"end","end":"result","result":{},"seconds":1e999,"cpu":1,'
                    b'"peak":1,"peak_source":"x"}'
                )
            )
        case "great peak":
            _raw(
                _framed(
                    b'{"t":"end","end":"result","result":{},"seconds":1,"cpu":1,'
                    b'"peak":' + b"9" * 400 + b',"peak_source":"x"}'
                )
            )
        case "wide result":
            _raw(encode(result | {"result": {"width": 10**300}}))
            os._exit(0)
        case "log of the year 1e300":
            _raw(
                _framed(
                    b'{"t":"log","name":"x","level":30,"text":"x","trace":null,'
                    b'"created":1e300,"thread":"t","module":"m","line":1}'
                )
            )
        case "second hello":
            _raw(encode({"t": "hello"}))
        case "closed pipe":
            os.close(_writer_descriptor())
            sleep_for_ever()
    time.sleep(60)
    return TaskResult()


def _framed(body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + body


def _writer_descriptor() -> int:
    return logging.getLogger().handlers[0]._writer._descriptor  # type: ignore[attr-defined]


def _raw(data: bytes) -> None:
    os.write(_writer_descriptor(), data)


def long_words(job: Job, progress: Progress) -> TaskResult:
    """Logs a record of 10 MB."""
    log.info("x" * 10_000_000)
    return TaskResult()


def large_result(job: Job, progress: Progress) -> TaskResult:
    """Gives a result that is longer than a message may be."""
    return TaskResult(notes=("x" * 2_000_000,))


def floods(job: Job, progress: Progress) -> TaskResult:
    """Logs or prints ``input`` times."""
    where, _, count = job.input.partition(" ")
    for number in range(int(count)):
        if where == "log":
            log.info("flood %d %s", number, "x" * 200)
        else:
            os.write(2, b"flood %d\n" % number)
    return TaskResult()


def prints(job: Job, progress: Progress) -> TaskResult:
    """Prints as C libraries do, and as Python does; the last line has no end."""
    os.write(1, b"from C on stdout\n")
    os.write(2, b"from C on stderr \xff\n")
    print("from Python")  # noqa: T201
    os.write(2, b"last words")
    return TaskResult()


def grandchild(job: Job, progress: Progress) -> TaskResult:
    """Starts ``sleep`` in the way that ``input`` names, then ends in the way it names."""
    how, then, seconds = job.input.split(" ")
    subprocess.Popen(
        ["sleep", seconds],
        start_new_session=how == "session",
        stdout=None if how == "pipe" else subprocess.DEVNULL,
        stderr=None if how == "pipe" else subprocess.DEVNULL,
    )
    log.info("started its own process")
    if then == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if then == "hang":
        sleep_for_ever()
    return TaskResult()


def eats(job: Job, progress: Progress) -> TaskResult:
    """Takes and touches as many MB as ``input`` says, by its way, then lets go."""
    how, _, megabytes = job.input.partition(" ")
    size = int(megabytes) << 20
    with progress.stage("read"):
        if how == "bytes":
            block = bytearray(size)
            assert len(block) == size
        elif how == "numpy":
            import numpy as np

            assert np.ones(size, np.uint8)[-1] == 1
        elif how == "codec":
            import imagecodecs
            import numpy as np

            small = imagecodecs.zlib_encode(np.zeros(size >> 2, np.uint8))
            kept = [imagecodecs.zlib_decode(small) for _ in range(4)]
            assert len(kept) == 4
        elif how == "slowly":
            kept = []
            for _ in range(int(megabytes)):
                kept.append(bytearray(b"x") * (1 << 20))
                progress.advance(len(kept) / int(megabytes))
                time.sleep(0.01)
        elif how == "shared":  # no RLIMIT_DATA counts it
            import mmap

            with mmap.mmap(-1, size) as block:
                for offset in range(0, size, 4096):
                    block[offset] = 1
                sleep_for_ever()
        elif how == "map":
            import mmap

            with mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
                for offset in range(0, size, 4096):
                    block[offset] = 1
                sleep_for_ever()
    return TaskResult()


def threads(job: Job, progress: Progress) -> TaskResult:
    """Logs from four threads at once."""

    def talk(name: str) -> None:
        for number in range(50):
            log.info("%s %d", name, number)

    talkers = [threading.Thread(target=talk, args=(f"t{n}",)) for n in range(4)]
    for talker in talkers:
        talker.start()
    for talker in talkers:
        talker.join()
    return TaskResult()


def allocates_in_cpp(job: Job, progress: Progress) -> TaskResult:
    """Has OpenColorIO allocate large tables."""
    from PyOpenColorIO import Lut3DTransform

    kept = [Lut3DTransform(gridSize=129) for _ in range(64)]
    assert len(kept) == 64
    return TaskResult()


def naps(job: Job, progress: Progress) -> TaskResult:
    """Takes no step until it is woken."""
    wakes.wait()
    return TaskResult()


def stubborn(job: Job, progress: Progress) -> TaskResult:
    """Catches what it can."""
    while True:
        try:
            progress.advance(0.5)
            time.sleep(0.002)
        except Exception:  # noqa: BLE001
            log.info("went on")
