"""One run of one emulator: starts it, takes the time of each line tribench prints, and always ends it."""

import os
import re
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

LINE = re.compile(rb"BENCH (?:(?P<event>boot|done)|(?P<name>\w+) "
                  rb"(?:(?P<start>start)|end checksum=(?P<checksum>[0-9a-f]{16})|failed (?P<failure>.*)))\s*$")
PANIC = b"Kernel panic"
POWER_OFF_SECONDS = 20
REMEMBERED_LINES = 15


@dataclass
class Timing:
    wall: float
    cpu: float | None  # the emulator's own processor time, all threads; None where the host can't tell
    checksum: str | None = None


@dataclass
class Result:
    boot: Timing | None = None
    memory: float | None = None  # MiB of the host's that the emulator had taken by then; None where the host can't tell
    benchmarks: dict = field(default_factory=dict)  # name -> Timing
    error: str | None = None


class Clock:
    """Wall time, and the processor time of one process; the second is what a busy host does not disturb."""

    def __init__(self, pid):
        # Linux's clock identifier of a process: the complement of its number, and 2 for "scheduler time".
        self.process_clock = (~pid << 3) | 2
        self.start = time.monotonic()

    def now(self):
        try:
            cpu = time.clock_gettime(self.process_clock)
        except OSError:
            cpu = None
        return Timing(time.monotonic() - self.start, cpu)


def memory_peak(pid):
    """The most memory the process has had so far, in MiB: what its guest has touched, and its own."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return int(re.search(r"VmHWM:\s*(\d+) kB", status.read())[1]) / 1024
    except (OSError, TypeError):
        return None


def interval(begin, end, checksum=None):
    cpu = None if begin.cpu is None or end.cpu is None else end.cpu - begin.cpu
    return Timing(end.wall - begin.wall, cpu, checksum)


class Failure(Exception):
    pass


class Session:
    def __init__(self, process, silence, total):
        self.process = process
        self.clock = Clock(process.pid)
        self.silence = silence
        self.total = total
        self.started = None  # the running benchmark's name and start
        self.result = Result()
        self.last_lines = []

    def lines(self):
        """Yields (line, time it came) until the emulator ends; fails when it is silent or at work for too long."""
        pending = b""
        quiet_since = self.clock.now().wall
        while True:
            limit = min(quiet_since + self.silence, self.total)
            remaining = limit - self.clock.now().wall
            if remaining <= 0:
                raise Failure("ran for too long" if limit == self.total else f"silent for {self.silence:.0f} s")
            if not select.select([self.process.stdout], [], [], remaining)[0]:
                continue
            chunk = os.read(self.process.stdout.fileno(), 65536)
            came = self.clock.now()
            if not chunk:
                return
            *complete, pending = (pending + chunk).split(b"\n")
            pending = pending[-4096:]
            for line in complete:
                quiet_since = came.wall
                self.last_lines = [*self.last_lines, line][-REMEMBERED_LINES:]
                yield line, came

    def handle(self, line, came):
        """Takes one line in; returns whether it was the last."""
        if PANIC in line:
            raise Failure("the guest's kernel panicked")
        match = LINE.search(line)
        if not match:
            return False
        name = (match["name"] or b"").decode()
        if match["event"] == b"boot":
            self.result.boot = came
            self.result.memory = memory_peak(self.process.pid)
        elif match["start"]:
            self.started = (name, came)
        elif match["checksum"]:
            if not self.started or self.started[0] != name:
                raise Failure(f"{name} ended without having started")
            self.result.benchmarks[name] = interval(self.started[1], came, match["checksum"].decode())
            self.started = None
        elif match["failure"]:
            raise Failure(f"{name} failed: {match['failure'].decode(errors='replace')}")
        return match["event"] == b"done"

    def run(self):
        for line, came in self.lines():
            if self.handle(line, came):
                break
        else:
            raise Failure(f"ended before the benchmarks did, with status {self.process.wait()}")
        # What comes after the last line is drained so that a full pipe can't keep the emulator from ending.
        self.total = self.clock.now().wall + POWER_OFF_SECONDS
        for _ in self.lines():
            pass
        self.process.wait(timeout=POWER_OFF_SECONDS)


def end_process(process):
    """The emulator leads a session of its own: whatever it has started ends with it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    process.stdin.close()
    process.stdout.close()


def run(command, silence, total):
    """Runs the command; at most `silence` seconds between two lines, at most `total` seconds in all. Never raises for
    what the emulator or its guest does: the result then has an error, and what was measured before it."""
    with tempfile.TemporaryFile() as messages:
        try:
            # Standard input is a pipe that stays open: some emulators take its end for the user's leaving.
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages,
                                       start_new_session=True, bufsize=0)
        except OSError as error:
            return Result(error=f"{command[0]}: {error.strerror}")
        session = Session(process, silence, total)
        try:
            session.run()
        except (Failure, subprocess.TimeoutExpired) as error:
            session.result.error = describe(error, session, messages)
        finally:
            end_process(process)
        return session.result


def describe(error, session, messages):
    messages.seek(0)
    said = messages.read().decode(errors="replace").splitlines()
    heard = [line.decode(errors="replace").rstrip() for line in session.last_lines]
    during = f" (during {session.started[0]})" if session.started else ""
    text = "did not power off" if isinstance(error, subprocess.TimeoutExpired) else str(error)
    return "\n".join([text + during, *("  | " + line for line in heard + said[-REMEMBERED_LINES:])])
