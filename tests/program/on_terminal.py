"""polyport with a pseudo terminal of its own as its input and output, as a person has it."""

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time

from support import BINARY, TIMEOUT, clean_environment, wait_until


class OnTerminal:
    """`polyport ARGS` on a terminal; end() or close() it."""

    def __init__(self, folder, *args, env=None):
        self.master, self._terminal = pty.openpty()
        self.before = self.modes()
        self.text = ""
        environment = clean_environment(folder, {"TERM": "xterm", **(env or {})})
        self.process = subprocess.Popen([str(BINARY), *args], stdin=self._terminal,
                                        stdout=self._terminal, stderr=self._terminal,
                                        env=environment, preexec_fn=self._take_terminal)

    @staticmethod
    def _take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is a signal

    def modes(self):
        return termios.tcgetattr(self._terminal)[:4]

    def read(self, timeout=0.0):
        """What has come so far."""
        while select.select([self.master], [], [], timeout)[0]:
            self.text += os.read(self.master, 1 << 16).decode(errors="replace")
        return self.text

    def wait_for(self, pattern):
        return wait_until(lambda: re.search(pattern, self.read(0.01)), f"{pattern!r} on the terminal")

    def press(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """Waits for its end, reading: a terminal that nobody reads must not keep it. Its exit code."""
        deadline = time.monotonic() + TIMEOUT
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.05)
        code = self.process.wait(1)
        self.read()
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(TIMEOUT)
        os.close(self.master)
        os.close(self._terminal)
