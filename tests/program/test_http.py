"""The http service from outside: curl, Python's http.client and raw sockets against the real binary."""

import http.client
import json
import subprocess
import unittest

from support import ProgramTest, connect, read_exactly, read_to_end, tool, wait_until

CONFIG = """
[server]
name = "polyport"
[services.web]
type = "http"
listen = "127.0.0.1:0"
header_timeout = "5s"
[services.echo]
listen = "127.0.0.1:0"
"""


def read_answer(sock):
    """(head as text, body) of one answer with a Content-Length."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(sock, 1)
    text = head.decode()
    for line in text.split("\r\n"):
        if line.lower().startswith("content-length:"):
            return text, read_exactly(sock, int(line.split(":")[1]))
    return text, b""


class Http(ProgramTest):
    def setUp(self):
        self.server = self.start(config=CONFIG)
        self.address = self.server.address("web")

    def curl(self, path, *args, data=None):
        done = subprocess.run(
            [tool("curl"), "-sS", "--max-time", "20", *args, self.server.url("web", path)],
            input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def raw(self, request, half_close=False):
        with connect(self.address) as sock:
            sock.sendall(request)
            if half_close:
                sock.shutdown(1)
            return read_to_end(sock)

    # --- what the pages say

    def test_the_front_page_tells_curl_who_it_is(self):
        host, port = self.address
        with connect(self.address) as sock:
            me = "%s:%d" % sock.getsockname()
            sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n")
            head, body = read_answer(sock)
        text = body.decode()
        self.assertIn("text/plain", head)
        self.assertTrue(text.startswith(f"You are {me}. You reached {host}:{port}.\n"), text)
        echo = self.server.port("echo")
        self.assertRegex(text, rf"(?m)^{echo} +echo +polyport connect localhost:{echo}$")
        self.assertRegex(text, rf"(?m)^{port} +web +curl http://localhost:{port}/$")

    def test_the_front_page_is_html_for_a_browser(self):
        accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        status, headers, body = self.server.get("web", headers={"Accept": accept})
        page = body.decode()
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn("You reached <b>%s:%d</b>" % self.address, page)
        self.assertIn(f"http://localhost:{self.address[1]}/", page)
        self.assertIn("prefers-color-scheme: dark", page)
        # A Host with markup in it is no host, and nothing of a request stands in the page raw.
        answer = self.raw(b"GET / HTTP/1.1\r\nHost: <b>\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)

    def test_echo_shows_the_request(self):
        answer = json.loads(self.curl("/echo?a=1&b=x%20y&a=2", "-X", "PURGE", "-H", "X-One: 1",
                                      "-H", "x-one: 2", "--data-binary", "@-", data=b"\xc3\xa4"))
        self.assertEqual(answer["method"], "PURGE")
        self.assertEqual(answer["target"], "/echo?a=1&b=x%20y&a=2")
        self.assertEqual(answer["path"], "/echo")
        self.assertEqual(answer["args"], {"a": ["1", "2"], "b": ["x y"]})
        self.assertEqual(answer["headers"]["X-One"], ["1", "2"])
        self.assertEqual(answer["body"], "\u00e4")
        self.assertEqual(answer["origin"], "127.0.0.1")
        as_json = json.loads(self.curl("/echo", "--data-binary", "@-", data=b'{"n":[1]}'))
        self.assertEqual((as_json["body"], as_json["json"]), ('{"n":[1]}', {"n": [1]}))
        self.assertNotIn("json", json.loads(self.curl("/echo", "-d", "{no json")))
        binary = json.loads(self.curl("/echo", "--data-binary", "@-", data=b"\xff\x00\xfe"))
        self.assertEqual(binary["body"], "data:application/octet-stream;base64,/wD+")

    def test_now_is_now_in_every_format(self):
        now = json.loads(self.curl("/now"))
        self.assertEqual(now["ntp"] - now["unix"], 2208988800)
        self.assertEqual(now["unix_ms"] // 1000, now["unix"])
        self.assertTrue(now["iso8601"].startswith(now["rfc3339"][:-1]))
        self.assertTrue(now["rfc1123"].endswith(" GMT"))
        for word in now["ctime"].split():
            self.assertIn(word.zfill(2), now["rfc1123"] + now["rfc1123"].replace(",", ""))

    def test_socket_shows_both_ends(self):
        with connect(self.address) as sock:
            for number in (1, 2):
                sock.sendall(b"GET /socket HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = json.loads(read_answer(sock)[1])
                self.assertEqual(answer["requests"], number)
            self.assertEqual(answer["client"]["port"], sock.getsockname()[1])
        self.assertEqual(answer["server"]["port"], self.address[1])
        self.assertEqual(answer["family"], "ipv4")
        self.assertIn(answer["client"]["range"], ("user", "dynamic"))

    def test_errors_say_what_to_do(self):
        status, headers, body = self.server.get("web", "/nothing/here")
        self.assertEqual((status, headers["Content-Type"]), (404, "application/json"))
        self.assertEqual(json.loads(body)["status_code"], 404)
        status, headers, _ = self.server.get("web", "/plain", method="POST", body="x")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD, OPTIONS"))
        self.assertIn(b"nc -C", self.raw(b"GET / HTTP/1.1\n\n"))
        self.assertIn(b"TLS", self.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))

    # --- clients

    def test_curl_in_every_way(self):
        self.assertEqual(self.curl("/plain"), b"Hello, World!")
        self.assertEqual(self.curl("/plain", "--http1.0"), b"Hello, World!")
        head = self.curl("/plain", "-I")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertIn(b"Content-Length: 13\r\n", head)
        self.assertTrue(head.endswith(b"\r\n\r\n"))
        body = b"0123456789" * 50_000
        chunked = json.loads(self.curl("/echo", "-T", "-", data=body))
        self.assertEqual(chunked["body"].encode(), body)
        self.assertEqual(chunked["headers"]["Transfer-Encoding"], ["chunked"])
        waits = json.loads(self.curl("/echo", "-H", "Expect: 100-continue", "--data-binary", "@-",
                                     "--expect100-timeout", "15", data=body))
        self.assertEqual(waits["body"].encode(), body)
        twice = self.curl("/plain", "-w", "%{num_connects}", self.server.url("web", "/plain"))
        self.assertEqual(twice, b"Hello, World!1Hello, World!0")

    def test_curl_sees_trailers_and_sends_what_comes_in_pieces(self):
        head = self.folder() / "head"
        body = self.curl("/trailers?X-Sum=42&X-End=yes", "-D", str(head))
        self.assertEqual(json.loads(body)["args"], {"X-Sum": ["42"], "X-End": ["yes"]})
        fields, _, trailers = head.read_bytes().partition(b"\r\n\r\n")
        self.assertIn(b"\r\nTrailer: X-Sum, X-End", fields)
        self.assertEqual(trailers, b"X-Sum: 42\r\nX-End: yes\r\n")
        piece = b"0123456789" * 100_000
        for version in ("--http1.0", "--http1.1"):
            file = self.folder() / "file"
            file.write_bytes(piece)
            answer = json.loads(self.curl("/upload", version, "-X", "PUT", "-T", str(file)))
            self.assertEqual(answer, {"bytes_received": len(piece)})
            with_length = self.curl("/stream-bytes/100000?seed=3", version)
            self.assertEqual(with_length, self.curl("/bytes/100000?seed=3"))

    def test_curl_is_told_that_its_body_is_too_large(self):
        done = subprocess.run(
            [tool("curl"), "-sS", "--max-time", "20", "-o", "-", "-w", "%{http_code}",
             "--data-binary", "@-", self.server.url("web", "/echo")],
            input=b"x" * (2 << 20), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        self.assertTrue(done.stdout.endswith(b"413"), done)

    def test_python_keeps_its_connection(self):
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        for number in range(1, 50):
            connection.request("POST", "/echo", body=str(number) * number)
            answer = json.loads(connection.getresponse().read())
            self.assertEqual(answer["body"], str(number) * number)
        connection.request("GET", "/socket")
        self.assertEqual(json.loads(connection.getresponse().read())["requests"], 50)
        connection.close()

    # --- the wire

    def test_a_thousand_pipelined_requests(self):
        request = b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"
        answers = self.raw(request * 1000, half_close=True)
        self.assertEqual(answers.count(b"HTTP/1.1 200 OK\r\n"), 1000)
        self.assertEqual(answers.count(b"\r\n\r\nHello, World!"), 1000)

    def test_a_good_request_before_garbage_is_answered(self):
        answers = self.raw(b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n\x00garbage")
        self.assertLess(answers.index(b"HTTP/1.1 200 OK"), answers.index(b"HTTP/1.1 400 "))
        self.assertIn(b"Hello, World!", answers)

    def test_an_error_under_a_continuing_upload_is_seen_every_time(self):
        for number in range(50):
            with connect(self.address) as sock:
                sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
                sock.sendall(b"x" * 200_000)
                self.assertIn(b"HTTP/1.1 413 ", read_to_end(sock), number)

    def test_a_slow_head_gets_408(self):
        with connect(self.address) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            self.assertTrue(read_to_end(sock).startswith(b"HTTP/1.1 408 "))

    def test_a_stop_lets_the_answer_out(self):
        with connect(self.address) as sock, connect(self.address) as other:
            sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")

            def is_told_to_go():
                other.sendall(b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
                return "Connection: close\r\n" in read_answer(other)[0]

            self.assertFalse(is_told_to_go())
            self.server.signal(15)
            wait_until(is_told_to_go, "the drain has begun")
            sock.sendall(b"cd")
            head, body = read_answer(sock)
            self.assertIn("Connection: close\r\n", head)
            self.assertEqual(json.loads(body)["body"], "abcd")
        self.assertEqual(self.server.wait(), 0)


class Settings(ProgramTest):
    def test_limits_come_from_the_settings(self):
        server = self.start(config="""
[services.web]
type = "http"
listen = "127.0.0.1:0"
max_body = "100B"
max_headers = 3
max_request_line = "256B"
keepalive_requests = 1
""")
        status = lambda **what: server.get("web", **what)[0]
        self.assertEqual(status(path="/echo", method="POST", body=b"x" * 100), 200)
        self.assertEqual(status(path="/echo", method="POST", body=b"x" * 101), 413)
        self.assertEqual(status(path="/" + "a" * 300), 414)
        self.assertEqual(status(path="/plain", headers={"A": "1", "B": "2"}), 431)
        self.assertEqual(server.get("web", "/plain")[1]["Connection"], "close")


if __name__ == "__main__":
    unittest.main()
