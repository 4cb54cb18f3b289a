"""Every shell block of the documentation is run, and what it prints is what the page shows.

blocks.py says what the fences mean, shown.py what may differ. After a change of the program:

    python3 tests/program/test_docs.py --show docs/labs/03.md

prints what the blocks of a page print now. Nothing writes it into the page: whoever does has read it.
"""
# ctest: timeout=300

import concurrent.futures
import configparser
import os
import pathlib
import re
import sys
import tempfile
import unittest

from blocks import PageError, parse
from lab import STUDENT, DockerLab, Lab
from page import Run
from shown import Numbers, match, match_unordered, plain
from support import SOURCE, wait_until
from terminal import alive

LABS = SOURCE / "docs/labs"


def covered():
    """The pages whose blocks are run."""
    pages = [SOURCE / "README.md", SOURCE / "docs/notes-checked.md", SOURCE / "docs/ports.md"]
    pages += sorted(LABS.glob("*.md")) + sorted(LABS.glob("instructor/*.md"))
    return [path for path in pages if path.exists()]


def run_page(path, show=None):
    """Runs one page in a lab of its own; how many commands it had."""
    lab = Lab()
    try:
        run = Run(path, lab, show)
        run.run()
        return run.commands
    finally:
        lab.close()


class Pages(unittest.TestCase):
    """One test a page, made below. Most of a page's time is waiting, so three are run at a time."""

    _pool = None
    _results = {}

    @classmethod
    def setUpClass(cls):
        cls._pool = concurrent.futures.ThreadPoolExecutor(max_workers=3)

    @classmethod
    def tearDownClass(cls):
        cls._pool.shutdown(cancel_futures=True)

    def _check(self, path):
        # Whoever names one test wants one page.
        for each in [path] if len(sys.argv) > 2 else covered():
            if each not in self._results:
                self._results[each] = self._pool.submit(run_page, each)
        self._results[path].result()


def _test_of(path):
    return lambda self: self._check(path)


def _name_of(path):
    return "test_" + re.sub(r"\W+", "_", str(path.relative_to(SOURCE).with_suffix(""))).lower()


for _path in covered():
    setattr(Pages, _name_of(_path), _test_of(_path))


