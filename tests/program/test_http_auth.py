"""The http service: authentication, with curl and Python as the clients, and by hand."""

import base64
import hashlib
import re
import subprocess
import unittest
import urllib.request

from http_support import HttpTest
from support import tool


class Basic(HttpTest):
    def with_credentials(self, path, user, password):
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        return self.ask(path, headers={"Authorization": f"Basic {token}"})

    def test_basic(self):
        answer = self.ask("/basic-auth/me/s%20cret")
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.headers["WWW-Authenticate"], 'Basic realm="Fake Realm"')
        self.assertEqual(answer.json, {"authenticated": False, "user": "", "authorized": False})
        answer = self.with_credentials("/basic-auth/me/s%20cret", "me", "s cret")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json, {"authenticated": True, "user": "me", "authorized": True})
        answer = self.with_credentials("/basic-auth/me/a:b", "me", "a:b")
        self.assertEqual(answer.status, 200)
        for user, password in (("me", "wrong"), ("you", "secret"), ("", ""), ("me", "secret ")):
            self.assertEqual(self.with_credentials("/basic-auth/me/secret", user, password).status, 401)
        for header in ("Basic", "Basic ", "Basic !!!", "Basic bWU=", "Bearer bWU6c2VjcmV0"):
            self.assertEqual(self.ask("/basic-auth/me/secret", headers={"Authorization": header}).status,
                             401, header)
        self.assert_statuses({"/basic-auth/me": 404, "/basic-auth/me/": 404, "/basic-auth/a/b/c": 404})

    def test_hidden(self):
        self.assertEqual(self.ask("/hidden-basic-auth/me/secret").status, 404)
        self.assertNotIn("WWW-Authenticate", self.ask("/hidden-basic-auth/me/secret").headers)
        answer = self.with_credentials("/hidden-basic-auth/me/secret", "me", "secret")
        self.assertEqual((answer.status, answer.json["authenticated"]), (200, True))

    def test_bearer(self):
        answer = self.ask("/bearer")
        self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, "Bearer"))
        answer = self.ask("/bearer", headers={"Authorization": "Bearer to.ken"})
        self.assertEqual(answer.json, {"authenticated": True, "token": "to.ken"})
        for header in ("Bearer", "Bearer ", "Bearer a b", "Basic x", "Bearertoken"):
            self.assertEqual(self.ask("/bearer", headers={"Authorization": header}).status, 401, header)

    def test_curl(self):
        done = subprocess.run([tool("curl"), "-sS", "--max-time", "20", "-u", "me:secret",
                               self.server.url("web", "/basic-auth/me/secret")],
                              stdout=subprocess.PIPE, check=True, timeout=30)
        self.assertIn(b'"authenticated": true', done.stdout)


