"""A network namespace in which `polyport run` meets ports that others have, and those others."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from support import (TIMEOUT, Namespace, ProgramTest, Result, clean_environment, cli,
                     sanitizer_report, tool, wait_until)

NOBODY = 65534
QUIET = "[health]\nenabled = false\n[admin]\nenabled = false\n"
WEB = '[services.web]\ntype = "echo"\nlisten = "127.0.0.1:18080"\n'


class Holder:
    """A python process in `lab` that runs `script`, says so, and waits for the end of its input."""

    def __init__(self, lab, script, user=None):
        program = ("import socket, sys\n"
                   "kept = []\n"
                   "def listen(*address, kind=socket.SOCK_STREAM, family=socket.AF_INET, **options):\n"
                   "    sock = socket.socket(family, kind); kept.append(sock)\n"
                   "    if options.get('share'):\n"
                   "        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
                   "    elif kind == socket.SOCK_STREAM:\n"
                   "        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                   "    sock.bind(address[0] if len(address) == 1 else address)\n"
                   "    if kind == socket.SOCK_STREAM: sock.listen()\n"
                   f"{script}\nprint('ready', flush=True)\nsys.stdin.read()\n")
        command = [sys.executable, "-c", program]
        if user is not None:
            command = as_user(user, command)
        self.process = subprocess.Popen(lab.wrap(command), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("the holder did not get its port")
        self.pid = self.process.pid  # nsenter and setpriv keep it

    def close(self):
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()


class ControlGroup:
    """A control group (cgroup2) of one process; gone at the end, when the process is."""

    def __init__(self, name):
        self.path = f"polyport-test-{os.getpid()}/{name}"
        self._do('mkdir -p "$1/$2"')

    def _do(self, script, *args):
        # In a mount of our own: that of the machine may be read-only, or elsewhere.
        with tempfile.TemporaryDirectory() as mount:
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-e", "-c",
                 'mount -t cgroup2 none "$1" || exit 77\n' + script, "sh", mount, self.path, *args],
                timeout=TIMEOUT)
        if done.returncode == 77:
            raise unittest.SkipTest("no control groups (cgroup2) can be made here")
        done.check_returncode()

    def take(self, pid):
        self._do('echo "$3" > "$1/$2/cgroup.procs"', str(pid))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._do('rmdir "$1/$2" "$1/${2%/*}"')


def as_user(uid, command):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *command]


def needs_root():
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise unittest.SkipTest("needs root and setpriv to be another user")


def words(text):
    """Without the line breaks of a text that was wrapped for a terminal."""
    return " ".join(text.split())


class LabTest(ProgramTest):
    def setUp(self):
        self.lab = Namespace()
        self.addCleanup(self.lab.close)

    def holder(self, script, user=None):
        holder = Holder(self.lab, script, user)
        self.addCleanup(holder.close)
        return holder

    def file(self, text):
        path = self.folder() / "my.toml"
        path.write_text(text)
        os.chmod(path.parent, 0o755)
        return path

    def serve(self, config, *args, lab=None):
        """A server in the lab whose admin pages are reached by a path."""
        config += "[health]\nenabled = false\n"
        if "[admin]" not in config:
            config += f'[admin]\nlisten = "unix:{self.folder() / "admin"}"\n'
        return self.start(*args, config=config, namespace=lab or self.lab, quiet_ports=False)

    def run_in(self, command):
        done = subprocess.run(self.lab.wrap(command), stdin=subprocess.DEVNULL, capture_output=True,
                              env=clean_environment("/"), timeout=TIMEOUT)
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        self.assertIsNone(sanitizer_report(result.err))
        return result

    def refused(self, config, *args, code=3, lab=None):
        """A start that fails: its explanations as JSON, and its words."""
        path = self.file(config + QUIET)
        lab = lab or self.lab
        spoken = cli("run", path, *args, namespace=lab)
        written = cli("run", path, "--json", *args, namespace=lab)
        self.assertEqual((spoken.code, written.code), (code, code), spoken)
        self.assertEqual(spoken.out, "")
        return json.loads(written.out)["explanations"], spoken.err

    def services(self, server):
        """GET /api/v1/services, by name."""
        connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(server.address("admin"))
        connection.request("GET", "/api/v1/services")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return {service["name"]: service for service in answer["services"]}

    def assert_logged(self, server, pattern):
        """The log has a thread of its own: a line may come after the ready line."""
        wait_until(lambda: re.search(pattern, server.stderr()), f"{pattern!r} in the log")

    def echo(self, address, text="hello"):
        """What comes back over TCP inside the lab."""
        return cli("connect", address, "--wait", "5s", input=text + "\n", namespace=self.lab).out

    def ip(self, *args):
        subprocess.run(self.lab.wrap([tool("ip"), *args]), check=True, timeout=TIMEOUT)
