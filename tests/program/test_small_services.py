"""echo, discard, chargen, daytime, time and banner, through TCP, UDP and unix sockets.

What a peer relies on: every byte, in order, whatever the pattern of writes; what was read before a FIN
is still answered; a last line is not lost to a reset. Python's own clients (smtplib and the others),
socat, nc and rdate speak to them as well.
"""
# ctest: timeout=300

import contextlib
import datetime
import email.utils
import ftplib
import hashlib
import imaplib
import os
import poplib
import random
import re
import smtplib
import socket
import struct
import subprocess
import threading
import time
import unittest

from support import (SOURCE, ProgramTest, connect, peak_bytes, read_exactly, read_line,
                     read_to_end, run_tool, tool, tool_environment, udp)

UNIX_EPOCH = 2_208_988_800  # 1970-01-01 in seconds since 1900


class ServiceTest(ProgramTest):
    def serve(self, *tables):
        """A server with these services, each on TCP, UDP and a unix socket: "echo", or
        "name type=echo key=value"."""
        folder = self.folder()
        text = ""
        for table in tables:
            name, *keys = table.split()
            text += f"[services.{name}]\n"
            text += "".join("{} = \"{}\"\n".format(*key.split("=")) for key in keys)
            transports = [f"\"127.0.0.1:0\"", f"\"unix://{folder}/{name}\""]
            if "type=banner" not in keys and name != "banner":
                transports.append("\"udp://127.0.0.1:0\"")
            text += f"listen = [{', '.join(transports)}]\n"
        return self.start(config=text)

    def stream_addresses(self, server, name):
        return [server.address(name, "tcp"), server.address(name, "unix")]


@contextlib.contextmanager
def in_background(function, *args):
    """Runs it in a thread; its exception, if any, is raised at the end."""
    problems = []

    def run():
        try:
            function(*args)
        except BaseException as problem:  # handed to the test
            problems.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    thread.join(120)
    if thread.is_alive():
        raise AssertionError(f"{function} does not come to its end")
    if problems:
        raise problems[0]


def blocks(seed, count, size=1 << 20):
    """`count` blocks of `size` bytes that no two places of the stream have in common."""
    for index in range(count):
        yield hashlib.shake_128(f"{seed} {index}".encode()).digest(size)


class Size(unittest.TestCase):
    def test_the_smallest_services_stay_small(self):
        for name in ("echo", "discard", "daytime"):
            lines = []
            for path in sorted((SOURCE / "services" / name).rglob("*")):
                lines += path.read_text().splitlines()
            self.assertLessEqual(len(lines), 60, name)
            self.assertLessEqual(max(map(len, lines)), 100, name)


class Echo(ServiceTest):
    def test_every_byte_written_alone_comes_back_in_order(self):
        server = self.serve("echo")
        data = bytes(range(256)) * 4
        for address in self.stream_addresses(server, "echo"):
            with self.subTest(address=address), connect(address) as sock:
                if sock.family != socket.AF_UNIX:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(len(data)):
                    sock.sendall(data[at:at + 1])
                self.assertEqual(read_exactly(sock, len(data)), data)

    def test_writes_of_any_size_come_back_in_order(self):
        server = self.serve("echo")
        random_sizes = random.Random(7)
        data = b"".join(blocks("sizes", 2))
        with connect(server.address("echo")) as sock:
            def write():
                at = 0
                while at < len(data):
                    size = random_sizes.choice((1, 3, 100, 1460, 4096, 65536, 70000))
                    sock.sendall(data[at:at + size])
                    at += size
            with in_background(write):
                received = bytearray()
                while len(received) < len(data):
                    received += read_exactly(sock, min(len(data) - len(received), 5000))
            self.assertEqual(bytes(received), data)

    def stream(self, mebibytes, stop_for=0.0):
        server = self.serve("echo")
        with connect(server.address("echo"), timeout=120) as sock:
            def write():
                for block in blocks("stream", mebibytes):
                    sock.sendall(block)
                sock.shutdown(socket.SHUT_WR)
            with in_background(write):
                for number, block in enumerate(blocks("stream", mebibytes)):
                    if number == 1 and stop_for:
                        time.sleep(stop_for)  # the reader that stops is what is tested
                    self.assertTrue(read_exactly(sock, len(block)) == block, f"MiB {number}")
                self.assertEqual(sock.recv(1), b"")

    def test_a_long_stream_comes_back(self):
        self.stream(1024 if os.environ.get("POLYPORT_FULL") else 64)

    def test_a_reader_that_stops_loses_nothing(self):
        self.stream(24, stop_for=2.0)

    def test_what_was_sent_before_the_fin_comes_back(self):
        server = self.serve("echo")
        data = next(blocks("fin", 1))
        for address in self.stream_addresses(server, "echo"):
            with self.subTest(address=address), connect(address) as sock:
                with in_background(lambda: (sock.sendall(data), sock.shutdown(socket.SHUT_WR))):
                    self.assertTrue(read_to_end(sock) == data)

    def test_a_connection_without_a_byte_ends_with_the_fin(self):
        server = self.serve("echo")
        with connect(server.address("echo")) as sock:
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(read_to_end(sock), b"")

    def test_datagrams_come_back_as_they_were(self):
        server = self.serve("echo")
        with udp(server.address("echo", "udp")) as sock:
            for size in (0, 1, 2, 511, 512, 1472, 1473, 9000, 65506, 65507, 0):
                with self.subTest(size=size):
                    data = hashlib.shake_128(str(size).encode()).digest(size)
                    sock.send(data)
                    self.assertTrue(sock.recv(1 << 17) == data)

    def test_socat_and_nc_get_their_bytes_back(self):
        server = self.serve("echo")
        data = b"".join(blocks("socat", 3))
        host, port = server.address("echo")
        for command in ([tool("socat"), "-t", "20", "-", f"TCP4:{host}:{port}"],
                        [tool("socat"), "-t", "20", "-", f"UNIX-CONNECT:{server.address('echo', 'unix')}"],
                        [tool("nc.openbsd"), "-N", "-4", host, str(port)]):
            with self.subTest(command=command):
                done = subprocess.run(command, input=data, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, env=tool_environment(), timeout=60)
                self.assertTrue(done.stdout == data, done.stderr)


