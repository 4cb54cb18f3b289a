# ctest: timeout=300
"""`polyport check`: every mistake of a file at once, each at its place, and the exit code."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import unittest

from support import (BINARY, SOURCE, TIMEOUT, Namespace, ProgramTest, clean_environment, cli,
                     tool)

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


CONFLICTS = """\
[services.web]
type = "http"
listen = "localhost:18080"

[services.echo]
listen = ["localhost:17007", "udp://localhost:18080", "127.0.0.1:18080"]

[services.all]
type = "discard"
listen = "*:17007"
on_conflict = "skip"

[services.off]
type = "discard"
enabled = false
listen = "*:18080"
"""


def without_bind_privilege():
    """What makes a command of root's one that may not bind ports below 1024."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]


class Conflicts(ProgramTest):
    maxDiff = None

    def file(self, text):
        path = self.folder() / "my.toml"
        path.write_text(text)
        return path

    def run_in(self, command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=clean_environment("/"), timeout=TIMEOUT)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_a_conflict_names_both_places_the_rule_and_what_to_do(self):
        path = self.file(CONFLICTS)
        result = cli("check", path)
        error, warning, count = result.out.splitlines()
        self.assertTrue(error.startswith(
            f"{path}:6:55: error: listen: 127.0.0.1:18080 is taken by web, which has "
            f"localhost:18080 ({path}:3:10): two sockets cannot have one address and one port"), error)
        self.assertTrue(error.endswith("(take another port: no service here wants 18081)"), error)
        self.assertTrue(warning.startswith(
            f"{path}:10:10: warning: listen: *:17007 is taken by echo, which has localhost:17007 "
            f"({path}:6:11): a socket for every address needs the port on each"), warning)
        self.assertTrue(warning.endswith(
            '(on_conflict = "skip" leaves all out at the start)'), warning)
        self.assertEqual(count, f"{path}: 1 error, 1 warning")
        self.assertEqual((result.code, result.err), (1, ""))

    def test_what_check_finds_is_what_the_kernel_refuses(self):
        # The same file with and without the double endpoint: the start says what check said.
        with Namespace() as lab:
            for text, code in ((CONFLICTS, 1), (CONFLICTS.replace(', "127.0.0.1:18080"', ""), 0)):
                path = self.file(text)
                self.assertEqual(cli("check", path, namespace=lab).code, code)
                if code == 0:
                    self.start(config=path, namespace=lab).stop()
                else:
                    self.assertEqual(cli("run", path, namespace=lab).code, 3)

    def test_json(self):
        path = self.file(CONFLICTS)
        result = cli("check", "--json", path)
        found = json.loads(result.out)
        self.assertEqual(result.code, 1)
        self.assertEqual(list(found), ["ok", "errors", "warnings", "notes", "explanations"])
        self.assertIs(found["ok"], False)
        (error,) = found["errors"]
        self.assertEqual(list(error), ["code", "error", "detail", "where", "hint"])
        self.assertEqual((error["code"], error["where"]), ("conflict", f"{path}:6:55"))
        self.assertEqual(error["hint"], "take another port: no service here wants 18081")
        self.assertEqual(found["warnings"][0]["where"], f"{path}:10:10")
        self.assertEqual(found["explanations"], [])

    def test_json_of_what_is_fine_of_a_broken_file_and_of_no_file(self):
        fine = cli("check", "--json")
        self.assertEqual(fine.code, 0)
        self.assertEqual(json.loads(fine.out), {"ok": True, "errors": [], "warnings": [],
                                                "notes": [], "explanations": []})
        broken = cli("check", "--json", "-", input="[services.echo]\nlisten = 70000\n")
        self.assertEqual(broken.code, 1)
        (error,) = json.loads(broken.out)["errors"]
        self.assertEqual(error, {
            "code": "bad_value", "error": "bad value",
            "detail": "listen: port 70000 is over 65535", "where": "standard input:2:10",
            "hint": "ports are 0 to 65535"})
        missing = cli("check", "--json", "/no/such/file")
        self.assertEqual(missing.code, 2)
        self.assertEqual(json.loads(missing.out)["errors"][0]["code"], "not_found")

    def test_services_on_the_command_line_are_named_by_their_arguments(self):
        result = cli("check", "echo:17007", "discard:*:17007")
        self.assertEqual(result.code, 1)
        self.assertIn("discard:*:17007: error: listen: *:17007 is taken by echo, which has "
                      "localhost:17007 (echo:17007)", result.out)

    def test_a_port_that_nobody_wrote_is_at_its_section(self):
        path = self.file('[services.web]\ntype = "http"\nlisten = 10007\n[services.echo]\n')
        result = cli("check", path)
        self.assertIn(f"{path}:4:11: error: listen: localhost:10007 is taken by web "
                      f"({path}:3:10): ", result.out)

    def test_no_socket_is_opened(self):
        trace = self.folder() / "trace"
        code, out, err = self.run_in(
            [tool("strace"), "-f", "-qq", "-e", "trace=%network", "-o", str(trace), "-E",
             "ASAN_OPTIONS=detect_leaks=0", str(BINARY), "check"])
        self.assertEqual((code, out), (0, "demo: ok\n"), err)
        self.assertNotIn("socket(", trace.read_text())
        self.assertNotIn("bind(", trace.read_text())

    def test_ports_that_this_kernel_lends(self):
        with Namespace() as lab:
            write = "echo 20000 29999 > /proc/sys/net/ipv4/ip_local_port_range"
            reserve = "echo 20007,25000 > /proc/sys/net/ipv4/ip_local_reserved_ports"
            for command in (write, reserve):
                if self.run_in(lab.wrap(["sh", "-c", command]))[0] != 0:
                    self.skipTest("this user cannot change the range of a namespace")
            result = cli("check", "echo:19999", "echo:20000", "echo:20007", "discard:40000",
                         namespace=lab)
        warning, count = result.out.splitlines()
        self.assertEqual(
            warning, "echo:20000: warning: listen: port 20000 may be lent to an outgoing connection "
            "when the service starts: this machine lends 20000 to 29999 (take a port below 20000, "
            "or reserve it: sudo sysctl -w net.ipv4.ip_local_reserved_ports=20000,20007,25000)")
        self.assertEqual((result.code, count), (0, "command line: 0 errors, 1 warning"))

    def test_ports_that_need_a_privilege_this_user_lacks(self):
        with Namespace() as lab:
            command = lab.wrap([*without_bind_privilege(), str(BINARY), "check", "echo:1023",
                                "discard:1024"])
            if os.geteuid() != 0:
                # A namespace of our own gives us its root; that of the machine forbids low ports.
                command = [str(BINARY), "check", "echo:1023", "discard:1024"]
            code, out, _ = self.run_in(command)
        self.assertEqual(code, 0)
        self.assertIn("echo:1023: warning: listen: this user may not have port 1023: ", out)
        self.assertIn("(take a port from 1024 up, or allow it: ", out)
        self.assertIn("command line: 0 errors, 1 warning\n", out)

    def test_known_ports_of_other_services_are_worth_a_note(self):
        result = cli("check", "echo:5432", "http:8080", "banner:10022", "--set",
                     "services.banner.style=ssh")
        self.assertEqual(
            result.out, "echo:5432: note: listen: port 5432 is registered for postgresql, and its "
            "clients may come here (nothing enforces that; on another port nobody is misled)\n"
            "command line: ok\n")
        self.assertEqual(result.code, 0)

    def test_a_family_that_is_off_is_left_out(self):
        with Namespace(ipv6=False) as lab:
            result = cli("check", "echo:17007", "discard:[::1]:17007", "http:*:18080",
                         namespace=lab)
        self.assertEqual(
            result.out, "echo:17007: note: IPv6 is off on this machine: [::1] left out\n"
            "http:*:18080: note: IPv6 is off on this machine: * is every IPv4 address\n"
            "command line: ok\n", result)


    def test_what_lies_in_the_place_of_a_unix_socket(self):
        folder = self.folder()
        (folder / "file").write_text("")
        result = cli("check", f"echo:unix:{folder}", f"echo@b:unix:{folder}/file",
                     f"echo@c:unix:{folder}/no/x", f"echo@d:unix:{folder}/x",
                     f"echo@e:unix:{folder}/../{folder.name}//x")
        self.assertEqual(result.code, 1)
        self.assertIn(f"echo:unix:{folder}: error: listen: unix://{folder} is a directory: bind "
                      "makes the file itself", result.out)
        self.assertIn(f"error: listen: unix://{folder}/file is a file and no socket", result.out)
        self.assertIn(f"warning: listen: the directory of unix://{folder}/no/x is not there "
                      "(make it before the start)", result.out)
        self.assertIn(f"/../{folder.name}//x is taken by d, which has unix://{folder}/x", result.out)
        self.assertIn("command line: 3 errors, 1 warning\n", result.out)

    def test_the_loopback_broadcast_address_serves_nobody(self):
        result = cli("check", "echo:127.255.255.255:17007")
        self.assertIn("nobody can connect to 127.255.255.255: it is the broadcast address", result.out)

    def test_an_endpoint_is_wrong_in_the_same_words_wherever_it_is_written(self):
        folder = self.folder()
        for endpoint, what in (
                ("", "the endpoint is empty"), ("70000", "port 70000 is over 65535"),
                ("localhost:-1", "port -1 is below 0"),
                ("::1:80", 'an IPv6 address needs brackets before its port: "::1:80"'),
                ("local host:80", 'the endpoint "local host:80" has a space'),
                ("9009-9000", "the port range 9009-9000 runs backwards"),
                ("unix:/" + "x" * 107, "the unix path is 108 bytes long, 107 are possible"),
                ("unix:/run/", 'the unix path "/run/" names a directory'),
                ("224.0.0.1:80", "224.0.0.1 is a multicast address"),
                ("255.255.255.255:80", "255.255.255.255 is the broadcast address"),
                ("localhost:0x50", 'the port "0x50" is hexadecimal'),
                ("localhost:080", "port 080 begins with a zero"),
                ("fe80::1%eth0:80", "an IPv6 address needs brackets before its port")):
            with self.subTest(endpoint=endpoint):
                text = f"error: listen: {what}"
                file = folder / "my.toml"
                file.write_text(f"[services.echo]\nlisten = {json.dumps(endpoint)}\n")
                for command in (["check", file], ["check", "echo:" + endpoint],
                                ["check", "--set", "services.echo.listen=" + endpoint]):
                    result = cli(*command)
                    self.assertEqual(result.code, 1, result)
                    self.assertIn(text, result.out)
                for command in (["run", file], ["run", "echo:" + endpoint],
                                ["run", "--set", "services.echo.listen=" + endpoint]):
                    result = cli(*command)
                    self.assertEqual(result.code, 1, result)
                    self.assertIn(text, result.err)


