"""`polyport check`: every mistake of a file at once, each at its place, and the exit code."""

import re
import unittest

from support import SOURCE, ProgramTest, cli

BAD = sorted((SOURCE / "config/bad").glob("*.toml"))


def expected(path):
    """What the file says about itself: "# expect: 3:1: error: …" lines."""
    text = path.read_bytes().decode(errors="replace")
    return [f"{path}:{line}" for line in re.findall(r"(?m)^# expect: (.*)$", text)]


class Check(ProgramTest):
    def test_each_bad_file_gives_exactly_the_messages_it_names(self):
        self.assertGreater(len(BAD), 15)
        for path in BAD:
            with self.subTest(file=path.name):
                wanted = expected(path)
                errors = sum(": error: " in line for line in wanted)
                self.assertGreater(errors, 0, "the file names no error")
                result = cli("check", path)
                *found, count = result.out.splitlines()
                self.assertEqual(found, wanted)
                s = "" if errors == 1 else "s"
                self.assertTrue(count.startswith(f"{path}: {errors} error{s}, "), count)
                self.assertEqual((result.code, result.err), (1, ""))

    def test_run_refuses_each_bad_file_with_the_same_messages(self):
        for path in BAD[::5]:
            with self.subTest(file=path.name):
                result = cli("run", path)
                self.assertEqual(result.code, 1, result)
                self.assertEqual(result.out, "")
                for line in expected(path):
                    self.assertIn(line + "\n", result.err)
                self.assertIn("nothing was started", result.err)

    def test_what_ships_is_clean(self):
        for path in sorted((SOURCE / "config").glob("*.toml")):
            with self.subTest(file=path.name):
                result = cli("check", path)
                self.assertEqual((result.code, result.out), (0, f"{path}: ok\n"), result)
        result = cli("check")
        self.assertEqual((result.code, result.out), (0, "demo: ok\n"), result)

    def test_standard_input_is_a_file_too(self):
        result = cli("check", "-", input="[services.echo]\nlisten = 70000\n")
        self.assertEqual(result.code, 1, result)
        self.assertTrue(result.out.startswith("standard input:2:10: error: "), result.out)

    def test_run_check_checks_and_starts_nothing(self):
        good = cli("run", "--check", "-", input='[services.echo]\nlisten = "localhost:10007"\n')
        self.assertEqual((good.code, good.out), (0, "standard input: ok\n"))
        self.assertEqual(cli("run", "--check", "-", input="x = 1\n").code, 1)

    def test_overrides_are_checked_and_named_as_they_were_given(self):
        result = cli("check", "--set", "nonsense=1", "--set", "services.echo.lisen=1",
                     env={"POLYPORT_SERVICES__ECHO__IDLE_TIMEOUT": "5"})
        self.assertEqual(result.code, 1)
        self.assertIn("--set nonsense: error: ", result.out)
        self.assertIn('--set services.echo.lisen: error: ', result.out)
        self.assertIn('did you mean "listen"?', result.out)
        self.assertIn("environment POLYPORT_SERVICES__ECHO__IDLE_TIMEOUT: error: ", result.out)
        self.assertIn("demo: 3 errors, 0 warnings\n", result.out)

    def test_an_ad_hoc_service_is_named_by_its_argument(self):
        result = cli("check", "echo:99999", "nosuch:1", "echo@two:udp://localhost:1")
        self.assertEqual(result.code, 1)
        self.assertIn("echo:99999: error: listen: port 99999 is over 65535", result.out)
        self.assertIn('nosuch:1: error: unknown service type "nosuch"', result.out)
        self.assertIn("command line: 2 errors, 0 warnings\n", result.out)

    def test_a_file_that_cannot_be_read_is_a_usage_error(self):
        huge = self.folder() / "huge.toml"
        huge.write_bytes(b"#" * (2 << 20))
        for path, says in (("/no/such/file", "No such file"), ("/", "Is a directory"),
                           (huge, "over 1 MiB"), ("/dev/zero", "over 1 MiB")):
            with self.subTest(path=path):
                result = cli("check", path)
                self.assertEqual(result.code, 2, result)
                self.assertIn(says, result.err)
                self.assertIn(str(path), result.err)


if __name__ == "__main__":
    unittest.main()
