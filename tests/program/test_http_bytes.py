# ctest: timeout=300
"""The http service: bodies by number, ranges, streams, codings, pictures, documents, uploads."""

import email.parser
import email.policy
import gzip
import http.client
import json
import os
import re
import subprocess
import time
import unittest
import xml.etree.ElementTree
import zlib

from http_support import HttpTest
from support import CLOCK, connect, peak_bytes, read_exactly, tool

MIB = 1024 * 1024


def alphabet(first, last):
    return bytes(97 + i % 26 for i in range(first, last + 1))


def chunks(answer):
    """The chunks of a chunked answer's bytes, and its trailer lines."""
    body = answer.partition(b"\r\n\r\n")[2]
    found = []
    while True:
        size, _, body = body.partition(b"\r\n")
        size = int(size, 16)
        if size == 0:
            return found, body
        found.append(body[:size])
        body = body[size + 2:]


class Bytes(HttpTest):
    def test_random_bytes(self):
        self.assertEqual(len(self.ask("/bytes/1000").body), 1000)
        self.assertNotEqual(self.ask("/bytes/1000").body, self.ask("/bytes/1000").body)
        seeded = self.ask("/bytes/100000?seed=7")
        self.assertEqual(seeded.headers["Content-Type"], "application/octet-stream")
        self.assertEqual(seeded.body, self.ask("/bytes/100000?seed=7").body)
        self.assertNotEqual(seeded.body, self.ask("/bytes/100000?seed=8").body)
        self.assertEqual(len(set(seeded.body)), 256)
        self.assertEqual(self.ask("/stream-bytes/100000?seed=7").body, seeded.body)
        self.assertEqual(self.ask("/bytes/0").body, b"")
        self.assertEqual(self.ask("/bytes/5?seed=-1").status, 200)

    def test_bounds(self):
        for path in ("/bytes", "/stream-bytes"):
            self.assertEqual(len(self.ask(f"{path}/{MIB}").body), MIB)
            self.assert_statuses({f"{path}/{MIB + 1}": 400, f"{path}/-1": 400, f"{path}/x": 400,
                                  f"{path}/1?seed=x": 400, f"{path}/1.5": 400, path: 404})
        self.assert_statuses({"/stream-bytes/1?chunk_size=0": 400, "/stream-bytes/1?chunk_size=1": 200,
                              f"/stream-bytes/1?chunk_size={MIB}": 200,
                              f"/stream-bytes/1?chunk_size={MIB + 1}": 400})

    def test_chunks_have_the_size_asked_for(self):
        found, _ = chunks(self.ask_raw("/stream-bytes/25?chunk_size=10"))
        self.assertEqual([len(chunk) for chunk in found], [10, 10, 5])
        found, _ = chunks(self.ask_raw("/stream-bytes/0"))
        self.assertEqual(found, [])

    def test_data(self):
        answer = self.ask("/data?size=3&unit=kb")
        self.assertEqual(answer.body, alphabet(0, 2999))
        self.assertNotIn("Content-Disposition", answer.headers)
        answer = self.ask("/data?size=5&attachment=true")
        self.assertIn("attachment", answer.headers["Content-Disposition"])
        self.assertEqual(self.ask("/data").body, b"a")
        self.assertEqual({len(self.ask("/data?size=1:1,2:1").body) for _ in range(60)}, {1, 2})
        self.assert_statuses({"/data?size=x": 400, "/data?size=-1": 400, "/data?unit=qb": 400,
                              "/data?size=1001&unit=tb": 400})
        head = self.ask("/data?size=1000&unit=tb", method="HEAD")
        self.assertEqual(head.headers["Content-Length"], str(10 ** 15))
        self.assertEqual(self.ask("/bench").body, b"1")
        self.assertEqual(self.ask("/plain").body, b"Hello, World!")

    def test_a_large_answer_goes_at_the_clients_pace(self):
        with connect(self.address) as sock:
            sock.sendall(b"GET /data?size=200&unit=mb HTTP/1.1\r\nHost: a\r\n\r\n")
            read_exactly(sock, 150 * 1000 * 1000)
        self.assertLess(peak_bytes(self.server.pid) - self.start_peak, 32 * MIB)

    def setUp(self):
        super().setUp()
        self.start_peak = peak_bytes(self.server.pid)

    def test_links(self):
        answer = self.ask("/links/3")
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/links/3/0"))
        page = self.ask("/links/3/1").text
        self.assertEqual(page.count("<a "), 2)
        self.assertNotIn("/links/3/1", page)
        self.assertEqual(self.ask("/links/256/0").text.count("<a "), 255)
        self.assert_statuses({"/links/257": 400, "/links/257/0": 400, "/links/-1": 400, "/links/x": 400,
                              "/links/1/x": 400, "/links/0": 302})


