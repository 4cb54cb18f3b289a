# ctest: timeout=600 serial
"""The http service under many clients: wrk and hey with 1,000 connections, a log of a million lines."""

import os
import re
import resource
import signal
import socket
import subprocess
import threading
import unittest

from http_support import HttpTest
from support import TIMEOUT, connect, tool, tool_environment, wait_until

FULL = os.environ.get("POLYPORT_FULL") == "1"  # scripts/test --full


class Load(HttpTest):
    CONNECTIONS = 1000

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().setUp()

    def run_load(self, name, *args):
        done = subprocess.run([tool(name), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=tool_environment(), timeout=240)
        report = done.stdout.decode()
        self.assertEqual(done.returncode, 0, report)
        return report

    def test_wrk(self):
        for path in ("/plain", "/get"):
            report = self.run_load("wrk", "-t2", f"-c{self.CONNECTIONS}", "-d2s", "--timeout", "60s",
                                   self.server.url("web", path))
            self.assertNotIn("Socket errors", report)
            self.assertNotIn("Non-2xx", report)
            self.assertGreater(int(re.search(r"(\d+) requests in", report)[1]), 0, report)

    def test_hey(self):
        count = 10 * self.CONNECTIONS
        for more in ((), ("-disable-keepalive",), ("-m", "POST", "-d", "x" * 1000)):
            path = "/anything" if "-m" in more else "/plain"
            report = self.run_load("hey", "-n", str(count), "-c", str(self.CONNECTIONS), "-t", "120",
                                   *more, self.server.url("web", path))
            self.assertRegex(report, rf"\[200\]\s+{count} responses")
            self.assertNotIn("Error distribution", report)


class LongLog(HttpTest):
    """Whatever is answered is in the log, or counted as lost: the answers wait for neither."""

    LINES = 1_000_000 if FULL else 100_000

    def setUp(self):
        pass

    def test_it_stalls_nobody_and_counts_what_it_loses(self):
        path = self.folder() / "access.log"
        self.server = self.start_http(f'access_log = "combined"\naccess_log_target = "{path}"')
        request = b"GET /bench HTTP/1.1\r\nHost: a\r\n\r\n"
        with connect(self.address) as sock:
            sock.sendall(request)
            size = len(sock.recv(1 << 16))  # all answers have one length
            for _ in range(self.LINES // 1000):
                sock.sendall(request * 1000)
                left = 1000 * size
                while left:
                    left -= len(sock.recv(min(left, 1 << 20)))

        def dropped():
            return sum(map(int, re.findall(r"(\d+) lines were lost", self.server.stderr())))

        def accounted_for():
            with open(path, "rb") as file:
                lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
            return lines + dropped() == self.LINES + 1

        wait_until(accounted_for, "each answer is in the log or counted as lost", 60)
        self.assertEqual(self.ask("/plain").status, 200)


class Drain(HttpTest):
    """A stop under load: whoever keeps a connection is told before it ends, and no request is lost."""

    CLIENTS = 16

    def client(self, number):
        """Asks until it is told to go; how often it was answered, or what went wrong."""
        answers = 0
        with connect(self.address) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                sock.sendall(b"GET /bytes/3000 HTTP/1.1\r\nHost: a\r\n\r\n")
                data = b""
                while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < 3000:
                    part = sock.recv(1 << 16)
                    if not part:
                        return f"client {number}: closed behind {answers} answers, {len(data)} bytes"
                    data += part
                answers += 1
                self.answered.release()
                if b"\r\nConnection: close\r\n" in data:
                    return "more" if sock.recv(1) else answers

    def test_no_request_is_lost(self):
        self.answered = threading.Semaphore(0)
        results = []

        def run(number):
            try:
                results.append(self.client(number))
            except OSError as error:
                results.append(f"client {number}: {error}")

        threads = [threading.Thread(target=run, args=(number,)) for number in range(self.CLIENTS)]
        for thread in threads:
            thread.start()
        for _ in range(100 * self.CLIENTS):
            self.assertTrue(self.answered.acquire(timeout=TIMEOUT))
        self.server.signal(signal.SIGTERM)
        for thread in threads:
            thread.join(TIMEOUT)
        self.assertEqual([result for result in results if not isinstance(result, int)], [])
        self.assertEqual(len(results), self.CLIENTS)
        self.assertEqual(self.server.wait(), 0)


if __name__ == "__main__":
    unittest.main()
