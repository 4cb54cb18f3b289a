"""Socket activation and notifications: a test that plays systemd. It binds the sockets, passes them on
from descriptor 3 up, and hears READY=1, STATUS= and STOPPING=1 on a datagram socket."""

import fcntl
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

from support import (BINARY, TIMEOUT, ProgramTest, Result, clean_environment, connect,
                     read_exactly, sanitizer_report, udp, wait_until)

# Moves descriptors to 3, 4, ... and becomes the program, so that LISTEN_PID is its own.
LAUNCHER = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split(",") if fd]
high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
for fd in set(fds):
    os.close(fd)
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ.setdefault("LISTEN_PID", str(os.getpid()))
os.environ.setdefault("LISTEN_FDS", str(len(fds)))
os.execv(sys.argv[2], sys.argv[2:])
"""
QUIET = "[health]\nenabled = false\n[admin]\nenabled = false\n"


class Manager(ProgramTest):
    """What systemd would be."""

    def setUp(self):
        self.place = self.folder()
        self.notifications = self.datagram_socket(str(self.place / "notify"))

    def datagram_socket(self, address):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.settimeout(TIMEOUT)
        sock.bind(address)
        return sock

    def bound(self, host="127.0.0.1", port=0, kind=socket.SOCK_STREAM, listen=True, v6only=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, kind)
        self.addCleanup(sock.close)
        if v6only is not None:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        sock.bind((host, port))
        if listen and kind == socket.SOCK_STREAM:
            sock.listen()
        return sock

    def command(self, sockets, config, *args):
        path = self.place / "my.toml"
        path.write_text(config if "[health]" in config else config + QUIET)
        return [sys.executable, "-c", LAUNCHER, ",".join(str(sock.fileno()) for sock in sockets),
                str(BINARY), "run", str(path), *args]

    def environment(self, names=None, **env):
        if names is not None:
            env["LISTEN_FDNAMES"] = ":".join(names)
        env.setdefault("NOTIFY_SOCKET", str(self.place / "notify"))
        return clean_environment(self.place, env)

    def launch(self, sockets, config, *args, names=None, **env):
        """A server that is ready, as the notification says; its services are in self.services."""
        ready = self.place / "ready"
        self.errors = self.place / "stderr"
        with open(self.errors, "wb") as errors, open(self.place / "stdout", "wb") as out:
            process = subprocess.Popen(
                self.command(sockets, config, "--ready-file", str(ready), *args),
                stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                pass_fds=[sock.fileno() for sock in sockets],
                env=self.environment(names, **env))
        self.addCleanup(self.end, process)
        wait_until(lambda: ready.exists() or process.poll() is not None, "it starts")
        if process.poll() is not None:
            raise AssertionError(f"not started: {self.errors.read_text()}")
        self.services = {service["name"]: service
                         for service in json.loads(ready.read_text())["services"]}
        return process

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT), 0, self.errors.read_text())
        self.assertIsNone(sanitizer_report(self.errors.read_text()))

    def fails(self, sockets, config, *args, names=None, **env):
        done = subprocess.run(self.command(sockets, config, *args), stdin=subprocess.DEVNULL,
                              capture_output=True, pass_fds=[sock.fileno() for sock in sockets],
                              env=self.environment(names, **env), timeout=TIMEOUT)
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        self.assertIsNone(sanitizer_report(result.err))
        self.assertNotEqual(result.code, 0, result)
        return result

    def states(self, service):
        return [(each["bound"], each["origin"]) for each in self.services[service]["listeners"]]

    def talk(self, address, text=b"hello"):
        with connect(address) as sock:
            sock.sendall(text)
            self.assertEqual(read_exactly(sock, len(text)), text)


def name_of(sock):
    return "%s:%d" % sock.getsockname()[:2]


class Activation(Manager):
    def test_sockets_are_used_in_place_of_binding(self):
        web, more = self.bound(), self.bound(kind=socket.SOCK_DGRAM)
        config = (f'[services.web]\ntype = "echo"\nlisten = "{name_of(web)}"\n'
                  f'[services.more]\ntype = "echo"\n'
                  f'listen = ["udp://{name_of(more)}", "127.0.0.1:0"]\n')
        process = self.launch([web, more], config, names=["web", "more.main"])
        self.assertEqual(self.states("web"), [(name_of(web), "inherited")])
        self.assertEqual(self.states("more")[0], (name_of(more), "inherited"))
        self.assertEqual(self.states("more")[1][1], "configured")
        self.assertRegex((self.place / "stdout").read_text(), r"web +tcp [\d.:]+ inherited ")
        self.talk(web.getsockname())
        with udp(more.getsockname()) as sock:
            sock.send(b"datagram")
            self.assertEqual(sock.recv(100), b"datagram")
        # The sockets are the manager's too: they live on without the server.
        self.end(process)
        with connect(web.getsockname()) as sock:
            web.settimeout(TIMEOUT)
            web.accept()[0].close()
            self.assertEqual(sock.recv(1), b"")

    def test_without_a_name_the_address_decides(self):
        one, two = self.bound(), self.bound()
        config = (f'[services.one]\ntype = "echo"\nlisten = "{name_of(one)}"\n'
                  f'[services.two]\ntype = "echo"\nlisten = "{name_of(two)}"\n')
        self.launch([two, one], config)
        self.assertEqual((self.states("one"), self.states("two")),
                         ([(name_of(one), "inherited")], [(name_of(two), "inherited")]))

    def test_a_foreign_name_too(self):
        one = self.bound()
        self.launch([one], f'[services.one]\ntype = "echo"\nlisten = "{name_of(one)}"\n',
                    names=["polyport.socket"])
        self.assertEqual(self.states("one"), [(name_of(one), "inherited")])

    def test_a_configured_port_0_takes_the_number_of_the_socket(self):
        four = self.bound()
        self.launch([four], '[services.one]\ntype = "echo"\nlisten = "localhost:0"\n',
                    names=["one"])
        port = four.getsockname()[1]
        self.assertEqual(self.states("one")[0], (f"127.0.0.1:{port}", "inherited"))
        if len(self.states("one")) > 1:  # IPv6 is here: its socket is our own, with that number
            self.assertEqual(self.states("one")[1], (f"[::1]:{port}", "configured"))

    def test_a_unix_socket_keeps_its_file(self):
        path = self.place / "web.sock"
        sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(sock.close)
        sock.bind(str(path))
        sock.listen()
        process = self.launch([sock], f'[services.web]\ntype = "echo"\nlisten = "unix:{path}"\n',
                              names=["web"])
        self.assertEqual(self.states("web"), [(str(path), "inherited")])
        self.talk(str(path))
        self.end(process)
        self.assertTrue(path.exists())
        self.assertFalse((self.place / "web.sock.lock").exists())

    def test_each_mismatch_is_told(self):
        web = self.bound()
        listening = f'[services.web]\ntype = "echo"\nlisten = "{name_of(web)}"\n'
        port = web.getsockname()[1]
        unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(unix.close)
        pipe = os.fdopen(os.pipe()[0])
        self.addCleanup(pipe.close)
        dual = self.bound("::", port=0, v6only=0)
        only = self.bound("::", port=0, v6only=1)
        star = '[services.web]\ntype = "echo"\nlisten = "%s:%d"\n'
        for sock, config, said in (
                (self.bound(), listening, f"and 127.0.0.1:{port} is wanted"),
                (self.bound(kind=socket.SOCK_DGRAM), listening, f"and 127.0.0.1:{port} is tcp"),
                (self.bound("::1"), listening, f"127.0.0.1:{port} is of the other family"),
                (self.bound(listen=False), listening, "does not listen"),
                (unix, listening, "is a unix datagram socket, which no service speaks on"),
                (pipe, listening, "is no socket"),
                (dual, star % ("[::]", dual.getsockname()[1]), "hears IPv4 too"),
                (only, star % ("*", only.getsockname()[1]), "hears IPv6 only"),
                (web, listening + 'state = "closed"\n', 'is for "web", which opens no socket'),
                (web, listening + "enabled = false\n", 'is for "web", which opens no socket')):
            with self.subTest(said=said):
                result = self.fails([sock], config, names=["web"])
                self.assertEqual(result.code, 3)
                self.assertIn('LISTEN_FDS: error: descriptor 3 ("web") ', result.err)
                self.assertIn(said, result.err)

    def test_one_too_many_is_told(self):
        web = self.bound()
        result = self.fails([web, web], f'[services.web]\ntype = "echo"\nlisten = "{name_of(web)}"\n',
                            names=["web", "web"])
        self.assertIn('descriptor 4 ("web") is one more for the same endpoint', result.err)

    def test_without_a_name_a_configured_port_0_is_not_meant(self):
        lost = self.bound()
        self.launch([lost], '[services.web]\ntype = "echo"\nlisten = "127.0.0.1:0"\n')
        self.assertEqual(self.states("web")[0][1], "configured")

    def test_a_socket_for_nobody_is_closed_and_told(self):
        lost = self.bound()
        self.launch([lost], '[services.web]\ntype = "echo"\nlisten = "127.0.0.1:0"\n')
        said = f"descriptor 3, a TCP socket on {name_of(lost)}, was passed to us and fits no service"
        self.assertIn(f"note  {said}", (self.place / "stdout").read_text())
        wait_until(lambda: said in self.errors.read_text(), "the warning")
        self.assertFalse(self.holds(lost))

    def holds(self, sock):
        """Whether the server has that socket open."""
        wanted = f"socket:[{os.fstat(sock.fileno()).st_ino}]"
        (pid,) = {json.loads((self.place / "ready").read_text())["pid"]}
        return any(os.readlink(link) == wanted for link in pathlib.Path(f"/proc/{pid}/fd").iterdir())

    def test_variables_of_another_process_are_none_of_ours(self):
        web = self.bound()
        config = f'[services.web]\ntype = "echo"\nlisten = "{name_of(web)}"\n'
        result = self.fails([web], config, names=["web"], LISTEN_PID="1")
        self.assertIn("is taken", result.err)  # by the socket that was passed, and not used

    def test_nonsense_in_the_variables(self):
        web = self.bound()
        config = f'[services.web]\ntype = "echo"\nlisten = "{name_of(web)}"\n'
        for names, env, said in (
                (["web"], {"LISTEN_FDS": "many"}, 'LISTEN_FDS is "many"'),
                (["web"], {"LISTEN_FDS": "-1"}, 'LISTEN_FDS is "-1"'),
                (None, {"LISTEN_FDS": "99999999999999"}, "LISTEN_FDS is "),
                (None, {"LISTEN_FDS": "3000"}, " of LISTEN_FDS is not open"),
                (["web", "web"], {}, "LISTEN_FDNAMES has 2 names for 1 sockets")):
            with self.subTest(said=said):
                result = self.fails([web], config, names=names, **env)
                self.assertEqual(result.code, 2, result)
                self.assertIn(said, result.err)

    def test_the_descriptor_of_the_ready_line_is_not_one_of_them(self):
        web = self.bound()
        config = f'[services.web]\ntype = "echo"\nlisten = "{name_of(web)}"\n'
        result = self.fails([web], config, "--ready-fd", "3", names=["web"])
        self.assertEqual(result.code, 2, result)
        self.assertIn("--ready-fd 3 is one of the sockets that were passed to us", result.err)


class Notifications(Manager):
    CONFIG = '[services.web]\ntype = "echo"\nlisten = "127.0.0.1:0"\n'

    def test_ready_and_stopping(self):
        process = self.launch([], self.CONFIG)
        self.assertEqual(self.notifications.recv(4096),
                         b"READY=1\nSTATUS=1 service, 1 port\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.notifications.recv(4096),
                         b"STOPPING=1\nSTATUS=draining, 0 open\n")
        self.assertEqual(process.wait(TIMEOUT), 0)

    def test_an_abstract_address(self):
        name = f"polyport-test-{os.getpid()}"
        notifications = self.datagram_socket("\0" + name)
        self.launch([], self.CONFIG, NOTIFY_SOCKET="@" + name)
        self.assertTrue(notifications.recv(4096).startswith(b"READY=1\n"))

    def test_who_waits_for_a_port_is_ready_and_says_so(self):
        holder = self.bound()
        self.launch([], f'[services.web]\ntype = "echo"\nlisten = "{name_of(holder)}"\n'
                        'on_conflict = "retry"\n')
        self.assertEqual(self.notifications.recv(4096),
                         b"READY=1\nSTATUS=0 services, 0 ports; 1 listener waits for its port\n")
        holder.close()
        self.notifications.settimeout(60)
        self.assertEqual(self.notifications.recv(4096), b"STATUS=1 service, 1 port\n")

    def test_nobody_there_is_a_warning(self):
        self.launch([], self.CONFIG, NOTIFY_SOCKET="/no/such/socket")
        wait_until(lambda: "not_notified" in self.errors.read_text(), "the warning")

    def test_a_start_that_fails_is_not_ready(self):
        holder = self.bound()
        self.fails([], f'[services.web]\ntype = "echo"\nlisten = "{name_of(holder)}"\n')
        self.notifications.settimeout(0)
        with self.assertRaises(BlockingIOError):
            self.notifications.recv(4096)


class Published(ProgramTest):
    def test_a_sealed_memory_file_names_the_services(self):
        server = self.start(config='[services.web]\ntype = "echo"\nlisten = "127.0.0.1:0"\n')
        links = [link for link in pathlib.Path(f"/proc/{server.pid}/fd").iterdir()
                 if os.readlink(link).startswith("/memfd:polyport-services")]
        self.assertEqual(len(links), 1)
        self.assertEqual(links[0].stat().st_mode & 0o777, 0o400)
        published = json.loads(links[0].read_text())
        self.assertEqual((published["event"], published["pid"]), ("ready", server.pid))
        web = published["services"][0]
        self.assertEqual((web["name"], web["listeners"][0]["bound"]),
                         ("web", "%s:%d" % server.address("web")))
        fd = os.open(links[0], os.O_RDONLY)
        self.addCleanup(os.close, fd)
        seals = fcntl.fcntl(fd, 1034)  # F_GET_SEALS
        self.assertEqual(seals & 0xf, 0xf)  # seal, shrink, grow, write


if __name__ == "__main__":
    unittest.main()
