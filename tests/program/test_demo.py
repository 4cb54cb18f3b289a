"""polyport demo: every demo, piped, as root and as an ordinary user, with IPv6 and without."""

# ctest: timeout=300

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
import unittest

from support import (BINARY, TIMEOUT, Namespace, ProgramTest, clean_environment, cli, run_tool,
                     wait_until)

DEMOS = ("conflict", "time-wait", "ephemeral", "localhost", "backlog", "notes")
# What each must say, its white space made single.
SENTENCES = {
    "conflict": (
        r"polyport run: exit code 3 \| 127\.0\.0\.1:\d+ is taken: held by polyport \(pid \d+\)",
        r"It names the process that holds the port, and it is the right one\.",
        r"echo: skipped, other: live on",
        r"It took the next port that was free and serves there\.",
        r"echo: retrying It has started without the port",
        r"It went live by itself",
        r"Refused: who holds the port has not agreed to share it",
        r"Two programs have one port, and the kernel deals the clients out\."),
    "time-wait": (
        r"127\.0\.0\.1:\d+ with 127\.0\.0\.1:\d+: TIME_WAIT, (60\.0|59\.\d) s left",
        r"bind on 127\.0\.0\.1:\d+ without SO_REUSEADDR: EADDRINUSE The port is taken, although no "
        r"process has it",
        r"bind on 127\.0\.0\.1:\d+ with SO_REUSEADDR: EADDRINUSE SO_REUSEADDR on the new socket alone",
        r"bind and listen on 127\.0\.0\.1:\d+ with SO_REUSEADDR: ok Both have set it",
        r"Whoever closes first pays with its port\.",
        r"3 connections of this demo stay in TIME_WAIT"),
    "ephemeral": (
        r"The ten are \d+-\d+",
        r"(12 connects: 10 made, 2 refused with EADDRNOTAVAIL.*){3}",
        r"(They are the very numbers that are in use already.*){2}",
        r"30 connections live at once on 10 source ports\."),
    "localhost": (
        r"127\.0\.0\.1 reached refused",
        r"127\.0\.0\.2 refused reached",
        r"0\.0\.0\.0 reached reached"),
    "backlog": (
        r"client 3: connect: ok client 4: no answer yet: SYN-SENT",
        r"in the queue of the listener: 3, accepted: 0",
        r"client 4, who was left outside: ok"),
    "notes": (
        r"32767 is the last number below the range",
        r"once more: EADDRNOTAVAIL",
        r"port 5432 is registered for postgresql",
        r"with SO_REUSEADDR: EADDRINUSE Taken, although nobody listens on it"),
}


def flat(text):
    return " ".join(text.split())


class Piped(ProgramTest):
    def check_demo(self, result, name):
        self.assertEqual((result.code, result.err), (0, ""), result)
        self.assertNotIn("\x1b", result.out)
        self.assertNotIn("answered otherwise", result.out)
        for sentence in SENTENCES[name]:
            self.assertRegex(flat(result.out), sentence)
        for line in result.out.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_each_shows_what_it_claims_and_leaves_nothing(self):
        for name in DEMOS:
            with self.subTest(name), Namespace() as lab:
                self.check_demo(cli("demo", name, namespace=lab), name)
                left = run_tool("ss", "-Htuanp", namespace=lab).out
                others = [line for line in left.splitlines() if "TIME-WAIT" not in line]
                self.assertEqual(others, [])
                if name != "time-wait":  # the one that is about what stays
                    self.assertEqual(left, "")

    def test_an_ordinary_user_sees_the_same(self):
        for name in DEMOS:
            with self.subTest(name):
                self.check_demo(cli("demo", name, ordinary_user=True), name)

    def test_without_ipv6(self):
        for name in DEMOS:
            with self.subTest(name), Namespace(ipv6=False) as lab:
                result = cli("demo", name, namespace=lab)
                self.check_demo(result, name)
                if name == "localhost":
                    self.assertIn("IPv6 is off on this machine: [::1] and [::] are left out.",
                                  result.out)
                    self.assertNotIn("two doors", result.out)

    def test_localhost_with_a_network(self):
        with Namespace() as lab:
            run_tool("ip", "address", "add", "10.1.2.3/24", "dev", "lo", namespace=lab)
            result = cli("demo", "localhost", namespace=lab)
        self.check_demo(result, "localhost")
        self.assertRegex(result.out, r"(?m)^  listens on .* 10\.1\.2\.3$")
        self.assertRegex(result.out, r"(?m)^  127\.0\.0\.1 .* refused$")
        self.assertRegex(result.out, r"(?m)^  0\.0\.0\.0 .* reached$")
        self.assertIn("10.1.2.3 is the address under which other machines know this one.", result.out)

    def test_two_at_once_do_not_disturb_each_other(self):
        for name in ("ephemeral", "time-wait"):
            with Namespace() as lab:
                both = [subprocess.Popen(lab.wrap([str(BINARY), "demo", name]),
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True) for _ in range(2)]
                for process in both:
                    out, err = process.communicate(timeout=TIMEOUT)
                    self.assertEqual((process.returncode, err), (0, ""), out)