# A namespace of the test's own, on a machine or in a container.
WHERE = (r"\nThese are the ports of this (network namespace|container); those of the host are not "
         r"visible from here\.\n\Z")


class Live(ProgramTest):
    def test_what_is_free_is_said_and_nothing_stays_open(self):
        with Namespace() as lab:
            for _ in range(2):
                result = cli("check", "--live", "echo:17007", "echo:udp://17007", "http:18080",
                             namespace=lab)
                self.assertRegex(result.out, r"\Acommand line: ok; all 6 sockets can be had now\n"
                                             + WHERE)
                self.assertEqual(result.code, 0)

    def test_what_is_taken_is_explained(self):
        with Namespace() as lab:
            server = self.start("echo:127.0.0.1:17007", namespace=lab)
            text = cli("check", "--live", "discard:127.0.0.1:17007", "http:18080", namespace=lab)
            found = json.loads(cli("check", "--live", "--json", "discard:127.0.0.1:17007",
                                   "http:18080", namespace=lab).out)
            pid = server.pid
            # The server has not noticed.
            self.assertEqual(cli("connect", "127.0.0.1:17007", input="hello\n", namespace=lab).out,
                             "hello\n")
            server.stop()
        self.assertEqual(text.code, 1)
        self.assertIn(f"pid {pid}", text.out)
        self.assertRegex(text.out, r"\ncommand line: 0 errors, 0 warnings; 1 of 3 sockets cannot be "
                                   r"had now\n" + WHERE)
        self.assertIs(found["ok"], False)
        self.assertEqual(found["errors"], [])
        self.assertEqual([each["verdict"] for each in found["explanations"]],
                         ["taken", "free", "free"])
        taken = found["explanations"][0]
        self.assertEqual((taken["service"], taken["where"], taken["rule"], taken["error"]),
                         ("discard", "discard:127.0.0.1:17007", "same_endpoint", "EADDRINUSE"))
        self.assertEqual(taken["holders"][0]["pid"], pid)

    def test_what_it_says_to_type_starts_the_same_file(self):
        folder = self.folder() / "my dir"
        folder.mkdir()
        path = folder / "it's.toml"
        path.write_text('[services.web]\ntype = "http"\nlisten = "127.0.0.1:18080"\n')
        with Namespace() as lab:
            server = self.start("echo:127.0.0.1:18080", namespace=lab)
            found = json.loads(cli("check", "--live", "--json", str(path), "--set",
                                   "services.web.on_conflict=fail", namespace=lab).out)
            server.stop()
        offered = next(each["command"] for each in found["explanations"][0]["suggestions"]
                       if each["kind"] == "offset")
        self.assertEqual(shlex.split(offered),
                         ["polyport", "run", str(path), "--set",
                          "services.web.on_conflict=fail", "--offset", "100"])

    def test_a_taken_port_with_a_policy_of_its_own_does_not_fail(self):
        with Namespace() as lab:
            server = self.start("echo:127.0.0.1:17007", namespace=lab)
            result = cli("check", "--live", "discard:127.0.0.1:17007", "--set",
                         "services.discard.on_conflict=skip", namespace=lab)
            server.stop()
        self.assertEqual(result.code, 0)
        self.assertIn("1 of 1 socket cannot be had now", result.out)

    def test_a_port_that_would_be_shared_is_a_note(self):
        script = ("import socket, sys\ns = socket.socket()\n"
                  "if sys.argv[1] == 'yes': s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
                  "s.bind(('127.0.0.1', 17007)); s.listen()\n"
                  "print('ready', flush=True)\nsys.stdin.read()\n")
        for allows, code in (("yes", 0), ("no", 1)):
            with self.subTest(allows=allows), Namespace() as lab:
                with subprocess.Popen(lab.wrap([sys.executable, "-c", script, allows]),
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
                    self.assertEqual(holder.stdout.readline(), b"ready\n")
                    result = cli("check", "--live", "echo:127.0.0.1:17007", "--set",
                                 "services.echo.on_conflict=share", namespace=lab)
                self.assertEqual(result.code, code, result)
                note = "note: 127.0.0.1:17007 would be shared with "
                if allows == "yes":
                    self.assertIn(note, result.out)
                    self.assertIn(f"(pid {holder.pid})", result.out)
                    self.assertIn('(on_conflict = "share")\n', result.out)
                    self.assertIn("command line: ok; its 1 socket can be had now\n", result.out)
                else:
                    self.assertNotIn(note, result.out)
                    self.assertIn("1 of 1 socket cannot be had now", result.out)

    def test_paths_of_unix_sockets(self):
        folder = self.folder()
        (folder / "directory").mkdir()
        (folder / "file").write_text("")
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(folder / "stale"))
        left.close()
        with socket.socket(socket.AF_UNIX) as live:
            live.bind(str(folder / "live"))
            live.listen()
            names = ("directory", "file", "stale", "live", "new", "no/such")
            found = json.loads(cli("check", "--live", "--json",
                                   *(f"echo:unix:{folder}/{name}" for name in names)).out)
        rules = {each["endpoint"].rpartition(str(folder) + "/")[2]: each["rule"]
                 for each in found["explanations"]}
        self.assertEqual(rules["directory"], "path_not_socket")
        self.assertEqual(rules["file"], "path_not_socket")
        self.assertEqual(rules["live"], "path_in_use")
        self.assertEqual(rules["new"], "none")
        self.assertNotEqual(rules["no/such"], "path_in_use")
        self.assertEqual(rules["stale"], "path_stale")
        # A start removes it; to look does not.
        result = cli("check", "--live", f"echo:unix:{folder}/stale")
        self.assertEqual((result.code, result.out),
                         (0, "command line: ok; its 1 socket can be had now\n"))
        self.assertTrue((folder / "stale").exists())


if __name__ == "__main__":
    unittest.main()