class Ranges(HttpTest):
    def ranged(self, header, path="/range/100", **more):
        return self.ask(path, headers={"Range": header, **more})

    def test_the_whole(self):
        answer = self.ask("/range/30")
        self.assertEqual((answer.status, answer.body), (200, alphabet(0, 29)))
        self.assertEqual((answer.headers["Accept-Ranges"], answer.headers["ETag"]), ("bytes", '"range30"'))
        self.assert_statuses({"/range/1": 200, f"/range/{MIB}": 200, "/range/0": 400,
                              f"/range/{MIB + 1}": 400, "/range/x": 400, "/range/1?duration=11s": 400,
                              "/range/1?duration=x": 400})

    def test_one_range(self):
        for header, first, last in (("bytes=0-9", 0, 9), ("bytes=95-", 95, 99), ("bytes=-3", 97, 99),
                                    ("bytes=90-500", 90, 99), ("bytes=-500", 0, 99),
                                    ("bytes=99-99", 99, 99)):
            answer = self.ranged(header)
            self.assertEqual(answer.status, 206, header)
            self.assertEqual(answer.headers["Content-Range"], f"bytes {first}-{last}/100")
            self.assertEqual(answer.body, alphabet(first, last))
        for header in ("bytes=100-", "bytes=100-200", "bytes=-0"):
            answer = self.ranged(header)
            self.assertEqual((answer.status, answer.headers["Content-Range"]), (416, "bytes */100"))
        for header in ("bytes=5-4", "x=0-1", "bytes=a-b", "bytes=", "bytes=0-99,0-0"):
            self.assertEqual(self.ranged(header).status, 200, header)
        self.assertEqual(self.ask("/range/100", method="HEAD", headers={"Range": "bytes=0-1"}).status, 200)

    def test_several_ranges(self):
        answer = self.ranged("bytes=0-4, 90-, 10-10")
        self.assertEqual(answer.status, 206)
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode() + answer.body)
        parts = [(part["Content-Range"], part.get_payload(decode=True))
                 for part in message.iter_parts()]
        self.assertEqual(parts, [("bytes 0-4/100", alphabet(0, 4)),
                                 ("bytes 90-99/100", alphabet(90, 99)),
                                 ("bytes 10-10/100", alphabet(10, 10))])
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))
        big = self.ranged("bytes=0-299999,500000-", path="/range/1000000")
        self.assertEqual(int(big.headers["Content-Length"]), len(big.body))
        self.assertIn(alphabet(500000, 999999), big.body)

    def test_conditions(self):
        self.assertEqual(self.ranged("bytes=0-1", If_None_Match="x").status, 206)
        for name, value, status in (("If-None-Match", '"range100"', 304), ("If-Match", '"x"', 412),
                                    ("If-Range", '"range100"', 206), ("If-Range", '"x"', 200),
                                    ("If-Range", 'W/"range100"', 200)):
            answer = self.ranged("bytes=0-1", **{name: value})
            self.assertEqual(answer.status, status, (name, value))

    def test_curl_resumes_and_takes_parts(self):
        def curl(*args):
            return subprocess.run([tool("curl"), "-sS", "--max-time", "20", *args,
                                   self.server.url("web", "/range/1000")],
                                  stdout=subprocess.PIPE, check=True, timeout=30).stdout
        self.assertEqual(curl("-r", "10-19"), alphabet(10, 19))
        self.assertEqual(curl("-C", "990"), alphabet(990, 999))
        self.assertIn(alphabet(0, 9), curl("-r", "0-9,20-29"))

    def test_spread_over_a_time(self):
        began = time.monotonic()
        self.assertEqual(self.ask("/range/100?duration=300ms").body, alphabet(0, 99))
        self.assertGreaterEqual(time.monotonic() - began, 0.3 - CLOCK)
        self.assertEqual(self.ranged("bytes=5-9", "/range/100?duration=50ms").body, alphabet(5, 9))


