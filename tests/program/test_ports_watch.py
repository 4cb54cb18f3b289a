"""polyport ports on terminals and in pipes: --watch, widths, colour, and what cannot be understood."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from ports_lab import Holder, PortsTest, ready_line
from support import BINARY, TIMEOUT, clean_environment, cli


class Watcher:
    """A running `polyport ports --watch`, on a pipe or on a terminal of 80 columns."""

    def __init__(self, test, lab, *args, terminal=False, env=None):
        command = lab.wrap([str(BINARY), "ports", "--watch", "100ms", *args])
        self.buffer = b""
        if terminal:
            self.fd, slave = pty.openpty()
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 80, 0, 0))
        else:
            self.fd, slave = os.pipe()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE,
            env=clean_environment(test.folder(), {"TERM": "xterm", **(env or {})}))
        os.close(slave)
        test.addCleanup(self.end)

    def read_until(self, pattern):
        """Everything up to the first match of the pattern, which goes off the buffer."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            found = re.search(pattern, self.buffer)
            if found:
                taken, self.buffer = self.buffer[:found.end()], self.buffer[found.end():]
                return taken.decode()
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"never {pattern!r}: {self.buffer[-2000:]!r}")
            part = os.read(self.fd, 1 << 16)
            if not part:
                raise AssertionError(f"ended without {pattern!r}: {self.buffer[-2000:]!r}")
            self.buffer += part

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(TIMEOUT)
        words = self.process.stderr.read().decode()
        if words:
            raise AssertionError(words)
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(TIMEOUT)
        self.process.stderr.close()
        with contextlib.suppress(OSError):
            os.close(self.fd)


class Watching(PortsTest):
    def test_a_line_of_json_each_time_something_changes(self):
        lab = self.lab()
        holder = Holder(self, lab)
        watcher = Watcher(self, lab, "--json")
        self.assertEqual(json.loads(watcher.read_until(rb"\n"))["sockets"], [])
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        (row,) = json.loads(watcher.read_until(rb"\n"))["sockets"]
        self.assertEqual(row["port"], port)
        self.assertEqual(watcher.interrupt(), 0)
        self.assertEqual(watcher.buffer, b"")

    def test_tables_follow_each_other_in_a_pipe(self):
        lab = self.lab()
        holder = Holder(self, lab)
        watcher = Watcher(self, lab)
        first = watcher.read_until(rb"hindrance\n")
        self.assertRegex(first, r"^\d\d:\d\d:\d\d\nnothing listens\n")
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        second = watcher.read_until(rb"hindrance\n")
        self.assertRegex(second, rf"^\n\d\d:\d\d:\d\d\n +endpoint .*\n  tcp  127\.0\.0\.1:{port} ")
        self.assertNotIn("\x1b", second)
        self.assertEqual(watcher.interrupt(), 0)

    def test_a_terminal_shows_the_newest_within_its_lines(self):
        lab = self.lab()
        holder = Holder(self, lab)
        for number in range(20):
            holder.do("listen", name=str(number), host="127.0.0.1")
        watcher = Watcher(self, lab, terminal=True, env={"NO_COLOR": None})
        for _ in range(3):
            screen = watcher.read_until(rb"\x1b\[J\x1b\[\?7h").split("\x1b[H")[-1]
            lines = [re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", line) for line in screen.split("\r\n")]
            self.assertEqual(len(lines), 10, lines)
            self.assertIn("every 100 ms", lines[0])
            self.assertRegex(lines[-1], r"^\(\d+ more lines\)$")
            self.assertLessEqual(max(map(len, lines)), 80)
        self.assertEqual(watcher.interrupt(), 0)

    def test_it_ends_when_nobody_reads_any_more(self):
        lab = self.lab()
        watcher = Watcher(self, lab)
        watcher.read_until(rb"hindrance\n")
        os.close(watcher.fd)
        self.assertEqual(watcher.process.wait(TIMEOUT), 5)
        watcher.fd, other = os.pipe()  # for end()
        os.close(other)


class Terminals(PortsTest):
    def on_terminal(self, lab, columns, env=None):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            lab.wrap([str(BINARY), "ports"]), stdin=subprocess.DEVNULL, stdout=slave,
            stderr=slave, env=clean_environment(self.folder(), {"TERM": "xterm", **(env or {})}))
        os.close(slave)
        text = b""
        with contextlib.suppress(OSError):  # a terminal ends with EIO
            while select.select([master], [], [], TIMEOUT)[0]:
                part = os.read(master, 1 << 16)
                if not part:
                    break
                text += part
        self.assertEqual(process.wait(TIMEOUT), 0, text)
        os.close(master)
        return text.decode().replace("\r\n", "\n")

    def test_lines_fit_and_the_pipe_is_not_cut(self):
        lab = self.lab()
        holder = Holder(self, lab)
        address = "127.123.123.123"
        holder.do("listen", name="a", host=address, port=27017)
        holder.do("publish", text=ready_line(f"{address}:27017", name="s" * 60))
        full = self.ports(lab)
        self.assertIn(f"[{'s' * 60}]", full)
        for columns in (80, 60):
            text = self.on_terminal(lab, columns)
            row = next(line for line in text.splitlines() if line.startswith("  tcp"))
            self.assertIn("..", row)
            self.assertLessEqual(len(row), columns)

    def test_colour_is_for_terminals_without_NO_COLOR(self):
        lab = self.lab()
        Holder(self, lab).do("listen", name="a", host="127.0.0.1")
        self.assertIn("\x1b[", self.on_terminal(lab, 80, {"NO_COLOR": None}))
        self.assertNotIn("\x1b[", self.on_terminal(lab, 80))
        self.assertNotIn("\x1b[", self.ports(lab))


class Usage(PortsTest):
    def test_what_cannot_be_understood(self):
        for args, says in ((["--port", "0x50"], "hexadecimal"), (["--port", "70000"], "70000"),
                           (["--port", ""], "--port"), (["--watch", "1"], "no interval"),
                           (["--watch", "1ms"], "no interval from 100ms to 1h"),
                           (["--nosuch"], "--nosuch"), (["8080"], "8080")):
            with self.subTest(args=args):
                result = cli("ports", *args)
                self.assertEqual((result.code, result.out), (2, ""), result)
                self.assertIn(says, result.err)


if __name__ == "__main__":
    unittest.main()
