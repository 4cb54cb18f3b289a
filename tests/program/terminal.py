"""A terminal as a person has it, for a program: an interactive bash on a pseudo terminal."""

import codecs
import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from blocks import KEYS, PageError
from support import TIMEOUT, wait_until

# A page's network is not the machine's first, and the program says so below its answers. A student's is.
ASIDES = (
    "\nThese are the ports of this network namespace; those of the host are not visible from here.\n",
    "\n  note  these are the ports of this network namespace (a container has one); the\n        host's, and "
    "those of other containers, are not visible here and are no\n        hindrance\n")


class Terminal:
    """An interactive bash on a pseudo terminal that does not echo; knows when a command has ended."""

    _END = re.compile(r"\x01(\d+)\x02")

    def __init__(self, wrap, env, folder=None):
        self._master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.transcript = ""
        self.running = True
        env = dict(env, PS1="", PS2="", PROMPT_COMMAND=r"printf '\001%s\002' $?", TERM="dumb")
        env.pop("HISTFILE", None)
        shell = ["setsid", "--ctty", "bash", "--noprofile", "--norc", "--noediting", "-i"]
        try:
            self.process = subprocess.Popen(wrap(shell), stdin=slave, stdout=slave, stderr=slave,
                                            env=env, cwd=folder)
        finally:
            os.close(slave)
        self.wait_end()

    def send(self, text):
        os.write(self._master, text.encode())

    def press(self, key):
        os.write(self._master, KEYS[key])

    def command(self, text):
        self.running = True
        self.send(text + "\n")

    def read(self, wait):
        """Takes what was printed within `wait` seconds; False when there was nothing."""
        if not select.select([self._master], [], [], wait)[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # EIO: everybody at the other end is gone
            data = b""
        if not data:
            raise PageError(f"the shell has ended\n{self._text}")
        text = self._decoder.decode(data).replace("\r\n", "\n")
        self._text += text
        for aside in ASIDES:
            self._text = self._text.replace(aside, "")
        self.transcript += text
        return True

    def lines(self):
        """What was printed since the last take(); while the command runs only its finished lines."""
        *lines, rest = self._END.sub("", self._text).split("\n")
        return [*lines, rest] if rest and self.ended_or_idle() else lines

    def take(self, count):
        """Drops the first lines, which a page has shown."""
        parts = self._text.split("\n")
        self._text = "\n".join(parts[count:])

    def ended(self):
        """The exit code of the last command, or None while it runs."""
        found = self._END.search(self._text)
        return int(found[1]) if found else None

    def ended_or_idle(self):
        return not self.running or self.ended() is not None

    def wait_end(self, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while self.ended() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.read(left)
        code = self.ended()
        self._text = self._END.sub("", self._text)
        self.running = False
        return code

    def close(self):
        """Ends what runs, then the shell and whatever it has left behind; only its own session."""
        with contextlib.suppress(OSError, PageError):
            if self.running:
                if self.ended() is None:
                    self.press("^C")
                self.wait_end(10)
            self.send("exit\n")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._session():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
            with contextlib.suppress(AssertionError):
                wait_until(lambda: self.process.poll() is not None and not self._session(),
                           "the processes of a terminal end", 5)
                break
        os.close(self._master)

    def _session(self):
        """The processes of this terminal: those whose session is the shell's."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = _stat(entry)
                if fields and fields[0] != "Z" and int(fields[3]) == self.process.pid:
                    found.append(int(entry))
        return found


def _stat(pid):
    """The fields of /proc/PID/stat from the state on, or None where there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def alive(pid):
    fields = _stat(pid)
    return fields is not None and fields[0] != "Z"