class Streams(HttpTest):
    OPTIONS = 'max_duration = "5s"\n'

    def test_drip(self):
        began = time.monotonic()
        answer = self.ask("/drip?duration=200ms&delay=100ms&numbytes=5&code=503")
        self.assertGreaterEqual(time.monotonic() - began, 0.3 - CLOCK)
        self.assertEqual((answer.status, answer.body), (503, b"*****"))
        self.assertEqual(answer.headers["Content-Length"], "5")
        self.assertIn("write_duration;dur=200.00", answer.headers["Server-Timing"])
        self.assert_statuses({"/drip?duration=0&delay=0&numbytes=" + str(n): status for n, status in
                              ((0, 400), (1, 200), (MIB, 200), (MIB + 1, 400), ("x", 400))})
        self.assert_statuses({"/drip?duration=3s&delay=2.001s": 400, "/drip?duration=5.001s": 400,
                              "/drip?duration=-1s": 400, "/drip?delay=x": 400,
                              "/drip?duration=0&delay=0&code=199": 400,
                              "/drip?duration=0&delay=0&code=600": 400,
                              "/drip?duration=0&delay=0&code=204": 204,
                              "/drip?duration=5s&delay=0.001s": 400})

    def test_drops_come_one_by_one(self):
        with connect(self.address) as sock:
            sock.sendall(b"GET /drip?duration=2s&delay=0s&numbytes=3 HTTP/1.1\r\nHost: a\r\n\r\n")
            data = b""
            while not data.endswith(b"\r\n\r\n*"):
                data += read_exactly(sock, 1)
            sock.setblocking(False)
            with self.assertRaises(BlockingIOError):  # the second is a second away
                sock.recv(1)
            sock.settimeout(20)
            self.assertEqual(read_exactly(sock, 2), b"**")

    def test_lines(self):
        found, _ = chunks(self.ask_raw("/stream/3?a=1"))
        lines = [json.loads(chunk) for chunk in found]
        self.assertEqual([line["id"] for line in lines], [0, 1, 2])
        self.assertEqual(lines[2]["args"], {"a": ["1"]})
        self.assertEqual(set(lines[0]), {"id", "args", "headers", "origin", "url"})
        for n, count in (("0", 1), ("-5", 1), ("100", 100), ("101", 100), ("99999999999", 100)):
            self.assertEqual(self.ask(f"/stream/{n}").body.count(b"\n"), count, n)
        self.assertEqual(self.ask("/stream/x").status, 400)
        jsonl = self.ask("/jsonl")
        self.assertEqual(jsonl.headers["Content-Type"], "application/x-ndjson")
        self.assertEqual([json.loads(line)["id"] for line in jsonl.body.splitlines()], list(range(10)))
        self.assertEqual(self.ask("/jsonl?count=1000").body.count(b"\n"), 100)
        self.assertEqual(self.ask("/jsonl?count=3&duration=30ms&delay=10ms&jitter=1").body.count(b"\n"), 3)
        self.assert_statuses({"/jsonl?count=x": 400, "/jsonl?jitter=1.1": 400, "/jsonl?jitter=x": 400,
                              "/jsonl?duration=6s": 400, "/jsonl?duration=3s&delay=3s": 400})

    def test_events(self):
        answer = self.ask_raw("/sse?count=3&duration=60ms")
        self.assertIn(b"Content-Type: text/event-stream", answer)
        self.assertIn(b"Trailer: Server-Timing", answer)
        found, trailer = chunks(answer)
        self.assertEqual(len(found), 3)
        for number, event in enumerate(found):
            name, data, end = event.split(b"\n", 2)
            self.assertEqual((name, end), (b"event: ping", b"\n"))
            data = json.loads(data[len(b"data: "):])
            self.assertEqual(data["id"], number)
            self.assertLess(abs(data["timestamp"] / 1000 - time.time()), 600)
        self.assertTrue(trailer.startswith(b"Server-Timing: total_duration"))
        self.assert_statuses({"/sse?count=0": 400, "/sse?count=1001": 400, "/sse?count=x": 400,
                              "/sse?duration=0": 400, "/sse?count=1&duration=1ms": 200,
                              "/sse?count=1000&duration=1ms": 200, "/sse?duration=3s&delay=3s": 400,
                              "/sse?jitter=2": 400, "/sse?count=2&duration=10ms&jitter=0.5": 200})

    def test_head_does_not_wait_for_a_body(self):
        for path in ("/drip?duration=4s&delay=0s", "/sse?duration=4s", "/stream/100"):
            with connect(self.address) as sock:
                sock.sendall(f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\nGET /bench HTTP/1.1\r\nHost: a"
                             "\r\nConnection: close\r\n\r\n".encode())
                sock.settimeout(3.5)
                data = b""
                while part := sock.recv(65536):
                    data += part
            self.assertEqual(data.count(b"HTTP/1.1 200 OK"), 2, path)

    def test_an_old_client_gets_the_same_until_the_close(self):
        answer = self.raw(b"GET /stream/2 HTTP/1.0\r\n\r\n")
        self.assertNotIn(b"chunked", answer)
        self.assertEqual(answer.partition(b"\r\n\r\n")[2].count(b"\n"), 2)

    def test_clients_that_leave_in_the_middle(self):
        for path in ("/drip?duration=3s&delay=0s&numbytes=100", "/sse?count=100", "/jsonl?duration=3s",
                     "/range/1000?duration=3s", "/stream-bytes/1000000", "/drip"):
            with connect(self.address) as sock:
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                if path != "/drip":
                    read_exactly(sock, 100)
        self.assertEqual(self.ask("/bench").body, b"1")