class Matching(unittest.TestCase):
    """shown.match: what is equal, what may differ, and what it learns."""

    def matches(self, shown, real, numbers=None, whole=True):
        return match(shown.splitlines(), real.splitlines(), numbers or Numbers(), whole)

    def assertSame(self, shown, real, **more):
        self.assertIsNotNone(self.matches(shown, real, **more), f"{shown!r} against {real!r}")

    def assertOther(self, shown, real, **more):
        self.assertIsNone(self.matches(shown, real, **more), f"{shown!r} against {real!r}")

    def test_text_is_equal_to_the_letter(self):
        self.assertSame("refused  127.0.0.1:10099", "refused 127.0.0.1:10099  ")
        self.assertOther("refused 127.0.0.1:10099", "refused 127.0.0.1:10098")
        self.assertOther("hello", "hello there")
        self.assertOther("hello.there", "hello+there")

    def test_no_line_too_many_and_none_too_few(self):
        self.assertOther("a\nb", "a")
        self.assertOther("a", "a\nb")
        self.assertOther("", "a")
        self.assertOther("a", "")

    def test_what_differs_from_run_to_run(self):
        for shown, real in (
                ("you 127.0.0.1:50432", "you 127.0.0.1:33018"),
                ("pid 4211", "pid 17"),
                ("[1] 4711", "[1] 12"),
                ("users:((\"polyport\",pid=12,fd=8))", "users:((\"polyport\",pid=99,fd=21))"),
                ("bind(9, 127.0.0.1:80) = 0", "bind(12, 127.0.0.1:80) = 0"),
                ("ready in 12 ms", "ready in 3.4 ms"),
                ("closed by the client, 2.5 s", "closed by the client, 14.0 s"),
                ("09:14:03  echo", "23:59:59  echo"),
                ("09:14:03.123 info", "09:14:04.001 info"),
                ("since 09:13: x", "since 17:20: x"),
                ("Fri Nov 21 07:46:09 2025", "Sat Jan  3 17:00:00 2026"),
                ("2026-11-21 07:46:09 UTC", "2031-01-02 00:00:00 UTC"),
                ("00000000  ee ab ca c1   |....|", "00000000  ef 20 ca c1   |. ..|"),
                ("polyport 0.1.0", "polyport 0.2.13"),
                ("curl/7.88.1", "curl/8.5.0")):
            self.assertSame(shown, real)

    def test_what_is_a_fact_must_be_equal(self):
        for shown, real in (
                ("waits 60 s in TIME_WAIT", "waits 30 s in TIME_WAIT"),
                ("port 10007", "port 10009"),
                ("127.0.0.1:8080", "127.0.0.1:8081"),
                ("lends 32768-60999", "lends 32769-60999"),
                ("IANA says 49152-65535", "IANA says 49153-65535"),
                ("Recv-Q 3", "Recv-Q 2"),
                ("6 bytes out", "7 bytes out"),
                ("you 127.0.0.1:50432", "you 127.0.0.1:10007"),
                ("ready in 12 ms", "ready in 12 s")):
            self.assertOther(shown, real)

    def test_a_number_shown_twice_is_one_number(self):
        self.assertSame("from 50432\nto 50432", "from 41000\nto 41000")
        self.assertOther("from 50432\nto 50432", "from 41000\nto 41002")
        numbers = Numbers()
        self.assertSame("pid 4211", "pid 77", numbers=numbers)
        self.assertSame("held by pid=4211", "held by pid=77", numbers=numbers)
        self.assertOther("held by pid=4211", "held by pid=78", numbers=numbers)

    def test_a_later_command_gets_the_real_number(self):
        numbers = Numbers()
        self.matches("[1] 4211\nyou 127.0.0.1:50432", "[1] 77\nyou 127.0.0.1:41000", numbers=numbers)
        self.assertEqual(numbers.real("kill 4211"), "kill 77")
        self.assertEqual(numbers.real("ss 'sport = :50432'"), "ss 'sport = :41000'")
        self.assertEqual(numbers.real("sleep 42110"), "sleep 42110")

    def test_a_number_that_a_command_named_means_itself(self):
        numbers = Numbers()
        numbers.name("polyport connect --bind :40007 localhost:10007")
        self.assertSame("you 127.0.0.1:40007", "you 127.0.0.1:40007", numbers=numbers)
        self.assertOther("you 127.0.0.1:40007", "you 127.0.0.1:40008", numbers=numbers)

    def test_lines_left_out(self):
        self.assertSame("a\n…\nd", "a\nb\nc\nd")
        self.assertSame("a\n…", "a")
        self.assertSame("…\nd", "a\nd\nc\nd")
        self.assertOther("a\n…\nd", "a\nb\nd\nc")
        self.assertOther("a\n…\nb\n…\nc", "a\nc\nb")
        self.assertSame("a … d", "a b c d")
        self.assertOther("a … d", "a b c")

    def test_nothing_is_learned_from_what_does_not_match(self):
        numbers = Numbers()
        self.assertOther("pid 4211\nend", "pid 77\nno end", numbers=numbers)
        self.assertSame("pid 4211", "pid 78", numbers=numbers)

    def test_a_beginning_takes_as_few_lines_as_it_needs(self):
        self.assertEqual(self.matches("a\n…\nc", "a\nb\nc\nc\nd", whole=False), 3)
        self.assertIsNone(self.matches("a\n…\nc", "a\nb", whole=False))
        self.assertEqual(self.matches("", "a\nb", whole=False), 0)

    def test_a_sentence_may_be_wrapped_elsewhere(self):
        shown = "  tcp    held by polyport (pid 4211),\n         yours\n…\n  do     kill 4211"
        real = "  tcp    held by polyport (pid 123456), yours\n  x\n  do     kill\n          123456"
        self.assertSame(shown, real)
        self.assertOther(shown, real.replace("yours", "theirs"))
        self.assertOther("a\n  b", "a b")

    def test_lines_in_any_order_each_with_its_own(self):
        numbers = Numbers()
        self.assertSame("you 50001\nyou 50003", "you 41001\nyou 40003", numbers=numbers)
        shown = ["a 50001", "b 50003"]
        for real, count in (("a 40003\nb 41001", None), ("b 40003\na 41001", 2),
                            ("a 41001\na 40003", None), ("a 41001", None),
                            ("a 41001\nb 40003\nb 40003", None)):
            self.assertEqual(match_unordered(shown, real.splitlines(), numbers), count, real)

    def test_a_difference_is_shown_by_kind(self):
        self.assertEqual(plain("pid 42 on  port 50432, 12 ms", Numbers()),
                         "pid <pid> on port <port>, <duration>")


