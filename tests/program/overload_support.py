"""What the tests of limits share: how long the pressure lasts, figures of the server, small clients."""

import os
import resource
import socket
import time

from support import ProgramTest, connect, read_exactly

FULL = os.environ.get("POLYPORT_FULL") == "1"  # scripts/test --full
SECONDS = 60 if FULL else 4
BRIEF = 60 if FULL else 1  # where the same happens again and again


class OverloadTest(ProgramTest):
    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def status(self, name=None):
        """A service as /api/v1/services tells it, or all it tells."""
        page = self.server.get_json("admin", "/api/v1/services")
        if name is None:
            return page
        return next(service for service in page["services"] if service["name"] == name)

    def refused(self, name):
        """Of all its listeners: {reason: count}."""
        counts = {}
        for listener in self.status(name)["listeners"]:
            for reason, count in listener["refused_total"].items():
                counts[reason] = counts.get(reason, 0) + count
        return counts

    def closed(self, name):
        return self.status(name)["closed_total"]

    def join(self, address, source=None, receive_buffer=None):
        """A connected socket that ends with the test."""
        if source is None and receive_buffer is None:
            sock = connect(address)
        else:
            sock = socket.socket()
            sock.settimeout(30)
            if receive_buffer is not None:
                # Small segments, too: by their size the kernel of the server decides how much it takes.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            if source is not None:
                sock.bind((source, 0))
            sock.connect(address)
        self.addCleanup(sock.close)
        return sock

    def assert_echoes(self, sock, words=b"still here"):
        sock.sendall(words)
        self.assertEqual(read_exactly(sock, len(words)), words)

    def under_pressure(self, step, seconds=SECONDS):
        """Calls `step` again and again for so long, at least three times; how often it was."""
        end = time.monotonic() + seconds
        count = 0
        while count < 3 or time.monotonic() < end:
            step()
            count += 1
        return count
