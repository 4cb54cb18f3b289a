# ctest: timeout=300
"""polyport connect, against servers of Python's own sockets, so that no fault of ours hides another."""

import contextlib
import fcntl
import os
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import termios
import threading
import time
import unittest

from support import (BINARY, CLOCK, TIMEOUT, Namespace, ProgramTest, clean_environment, cli,
                     read_exactly, read_to_end, sanitizer_report, wait_until)
from tls_support import authority, pair, section

LOOPBACK = "127.0.0.1"


class Listener:
    """A listening socket whose connections are handed to `serve(connection)`, one thread each."""

    def __init__(self, serve, host=LOOPBACK, path=None):
        family = socket.AF_UNIX if path else socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(path or (host, 0))
        self.socket.listen(128)
        self.serve = serve
        self.threads = []
        self.errors = []
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT)
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _run(self, connection):
        try:
            with connection:
                self.serve(connection)
        except (ConnectionError, OSError) as error:
            self.errors.append(error)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.acceptor.join(TIMEOUT)
        for thread in self.threads:
            thread.join(TIMEOUT)


def echo(connection):
    while True:
        data = connection.recv(1 << 16)
        if not data:
            return
        connection.sendall(data)


def daytime(connection):
    connection.sendall(b"Sun Sep 16 01:03:52 1973\r\n")


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Client:
    """A running `polyport connect` with pipes for all three streams."""

    def __init__(self, test, *args, **popen):
        home = str(test.folder())
        settings = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        env=clean_environment(home), cwd=home, bufsize=0)
        settings.update(popen)
        self.process = subprocess.Popen([str(BINARY), "connect", *map(str, args)], **settings)
        self.errors = b""
        test.addCleanup(self._end)

    def _end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def wait_for(self, pattern):
        """Reads standard error until it has `pattern`; the match."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            found = re.search(pattern, self.errors.decode())
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stderr], [], [], left)[0]:
                raise AssertionError(f"never said {pattern!r}: {self.errors.decode()}")
            part = os.read(self.process.stderr.fileno(), 1 << 16)
            if not part:
                raise AssertionError(f"ended without {pattern!r}: {self.errors.decode()}")
            self.errors += part

    def local_port(self):
        return int(self.wait_for(r"you \S+:(\d+)  →")[1])

    def read(self, size):
        """At least one byte of standard output, within the usual bound."""
        if not select.select([self.process.stdout], [], [], TIMEOUT)[0]:
            raise AssertionError(f"no byte on standard output: {self.errors.decode()}")
        return os.read(self.process.stdout.fileno(), size)

    def finish(self):
        """Waits for the end; (exit code, what is left on stdout, all of stderr)."""
        out, errors = self.process.communicate(timeout=TIMEOUT)
        words = (self.errors + errors).decode()
        if sanitizer_report(words):
            raise AssertionError(sanitizer_report(words))
        return self.process.returncode, out, words


def tcp_states(local_port, remote_port):
    """The kernel's states of the sockets from one port to another, as the numbers of tcp_states.h."""
    found = []
    with open("/proc/net/tcp") as table:
        for line in list(table)[1:]:
            fields = line.split()
            ports = [int(field.split(":")[1], 16) for field in fields[1:3]]
            if ports == [local_port, remote_port]:
                found.append(int(fields[3], 16))
    return found


TIME_WAIT = 6


def fill_queue(stack, bound):
    """Listens, and leaves no room for another connection."""
    bound.listen(0)
    for _ in range(3):
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(bound.getsockname())
        select.select([], [waiting], [], 0.2)


