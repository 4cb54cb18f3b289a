"""What the whole-program tests share: the real binary, started, asked and stopped.

    class Echo(ProgramTest):
        def test_it_echoes(self):
            server = self.start(config='[services.echo]\\nlisten = "127.0.0.1:0"\\n')
            with connect(server.address("echo")) as sock:
                sock.sendall(b"hello")
                self.assertEqual(read_exactly(sock, 5), b"hello")

Ports are 0 and learned from the ready line, never guessed. Every wait has a bound. A server must leave
with exit code 0 and no word of a sanitizer, or the test that started it fails. A test that cannot run
on this machine is skipped with a reason, and only when tests/may_skip.txt lists it (see run.py).
"""

import atexit
import contextlib
import functools
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("POLYPORT_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("POLYPORT_BUILD", SOURCE / "build/dev"))
BINARY = pathlib.Path(os.environ.get("POLYPORT", BUILD / "polyport"))
TOOLS = SOURCE / "build/tools"  # test tools unpacked by scripts/test, never installed

# A sanitizer build on a busy machine with two cores is slow; nothing waits longer than this.
TIMEOUT = 30.0
CLOCK = 0.002  # seconds: the server counts time in whole milliseconds

SANITIZER = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: |SUMMARY: \w+Sanitizer")


def sanitizer_report(text):
    """The text from the first sanitizer line on, or None."""
    found = SANITIZER.search(text)
    return text[found.start():][:8000] if found else None


def wait_until(condition, what, timeout=TIMEOUT):
    """Asks `condition` every 10 ms until it is true; for what sends no event. Returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.01)


def peak_bytes(pid):
    """The most memory that the process has had at one time."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


# --- the environment of a program under test ---------------------------------------------------


def clean_environment(home, extra=None):
    """Ours without what would steer the program: POLYPORT_*, colours, the state of this user."""
    env = {key: value for key, value in os.environ.items()
           if not key.startswith(("POLYPORT", "LISTEN_", "NOTIFY_SOCKET", "STATE_DIRECTORY"))}
    env.update(HOME=str(home), XDG_STATE_HOME=str(home), LC_ALL="C.UTF-8", NO_COLOR="1")
    env.update(extra or {})
    return {key: value for key, value in env.items() if value is not None}


# --- the server --------------------------------------------------------------------------------


class Server:
    """One running `polyport run`. Made by ProgramTest.start(), which also stops it.

    config     the text of a configuration file (written to a temporary file), or a Path to one
    args       further arguments of `run`: ad hoc services ("echo:0"), --set, --only ...
    env        further environment; a value of None removes the variable
    namespace  a Namespace to start it in
    wrapper    a command to start it under: ["strace", "-f", "-o", path]
    quiet_ports  health and admin on port 0 of 127.0.0.1, so that tests run side by side; False
               leaves them to the configuration
    """

    def __init__(self, config=None, args=(), env=None, namespace=None, wrapper=(), cwd=None,
                 quiet_ports=True):
        self.folder = tempfile.mkdtemp(prefix="polyport-test-")
        self.ready = None
        self._stopped = False
        command = [str(BINARY), "run"]
        if isinstance(config, pathlib.Path):
            command.append(str(config))
        elif config is not None:
            path = pathlib.Path(self.folder, "polyport.toml")
            path.write_text(config)
            command.append(str(path))
        command += [str(argument) for argument in args]
        if quiet_ports:
            command += ["--set", "health.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"]

        reading, writing = os.pipe()
        command += ["--ready-fd", str(writing)]
        if namespace is not None:
            command = namespace.wrap(command)
        command = list(wrapper) + command
        self._stdout = open(os.path.join(self.folder, "stdout"), "wb")
        self._stderr = open(os.path.join(self.folder, "stderr"), "wb")
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self._stdout, stderr=self._stderr,
                env=clean_environment(self.folder, env), cwd=cwd or self.folder,
                pass_fds=[writing])
        finally:
            os.close(writing)
        try:
            self.ready = self._read_ready_line(reading)
        except BaseException:
            self.kill()
            raise
        finally:
            os.close(reading)

    def _read_ready_line(self, fd):
        deadline = time.monotonic() + TIMEOUT
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise AssertionError(f"no ready line within {TIMEOUT} s\n{self._words()}")
            part = os.read(fd, 1 << 16)
            if not part:  # the other end is closed: the program has ended, or is about to
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(5)
                raise AssertionError(f"not started (exit code {self.process.returncode}), ready "
                                     f"line {line!r}\n{self._words()}")
            line += part
        ready = json.loads(line)
        if ready.get("event") != "ready":
            raise AssertionError(f"the ready line has another event: {ready}")
        return ready

    # What it listens on.

    @property
    def pid(self):
        """Of the server itself, not of a wrapper."""
        return self.ready["pid"] if self.ready else self.process.pid

    def service(self, name):
        for service in self.ready["services"]:
            if service["name"] == name:
                return service
        names = [service["name"] for service in self.ready["services"]]
        raise AssertionError(f"no service {name!r} is ready, only {names}")

    def listeners(self, service, transport=None, door=None):
        """All listeners of a service; without a transport every one but udp."""
        found = []
        for listener in self.service(service)["listeners"]:
            if transport is None and listener["transport"] == "udp":
                continue
            if transport is not None and listener["transport"] != transport:
                continue
            if door is not None and listener["door"] != door:
                continue
            found.append(listener)
        return found

    def address(self, service, transport=None, door=None, host=None):
        """(host, port) of the first such listener, or the path of a unix one."""
        for listener in self.listeners(service, transport, door):
            address = parse_bound(listener["bound"])
            if host is None or (isinstance(address, tuple) and address[0] == host):
                return address
        raise AssertionError(f"{service} has no listener with transport={transport} door={door} "
                             f"host={host}: {self.service(service)['listeners']}")

    def port(self, service, transport=None, door=None, host=None):
        address = self.address(service, transport, door, host)
        if not isinstance(address, tuple):
            raise AssertionError(f"{service} listens on {address}, which has no port")
        return address[1]

    def url(self, service, path="/"):
        host, port = self.address(service)
        return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"

    def get(self, service, path="/", method="GET", body=None, headers=None):
        """One request on a connection of its own: (status, headers, body)."""
        host, port = self.address(service)
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def get_json(self, service, path="/"):
        status, _, body = self.get(service, path)
        if status != 200:
            raise AssertionError(f"{path}: status {status}: {body[:500]!r}")
        return json.loads(body)

    # What it says.

    def stdout(self):
        return pathlib.Path(self.folder, "stdout").read_text(errors="replace")

    def stderr(self):
        return pathlib.Path(self.folder, "stderr").read_text(errors="replace")

    def _words(self):
        return f"--- stdout\n{self.stdout()[-4000:]}\n--- stderr\n{self.stderr()[-8000:]}"

    # How it ends.

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=TIMEOUT):
        """Waits for its end by itself and returns the exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            words = self._words()
            self.kill()
            raise AssertionError(f"still running after {timeout} s\n{words}") from None
        self._stopped = True
        self._close()
        report = sanitizer_report(self.stderr() + self.stdout())
        if report:
            raise AssertionError(f"a sanitizer reports:\n{report}")
        return code

    def stop(self, timeout=TIMEOUT):
        """SIGTERM, then exit code 0 and a silent sanitizer, or an AssertionError. Once."""
        if self._stopped:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.wait(timeout)
        if code != 0:
            raise AssertionError(f"exit code {code}\n{self._words()}")

    def kill(self):
        """SIGKILL without questions; for a test that has failed already, or means it."""
        for pid in {self.pid, self.process.pid}:
            if self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self._stopped = True
        self._close()

    def _close(self):
        self._stdout.close()
        self._stderr.close()

    def remove(self):
        """Its folder; what it said is gone with it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.stop()
            else:
                print(self._words(), file=sys.stderr)
                self.kill()
        finally:
            self.remove()


