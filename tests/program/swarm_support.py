"""What the tests of polyport swarm share: its report, and servers that do what they like."""

import contextlib
import json
import os
import socket
import threading

from support import TIMEOUT, ProgramTest, cli

ECHO = '[services.echo]\nlisten = ["127.0.0.1:0", "udp://127.0.0.1:0", "unix:echo.sock"]\n'
WEB = '[services.web]\ntype = "http"\nlisten = "127.0.0.1:0"\n'


class BadServer:
    """A TCP server in threads of its own: `serve(connection)` does what it likes with each."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.listener.settimeout(0.2)
        self.over = False
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    @property
    def url(self):
        return "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]

    def accept(self):
        while not self.over:
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(TIMEOUT)
            thread = threading.Thread(target=self.run, args=(connection,))
            thread.start()
            self.threads.append(thread)

    def run(self, connection):
        with connection, contextlib.suppress(OSError):
            self.serve(connection)

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join(TIMEOUT)
        self.listener.close()


class BadDatagrams:
    """A UDP server: `answer(datagram, peer)` gives what to send back, as a list."""

    def __init__(self, answer):
        self.answer = answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.over = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    @property
    def url(self):
        return "udp://127.0.0.1:%d" % self.socket.getsockname()[1]

    def run(self):
        while not self.over:
            try:
                datagram, peer = self.socket.recvfrom(65536)
            except TimeoutError:
                continue
            for back in self.answer(datagram, peer):
                self.socket.sendto(back, peer)

    def close(self):
        self.over = True
        self.thread.join(TIMEOUT)
        self.socket.close()


class SwarmTest(ProgramTest):
    def swarm(self, *args, code=0, **settings):
        """Runs it with --json; the report. What it said is in self.result."""
        self.result = cli("swarm", *args, "--json", **{"timeout": 120, **settings})
        self.assertEqual(self.result.code, code, self.result)
        return json.loads(self.result.out)

    def serve(self, kind, what):
        server = kind(what)
        self.addCleanup(server.close)
        return server.url

    def url(self, server, service="echo", transport="tcp", scheme=None):
        address = server.address(service, transport)
        if transport == "unix":
            return "unix:" + os.path.join(server.folder, address)
        return f"{scheme or transport}://{address[0]}:{address[1]}"
