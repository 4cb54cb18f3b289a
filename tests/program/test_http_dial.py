"""The http service as a client: /dial."""

import socket
import unittest
from urllib.parse import quote

from http_support import HttpTest
from support import connect, wait_until


class Dial(HttpTest):
    OPTIONS = ('unsafe = true\nmax_duration = "3s"\nhostname = "here"\n'
               '[services.echo]\nlisten = ["127.0.0.1:0", "udp://127.0.0.1:0"]\n'
               '[services.daytime]\nlisten = "127.0.0.1:0"\n')

    def dial(self, port, request="", host="127.0.0.1", **more):
        query = "".join(f"&{name}={quote(str(value))}" for name, value in more.items())
        return self.ask(f"/dial?host={quote(host)}&port={port}&request={quote(request, safe='')}{query}")

    def closed_port(self, kind=socket.SOCK_STREAM):
        sock = socket.socket(socket.AF_INET, kind)
        self.addCleanup(sock.close)
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]  # bound, so nobody else takes it; nobody listens

    def test_http(self):
        web = self.address[1]
        self.assertEqual(self.dial(web, "hostname?format=text").json, {"responses": ["here"]})
        self.assertEqual(self.dial(web, "/ip?format=text", host="localhost").json,
                         {"responses": ["127.0.0.1"]})
        self.assertEqual(self.dial(web, "bench", tries=3).json, {"responses": ["1", "1", "1"]})
        body = self.dial(web, "bytes/1048576?seed=1").json["responses"][0]
        self.assertLessEqual(len(body), 64 * 1024)

    def test_tcp_and_udp(self):
        echo = self.server.port("echo")
        self.assertEqual(self.dial(echo, "a b\n", protocol="tcp").json, {"responses": ["a b\n"]})
        daytime = self.dial(self.server.port("daytime"), protocol="tcp").json["responses"][0]
        self.assertTrue(daytime.endswith("\r\n"))
        udp = self.server.port("echo", transport="udp")
        self.assertEqual(self.dial(udp, "hello", protocol="udp", tries=2).json,
                         {"responses": ["hello", "hello"]})

    def test_as_one_writes_it(self):
        address = f"host=127.0.0.1&port={self.server.port('echo')}"
        for path in (f"/dial?{address}&protocol=tcp&request=x", f"/dial?tries=1&{address}&protocol=tcp&request=x",
                     f"/dial?timeout=2s&protocol=tcp&request=x&{address}", f"/dial?protocol=tcp&request=x&{address}"):
            self.assertEqual(self.ask(path).json, {"responses": ["x"]}, path)

    def test_nobody_there(self):
        answer = self.dial(self.closed_port(), tries=2)
        self.assertEqual(answer.status, 200)
        self.assertEqual(len(answer.json["errors"]), 2)
        self.assertIn("refused", answer.json["errors"][0])
        self.assertNotIn("responses", answer.json)
        answer = self.dial(self.closed_port(socket.SOCK_DGRAM), "x", protocol="udp", timeout="200ms")
        self.assertEqual(len(answer.json["errors"]), 1)
        answer = self.dial(80, host="no-such-host.invalid")
        self.assertEqual(len(answer.json["errors"]), 1)

    def test_one_that_never_answers(self):
        answer = self.dial(self.address[1], "misbehave/never", timeout="200ms")
        self.assertEqual(answer.json, {"errors": ["no answer within 200ms"]})
        answer = self.dial(self.address[1], "misbehave/empty")
        self.assertEqual(answer.json, {"errors": ["the connection ended without an answer"]})

    def test_clients_that_leave_take_it_with_them(self):
        for what in (f"port={self.address[1]}&request=misbehave/never",
                     f"port={self.server.port('echo', transport='udp')}&protocol=udp",
                     f"port={self.closed_port()}&tries=10"):
            with connect(self.address) as sock:
                sock.sendall(f"GET /dial?host=127.0.0.1&{what} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        wait_until(lambda: self.ask("/bench").status == 200, "it still answers")

    def test_it_does_not_go_round_in_circles(self):
        inner = "bench"
        for _ in range(6):
            inner = f"dial?host=127.0.0.1&port={self.address[1]}&request={quote(inner, safe='')}"
        answer = self.ask("/" + inner)
        self.assertIn("again and again", answer.text)

    def test_bad_requests(self):
        port = self.address[1]
        self.assert_statuses({f"/dial?{bad}": 400 for bad in (
            "", "host=127.0.0.1", f"port={port}", "host=127.0.0.1&port=0", "host=127.0.0.1&port=65536",
            f"host=*&port={port}", f"host=a%20b&port={port}", f"host=a/b&port={port}",
            f"host=udp://a&port={port}", f"host=127.0.0.1&port={port}&protocol=sctp",
            f"host=127.0.0.1&port={port}&tries=0", f"host=127.0.0.1&port={port}&tries=11",
            f"host=127.0.0.1&port={port}&timeout=4s", f"host=127.0.0.1&port={port}&timeout=0",
            f"host=127.0.0.1&port={port}&request=a%0d%0ab", f"host=127.0.0.1&port={port}&request=a%20b")})


class NoDial(HttpTest):
    def test_only_where_it_is_allowed(self):
        self.assertEqual(self.ask("/dial?host=127.0.0.1&port=1").status, 404)


if __name__ == "__main__":
    unittest.main()
