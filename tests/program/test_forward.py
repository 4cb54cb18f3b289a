"""forward in front of real servers: what clients get, what is said when nobody answers, and names that
change."""
# ctest: timeout=240

import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
import unittest

import support
from support import (Namespace, ProgramTest, cli, connect, read_exactly, read_to_end, run_tool,
                     tool, wait_until)


class Listening:
    """A server of the test's own: accepts, says its name, sends back what it hears."""

    def __init__(self, name, address=("127.0.0.1", 0)):
        self.name = name
        self.socket = socket.create_server(address)
        self.port = self.socket.getsockname()[1]
        self.connections = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.sendall(self.name.encode() + b"\n")
            while part := connection.recv(65536):
                connection.sendall(part)
            connection.close()
        except OSError:
            pass

    def close(self):
        """Nobody listens any more; what is open stays."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


class ForwardTest(ProgramTest):
    def listening(self, *args):
        server = Listening(*args)
        self.addCleanup(lambda: [c.close() for c in server.connections])
        self.addCleanup(server.socket.close)
        return server

    def forward(self, upstream, more="", **settings):
        ports = ", ".join(f'"{each}"' for each in upstream)
        return self.start(config=f"""
            [services.fwd]
            type = "forward"
            listen = "127.0.0.1:0"
            upstream = [{ports}]
            {more}
            """, **settings)

    def first_line(self, server):
        """Which upstream a new client gets, or None where it is reset."""
        try:  # the reset may come before connect() has returned
            with connect(server.address("fwd")) as sock:
                return support.read_line(sock).decode().strip()
        except ConnectionResetError:
            return None

    def status(self, server):
        rows = server.get_json("admin", "/api/v1/services")["services"]
        return next(row for row in rows if row["name"] == "fwd")


def children_server(test, command, pattern, **settings):
    """Starts a server that says its port on stdout or stderr; returns (process, port)."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, **settings)

    def end():
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()

    test.addCleanup(end)
    said = b""
    deadline = time.monotonic() + support.TIMEOUT
    while not (found := re.search(pattern, said)):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise AssertionError(f"{command[0]} says no port: {said!r}")
        part = os.read(process.stdout.fileno(), 4096)
        if not part:
            raise AssertionError(f"{command[0]} has ended: {said!r}")
        said += part
    return process, int(found[1])