def parse_bound(bound):
    """"127.0.0.1:80" and "[::1]:80" as (host, port); anything else is a unix path."""
    found = re.fullmatch(r"\[([0-9a-fA-F:.%\w]+)\]:(\d+)|([0-9.]+):(\d+)", bound)
    if not found:
        return bound
    return (found[1] or found[3], int(found[2] or found[4]))


# --- the subcommands ---------------------------------------------------------------------------


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


NOBODY = 65534


@functools.lru_cache(maxsize=None)
def _binary_for_everybody():
    """A copy that an ordinary user can reach, whatever the modes of the folders above the build."""
    folder = tempfile.mkdtemp(prefix="polyport-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.chmod(folder, 0o755)
    return shutil.copy(BINARY, folder)


def cli(*args, input=None, env=None, cwd=None, timeout=TIMEOUT, namespace=None, binary=False,
        ordinary_user=False):
    """Runs `polyport ARGS` to its end: .code, .out, .err (text, or bytes with binary=True).

    ordinary_user  as nobody where the test is run by root (then not in a namespace)
    """
    become = {}
    program = str(BINARY)
    if ordinary_user and os.geteuid() == 0:
        become = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        program = _binary_for_everybody()
    command = [program] + [str(argument) for argument in args]
    if namespace is not None:
        command = namespace.wrap(command)
    if isinstance(input, str):
        input = input.encode()
    with tempfile.TemporaryDirectory(prefix="polyport-test-") as home:
        source = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        done = subprocess.run(command, **source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=clean_environment(home, env), cwd=cwd or home, timeout=timeout,
                              **become)
    report = sanitizer_report((done.stderr + done.stdout).decode(errors="replace"))
    if report:
        raise AssertionError(f"a sanitizer reports:\n{report}")
    out, err = done.stdout, done.stderr
    if not binary:
        out, err = out.decode(), err.decode()
    return Result(done.returncode, out, err)


# --- test cases --------------------------------------------------------------------------------


class ProgramTest(unittest.TestCase):
    """Starts servers and temporary folders that end with the test."""

    maxDiff = 4000

    def start(self, *args, **settings):
        """A Server (see there); positional arguments are those of `polyport run`."""
        server = Server(args=args + tuple(settings.pop("args", ())), **settings)
        self.addCleanup(self._end, server)
        return server

    def _end(self, server):
        # stop() is asked even when the test has failed: a sanitizer report is the better message.
        try:
            server.stop()
        finally:
            server.remove()

    def folder(self):
        path = tempfile.mkdtemp(prefix="polyport-test-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return pathlib.Path(path)


# --- sockets -----------------------------------------------------------------------------------


def connect(address, timeout=TIMEOUT):
    """A connected TCP socket for a (host, port), a unix one for a path."""
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout=timeout)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    sock.connect("\0" + address[1:] if address.startswith("@") else address)
    return sock


def udp(address, timeout=TIMEOUT):
    """A UDP socket that sends to and hears from `address` only."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(timeout)
    sock.connect(address)
    return sock


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise AssertionError(f"closed after {len(data)} of {count} bytes: {data[:200]!r}")
        data += part
    return data


def read_to_end(sock, limit=64 << 20):
    """Everything up to the peer's FIN; more than `limit` bytes is a failure."""
    parts, total = [], 0
    while True:
        part = sock.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        total += len(part)
        if total > limit:
            raise AssertionError(f"more than {limit} bytes and no end")


def read_line(sock, limit=64 << 10):
    """One line with its LF, byte by byte, so that nothing after it is taken."""
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            raise AssertionError(f"closed in the middle of a line: {line!r}")
        line += byte
        if len(line) > limit:
            raise AssertionError(f"more than {limit} bytes and no end of line")
    return line


# --- tools and namespaces ----------------------------------------------------------------------


def tool(name):
    """The path of a test tool: unpacked by scripts/test, or installed. Skips where it is neither."""
    unpacked = [str(TOOLS / "root" / folder) for folder in ("usr/bin", "usr/sbin", "bin", "sbin")]
    path = shutil.which(name, path=":".join([os.environ.get("PATH", ""), "/usr/sbin:/sbin", *unpacked]))
    if path is None:
        raise unittest.SkipTest(f"{name} is not on this machine (scripts/test unpacks it)")
    return path


def tool_environment(extra=None):
    """For a tool that was unpacked: its libraries lie beside it."""
    root = TOOLS / "root"
    folders = [str(path) for pattern in ("usr/lib/*-linux-gnu", "lib/*-linux-gnu", "usr/lib")
               for path in root.glob(pattern)]
    env = dict(os.environ, LD_LIBRARY_PATH=":".join(folders))
    env.update(extra or {})
    return env


def run_tool(name, *args, input=None, timeout=TIMEOUT, namespace=None):
    """Runs a tool to its end; a Result with text."""
    command = [tool(name)] + [str(argument) for argument in args]
    if namespace is not None:
        command = namespace.wrap(command)
    if isinstance(input, str):
        input = input.encode()
    source = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    done = subprocess.run(command, **source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=tool_environment(), timeout=timeout)
    return Result(done.returncode, done.stdout.decode(errors="replace"),
                  done.stderr.decode(errors="replace"))


@functools.lru_cache(maxsize=None)
def _unshare_command():
    """How this user makes a network namespace, or None."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return None
    for options in (["--net"], ["--map-root-user", "--net"]):
        trial = subprocess.run(["unshare", *options, "true"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)
        if trial.returncode == 0:
            return ["unshare", *options]
    return None


class Namespace:
    """A network namespace of our own, with loopback up; all its ports are free.

    with Namespace(ipv6=False) as lab:
        server = self.start(namespace=lab, ...)
        cli("connect", ..., namespace=lab)
    """

    def __init__(self, ipv6=True):
        unshare = _unshare_command()
        if unshare is None:
            raise unittest.SkipTest("this user cannot make a network namespace (unshare --net)")
        ip = tool("ip")
        script = (f"{ip} link set lo up || exit 1; "
                  + ("" if ipv6 else "for s in all default lo; do "
                     "echo 1 > /proc/sys/net/ipv6/conf/$s/disable_ipv6 || exit 1; done; ")
                  + "echo up; exec cat")
        if not ipv6:
            if not os.path.exists("/proc/sys/net/ipv6"):
                script = f"{ip} link set lo up || exit 1; echo up; exec cat"
            # /proc/sys must be that of the namespace and writable: a mount namespace makes it so.
            unshare = unshare + ["--mount"]
            script = "mount -t proc proc /proc 2>/dev/null; " + script
        self._holder = subprocess.Popen(
            [*unshare, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        ready = select.select([self._holder.stdout], [], [], TIMEOUT)[0]
        if not ready or self._holder.stdout.readline() != b"up\n":
            self.close()
            raise AssertionError("the network namespace did not come up")
        self._user = "--map-root-user" in unshare

    @property
    def holder_pid(self):
        """Of a process inside."""
        return self._holder.pid

    def wrap(self, command):
        """The command line that runs `command` inside; it keeps its process id."""
        user = ["--user", "--preserve-credentials"] if self._user else []
        return ["nsenter", f"--target={self._holder.pid}", *user, "--net", *command]

    def close(self):
        self._holder.stdin.close()  # ends its cat
        try:
            self._holder.wait(10)
        except subprocess.TimeoutExpired:
            self._holder.kill()
            self._holder.wait(10)
        self._holder.stdout.close()
        self._holder.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
