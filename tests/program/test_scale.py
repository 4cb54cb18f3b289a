# ctest: timeout=300 serial
"""Many sockets, none at all, and more than there are descriptors for."""

import contextlib
import os
import pathlib
import resource
import selectors
import socket
import sys
import time
import unittest

from support import ProgramTest, connect, read_exactly, tool, wait_until

ECHO = '[services.echo]\nlisten = "127.0.0.1:0"\n'


def metric(server, name):
    """The sum of a metric over its labels."""
    _, _, page = server.get("health", "/metrics")
    lines = [line for line in page.decode().splitlines()
             if line.startswith((name + " ", name + "{"))]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def connect_many(address, count):
    sockets = []
    for _ in range(count):
        sock = connect(address)
        sock.setblocking(False)
        sockets.append(sock)
    return sockets


class ManyConnections(ProgramTest):
    """10,000 at once, or as many as the descriptor limit of this machine allows, and says so."""

    WANTED = 10_000

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.count = min(self.WANTED, hard - 300)
        if self.count < self.WANTED:
            print(f"the descriptor limit {hard} allows only {self.count} connections here",
                  file=sys.stderr)

    def exchange(self, sockets, number):
        """A message of its own through every socket at once; each byte is compared."""
        selector = selectors.DefaultSelector()
        expected = {}
        for index, sock in enumerate(sockets):
            length = 1 + (index * 7919 + number * 104729) % 2000
            message = (f"{index}:{number}:".encode() * (length // 4 + 1))[:length]
            expected[sock] = message
            selector.register(sock, selectors.EVENT_READ)
            self.assertEqual(sock.send(message), length)  # fits into an empty send buffer
        deadline = time.monotonic() + 90
        while expected:
            events = selector.select(max(0.0, deadline - time.monotonic()))
            self.assertTrue(events, f"{len(expected)} answers are missing")
            for key, _ in events:
                sock = key.fileobj
                data = sock.recv(4096)
                rest = expected[sock]
                self.assertTrue(data and rest.startswith(data), "an answer has wrong bytes")
                if len(data) == len(rest):
                    selector.unregister(sock)
                    del expected[sock]
                else:
                    expected[sock] = rest[len(data):]
        selector.close()

    def test_each_gets_its_own_bytes_back(self):
        server = self.start(config=ECHO)
        with contextlib.ExitStack() as stack:
            sockets = connect_many(server.address("echo"), self.count)
            for sock in sockets:
                stack.enter_context(sock)
            for number in range(3):
                self.exchange(sockets, number)
            self.assertGreaterEqual(metric(server, "polyport_connections_open"), self.count)
        # All of them leave at once.
        wait_until(lambda: metric(server, "polyport_connections_open") < 10, "all are closed")


class Idle(ProgramTest):
    SECONDS = 5

    def test_at_most_one_system_call_a_second(self):
        trace = self.folder() / "trace"
        server = self.start(config=ECHO, wrapper=[tool("strace"), "-f", "-qq", "-o", str(trace)],
                            # LeakSanitizer cannot work under ptrace.
                            env={"ASAN_OPTIONS": "detect_leaks=0"})
        with connect(server.address("echo")) as sock:  # idle is also: a connection that says nothing
            sock.sendall(b"x")
            self.assertEqual(read_exactly(sock, 1), b"x")
            time.sleep(1)  # what the exchange has started (the log's thread) ends
            before = trace.read_text().splitlines()
            time.sleep(self.SECONDS)
            calls = trace.read_text().splitlines()[len(before):]
        self.assertTrue(before, "strace has seen nothing")
        self.assertLessEqual(len(calls), self.SECONDS, "\n".join(calls))


class Descriptors(ProgramTest):
    def setUp(self):
        self.server = self.start(config=ECHO)
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def limit(self, soft):
        _, hard = resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE, (soft, hard))

    def open_now(self):
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def cpu_ticks(self):
        fields = pathlib.Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def test_the_limit_is_raised_to_the_hard_one_at_the_start(self):
        soft, hard = resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(soft, hard)

    def test_accepting_stops_and_resumes_when_they_run_out(self):
        room, clients = 5, 20
        self.limit(self.open_now() + room)
        address = self.server.address("echo")
        sockets = [self.stack.enter_context(connect(address)) for _ in range(clients)]
        for sock in sockets:
            sock.sendall(b"hello")
        for sock in sockets[:room]:
            self.assertEqual(read_exactly(sock, 5), b"hello")

        # The others wait in the kernel; the server neither dies nor spins.
        before = self.cpu_ticks()
        with self.assertRaises(socket.timeout):
            sockets[-1].settimeout(2)
            sockets[-1].recv(1)
        used = (self.cpu_ticks() - before) / os.sysconf("SC_CLK_TCK")
        self.assertLess(used, 1, "seconds of CPU in two seconds of waiting")

        # One that leaves makes room for one that waits.
        sockets[0].close()
        self.assertEqual(read_exactly(sockets[room], 5), b"hello")

        self.limit(resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE)[1])
        sockets[-1].settimeout(30)
        for sock in sockets[room + 1:]:
            self.assertEqual(read_exactly(sock, 5), b"hello")
        bursts = metric(self.server, "polyport_descriptor_bursts_total")
        self.assertIn(bursts, (1, 2))  # a new burst begins when the room that was made is used up
        self.server.stop()
        self.assertEqual(self.server.stderr().count("no descriptors left"), bursts)


if __name__ == "__main__":
    unittest.main()
