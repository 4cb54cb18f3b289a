"""Clients at the wrong port: what they get is what the service's protocol says, and it is noted."""

import json
import re
import socket
import ssl
import unittest

from support import ProgramTest, connect, read_exactly, read_to_end, run_tool, wait_until

CONFIG = """\
[server]
log_format = "json"
[services.echo]
listen = ["127.0.0.1:0", "udp://127.0.0.1:0"]
[services.discard]
listen = "127.0.0.1:0"
[services.daytime]
listen = "127.0.0.1:0"
[services.time]
listen = "127.0.0.1:0"
[services.chargen]
listen = "127.0.0.1:0"
[services.chat]
listen = "127.0.0.1:0"
"""


class WrongProtocol(ProgramTest):
    def setUp(self):
        self.server = self.start(config=CONFIG)

    def samples(self):
        page = self.server.get("health", "/metrics")[2].decode()
        found = re.findall(r'^polyport_wrong_protocol_total\{service="(\w+)",listener="([\w.]+)",'
                           r'reason="(\w+)"\} (\d+)$', page, re.M)
        return {(service, listener, reason): int(count) for service, listener, reason, count in found}

    def counted(self, service, protocol, count=1):
        wait_until(lambda: self.samples().get((service, f"{service}.main.0", protocol)) == count,
                   f"{count} x {protocol} at {service}, of {self.samples()}")

    def log_lines(self):
        lines = [json.loads(line) for line in self.server.stderr().splitlines()
                 if line.startswith("{")]
        return [line for line in lines if line["event"] == "wrong_protocol"]

    def awaited_log_lines(self):
        wait_until(self.log_lines, "the log, which has a thread of its own")
        return self.log_lines()

    def url(self, service):
        host, port = self.server.address(service)
        return f"http://{host}:{port}/"

    def test_a_browser_at_echo_gets_its_own_bytes_back(self):
        head = run_tool("curl", "--silent", "--http0.9", "--max-time", "1", "--header", "X-A: b",
                        self.url("echo")).out  # it waits for an end that echo does not make
        self.assertRegex(head, r"^GET / HTTP/1\.1\r\n")
        self.assertIn("X-A: b\r\n", head)
        self.assertTrue(head.endswith("\r\n\r\n"), head)
        self.counted("echo", "http")
        (line,) = self.awaited_log_lines()
        self.assertEqual((line["level"], line["service"], line["listener"], line["reason"]),
                         ("warn", "echo", "echo.main.0", "http"))
        self.assertRegex(line["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual(line["msg"],
                         "a client speaks HTTP to a service that does not: is it the right port?")

    def test_a_browser_at_daytime_time_discard_and_chargen(self):
        for service in ("daytime", "time"):
            got = run_tool("curl", "--silent", "--http0.9", "--output", "-", self.url(service))
            self.assertTrue(got.out, service)
            self.assertNotIn("HTTP", got.out)
            self.counted(service, "http")
        with connect(self.server.address("discard")) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(read_to_end(sock), b"")
        self.counted("discard", "http")
        with connect(self.server.address("chargen")) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(read_exactly(sock, 10_000).startswith(b' !"#$%&'))
            self.counted("chargen", "http")

    def test_a_tls_client_at_echo_hears_its_own_hello(self):
        context = ssl.create_default_context()
        with connect(self.server.address("echo")) as sock:
            with self.assertRaises(ssl.SSLError):  # a ClientHello is no ServerHello
                context.wrap_socket(sock, server_hostname="localhost")
        self.counted("echo", "tls")

    def test_other_clients_at_echo(self):
        for protocol, first in (("ssh", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
                                ("proxy", b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\n"),
                                ("socks", b"\x05\x01\x00"),
                                ("redis", b"*1\r\n$4\r\nPING\r\n"),
                                ("postgresql", b"\x00\x00\x00\x08\x04\xd2\x16\x2f")):
            with self.subTest(protocol=protocol), connect(self.server.address("echo")) as sock:
                sock.sendall(first)
                self.assertEqual(read_exactly(sock, len(first)), first)
                self.counted("echo", protocol)

    def test_chat_answers_in_words_and_notes_it_too(self):
        with connect(self.server.address("chat")) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"not an HTTP server", read_to_end(sock))
        self.counted("chat", "http")
        with connect(self.server.address("chat")) as sock:
            with self.assertRaises(ssl.SSLError):
                ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")
        self.counted("chat", "tls")

    def test_a_burst_is_one_line_and_every_connection_is_counted(self):
        for _ in range(25):
            with connect(self.server.address("echo")) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
                read_exactly(sock, 18)
        self.counted("echo", "http", 25)
        self.assertEqual(len(self.awaited_log_lines()), 1)

    def test_what_echo_is_for_is_not_noted(self):
        with connect(self.server.address("echo")) as sock:
            for text in (b"hello\n", b"GET / HTTP/1.1\r\n\r\n"):  # not the first bytes any more
                sock.sendall(text)
                self.assertEqual(read_exactly(sock, len(text)), text)
        self.assertEqual(self.samples(), {})
        self.assertEqual(self.log_lines(), [])

    def test_it_stands_in_the_status(self):
        with connect(self.server.address("echo")) as sock:
            sock.sendall(b"SSH-2.0-x\r\n")
            read_exactly(sock, 11)
        self.counted("echo", "ssh")
        services = json.loads(self.server.get("admin", "/api/v1/services")[2])["services"]
        (echo,) = (each for each in services if each["name"] == "echo")
        self.assertEqual([each["wrong_protocol_total"] for each in echo["listeners"]],
                         [{"ssh": 1}, {}])


if __name__ == "__main__":
    unittest.main()
