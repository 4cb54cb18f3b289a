# ctest: timeout=240
"""polyport explain, and each way a port can be taken, made for real in a network namespace: the
holder's pid comes from the test's own child, never from polyport."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import unittest

from support import BINARY, Namespace, ProgramTest, Result, TIMEOUT, clean_environment, cli

NOBODY = 65534

# A child that makes a situation, says "ready" and waits for the end of its input.
PRELUDE = """
import socket, sys
def tcp(family=socket.AF_INET):
    return socket.socket(family, socket.SOCK_STREAM)
def reusable(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock
"""
EPILOGUE = """
print("ready", flush=True)
sys.stdin.read()
"""


class Child:
    """A python process that runs `script` inside `namespace`, up to its end of input."""

    def __init__(self, script, namespace, user=None):
        command = [sys.executable, "-c", PRELUDE + script + EPILOGUE]
        if user is not None:
            command = as_user(user, command)
        self.process = subprocess.Popen(
            namespace.wrap(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("the child did not get ready")

    @property
    def pid(self):
        return self.process.pid  # nsenter and setpriv keep it

    def close(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()


def as_user(uid, command):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *command]


def needs_root():
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        raise unittest.SkipTest("needs root and setpriv to be another user")


class Explain(ProgramTest):

    @classmethod
    def setUpClass(cls):
        cls.lab = Namespace()

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def child(self, script, user=None, lab=None):
        child = Child(script, lab or self.lab, user)
        self.addCleanup(child.close)
        return child

    def ask(self, *args, lab=None):
        """The explanations as JSON, and the exit code."""
        done = cli("explain", *args, "--json", namespace=lab or self.lab)
        return json.loads(done.out)["explanations"], done.code

    def ask_as_user(self, *args):
        home = self.folder()
        os.chmod(home, 0o755)
        program = shutil.copy(BINARY, home / "polyport")  # where that user may read it
        done = subprocess.run(self.lab.wrap(as_user(NOBODY, [program, "explain", *args])),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                              env=clean_environment(home), cwd=home)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def text(self, *args, lab=None):
        return cli("explain", *args, namespace=lab or self.lab).out

    # --- what a number is ----------------------------------------------------------------------

    def test_a_free_port(self):
        done = cli("explain", "8080", namespace=self.lab)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("8080 = 0x1f90: the two bytes 1f 90", done.out)
        self.assertIn("user (1024-49151) by IANA", done.out)
        self.assertIn("32768-60999", done.out)
        self.assertIn("http-alt", done.out)
        self.assertIn("free on every address", done.out)
        self.assertIn("could bind it now", done.out)
        found, code = self.ask("8080")
        self.assertEqual([(each["transport"], each["verdict"]) for each in found],
                         [("tcp", "free"), ("udp", "free")])
        self.assertEqual(code, 0)

    def test_the_borders(self):
        for port, words in [("1023", "system (0-1023)"), ("1024", "user (1024-49151)"),
                            ("32767", "not this one"), ("32768", "inside 32768-60999"),
                            ("49151", "user"), ("49152", "dynamic (49152-65535)"),
                            ("61000", "not this one"), ("65535", "dynamic")]:
            with self.subTest(port=port):
                self.assertIn(words, " ".join(self.text(port).split()))

    def test_port_0(self):
        self.assertIn("gets a free port", self.text("0"))

    def test_a_name_has_both_meanings(self):
        text = self.text("echo")
        self.assertIn("port 7\n", text)
        self.assertIn('service "echo" of demo', text)
        self.assertIn("10007 = 0x2717", text)

    def test_several_at_once(self):
        self.child("s = reusable(tcp()); s.bind(('127.0.0.1', 7101)); s.listen()")
        text = self.text("7100", "7101")
        self.assertIn("port 7100\n", text)
        self.assertIn("port 7101\n", text)
        self.assertEqual(cli("explain", "7100", "7101", namespace=self.lab).code, 0)
        self.assertEqual(cli("explain", "7101", "7100", namespace=self.lab).code, 1)

    def test_bad_questions(self):
        for question in ["", "70000", "-1", "::1:80", "80 80", "nothing-of-that-name", "tcp:"]:
            with self.subTest(question=question):
                done = cli("explain", "--", question, namespace=self.lab)
                self.assertEqual(done.code, 2)
                self.assertIn("error: ", done.err)
                self.assertEqual(done.out, "")
        self.assertEqual(cli("explain", namespace=self.lab).code, 2)

    # --- who is in the way ---------------------------------------------------------------------

    def test_a_listener(self):
        child = self.child("s = reusable(tcp()); s.bind(('127.0.0.1', 7201)); s.listen()")
        found, code = self.ask("127.0.0.1:7201")
        self.assertEqual(code, 1)
        tcp = found[0]
        self.assertEqual((tcp["verdict"], tcp["error"], tcp["step"], tcp["rule"]),
                         ("taken", "EADDRINUSE", "bind", "same_endpoint"))
        holder, = tcp["holders"]
        self.assertEqual((holder["kind"], holder["pid"], holder["endpoint"], holder["ours"]),
                         ("listener", child.pid, "127.0.0.1:7201", False))
        self.assertIn("python", holder["process"])
        self.assertIsNotNone(holder["process_started"])
        self.assertIsNone(holder["hidden_because"])
        kinds = [each["kind"] for each in tcp["suggestions"]]
        self.assertEqual(kinds[0], "other_port")
        self.assertIn({"command": f"kill {child.pid}"}.items(),
                      [{"command": each["command"]}.items() for each in tcp["suggestions"]])
        text = self.text("127.0.0.1:7201")
        self.assertIn(f"(pid {child.pid})", text)
        self.assertIn("would get EADDRINUSE from bind()", text)
        self.assertIn(f"kill {child.pid}", text)

    def test_the_port_that_is_offered_is_free(self):
        self.child("l = []\n"
                   "for port in (7211, 7212, 7214):\n"
                   "    s = reusable(tcp()); s.bind(('127.0.0.1', port)); s.listen(); l.append(s)")
        found, _ = self.ask("127.0.0.1:7211")
        offered = next(each for each in found[0]["suggestions"] if each["kind"] == "other_port")
        self.assertEqual(offered["endpoint"], "tcp://127.0.0.1:7213")

    def test_wildcards(self):
        for where, asked, rule in [("('0.0.0.0', 7221)", "127.0.0.1:7221", "specific_under_wildcard"),
                                   ("('127.0.0.1', 7222)", "0.0.0.0:7222", "wildcard_over_specific"),
                                   ("('127.0.0.1', 7223)", "*:7223", "dual_stack_over_ipv4")]:
            with self.subTest(rule=rule):
                child = self.child(f"s = reusable(tcp()); s.bind({where}); s.listen()")
                found, code = self.ask(asked)
                self.assertEqual((found[0]["rule"], code), (rule, 1))
                self.assertEqual(found[0]["holders"][0]["pid"], child.pid)
        self.child("s = reusable(tcp(socket.AF_INET6))\n"
                   "s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)\n"
                   "s.bind(('::', 7224)); s.listen()")
        self.assertEqual(self.ask("127.0.0.1:7224")[0][0]["rule"], "ipv4_under_dual_stack")
        self.child("s = reusable(tcp(socket.AF_INET6))\n"
                   "s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)\n"
                   "s.bind(('::', 7225)); s.listen()")
        self.assertEqual(self.ask("127.0.0.1:7225")[0][0]["verdict"], "free")

    def test_udp_is_another_port(self):
        child = self.child("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                           "s.bind(('127.0.0.1', 7231))")
        found, code = self.ask("127.0.0.1:7231")
        self.assertEqual([(each["transport"], each["verdict"]) for each in found],
                         [("tcp", "free"), ("udp", "taken")])
        self.assertEqual(code, 0)  # a bare number asks about TCP first
        self.assertEqual(found[1]["holders"][0]["pid"], child.pid)
        self.assertEqual(found[1]["holders"][0]["kind"], "udp")
        self.assertEqual(cli("explain", "udp:7231", namespace=self.lab).code, 1)

    def test_bound_and_not_listening(self):
        child = self.child("s = tcp(); s.bind(('127.0.0.1', 7241))")
        found, code = self.ask("127.0.0.1:7241")
        self.assertEqual((found[0]["verdict"], code), ("taken", 1))
        if found[0]["holders"]:  # kernels before 6.8 keep it out of every table, and polyport says so
            self.assertEqual(found[0]["rule"], "bound_not_listening")
            self.assertEqual(found[0]["holders"][0]["pid"], child.pid)
            self.assertEqual(found[0]["holders"][0]["kind"], "bound")
        else:
            self.assertIn("bound and does not listen", found[0]["text"])

    def test_bound_with_reuseaddr_and_not_listening(self):
        """Linux lets the second listen; it is the first that may not, later."""
        self.child("s = reusable(tcp()); s.bind(('127.0.0.1', 7245))")
        found, code = self.ask("127.0.0.1:7245")
        self.assertEqual((found[0]["verdict"], code), ("free", 0))
        self.start("echo:127.0.0.1:7245", namespace=self.lab)

    def test_another_users_process(self):
        needs_root()
        child = self.child("s = reusable(tcp()); s.bind(('127.0.0.1', 7251)); s.listen()")
        found, _ = self.ask("127.0.0.1:7251")
        self.assertEqual(found[0]["holders"][0]["pid"], child.pid)  # root sees it
        done = self.ask_as_user("127.0.0.1:7251", "--json")
        holder, = json.loads(done.out)["explanations"][0]["holders"]
        self.assertIsNone(holder["pid"])
        self.assertEqual((holder["hidden_because"], holder["uid"], holder["user"]),
                         ("other_user", 0, "root"))
        self.assertIn("user root; only that user or root can see which process",
                      " ".join(self.ask_as_user("127.0.0.1:7251").out.split()))

    def test_time_wait(self):
        self.child("l = tcp(); l.bind(('127.0.0.1', 7261)); l.listen()\n"
                   "c = socket.create_connection(('127.0.0.1', 7261))\n"
                   "a, _ = l.accept(); l.close()\n"
                   "a.close(); c.recv(1); c.close()")
        found, code = self.ask("127.0.0.1:7261")
        self.assertEqual((found[0]["verdict"], found[0]["rule"], code), ("taken", "time_wait", 1))
        holder = found[0]["holders"][0]
        self.assertEqual((holder["kind"], holder["pid"], holder["hidden_because"]),
                         ("time_wait", None, "not_listed"))
        self.assertEqual(found[0]["suggestions"][0]["kind"], "wait")
        self.assertIn("TIME_WAIT", self.text("127.0.0.1:7261"))

    def test_a_connection_that_outlived_its_listener(self):
        child = self.child("l = tcp(); l.bind(('127.0.0.1', 7271)); l.listen()\n"
                           "c = socket.create_connection(('127.0.0.1', 7271))\n"
                           "a, _ = l.accept(); l.close()")
        found, _ = self.ask("127.0.0.1:7271")
        self.assertEqual((found[0]["verdict"], found[0]["rule"]), ("taken", "live_child"))
        self.assertEqual((found[0]["holders"][0]["kind"], found[0]["holders"][0]["pid"]),
                         ("connection", child.pid))
        self.assertNotIn("stop_holder", [each["kind"] for each in found[0]["suggestions"]])

    def test_a_port_lent_to_an_outgoing_connection(self):
        child = self.child("l = reusable(tcp()); l.bind(('127.0.0.1', 7281)); l.listen()\n"
                           "c = tcp(); c.bind(('127.0.0.1', 40281)); c.connect(('127.0.0.1', 7281))")
        found, _ = self.ask("127.0.0.1:40281")
        self.assertEqual((found[0]["verdict"], found[0]["rule"]), ("taken", "ephemeral_local_port"))
        holder = found[0]["holders"][0]
        self.assertEqual((holder["kind"], holder["remote"], holder["pid"]),
                         ("connection", "127.0.0.1:7281", child.pid))
        kinds = [each["kind"] for each in found[0]["suggestions"]]
        self.assertIn("reserve", kinds)
        self.assertNotIn("stop_holder", kinds)

    # --- what this user or this machine cannot have --------------------------------------------

    def test_a_privileged_port(self):
        needs_root()
        done = self.ask_as_user("80", "--json")
        self.assertEqual(done.code, 4, done.err)
        tcp = json.loads(done.out)["explanations"][0]
        self.assertEqual((tcp["verdict"], tcp["error"], tcp["rule"]),
                         ("forbidden", "EACCES", "privileged_port"))
        offered = next(each for each in tcp["suggestions"] if each["kind"] == "other_port")
        self.assertEqual(offered["endpoint"], "tcp://[::]:8080")
        text = self.ask_as_user("80").out
        self.assertIn("would get EACCES from bind()", text)
        self.assertIn("setcap cap_net_bind_service=+ep", text)
        self.assertEqual(self.ask_as_user("1024").code, 0)

    def test_an_address_of_another_machine(self):
        found, code = self.ask("192.0.2.1:7301")
        self.assertEqual((found[0]["verdict"], found[0]["error"], found[0]["rule"], code),
                         ("unavailable", "EADDRNOTAVAIL", "address_not_local", 1))
        self.assertIn("no interface of this machine has the address 192.0.2.1",
                      self.text("192.0.2.1:7301").replace("\n         ", " "))

    def test_ipv6_is_off(self):
        with Namespace(ipv6=False) as lab:
            found, _ = self.ask("[::1]:7311", lab=lab)
            self.assertEqual((found[0]["verdict"], found[0]["rule"]),
                             ("unavailable", "family_unavailable"))
            self.assertIn("127.0.0.1:7311", " ".join(
                each["config"] or "" for each in found[0]["suggestions"]))
            self.assertEqual(self.ask("7311", lab=lab)[1], 0)

    # --- paths ---------------------------------------------------------------------------------

    def test_unix_paths(self):
        folder = self.folder()
        path = folder / "x.sock"

        def asked():
            found, code = self.ask(f"unix:{path}")
            return found[0]["verdict"], found[0]["rule"], code

        self.assertEqual(asked(), ("free", "none", 0))
        child = Child(f"s = socket.socket(socket.AF_UNIX); s.bind({str(path)!r}); s.listen()", self.lab)
        self.assertEqual(asked(), ("taken", "path_in_use", 1))
        holder, = self.ask(f"unix:{path}")[0][0]["holders"]
        self.assertEqual((holder["kind"], holder["pid"]), ("unix", child.pid))
        child.close()
        self.assertEqual(asked(), ("taken", "path_stale", 1))
        self.assertIn(f"rm {path}", self.text(f"unix:{path}"))
        path.unlink()
        path.write_text("a file")
        self.assertEqual(asked(), ("taken", "path_not_socket", 1))
        path.unlink()
        path.mkdir()
        self.assertEqual(asked(), ("taken", "path_not_socket", 1))
        found, code = self.ask(f"unix:{folder}/missing/x.sock")
        self.assertEqual((found[0]["verdict"], found[0]["error"], code), ("unavailable", "ENOENT", 1))
        self.assertIn(f"mkdir -p {folder}/missing", self.text(f"unix:{folder}/missing/x.sock"))

    def test_a_unix_path_that_another_namespace_serves(self):
        path = self.folder() / "x.sock"
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.bind(str(path))
            sock.listen()
            found, code = self.ask(f"unix:{path}")
            self.assertEqual((found[0]["rule"], found[0]["holders"], code), ("path_in_use", [], 1))
            self.assertNotIn("remove_file", [each["kind"] for each in found[0]["suggestions"]])

    # --- polyport itself -----------------------------------------------------------------------

    def test_a_running_polyport_and_its_service(self):
        server = self.start(config='[services.door]\ntype = "echo"\nlisten = "127.0.0.1:7401"\n',
                            namespace=self.lab)
        found, _ = self.ask("127.0.0.1:7401")
        holder, = found[0]["holders"]
        self.assertEqual((holder["pid"], holder["service"]), (server.process.pid, "door"))
        self.assertIn('its service "door"', " ".join(self.text("127.0.0.1:7401").split()))
