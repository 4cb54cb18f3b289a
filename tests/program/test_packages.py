"""scripts/install_packages: what a stranger's machine is asked before anything is installed.

The package tools are stand-ins that write down how they were called; nothing is installed here.
"""

import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class InstallPackages(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="polyport-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.calls = self.folder / "calls"
        self.stand_in("apt-get", f'echo "apt-get $*" >> {self.calls}')
        self.stand_in("apt-cache", "exit 0")
        self.stand_in("sudo", f'echo sudo >> {self.calls}; exec "$@"')
        self.stand_in("id", "echo 0")
        self.lacking("libuv1-dev", "libfmt-dev")

    def stand_in(self, name, script):
        file = self.folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def lacking(self, *names):
        """A machine where only these packages are missing; one was removed, its settings remain."""
        self.stand_in("dpkg-query", 'for name; do case $name in -*) ;; ' + "".join(
            f"{name}) echo config-files $name ;; " for name in names)
            + '*\'${\'*) ;; *) echo "installed $name" ;; esac; done')

    def command(self, *arguments):
        return [ROOT / "scripts/install_packages", *arguments]

    def environment(self):
        return dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}")

    def called(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def run_without_terminal(self, *arguments):
        return subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=self.environment(), timeout=30, check=False)

    def run_on_terminal(self, answer):
        """Types the answer once asked; (exit code, what the terminal showed)."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(self.command("build"), stdin=follower, stdout=follower,
                                   stderr=follower, env=self.environment(), start_new_session=True)
        os.close(follower)
        shown, deadline = b"", time.monotonic() + 30
        while time.monotonic() < deadline:
            if not select.select([leader], [], [], 1)[0]:
                continue
            try:
                part = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            if b"[Y/n]" in part and b"[Y/n]" not in shown:
                os.write(leader, answer)
            shown += part
        os.close(leader)
        return process.wait(30), shown.decode()

    LINE = "apt-get install -y --no-install-recommends libuv1-dev libfmt-dev"

    def test_says_nothing_when_nothing_is_missing(self):
        self.lacking()
        done = self.run_without_terminal("build")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(self.called(), [])

    def test_prints_the_exact_line_and_goes_on_without_a_terminal(self):
        done = self.run_without_terminal("build")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"  {self.LINE}\n", done.stdout)
        self.assertEqual(self.called(), [self.LINE])

    def test_enter_is_yes(self):
        code, shown = self.run_on_terminal(b"\n")
        self.assertEqual(code, 0, shown)
        self.assertIn(self.LINE, shown)
        self.assertEqual(self.called(), [self.LINE])

    def test_no_installs_nothing_and_fails(self):
        code, shown = self.run_on_terminal(b"n\n")
        self.assertEqual(code, 1, shown)
        self.assertEqual(self.called(), [])

    def test_another_user_than_root_uses_sudo_and_sees_it_in_the_line(self):
        self.stand_in("id", "echo 1000")
        done = self.run_without_terminal("build")
        self.assertIn(f"  sudo {self.LINE}\n", done.stdout)
        self.assertEqual(self.called(), ["sudo", self.LINE])

    def test_a_machine_without_lists_of_packages_gets_them_first(self):
        self.stand_in("apt-cache", "exit 100")
        done = self.run_without_terminal("build")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.called(), ["apt-get update -q", self.LINE])

    def test_a_package_that_cannot_be_installed_fails(self):
        self.stand_in("apt-get", f'echo "apt-get $*" >> {self.calls}; [ "$1" = update ]')
        done = self.run_without_terminal("build")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.called(), [self.LINE, "apt-get update -q", self.LINE])


if __name__ == "__main__":
    unittest.main()