class Discard(ServiceTest):
    def test_it_takes_everything_and_says_nothing(self):
        server = self.serve("discard")
        for address in self.stream_addresses(server, "discard"):
            with self.subTest(address=address), connect(address) as sock:
                for block in blocks("discard", 8):
                    sock.sendall(block)
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual(read_to_end(sock), b"")

    def test_no_datagram_is_answered(self):
        server = self.serve("discard", "echo")
        with udp(server.address("discard", "udp"), timeout=0.3) as sock:
            for size in (0, 1, 65507):
                sock.send(b"x" * size)
            # The server has come to all three before it comes to this one.
            with udp(server.address("echo", "udp")) as other:
                other.send(b"after")
                self.assertEqual(other.recv(100), b"after")
            with self.assertRaises(TimeoutError):
                sock.recv(100)


def chargen_pattern(size):
    """RFC 864's example, by its words: a ring of 95 characters, 72 of them a line."""
    ring = bytes(range(0x20, 0x7F))
    lines = [(ring + ring)[start:start + 72] + b"\r\n" for start in range(95)]
    block = b"".join(lines)
    return (block * (size // len(block) + 1))[:size]


class Chargen(ServiceTest):
    def test_the_pattern_goes_on_over_its_end(self):
        server = self.serve("chargen")
        size = 7030 * 400 + 1  # many times the queue, so that it is filled again and again
        for address in self.stream_addresses(server, "chargen"):
            with self.subTest(address=address), connect(address) as sock:
                self.assertTrue(read_exactly(sock, size) == chargen_pattern(size))

    def test_a_reader_that_stops_finds_the_pattern_where_it_was(self):
        server = self.serve("chargen")
        with connect(server.address("chargen")) as sock:
            first = read_exactly(sock, 1000)
            time.sleep(0.5)  # the queue and the kernel's buffers are full by now
            self.assertTrue(first + read_exactly(sock, 20_000_000) == chargen_pattern(20_001_000))

    def test_what_is_typed_is_thrown_away(self):
        server = self.serve("chargen")
        with connect(server.address("chargen")) as sock:
            done = threading.Event()

            def write():
                for block in blocks("typed", 16):
                    sock.sendall(block)
                done.set()
            with in_background(write):
                read = 0
                while not done.is_set():
                    part = sock.recv(1 << 20)
                    self.assertNotEqual(part, b"")
                    read += len(part)
            self.assertGreater(read, 0)

    def test_a_client_that_only_types_is_not_held_up(self):
        server = self.serve("chargen")
        with connect(server.address("chargen")) as sock:
            for block in blocks("only typed", 32):  # more than the buffers of both kernels hold
                sock.sendall(block)

    def test_a_client_that_has_nothing_to_say_may_read_on(self):
        server = self.serve("chargen")
        with connect(server.address("chargen")) as sock:
            sock.shutdown(socket.SHUT_WR)
            self.assertTrue(read_exactly(sock, 3_000_000) == chargen_pattern(3_000_000))

    def test_clients_that_abort_leave_nothing_behind(self):
        server = self.serve("chargen")
        for number in range(60):
            sock = connect(server.address("chargen"))
            if number % 3:
                sock.recv(1000)
            if number % 2:  # a reset
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        with connect(server.address("chargen")) as sock:
            self.assertTrue(read_exactly(sock, 10_000) == chargen_pattern(10_000))

    def test_a_datagram_is_answered_with_up_to_512_characters(self):
        server = self.serve("chargen")
        sizes = set()
        with udp(server.address("chargen", "udp")) as sock:
            for number in range(300):
                sock.send(b"" if number % 2 else b"anything")
                answer = sock.recv(1 << 16)
                self.assertLessEqual(len(answer), 512)
                self.assertEqual(answer, chargen_pattern(len(answer)))
                sizes.add(len(answer))
        self.assertGreater(len(sizes), 50)  # random: 300 draws of 513


class Daytime(ServiceTest):
    FORMATS = ("ctime", "iso8601", "smtp", "rfc1123", "nist")

    def moment(self, form, line):
        """The line as a moment; the zone is that of the environment, UTC here."""
        patterns = {"ctime": "%a %b %d %H:%M:%S %Y", "iso8601": "%Y-%m-%dT%H:%M:%S+00:00",
                    "smtp": "%d %b %y %H:%M:%S UTC", "rfc1123": "%a, %d %b %Y %H:%M:%S GMT"}
        self.assertTrue(line.endswith(b"\r\n"))
        self.assertEqual(line.count(b"\n"), 1)
        text = line[:-2].decode("ascii")
        if form == "nist":
            found = re.fullmatch(r"(\d{5}) (\d\d-\d\d-\d\d \d\d:\d\d:\d\d) (00|50) 0 0   0\.0 "
                                 r"UTC\(LOCL\) \*", text)
            self.assertTrue(found, text)
            moment = datetime.datetime.strptime(found[2], "%y-%m-%d %H:%M:%S")
            self.assertEqual(int(found[1]), (moment.date() - datetime.date(1858, 11, 17)).days)
        else:
            moment = datetime.datetime.strptime(text, patterns[form])
        return moment.replace(tzinfo=datetime.timezone.utc).timestamp()

    def test_every_format_tells_now(self):
        folder = self.folder()
        text = "".join(f"[services.{form}]\ntype = \"daytime\"\nformat = \"{form}\"\n"
                       f"listen = [\"127.0.0.1:0\", \"udp://127.0.0.1:0\", \"unix://{folder}/{form}\"]\n"
                       for form in self.FORMATS)
        server = self.start(config=text, env={"TZ": "UTC"})
        for form in self.FORMATS:
            lines = []
            before = int(time.time())
            for address in self.stream_addresses(server, form):
                with connect(address) as sock:
                    lines.append(read_to_end(sock))
            with udp(server.address(form, "udp")) as sock:
                for question in (b"", b"what time is it?"):
                    sock.send(question)
                    lines.append(sock.recv(1000))
            after = time.time()
            for line in lines:
                with self.subTest(form=form, line=line):
                    self.assertTrue(before <= self.moment(form, line) <= after)

    def test_whoever_types_before_reading_gets_the_line_1000_times_of_1000(self):
        server = self.serve("daytime")
        address = server.address("daytime")
        for number in range(1000):
            with connect(address) as sock:
                sock.sendall(b"what time is it?\r\n" * (1 + number % 5))
                line = read_to_end(sock)  # a reset would be an exception
                self.assertRegex(line, rb"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\r\n$")

    def test_a_wrong_format_is_named(self):
        with self.assertRaisesRegex(AssertionError, "iso8601"):
            self.start(config="[services.daytime]\nlisten = 0\nformat = \"iso8602\"\n")


class Time(ServiceTest):
    def assert_now(self, answer):
        self.assertEqual(len(answer), 4)
        told = struct.unpack("!I", answer)[0]
        now = (int(time.time()) + UNIX_EPOCH) % (1 << 32)
        self.assertIn((now - told) % (1 << 32), range(3))

    def test_four_bytes_and_the_end(self):
        server = self.serve("time")
        for address in self.stream_addresses(server, "time"):
            with self.subTest(address=address), connect(address) as sock:
                self.assert_now(read_to_end(sock))

    def test_four_bytes_for_every_datagram(self):
        server = self.serve("time")
        with udp(server.address("time", "udp")) as sock:
            for question in (b"", b"x", b"x" * 65507):
                sock.send(question)
                self.assert_now(sock.recv(1000))

    def test_rdate_reads_it(self):
        server = self.serve("time")
        for transport, options in (("tcp", []), ("udp", ["-u"])):
            with self.subTest(transport=transport):
                host, port = server.address("time", transport)
                done = run_tool("rdate", "-4", "-p", *options, "-o", port, host)
                self.assertEqual(done.code, 0, done)
                told = email.utils.parsedate_to_datetime(self.to_date(done.out))
                self.assertLess(abs(told.timestamp() - time.time()), 3)

    @staticmethod
    def to_date(text):
        """rdate says "Fri Aug 15 12:13:14 UTC 2025" in the zone it is run in."""
        _, month, day, clock, _, year = text.split()
        local = datetime.datetime.now().astimezone().strftime("%z")
        return f"{day} {month} {year} {clock} {local}"


class Banner(ServiceTest):
    def banner(self, style):
        server = self.serve(f"{style} type=banner style={style}")
        return server.address(style, "tcp")

    def test_python_talks_smtp(self):
        host, port = self.banner("smtp")
        with smtplib.SMTP(timeout=10) as client:
            code, words = client.connect(host, port)
            self.assertEqual(code, 220, words)
            code, words = client.ehlo("me")
            self.assertEqual(code, 502)
            self.assertIn(b"demonstration", words)
            self.assertEqual(client.quit()[0], 221)

    def test_python_talks_ftp(self):
        host, port = self.banner("ftp")
        client = ftplib.FTP(timeout=10)
        self.assertIn("220", client.connect(host, port))
        with self.assertRaisesRegex(ftplib.error_perm, "^502 .*demonstration"):
            client.login()
        self.assertIn("221", client.quit())

    def test_python_talks_pop3(self):
        host, port = self.banner("pop3")
        client = poplib.POP3(host, port, timeout=10)
        self.assertTrue(client.getwelcome().startswith(b"+OK"))
        with self.assertRaisesRegex(poplib.error_proto, "-ERR .*demonstration"):
            client.user("me")
        self.assertTrue(client.quit().startswith(b"+OK"))

    def test_python_talks_imap(self):
        host, port = self.banner("imap")
        with self.assertRaisesRegex(imaplib.IMAP4.error, "demonstration"):
            imaplib.IMAP4(host, port, timeout=10)
        with connect((host, port)) as sock:
            self.assertTrue(read_line(sock).startswith(b"* OK "))
            sock.sendall(b"a1 LOGOUT\r\n")
            self.assertEqual(read_to_end(sock), b"* BYE goodbye\r\na1 OK LOGOUT completed\r\n")

    def test_ssh_ends_after_the_identification(self):
        with connect(self.banner("ssh")) as sock:
            self.assertRegex(read_line(sock), rb"^SSH-2\.0-[!-,.-~]+\r\n$")
            sock.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\nand binary: \x00\x01")
            self.assertIn(b"demonstration", read_to_end(sock))

    def test_lines_in_pieces_and_many_at_once(self):
        address = self.banner("smtp")
        with connect(address) as sock:
            read_line(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b"EHLO me\r\n":
                sock.sendall(bytes([byte]))
            self.assertTrue(read_line(sock).startswith(b"502 "))
            sock.sendall(b"a\nb\nQUIT\n")
            self.assertEqual([line[:3] for line in read_to_end(sock).splitlines()],
                             [b"502", b"502", b"221"])

    def test_nonsense_is_bounded(self):
        address = self.banner("smtp")
        with connect(address) as sock:
            read_line(sock)
            sock.sendall(b"\n" * 50_000)
            answers = read_to_end(sock).splitlines()
        self.assertEqual(len(answers), 50)
        self.assertTrue(answers[-1].startswith(b"421 "))

    def test_a_line_without_an_end_costs_nothing(self):
        server = self.serve("smtp type=banner style=smtp")
        with connect(server.address("smtp", "tcp")) as sock:
            read_line(sock)
            before = peak_bytes(server.pid)
            for _ in range(48):
                sock.sendall(b"x" * (1 << 20))
            sock.sendall(b"\r\n")
            self.assertTrue(read_line(sock).startswith(b"502 "))
            self.assertLess(peak_bytes(server.pid) - before, 16 << 20)


if __name__ == "__main__":
    unittest.main()
