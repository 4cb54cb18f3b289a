"""Processes of the bench: pinned to a core, watched through /proc, ended by their own ids."""

import contextlib
import dataclasses
import os
import pathlib
import resource
import signal
import subprocess

TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Cpu:
    """What a process and its children have used: nanoseconds on a processor, ticks in each mode."""
    ns: int
    user: int
    system: int

    def __sub__(self, other):
        return Cpu(self.ns - other.ns, self.user - other.user, self.system - other.system)


def cores():
    """(of the server, of the client), the same one where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[-1]


def allow_many_descriptors():
    """How many one process may have; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _read(path):
    try:
        return pathlib.Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def nanoseconds(pid):
    """On a processor, all threads together."""
    return sum(int((_read(task) or "0").split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


class Process:
    """A program on one core, in a process group of its own."""

    def __init__(self, command, core, folder, env=None, name=None, stdin=subprocess.DEVNULL):
        self.command = [str(word) for word in command]
        self.log_path = pathlib.Path(folder) / f"{name or pathlib.Path(self.command[0]).name}.log"

        def prepare():
            # A group and no session: each session would have a share of the processor by itself
            # (autogroup), and nobody could give way to one of another.
            os.setpgid(0, 0)
            os.sched_setaffinity(0, {core})

        with open(self.log_path, "wb") as log:
            self.popen = subprocess.Popen(
                self.command, stdin=stdin, stdout=subprocess.PIPE, stderr=log, env=env, cwd=folder,
                preexec_fn=prepare)

    @property
    def pid(self):
        return self.popen.pid

    def give_way(self):
        """From now on it runs while nobody else wants its core."""
        os.sched_setscheduler(self.pid, os.SCHED_IDLE, os.sched_param(0))

    def words(self):
        return self.log_path.read_text(errors="replace")[-1500:]

    def tree(self):
        """Its id and those of all that came from it and live."""
        found, unseen = [], [self.pid]
        while unseen:
            pid = unseen.pop()
            found.append(pid)
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                unseen += [int(word) for word in _read(children).split()]
        return found

    def cpu(self):
        ns = user = system = 0
        for pid in self.tree():
            fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if not fields:
                continue  # it has ended in this moment
            user += int(fields[11])
            system += int(fields[12])
            # Children that have ended and were waited for: only ticks are left of them.
            ns += (int(fields[13]) + int(fields[14])) * 1_000_000_000 // TICK
            ns += nanoseconds(pid)
        return Cpu(ns, user, system)

    def private_bytes(self):
        """Memory that is its own (Private_Dirty), children and all."""
        total = 0
        for pid in self.tree():
            for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
                if line.startswith("Private_Dirty:"):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        """SIGTERM to its group, and SIGKILL to what is left of it after five seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(5)
                break
        # Children of a server that went first.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()