class Streams(ForwardTest):
    def test_an_upstream_that_is_killed_and_comes_back(self):
        upstream = self.listening("one")
        server = self.forward([f"127.0.0.1:{upstream.port}"])
        self.assertEqual(self.first_line(server), "one")
        upstream.close()
        self.assertIsNone(self.first_line(server))
        status = self.status(server)
        self.assertEqual(status["state"], "live")
        refused = f"127.0.0.1:{upstream.port}: Connection refused"
        self.assertEqual(status["reason"], f"no upstream answers: {refused}")
        row = status["upstreams"][0]
        self.assertEqual((row["state"], row["error"]), ("failed", refused))
        self.assertEqual(row["failed_total"], {"refused": 1})
        self.listening("two", ("127.0.0.1", upstream.port))
        self.assertEqual(self.first_line(server), "two")
        self.assertEqual(self.status(server)["reason"], "")
        # The log has a thread of its own.
        back = f"upstream_back  service=fwd  tcp://127.0.0.1:{upstream.port} answers again"
        wait_until(lambda: back in server.stderr(), "the log says that it answers again")
        log = server.stderr()
        self.assertIn(f"upstream_failed  service=fwd  {refused}", log)
        self.assertIn(f"a client was turned away, no upstream answers: {refused}", log)

    def test_a_thousand_clients_in_vain_are_one_line(self):
        upstream = self.listening("gone")
        server = self.forward([f"127.0.0.1:{upstream.port}"])
        upstream.close()
        for _ in range(200):
            self.assertIsNone(self.first_line(server))
        self.assertEqual(self.status(server)["upstreams"][0]["failed_total"], {"refused": 200})
        self.assertLessEqual(server.stderr().count("no_upstream"), 3)
        metrics = server.get("health", "/metrics")[2].decode()
        self.assertIn('polyport_connections_closed_total{service="fwd",reason="upstream_failed"} 200',
                      metrics)
        self.assertIn('polyport_upstream_failed_total{service="fwd",reason="refused"} 200', metrics)

    def test_of_two_one_is_dead(self):
        one, two = self.listening("one"), self.listening("two")
        server = self.forward([f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"])
        self.assertEqual({self.first_line(server) for _ in range(4)}, {"one", "two"})
        one.close()
        self.assertEqual({self.first_line(server) for _ in range(6)}, {"two"})
        self.assertEqual(self.status(server)["reason"], "")
        self.assertEqual(self.status(server)["upstreams"][0]["failed_total"], {"refused": 1})

    def test_half_close_with_a_client_that_uses_it(self):
        upstream = self.listening("hello")
        server = self.forward([f"127.0.0.1:{upstream.port}"])
        host, port = server.address("fwd")
        # socat sends its input, then its FIN, and prints what comes until the other's.
        said = run_tool("socat", "-t", "20", "-", f"TCP:{host}:{port}", input="x" * 300_000)
        self.assertEqual(said.code, 0)
        self.assertEqual(said.out, "hello\n" + "x" * 300_000)

    def test_a_unix_listener_before_tcp_and_tcp_before_unix(self):
        folder = self.folder()
        upstream = self.listening("behind")
        server = self.start(config=f"""
            [services.fwd]
            type = "forward"
            listen = "unix://{folder}/front"
            upstream = "127.0.0.1:{upstream.port}"
            [services.again]
            type = "forward"
            listen = "127.0.0.1:0"
            upstream = "unix://{folder}/elsewhere"
            [services.echo]
            listen = "unix://{folder}/elsewhere"
            """)
        self.assertEqual(self.first_line(server), "behind")
        with connect(server.address("again")) as sock:
            sock.sendall(b"to a unix socket")
            self.assertEqual(read_exactly(sock, 16), b"to a unix socket")

    def test_a_process_that_forwards_to_itself_over_a_unix_socket(self):
        folder = self.folder()
        server = self.start(config=f"""
            [services.fwd]
            type = "forward"
            listen = "unix://{folder}/a"
            upstream = "unix://{folder}/b"
            [services.b]
            type = "forward"
            listen = "unix://{folder}/b"
            upstream = "unix://{folder}/a"
            """)
        with connect(server.address("fwd")) as sock:
            self.assertEqual(read_to_end(sock), b"")  # unix sockets know no RST
        wait_until(lambda: "is this process itself, on a unix socket" in server.stderr(),
                   "the log names the loop")


class Datagrams(ForwardTest):
    def answering(self, answers, address=("127.0.0.1", 0)):
        """A UDP server whose answers to a datagram `answers(datagram)` lists; its address."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(address)

        def serve():
            while True:
                try:
                    data, peer = sock.recvfrom(65536)
                except OSError:
                    return
                if data == b"end":
                    return
                for answer in answers(data):
                    sock.sendto(answer, peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        def end():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", sock.getsockname())
            thread.join(support.TIMEOUT)
            sock.close()

        self.addCleanup(end)
        return sock.getsockname()

    def forward_udp(self, port, more="", **settings):
        return self.start(config=f"""
            [services.fwd]
            type = "forward"
            listen = "udp://127.0.0.1:0"
            upstream = "udp://127.0.0.1:{port}"
            {more}
            """, **settings)

    def test_echo_through_another_service_of_the_same_process(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = self.forward_udp(
            port, f'[services.echo]\nlisten = "udp://127.0.0.1:{port}"')
        with support.udp(server.address("fwd", "udp")) as sock:
            for size in (0, 1, 1400, 65507):
                sock.send(b"e" * size)
                self.assertEqual(sock.recv(70000), b"e" * size)
        row = self.status(server)["upstreams"][0]
        self.assertEqual((row["opened_total"], row["active"]), (1, 1))
        self.assertEqual((row["datagrams_in"], row["datagrams_out"]), (4, 4))
        metrics = server.get("health", "/metrics")[2].decode()
        self.assertIn('polyport_upstream_datagrams_total{service="fwd",direction="out"} 4', metrics)

    def test_a_name_server_behind_and_twenty_clients_at_once(self):
        # Questions and answers as DNS has them (RFC 1035 section 4.1.1): an id first, which tells a
        # client that an answer is its own.
        def answer(question):
            return [question[:2] + b"\x81\x80" + question[4:] + b"\xc0\x0c" + b"\x7f\0\0\1" * 8]

        _, port = self.answering(answer)
        server = self.forward_udp(port)
        clients = [support.udp(server.address("fwd", "udp")) for _ in range(20)]
        for round in range(5):
            for number, sock in enumerate(clients):
                question = bytes([round, number]) + b"\1\0\0\1\0\0\0\0\0\0\4name\0\0\1\0\1"
                sock.send(question)
            for number, sock in enumerate(clients):
                data = sock.recv(4096)
                self.assertEqual(data[:4], bytes([round, number]) + b"\x81\x80")
                self.assertGreater(len(data), len(question))
        for sock in clients:
            sock.close()
        self.assertEqual(self.status(server)["upstreams"][0]["opened_total"], 20)

    BURST = 60  # what the kernel holds for a socket that is read a little late

    def from_afar(self, amplification, question, answers):
        """How many bytes reach a client that is not on loopback, of what the upstream sends."""
        lab = Namespace()
        self.addCleanup(lab.close)
        subprocess.run(lab.wrap([tool("ip"), "address", "add", "192.0.2.1/32", "dev", "lo"]),
                       check=True, env=support.tool_environment())
        upstream = ("import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                    "s.bind(('127.0.0.1', 0)); print('port', s.getsockname()[1], flush=True)\n"
                    "while True:\n"
                    "  data, peer = s.recvfrom(65536)\n"
                    f"  for n in range({answers}): s.sendto(b'a' * 1000, peer)\n"
                    "  s.sendto(b'.', peer)\n")
        _, port = children_server(self, lab.wrap([sys.executable, "-c", upstream]), rb"port (\d+)")
        server = self.start(config=f"""
            [services.fwd]
            type = "forward"
            listen = "udp://0.0.0.0:0"
            upstream = "udp://127.0.0.1:{port}"
            udp_amplification = "{amplification}"
            """, namespace=lab)
        code = ("import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                "s.bind(('192.0.2.1', 0)); s.settimeout(1)\n"
                f"s.sendto(b'q' * {question}, ('192.0.2.1', {server.port('fwd', 'udp')}))\n"
                "got = 0\n"
                "try:\n"
                "  while True: got += len(s.recv(65536))\n"
                "except TimeoutError: print(got)\n")
        client = subprocess.run(lab.wrap([sys.executable, "-c", code]), stdout=subprocess.PIPE,
                                timeout=support.TIMEOUT)
        # The admin page is in the namespace, too: it is asked from there.
        host, port = server.address("health")
        page = subprocess.run(
            lab.wrap([tool("curl"), "--silent", f"http://{host}:{port}/metrics"]),
            stdout=subprocess.PIPE, env=support.tool_environment(), timeout=support.TIMEOUT)
        refused = re.search(rb'refused_total\{service="fwd",listener="fwd.main.0",'
                            rb'reason="amplification"\} (\d+)', page.stdout)
        return int(client.stdout), int(refused[1]) if refused else 0

    def test_many_answers_for_one_forged_question_are_paid_for(self):
        got, refused = self.from_afar("limit", 10, self.BURST)
        # Ten at once, and ten more for each second that the answering took.
        self.assertGreaterEqual(got, 10 * 1000)
        self.assertLess(got, self.BURST * 1000)
        self.assertEqual(got // 1000 + refused, self.BURST)
        self.assertEqual(got % 1000, 1)  # the dot at the end is smaller than the question

    def test_what_the_client_has_sent_is_free(self):
        got, refused = self.from_afar("refuse", 5000, self.BURST)
        self.assertEqual(got, 5 * 1000)
        self.assertEqual(refused, self.BURST - 5 + 1)  # the large ones, and the last dot

    def test_who_allows_it_gets_it(self):
        got, refused = self.from_afar("allow", 10, self.BURST)
        self.assertEqual((got, refused), (self.BURST * 1000 + 1, 0))


class Check(ForwardTest):
    def findings(self, text):
        path = self.folder() / "forward.toml"
        path.write_text(text)
        result = cli("check", path)
        self.assertEqual(result.code, 1, result)
        return result.out.replace(f"{path}:", "")

    def test_what_cannot_work_is_said_with_its_place(self):
        found = self.findings("""[services.a]
type = "forward"
listen = "localhost:9000"

[services.b]
type = "forward"
listen = ["localhost:9001", "udp://localhost:9001"]
upstream = ["localhost:9001", "*:80", "127.0.0.1:0", "0.0.0.0:80"]

[services.c]
type = "forward"
listen = "localhost:9002"
upstream = "udp://localhost:53"
""")
        for line in [
            "1:11: error: upstream: there is nothing to forward to "
            "(add a line like upstream = \"localhost:8000\")",
            "8:13: error: upstream: tcp://localhost:9001 is where this service listens: it would "
            "forward to itself for ever",
            "8:31: error: upstream: tcp://*:80 stands for every address of a machine",
            "8:39: error: upstream: tcp://127.0.0.1:0 has port 0, where nobody can be reached",
            "8:54: error: upstream: tcp://0.0.0.0:80 stands for every address",
            "7:29: error: listen: udp://localhost:9001 has no upstream: none is udp",
            "12:10: error: listen: tcp://localhost:9002 has no upstream: none is tcp or unix",
            "13:12: error: upstream: no client comes to udp://localhost:53: no listener is udp",
        ]:
            self.assertIn(line, found)

    def test_a_section_without_a_port_and_an_option_it_does_not_take(self):
        found = self.findings('[services.d]\ntype = "forward"\nupstream = "localhost:80"\n'
                              'slow_reader = "pause"\n')
        self.assertIn("[services.d] has no port of its own", found)
        self.assertIn('"slow_reader" is not an option of this service (a slow side holds up the '
                      'other one', found)

    def test_an_offset_moves_the_listener_only(self):
        upstream = self.listening("stays")
        server = self.start("--offset", "1", config=f"""
            [services.fwd]
            type = "forward"
            listen = "127.0.0.1:0"
            upstream = "127.0.0.1:{upstream.port}"
            """)
        self.assertEqual(self.first_line(server), "stays")


def with_hosts(hosts, resolv=None):
    """A wrapper that gives a command /etc/hosts (and /etc/resolv.conf) of its own."""
    for unshare in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        trial = subprocess.run([*unshare, "mount", "--bind", str(hosts), "/etc/hosts"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, timeout=10)
        if trial.returncode == 0:
            break
    else:
        raise unittest.SkipTest("this user cannot mount a hosts file of its own (unshare --mount)")
    script = f'mount --bind "{hosts}" /etc/hosts && '
    if resolv is not None:
        script += f'mount --bind "{resolv}" /etc/resolv.conf && '
    return [*unshare, "sh", "-c", script + 'exec "$@"', "sh"]


class Names(ForwardTest):
    def test_a_name_that_moves_takes_new_clients_along(self):
        hosts = self.folder() / "hosts"
        hosts.write_text("127.0.0.1 localhost\n127.0.0.1 backend.polyport.test\n")
        wrapper = with_hosts(hosts)
        one = self.listening("one")
        self.listening("two", ("127.0.0.2", one.port))
        server = self.forward([f"backend.polyport.test:{one.port}"], 'resolve_every = "200ms"',
                              wrapper=wrapper)
        old = connect(server.address("fwd"))
        self.addCleanup(old.close)
        self.assertEqual(support.read_line(old), b"one\n")
        self.assertEqual(self.status(server)["upstreams"][0]["addresses"],
                         [f"127.0.0.1:{one.port}"])
        # Written in place: the mount shows this very file.
        hosts.write_text("127.0.0.1 localhost\n127.0.0.2 backend.polyport.test\n")
        wait_until(lambda: self.first_line(server) == "two", "new clients follow the name")
        old.sendall(b"still here")
        self.assertEqual(read_exactly(old, 10), b"still here")
        wait_until(lambda: f"backend.polyport.test is 127.0.0.2:{one.port}, no longer "
                           f"127.0.0.1:{one.port}" in server.stderr(), "the log says so")

    def test_a_server_that_moved_is_found_when_the_old_one_does_not_answer(self):
        hosts = self.folder() / "hosts"
        hosts.write_text("127.0.0.1 backend.polyport.test\n")
        wrapper = with_hosts(hosts)
        one = self.listening("one")
        two = self.listening("two", ("127.0.0.2", one.port))
        server = self.forward([f"backend.polyport.test:{one.port}"], 'resolve_every = "1h"',
                              wrapper=wrapper)
        self.assertEqual(self.first_line(server), "one")
        one.close()
        hosts.write_text("127.0.0.2 backend.polyport.test\n")
        wait_until(lambda: self.first_line(server) == "two", "the name is asked again")
        two.close()

    def test_a_name_server_that_never_answers_holds_up_nobody(self):
        lab = Namespace()
        self.addCleanup(lab.close)
        folder = self.folder()
        (folder / "hosts").write_text("127.0.0.1 localhost\n")
        (folder / "resolv").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
        wrapper = with_hosts(folder / "hosts", folder / "resolv")
        code = ("import socket,time; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                "s.bind(('127.0.0.1', 53)); print('port', 53, flush=True); "
                "time.sleep(600)")
        children_server(self, lab.wrap([sys.executable, "-c", code]), rb"port (\d+)")
        server = self.start(config="""
            [services.fwd]
            type = "forward"
            listen = "127.0.0.1:0"
            upstream = "nobody-knows.polyport.test:80"
            connect_timeout = "300ms"
            [services.echo]
            listen = "unix:@polyport-forward-%d"
            """ % os.getpid(), namespace=lab, wrapper=wrapper)
        host, port = server.address("fwd")
        code = ("import socket\n"
                f"try: print(socket.create_connection(('{host}', {port}), timeout=30).recv(1))\n"
                "except ConnectionResetError: print('reset')\n")
        client = subprocess.run(lab.wrap([sys.executable, "-c", code]), stdout=subprocess.PIPE,
                                timeout=support.TIMEOUT)
        self.assertEqual(client.stdout, b"reset\n")
        wait_until(lambda: "nobody-knows.polyport.test: no name server has answered yet"
                   in server.stderr(), "the log names the look-up that hangs")
        # The look-up hangs for minutes; the end of the process does not wait for it.
        server.stop()


class HttpServer(ForwardTest):
    def http_server(self, folder):
        return children_server(
            self, [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1",
                   "--directory", str(folder)], rb"port (\d+)")

    def test_curl_through_to_python(self):
        folder = self.folder()
        content = os.urandom(3_000_000)
        (folder / "page").write_bytes(content)
        process, port = self.http_server(folder)
        server = self.forward([f"127.0.0.1:{port}"])
        url = server.url("fwd", "/page")
        got = folder / "got"
        for _ in range(3):
            result = run_tool("curl", "--silent", "--show-error", "--fail", "-o", got, url)
            self.assertEqual(result.code, 0, result)
            self.assertEqual(got.read_bytes(), content)
        process.kill()
        process.wait()
        result = run_tool("curl", "--silent", "--show-error", url)
        # Reset, which curl meets while it connects, sends or reads.
        self.assertIn(result.code, (7, 52, 55, 56), result)
        self.assertIn("no upstream answers", self.status(server)["reason"])
        self.assertEqual(self.status(server)["upstreams"][0]["bytes_in"] > 9_000_000, True)


if __name__ == "__main__":
    unittest.main()
