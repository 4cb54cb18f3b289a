# ctest: timeout=300
"""The http service: the wire as it is, and answers that are wrong on purpose."""

import json
import re
import socket
import subprocess
import unittest

from http_support import HttpTest
from support import SOURCE, connect, read_exactly, read_to_end, tool, wait_until

ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|(.))")


def unescaped(line):
    plain = {"r": "\r", "n": "\n", "\\": "\\"}
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else plain[found[2]],
                      line).encode("latin-1")


def documented_answers():
    """[(path, bytes, how it ends)] of docs/http_misbehave.md."""
    cases, path, block = [], None, None
    for line in (SOURCE / "docs/http_misbehave.md").read_text().splitlines():
        if block is not None:
            if line == "```":
                cases.append((path, block, end))
                block = None
            else:
                block += unescaped(line)
        elif line.startswith("### "):
            path = line[4:]
        elif line.startswith("```answer"):
            block, end = b"", line.removeprefix("```answer").strip()
    return cases


class Misbehaviour(HttpTest):
    def open(self, path, method="GET"):
        sock = connect(self.address)
        self.addCleanup(sock.close)
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return sock

    def check(self, path, wanted, end, method="GET"):
        sock = self.open(path, method)
        self.assertEqual(read_exactly(sock, len(wanted)), wanted)
        if end == "close":
            self.assertEqual(sock.recv(1), b"")
        elif end == "reset":
            with self.assertRaises(ConnectionResetError):
                sock.recv(1)
        else:
            sock.sendall(b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(self.ask("/plain").status, 200)  # the server has had its time
            sock.setblocking(False)
            with self.assertRaises(BlockingIOError):
                sock.recv(1)

    def test_every_answer_is_the_documented_one(self):
        cases = documented_answers()
        self.assertGreaterEqual(len(cases), 30)
        for path, wanted, end in cases:
            for method in ("GET", "HEAD", "POST"):
                with self.subTest(path=path, method=method):
                    self.check(path, wanted, end, method)

    def test_every_answer_is_documented(self):
        reference = subprocess.run([str(self.server.process.args[0]), "services", "http",
                                    "--reference"], stdout=subprocess.PIPE, check=True, timeout=30)
        there = set(re.findall(r"`(/misbehave/[\w-]+)", reference.stdout.decode()))
        documented = {re.match(r"/misbehave/[\w-]+", path)[0] for path, _, _ in documented_answers()}
        self.assertEqual(there, documented)
        self.assertGreaterEqual(len(there), 30)

    def test_bounds(self):
        good = read_to_end(self.open("/misbehave/cut/97"))
        self.assertTrue(good.endswith(b"\r\n\r\nHello, World!"))
        self.assertEqual(read_to_end(self.open("/misbehave/cut/0")), b"")
        self.assertEqual(read_to_end(self.open("/misbehave/cut/84")), good[:84])
        self.assertTrue(good[:84].endswith(b"\r\n\r\n"))
        self.assert_statuses({"/misbehave/cut/98": 400, "/misbehave/cut/-1": 400,
                              "/misbehave/reset/98": 400, "/misbehave/slow?duration=11s": 400,
                              "/misbehave/informational?count=0": 400,
                              "/misbehave/informational?count=100001": 400,
                              "/misbehave/informational?code=99": 400,
                              "/misbehave/informational?code=200": 400,
                              "/misbehave/huge-headers?count=0": 400,
                              "/misbehave/huge-headers?count=101&size=1000000": 400,
                              "/misbehave/nothing": 404})

    def test_large_ones_go_at_the_clients_pace(self):
        sock = self.open("/misbehave/huge-headers?count=100000&size=1000")
        total = 0
        while part := sock.recv(1 << 20):
            total += len(part)
        self.assertEqual(total, 17 + 100_000 * 1011 + 20 + 2 + 13)
        sock = self.open("/misbehave/informational?count=100000")
        self.assertEqual(read_to_end(sock).count(b"HTTP/1.1 102"), 100_000)

    def test_real_clients_notice(self):
        codes = {"length-long": 18, "bad-chunk-size": 56,
                 "no-last-chunk": 18, "empty": 52, "http09": 1, "bad-status-line": 1, "reset/90": 56}
        for kind, code in codes.items():
            with self.subTest(kind=kind):
                done = subprocess.run([tool("curl"), "-sS", "--max-time", "20", "-o", "/dev/null",
                                       self.server.url("web", f"/misbehave/{kind}")],
                                      stderr=subprocess.PIPE, timeout=30)
                self.assertEqual(done.returncode, code, done.stderr)

    def test_clients_that_leave_in_the_middle(self):
        for path in ("never", "headers-only", "slow", "reset/10",
                     "huge-headers?count=100000&size=1000"):
            sock = self.open(f"/misbehave/{path}")
            if path != "never":
                sock.recv(1)
            sock.close()
        self.assertEqual(self.ask("/plain").status, 200)

    def test_a_drain_does_not_wait_for_them(self):
        self.open("/misbehave/never")
        self.assertEqual(self.ask("/plain").status, 200)
        self.server.signal(15)
        self.assertEqual(self.server.wait(), 0)


class Wire(HttpTest):
    REQUEST = (b"POST /wire?format=%s HTTP/1.1\r\nhOsT:  a \r\nX-B: 2\r\nx-a:1\r\nX-B: \xff\r\n"
               b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"3;ext=1\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n")

    def body(self, request):
        answer = self.raw(request)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer)
        return answer.partition(b"\r\n\r\n")[2]

    def test_text_is_the_request_to_the_byte(self):
        request = self.REQUEST % b"text"
        self.assertEqual(self.body(request), request)
        self.assertEqual(self.body(b"\r\n" + request), request)
        request = request.replace(b"/wire?format=text", b"/dump/request")
        self.assertEqual(self.body(request), request)
        get = b"GET http://x/wire HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        self.assertEqual(self.body(get), get)
        old = b"BREW /wire HTTP/1.0\r\n\r\n"
        self.assertEqual(self.body(old), old)

    def test_hex_has_offsets(self):
        request = self.REQUEST % b"hex"
        dump = self.body(request).decode()
        found = b""
        for number, line in enumerate(dump.splitlines()):
            self.assertEqual(line[:8], f"{number * 16:08x}")
            found += bytes.fromhex(line[9:59].replace(" ", ""))
            self.assertRegex(line, r"\|.{1,16}\|$")
        self.assertEqual(found, request)
        self.assertTrue(dump.startswith("00000000  50 4f 53 54 20 2f 77 69  72 65 3f 66 6f 72 6d 61"
                                        "  |POST /wire?forma|\n"))

    def test_json_has_lines_with_offsets(self):
        request = self.REQUEST.replace(b"\xff", b"y") % b"json"
        answer = json.loads(self.body(request))
        for line in answer["head"]:
            text = line["line"].encode()
            self.assertEqual(request[line["offset"]:line["offset"] + len(text) + 2], text + b"\r\n")
        self.assertEqual(answer["head"][1]["line"], "hOsT:  a ")
        self.assertEqual(answer["bytes"], len(request))
        self.assertEqual(request[answer["body_offset"]:].decode(), answer["body"])
        self.assertEqual(self.ask("/wire?format=x").status, 400)
        self.assertEqual(self.ask("/dump/request?format=json").json["head"][0]["line"],
                         "GET /dump/request?format=json HTTP/1.1")


