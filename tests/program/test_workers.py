# ctest: timeout=240
"""[server] workers: several processes on the same ports, seen from outside as one program."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import unittest

from support import (TIMEOUT, ProgramTest, cli, connect, read_exactly, read_to_end, udp,
                     wait_until)

WORKERS = 3
CONFIG = f"""
[server]
workers = {WORKERS}

[services.echo]
listen = ["127.0.0.1:0", "udp://127.0.0.1:0", "unix:echo.sock"]

[services.web]
type = "http"
listen = "127.0.0.1:0"

[services.chat]
listen = "127.0.0.1:0"
"""


def services_page(server):
    return server.get_json("admin", "/api/v1/services")


def workers_of(server):
    return services_page(server)["workers"]


def listener_of(server, listener):
    return next(row for service in services_page(server)["services"]
                for row in service["listeners"] if row["id"] == listener)


def metrics(server, name):
    """{labels: value} of a metric."""
    _, _, page = server.get("health", "/metrics")
    found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", page.decode(), re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def open_many(stack, address, count):
    """So many connections, each of which has had a message of its own back."""
    socks = []
    for number in range(count):
        sock = stack.enter_context(connect(address))
        message = f"connection {number}\n".encode()
        sock.sendall(message)
        assert read_exactly(sock, len(message)) == message
        socks.append(sock)
    return socks


class Serving(ProgramTest):
    def setUp(self):
        self.server = self.start(config=CONFIG)
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def test_each_worker_serves_some_of_the_connections_of_one_port(self):
        open_many(self.stack, self.server.address("echo"), 600)
        workers = workers_of(self.server)
        self.assertEqual([worker["worker"] for worker in workers], list(range(WORKERS)))
        self.assertEqual(sum(worker["active"] for worker in workers), 600)
        for worker in workers:
            self.assertGreater(worker["active"], 0)
            self.assertEqual(worker["state"], "live")
        self.assertEqual(len({worker["pid"] for worker in workers} | {self.server.pid}),
                         WORKERS + 1)


if __name__ == "__main__":
    unittest.main()