class Codings(HttpTest):
    def curl(self, path, *args):
        done = subprocess.run([tool("curl"), "-sS", "--max-time", "20", "--compressed", *args,
                               self.server.url("web", path)], stdout=subprocess.PIPE, check=True,
                              timeout=30)
        return json.loads(done.stdout)

    def test_each_coding_is_read_by_a_real_client(self):
        for path, coding, word in (("/gzip", "gzip", "gzipped"), ("/deflate", "deflate", "deflated"),
                                   ("/brotli", "br", "brotli"), ("/zstd", "zstd", "zstd")):
            self.assertEqual(self.ask(path).headers["Content-Encoding"], coding)
            echo = self.curl(path)
            self.assertTrue(echo[word])
            self.assertEqual(echo["method"], "GET")
        self.assertTrue(json.loads(gzip.decompress(self.ask("/gzip").body))["gzipped"])
        self.assertTrue(json.loads(zlib.decompress(self.ask("/deflate").body))["deflated"])

    def test_answers_are_not_compressed_unasked(self):
        answer = self.ask("/html", headers={"Accept-Encoding": "gzip"})
        self.assertNotIn("Content-Encoding", answer.headers)

    def test_base64(self):
        self.assertEqual(self.ask("/base64/encode/hello%20world").text, "aGVsbG8gd29ybGQ=")
        self.assertEqual(self.ask("/base64/aGVsbG8gd29ybGQ=").text, "hello world")
        self.assertEqual(self.ask("/base64/decode/aGVsbG8gd29ybGQ").text, "hello world")
        self.assertEqual(self.ask("/base64/decode/-__-").body, b"\xfb\xff\xfe")
        self.assertEqual(self.ask("/base64/decode/%2B%2F%2F%2B").body, b"\xfb\xff\xfe")
        answer = self.ask("/base64/PGI+?content-type=application/json")
        self.assertEqual((answer.text, answer.headers["Content-Type"]), ("<b>", "application/json"))
        answer = self.ask("/base64/PGI+?content-type=text/html")
        self.assertEqual((answer.text, answer.headers["Content-Type"]), ("&lt;b&gt;", "text/html"))
        for path, text in (("/base64/encode/%3Cb%3E?content-type=text/html", "PGI-"),
                           ("/base64/decode/PGI-?content-type=application/octet-stream", "<b>"),
                           ("/base64/decode/PGI-?content-type=text/html;x=1", "&lt;b&gt;")):
            answer = self.ask(path)
            self.assertEqual((answer.text, answer.headers["Content-Type"]), (text, path.partition("=")[2]))
        self.assert_statuses({"/base64/x": 400, "/base64/decode/!!!!": 400, "/base64/turn/x": 400,
                              "/base64/": 404, "/base64/encode/": 404})


