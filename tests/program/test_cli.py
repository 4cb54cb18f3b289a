"""The command line: help that fits a screen, errors that say what to type, exit code 2 for all."""

import json
import re
import unittest

from support import SOURCE, ProgramTest, cli

COMMANDS = ["run", "check", "explain", "ports", "services", "connect", "healthcheck", "bind-matrix",
            "demo", "ca"]


class Help(ProgramTest):
    def test_it_fits_a_screen_of_24_lines_and_80_columns(self):
        for command in [[], *([name] for name in COMMANDS)]:
            with self.subTest(command=command):
                result = cli(*command, "--help")
                self.assertEqual(result.code, 0, result)
                lines = result.out.splitlines()
                self.assertLessEqual(len(lines), 23)
                self.assertLessEqual(max(len(line) for line in lines), 80, result.out)
                self.assertEqual(result.err, "")

    def test_every_command_is_listed(self):
        listed = cli("--help").out
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", listed)

    def test_without_arguments_it_says_what_to_type(self):
        result = cli()
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertIn("polyport run", result.err)
        self.assertIn("polyport connect localhost:10007", result.err)


class Errors(ProgramTest):
    def assert_usage(self, *args, says):
        result = cli(*args)
        self.assertEqual(result.code, 2, result)
        self.assertIn(says, result.err)
        self.assertEqual(result.out, "")

    def test_every_usage_error_is_exit_code_2_on_stderr(self):
        self.assert_usage("rnu", says='no command is called "rnu" (did you mean "run"?)')
        self.assert_usage("run", "--nosuch", says="--nosuch")
        self.assert_usage("run", "--offset", "x", says="--offset")
        self.assert_usage("run", "--offset", "65000", says="not in range 0 to 64511")
        self.assert_usage("run", "--offset", "-1", says="not in range")
        self.assert_usage("run", "--quiet", "--narrate", says="--quiet excludes --narrate")
        self.assert_usage("run", "--set", "no-value", says="--set")
        self.assert_usage("run", "--ready-fd", "77", says="--ready-fd 77: Bad file descriptor")
        self.assert_usage("run", "/no/such/file.toml", says="/no/such/file.toml: error: cannot read")
        self.assert_usage("run", "echo:0", "nonsense", says='"nonsense" is no service')
        self.assert_usage("connect", says="TARGET is required")
        self.assert_usage("connect", "--wait", "5", "localhost:1", says='write "5s"')
        self.assert_usage("services", "ecko", says='did you mean "echo"?')
        self.assert_usage("--verbose", says="--version")

    def test_a_hostile_argument_does_not_reach_the_terminal(self):
        for args in (["\x1b[2Jrun"], ["run", "--\x1b[2J"], ["services", "\x1b[2J"],
                     ["check", "echo:\x1b[2J"], ["run", "--only", "\x1b[2J"]):
            with self.subTest(args=args):
                result = cli(*args)
                self.assertNotEqual(result.code, 0)
                self.assertNotIn("\x1b", result.err + result.out)


class Version(ProgramTest):
    def test_short_and_long(self):
        short = cli("--version")
        self.assertEqual(short.code, 0)
        self.assertRegex(short.out, r"^polyport \d+\.\d+\.\d+\n$")
        long = cli("--version", "--verbose")
        self.assertEqual(long.code, 0)
        self.assertTrue(long.out.startswith(short.out))
        for library in ("libuv", "llhttp", "toml++", "CLI11", "fmt", "spdlog", "nlohmann-json",
                        "tl-expected"):
            self.assertRegex(long.out, rf"(?m)^  {library.replace('+', '.')} +\d+\.\d+")
        self.assertRegex(long.out, r"(?m)^  services +.*\becho\b.*\btime\b")

    def test_it_names_the_state_directory_and_makes_none(self):
        home = self.folder()
        env = {"XDG_STATE_HOME": None, "HOME": str(home)}
        self.assertIn(f"{home}/.local/state/polyport\n", cli("--version", "--verbose", env=env).out)
        env["XDG_STATE_HOME"] = str(home / "state")
        self.assertIn(f"{home}/state/polyport\n", cli("--version", "--verbose", env=env).out)
        env["STATE_DIRECTORY"] = "/var/lib/first:/var/lib/second"
        self.assertIn(" /var/lib/first\n", cli("--version", "--verbose", env=env).out)
        self.assertEqual(list(home.iterdir()), [])


class Services(ProgramTest):
    def test_the_json_holds_every_type_with_its_options(self):
        services = json.loads(cli("services", "--json").out)["services"]
        by_type = {service["type"]: service for service in services}
        self.assertLessEqual({"echo", "discard", "daytime", "time", "chargen", "health", "admin"},
                             set(by_type))
        echo = by_type["echo"]
        self.assertEqual(echo["default_port"], 10007)
        self.assertEqual(echo["transports"], ["tcp", "udp", "unix", "tls", "ws", "wss"])
        options = {option["name"]: option for option in echo["options"]}
        self.assertEqual(options["listen"]["default"], "localhost:10007")
        self.assertEqual(options["idle_timeout"]["type"], "duration")
        self.assertEqual(options["on_conflict"]["choices"], ["fail", "skip", "next", "retry", "share"])
        self.assertEqual(options["backlog"]["min"], 1)
        for service in services:
            names = [option["name"] for option in service["options"]]
            self.assertEqual(len(names), len(set(names)), service["type"])

    def test_the_text_names_the_same_types_and_options(self):
        services = json.loads(cli("services", "--json").out)["services"]
        listed = cli("services")
        self.assertEqual(listed.code, 0)
        for service in services:
            self.assertRegex(listed.out, rf"(?m)^{service['type']} ")
            text = cli("services", service["type"]).out
            for option in service["options"]:
                self.assertRegex(text, rf"(?m)^  {option['name']} +{option['type']} ")
                self.assertIn(option["help"], text)

    def test_the_table_of_the_readme_is_true(self):
        services = {service["type"]: service
                    for service in json.loads(cli("services", "--json").out)["services"]}
        rows = re.findall(r"(?m)^\| `(\w+)` \| (\d+) \| (.*) \|$", (SOURCE / "README.md").read_text())
        self.assertGreater(len(rows), 5)
        for name, port, summary in rows:
            self.assertEqual(services[name]["default_port"], int(port), name)
            if name != "http":  # the README says more of it
                self.assertEqual(services[name]["summary"], summary)


if __name__ == "__main__":
    unittest.main()