class Fences(unittest.TestCase):
    """blocks.parse: what is run and what may not be written."""

    def test_steps_of_a_block(self):
        text = ("1.  text\n\n    ```console 2 stays\n    $ for x in 1 2; do\n    > echo $x; done\n    1\n    2\n"
                "    $ polyport connect :1\n    hello⏎\n    hello\n    ^D\n    closed\n    ```\n")
        block, = parse(text, "x.md")
        self.assertEqual((block.terminal, block.word("stays"), block.line), ("2", True, 3))
        first, second = block.steps()
        self.assertEqual(first.command, "for x in 1 2; do\necho $x; done")
        self.assertEqual(first.parts, [("shown", ["1", "2"])])
        self.assertEqual(second.line, 8)
        self.assertEqual(second.parts, [("typed", "hello"), ("shown", ["hello"]), ("key", "^D"),
                                        ("shown", ["closed"])])

    def test_what_would_silently_not_be_run_is_refused(self):
        for text in ("```bash\nls\n```\n", "```\n$ ls\n```\n", "```console later\n$ ls\n```\n",
                     "```console\n$ ls\n"):
            with self.assertRaises(PageError, msg=text):
                parse(text, "x.md")


class Running(unittest.TestCase):
    """page.Run with pages that are right and pages that are not."""

    def run_text(self, text):
        with tempfile.TemporaryDirectory(prefix="polyport-test-") as folder:
            path = pathlib.Path(folder, "page.md")
            path.write_text(text)
            return run_page(path)

    def fails(self, text):
        with self.assertRaises(PageError) as caught:
            self.run_text(text)
        return str(caught.exception)

    def test_a_page_with_everything(self):
        self.assertEqual(self.run_text(
            "```toml file=my.toml\n[services.echo]\nlisten = \"127.0.0.1:10007\"\n```\n"
            "```console 1 stays\n$ polyport run my.toml\n…\nready in 5 ms. …\n```\n"
            "```console\n$ id -un\nstudent\n$ polyport connect localhost:10007\n"
            "connected you 127.0.0.1:50432 → 127.0.0.1:10007\n…\nhello⏎\nhello\n^D\nclosed …\n```\n"
            "```console 1\n09:14:03 echo #1 127.0.0.1:50432 open\n…\n^C\n…\n```\n"
            "```sh\ntest -e my.toml\n```\n"), 4)

    def test_another_output_is_caught_with_its_place_and_what_is_printed(self):
        words = self.fails("```console\n$ echo one\none\n$ echo two; echo pid 3\nthree\npid 4\n```\n")
        self.assertIn("page.md:4: 'echo two; echo pid 3' prints something else", words)
        self.assertIn("-three\n+two\n pid <pid>", words)
        self.assertIn("--show", words)

    def test_a_line_too_many_is_caught(self):
        self.assertIn("+more", self.fails("```console\n$ echo one; echo more\none\n```\n"))

    def test_a_number_that_is_not_the_same_twice_is_named_as_the_difference(self):
        self.assertIn("is not the same both times",
                      self.fails("```console\n$ echo pid 3\npid 7\n$ echo pid 4\npid 7\n```\n"))

    def test_what_stays_and_has_ended_is_caught_at_once(self):
        self.assertIn("gone", self.fails("```console 1 stays\n$ echo gone\nready\n```\n"))

    def test_a_wrong_command_is_caught_although_its_output_is_left_out(self):
        self.assertIn("no right command line", self.fails("```console\n$ polyport explode\n…\n```\n"))
        self.run_text("```console\n$ polyport connect 127.0.0.1:10099\n…\n```\n")

    def test_a_failing_script_is_caught(self):
        self.assertIn("exit code 3", self.fails("```sh\n(exit 3)\ntrue\n```\n"))

    def test_nothing_is_left_behind(self):
        with tempfile.TemporaryDirectory(prefix="polyport-test-") as folder:
            note = pathlib.Path(folder, "pid")
            note.touch()
            pathlib.Path(folder).chmod(0o777)
            note.chmod(0o666)
            self.run_text(f"```console\n$ sleep 1000 & echo $! > {note}\n[1] 17\n```\n")
            self.assertFalse(alive(note.read_text().strip()))


# Plays systemd for one socket: opens it with root's right, becomes the user, hands it over as
# descriptor 3.
_SYSTEMD = """
import os, socket, sys
address, name, user, *command = sys.argv[1:]
host, port = address.rsplit(":", 1)
sock = socket.create_server((host, int(port)), backlog=64)
os.dup2(sock.fileno(), 3); os.set_inheritable(3, True)
os.setgroups([]); os.setgid(int(user)); os.setuid(int(user))
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=name)
os.execv(command[0], command)
"""