class Socket(HttpTest):
    def test_what_tcp_measured(self):
        with connect(self.address) as sock:
            for number in (1, 2):
                sock.sendall(b"GET /socket HTTP/1.1\r\nHost: a\r\n\r\n")
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += read_exactly(sock, 1)
                size = int(re.search(rb"Content-Length: (\d+)", head)[1])
                answer = json.loads(read_exactly(sock, size))
                self.assertEqual(answer["requests"], number)
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            mine = sock.getsockname()
        self.assertEqual((answer["client"]["address"], answer["client"]["port"]), mine)
        self.assertEqual(answer["server"]["port"], self.address[1])
        tcp = answer["tcp"]
        self.assertEqual(tcp["state"], "established")
        self.assertGreater(tcp["rtt_us"], 0)
        self.assertGreater(tcp["congestion_window"], 0)
        self.assertEqual(tcp["retransmits"], 0)
        self.assertEqual(tcp["path_mtu"], int.from_bytes(info[60:64], "little"))
        self.assertIsNone(answer["tls"])

    def test_a_unix_socket_has_none(self):
        path = self.folder() / "web.sock"
        server = self.start(config=f'[services.web]\ntype = "http"\nlisten = "unix:{path}"\n')
        with connect(str(path)) as sock:
            sock.sendall(b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = json.loads(read_to_end(sock).partition(b"\r\n\r\n")[2])
        self.assertEqual((answer["transport"], answer["tcp"]), ("unix", None))
        server.stop()


class Teaching(HttpTest):
    OPTIONS = 'teaching = true\n[services.echo]\nlisten = "127.0.0.1:0"\n'

    def test_a_blocked_loop_stops_every_service(self):
        with connect(self.server.address("echo")) as echo:
            echo.sendall(b"x")
            self.assertEqual(read_exactly(echo, 1), b"x")
            with connect(self.address) as web:
                web.sendall(b"GET /block?ms=400 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                wait_until(lambda: "loop_blocked" in self.server.stderr() or None, "it sleeps")
                echo.sendall(b"y")
                with connect(self.server.address("echo")):  # the kernel takes it; nobody accepts
                    self.assertEqual(read_exactly(echo, 1), b"y")
                    answer = json.loads(read_to_end(web).partition(b"\r\n\r\n")[2])
        self.assertGreaterEqual(answer["blocked_ms"], 400)
        services = {service["service"]: service for service in answer["services"]}
        self.assertEqual(services["echo"]["late_ms"], answer["blocked_ms"])
        self.assertGreaterEqual(services["echo"]["clients_open"], 1)

    def test_bounds(self):
        self.assert_statuses({"/block?ms=5001": 400, "/block?ms=-1": 400, "/block?ms=x": 400,
                              "/block?ms=0": 200})
        again = self.ask("/block?ms=0")
        self.assertEqual((again.status, again.headers["Retry-After"]), (429, "1"))


class NotTeaching(HttpTest):
    def test_nobody_can_stop_the_loop(self):
        self.assertEqual(self.ask("/block?ms=1").status, 404)


if __name__ == "__main__":
    unittest.main()
