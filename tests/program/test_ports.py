"""polyport ports, held against ss(8), in network namespaces where the tests made every socket."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from support import (BINARY, TIMEOUT, Namespace, ProgramTest, Result, clean_environment, cli, run_tool,
                     sanitizer_report)

NOBODY = 65534

# Runs inside the namespace: opens what it is told to (one JSON request a line), answers each with a
# line of facts, and ends with its input.
HOLDER = r"""
import fcntl, json, os, socket, sys

IPV6_V6ONLY, BIND_DEVICE = 26, 25
keep = {}

def make(request):
    family = socket.AF_INET6 if ":" in request["host"] else socket.AF_INET
    kind = socket.SOCK_DGRAM if request.get("udp") else socket.SOCK_STREAM
    made = socket.socket(family, kind)
    if not request.get("udp"):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "v6only" in request:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_V6ONLY, request["v6only"])
    if "device" in request:
        made.setsockopt(socket.SOL_SOCKET, BIND_DEVICE, request["device"].encode())
    return made

def listen(request):
    made = make(request)
    made.bind((request["host"], request.get("port", 0)))
    if not request.get("udp") and not request.get("bound_only"):
        made.listen(request.get("backlog", 5))
    keep[request["name"]] = made
    return {"port": made.getsockname()[1], "inode": os.fstat(made.fileno()).st_ino}

def connect(request):
    near = socket.create_connection((request["host"], request["port"]))
    keep[request["name"]] = near
    return {"port": near.getsockname()[1]}

def accept(request):
    keep[request["name"]] = keep[request["from"]].accept()[0]
    return {}

def close(request):
    # The first closes first and keeps the connection's end in TIME_WAIT.
    for name in request["names"]:
        keep.pop(name).close()
    return {}

def unix(request):
    made = socket.socket(socket.AF_UNIX)
    made.bind("\0" + request["path"][1:])
    made.listen(3)
    keep[request["path"]] = made
    return {}

def publish(request):
    fd = os.memfd_create(request.get("file", "polyport-services"), os.MFD_ALLOW_SEALING)
    os.write(fd, request["text"].encode())
    if request.get("sealed", True):
        fcntl.fcntl(fd, 1033, 0x8 | 0x4 | 0x2)  # F_ADD_SEALS: write, grow, shrink
    return {}

def name(request):
    with open("/proc/self/comm", "w") as file:
        file.write(request["to"])
    return {}

if len(sys.argv) > 1:
    os.setgroups([])
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(globals()[request["do"]](request)), flush=True)
"""


class Holder:
    """A process with sockets in a namespace; ours, or another user's where we may be one."""

    def __init__(self, test, lab, uid=None):
        command = [sys.executable, "-B", "-c", HOLDER] + ([str(uid)] if uid is not None else [])
        self.process = subprocess.Popen(lab.wrap(command), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        test.addCleanup(self.end)

    @property
    def pid(self):
        return self.process.pid  # nsenter becomes what it runs

    def do(self, what, **request):
        self.process.stdin.write(json.dumps({"do": what, **request}) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], TIMEOUT)[0]:
            raise AssertionError(f"no answer to {what} {request}")
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"{what} {request} failed")
        return json.loads(line)

    def end(self):
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(TIMEOUT)
        self.process.stdout.close()


def as_ss(socket):
    """The endpoint of a server as ss writes it: '*' is a dual-stack wildcard."""
    if socket["family"] == "ipv6" and socket["address"] == "::" and socket["v6only"] is False:
        return f"*:{socket['port']}"
    return socket["endpoint"]


def ss(lab, *options):
    """The lines of ss as lists of columns; mapped IPv4 addresses as IPv4."""
    result = run_tool("ss", "-H", "-n", *options, namespace=lab)
    if result.code != 0:
        raise AssertionError(result)
    return [re.sub(r"\[::ffff:([0-9.]+)\]", r"\1", line).split() for line in result.out.splitlines()]


