# ctest: timeout=600 serial
"""Clients that are slow on purpose: each is closed by its deadline, and counted with its reason; thousands
of them do not harm those who are not. slowhttptest is one of them."""

import subprocess
import threading
import unittest

from overload_support import FULL, OverloadTest
from support import TIMEOUT, connect, read_exactly, tool, tool_environment, wait_until

CONFIG = """
[services.web]
type = "http"
listen = "127.0.0.1:0"
header_timeout = "5s"
body_timeout = "5s"
body_min_rate = "1KiB"
keepalive_timeout = "5s"
write_timeout = "5s"
[services.other]
type = "http"
listen = "127.0.0.1:0"
[services.echo]
listen = "127.0.0.1:0"
idle_timeout = "5s"
"""


class Probe(threading.Thread):
    """Somebody honest, who asks the same service on new connections, and another one on a connection
    that stays, until told to stop."""

    PATIENCE = 120  # whether it is served is asked, not how fast

    def __init__(self, server):
        super().__init__()
        self.same, self.other = server.address("web"), server.address("other")
        self.stop, self.answers, self.trouble = threading.Event(), 0, None

    def run(self):
        try:
            with connect(self.other, self.PATIENCE) as kept:
                while not self.stop.wait(0.01):
                    with connect(self.same, self.PATIENCE) as new:
                        self.ask(kept)
                        self.ask(new)
        except (OSError, AssertionError) as error:
            self.trouble = repr(error)

    def ask(self, sock):
        sock.sendall(b"GET /bytes/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            part = sock.recv(4096)
            if not part:
                raise AssertionError(f"closed behind {head!r}")
            head += part
        if not head.startswith(b"HTTP/1.1 200 "):
            raise AssertionError(head)
        read_exactly(sock, 1000 - len(head.partition(b"\r\n\r\n")[2]))
        self.answers += 1


class SlowTest(OverloadTest):
    def setUp(self):
        super().setUp()
        self.server = self.start(config=CONFIG)
        self.probe = Probe(self.server)
        self.probe.start()
        self.addCleanup(self.end_probe)

    def end_probe(self):
        self.probe.stop.set()
        self.probe.join(self.probe.PATIENCE)

    def assert_nobody_was_harmed(self):
        self.end_probe()
        self.assertIsNone(self.probe.trouble)
        self.assertGreater(self.probe.answers, 10)


class Slow(SlowTest):
    EACH = 1000  # of five kinds

    # What each says first, and what it drips from then on; None: it says nothing more.
    KINDS = {
        "slow header": ("web", b"GET / HTTP/1.1\r\nX-Slow: ", b"x"),
        "slow body": ("web", b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", b"x"),
        # Never reads what it has asked for: more than its kernel takes.
        "slow reader": ("web", b"GET /bytes/1000000 HTTP/1.1\r\nHost: a\r\n\r\n" * 3, None),
        "kept and idle": ("web", b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n", None),
        "silent": ("echo", b"", None),
    }

    def test_each_is_closed_by_its_deadline(self):
        clients = []
        for service, first, drip in self.KINDS.values():
            address = self.server.address(service)
            for _ in range(self.EACH):
                sock = self.join(address, receive_buffer=4096)
                sock.setblocking(False)
                if first:
                    sock.send(first)
                clients.append((sock, drip))

        expected = {"header_timeout": self.EACH, "body_timeout": self.EACH,
                    "write_timeout": self.EACH, "idle_timeout": self.EACH}

        def all_closed():
            for sock, drip in clients:
                try:
                    if drip:
                        sock.send(drip)
                except OSError:
                    pass  # it is out
            web, echo = self.closed("web"), self.closed("echo")
            return (all(web.get(reason, 0) >= count for reason, count in expected.items()) and
                    echo.get("idle_timeout", 0) >= self.EACH)

        wait_until(all_closed, "all slow clients are closed", 120)
        web = self.closed("web")
        self.assertEqual({reason: web.get(reason) for reason in expected}, expected)
        self.assertEqual(self.closed("echo"), {"idle_timeout": self.EACH})
        self.assert_nobody_was_harmed()


class SlowHttpTest(SlowTest):
    """Debian's slowhttptest, judged by what the server has counted."""

    CONNECTIONS = 1000 if FULL else 200
    READERS = 50  # the server's kernel takes megabytes for each

    def attack(self, reason, *mode, count=CONNECTIONS):
        """Until the server has closed all of them for that reason, and no other."""
        url = self.server.url("web", "/bytes/1000000" if "-X" in mode else "/anything")
        attacker = subprocess.Popen([tool("slowhttptest"), *mode, "-c", str(count), "-r", str(count),
                                     "-i", "1", "-l", "120", "-p", "5", "-u", url],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.STDOUT, env=tool_environment())
        try:
            wait_until(lambda: self.closed("web").get(reason, 0) >= count, f"{count} x {reason}", 100)
        finally:
            attacker.kill()
            attacker.wait(TIMEOUT)
        self.assertEqual(self.closed("web")[reason], count)
        self.assert_nobody_was_harmed()

    def test_slow_headers(self):
        self.attack("header_timeout", "-H")

    def test_slow_bodies(self):
        self.attack("body_timeout", "-B")

    def test_slow_readers(self):
        self.attack("write_timeout", "-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "32",
                    "-k", "10", count=self.READERS)


if __name__ == "__main__":
    unittest.main()