class Compressing(Codings):
    OPTIONS = "compress = true\n"

    def test_answers_are_not_compressed_unasked(self):
        """Here they are, where the client likes it, the text is long enough, and it is a text."""
        plain = self.ask("/html")
        self.assertEqual((plain.headers["Vary"], "Content-Encoding" in plain.headers),
                         ("Accept-Encoding", False))
        for accept, coding in (("gzip", "gzip"), ("gzip, br", "br"), ("zstd;q=0.1, deflate", "deflate")):
            answer = self.ask("/html", headers={"Accept-Encoding": accept})
            self.assertEqual(answer.headers["Content-Encoding"], coding)
            self.assertLess(len(answer.body), len(plain.body))
        self.assertEqual(gzip.decompress(self.ask("/html", headers={"Accept-Encoding": "gzip"}).body),
                         plain.body)
        for path in ("/uuid", "/image/png", "/bytes/1000", "/plain"):
            answer = self.ask(path, headers={"Accept-Encoding": "gzip"})
            self.assertNotIn("Content-Encoding", answer.headers, path)
        head = self.ask("/html", method="HEAD", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(head.headers["Content-Encoding"], "gzip")


class Documents(HttpTest):
    def test_documents(self):
        types = {"/json": "application/json", "/xml": "application/xml",
                 "/html": "text/html; charset=utf-8", "/encoding/utf8": "text/html; charset=utf-8",
                 "/forms/post": "text/html; charset=utf-8", "/robots.txt": "text/plain; charset=utf-8",
                 "/deny": "text/plain; charset=utf-8"}
        for path, content_type in types.items():
            answer = self.ask(path)
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, content_type), path)
            answer.body.decode()
        self.assertIn("slideshow", self.ask("/json").json)
        root = xml.etree.ElementTree.fromstring(self.ask("/xml").body)
        self.assertEqual(root.tag, "slideshow")
        self.assertEqual(self.ask("/robots.txt").text, "User-agent: *\nDisallow: /deny\n")
        form = self.ask("/forms/post").text
        self.assertIn('<form method="post" action="/post">', form)
        self.assertEqual(set(re.findall(r'name="(\w+)"', form)) - {"viewport"},
                         {"custname", "custtel", "custemail", "size", "topping", "delivery", "comments"})
        self.assertIn("\U0001f600", self.ask("/encoding/utf8").text)

    def test_pictures(self):
        begins = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF", "svg": b"<svg "}
        for kind, start in begins.items():
            answer = self.ask(f"/image/{kind}")
            wanted = "image/svg+xml" if kind == "svg" else f"image/{kind}"
            self.assertEqual(answer.headers["Content-Type"], wanted)
            self.assertTrue(answer.body.startswith(start))
        png = self.ask("/image/png").body
        self.assertEqual(png[16:24], (128).to_bytes(4, "big") * 2)
        at, size = png.index(b"IDAT") + 4, int.from_bytes(png[png.index(b"IDAT") - 4:][:4], "big")
        self.assertEqual(len(zlib.decompress(png[at:at + size])), 128 * 129)
        webp = self.ask("/image/webp").body
        self.assertEqual(int.from_bytes(webp[4:8], "little"), len(webp) - 8)
        self.assertTrue(self.ask("/image/jpeg").body.endswith(b"\xff\xd9"))
        xml.etree.ElementTree.fromstring(self.ask("/image/svg").body)
        self.assert_statuses({"/image/gif": 404, "/image/": 404})

    def test_a_picture_by_accept(self):
        for accept, content_type in (("", "image/png"), ("image/*", "image/png"), ("*/*", "image/png"),
                                     ("image/webp,*/*;q=0.8", "image/webp"),
                                     ("image/jpeg", "image/jpeg"), ("image/svg+xml", "image/svg+xml"),
                                     ("image/png;q=0.1, image/jpeg;q=0.2", "image/jpeg")):
            answer = self.ask("/image", headers={"Accept": accept})
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, content_type), accept)
        for accept in ("text/html", "image/gif", "image/png;q=0"):
            self.assertEqual(self.ask("/image", headers={"Accept": accept}).status, 415, accept)


