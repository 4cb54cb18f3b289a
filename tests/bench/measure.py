"""One case: every server started, then rounds in which each has its turn, A B A B ..."""

import dataclasses
import re
import signal
import subprocess
import sys
import time

import tools
from load import LoadFailed
from servers import NotHere

WARM_UP_MS = 60


@dataclasses.dataclass
class Sample:
    operations: int
    lost: int
    cpu_ns: int
    user_ticks: int
    system_ticks: int
    seconds: float
    p50_us: float
    p99_us: float
    p999_us: float


@dataclasses.dataclass
class Measured:
    """A server in a case."""
    name: str
    samples: list = dataclasses.field(default_factory=list)
    answer_bytes: int = 0
    memory_bytes: int = 0
    calls: dict = None      # system calls for each operation, by name
    absent: str = None      # why it did not run


def start_all(case, bench, names, say):
    """[(Measured, Running, client)] of those that run; the others are told and kept as absent."""
    started, absent = [], []
    for name, starter in case.starters.items():
        if names and name not in names:
            continue
        running = None
        try:
            running = starter(bench)
            running.name = name
            client = case.client(bench, running)
            started.append((Measured(name, answer_bytes=client.answer_bytes), running, client))
        except (NotHere, LoadFailed) as error:
            if running:
                running.stop()
            say(f"  {name}: {error}")
            absent.append(Measured(name, absent=str(error)))
            if name == "polyport":
                break  # nothing to compare the others with
    return started, absent


def one_sample(running, client, milliseconds):
    client.go(WARM_UP_MS)
    before = running.process.cpu()
    result = client.go(milliseconds)
    used = running.process.cpu() - before
    return Sample(result["operations"], result["lost"], used.ns, used.user, used.system,
                  result["seconds"], result["p50_us"], result["p99_us"], result["p999_us"])


def count_calls(running, client):
    """System calls an operation, from strace; None where it is not here or may not."""
    strace = tools.find("strace")
    if strace is None:
        return None
    pids = [word for pid in running.process.tree() for word in ("-p", str(pid))]
    with subprocess.Popen([strace, "-f", "-c", *pids], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tracer:
        time.sleep(0.3)  # strace tells nobody but its user that it is attached
        try:
            operations = client.go(300)["operations"]
        finally:
            tracer.send_signal(signal.SIGINT)
        table = tracer.stderr.read()
    calls = {}
    for line in table.splitlines():
        row = re.fullmatch(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*", line)
        if row and row[2] != "total" and operations:
            calls[row[2]] = int(row[1]) / operations
    return calls or None


def run_case(case, bench, rounds, milliseconds, names=(), calls=True, say=print):
    """[Measured], those that did not run at the end."""
    started, absent = start_all(case, bench, names, say)
    try:
        for number in range(rounds):
            # To and fro, so that what drifts hits the first as often as the last.
            for measured, running, client in (started if number % 2 == 0 else reversed(started)):
                if measured.absent:
                    continue
                try:
                    measured.samples.append(one_sample(running, client, milliseconds))
                except LoadFailed as error:
                    say(f"  {measured.name}: {error}")
                    measured.absent = str(error)
            if sys.stderr.isatty():
                print(f"\r  round {number + 1} of {rounds} ", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print("\r" + " " * 30 + "\r", end="", file=sys.stderr, flush=True)
        for measured, running, client in started:
            measured.memory_bytes = running.process.private_bytes()
            if calls and case.strace and not measured.absent:
                measured.calls = count_calls(running, client)
    finally:
        for _, running, client in started:
            client.stop()
            running.stop()
    return [measured for measured, _, _ in started if not measured.absent] + absent + [
        measured for measured, _, _ in started if measured.absent]