class Processes(ProgramTest):
    """What a demo started ends with it, however it ends."""

    def setUp(self):
        self.mark = f"DEMO_TEST={os.getpid()}-{id(self)}-{time.monotonic_ns()}"

    def marked(self):
        """The processes that come from the demo under test."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.mark.encode() in (path / "environ").read_bytes().split(b"\0"):
                    if not (path / "stat").read_text().rpartition(")")[2].startswith(" Z"):
                        found.append(int(path.name))
        return found

    def on_terminal(self, name):
        """The demo on a terminal, where it pauses; as a process, its terminal and what it has said."""
        master, terminal = pty.openpty()
        self.addCleanup(os.close, master)
        key, _, value = self.mark.partition("=")

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([str(BINARY), "demo", name], stdin=terminal, stdout=terminal,
                                   stderr=terminal, env=clean_environment("/", {key: value}),
                                   preexec_fn=take_terminal)
        os.close(terminal)
        self.addCleanup(process.wait, TIMEOUT)
        said = []

        def has_said(words):
            while select.select([master], [], [], 0.01)[0]:
                try:
                    said.append(os.read(master, 1 << 16))
                except OSError:
                    break
            has_said.text = b"".join(said).decode(errors="replace")
            return words in flat(has_said.text)

        return process, master, has_said

    def wait_until_it_holds(self, has_said):
        try:
            wait_until(lambda: has_said("echo: retrying"), "the demo to wait with a polyport")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{has_said('') and has_said.text}") from None
        # The demo, who holds the port, who keeps the polyport, the polyport.
        self.assertEqual(len(self.marked()), 4)

    def test_ctrl_c_takes_all_along(self):
        process, master, has_said = self.on_terminal("conflict")
        self.wait_until_it_holds(has_said)
        os.write(master, b"\x03")
        wait_until(lambda: has_said("\0") or process.poll() is not None, "its end")
        self.assertEqual(process.returncode, -signal.SIGINT)
        wait_until(lambda: not self.marked(), "every process to end")

    def test_a_demo_that_is_killed_takes_all_along(self):
        process, _, has_said = self.on_terminal("conflict")
        self.wait_until_it_holds(has_said)
        process.kill()
        process.wait(TIMEOUT)
        wait_until(lambda: not self.marked(), "every process to end")

    def test_none_is_left_in_the_end(self):
        key, _, value = self.mark.partition("=")
        # What steers another polyport from outside does not steer these.
        env = {key: value, "POLYPORT_SERVICES__ECHO__LISTEN": "127.0.0.1:1",
               "NOTIFY_SOCKET": "/nonexistent"}
        for name in ("conflict", "notes"):
            result = cli("demo", name, env=env)
            self.assertEqual(result.code, 0, result)
            self.assertEqual(self.marked(), [])


class Notes(ProgramTest):
    def test_each_claim_has_a_verdict(self):
        text = cli("demo", "notes").out
        numbers = [int(number) for number in re.findall(r'(?m)^(\d+)\. "', text)]
        self.assertEqual(numbers, list(range(1, 21)))
        self.assertEqual(len(re.findall(r"(?m)^  verdict  ", text)), 20)
        self.assertNotIn("verdict  open", text)

    def test_the_numbers_are_those_of_this_machine(self):
        text = cli("demo", "notes", "1").out
        ends = re.findall(r"server's end (\S+), client's end (\S+)", text)
        self.assertEqual(len(ends), 3)
        self.assertEqual(len({server for server, _ in ends}), 1)
        self.assertEqual(len({client for _, client in ends}), 3)

    def test_the_lent_range_is_read(self):
        with Namespace() as lab:
            range_ = "/proc/sys/net/ipv4/ip_local_port_range"
            subprocess.run(lab.wrap(["sh", "-c", f"echo 50000 50999 > {range_}"]), check=True)
            text = flat(cli("demo", "notes", "4", namespace=lab).out)
            self.assertIn("ip_local_port_range: 50000-50999", text)
            self.assertIn("verdict true on this machine", text)
            self.assertIn("verdict true on this machine",
                          flat(cli("demo", "notes", "14", namespace=lab).out))
            self.assertEqual(cli("demo", "ephemeral", namespace=lab).code, 0)

    def test_the_border_of_privilege_is_read(self):
        with Namespace() as lab:
            start = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
            subprocess.run(lab.wrap(["sh", "-c", f"echo 0 > {start}"]), check=True)
            for number in ("9", "12"):
                result = cli("demo", "notes", number, namespace=lab)
                self.assertEqual(result.code, 0, result)
                self.assertRegex(flat(result.out), r"bind port 1023( as the user nobody)?: ok")

    def test_taken_ports_are_no_answer(self):
        script = ("import socket, subprocess, sys\n"
                  "ports = (1023, 5432, 60995)\n"
                  "held = [socket.create_server(('127.0.0.1', port)) for port in ports]\n"
                  "sys.exit(subprocess.run(sys.argv[1:]).returncode)\n")
        for name, said in (("notes", r"listen on 127\.0\.0\.2:5432: ok"),
                           ("ephemeral", r"The ten are (60980-60989|60989 60990 60991 60992)")):
            with Namespace() as lab:
                done = subprocess.run(
                    lab.wrap([sys.executable, "-c", script, str(BINARY), "demo", name]),
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(flat(done.stdout), said)


class CommandLine(ProgramTest):
    def test_without_a_name_they_are_listed(self):
        result = cli("demo")
        self.assertEqual((result.code, result.err), (0, ""), result)
        for name in DEMOS:
            self.assertRegex(result.out, rf"(?m)^  {name} +\S")

    def test_what_does_not_exist_is_named(self):
        for args, said in ((["backlok"], 'did you mean "backlog"?'),
                           (["\x1b[2J"], "polyport demo lists them"),
                           (["notes", "21"], "only 1 to 20"), (["notes", "0"], "only 1 to 20"),
                           (["backlog", "1"], "only notes takes a number"),
                           (["notes", "-1"], ""), (["notes", "x"], "")):
            result = cli("demo", *args)
            self.assertEqual((result.code, result.out), (2, ""), result)
            self.assertIn(said, result.err)
            self.assertNotIn("\x1b", result.err)

    def test_where_it_cannot_be_carried_out_it_says_why(self):
        with Namespace() as lab:
            run_tool("ip", "link", "set", "lo", "down", namespace=lab)
            for name in DEMOS:
                result = cli("demo", name, namespace=lab)
                self.assertEqual(result.code, 5, result)
                self.assertIn("This cannot be shown here.", result.out)


if __name__ == "__main__":
    unittest.main()
