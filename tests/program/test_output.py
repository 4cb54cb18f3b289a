"""What a command answers is written whole, or its exit code says that it was not."""

import os
import subprocess
import unittest

from support import BINARY, TIMEOUT, ProgramTest, clean_environment, cli

COMMANDS = (["ports"], ["ports", "--json"], ["explain", "8080"], ["explain", "8080", "--json"],
            ["check"], ["check", "--json"], ["bind-matrix"], ["bind-matrix", "--json"],
            ["services"], ["services", "echo"], ["services", "--json"], ["--version"],
            ["--version", "--verbose"], ["--help"], ["run", "--help"], ["ports", "--watch"],
            ["ports", "--watch", "--json"], ["demo"], ["demo", "notes", "20"])


class Output(ProgramTest):
    def into(self, out, command):
        home = self.folder()
        return subprocess.run([str(BINARY), *command], stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, text=True, cwd=home,
                              env=clean_environment(home))

    def test_a_full_disk(self):
        for command in COMMANDS:
            with self.subTest(command=command), open("/dev/full", "wb") as full:
                done = self.into(full, command)
                self.assertEqual((done.returncode, done.stderr),
                                 (5, "polyport: cannot write to standard output: "
                                     "No space left on device\n"))

    def test_a_reader_that_has_seen_enough_hears_no_complaint(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                reading, writing = os.pipe()
                os.close(reading)
                done = self.into(writing, command)
                os.close(writing)
                self.assertEqual((done.returncode, done.stderr), (5, ""))

    def test_a_pipe_that_does_not_block_is_waited_for(self):
        whole = cli("services", "--json").out
        self.assertGreater(len(whole), 1 << 15)
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        home = self.folder()
        with subprocess.Popen([str(BINARY), "services", "--json"], stdin=subprocess.DEVNULL,
                              stdout=writing, cwd=home, env=clean_environment(home)) as process:
            os.close(writing)
            with open(reading, "rb") as pipe:
                self.assertEqual(pipe.read().decode(), whole)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
