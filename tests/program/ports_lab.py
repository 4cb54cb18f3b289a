"""A lab for `polyport ports`: a network namespace, and processes that hold sockets in it."""

import json
import re
import select
import subprocess
import sys
import time

from support import TIMEOUT, Namespace, ProgramTest, cli, run_tool

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
    """A process with sockets in a namespace, of another user where `uid` says so and we may be it.

    `process`: one that runs HOLDER already.
    """

    def __init__(self, test, lab=None, uid=None, process=None):
        if process is None:
            command = [sys.executable, "-B", "-c", HOLDER] + ([str(uid)] if uid is not None else [])
            process = subprocess.Popen(lab.wrap(command), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        self.process = process
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


def ready_line(bound, name="web"):
    """What a polyport publishes that has one listener."""
    return json.dumps({"event": "ready", "pid": 1, "services": [
        {"name": name, "listeners": [{"transport": "tcp", "bound": bound}]}]}) + "\n"


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
