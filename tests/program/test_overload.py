# ctest: timeout=2400 serial
"""Full and overloaded: at 120 % of each limit whoever was admitted is served, everybody else gets what
docs/limits.md says, each reason is counted, and afterwards all is normal again by itself.

The pressure lasts some seconds, and a minute with scripts/test --full. Time is not asserted.
"""

import json
import select
import ssl
import subprocess
import sys
import time
import unittest

from overload_support import BRIEF, OverloadTest
from support import (Namespace, TIMEOUT, connect, peak_bytes, read_exactly, read_to_end, tool,
                     wait_until)
from tls_support import client_context, openssl, section

GET = b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"


def silent(sock, seconds=0.05):
    """Nothing comes, and it stays open."""
    return not select.select([sock], [], [], seconds)[0]


class Connections(OverloadTest):
    LIMIT = 50
    OVER = 60  # 120 %

    def get(self, sock):
        """One request on a connection that stays; its status."""
        sock.sendall(GET)
        head = b""
        while b"\r\n\r\n" not in head:
            part = sock.recv(1 << 16)
            if not part:
                return None
            head += part
        return int(head.split()[1])

    def test_wait(self):
        self.server = self.start(config='[services.echo]\nlisten = "127.0.0.1:0"\n'
                                        f"max_connections = {self.LIMIT}\n")
        address = self.server.address("echo")
        admitted = [self.join(address) for _ in range(self.LIMIT)]
        for sock in admitted:
            self.assert_echoes(sock)
        waiting = [self.join(address) for _ in range(self.OVER - self.LIMIT)]
        for sock in waiting:
            sock.sendall(b"me too")

        def step():
            for sock in admitted:
                self.assert_echoes(sock)
            self.assertTrue(all(silent(sock, 0) for sock in waiting))

        self.under_pressure(step)
        limits = self.status("echo")["limits"]
        self.assertEqual((limits["connections"], limits["max_connections"]), (self.LIMIT, self.LIMIT))
        self.assertGreaterEqual(self.refused("echo")["limit_connections"], 1)
        for sock in admitted[:len(waiting)]:
            sock.close()
        for sock in waiting:
            self.assertEqual(read_exactly(sock, 6), b"me too")

    def test_close_idle(self):
        # One byte at a time is below body_min_rate: not what is looked at here.
        self.server = self.start(config='[services.web]\ntype = "http"\nlisten = "127.0.0.1:0"\n'
                                        f'max_connections = {self.LIMIT}\nbody_timeout = "600s"\n')
        address = self.server.address("web")
        busy = self.join(address)  # in the middle of a request all the time
        busy.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        everybody = [self.join(address) for _ in range(self.OVER)]
        came = 0

        def step():
            # Each is served, on a connection that stays or a new one: nobody waits behind the idle.
            nonlocal came
            busy.sendall(b"x")
            for i, sock in enumerate(everybody):
                try:
                    status = self.get(sock)
                except OSError:
                    status = None  # it was idle, and went
                if status is None:
                    sock.close()
                    everybody[i] = self.join(address)
                    came += 1
                    status = self.get(everybody[i])
                self.assertEqual(status, 200)

        self.under_pressure(step)
        self.assertGreaterEqual(came, self.OVER - self.LIMIT)
        self.assertGreaterEqual(self.closed("web")["made_room"], self.OVER - self.LIMIT)
        self.assertLessEqual(self.status("web")["limits"]["connections"], self.LIMIT)
        self.assertTrue(silent(busy))

    def test_refuse_is_told_in_each_protocol(self):
        full = 'max_connections = 1\nwhen_full = "refuse"\n'
        self.server = self.start(
            config='[services.chat]\nlisten = ["127.0.0.1:0", "ws://127.0.0.1:0"]\n'
                   f'web = "127.0.0.1:0"\nirc = "127.0.0.1:0"\n{full}'
                   f'[services.web]\ntype = "http"\nlisten = "127.0.0.1:0"\n{full}'
                   f'[services.mail]\ntype = "banner"\nlisten = "127.0.0.1:0"\n{full}'
                   f'[services.echo]\nlisten = "127.0.0.1:0"\n{full}')
        full = self.join(self.server.address("chat"))
        self.assertIn(b"You are", full.recv(100))

        def hears(*where, says=b"", **door):
            with self.join(self.server.address(*where, **door)) as sock:
                sock.sendall(says)
                return read_to_end(sock)

        def step():
            self.assertEqual(hears("chat", transport="tcp", door="main"),
                             b"* The chat is full: come again in a moment.\r\n")
            # Clients of IRC do not wait for anything before they speak.
            self.assertEqual(hears("chat", door="irc", says=b"NICK a\r\nUSER a 0 * :a\r\n"),
                             b"ERROR :Closing link: the chat is full, come again in a moment\r\n")
            for door in ({"door": "web"}, {"transport": "ws"}):
                head, _, body = hears("chat", says=GET, **door).partition(b"\r\n\r\n")
                self.assertTrue(head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n"), head)
                self.assertIn(b"\r\nRetry-After: 1", head)
                self.assertIn(b"\r\nContent-Length: %d\r\n" % len(body), head)

        self.under_pressure(step, BRIEF)
        refusals = self.refused("chat")["limit_connections"]
        self.assertGreaterEqual(refusals, 12)

        others = [self.join(self.server.address(name)) for name in ("web", "mail", "echo")]
        others[0].sendall(GET)
        others[0].recv(100)
        self.assert_echoes(others[2])
        read_exactly(others[1], 10)
        self.assertTrue(hears("web", says=GET).startswith(b"HTTP/1.1 503 "))
        self.assertEqual(hears("mail"), b"421 4.3.2 Too many connections, try again in a moment\r\n")
        self.assertEqual(hears("echo"), b"")  # its protocol has no word for it
        for sock in others + [full]:
            sock.close()
        wait_until(lambda: self.status("chat")["limits"]["connections"] == 0, "the chat is empty")
        again = self.join(self.server.address("chat"))
        self.assertIn(b"You are", again.recv(100))

    def test_refuse_on_encrypted_ports_is_an_alert_whatever_the_service(self):
        doors = {"mail": "tls", "echo": "tls", "web": "tls", "chat": "wss"}
        # Who fills the web says nothing all the time.
        types = {"mail": 'type = "banner"', "web": 'type = "http"\nheader_timeout = "600s"'}
        # One on a plain port fills the service; the second client of its kind is one too many.
        self.server = self.start(config="".join(
            f'[services.{name}]\n{types.get(name, "")}\nmax_connections = 1\n'
            f'listen = ["127.0.0.1:0", "{transport}://127.0.0.1:0"]\nwhen_full = "refuse"\n' +
            section(name) for name, transport in doors.items()))
        inside = [self.join(self.server.address(name, "tcp")) for name in doors]
        for name in doors:
            wait_until(lambda: self.status(name)["limits"]["connections"] == 1, f"{name} is full")

        def step():
            for name, transport in doors.items():
                address = self.server.address(name, transport)
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    with connect(address) as raw, self.assertRaises(ssl.SSLError) as caught:
                        client_context(version=version).wrap_socket(raw, server_hostname="localhost")
                    self.assertIn("alert internal error", str(caught.exception).replace("_", " ").lower())
                said = openssl("s_client", "-connect", "%s:%d" % address)
                self.assertIn("SSL alert number 80", said)
                self.assertNotIn("errno=", said)  # a reset would be one

        count = 3 * self.under_pressure(step, BRIEF)
        for name in doors:
            self.assertEqual(self.refused(name), {"limit_connections": count})
        # On the plain port of the same service its own words are what they were.
        with self.join(self.server.address("mail", "tcp")) as sock:
            self.assertTrue(read_to_end(sock).startswith(b"421 4.3.2 "))
        for sock in inside:
            sock.close()
        wait_until(lambda: self.status("echo")["limits"]["connections"] == 0, "the echo is empty")
        raw = self.join(self.server.address("echo", "tls"))
        with client_context().wrap_socket(raw, server_hostname="localhost") as again:
            self.assert_echoes(again)

    def test_of_the_process(self):
        self.server = self.start(config=f"[server]\nmax_connections = {self.LIMIT}\n"
                                        '[services.echo]\nlisten = "127.0.0.1:0"\n'
                                        '[services.discard]\nlisten = "127.0.0.1:0"\n')
        echoes = [self.join(self.server.address("echo")) for _ in range(self.LIMIT // 2)]
        others = [self.join(self.server.address("discard")) for _ in range(self.LIMIT // 2)]
        for sock in echoes:
            self.assert_echoes(sock)
        wait_until(lambda: self.status("discard")["limits"]["connections"] == self.LIMIT // 2,
                   "all are in")
        waiting = [self.join(self.server.address("echo")) for _ in range(self.OVER - self.LIMIT)]
        waiting[0].sendall(b"x")

        def step():
            for sock in echoes:
                self.assert_echoes(sock)
            self.assertTrue(silent(waiting[0], 0))
            self.assertEqual(self.server.get("health", "/healthz")[0], 200)

        self.under_pressure(step)
        # Health and admin are not counted.
        self.assertEqual(self.status()["process"]["max_connections"], self.LIMIT)
        self.assertGreaterEqual(self.refused("echo")["limit_connections"], 1)
        for sock in others:
            sock.close()
        self.assertEqual(read_exactly(waiting[0], 1), b"x")
        self.assert_echoes(self.join(self.server.address("echo")))


class Addresses(OverloadTest):
    LIMIT = 20

    def check(self, config):
        self.server = self.start(config=config)
        address = self.server.address("echo")
        admitted = [self.join(address) for _ in range(self.LIMIT)]
        for sock in admitted:
            self.assert_echoes(sock)

        def step():
            with self.join(address) as over:
                self.assertEqual(over.recv(1), b"")
            with self.join(address, source="127.0.0.2") as other:
                self.assert_echoes(other)
            self.assert_echoes(admitted[0])

        count = self.under_pressure(step, BRIEF)
        self.assertEqual(self.refused("echo"), {"limit_address": count})
        admitted.pop().close()
        wait_until(lambda: self.status("echo")["limits"]["connections"] < self.LIMIT, "one has gone")
        self.assert_echoes(self.join(address))

    def test_of_a_service(self):
        self.check('[services.echo]\nlisten = "127.0.0.1:0"\n'
                   f"max_connections_per_address = {self.LIMIT}\n")

    def test_of_the_process(self):
        self.check(f"[server]\nmax_connections_per_address = {self.LIMIT}\n"
                   '[services.echo]\nlisten = "127.0.0.1:0"\n')


    def test_on_an_encrypted_port_it_is_told_by_an_alert(self):
        self.server = self.start(config='[services.echo]\nlisten = "tls://127.0.0.1:0"\n'
                                        "max_connections_per_address = 1\n" + section("echo"))
        address = self.server.address("echo")
        context = client_context()
        with context.wrap_socket(self.join(address), server_hostname="localhost") as admitted:
            self.assert_echoes(admitted)
            with self.join(address) as over, self.assertRaisesRegex(ssl.SSLError, "(?i)internal.error"):
                context.wrap_socket(over, server_hostname="localhost")
            self.assertEqual(self.refused("echo"), {"limit_address": 1})
            self.assert_echoes(admitted)


# In a network namespace: addresses of two /64 on its loopback, and one client after the other.
INSIDE = """
import http.client, json, socket, sys, time
port, admin, limit, seconds = map(int, sys.argv[1:])
HERE, ELSEWHERE = "fd00:0:0:1::", "fd00:0:0:2::"

def join(address):
    return socket.create_connection(("::1", port), 30, (address, 0))

def echoes(sock):
    sock.sendall(b"here")
    return sock.recv(4) == b"here"

def echo():
    asked = http.client.HTTPConnection("127.0.0.1", admin, timeout=30)
    asked.request("GET", "/api/v1/services")
    page = json.load(asked.getresponse())
    asked.close()
    return next(each for each in page["services"] if each["name"] == "echo")

admitted = [join(f"{HERE}{2 + i % 3}") for i in range(limit)]
served = all(echoes(sock) for sock in admitted)
end, count, wrong = time.monotonic() + seconds, 0, 0
while count < 3 or time.monotonic() < end:
    with join(f"{HERE}{2 + count % 3}") as over, join(ELSEWHERE + "2") as other:
        wrong += over.recv(1) != b""
        served &= echoes(other) and echoes(admitted[count % limit])
    count += 1
refused = echo()["listeners"][0]["refused_total"]
admitted.pop().close()
end = time.monotonic() + 30
while echo()["limits"]["connections"] >= limit and time.monotonic() < end:
    time.sleep(0.01)
print(json.dumps({"served": served, "wrong": wrong, "again": echoes(join(HERE + "4")),
                  "refused": refused["limit_address"] - count}))
"""


class Networks(OverloadTest):
    LIMIT = 20

    def check(self, config):
        with Namespace() as lab:
            for network in (1, 2):
                for host in (2, 3, 4):
                    subprocess.run(lab.wrap([tool("ip"), "-6", "address", "add",
                                             f"fd00:0:0:{network}::{host}/64", "dev", "lo", "nodad"]),
                                   check=True, timeout=TIMEOUT)
            server = self.start(config=config, namespace=lab)
            done = subprocess.run(
                lab.wrap([sys.executable, "-c", INSIDE, str(server.port("echo")),
                          str(server.port("admin")), str(self.LIMIT), str(BRIEF)]),
                stdout=subprocess.PIPE, timeout=BRIEF + 120, check=True)
            self.assertEqual(json.loads(done.stdout),
                             {"served": True, "wrong": 0, "again": True, "refused": 0})
            server.stop()

    def test_of_a_service(self):
        self.check('[services.echo]\nlisten = "[::1]:0"\n'
                   f"max_connections_per_address = {self.LIMIT}\n")

    def test_of_the_process(self):
        self.check(f'[server]\nmax_connections_per_address = {self.LIMIT}\n'
                   '[services.echo]\nlisten = "[::1]:0"\n')


class Rate(OverloadTest):
    RATE = 50

    def check(self, config):
        self.server = self.start(config=config)
        address = self.server.address("echo")
        began = time.monotonic()
        admitted = self.join(address)
        self.assert_echoes(admitted)
        clients = []

        def step():
            # Beside what the bucket had saved up, 120 % of the limit.
            while len(clients) < self.RATE + 1.2 * self.RATE * (time.monotonic() - began):
                sock = self.join(address)
                sock.sendall(b"served")
                clients.append(sock)
            self.assert_echoes(admitted)

        self.under_pressure(step)
        accepted = sum(listener["accepted_total"] for listener in self.status("echo")["listeners"])
        self.assertLessEqual(accepted, self.RATE * (time.monotonic() - began + 2))
        self.assertGreaterEqual(self.refused("echo")["limit_rate"], 1)
        for sock in clients:  # left in the backlog, and served in their turn
            self.assertEqual(read_exactly(sock, 6), b"served")
        self.assert_echoes(self.join(address))

    def test_of_a_service(self):
        self.check('[services.echo]\nlisten = "127.0.0.1:0"\n'
                   f"max_new_connections_per_second = {self.RATE}\n")

    def test_of_the_process(self):
        self.check(f"[server]\nmax_new_connections_per_second = {self.RATE}\n"
                   '[services.echo]\nlisten = "127.0.0.1:0"\n')


class Queued(OverloadTest):
    """Readers that never read. Each may have write_high and one read queued."""

    EACH = 256 << 10
    READERS = 48

    def check(self, server_limit="", service_limit="", reason="limit_queued"):
        self.server = self.start(config=f'[server]\n{server_limit}\n[services.echo]\n'
                                        f'listen = "127.0.0.1:0"\n{service_limit}\n'
                                        'write_timeout = "600s"\n')
        address = self.server.address("echo")
        admitted = self.join(address)
        self.assert_echoes(admitted)
        readers = [self.join(address, receive_buffer=4096) for _ in range(self.READERS)]
        for sock in readers:
            sock.setblocking(False)
        most = 0

        def step():
            nonlocal most
            for sock in readers:
                try:
                    sock.send(b"q" * 65536)
                except OSError:
                    pass  # it takes no more, or was closed
            self.assert_echoes(admitted)
            most = max(most, self.status("echo")["limits"]["queued_bytes"])

        self.under_pressure(step)
        limit = self.EACH * self.READERS * 10 // 12  # what they want is 120 % of it
        self.assertGreaterEqual(self.closed("echo")[reason], 1)
        self.assertLess(self.closed("echo")[reason], self.READERS // 2)
        self.assertLessEqual(most, limit)
        self.assertGreater(most, limit // 2)
        for sock in readers:
            sock.close()
        wait_until(lambda: self.status("echo")["limits"]["queued_bytes"] == 0, "nothing is queued")
        self.assert_echoes(self.join(address))

    def limit(self, name="max_queued"):
        return f'{name} = "{self.EACH * self.READERS * 10 // 12}B"'

    def test_of_a_service(self):
        self.check(service_limit=self.limit())

    def test_of_the_process(self):
        self.check(server_limit=self.limit())

    def test_what_is_queued_counts_for_the_memory_of_a_service(self):
        self.check(service_limit=self.limit("memory_limit"), reason="limit_memory")


class SlowReaders(OverloadTest):
    """The limits of one connection: at write_high it is not read from, at write_limit it is closed."""

    READERS = 12
    HIGH = 64 << 10

    def check(self, slow_reader, step_more):
        self.server = self.start(config='[services.echo]\nlisten = "127.0.0.1:0"\n'
                                        f'slow_reader = "{slow_reader}"\nwrite_high = "{self.HIGH}B"\n'
                                        f'write_low = "16KiB"\nwrite_limit = "{self.HIGH * 12 // 10}B"\n'
                                        'write_timeout = "600s"\n')
        address = self.server.address("echo")
        admitted = self.join(address)
        readers = [self.join(address, receive_buffer=4096) for _ in range(self.READERS)]

        def step():
            for i, sock in enumerate(readers):
                try:
                    sock.setblocking(False)
                    sock.send(b"q" * 65536)
                except BlockingIOError:
                    pass
                except OSError:
                    sock.close()
                    readers[i] = self.join(address, receive_buffer=4096)
            self.assert_echoes(admitted)
            step_more()

        self.under_pressure(step)
        return admitted, readers

    def queued(self):
        return self.status("echo")["limits"]["queued_bytes"]

    def test_a_connection_that_is_over_write_limit_is_closed(self):
        def step():
            # Looked at before the next read is queued: one of them may be over it.
            self.assertLessEqual(self.queued(), self.READERS * (self.HIGH * 12 // 10 + 65536))

        admitted, readers = self.check("disconnect", step)
        wait_until(lambda: self.closed("echo").get("slow_reader", 0) >= self.READERS, "they are closed")
        for sock in readers:
            sock.close()
        wait_until(lambda: self.queued() == 0, "nothing is queued")
        self.assert_echoes(admitted)
        self.assert_echoes(self.join(self.server.address("echo")))

    def test_one_that_is_over_write_high_is_not_read_from_and_gets_all_of_it(self):
        def step():
            self.assertLessEqual(self.queued(), self.READERS * (self.HIGH + 65536))

        admitted, readers = self.check("pause", step)
        self.assertGreater(self.queued(), self.READERS * self.HIGH)
        self.assertEqual(self.closed("echo"), {})
        for sock in readers:  # as soon as it reads
            sock.settimeout(TIMEOUT)
            self.assertEqual(set(read_exactly(sock, 1 << 17)), {ord("q")})
            sock.close()
        wait_until(lambda: self.queued() == 0, "nothing is queued")
        self.assert_echoes(admitted)


class Memory(OverloadTest):
    """Bodies of a MiB that never end: together more than there is memory for."""

    ROOM = 64 << 20
    BODY = memoryview(b"b" * ((1 << 20) - 1))
    HEAD = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"

    # Freed memory is given back at once, or there would be nothing to measure.
    ENV = {"ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0:"
                           "allocator_release_to_os_interval_ms=0"}

    def start_web(self, process_limit="0B", service_limit="0B"):
        return self.start(config=f'[server]\nmemory_limit = "{process_limit}"\n[services.web]\n'
                                 'type = "http"\nlisten = "127.0.0.1:0"\nbody_timeout = "600s"\n'
                                 f'max_body = "1MiB"\nmemory_limit = "{service_limit}"\n'
                                 '[services.other]\ntype = "http"\nlisten = "127.0.0.1:0"\n',
                          env=self.ENV)

    def assert_serves(self, sock):
        sock.sendall(GET)
        self.assertIn(b"200 OK", sock.recv(1 << 16))

    def begin_uploads(self, count):
        """{socket: what it has not sent yet}, all of them in."""
        uploads = {}
        for _ in range(count):
            sock = self.join(self.server.address("web"))
            sock.sendall(self.HEAD)
            uploads[sock] = self.BODY
        wait_until(lambda: self.status("web")["limits"]["connections"] >= count, "all are in")
        for sock in uploads:
            sock.setblocking(False)
        return uploads

    def send_some(self, uploads):
        for sock, rest in uploads.items():
            try:
                uploads[sock] = rest[sock.send(rest):] if rest else rest
            except BlockingIOError:
                pass
            except OSError:
                uploads[sock] = b""  # it was closed

    def assert_some_were_told(self, uploads):
        answers = []
        for sock in uploads:
            try:
                answers.append(sock.recv(1 << 16))
            except OSError:
                pass  # it holds its MiB, or was reset behind the answer
        told = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
        self.assertGreaterEqual(len(told), 1)
        self.assertIn(b"\r\nRetry-After: 1\r\n", told[0])

    def test_a_limit_below_what_the_process_has_at_rest_is_told(self):
        server = self.start_web("1MiB")
        server.stop()
        self.assertIn("memory_limit 1MiB is too little: the process has ", server.stderr())

    def press(self, uploads, memory, limit):
        """Until some had to go, and then for the time of the test; `memory` tells how much there is."""
        admitted = [self.join(self.server.address(name)) for name in ("web", "other")]
        for sock in admitted:
            self.assert_serves(sock)

        def step():
            self.send_some(uploads)
            for sock in admitted:
                self.assert_serves(sock)
            self.assertLessEqual(memory(), limit)

        def shed():
            step()
            return self.closed("web").get("limit_memory")

        wait_until(shed, "some have to go", 90)
        # With those that hold little yet the next come to the limit, until all bodies are here or out.
        self.under_pressure(step)
        self.assertLess(self.closed("web")["limit_memory"], len(uploads) // 2)
        self.assertNotIn("limit_memory", self.closed("other"))

    def test_of_the_process(self):
        self.server = self.start_web("1TiB")
        before = self.status()["process"]["memory_bytes"]
        self.server.stop()
        limit = (before + self.ROOM) * 8 // 7  # nobody is kept out until the room is used
        self.server = self.start_web(f"{limit}B")
        early = [self.join(self.server.address(name)) for name in ("web", "other")]
        uploads = self.begin_uploads((limit - before) * 12 // 10 >> 20)
        self.press(uploads, lambda: self.status()["process"]["memory_bytes"], limit)
        self.assertLessEqual(peak_bytes(self.server.pid), limit)
        self.assert_some_were_told(uploads)
        for sock in [*uploads, *early]:
            sock.close()
        self.assert_serves(self.join(self.server.address("web")))

    def test_of_a_service(self):
        self.server = self.start_web(service_limit=f"{self.ROOM}B")

        def memory():
            limits = self.status("web")["limits"]
            self.assertEqual(limits["memory_limit"], self.ROOM)
            return limits["memory_bytes"]

        uploads = self.begin_uploads((self.ROOM >> 20) * 12 // 10)
        self.press(uploads, memory, self.ROOM)
        self.assertGreater(memory(), self.ROOM // 2)  # nobody had to go who did not have to
        metrics = self.server.get("health", "/metrics")[2].decode()
        self.assertIn('polyport_service_memory_limit_bytes{service="web"} %d\n' % self.ROOM, metrics)
        self.assertRegex(metrics, r'polyport_service_memory_bytes\{service="web"\} [1-9]')
        self.assertNotIn('memory_bytes{service="other"}', metrics)
        self.assert_some_were_told(uploads)
        for sock in uploads:
            sock.close()
        wait_until(lambda: memory() == 0, "nothing is held")
        self.assert_serves(self.join(self.server.address("web")))

    def test_new_clients_wait_while_a_service_is_near_its_limit(self):
        self.server = self.start_web(service_limit="8MiB")
        last, *full = self.begin_uploads(8)
        for sock in full:  # a MiB each
            sock.setblocking(True)
            sock.sendall(self.BODY)
        last.sendall(self.BODY[:1 << 17])
        near = 7 << 20
        wait_until(lambda: self.status("web")["limits"]["memory_bytes"] > near, "it is near")
        waiting = self.join(self.server.address("web"))
        waiting.sendall(GET)
        wait_until(lambda: self.refused("web").get("limit_memory"), "it has to wait")
        self.assertTrue(silent(waiting))
        self.assert_serves(self.join(self.server.address("other")))
        self.assertNotIn("limit_memory", self.closed("web"))
        full[0].close()
        self.assertIn(b"200 OK", waiting.recv(1 << 16))


class Descriptors(OverloadTest):
    def test_the_reserve_answers_when_the_descriptors_are_used_up(self):
        self.server = self.start(config='[server]\nreserve_descriptors = 40\n[services.echo]\n'
                                        'listen = "127.0.0.1:0"\n',
                                 wrapper=["sh", "-c", 'ulimit -n 200 && exec "$@"', "sh"])
        room = self.status()["process"]["descriptors_for_connections"]
        self.assertTrue(100 < room <= 160, room)
        address = self.server.address("echo")
        everybody = [self.join(address) for _ in range(room * 12 // 10)]
        for sock in everybody[:room - 5]:  # some are those who ask here
            self.assert_echoes(sock)

        def step():
            for sock in everybody[:20]:
                self.assert_echoes(sock)
            self.assertEqual(self.server.get("health", "/healthz")[0], 200)

        self.under_pressure(step)
        self.assertGreaterEqual(self.refused("echo")["descriptor_limit"], 1)
        for sock in everybody[:room]:
            sock.close()
        for sock in everybody[room:]:
            self.assert_echoes(sock)


if __name__ == "__main__":
    unittest.main()
