# ctest: timeout=300
"""The http service: statuses, failures, delays, redirects, cookies, caches, CORS, response control."""

import collections
import http.client
import re
import selectors
import subprocess
import time
import unittest

from http_support import Answer, HttpTest
from support import CLOCK, connect, read_to_end, tool


class Status(HttpTest):
    def test_every_status_can_be_had(self):
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        for code in range(200, 600):
            connection.request("GET", f"/status/{code}")
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.status, code)
        connection.close()

    def test_what_is_no_status_is_400(self):
        self.assert_statuses({f"/status/{bad}": 400 for bad in
                              ("99", "600", "-1", "abc", "2e2", "200,abc", "200:x", "200:-1", "200:0",
                               "200,", "101", "99,200")})
        self.assertEqual(self.ask("/status/").status, 404)
        self.assertEqual(self.ask("/status").status, 404)

    def test_a_status_that_announces_comes_before_an_answer(self):
        answer = self.ask_raw("/status/103")
        self.assertTrue(answer.startswith(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"))
        old = self.raw(b"GET /status/103 HTTP/1.0\r\n\r\n")
        self.assertTrue(old.startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_statuses_with_something_to_say(self):
        for code in (301, 302, 303, 305, 307):
            self.assertEqual(self.ask(f"/status/{code}").headers["Location"], "/redirect/1")
        for code in (300, 308):
            answer = self.ask(f"/status/{code}")
            self.assertEqual(answer.headers["Location"], "/image/jpeg")
            self.assertIn("/image/jpeg", answer.text)
        self.assertEqual(self.ask("/status/401").headers["WWW-Authenticate"],
                         'Basic realm="Fake Realm"')
        self.assertEqual(self.ask("/status/407").headers["Proxy-Authenticate"],
                         'Basic realm="Fake Realm"')
        self.assertIn("image/webp", self.ask("/status/406").json["accept"])
        self.assertIn("teapot", self.ask("/status/418").text)
        self.assertTrue(self.ask("/status/402").body)
        self.assertEqual(self.ask("/status/200").body, b"")

    def test_weights(self):
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        seen = collections.Counter()
        for _ in range(400):
            connection.request("GET", "/status/200:0.9,500:0.1,404:0")
            response = connection.getresponse()
            response.read()
            seen[response.status] += 1
        self.assertEqual(set(seen), {200, 500})  # neither side is likely to be missed: 0.9^400
        self.assertGreater(seen[200], seen[500])
        connection.close()
        self.assertIn(self.ask("/status/200,500").status, (200, 500))

    def test_any_method(self):
        for method in ("POST", "PUT", "DELETE", "BREW"):
            self.assertEqual(self.ask("/status/418", method=method, body="x").status, 418)

    def test_unstable(self):
        self.assert_statuses({"/unstable?failure_rate=0": 200, "/unstable?failure_rate=1": 500,
                              "/unstable?failure_rate=1.1": 400, "/unstable?failure_rate=-0.1": 400,
                              "/unstable?failure_rate=x": 400, "/unstable?seed=x": 400})
        seeds = {seed: self.ask(f"/unstable?seed={seed}").status for seed in range(40)}
        self.assertEqual(set(seeds.values()), {200, 500})
        for seed, status in seeds.items():
            self.assertEqual(self.ask(f"/unstable?seed={seed}").status, status)

    def test_flaky_counts_each_key_apart(self):
        def statuses(path, times):
            return [self.ask(path).status for _ in range(times)]
        self.assertEqual(statuses("/flaky/2?key=a", 4), [503, 503, 200, 200])
        self.assertEqual(statuses("/flaky/2?key=b&status=500", 3), [500, 500, 200])
        self.assertEqual(self.ask("/flaky/2?key=a", method="DELETE").status, 204)
        self.assertEqual(statuses("/flaky/2?key=a", 1), [503])
        self.assertEqual(self.ask("/flaky/0").status, 200)
        self.assert_statuses({"/flaky/-1": 400, "/flaky/1000000": 503, "/flaky/1000001": 400, "/flaky/x": 400,
                              "/flaky/1?status=399": 400, "/flaky/1?status=600": 400,
                              "/flaky/1?key=" + "k" * 256: 503, "/flaky/1?key=" + "k" * 257: 400})

    def test_fortio(self):
        echo = self.ask("/fortio", method="POST", body=b"abc", headers={"Content-Type": "text/plain"})
        self.assertEqual((echo.status, echo.body), (200, b"abc"))
        self.assertEqual(self.ask("/fortio?size=5&status=503&delay=1ms").body, b".....")
        self.assertEqual(self.ask("/fortio?status=503").status, 503)
        self.assertEqual(self.ask("/fortio?status=503:0").status, 200)
        seen = {self.ask("/fortio?status=503:50").status for _ in range(60)}
        self.assertEqual(seen, {200, 503})
        page = self.ask("/fortio", method="POST", body=b"<script>", headers={"Content-Type": "text/html"})
        self.assertEqual(page.headers["Content-Type"], "application/octet-stream")
        self.assert_statuses({"/fortio?status=503:101": 400, "/fortio?status=503:60,500:60": 400,
                              "/fortio?status=199": 400, "/fortio?size=1048576": 200,
                              "/fortio?size=1048577": 400, "/fortio?delay=11s": 400,
                              "/fortio?delay=x": 400})


class Delay(HttpTest):
    OPTIONS = 'max_duration = "3s"\n'

    def test_bounds(self):
        answer = self.ask("/delay/10ms?a=1", method="POST", body="x=1",
                          headers={"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(answer.json["form"], {"x": ["1"]})
        self.assertIn("initial_delay;dur=10.00", answer.headers["Server-Timing"])
        self.assert_statuses({"/delay/0": 200, "/delay/0.01": 200, "/delay/1ms:1,2ms:9": 200,
                              "/delay/3.001s": 400, "/delay/-1": 400, "/delay/x": 400,
                              "/delay/1ms:1,9s:0.001": 400, "/delay/1s1s1s": 200})
        self.assertIn("max_duration", self.ask("/delay/4s").json["detail"])
        self.assertEqual(self.ask("/delay/1ms", method="POST", body="{",
                                  headers={"Content-Type": "application/json"}).status, 400)

    def test_the_answer_waits(self):
        began = time.monotonic()
        self.assertEqual(self.ask("/delay/200ms").status, 200)
        self.assertGreaterEqual(time.monotonic() - began, 0.2 - CLOCK)

    def test_one_that_waits_holds_up_nobody_else_and_keeps_its_order(self):
        with connect(self.address) as slow, connect(self.address) as fast:
            slow.sendall(b"GET /delay/3s HTTP/1.1\r\nHost: a\r\n\r\n"
                         b"GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            fast.sendall(b"GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertTrue(read_to_end(fast).endswith(b"Hello, World!"))
            answers = read_to_end(slow)
        self.assertLess(answers.index(b"initial_delay"), answers.index(b"Hello, World!"))

    def test_clients_that_leave_take_their_delay_with_them(self):
        for _ in range(50):
            with connect(self.address) as sock:
                sock.sendall(b"GET /delay/2s HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(self.ask("/delay/1ms").status, 200)


class ManyDelays(HttpTest):
    """Thousands of answers that wait at one time, on one timer."""

    WANTED = 10_000

    def test_all_are_answered(self):
        import resource
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.server = self.start_http()  # with the descriptors that are allowed now
        count = min(self.WANTED, hard - 300)
        selector = selectors.DefaultSelector()
        sockets = []
        self.addCleanup(lambda: [sock.close() for sock in sockets])
        for _ in range(count):
            sock = connect(self.address)
            sockets.append(sock)
            sock.sendall(b"GET /delay/8s HTTP/1.1\r\nHost: a\r\n\r\n")
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ, bytearray())
        deadline = time.monotonic() + 100
        left = count
        while left:
            self.assertLess(time.monotonic(), deadline, f"{left} of {count} not answered")
            for key, _ in selector.select(1):
                data = key.fileobj.recv(1 << 16)
                key.data.extend(data)
                if key.data.endswith(b'"json": null\n}\n') or not data:
                    self.assertTrue(key.data.startswith(b"HTTP/1.1 200 OK\r\n"), bytes(key.data))
                    selector.unregister(key.fileobj)
                    left -= 1


class Redirects(HttpTest):
    OPTIONS = ""

    def test_chains_end_at_get(self):
        for path in ("/redirect/3", "/relative-redirect/3", "/absolute-redirect/3",
                     "/redirect/3?absolute=true"):
            done = subprocess.run(
                [tool("curl"), "-sS", "-L", "--max-time", "20", "-o", "/dev/null", "-w",
                 "%{num_redirects} %{url_effective} %{http_code}", self.server.url("web", path)],
                stdout=subprocess.PIPE, check=True, timeout=30)
            self.assertEqual(done.stdout.decode(), f"3 {self.server.url('web', '/get')} 200")

    def test_locations(self):
        location = lambda path: self.ask(path).headers["Location"]
        base = self.server.url("web", "")
        self.assertEqual(location("/redirect/2"), "/relative-redirect/1")
        self.assertEqual(location("/redirect/1"), "/get")
        self.assertEqual(location("/redirect/2?absolute=true"), base + "/absolute-redirect/1")
        self.assertEqual(location("/absolute-redirect/1"), base + "/get")
        self.assert_statuses({f"/{kind}/{n}": 400 for kind in
                              ("redirect", "relative-redirect", "absolute-redirect")
                              for n in ("0", "-1", "x", "1000001")})
        self.assertEqual(self.ask("/redirect/1").status, 302)
        self.assertEqual(location("/redirect/1000000"), "/relative-redirect/999999")

    def test_to_anywhere(self):
        answer = self.ask("/redirect-to?url=http%3A%2F%2Fexample.com%2F%3Fa%3Db&status_code=307")
        self.assertEqual((answer.status, answer.headers["Location"]),
                         (307, "http://example.com/?a=b"))
        self.assertEqual(self.ask("/redirect-to?url=x").status, 302)
        self.assert_statuses({"/redirect-to": 400, "/redirect-to?url=": 400,
                              "/redirect-to?url=x&status_code=299": 400,
                              "/redirect-to?url=x&status_code=300": 300,
                              "/redirect-to?url=x&status_code=399": 399,
                              "/redirect-to?url=x&status_code=400": 400,
                              "/redirect-to?url=x&status_code=x": 400,
                              "/redirect-to?url=a%0d%0aSet-Cookie:x": 400})


class AllowedRedirects(HttpTest):
    OPTIONS = 'allowed_redirects = ["example.com", "Sub.Example.org"]\n'

    def test_only_those(self):
        good = ["http://example.com/x", "https://EXAMPLE.com:8080/", "//example.com", "/get", "get",
                "http://user:pw@example.com/", "http://sub.example.org?x", "?a=b", "#x"]
        bad = ["http://evil.com", "//evil.com", "http://example.com.evil.com/", "\\\\evil.com",
               "/\\evil.com", "http:\\\\evil.com", "http://example.com@evil.com/", "https:evil.com",
               "javascript:alert(1)", "http://evil.com#@example.com", "http://evil.com\\@example.com",
               "///evil.com", "http://[::1]/", "data:text/html,x", "\t//evil.com", "h\tttp://evil.com"]
        from urllib.parse import quote
        for url in good:
            with self.subTest(url=url):
                self.assertEqual(self.ask("/redirect-to?url=" + quote(url, safe="")).status, 302)
        for url in bad:
            with self.subTest(url=url):
                answer = self.ask("/redirect-to?url=" + quote(url, safe=""))
                self.assertEqual(answer.status, 400 if "\t" in url else 403, answer)
                if answer.status == 403:
                    self.assertIn("text/plain", answer.headers["Content-Type"])
                    self.assertIn("- example.com\n", answer.text)


class Cookies(HttpTest):
    def set_cookies(self, path):
        answer = self.ask(path)
        return answer, answer.headers.get_all("Set-Cookie") or []

    def test_those_that_came(self):
        echo = self.ask("/cookies", headers={"Cookie": 'a=1; b="x y"; a=2; broken; c='}).json
        self.assertEqual(echo, {"a": "2", "b": "x y", "c": ""})
        self.assertEqual(self.ask("/cookies").json, {})

    def test_setting_and_deleting_as_curl_does_it(self):
        jar = self.folder() / "jar"
        def curl(path):
            done = subprocess.run([tool("curl"), "-sS", "-g", "-L", "--max-time", "20", "-b", jar, "-c",
                                   jar, self.server.url("web", path)], stdout=subprocess.PIPE,
                                  check=True, timeout=30)
            return done.stdout
        import json
        self.assertEqual(json.loads(curl("/cookies/set?a=1&b=2&attr[Path]=/")), {"a": "1", "b": "2"})
        self.assertEqual(json.loads(curl("/cookies/set/c/3")), {"a": "1", "b": "2", "c": "3"})
        self.assertEqual(json.loads(curl("/cookies")), {"a": "1", "b": "2", "c": "3"})
        curl("/cookies/delete?a")
        self.assertIn("b", json.loads(curl("/cookies")))

    def test_attributes(self):
        answer, cookies = self.set_cookies("/cookies/set?a=1")
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/cookies"))
        self.assertEqual(cookies, ["a=1; HttpOnly"])
        _, cookies = self.set_cookies("/cookies/set?a=1&b=2&attr[Path]=/&attr[Secure]=true"
                                      "&attr[SameSite]=Strict&attr[Domain]=x.org&attr[HttpOnly]=false"
                                      "&attr[Max-Age]=60")
        rest = "; Path=/; Secure; SameSite=Strict; Domain=x.org; Max-Age=60"
        self.assertEqual(cookies, ["a=1" + rest, "b=2" + rest])
        _, cookies = self.set_cookies("/cookies/delete?a&b=1")
        self.assertEqual(len(cookies), 2)
        self.assertTrue(all("Max-Age=0" in cookie for cookie in cookies))
        for bad in ("a%20b=1", "a=x%3By", "a=x%0d%0ab", "a=%22", "a=1&attr[Path]=/%3B%20x",
                    "a=1&attr[Colour]=red", "a=1&attr[SameSite]=x", "a=1&attr[Max-Age]=x", "%0d=1"):
            self.assertEqual(self.ask("/cookies/set?" + bad).status, 400, bad)
        self.assertEqual(self.ask("/cookies/delete?a%20b").status, 400)


class Caches(HttpTest):
    def test_cache(self):
        answer = self.ask("/cache")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["Last-Modified"].endswith(" GMT"))
        self.assertRegex(answer.headers["ETag"], r'^"[0-9a-f]{40}"$')
        self.assertIn("url", answer.json)
        for name in ("If-Modified-Since", "If-None-Match"):
            answer = self.ask("/cache", headers={name: "x"})
            self.assertEqual((answer.status, answer.body), (304, b""))
        self.assertEqual(self.ask("/cache/60").headers["Cache-Control"], "public, max-age=60")
        self.assert_statuses({"/cache/0": 200, "/cache/-1": 400, "/cache/x": 400})

    def test_etag(self):
        answer = self.ask("/etag/v1?a=1")
        self.assertEqual((answer.status, answer.headers["ETag"]), (200, '"v1"'))
        self.assertEqual(answer.json["args"], {"a": ["1"]})
        def status(**headers):
            return self.ask("/etag/v1", headers={k.replace("_", "-"): v for k, v in headers.items()})
        for tags in ('"v1"', 'W/"v1"', '"x", "v1"', "*"):
            answer = status(If_None_Match=tags)
            self.assertEqual((answer.status, answer.body, answer.headers["ETag"]), (304, b"", '"v1"'))
        self.assertEqual(status(If_None_Match='"x"').status, 200)
        self.assertEqual(status(If_Match='"v1"').status, 200)
        self.assertEqual(status(If_Match='"x", "y"').status, 412)
        self.assertEqual(status(If_Match='W/"v1"').status, 412)
        self.assertEqual(self.ask("/etag/a%22b").status, 400)

    def test_headers_of_ones_choice(self):
        answer = self.ask("/response-headers?X-A=1&X-A=2&x-b=%3Cb%3E")
        self.assertEqual(answer.headers.get_all("X-A"), ["1", "2"])
        self.assertEqual(answer.json, {"X-A": ["1", "2"], "x-b": ["<b>"],
                                       "Content-Type": ["application/json"]})
        page = self.ask("/response-headers?Content-Type=text/html&X-A=%3Cscript%3E")
        self.assertEqual(page.headers["Content-Type"], "text/html")
        self.assertEqual(page.headers["X-A"], "<script>")
        self.assertNotIn("<script>", page.text)
        self.assertIn("&lt;script&gt;", page.text)
        for bad in ("a%20b=1", "X-A=a%0d%0aSet-Cookie:b", "Content-Length=5", "connection=close",
                    "Transfer-Encoding=chunked", "=1"):
            self.assertEqual(self.ask("/response-headers?" + bad).status, 400, bad)

    def test_trailers(self):
        answer = self.ask_raw("/trailers?X-Sum=1&X-B=2", method="POST",
                              more="Content-Length: 0\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertIn(b"\r\nTrailer: X-Sum, X-B\r\n", head + b"\r\n")
        self.assertIn(b"\r\nTransfer-Encoding: chunked", head)
        self.assertTrue(body.endswith(b"\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n"), body[-100:])
        plain = self.ask("/trailers")
        self.assertNotIn("Trailer", plain.headers)
        self.assertIn("json", plain.json)
        for bad in ("Content-Length", "host", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding",
                    "Authorization", "Cache-Control", "Content-Encoding", "Content-Type",
                    "Content-Range", "Max-Forwards", "Connection", "Date", "a%20b"):
            self.assertEqual(self.ask(f"/trailers?{bad}=1").status, 400, bad)


class Cors(HttpTest):
    def test_every_answer_may_be_read_by_other_sites(self):
        for path in ("/get", "/plain", "/status/500", "/nothing", "/bytes/x", "/stream/1"):
            headers = self.ask(path).headers
            self.assertEqual(headers["Access-Control-Allow-Origin"], "*", path)
            self.assertEqual(headers["Access-Control-Allow-Credentials"], "true", path)
            self.assertEqual(headers["X-Served-By"], "web", path)
            headers = self.ask(path, headers={"Origin": "http://x.org"}).headers
            self.assertEqual(headers["Access-Control-Allow-Origin"], "http://x.org", path)
            self.assertIn("Origin", headers["Vary"])

    def test_a_browser_may_ask_before(self):
        answer = self.ask("/post", method="OPTIONS",
                          headers={"Origin": "http://x.org", "Access-Control-Request-Method": "POST",
                                   "Access-Control-Request-Headers": "X-A, X-B"})
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertIn("POST", answer.headers["Access-Control-Allow-Methods"])
        self.assertEqual(answer.headers["Access-Control-Max-Age"], "3600")
        self.assertEqual(answer.headers["Access-Control-Allow-Headers"], "X-A, X-B")
        self.assertEqual(answer.headers["Allow"], "POST, OPTIONS")
        for path in ("/anything", "/nothing", "/status/500"):
            answer = self.ask(path, method="OPTIONS")
            self.assertEqual(answer.status, 200)
            self.assertIn("DELETE", answer.headers["Allow"])
        self.assertTrue(self.ask_raw("*", method="OPTIONS").startswith(b"HTTP/1.1 200 OK\r\n"))


class NoCors(HttpTest):
    OPTIONS = "cors = false\n"

    def test_it_can_be_off(self):
        answer = self.ask("/get", headers={"Origin": "http://x.org"})
        self.assertFalse([name for name in answer.headers if name.startswith("Access-Control")])
        answer = self.ask("/get", method="OPTIONS")
        self.assertFalse([name for name in answer.headers if name.startswith("Access-Control")])


class Control(HttpTest):
    """Any path may be told how to answer, by header or query."""

    OPTIONS = 'max_duration = "2s"\n'

    def test_status_and_type(self):
        for path, headers in (("/get?x-set-response-status-code=418", {}),
                              ("/get", {"X-Set-Response-Status-Code": "418"})):
            answer = self.ask(path, headers=headers)
            self.assertEqual(answer.status, 418)
            self.assertIn("args", answer.json)
        answer = self.ask("/get?x-set-response-content-type=text/plain")
        self.assertEqual(answer.headers.get_all("Content-Type"), ["text/plain"])
        self.assertEqual(self.ask("/get?x-set-response-content-type=text/html").status, 400)
        answer = self.ask("/stream/2?x-set-response-status-code=503")
        self.assertEqual((answer.status, answer.body.count(b"\n")), (503, 2))
        self.assertEqual(self.ask("/nothing?x-set-response-status-code=200").status, 200)
        no_body = self.ask("/get?x-set-response-status-code=204")
        self.assertEqual((no_body.status, no_body.body), (204, b""))
        for bad in ("status-code=199", "status-code=600", "status-code=x", "delay-ms=-1",
                    "delay-ms=2001", "delay-ms=x"):
            self.assertEqual(self.ask("/get?x-set-response-" + bad).status, 400, bad)
        self.assertEqual(self.ask("/get?x-set-response-nothing=1").status, 200)

    def test_the_next_request_is_not_controlled(self):
        answers = self.raw(b"GET /plain HTTP/1.1\r\nHost: a\r\nx-set-response-status-code: 500\r\n\r\n"
                           b"GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", answers), [b"500", b"200"])

    def test_delay(self):
        began = time.monotonic()
        answer = self.ask("/post?x-set-response-delay-ms=200", method="POST", body="a=1",
                          headers={"Content-Type": "application/x-www-form-urlencoded"})
        self.assertGreaterEqual(time.monotonic() - began, 0.2 - CLOCK)
        self.assertEqual(answer.json["form"], {"a": ["1"]})
        # On top of an answer that waits by itself, of one that streams a body, and of a lost client.
        self.assertEqual(self.ask("/delay/10ms?x-set-response-delay-ms=10").status, 200)
        answer = self.ask("/upload?x-set-response-delay-ms=10", method="POST", body=b"x" * 100_000)
        self.assertEqual(answer.json, {"bytes_received": 100_000})
        for path in (b"/get", b"/upload"):
            with connect(self.address) as sock:
                sock.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                             b"x-set-response-delay-ms: 2000\r\n\r\nx")
        self.assertEqual(self.ask("/get").status, 200)


class Unsafe(HttpTest):
    OPTIONS = "unsafe = true\n"

    def test_pages_as_the_client_wants_them(self):
        answer = self.ask("/get?x-set-response-content-type=text/html")
        self.assertEqual(answer.headers["Content-Type"], "text/html")
        page = self.ask("/response-headers?Content-Type=text/html&X-A=%3Cb%3E")
        self.assertIn("<b>", page.text)


if __name__ == "__main__":
    unittest.main()
