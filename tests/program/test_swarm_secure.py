# ctest: timeout=600 serial
"""polyport swarm over TLS and WebSocket: whom it believes, and servers that do it wrong."""

import base64
import contextlib
import hashlib
import json
import socket
import threading

from support import TIMEOUT, cli
from swarm_support import SwarmTest
from tls_support import authority, section

SERVICES = ('[services.echo]\nlisten = ["tls://127.0.0.1:0", "ws://127.0.0.1:0", "wss://127.0.0.1:0"]\n'
            + section("echo")
            + '[services.web]\ntype = "http"\nlisten = ["tcp://127.0.0.1:0", "tls://127.0.0.1:0"]\n'
            + section("web")
            + '[services.chat]\nlisten = "tls://127.0.0.1:0"\n' + section("chat"))
SCHEMES = {"https": ("web", "tls"), "chats": ("chat", "tls")}


class SecureSwarm(SwarmTest):
    def url(self, server, scheme, path=""):  # pylint: disable=arguments-renamed
        service, transport = SCHEMES.get(scheme, ("echo", scheme))
        host, port = server.address(service, transport)
        return f"{scheme}://{host}:{port}{path}"

    def trusted(self, *args, **settings):
        return self.swarm(*args, "--ca", str(authority().path), **settings)

    def test_every_byte_comes_back_through_each_transport(self):
        server = self.start(config=SERVICES)
        for scheme in ("tls", "ws", "wss"):
            with self.subTest(scheme=scheme):
                # 100 KB are several records, and more than one WebSocket frame.
                report = self.trusted(self.url(server, scheme), "--count", 20, "--size", 100_000)
                self.assertEqual(report["sockets"]["established"], 20)
                self.assertEqual(report["messages"]["bytes_verified"], 20 * 100_000)
                self.assertEqual(report["times"]["handshake"]["count"], 20)
                self.assertEqual(report["times"]["connect"]["count"], 20)

    def test_http_and_chat_over_tls(self):
        server = self.start(config=SERVICES)
        report = self.trusted(self.url(server, "https", "/plain"), "--count", 10, "--rate", 100,
                              "--duration", "1s")
        self.assertEqual(report["messages"]["answered"], 110)  # with one for each socket that opens
        report = self.trusted(self.url(server, "chats"), "--count", 5)
        self.assertEqual(report["messages"]["answered"], 5)
        self.assertFalse(report["lost"])

    def test_websocket_of_the_http_service(self):
        server = self.start(config=SERVICES)
        host, port = server.address("web")
        report = self.swarm(f"ws://{host}:{port}/websocket/echo", "--count", 10, "--size", 5000)
        self.assertEqual(report["messages"]["bytes_verified"], 50_000)

    def test_several_transports_in_one_run(self):
        server = self.start(config=SERVICES)
        report = self.trusted(self.url(server, "tls"), self.url(server, "ws"), self.url(server, "wss"),
                              "--count", 30, "--hold", "100ms")
        self.assertEqual(report["messages"]["answered"], 60)

    def test_a_certificate_that_nobody_vouches_for(self):
        server = self.start(config=SERVICES)
        url = self.url(server, "tls")
        report = self.swarm(url, "--count", 3, code=1)
        self.assertEqual(report["sockets"]["refused"], {"handshake": 3})
        self.assertIn("--ca FILE", report["examples"][0])
        self.assertEqual(self.swarm(url, "--count", 3, "--insecure")["messages"]["answered"], 3)

    def test_a_certificate_for_another_name(self):
        server = self.start(config=SERVICES.replace("local.", "a."))
        report = self.trusted(self.url(server, "tls"), "--count", 1, code=1)
        self.assertIn("IP address mismatch", report["examples"][0])

    def test_the_development_ca_is_believed(self):
        environment = {"STATE_DIRECTORY": str(self.folder() / "state")}
        server = self.start(config='[server.tls]\nauto = true\n[services.echo]\n'
                                   'listen = "tls://127.0.0.1:0"\n', env=environment)
        report = self.swarm(self.url(server, "tls"), "--count", 5, env=environment)
        self.assertEqual(report["messages"]["answered"], 5)

    def test_a_port_without_tls_and_one_without_websocket(self):
        server = self.start(config=SERVICES)
        host, port = server.address("web")
        report = self.swarm(f"tls://{host}:{port}", "--count", 2, code=1)
        self.assertEqual(report["sockets"]["refused"], {"handshake": 2})
        self.assertIn("does not speak TLS", report["examples"][0])
        report = self.swarm(f"ws://{host}:{port}/plain", "--count", 2, code=1)
        self.assertIn("opens no WebSocket there: 200 OK", report["examples"][0])

    def test_a_ca_that_cannot_be_read(self):
        result = cli("swarm", "tls://127.0.0.1:1", "--ca", "/no/such/file")
        self.assertEqual(result.code, 2, result)
        self.assertIn("--ca", result.err)

    def test_what_a_websocket_server_does_wrong(self):
        wrong_key = base64.b64encode(b"x" * 20)
        cases = {
            "does not answer our key": lambda key: (wrong_key, b""),
            "protocol_error": lambda key: (key, b"\x82\x81abcdX"),  # masked: section 5.1
            "got other bytes": lambda key: (key, b"\x82\x04four"),
            "peer_closed": lambda key: (key, b"\x88\x02\x03\xe8"),
        }
        for words, answer in cases.items():
            with self.subTest(words):
                report = self.swarm(self.wrong(answer), "--count", 1, "--timeout", "5s", code=1)
                found = json.dumps([report["sockets"], report["examples"]])
                if words == "got other bytes":
                    self.assertEqual(report["sockets"]["wrong"], 1, found)
                else:
                    self.assertIn(words, found)

    def wrong(self, answer):
        """A server for one connection whose handshake and first bytes are answer(right key)."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(TIMEOUT)

        def serve():
            with contextlib.suppress(OSError), listener, listener.accept()[0] as connection:
                connection.settimeout(TIMEOUT)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(4096)
                key = [line.split(b": ")[1] for line in head.split(b"\r\n")
                       if line.startswith(b"Sec-WebSocket-Key")][0]
                right = base64.b64encode(hashlib.sha1(
                    key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                accept, more = answer(right)
                connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                   b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept +
                                   b"\r\n\r\n" + more)
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join, TIMEOUT)
        return "ws://127.0.0.1:%d" % listener.getsockname()[1]


if __name__ == "__main__":
    import unittest
    unittest.main()