class Uploads(HttpTest):
    OPTIONS = 'max_body = "10KiB"\n'
    # 10 GiB with scripts/test --full; a process of any size would show at a fortieth of it.
    MEBIBYTES = 10 * 1024 if os.environ.get("POLYPORT_FULL") == "1" else 256

    def test_any_size_in_constant_memory(self):
        before = peak_bytes(self.server.pid)
        block = b"x" * MIB
        size = self.MEBIBYTES * MIB
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        for chunked in (False, True):
            headers = {} if chunked else {"Content-Length": str(size)}
            connection.request("POST", "/upload", body=(block for _ in range(self.MEBIBYTES)),
                               headers=headers, encode_chunked=chunked)
            response = connection.getresponse()
            self.assertEqual((response.status, json.loads(response.read())),
                             (200, {"bytes_received": size}))
        connection.close()
        self.assertLess(peak_bytes(self.server.pid) - before, 16 * MIB)

    def test_methods_and_emptiness(self):
        for method in ("POST", "PUT", "PATCH"):
            self.assertEqual(self.ask("/upload", method=method, body=b"abc").json, {"bytes_received": 3})
        self.assertEqual(self.ask("/upload", method="POST", body=b"").json, {"bytes_received": 0})
        self.assertEqual(self.ask("/upload").status, 405)

    def test_curl_waits_for_100(self):
        done = subprocess.run([tool("curl"), "-sS", "--max-time", "20", "-H", "Expect: 100-continue",
                               "--expect100-timeout", "15", "-T", "-", self.server.url("web", "/upload")],
                              input=b"x" * 100_000, stdout=subprocess.PIPE, check=True, timeout=30)
        self.assertEqual(json.loads(done.stdout), {"bytes_received": 100_000})


class UploadLimit(HttpTest):
    OPTIONS = 'max_upload = "1000B"\n'

    def test_the_limit(self):
        post = lambda size: self.ask("/upload", method="POST", body=b"x" * size)
        self.assertEqual(post(1000).json, {"bytes_received": 1000})
        self.assertEqual(post(1001).status, 413)
        chunk = b"1f4\r\n" + b"x" * 500 + b"\r\n"
        head = b"POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assertIn(b"HTTP/1.1 200 ", self.raw(head + chunk * 2 + b"0\r\n\r\n"))
        self.assertIn(b"HTTP/1.1 413 ", self.raw(head + chunk * 2 + b"1\r\nx\r\n0\r\n\r\n"))
        # Refused before the body is on its way.
        answer = self.raw(b"POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                          b"Content-Length: 1001\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        # Cut in the middle: nothing of it stays.
        with connect(self.address) as sock:
            sock.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nabc")
        self.assertEqual(post(1).status, 200)


if __name__ == "__main__":
    unittest.main()
