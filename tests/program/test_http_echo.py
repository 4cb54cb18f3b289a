"""The http service: endpoints that tell the request back, and who asks whom."""

import base64
import json
import re
import subprocess
import unittest
import uuid

from http_support import HttpTest
from support import cli, tool


class Echo(HttpTest):
    def test_get_tells_the_request(self):
        answer = self.ask("/get?a=1&b=x+y%20z&a=2&c", headers={"X-Two": "b", "X-One": "a"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        echo = answer.json
        self.assertEqual(list(echo), ["args", "headers", "method", "origin", "url"])
        self.assertEqual(echo["args"], {"a": ["1", "2"], "b": ["x y z"], "c": [""]})
        self.assertEqual(echo["headers"]["X-One"], ["a"])
        self.assertLess(list(echo["headers"]).index("X-Two"), list(echo["headers"]).index("X-One"))
        self.assertEqual((echo["method"], echo["origin"]), ("GET", "127.0.0.1"))
        host, port = self.address
        self.assertEqual(echo["url"], f"http://{host}:{port}/get?a=1&b=x+y%20z&a=2&c")

    def test_bytes_that_are_no_utf8_do_not_break_the_answer(self):
        answer = self.raw(b"GET /get?a=%FF HTTP/1.1\r\nHost: a\r\nX-Odd: \xe4\r\nConnection: close\r\n\r\n")
        echo = json.loads(answer.partition(b"\r\n\r\n")[2].decode())
        self.assertEqual(echo["headers"]["X-Odd"], ["\ufffd"])
        self.assertEqual(echo["args"], {"a": ["\ufffd"]})

    def test_each_method_has_its_endpoint(self):
        methods = {"/get": "GET", "/post": "POST", "/put": "PUT", "/patch": "PATCH",
                   "/delete": "DELETE", "/head": "HEAD"}
        for path, own in methods.items():
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "BREW"):
                with self.subTest(path=path, method=method):
                    answer = self.ask(path, method=method)
                    good = method == own or (path == "/get" and method == "HEAD")
                    self.assertEqual(answer.status, 200 if good else 405)
                    if not good:
                        allowed = answer.headers["Allow"].split(", ")
                        self.assertIn(own, allowed)
                        self.assertIn("OPTIONS", allowed)

    def test_head_is_get_without_its_body(self):
        get = self.ask_raw("/headers")
        head = self.ask_raw("/headers", method="HEAD")
        cut = get.index(b"\r\n\r\n") + 4
        strip = lambda text: re.sub(rb"Date: .*\r\n", b"", text)
        self.assertEqual(strip(head), strip(get[:cut]))

    def body(self, content_type, body, path="/post", method="POST"):
        headers = {"Content-Type": content_type} if content_type else {}
        return self.ask(path, method=method, body=body, headers=headers)

    def test_a_form(self):
        echo = self.body("application/x-www-form-urlencoded; charset=utf-8",
                         "a=1&b=%C3%A4+b&a=2").json
        self.assertEqual(echo["form"], {"a": ["1", "2"], "b": ["ä b"]})
        self.assertEqual(echo["data"], "a=1&b=%C3%A4+b&a=2")
        self.assertEqual((echo["files"], echo["json"]), ({}, None))
        for method in ("DELETE", "GET"):
            answer = self.body("application/x-www-form-urlencoded", "a=1", "/anything", method)
            self.assertEqual(answer.json["form"], {"a": ["1"]})
        bad = self.body("application/x-www-form-urlencoded", "a=%zz")
        self.assertEqual(bad.status, 400)
        self.assertIn("%25", bad.json["detail"])

    def test_multipart_as_curl_sends_it(self):
        folder = self.folder()
        (folder / "a.txt").write_bytes(b"text \xc3\xa4\r\n")
        (folder / "b.bin").write_bytes(b"\x00\xff")
        done = subprocess.run(
            [tool("curl"), "-sS", "--max-time", "20", "-F", "field=one", "-F", "field=two",
             "-F", f"text=@{folder}/a.txt", "-F", f"binary=@{folder}/b.bin;type=image/x",
             self.server.url("web", "/post")], stdout=subprocess.PIPE, check=True, timeout=30)
        echo = json.loads(done.stdout)
        self.assertEqual(echo["form"], {"field": ["one", "two"]})
        self.assertEqual(echo["files"], {"text": ["text ä\r\n"],
                                         "binary": ["data:image/x;base64,AP8="]})
        for bad in ("multipart/form-data", "multipart/form-data; boundary=other"):
            self.assertEqual(self.body(bad, b"--x\r\n\r\n\r\n--x--").status, 400)

    def test_json(self):
        echo = self.body("application/json", '{"n": [1, {"x": null}]}').json
        self.assertEqual(echo["json"], {"n": [1, {"x": None}]})
        self.assertEqual(echo["data"], '{"n": [1, {"x": null}]}')
        self.assertEqual(self.body("application/json", "").json["json"], None)
        for bad in ("{", "{} {}", '{"a": 1,}', "\xff".encode("latin-1"), "[" * 100 + "]" * 100):
            self.assertEqual(self.body("application/json", bad).status, 400, bad)

    def test_other_bodies(self):
        self.assertEqual(self.body("text/plain", "söme".encode()).json["data"], "söme")
        echo = self.body("application/pdf; x=y", b"\x00\x01").json
        self.assertEqual(echo["data"], "data:application/pdf;base64,AAE=")
        echo = self.ask("/anything", method="PUT", body=b"abc").json
        self.assertEqual(echo["data"], "data:application/octet-stream;base64,YWJj")
        self.assertEqual(self.body("text/plain", b"\xff").json["data"],
                         "data:text/plain;base64,/w==")

    def test_anything_takes_every_method_and_path(self):
        echo = self.ask("/anything/a%20b/c?x=1", method="BREW", body=b"{}",
                        headers={"Content-Type": "application/json"}).json
        self.assertEqual((echo["method"], echo["json"]), ("BREW", {}))
        self.assertTrue(echo["url"].endswith("/anything/a%20b/c?x=1"))
        self.assertEqual(self.ask("/anything/").status, 200)
        self.assertEqual(self.ask("/anythingelse").status, 404)

    def test_single_facts(self):
        headers = {"User-Agent": "tester/1", "X-A": "b"}
        self.assertEqual(self.ask("/user-agent", headers=headers).json, {"user-agent": "tester/1"})
        self.assertEqual(self.ask("/headers", headers=headers).json["headers"]["X-A"], ["b"])
        self.assertEqual(self.ask("/header?key=x-a", headers=headers).text, "b")
        self.assertEqual(self.ask("/header?key=none").text, "")
        self.assertEqual(self.ask("/header").status, 400)
        self.assertEqual(self.ask("/ip").json, {"origin": "127.0.0.1"})
        self.assertEqual(self.ask("/ip?format=text").text, "127.0.0.1")
        self.assertRegex(self.ask("/clientip").text, r"^127\.0\.0\.1:\d+$")

    def test_identity(self):
        one, two = (uuid.UUID(self.ask("/uuid").json["uuid"]) for _ in range(2))
        self.assertEqual((one.version, one.variant), (4, uuid.RFC_4122))
        self.assertNotEqual(one, two)
        version = self.ask("/version").json
        self.assertEqual(version["name"], "polyport")
        self.assertRegex(version["version"], r"^\d+\.\d+\.\d+$")
        import socket
        self.assertEqual(self.ask("/hostname").json, {"hostname": socket.gethostname()})
        self.assertEqual(self.ask("/hostname?format=text").text, socket.gethostname())

    def test_a_token_is_taken_apart_and_not_believed(self):
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
        token = f"{part({'alg': 'none'})}.{part({'sub': 'ä', 'n': 1})}.c2ln"
        echo = self.ask("/get", headers={"Authorization": f"Bearer {token}"}).json
        self.assertEqual(echo["jwt"], {"header": {"alg": "none"}, "payload": {"sub": "ä", "n": 1},
                                       "signature": "c2ln", "verified": False})
        for no_token in ("a.b.c", "x", f"{part([1])}.{part({})}.x", token + ".y"):
            echo = self.ask("/get", headers={"Authorization": f"Bearer {no_token}"}).json
            self.assertNotIn("jwt", echo)

    def test_whoami(self):
        text = self.ask("/whoami", headers={"X-A": "b"}).text
        self.assertRegex(text, r"(?m)^Name: web$")
        self.assertRegex(text, r"(?m)^Hostname: \S+$")
        self.assertRegex(text, r"(?m)^IP: 127\.0\.0\.1$")
        self.assertRegex(text, r"(?m)^RemoteAddr: 127\.0\.0\.1:\d+$")
        self.assertRegex(text, r"(?m)^GET /whoami HTTP/1\.1$")
        self.assertRegex(text, r"(?m)^X-A: b$")
        self.assert_statuses({"/whoami?wait=1ms": 200, "/whoami?wait=x": 400,
                              "/whoami?wait=11s": 400})

    def test_now_alone(self):
        self.assertRegex(self.ask("/now?format=iso8601").text,
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n$")
        self.assertRegex(self.ask("/now?format=unix").text, r"^\d{10}\n$")
        self.assertRegex(self.ask("/now?format=rfc850").text, r"^\w+day, \d\d-\w{3}-\d\d [\d:]{8} GMT\n$")
        self.assertEqual(self.ask("/now?format=x").status, 400)
        now = self.ask("/now").json
        self.assertEqual(now["unix_ns"] // 1_000_000, now["unix_ms"])
        self.assertEqual(now["unix_us"] // 1_000_000, now["unix"])


class Environment(HttpTest):
    def setUp(self):
        self.server = self.start_http(env={"POLYPORT_ENV_A": "1", "POLYPORT_ENV_B": "x=y",
                                           "POLYPORT_SECRET": "no", "OTHER": "no"})

    def test_only_what_is_meant_to_be_seen_is_shown(self):
        self.assertEqual(self.ask("/env").json,
                         {"env": {"POLYPORT_ENV_A": "1", "POLYPORT_ENV_B": "x=y"}})
        self.assertIn("POLYPORT_ENV_A=1\n", self.ask("/whoami?env=true").text)
        self.assertNotIn("POLYPORT_ENV", self.ask("/whoami").text)


class Named(HttpTest):
    OPTIONS = 'hostname = "box"\nprefix = "/bin"\nmax_duration = "1s"\n'

    def test_a_hostname_of_ones_own(self):
        self.assertEqual(self.ask("/bin/hostname").json, {"hostname": "box"})

    def test_everything_stands_below_the_prefix(self):
        self.assertEqual(self.ask("/get").status, 404)
        self.assertTrue(self.ask("/bin/get").json["url"].endswith("/bin/get"))
        self.assertEqual(self.ask("/bin").status, 200)
        self.assertEqual(self.ask("/bin/redirect/2").headers["Location"], "/bin/relative-redirect/1")
        self.assertEqual(self.ask("/bin/redirect-to?url=/x").headers["Location"], "/bin/x")
        self.assertEqual(self.ask("/bin/redirect-to?url=//x/").headers["Location"], "//x/")
        self.assertEqual(self.ask("/bin/cookies/set?a=1").headers["Location"], "/bin/cookies")
        self.assertEqual(self.ask("/bin/links/2").headers["Location"], "/bin/links/2/0")
        self.assertIn('href="/bin/links/2/1"', self.ask("/bin/links/2/0").text)
        self.assertIn('action="/bin/post"', self.ask("/bin/forms/post").text)
        self.assertIn("/bin/deny", self.ask("/bin/robots.txt").text)
        self.assertEqual(self.ask("/bin/status/302").headers["Location"], "/bin/redirect/1")


class Proxies(HttpTest):
    OPTIONS = 'trusted_proxies = ["127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"]\n'

    def origin(self, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("/ip", headers=headers).json["origin"]

    def test_the_client_behind_trusted_proxies(self):
        self.assertEqual(self.origin(), "127.0.0.1")
        self.assertEqual(self.origin(X_Forwarded_For="192.0.2.7"), "192.0.2.7")
        # Counted from the end: what stands further left, a client may have made up.
        self.assertEqual(self.origin(X_Forwarded_For="1.1.1.1, 192.0.2.7, 10.1.2.3"), "192.0.2.7")
        self.assertEqual(self.origin(X_Forwarded_For="10.9.9.9, 10.1.2.3"), "10.9.9.9")
        self.assertEqual(self.origin(X_Forwarded_For="1.1.1.1, nonsense, 10.1.2.3"), "10.1.2.3")
        self.assertEqual(self.origin(X_Forwarded_For="[2001:db9::1]:443"), "2001:db9::1")
        self.assertEqual(self.origin(X_Forwarded_For="192.0.2.7:80"), "192.0.2.7")
        self.assertEqual(self.origin(True_Client_IP="192.0.2.9"), "192.0.2.9")
        self.assertEqual(self.origin(Fly_Client_IP="x", CF_Connecting_IP="192.0.2.8"), "192.0.2.8")
        self.assertEqual(self.ask("/clientip", headers={"X-Forwarded-For": "192.0.2.7"}).text,
                         "192.0.2.7")

    def test_the_scheme_the_proxy_saw(self):
        for headers in ({"X-Forwarded-Proto": "https"}, {"X-Forwarded-Protocol": "HTTPS"},
                        {"X-Forwarded-Ssl": "on"}):
            self.assertTrue(self.ask("/get", headers=headers).json["url"].startswith("https://"))
        answer = self.ask("/absolute-redirect/1", headers={"X-Forwarded-Proto": "https"})
        self.assertTrue(answer.headers["Location"].startswith("https://"))
        self.assertTrue(self.ask("/get", headers={"X-Forwarded-Proto": "ftp"}).json["url"]
                        .startswith("http://"))


class Untrusting(HttpTest):
    def test_nobody_is_believed_unless_configured(self):
        headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https",
                   "True-Client-IP": "192.0.2.7"}
        self.assertEqual(self.ask("/ip", headers=headers).json["origin"], "127.0.0.1")
        self.assertTrue(self.ask("/get", headers=headers).json["url"].startswith("http://"))

    def test_bad_options_name_their_place(self):
        for option, word in (('trusted_proxies = ["10.0.0.0/33"]', "is no network"),
                             ('trusted_proxies = "x"', "is no network"),
                             ('prefix = "a"', "is no such path"), ('prefix = "/a/"', "no such path"),
                             ('prefix = "/"', "no such path"), ('prefix = "/a b"', "no such path")):
            with self.subTest(option=option):
                with self.assertRaises(AssertionError) as caught:
                    self.start_http(option)
                self.assertIn(word, str(caught.exception))
                self.assertRegex(str(caught.exception), r"polyport\.toml:6:\d+")
                file = self.folder() / "a.toml"
                file.write_text('[services.web]\ntype = "http"\n' + option + "\n")
                checked = cli("check", file)
                self.assertEqual(checked.code, 1)
                self.assertIn(word, checked.out + checked.err)


if __name__ == "__main__":
    unittest.main()
