"""The support the other program tests stand on: it must notice what goes wrong.

A stand-in for the program, a few lines of Python, does each wrong thing once.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import support

GOOD = """
import json, os, signal, sys, time
fd = int(sys.argv[sys.argv.index("--ready-fd") + 1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(CODE))
BEFORE
os.write(fd, (json.dumps({"event": "ready", "pid": os.getpid(), "services": [
    {"name": "echo", "type": "echo", "state": "live", "listeners": [
        {"id": "echo.main.0", "door": "main", "transport": "tcp", "bound": "127.0.0.1:7001"},
        {"id": "echo.main.1", "door": "main", "transport": "tcp", "bound": "[::1]:7002"},
        {"id": "echo.main.2", "door": "main", "transport": "udp", "bound": "127.0.0.1:7003"},
        {"id": "echo.main.3", "door": "main", "transport": "unix", "bound": "/run/echo"}]}]})
    + "\\n").encode())
AFTER
time.sleep(60)
"""


class Support(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="polyport-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(setattr, support, "BINARY", support.BINARY)

    def stand_in(self, before="", after="", code=0):
        text = GOOD.replace("BEFORE", before).replace("AFTER", after).replace("CODE", str(code))
        support.BINARY = self.folder / "program"
        support.BINARY.write_text(f"#!{sys.executable} -B\n{text}")
        support.BINARY.chmod(0o755)
        server = support.Server()
        self.addCleanup(server.remove)
        self.addCleanup(server.kill)
        return server

    def test_reads_the_endpoints(self):
        server = self.stand_in()
        self.assertEqual(server.port("echo"), 7001)
        self.assertEqual(server.address("echo", host="::1"), ("::1", 7002))
        self.assertEqual(server.port("echo", transport="udp"), 7003)
        self.assertEqual(server.address("echo", transport="unix"), "/run/echo")
        self.assertEqual(server.url("echo", "/x"), "http://127.0.0.1:7001/x")
        with self.assertRaisesRegex(AssertionError, "no service 'web'"):
            server.port("web")
        server.stop()

    def test_notices_another_exit_code(self):
        with self.assertRaisesRegex(AssertionError, "exit code 5"):
            self.stand_in(code=5).stop()

    def test_notices_a_sanitizer(self):
        for words in ("x.cc:1:2: runtime error: signed integer overflow",
                      "==1==ERROR: LeakSanitizer: detected memory leaks",
                      "WARNING: ThreadSanitizer: data race"):
            with self.assertRaisesRegex(AssertionError, "a sanitizer reports"):
                self.stand_in(before=f"print({words!r}, file=sys.stderr)").stop()

    def test_notices_a_program_that_does_not_start(self):
        with self.assertRaisesRegex(AssertionError, "exit code 3(.|\n)*port is taken"):
            self.stand_in(before="print('port is taken', file=sys.stderr); sys.exit(3)")

    def test_notices_a_program_that_does_not_stop(self):
        server = self.stand_in(after="signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                                     "os.write(1, b'deaf')")
        support.wait_until(lambda: "deaf" in server.stdout(), "the signal is ignored")
        with self.assertRaisesRegex(AssertionError, "still running after 1 s"):
            server.stop(timeout=1)
        self.assertIsNotNone(server.process.poll(), "it was left running")

    def test_hides_what_would_steer_the_program(self):
        os.environ["POLYPORT_SERVICES__ECHO__LISTEN"] = "localhost:1"
        self.addCleanup(os.environ.pop, "POLYPORT_SERVICES__ECHO__LISTEN")
        server = self.stand_in(before="print(sorted(k for k in os.environ if 'POLYPORT' in k), flush=True)")
        self.assertEqual(server.stdout(), "[]\n")
        server.stop()


class Skips(unittest.TestCase):
    """run.py: a skipped test is never silent."""

    TEXT = ("import unittest\nclass T(unittest.TestCase):\n"
            "    @unittest.skip('no such machine')\n    def test_it(self): pass\n")

    def run_file(self, text, **environment):
        with tempfile.TemporaryDirectory(prefix="polyport-test-") as folder:
            path = pathlib.Path(folder, "test_skipping.py")
            path.write_text(text)
            env = {key: value for key, value in os.environ.items() if key != "CI"}
            env.update(environment, POLYPORT_SKIP_DIR=folder)
            done = subprocess.run(
                [sys.executable, "-B", pathlib.Path(__file__).with_name("run.py"), path],
                stdout=subprocess.PIPE, text=True, env=env, timeout=60, check=False)
            note = pathlib.Path(folder, "test_skipping.txt")
            return done, note.read_text() if note.exists() else ""

    def test_is_printed_and_noted(self):
        done, note = self.run_file(self.TEXT)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("SKIPPED: test_skipping.T.test_it: no such machine", done.stdout)
        self.assertEqual(note, "test_skipping.T.test_it: no such machine\n")

    def test_fails_under_ci_when_it_is_not_listed(self):
        done, _ = self.run_file(self.TEXT, CI="true")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("tests/may_skip.txt does not list: test_skipping.T.test_it", done.stdout)

    def test_a_class_that_skips_itself_is_named(self):
        text = self.TEXT.replace("    @unittest.skip('no such machine')\n",
                                 "    @classmethod\n    def setUpClass(cls):\n"
                                 "        raise unittest.SkipTest('no lab')\n")
        done, note = self.run_file(text, CI="true")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(note, "test_skipping.T: no lab\n")

    def test_a_file_without_tests_fails(self):
        done, _ = self.run_file("import unittest\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("holds no tests", done.stdout)


if __name__ == "__main__":
    unittest.main()