def pids(columns):
    return frozenset(int(pid) for pid in re.findall(r"pid=(\d+)", " ".join(columns[5:])))


class PortsTest(ProgramTest):
    def lab(self, **settings):
        lab = Namespace(**settings)
        self.addCleanup(lab.close)
        return lab

    def ports(self, lab, *args):
        result = cli("ports", *args, namespace=lab)
        self.assertEqual((result.code, result.err), (0, ""), result)
        return result.out

    def sockets(self, lab, *args):
        return json.loads(self.ports(lab, "--json", *args))["sockets"]

    def one(self, lab, port, *args):
        found = [each for each in self.sockets(lab, *args) if each["port"] == port]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def agreed(self, lab, theirs, ours):
        """Asks ss, us, and ss again, until nothing changed meanwhile; asserts that we agree."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            before, own, after = theirs(lab), ours(lab), theirs(lab)
            if before == after:
                self.assertEqual(own, before)
                return before
            self.assertLess(time.monotonic(), deadline, "the sockets never stood still")


class AgainstSs(PortsTest):
    def open_all_kinds(self, lab):
        holder = Holder(self, lab)
        holder.do("listen", name="v4", host="127.0.0.1")
        holder.do("listen", name="any", host="0.0.0.0", backlog=77)
        holder.do("listen", name="v6", host="::1", v6only=1)
        holder.do("listen", name="dual", host="::", v6only=0)
        holder.do("listen", name="only", host="::", v6only=1)
        holder.do("listen", name="device", host="127.0.0.9", device="lo")
        holder.do("listen", name="udp", host="127.0.0.1", udp=True)
        holder.do("listen", name="udp6", host="::", v6only=0, udp=True)
        for number in range(3):  # accepted never: the queue fills
            holder.do("connect", name=f"waits{number}", host="127.0.0.1",
                      port=holder.do("listen", name=f"more{number}", host="127.0.0.1")["port"])
        return holder

    def test_the_same_servers_with_the_same_queues_and_processes(self):
        lab = self.lab()
        self.open_all_kinds(lab)
        if os.geteuid() == 0:
            Holder(self, lab, NOBODY).do("listen", name="theirs", host="127.0.0.1")

        def theirs(lab):
            rows = {(name, row[3], int(row[1]), int(row[2]), pids(row))
                    for name, option in (("tcp", "-tlp"), ("udp", "-ulp"))
                    for row in ss(lab, option)}
            return rows

        def ours(lab):
            rows = set()
            for each in self.sockets(lab):
                queues = (("accept_queue", "backlog") if each["state"] == "listening"
                          else ("receive_queue_bytes", "send_queue_bytes"))
                rows.add((each["transport"], as_ss(each), each[queues[0]], each[queues[1]],
                          frozenset(process["pid"] for process in each["processes"])))
            return rows

        rows = self.agreed(lab, theirs, ours)
        self.assertEqual(len(rows), 12 if os.geteuid() == 0 else 11)
        self.assertEqual(sum(row[2] == 1 for row in rows), 3)

    def test_the_same_rows_as_text(self):
        lab = self.lab()
        self.open_all_kinds(lab)

        def theirs(lab):
            return sorted([name, row[3]] for name, option in (("tcp", "-tl"), ("udp", "-ul"))
                          for row in ss(lab, option))

        def ours(lab):
            return sorted(line.split()[:2] for line in self.ports(lab).splitlines()
                          if re.match(r"  (tcp|udp) ", line))

        self.assertEqual(len(self.agreed(lab, theirs, ours)), 11)

    def test_the_same_connections_in_the_same_states(self):
        lab = self.lab()
        holder = Holder(self, lab)
        for host, settings in (("127.0.0.1", {}), ("::1", {"v6only": 1}), ("::", {"v6only": 0})):
            port = holder.do("listen", name=host, host=host, **settings)["port"]
            to = "127.0.0.1" if host == "::" else host
            for number in range(2):
                holder.do("connect", name=f"near{number}{host}", host=to, port=port)
                holder.do("accept", name=f"far{number}{host}", **{"from": host})
            holder.do("close", names=[f"far1{host}", f"near1{host}"])  # lingers at the server's end
            holder.do("connect", name=f"waits{host}", host=to, port=port)
        udp = holder.do("listen", name="udp", host="127.0.0.1", udp=True)["port"]

        def theirs(lab):
            return sorted((row[0], row[3], row[4]) for row in ss(lab, "-ta") if row[0] != "LISTEN")

        words = {"established": "ESTAB", "time_wait": "TIME-WAIT", "fin_wait_2": "FIN-WAIT-2",
                 "fin_wait_1": "FIN-WAIT-1", "close_wait": "CLOSE-WAIT", "last_ack": "LAST-ACK"}

        def ours(lab):
            return sorted((words[each["state"]], each["endpoint"], each["remote"])
                          for each in self.sockets(lab, "--all") if each["remote"])

        rows = self.agreed(lab, theirs, ours)
        states = [row[0] for row in rows]
        self.assertEqual(states.count("ESTAB"), 12)
        self.assertEqual(states.count("TIME-WAIT"), 3)
        text = self.ports(lab, "--all")
        for row in rows:
            self.assertRegex(text, rf"(?m)^  tcp +{re.escape(row[1])} +{re.escape(row[2])} +{row[0]}\b")
        self.assertIn("not accepted yet", text)
        self.assertIn(f"127.0.0.1:{udp}", text)


class Rows(PortsTest):
    def test_what_is_told_of_a_listener(self):
        lab = self.lab()
        holder = Holder(self, lab)
        socket = holder.do("listen", name="a", host="127.0.0.1", port=8080, backlog=9)
        row = self.one(lab, 8080)
        self.assertEqual(
            {key: row[key] for key in (
                "transport", "family", "state", "endpoint", "address", "remote", "interface", "range",
                "ephemeral", "iana_name", "backlog", "accept_queue", "receive_queue_bytes", "inode",
                "uid", "ours", "service", "hidden_because")},
            {"transport": "tcp", "family": "ipv4", "state": "listening", "endpoint": "127.0.0.1:8080",
             "address": "127.0.0.1", "remote": None, "interface": None, "range": "user",
             "ephemeral": False, "iana_name": "http-alt", "backlog": 9, "accept_queue": 0,
             "receive_queue_bytes": None, "inode": socket["inode"],
             "uid": 0 if lab._user else os.geteuid(), "ours": False, "service": None,
             "hidden_because": None})
        (process,) = row["processes"]
        self.assertEqual(process["pid"], holder.pid)
        self.assertTrue(process["command"].startswith(sys.executable), process)
        self.assertRegex(process["process_started"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_it_says_which_ports_these_are(self):
        lab = self.lab()
        Holder(self, lab).do("listen", name="a", host="127.0.0.1", port=40001)
        told = json.loads(self.ports(lab, "--json"))
        self.assertEqual((told["schema"], told["network_namespace"]), (1, "other"))
        self.assertEqual(told["ephemeral_range"], [32768, 60999])
        self.assertTrue(told["sockets"][0]["ephemeral"])
        text = self.ports(lab)
        self.assertRegex(text, r"127\.0\.0\.1:40001 +user\* ")
        self.assertIn("lends 32768-60999 to outgoing connections", text)
        self.assertIn("these are the ports of this network namespace", text)
        self.assertIn(json.loads(cli("ports", "--json").out)["network_namespace"],
                      ("first", "other"))

    def test_a_socket_that_is_bound_only(self):
        lab = self.lab()
        holder = Holder(self, lab)
        port = holder.do("listen", name="a", host="127.0.0.1", bound_only=True)["port"]
        told = json.loads(self.ports(lab, "--json"))
        text = self.ports(lab)
        if told["shows_bound_tcp"]:
            (row,) = told["sockets"]
            self.assertEqual((row["port"], row["state"]), (port, "bound"))
            self.assertEqual(row["processes"][0]["pid"], holder.pid)
            self.assertRegex(text, rf"127\.0\.0\.1:{port} .*bound only")
        else:
            self.assertEqual(told["sockets"], [])
            self.assertIn("does not tell of TCP sockets that are bound", text)

    def test_one_port(self):
        lab = self.lab()
        holder = Holder(self, lab)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        other = holder.do("listen", name="b", host="127.0.0.1")["port"]
        near = holder.do("connect", name="c", host="127.0.0.1", port=port)["port"]
        self.assertEqual([row["port"] for row in self.sockets(lab, "--port", port)], [port])
        ends = {(row["port"], row["remote_port"])
                for row in self.sockets(lab, "--all", "--port", port)}
        self.assertEqual(ends, {(port, None), (port, near), (near, port)})
        self.assertEqual({row["port"] for row in self.sockets(lab)}, {port, other})
        self.assertIn(f"127.0.0.1:{port}", self.ports(lab, "--port", port))
        self.assertIn("nothing listens on port 1 (--all", self.ports(lab, "--port", 1))
        self.assertIn("nothing uses port 1\n", self.ports(lab, "--all", "--port", 1))

    def test_unix_sockets_when_asked_for(self):
        lab = self.lab()
        holder = Holder(self, lab)
        holder.do("unix", path="@polyport test \x1b[2J")
        self.assertEqual(self.sockets(lab), [])
        (row,) = self.sockets(lab, "--unix")
        self.assertEqual((row["transport"], row["state"], row["backlog"], row["port"], row["range"]),
                         ("unix", "listening", 3, None, None))
        self.assertEqual(row["endpoint"], "@polyport test \\x1b[2J")
        self.assertEqual(row["processes"][0]["pid"], holder.pid)
        self.assertNotIn("\x1b", self.ports(lab, "--unix"))

    def test_a_name_from_another_process_cannot_reach_the_terminal(self):
        lab = self.lab()
        holder = Holder(self, lab)
        holder.do("listen", name="a", host="127.0.0.1")
        holder.do("name", to="\x1b[2Jx\ny")
        self.assertIn("\\x1b[2Jx\\ny", self.ports(lab))
        self.assertNotIn("\x1b", self.ports(lab) + self.ports(lab, "--json"))

    def test_nothing_is_an_answer(self):
        self.assertTrue(self.ports(self.lab()).startswith("nothing listens\n"))


def as_nobody(test, lab, *args):
    """Runs polyport as an ordinary user inside the namespace."""
    folder = test.folder()  # the build may lie where only we may look
    folder.chmod(0o755)
    program = shutil.copy(BINARY, folder)
    home = folder / "home"
    home.mkdir(mode=0o777)
    drop = ("import os, sys; os.setgroups([]); os.setgid({0}); os.setuid({0}); "
            "os.execv(sys.argv[1], sys.argv[1:])").format(NOBODY)
    done = subprocess.run(lab.wrap([sys.executable, "-c", drop, program, *map(str, args)]),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=clean_environment(home), cwd="/", timeout=TIMEOUT, text=True)
    report = sanitizer_report(done.stderr + done.stdout)
    if report:
        raise AssertionError(f"a sanitizer reports:\n{report}")
    return Result(done.returncode, done.stdout, done.stderr)


@unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
class OtherUsers(PortsTest):
    def test_root_sees_whose_it_is(self):
        lab = self.lab()
        holder = Holder(self, lab, NOBODY)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        row = self.one(lab, port)
        self.assertEqual((row["uid"], row["user"]), (NOBODY, "nobody"))
        self.assertEqual(row["processes"][0]["pid"], holder.pid)
        self.assertEqual(row["processes"][0]["user"], "nobody")

    def test_an_ordinary_user_sees_the_owner_and_not_the_process(self):
        lab = self.lab()
        port = Holder(self, lab).do("listen", name="a", host="127.0.0.1")["port"]
        result = as_nobody(self, lab, "ports", "--json")
        self.assertEqual(result.code, 0, result)
        (row,) = json.loads(result.out)["sockets"]
        self.assertEqual((row["port"], row["uid"], row["user"], row["processes"]),
                         (port, 0, "root", []))
        self.assertIn(row["hidden_because"], ("other_user", "pid_namespace"))
        text = as_nobody(self, lab, "ports").out
        if row["hidden_because"] == "other_user":
            self.assertRegex(text, rf"127\.0\.0\.1:{port} .* not visible +root ")
            self.assertIn("only the socket's user or root can see which process has it",
                          " ".join(text.split()))

    def test_an_ordinary_user_sees_its_own(self):
        lab = self.lab()
        # A process that has changed its user hides from that user; one that was started by it not.
        folder = self.folder()
        folder.chmod(0o755)
        script = folder / "holder.py"
        script.write_text(HOLDER)
        python = "/usr/bin/python3"
        if not os.access(python, os.X_OK):
            raise unittest.SkipTest("no /usr/bin/python3 that every user may run")
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        process = subprocess.Popen(lab.wrap([*drop, python, "-B", str(script)]), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
        holder = Holder.__new__(Holder)
        holder.process = process
        self.addCleanup(holder.end)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        (row,) = json.loads(as_nobody(self, lab, "ports", "--json").out)["sockets"]
        self.assertEqual((row["port"], row["hidden_because"]), (port, None))
        self.assertEqual(row["processes"][0]["pid"], process.pid)


class Published(PortsTest):
    def ready_line(self, bound, name="web"):
        return json.dumps({"event": "ready", "pid": 1, "services": [
            {"name": name, "listeners": [{"transport": "tcp", "bound": bound}]}]}) + "\n"

    def test_sockets_of_a_polyport_have_their_service(self):
        lab = self.lab()
        holder = Holder(self, lab)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        other = holder.do("listen", name="b", host="127.0.0.1")["port"]
        near = holder.do("connect", name="c", host="127.0.0.1", port=port)["port"]
        holder.do("accept", name="d", **{"from": "a"})
        holder.do("publish", text=self.ready_line(f"127.0.0.1:{port}"))
        rows = {(row["port"], row["remote_port"]): (row["ours"], row["service"])
                for row in self.sockets(lab, "--all")}
        self.assertEqual(rows, {(port, None): (True, "web"), (other, None): (True, None),
                                (port, near): (True, "web"), (near, port): (True, None)})
        self.assertRegex(self.ports(lab), rf"127\.0\.0\.1:{port} .* {holder.pid} \S+ \[web\]")

    def test_what_can_still_be_changed_is_not_believed(self):
        lab = self.lab()
        holder = Holder(self, lab)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        holder.do("publish", text=self.ready_line(f"127.0.0.1:{port}"), sealed=False)
        self.assertFalse(self.one(lab, port)["ours"])

    def test_a_hostile_text_does_no_harm(self):
        for text in ("not JSON", "[" * 100_000, self.ready_line("127.0.0.1:99999"),
                     "x" * (2 << 20)):
            lab = self.lab()
            holder = Holder(self, lab)
            port = holder.do("listen", name="a", host="127.0.0.1")["port"]
            holder.do("publish", text=text)
            self.assertFalse(self.one(lab, port)["ours"])
        holder.do("publish", text=self.ready_line(f"127.0.0.1:{port}", name="\x1b[2J"))
        self.assertIn("[\\x1b[2J]", self.ports(lab))


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
        first = watcher.read_until(rb"no hindrance\n|hindrance\n")
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
        self.assertEqual(watcher.process.wait(TIMEOUT), 0)
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
        holder.do("publish", text=Published.ready_line(self, f"{address}:27017", name="s" * 60))
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