class Digest(HttpTest):
    HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256, "SHA-512": hashlib.sha512,
              "SHA-512-256": lambda data: hashlib.new("sha512_256", data)}

    def challenge(self, path, **headers):
        answer = self.ask(path, headers=headers)
        self.assertEqual(answer.status, 401, answer)
        self.assertEqual((answer.json["status_code"], answer.json["error"]), (401, "Unauthorized"))
        self.assertNotEqual(answer.json.get("detail"), "")  # left out where there is nothing to say
        text = answer.headers["WWW-Authenticate"]
        self.assertTrue(text.startswith("Digest "))
        found = {name: quoted or bare
                 for name, quoted, bare in re.findall(r'([\w-]+)=(?:"([^"]*)"|([^, ]*))', text)}
        return found, answer

    def credentials(self, challenge, path, password="secret", method="GET", body=b"", **changes):
        """An Authorization header as RFC 7616 section 3.4.1 computes it; changes replace fields."""
        algorithm = challenge["algorithm"]
        digest = lambda text: self.HASHES[algorithm](text.encode()).hexdigest()
        fields = {"username": "me", "realm": challenge["realm"], "nonce": challenge["nonce"],
                  "uri": path, "algorithm": algorithm, "qop": challenge["qop"], "nc": "00000001",
                  "cnonce": "abc"}
        fields.update(changes)
        ha2 = f"{method}:{fields['uri']}"
        if fields["qop"] == "auth-int":
            ha2 += ":" + self.HASHES[algorithm](body).hexdigest()
        fields["response"] = digest(":".join([
            digest(f"{fields['username']}:{fields['realm']}:{password}"), fields["nonce"], fields["nc"],
            fields["cnonce"], fields["qop"], digest(ha2)]))
        fields.update({key: value for key, value in changes.items() if key == "response"})
        return "Digest " + ", ".join(f'{key}="{value}"' for key, value in fields.items()
                                     if value is not None)

    def test_every_algorithm_and_protection(self):
        for algorithm in self.HASHES:
            for qop in ("auth", "auth-int"):
                path = f"/digest-auth/{qop}/me/secret/{algorithm}?a=1"
                challenge, _ = self.challenge(path)
                self.assertEqual((challenge["algorithm"], challenge["qop"]), (algorithm, qop))
                header = self.credentials(challenge, path, method="POST", body=b"the body")
                answer = self.ask(path, method="POST", body=b"the body",
                                  headers={"Authorization": header})
                self.assertEqual(answer.status, 200, (algorithm, qop, answer))
                self.assertEqual(answer.json["user"], "me")
                changed = self.ask(path, method="POST", body=b"another",
                                   headers={"Authorization": header})
                self.assertEqual(changed.status, 401 if qop == "auth-int" else 200)

    def test_wrong_answers(self):
        path = "/digest-auth/auth/me/secret"
        challenge, _ = self.challenge(path)
        good = self.credentials(challenge, path)
        self.assertEqual(self.ask(path, headers={"Authorization": good}).status, 200)
        nonce = challenge["nonce"]
        wrong = [self.credentials(challenge, path, password="wrong"),
                 self.credentials(challenge, path, username="you"),
                 self.credentials(challenge, path, realm="other"),
                 self.credentials(challenge, path, nonce=("2" if nonce[0] == "1" else "1") + nonce[1:]),
                 self.credentials(challenge, path, nonce=""),
                 self.credentials(challenge, path, uri="/other"),
                 self.credentials(challenge, path, qop="auth-int"),
                 self.credentials(challenge, path, nc="1"),
                 self.credentials(challenge, path, nc="0000000g"),
                 self.credentials(challenge, path, cnonce=""),
                 self.credentials(challenge, path, response="0" * 32),
                 self.credentials(challenge, path, method="POST"),
                 good.replace("MD5", "SHA-256"), good + ', username="me"', good + ", x",
                 good.replace("Digest", "Basic"), "Digest", "Digest ", good[:60]]
        for header in wrong:
            self.assertEqual(self.ask(path, headers={"Authorization": header}).status, 401, header)

    def test_what_there_is_not(self):
        self.assert_statuses({"/digest-auth/x/me/secret": 400, "/digest-auth/auth/me/secret/SHA-1": 400,
                              "/digest-auth/auth/me/secret/MD5/x": 400,
                              "/digest-auth/auth/me/secret/MD5/1000001": 400,
                              "/digest-auth/AUTH/me/secret/md5": 401})

    def test_a_nonce_may_become_stale(self):
        path = "/digest-auth/auth/me/secret/MD5/2"
        challenge, _ = self.challenge(path)
        self.assertNotIn("stale", challenge)
        for count, status in (("00000001", 200), ("00000002", 200), ("00000003", 401)):
            header = self.credentials(challenge, path, nc=count)
            self.assertEqual(self.ask(path, headers={"Authorization": header}).status, status)
        again, _ = self.challenge(path, Authorization=header)
        self.assertEqual(again["stale"], "true")
        self.assertNotEqual(again["nonce"], challenge["nonce"])
        wrong = self.credentials(challenge, path, password="wrong", nc="00000003")
        self.assertNotIn("stale", self.challenge(path, Authorization=wrong)[0])
        path = "/digest-auth/auth/me/secret/MD5/never"
        header = self.credentials(self.challenge(path)[0], path, nc="ffffffff")
        self.assertEqual(self.ask(path, headers={"Authorization": header}).status, 200)

    def test_a_cookie_may_be_required(self):
        for path in ("/digest-auth/auth/me/secret?require-cookie=true",
                     "/digest-auth/auth/me/secret/SHA-256?require-cookie=true",
                     "/digest-auth/auth/me/secret/MD5/never?require-cookie=true"):
            challenge, answer = self.challenge(path)
            self.assertIn("fake=fake_value", answer.headers["Set-Cookie"])
            header = self.credentials(challenge, path)
            self.assertEqual(self.ask(path, headers={"Authorization": header}).status, 401)
            self.assertEqual(self.ask(path, headers={"Authorization": header,
                                                     "Cookie": "fake=fake_value"}).status, 200)

    def test_curl_and_python(self):
        for algorithm in ("MD5", "SHA-256"):  # curl before 8 takes SHA-256 for SHA-512-256
            url = self.server.url("web", f"/digest-auth/auth/me/secret/{algorithm}")
            done = subprocess.run([tool("curl"), "-sS", "--max-time", "20", "--digest", "-u",
                                   "me:secret", "-w", "%{http_code}", url],
                                  stdout=subprocess.PIPE, check=True, timeout=30)
            self.assertTrue(done.stdout.endswith(b"200"), (algorithm, done.stdout))
        url = self.server.url("web", "/digest-auth/auth/me/secret")
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, "me", "secret")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPDigestAuthHandler(passwords))
        with opener.open(url, timeout=20) as response:
            self.assertEqual(response.status, 200)


if __name__ == "__main__":
    unittest.main()
