"""Where a page of documentation runs: a network, a home and the program on the PATH.

A page has a network of its own, where every port is free: loopback and one card with the address
192.168.1.20. Its commands are those of an ordinary user, student, in a new home; /etc/hosts names only
localhost, /etc/services nothing.
"""

import atexit
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support import BINARY, SOURCE, TOOLS, Namespace, clean_environment, run_tool
from terminal import Terminal

STUDENT = 20000  # a user to whom nothing belongs
HOSTS = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
CARD = "192.168.1.20"


# In namespaces of its own: the root of this machine without the marks of a container or a cgroup, so that
# `explain` says what it says on a student's machine, and with our own hosts and passwd. The names of ports
# are those that are compiled in, as on a machine without a list of services. Then the command.
_ROOM = """
room=$0/room home=$1
shift
mount -t tmpfs none "$room"
for entry in /* /.[!.]*; do
  case $entry in /run | /.dockerenv | "/.[!.]*") continue ;; esac
  if [ -L "$entry" ]; then cp -P "$entry" "$room/"
  elif [ -d "$entry" ]; then mkdir "$room$entry" && mount --rbind "$entry" "$room$entry"
  else touch "$room$entry" && mount --bind "$entry" "$room$entry"
  fi
done
for file in hosts passwd services; do
  test ! -e "$room/etc/$file" || mount --bind "$0/$file" "$room/etc/$file"
done
mount --bind "$room$home" "$room$home"  # file capabilities count there, also below a nosuid /tmp
mount -o remount,bind,suid "$room$home" 2> /dev/null || true
mkdir "$room/run" "$room/.old"
cd "$room"
pivot_root . .old
umount -l /.old; rmdir /.old
cd "$home"
exec "$@"
"""


@functools.lru_cache(maxsize=None)
def _binary():
    """A copy of the program: the student may have no way into the build folder."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="polyport-page-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    return shutil.copy(BINARY, folder / "polyport")


def _copy_worksheet_files(home):
    (home / "docs/labs").mkdir(parents=True)
    for file in (SOURCE / "docs/labs").glob("*.toml"):
        shutil.copy(file, home / "docs/labs")


class Lab:
    """A network, a home and the program on the PATH, for one page."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="polyport-page-"))
        self._root = os.geteuid() == 0
        self._student = None
        try:
            self._network = Namespace()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        try:
            self._furnish()
        except BaseException:
            self.close()
            raise

    def _furnish(self):
        for args in (["link", "add", "lab0", "type", "veth", "peer", "name", "lab1"],
                     ["address", "add", f"{CARD}/24", "dev", "lab0"],
                     ["link", "set", "lab0", "up"], ["link", "set", "lab1", "up"]):
            done = run_tool("ip", *args, namespace=self._network)
            if done.code != 0:
                raise AssertionError(f"ip {' '.join(args)}: {done}")
        if "::1" not in run_tool("ip", "-6", "address", namespace=self._network).out:
            raise unittest.SkipTest("this kernel has no IPv6, which the pages show")
        if not self._root:
            self._make_student()
        self.home = self.folder / "home"
        self.home.mkdir()
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "polyport").symlink_to(_binary() if self._root else BINARY)
        self._unpacked_tools(programs)
        _copy_worksheet_files(self.home)
        (self.folder / "room").mkdir()
        (self.folder / "hosts").write_text(HOSTS)
        (self.folder / "services").touch()
        users = pathlib.Path("/etc/passwd").read_text()
        (self.folder / "passwd").write_text(
            f"{users.rstrip()}\nstudent:x:{STUDENT}:{STUDENT}::{self.home}:/bin/bash\n")
        self.folder.chmod(0o755)
        if self._root:
            for path in [self.home, *self.home.rglob("*")]:
                os.chown(path, STUDENT, STUDENT)
        self.env = clean_environment(self.home, {
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8", "TZ": "UTC", "USER": "student", "BASH_ENV": None, "ENV": None})

    def _make_student(self):
        """Without root we are root in a user namespace only. The student is in another one inside it, which
        has no right to the network; all terminals are in the same, or they could not see each other."""
        self._student = subprocess.Popen(
            self._network.wrap(["unshare", "--user", f"--map-user={STUDENT}", f"--map-group={STUDENT}",
                                "sh", "-c", "echo up; exec cat"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self._student.stdout.readline() != b"up\n":
            raise AssertionError("the user namespace of the student did not come up")

    def _unpacked_tools(self, programs):
        """Tools that were unpacked, not installed, find their libraries through a wrapper."""
        root = TOOLS / "root"
        libraries = ":".join(str(path) for path in [*root.glob("usr/lib/*-linux-gnu"),
                                                    *root.glob("lib/*-linux-gnu"), root / "usr/lib"])
        for folder in ("usr/bin", "usr/sbin", "bin", "sbin"):
            for tool in (root / folder).glob("*"):
                if shutil.which(tool.name, path="/usr/bin:/bin:/usr/sbin:/sbin"):
                    continue
                script = programs / tool.name
                script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{tool}" "$@"\n')
                script.chmod(0o755)

    def terminal(self, name):
        become = []
        if name.startswith("root"):
            if not self._root:
                raise unittest.SkipTest("this page has commands of root's")
        elif self._root:
            become = ["setpriv", f"--reuid={STUDENT}", f"--regid={STUDENT}", "--clear-groups"]
        else:
            become = ["nsenter", f"--target={self._student.pid}", "--user", "--preserve-credentials"]
        room = ["unshare", "--mount", "--cgroup", "sh", "-e", "-c", _ROOM, str(self.folder), str(self.home)]
        return Terminal(lambda command: self._network.wrap([*room, *become, *command]), self.env)

    def write(self, name, text):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if self._root:
            os.chown(path, STUDENT, STUDENT)

    def close(self):
        if self._student is not None:
            self._student.stdin.close()  # ends its cat
            self._student.wait(10)
            self._student.stdout.close()
        self._network.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class DockerLab:
    """Where scripts/test-docker runs the blocks for Docker: beside its dockerd, and as root.

    POLYPORT_DOCKER_INSIDE  the command that goes into the network of that dockerd
    PATH                    begins with the folder of its client, and of the program from the image
    """

    def __init__(self):
        self._inside = os.environ["POLYPORT_DOCKER_INSIDE"].split()
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="polyport-page-"))
        self.env = clean_environment(self.home, {"BASH_ENV": None, "ENV": None, "TZ": "UTC"})
        _copy_worksheet_files(self.home)

    def terminal(self, name):
        return Terminal(lambda command: [*self._inside, *command], self.env, self.home)

    def write(self, name, text):
        (self.home / name).write_text(text)

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)