def unacknowledged(connection):
    """Bytes that the peer's kernel does not have yet (SIOCOUTQ)."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]


class ConnectTest(ProgramTest):
    def listen(self, serve, **where):
        listener = Listener(serve, **where)
        self.addCleanup(listener.close)
        return listener

    def listen_and_stay(self, greeting=b""):
        """A server that says one thing, reads nothing and closes nothing until the test is over."""
        over = threading.Event()

        def stay(connection):
            connection.sendall(greeting)
            over.wait(TIMEOUT)
        listener = self.listen(stay)
        self.addCleanup(over.set)  # before the listener waits for its connections
        return listener

    def says(self, result, code, *parts):
        """The exit code, each part on stderr, and nothing on stdout."""
        for part in parts:
            self.assertIn(part, result.err)
        self.assertEqual(result.code, code, result)
        self.assertEqual(result.out, "", result)


class Streams(ConnectTest):
    def test_ten_megabytes_come_back_through_a_pipe(self):
        data = os.urandom(10 << 20)
        result = cli("connect", f"{LOOPBACK}:{self.listen(echo).port}", input=data, binary=True)
        self.assertEqual(result.code, 0, result.err)
        self.assertTrue(result.out == data, f"{len(result.out)} bytes came back")
        self.assertIn(f"{len(data)} bytes out, {len(data)} in".encode(), result.err)

    def test_both_ends_and_their_ranges_are_told(self):
        port = self.listen(echo).port
        result = cli("connect", f"localhost:{port}", input="hello\n")
        self.assertEqual((result.code, result.out), (0, "hello\n"), result)
        low, high = open("/proc/sys/net/ipv4/ip_local_port_range").read().split()
        local = int(re.search(r"^connected   you 127\.0\.0\.1:(\d+)  →  127\.0\.0\.1:%d$" % port,
                              result.err, re.M)[1])
        self.assertIn(f"{local} is your ephemeral port: Linux lends {low}-{high} "
                      "(IANA says 49152-65535)", result.err)
        self.assertRegex(result.err, rf"{port} is the server's port, in the (user|dynamic) range")
        self.assertIn(f"closed      you first (FIN), 6 bytes out, 6 in. 127.0.0.1:{local} now waits "
                      "60 s in TIME_WAIT, on your side.", result.err)
        self.assertNotIn("\x1b", result.err)

    def test_the_end_of_input_is_a_half_close(self):
        def count(connection):
            connection.sendall(b"%d\n" % len(read_to_end(connection)))
        result = cli("connect", f"{LOOPBACK}:{self.listen(count).port}", input=b"x" * 100_000)
        self.assertEqual((result.code, result.out), (0, "100000\n"), result)
        self.assertIn("closed      you first (FIN), 100000 bytes out, 7 in.", result.err)

    def test_who_closes_first_keeps_the_pair_in_time_wait(self):
        ours, theirs = self.listen(echo), self.listen(daytime)
        client = Client(self, f"{LOOPBACK}:{ours.port}")
        local = client.local_port()
        code, _, words = client.finish()
        self.assertEqual(code, 0, words)
        self.assertIn(f"{LOOPBACK}:{local} now waits 60 s in TIME_WAIT, on your side.", words)
        self.assertEqual(tcp_states(local, ours.port), [TIME_WAIT])

        client = Client(self, f"{LOOPBACK}:{theirs.port}")
        local = client.local_port()
        client.process.wait(TIMEOUT)  # its input stays open until now
        code, out, words = client.finish()
        self.assertEqual((code, out), (0, b"Sun Sep 16 01:03:52 1973\r\n"), words)
        self.assertIn("closed      by the server first (FIN), 0 bytes out, 26 in. "
                      f"{LOOPBACK}:{theirs.port} now waits 60 s in TIME_WAIT, on the server's side.",
                      words)
        self.assertEqual(tcp_states(theirs.port, local), [TIME_WAIT])
        self.assertEqual(tcp_states(local, theirs.port), [])

    def test_a_server_that_closes_first_ends_it_while_the_input_is_open(self):
        client = Client(self, f"{LOOPBACK}:{self.listen(daytime).port}")
        self.assertEqual(client.process.wait(TIMEOUT), 0)

    def test_localhost_tries_both_families(self):
        listener = self.listen(echo, host="::1")
        result = cli("connect", f"localhost:{listener.port}", input="x")
        self.assertEqual((result.code, result.out), (0, "x"), result)
        self.assertIn(f"→  [::1]:{listener.port}", result.err)

    def test_a_silent_address_leaves_time_for_the_next(self):
        with contextlib.ExitStack() as stack:
            silent = stack.enter_context(socket.socket())
            for _ in range(20):  # until the number is free in both families
                answering = self.listen(echo, host="::1")
                with contextlib.suppress(OSError):
                    silent.bind((LOOPBACK, answering.port))
                    break
            fill_queue(stack, silent)
            result = cli("connect", "--wait", "4s", f"localhost:{answering.port}", input="x")
            self.assertEqual((result.code, result.out), (0, "x"), result)
            self.assertIn(f"→  [::1]:{answering.port}", result.err)

    def test_without_ipv6_localhost_is_ipv4(self):
        with Namespace(ipv6=False) as lab:
            result = cli("connect", "localhost:9", namespace=lab)
        self.says(result, 1, "refused     127.0.0.1:9: ")
        self.assertNotIn("::1", result.err)

    def test_a_port_has_its_registered_name(self):
        with Namespace() as lab:
            self.says(cli("connect", "udp://127.0.0.1:9", namespace=lab), 1,
                      "9 is the server's port, in the system range 0-1023, registered for discard")

    def test_standard_input_may_be_closed(self):
        def serve(connection):
            connection.sendall(b"%d bytes" % len(read_to_end(connection)))
        port = self.listen(serve).port
        result = subprocess.run(["sh", "-c", f"exec {BINARY} connect {LOOPBACK}:{port} <&-"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
        self.assertEqual((result.returncode, result.stdout), (0, b"0 bytes"), result.stderr)


class Pressure(ConnectTest):
    def test_a_server_that_stops_reading_is_waited_for_without_loss(self):
        go_on = threading.Event()
        received = []

        def stubborn(connection):
            go_on.wait(TIMEOUT)
            received.append(read_to_end(connection))
        client = Client(self, f"{LOOPBACK}:{self.listen(stubborn).port}")
        client.wait_for("connected")
        data = os.urandom(16 << 20)
        # Until the pipe stays full: the client has stopped reading its input, too.
        os.set_blocking(client.process.stdin.fileno(), False)
        sent = 0
        while select.select([], [client.process.stdin], [], 0.5)[1]:
            sent += os.write(client.process.stdin.fileno(), data[sent:sent + (1 << 16)])
        self.assertLess(sent, len(data), "the client took everything in")
        os.set_blocking(client.process.stdin.fileno(), True)
        go_on.set()
        client.process.stdin.write(data[sent:])
        code, _, words = client.finish()
        self.assertEqual(code, 0, words)
        self.assertTrue(received[0] == data, f"{len(received[0])} of {len(data)} bytes arrived")

    def test_a_server_that_stops_reading_for_good_is_given_up(self):
        result = cli("connect", "--wait", "300ms", f"{LOOPBACK}:{self.listen_and_stay().port}",
                     input=b"x" * (16 << 20))
        self.says(result, 1, "given up    the server has taken nothing for 300 ms, ")

    def test_a_server_that_never_closes_is_given_up(self):
        listener = self.listen_and_stay(b"tail")
        result = cli("connect", "--wait", "300ms", f"{LOOPBACK}:{listener.port}")
        self.assertEqual((result.code, result.out), (1, "tail"), result)
        self.assertIn("given up    the server has sent nothing for 300 ms and has not closed",
                      result.err)

    def test_a_slow_reader_gets_the_whole_tail(self):
        data = os.urandom(4 << 20)
        listener = self.listen(lambda connection: connection.sendall(data))
        # --wait bounds the server's silence only: a reader may take its time.
        client = Client(self, "--wait", "200ms", f"{LOOPBACK}:{listener.port}")
        client.process.stdin.close()
        client.process.stdin = None
        head = client.read(100)
        select.select([], [], [], 0.6)
        code, rest, words = client.finish()
        self.assertEqual(code, 0, words)
        self.assertTrue(head + rest == data, f"{len(head + rest)} of {len(data)} bytes arrived")

    def test_a_reader_that_leaves_ends_it_quietly(self):
        def endless(connection):
            while True:
                connection.sendall(b"x" * 1000)
        client = Client(self, f"{LOOPBACK}:{self.listen(endless).port}")
        client.read(10)
        client.process.stdout.close()
        client.process.stdout = None
        client.wait_for("closed      you first, as nobody reads the output any more")
        self.assertEqual(client.process.wait(TIMEOUT), 0)

    def test_a_reader_that_leaves_is_noticed_in_silence(self):
        client = Client(self, f"{LOOPBACK}:{self.listen(echo).port}")
        client.wait_for("connected")
        client.process.stdout.close()
        client.process.stdout = None
        client.wait_for("nobody reads the output any more")
        self.assertEqual(client.process.wait(TIMEOUT), 0)


class Tls(ConnectTest):
    CONFIG = '[services.echo]\nlisten = ["tls://127.0.0.1:0", "127.0.0.1:0"]\n' + section("echo")

    def setUp(self):
        server = self.start(config=self.CONFIG)
        self.target = "tls://127.0.0.1:%d" % server.address("echo", "tls")[1]
        self.plain = "tls://127.0.0.1:%d" % server.address("echo", "tcp")[1]

    def test_what_is_typed_comes_back(self):
        sent = os.urandom(1_000_000)  # many records each way
        result = cli("connect", self.target, "--ca", str(authority().path), input=sent, binary=True)
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.out, sent)
        self.assertIn(b"TLSv1.3, ", result.err)
        self.assertIn(b"closed", result.err)

    def test_a_certificate_must_be_believed(self):
        result = cli("connect", self.target, input="x")
        self.assertEqual((result.code, result.out), (1, ""), result)
        self.assertIn("no TLS", result.err)
        self.assertIn("--ca FILE", result.err)
        self.assertEqual(cli("connect", self.target, "--insecure", input="x").out, "x")

    def test_a_port_without_tls(self):
        result = cli("connect", self.plain, "--wait", "5s", input="x")
        self.assertEqual(result.code, 1, result)
        self.assertIn("no TLS", result.err)  # echo gives our ClientHello back

    def test_a_server_that_ends_without_close_notify(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair("local"))

        def serve(connection):
            with context.wrap_socket(connection, server_side=True) as secure:
                # The last record and the FIN come in one segment, so they are read together.
                secure.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                secure.sendall(b"the last word")
        client = Client(self, "--ca", str(authority().path), f"tls://{LOOPBACK}:{self.listen(serve).port}")
        self.assertEqual(client.read(13), b"the last word")
        # Its input stays open: only the server's end can end it.
        self.assertEqual(client.process.wait(TIMEOUT), 0)


class Failures(ConnectTest):
    def test_refused(self):
        with socket.socket() as bound:  # taken, so that nobody else can listen there
            bound.bind((LOOPBACK, 0))
            port = bound.getsockname()[1]
            self.says(cli("connect", f"{LOOPBACK}:{port}"), 1,
                      f"refused     {LOOPBACK}:{port}: nobody listens on TCP port {port} there")

    def test_timed_out_at_a_full_accept_queue(self):
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind((LOOPBACK, 0))
            fill_queue(stack, listener)
            address = "%s:%d" % listener.getsockname()
            started = time.monotonic()
            result = cli("connect", "--wait", "300ms", address)
            self.assertGreaterEqual(time.monotonic() - started, 0.3 - CLOCK)
            self.says(result, 1, f"timed out   {address}: no answer within 300 ms: a firewall "
                                 "swallows what we send, or the accept queue of the server is full")

    def test_reset_after_the_answer(self):
        seen = threading.Event()

        def serve(connection):
            connection.sendall(b"answer")
            seen.wait(TIMEOUT)
            reset(connection)
        client = Client(self, f"{LOOPBACK}:{self.listen(serve).port}")
        self.assertEqual(client.read(6), b"answer")
        seen.set()
        code, out, words = client.finish()
        self.assertEqual((code, out), (1, b""), words)
        self.assertIn("reset       by the server (RST), 0 bytes out, 6 in.", words)

    def test_reset_while_sending(self):
        def serve(connection):
            read_exactly(connection, 1)
            reset(connection)
        result = cli("connect", f"{LOOPBACK}:{self.listen(serve).port}", input=b"x" * (16 << 20))
        self.says(result, 1, "reset       by the server (RST), ")

    # More than a pipe and the client hold, less than the kernel keeps for it besides.
    MORE_THAN_IS_READ = 150_000

    def test_a_reset_behind_unread_bytes(self):
        sent = threading.Event()

        def serve(connection):
            connection.sendall(b"x" * self.MORE_THAN_IS_READ)
            wait_until(lambda: unacknowledged(connection) == 0, "all is with the client")
            reset(connection)
            connection.close()
            sent.set()
        client = Client(self, f"{LOOPBACK}:{self.listen(serve).port}")
        self.assertTrue(sent.wait(TIMEOUT))
        client.process.stdin.write(b"into the void")  # this is what meets the reset first
        client.wait_for("server's port")
        select.select([], [], [], 0.2)
        code, out, words = client.finish()
        self.assertEqual((code, len(out)), (1, self.MORE_THAN_IS_READ), words)
        self.assertIn("reset       by the server (RST), ", words)

    def test_a_fin_behind_unread_bytes_was_first(self):
        closed = threading.Event()

        def serve(connection):
            connection.sendall(b"x" * self.MORE_THAN_IS_READ)
            wait_until(lambda: unacknowledged(connection) == 0, "all is with the client")
            connection.close()
            closed.set()
        client = Client(self, f"{LOOPBACK}:{self.listen(serve).port}")
        self.assertTrue(closed.wait(TIMEOUT))
        client.process.stdin.close()
        client.process.stdin = None
        client.wait_for("server's port")
        select.select([], [], [], 0.2)
        code, out, words = client.finish()
        self.assertEqual((code, len(out)), (0, self.MORE_THAN_IS_READ), words)
        self.assertIn("closed      by the server first (FIN), ", words)

    def test_no_such_name(self):
        self.says(cli("connect", "nobody.invalid:80"), 1, "no such name  ", '"nobody.invalid"')

    def test_no_route(self):
        with Namespace() as lab:
            self.says(cli("connect", "192.0.2.1:80", namespace=lab), 1,
                      "no route    192.0.2.1:80: no way leads there from this machine")

    def test_what_cannot_be_read_is_a_usage_error(self):
        for target, words in [
                ("localhost", 'error: "localhost" has no port'),
                ("localhost:80-90", "error: a connection goes to one port, not to a range"),
                ("localhost:0", "error: nobody can be reached on port 0"),
                ("*:80", "error: * is every address of this machine, to listen on"),
                ("http://localhost:80/", "error: an endpoint has no http://"),
                ("localhost:70000", "error: port 70000 is over 65535")]:
            with self.subTest(target):
                self.says(cli("connect", target), 2, words)


class NearEnd(ConnectTest):
    def setUp(self):
        self.port = self.listen(echo).port

    def free_port(self):
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            return probe.getsockname()[1]

    def test_one_port_serves_two_servers_but_no_pair_twice(self):
        other = self.listen(echo).port
        near = self.free_port()
        first = Client(self, "--bind", f":{near}", f"{LOOPBACK}:{self.port}")
        first.wait_for(f"you {LOOPBACK}:{near}  →  {LOOPBACK}:{self.port}")
        first.wait_for(rf"{near} is the port you asked for with --bind \(SO_REUSEADDR is set\)")

        second = cli("connect", "--bind", f":{near}", f"{LOOPBACK}:{other}", input="x")
        self.assertEqual((second.code, second.out), (0, "x"), second)

        third = cli("connect", "--bind", f"{LOOPBACK}:{near}", f"{LOOPBACK}:{self.port}")
        self.says(third, 1, f"not available  {LOOPBACK}:{self.port} from port {near}: this exact pair "
                            "exists already")

        out, _ = first.process.communicate(b"still here", timeout=TIMEOUT)
        self.assertEqual((first.process.returncode, out), (0, b"still here"))

    def test_a_port_that_is_listened_on_cannot_be_bound(self):
        target = f"{LOOPBACK}:{self.listen(echo).port}"
        self.says(cli("connect", "--bind", f"{LOOPBACK}:{self.port}", target), 3,
                  f"in use      {LOOPBACK}:{self.port}: ")

    def test_an_address_of_another_machine(self):
        self.says(cli("connect", "--bind", "192.0.2.77:0", f"{LOOPBACK}:{self.port}"), 3,
                  "192.0.2.77 is no address of this machine")

    def test_near_ends_that_cannot_be_read(self):
        for bind, words in [
                ("127.0.0.1", "has no port"),
                (":70000", "port 70000 is over 65535"),
                (":1-9", "--bind takes an address and one port"),
                ("udp://:9", "error: "),
                ("[::1]:0", "the near end is of another IP family than the target")]:
            with self.subTest(bind):
                self.says(cli("connect", "--bind", bind, f"{LOOPBACK}:{self.port}"), 2, words)

    def test_the_near_address_is_used(self):
        result = cli("connect", "--bind", "127.0.0.9:0", f"{LOOPBACK}:{self.port}", input="x")
        self.assertEqual((result.code, result.out), (0, "x"), result)
        self.assertRegex(result.err, r"you 127\.0\.0\.9:\d+  →")
        self.assertIn("is your ephemeral port", result.err)


class Modes(ConnectTest):
    def test_many_at_once(self):
        arrived = threading.Semaphore(0)
        ended = []

        def serve(connection):
            connection.sendall(b"hi")
            arrived.release()
            ended.append(read_to_end(connection))
        listener = self.listen(serve)
        client = Client(self, "--count", 50, f"{LOOPBACK}:{listener.port}")
        client.wait_for("connected   50 at once")
        for _ in range(50):
            self.assertTrue(arrived.acquire(timeout=TIMEOUT))
        self.assertEqual(ended, [])  # all are open at the same moment
        code, out, words = client.finish()
        self.assertEqual((code, out), (0, b""), words)
        pairs = re.findall(r"^#(\d+) +you (\S+)  →", words, re.M)
        self.assertEqual([number for number, _ in pairs], [str(n + 1) for n in range(50)])
        self.assertEqual(len({address for _, address in pairs}), 50)
        self.assertIn("closed      you first, 50 together, ", words)
        listener.close()
        self.assertEqual(ended, [b""] * 50)

    def test_many_end_with_a_fin_even_while_the_server_talks(self):
        ended = []

        def talk(connection):
            connection.sendall(b"x" * (1 << 20))
            ended.append(read_to_end(connection))
        listener = self.listen(talk)
        self.assertEqual(cli("connect", "--count", 3, f"{LOOPBACK}:{listener.port}").code, 0)
        listener.close()
        self.assertEqual((ended, listener.errors), ([b""] * 3, []))

    def test_many_are_told_which_one_the_server_closed(self):
        client = Client(self, "--count", 2, "--hold", f"{LOOPBACK}:{self.listen(daytime).port}")
        client.wait_for(r"#1 +closed by the server first")
        client.wait_for(r"#2 +closed by the server first")
        client.wait_for("closed      all of them by the server, 52 bytes had come in")
        self.assertEqual(client.finish()[0], 0)

    def test_many_stop_at_the_first_that_fails(self):
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind((LOOPBACK, 0))
            listener.listen(0)
            address = "%s:%d" % listener.getsockname()
            self.says(cli("connect", "--count", 4, "--wait", "300ms", address), 1,
                      "#1 ", "timed out   ", "closed      the 1 of 4 that had been opened")

    def test_count_has_bounds(self):
        for count in ("0", "10001"):
            self.assertEqual(cli("connect", "--count", count, "localhost:9").code, 2)

    def test_hold_keeps_the_connection_after_the_end_of_input(self):
        go_on, ended = threading.Event(), threading.Event()

        def serve(connection):
            self.assertEqual(read_exactly(connection, 2), b"hi")
            connection.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                connection.recv(1)  # no FIN has come
            connection.settimeout(TIMEOUT)
            connection.sendall(b"late")
            self.assertEqual(read_to_end(connection), b"")
            ended.set()
        client = Client(self, "--hold", "--wait", "100ms", f"{LOOPBACK}:{self.listen(serve).port}")
        client.process.stdin.write(b"hi")
        client.process.stdin.close()
        client.process.stdin = None
        self.assertEqual(client.read(4), b"late")
        client.process.send_signal(signal.SIGINT)
        code, _, words = client.finish()
        self.assertEqual(code, 0, words)
        self.assertRegex(words, r"closed      you first \(FIN\), 2 bytes out, 4 in\. \S+ now waits")
        self.assertTrue(ended.wait(TIMEOUT))

    def test_an_interrupt_ends_it_with_the_closing_line(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            client = Client(self, f"{LOOPBACK}:{self.listen(echo).port}")
            client.wait_for("server's port")
            client.process.stdin.write(b"hello")
            self.assertEqual(client.read(5), b"hello")
            client.process.send_signal(number)
            code, _, words = client.finish()
            self.assertEqual(code, 0, words)
            self.assertIn("closed      you first (FIN), 5 bytes out, 5 in.", words)

    def test_an_interrupt_does_not_wait_for_a_server_that_stays(self):
        client = Client(self, f"{LOOPBACK}:{self.listen_and_stay().port}")
        client.wait_for("server's port")
        client.process.send_signal(signal.SIGINT)
        code, _, words = client.finish()
        self.assertEqual(code, 0, words)
        self.assertIn("The server has not closed its side yet.", words)

    def test_crlf(self):
        port = self.listen(echo).port
        result = cli("connect", "--crlf", f"{LOOPBACK}:{port}", input=b"a\nb\r\n\nc", binary=True)
        self.assertEqual(result.out, b"a\r\nb\r\n\r\nc")

    def test_hex(self):
        port = self.listen(echo).port
        result = cli("connect", "--hex", f"{LOOPBACK}:{port}", input=bytes(range(14, 34)))
        self.assertEqual(result.out, (
            "00000000  0e 0f 10 11 12 13 14 15  16 17 18 19 1a 1b 1c 1d  |................|\n"
            "00000010  1e 1f 20 21                                       |.. !|\n"))
        self.assertNotIn("RFC 868", result.err)

    def test_hex_reads_the_time_in_four_bytes(self):
        # RFC 868: 2,208,988,800 corresponds to 00:00 1 Jan 1970 GMT.
        port = self.listen(lambda connection: connection.sendall(
            struct.pack(">I", 2_208_988_800))).port
        result = cli("connect", "--hex", f"{LOOPBACK}:{port}")
        self.assertIn("00000000  83 aa 7e 80 ", result.out)
        self.assertIn("the number 2208988800; as seconds since 1900 (RFC 868) that is "
                      "1970-01-01 00:00:00 UTC", result.err)


class UnixSockets(ConnectTest):
    def test_a_path(self):
        path = str(self.folder() / "echo.sock")
        self.listen(echo, path=path)
        data = os.urandom(1 << 20)
        result = cli("connect", f"unix://{path}", input=data, binary=True)
        self.assertEqual(result.code, 0, result.err)
        self.assertTrue(result.out == data)
        self.assertIn(f"connected   you, without an address  →  unix://{path}".encode(), result.err)
        self.assertIn(b"closed      you first (end of input), 1048576 bytes out, 1048576 in. A unix "
                      b"socket has no port and no TIME_WAIT.", result.err)

    def test_an_abstract_name(self):
        name = f"polyport-test-{os.getpid()}"
        self.listen(echo, path="\0" + name)
        result = cli("connect", f"unix:@{name}", input="x")
        self.assertEqual((result.code, result.out), (0, "x"), result)

    def test_no_file_nobody_there_and_a_full_queue(self):
        path = str(self.folder() / "x.sock")
        self.says(cli("connect", f"unix://{path}"), 1, "no such file  ")
        with contextlib.ExitStack() as stack:
            bound = stack.enter_context(socket.socket(socket.AF_UNIX))
            bound.bind(path)
            self.says(cli("connect", f"unix://{path}"), 1, "refused     ", "nobody listens on it")
            bound.listen(0)
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.connect(path)
            self.says(cli("connect", "--wait", "200ms", f"unix://{path}"), 1,
                      "timed out   ", "the accept queue of the server is full")


class Datagrams(ConnectTest):
    def respond(self, answer):
        """A UDP socket that sends `answer(datagram)` back, unless that is None."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((LOOPBACK, 0))
        sock.settimeout(0.1)
        stop = threading.Event()
        received = []

        def serve():
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    data, peer = sock.recvfrom(1 << 16)
                    received.append(data)
                    reply = answer(data)
                    if reply is not None:
                        sock.sendto(reply, peer)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(sock.close)
        self.addCleanup(thread.join, TIMEOUT)
        self.addCleanup(stop.set)
        return sock.getsockname()[1], received

    def test_a_line_is_a_datagram(self):
        port, received = self.respond(lambda data: data)
        result = cli("connect", "--wait", "300ms", f"udp://{LOOPBACK}:{port}", input="one\ntwo\nrest")
        self.assertEqual((result.code, result.out), (0, "one\ntwo\nrest"), result)
        self.assertEqual(received, [b"one\n", b"two\n", b"rest"])
        self.assertRegex(result.err, rf"ready       you \S+  →  udp {LOOPBACK}:{port}\n")
        self.assertIn("closed      3 datagrams (12 bytes) out, 3 (12 bytes) in.", result.err)

    def test_without_input_one_empty_datagram_asks(self):
        port, received = self.respond(lambda data: b"Sun Sep 16 01:03:52 1973\r\n")
        result = cli("connect", "--wait", "300ms", f"udp://{LOOPBACK}:{port}", binary=True)
        self.assertEqual((result.code, result.out), (0, b"Sun Sep 16 01:03:52 1973\r\n"), result)
        self.assertEqual(received, [b""])

    def test_a_person_who_types_nothing_gets_an_answer_too(self):
        port, received = self.respond(lambda data: b"time flies\r\n")
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        client = Client(self, f"udp://{LOOPBACK}:{port}", stdin=theirs)
        os.close(theirs)
        self.assertEqual(client.read(100), b"time flies\r\n")
        self.assertEqual(received, [b""])
        client.process.send_signal(signal.SIGINT)
        self.assertEqual(client.finish()[0], 0)

    def test_the_longest_datagram(self):
        port, received = self.respond(lambda data: data)
        data = os.urandom(1).replace(b"\n", b"x") * 65507
        result = cli("connect", "--wait", "500ms", f"udp://{LOOPBACK}:{port}", input=data, binary=True)
        self.assertEqual((result.code, result.out), (0, data), result.err)
        self.assertEqual(received, [data])

    def test_refused(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((LOOPBACK, 0))
            port = probe.getsockname()[1]
        self.says(cli("connect", f"udp://{LOOPBACK}:{port}"), 1,
                  "refused     udp ", "nobody has this UDP port there")

    def test_no_answer(self):
        port, received = self.respond(lambda data: None)
        self.says(cli("connect", "--wait", "200ms", f"udp://{LOOPBACK}:{port}", input="x"), 1,
                  "no answer   within 200 ms to 1 datagram (1 byte).")
        self.assertEqual(received, [b"x"])


if __name__ == "__main__":
    unittest.main()