class Units(unittest.TestCase):
    """The unit files of docs/ports.md, taken at their word by somebody who plays systemd."""

    def test_a_port_below_1024_is_handed_over_to_an_ordinary_user(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("who plays systemd must be root")
        files = {block.file: "\n".join(block.lines) for block in
                 parse((SOURCE / "docs/ports.md").read_text(), "ports.md") if block.file}
        units = {}
        for name in ("polyport.socket", "polyport.service"):
            units[name] = configparser.ConfigParser(interpolation=None)
            units[name].optionxform = str
            units[name].read_string(files[name])
        listen = units["polyport.socket"]["Socket"]
        service = units["polyport.service"]
        self.assertEqual(service["Unit"]["Requires"], "polyport.socket")
        self.assertEqual(service["Service"]["Type"], "notify")
        self.assertEqual(service["Service"]["ExecStart"].split(),
                         ["/usr/local/bin/polyport", "run", "/etc/polyport/polyport.toml"])

        lab = Lab()
        self.addCleanup(lab.close)
        lab.write("polyport.toml", files["polyport.toml"])
        lab.write("systemd.py", _SYSTEMD)
        server = lab.terminal("root")
        self.addCleanup(server.close)
        server.command(f"python3 systemd.py {listen['ListenStream']} {listen['FileDescriptorName']} "
                       f"{STUDENT} $(command -v polyport) run polyport.toml")
        wait_until(lambda: server.read(0.1) and
                   ("ready in" in server.transcript or server.ended() is not None), "polyport is ready")
        self.assertRegex(server.transcript, r"web +http 127\.0\.0\.1:80 inherited")
        client = lab.terminal("1")
        self.addCleanup(client.close)
        client.command("curl -s http://127.0.0.1/plain")
        client.wait_end()
        self.assertEqual(client.lines(), ["Hello, World!"])
        server.press("^C")
        self.assertEqual(server.wait_end(), 0, server.transcript)


class Texts(unittest.TestCase):
    """What the worksheets promise about themselves."""

    def test_links_lead_somewhere(self):
        for path in covered():
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
                self.assertTrue((path.parent / target).exists(), f"{path.name}: {target}")

    def test_the_page_on_ports_has_every_sentence_of_the_rules(self):
        rules = (SOURCE / "core/ports/bind_rules.cc").read_text()
        rows = re.findall(r'BindRule::k\w+, "(\w+)",\s*((?:"[^"]*"\s*)+)\}', rules)
        said = {name: "".join(re.findall(r'"([^"]*)"', text)) for name, text in rows}
        del said["none"]
        shown = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", (SOURCE / "docs/ports.md").read_text(), re.M))
        self.assertGreater(len(said), 15)
        self.assertEqual({name: shown.get(name) for name in said}, said)

    def test_offsets_in_steps_of_100_keep_a_class_apart(self):
        demo = (SOURCE / "config/polyport.toml").read_text()
        listen = re.findall(r'"(udp://)?localhost:(\d{4,5})"', demo)
        ports = {(transport, int(port)) for transport, port in listen}
        self.assertGreaterEqual(len(ports), 14)
        self.assertLess(max(port for _, port in ports) + 20_000, 32_768)
        for transport, port in ports:
            for other_transport, other in ports:
                if transport == other_transport and port != other:
                    self.assertNotEqual((port - other) % 100, 0, f"{port} and {other}")

    def test_every_exercise_has_its_page_for_the_instructor(self):
        sheets = {path.name for path in LABS.glob("[0-9]*.md")}
        self.assertEqual(sheets, {path.name for path in LABS.glob("instructor/[0-9]*.md")})


def run_docker_blocks():
    """For scripts/test-docker: every block that the ordinary test leaves out."""
    failed = 0
    for path in covered():
        lab = DockerLab()
        try:
            run = Run(path, lab, docker=True)
            run.run()
            if run.commands:
                print(f"{path.relative_to(SOURCE)}: {run.commands} commands for Docker: as shown")
        except PageError as error:
            print(error)
            failed += 1
        finally:
            lab.close()
    return 1 if failed else 0


def main():
    if sys.argv[1:] == ["--docker"]:
        return run_docker_blocks()
    if len(sys.argv) != 3 or sys.argv[1] != "--show":
        print(__doc__)
        return 2
    try:
        run_page(pathlib.Path(sys.argv[2]).resolve(), print)
    except PageError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
