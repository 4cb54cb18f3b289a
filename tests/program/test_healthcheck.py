"""polyport healthcheck: 0 for a 200, 1 for everything else, and never late."""

import contextlib
import socket
import threading
import time
import unittest

from support import TIMEOUT, ProgramTest, cli
from tls_support import authority, section


class Healthcheck(ProgramTest):
    def answering(self, *pieces, gap=0.0, close=True):
        """A server that sends the pieces to whoever asks; its URL and the requests it saw."""
        listener = socket.create_server(("127.0.0.1", 0))
        requests = []
        over = threading.Event()

        def serve():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(TIMEOUT)
                    requests.append(connection.recv(4096))
                    for piece in pieces:
                        connection.sendall(piece)
                        over.wait(gap)
                    if not close:
                        over.wait(TIMEOUT)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(listener.close)
        self.addCleanup(thread.join, TIMEOUT)
        self.addCleanup(over.set)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/healthz", requests

    def unhealthy(self, url, sentence):
        started = time.monotonic()
        result = cli("healthcheck", url)
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual((result.code, result.out), (1, ""), result)
        self.assertIn(sentence, result.err)
        return result

    def test_200_is_healthy(self):
        url, requests = self.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        result = cli("healthcheck", url)
        self.assertEqual((result.code, result.out, result.err), (0, "", ""))
        host = url.split("/")[2].encode()
        self.assertTrue(requests[0].startswith(
            b"GET /healthz HTTP/1.1\r\nHost: " + host + b"\r\n"), requests)
        self.assertTrue(requests[0].endswith(b"\r\nConnection: close\r\n\r\n"), requests)

    def test_an_answer_in_pieces(self):
        url, _ = self.answering(b"HTT", b"P/1.1 2", b"00 OK", b"\r\n", gap=0.02)
        self.assertEqual(cli("healthcheck", url).code, 0)

    def test_over_tls(self):
        server = self.start(config='[services.web]\ntype = "http"\nlisten = "tls://127.0.0.1:0"\n'
                            + section("web"))
        url = "https://127.0.0.1:%d/plain" % server.address("web", "tls")[1]
        for trust in (["--ca", str(authority().path)], ["--insecure"]):
            result = cli("healthcheck", url, "--timeout", "20s", *trust)
            self.assertEqual(result.code, 0, result)
        result = cli("healthcheck", url, "--timeout", "20s")
        self.assertEqual(result.code, 1)
        self.assertIn("certificate verify failed", result.err)
        self.unhealthy(url.replace("https", "http"), "the answer is 400, not 200")

    def test_a_draining_server_is_not(self):
        url, _ = self.answering(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        self.unhealthy(url, "the answer is 503, not 200")

    def test_nobody_listens(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            self.unhealthy("http://127.0.0.1:%d/" % bound.getsockname()[1], "refused")

    def test_a_stopped_server_is_not_waited_for(self):
        # What SIGSTOP leaves: the kernel still accepts, and nobody answers.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            started = time.monotonic()
            self.unhealthy("http://127.0.0.1:%d/" % listener.getsockname()[1],
                           "connected, but no answer in time")
            self.assertGreater(time.monotonic() - started, 1.9)

    def test_a_server_that_drips_does_not_move_the_deadline(self):
        url, _ = self.answering(*[b"x"] * 200, gap=0.05)
        self.unhealthy(url, "no answer in time")

    def test_what_is_not_http(self):
        url, _ = self.answering(b"220 mail.example.com ESMTP\r\n")
        self.unhealthy(url, "the answer is not HTTP: \"220 mail.example.com ESMTP\"")
        url, _ = self.answering(b"x" * 100_000, close=False)
        self.unhealthy(url, "the answer is not HTTP")
        url, _ = self.answering(b"HTTP/1.1 2000 OK\x1b[31m\r\n")
        self.assertNotIn("\x1b", self.unhealthy(url, "not").err)

    def test_a_server_that_hangs_up(self):
        url, _ = self.answering()
        self.unhealthy(url, "the server closed without an answer")

    def test_urls_that_are_none(self):
        for url, words in [("localhost:9901", "does not begin with http://"),
                           ("ftp://localhost:9901/", "does not begin with http://"),
                           ("http://localhost:70000/", "port 70000 is over 65535"),
                           ("http://localhost:9901/a b", "has a character that none has"),
                           ("http://localhost:9901/\r\nX: y", "has a character that none has"),
                           ("http://*:9901/", "does not name one host and one port"),
                           ("http:///healthz", "")]:
            with self.subTest(url):
                self.unhealthy(url, words)


if __name__ == "__main__":
    unittest.main()
