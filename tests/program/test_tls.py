"""TLS endpoints of services, as openssl, curl and Python's ssl module meet them."""
# ctest: timeout=600

import json
import os
import pathlib
import re
import select
import shutil
import socket
import ssl
import subprocess
import time
import unittest

from support import (ProgramTest, TIMEOUT, cli, connect, read_exactly, read_to_end, tool, wait_until)
from tls_support import Authority, authority, client_context, openssl, pair, section

ECHO = '[services.echo]\nlisten = "tls://127.0.0.1:0"\n'
HTTP = '[services.http]\nlisten = "tls://127.0.0.1:0"\n'



def exchange(sock, data):
    """What comes back while `data` is sent. In one thread: OpenSSL's connections are for one only."""
    sock.setblocking(False)
    rest, back = memoryview(data), bytearray()
    while len(back) < len(data):
        moved = False
        if rest:
            try:
                rest = rest[sock.send(rest):]
                moved = True
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        try:
            part = sock.recv(1 << 16)
            if not part:
                raise AssertionError(f"closed after {len(back)} of {len(data)} bytes")
            back += part
            moved = True
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        if not moved and select.select([sock], [sock] if rest else [], [], TIMEOUT) == ([], [], []):
            raise AssertionError(f"nothing comes after {len(back)} of {len(data)} bytes")
    return bytes(back)


class TlsTest(ProgramTest):
    def serve(self, config):
        return self.start(config=config)

    def dial(self, server, service="echo", context=None, name="localhost"):
        raw = connect(server.address(service))
        self.addCleanup(raw.close)
        wrapped = (context or client_context()).wrap_socket(raw, server_hostname=name)
        self.addCleanup(wrapped.close)
        return wrapped

    def get(self, server, path, context=None, service="http", header=""):
        with self.dial(server, service, context) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n"
                         .encode())
            head, _, body = read_to_end(sock).partition(b"\r\n\r\n")
        self.assertIn(b" 200 ", head.splitlines()[0])
        return json.loads(body)

    def metric(self, server, line):
        _, _, body = server.get("health", "/metrics")
        return line in body.decode()


class Services(TlsTest):
    def test_every_stream_service_speaks_it(self):
        server = self.serve(
            ECHO + section("echo") +
            '[services.time]\nlisten = "tls://127.0.0.1:0"\n' + section("time") +
            '[services.chat]\nlisten = "tls://127.0.0.1:0"\n' + section("chat") +
            HTTP + section("http"))
        with self.dial(server, "echo") as sock:
            sock.sendall(b"hello")
            self.assertEqual(read_exactly(sock, 5), b"hello")
        with self.dial(server, "time") as sock:
            seconds = int.from_bytes(read_to_end(sock), "big") - 2208988800
            self.assertLess(abs(seconds - time.time()), 60)
        with self.dial(server, "chat") as one:
            self.assertIn(b"\n", one.recv(4096))
        self.assertEqual(self.get(server, "/get")["url"], "https://localhost/get")
        listener = server.listeners("echo")[0]
        self.assertEqual(listener["transport"], "tls")

    def test_a_trusted_proxy_that_does_not_name_the_scheme(self):
        server = self.serve('[services.http]\nlisten = "tls://127.0.0.1:0"\n'
                            'trusted_proxies = ["127.0.0.0/8"]\n' + section("http"))
        for header, scheme in (("", "https"), ("X-Forwarded-For: 192.0.2.1\r\n", "https"),
                               ("X-Forwarded-Proto: http\r\n", "http"),
                               ("X-Forwarded-Ssl: off\r\n", "http")):
            with self.subTest(header):
                self.assertEqual(self.get(server, "/get", header=header)["url"],
                                 f"{scheme}://localhost/get")

    def test_curl(self):
        server = self.serve(HTTP + section("http"))
        port = server.port("http")
        done = subprocess.run(
            [tool("curl"), "-sS", "--max-time", "20", "--cacert", authority().path,
             f"https://localhost:{port}/socket", "--resolve", f"localhost:{port}:127.0.0.1"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
        tls = json.loads(done.stdout)["tls"]
        self.assertEqual(tls["version"], "TLSv1.3")
        self.assertEqual(tls["server_name"], "localhost")
        self.assertEqual(tls["alpn"], "http/1.1")
        self.assertIsNone(tls["client_certificate"])
        done = subprocess.run([tool("curl"), "-sS", "-i", "--max-time", "20",
                               f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE, timeout=TIMEOUT)
        self.assertIn(b"HTTP/1.1 400 ", done.stdout)
        self.assertIn(f"https://127.0.0.1:{port}/".encode(), done.stdout)

    def test_big_transfers_both_ways_at_once(self):
        server = self.serve(ECHO + section("echo"))
        data = os.urandom(1 << 20) * 6
        with self.dial(server) as sock:
            self.assertTrue(exchange(sock, data) == data)

    def test_half_close(self):
        server = self.serve('[services.discard]\nlisten = "tls://127.0.0.1:0"\n' +
                            section("discard") + ECHO + section("echo"))
        with self.dial(server) as sock:
            sock.sendall(b"x" * 200_000)
            # unwrap sends close_notify and reads until the server's: all bytes come before it.
            back = read_exactly(sock, 200_000)
            raw = sock.unwrap()
            self.assertEqual(back, b"x" * 200_000)
            raw.close()
        out = openssl("s_client", "-quiet", "-no_ign_eof", "-connect",
                      "127.0.0.1:%d" % server.port("echo"), input=b"through\n")
        self.assertNotIn("errno", out)


class Handshakes(TlsTest):
    def s_client(self, server, *args, input=b"", service="echo"):
        return openssl("s_client", "-connect", "127.0.0.1:%d" % server.port(service), "-CAfile",
                       authority().path, *args, input=input)

    def test_each_version(self):
        server = self.serve(ECHO + section("echo"))
        for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            out = self.s_client(server, option)
            self.assertRegex(out, rf"New, {version}|Protocol\s*: {version}")
            self.assertIn("Verify return code: 0 (ok)", out)
        out = self.s_client(server, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        self.assertRegex(out, "alert protocol version|no peer certificate")

    def test_min_version(self):
        server = self.serve(ECHO + section("echo", more='min_version = "1.3"\n'))
        self.assertRegex(self.s_client(server, "-tls1_2"), "alert protocol version")
        old = self.serve(ECHO + section("echo", more='min_version = "1.0"\n'))
        out = self.s_client(old, "-tls1", "-cipher", "DEFAULT@SECLEVEL=0")
        self.assertRegex(out, r"Protocol\s*: TLSv1\b|New, TLSv1\.0|New, SSLv3, .*SHA")

    def test_resumption(self):
        server = self.serve(HTTP + section("http"))
        file = self.folder() / "session"
        for option in ("-tls1_2", "-tls1_3"):
            request = b"GET /socket HTTP/1.0\r\n\r\n"
            first = self.s_client(server, option, "-sess_out", file, "-ign_eof", input=request,
                                  service="http")
            self.assertIn('"resumed": false', first)
            again = self.s_client(server, option, "-sess_in", file, "-ign_eof", input=request,
                                  service="http")
            self.assertIn('"resumed": true', again)
            self.assertIn("Reused", again)
        out = self.s_client(server, "-tls1_2", "-reconnect", service="http")
        self.assertEqual(len(re.findall("^Reused", out, re.M)), 5, out)

    def test_renegotiation_is_refused(self):
        server = self.serve(ECHO + section("echo"))
        out = self.s_client(server, "-tls1_2", "-legacy_renegotiation", input=b"R\n")
        self.assertRegex(out, "no renegotiation|RENEGOTIATING")
        self.assertNotRegex(out, r"RENEGOTIATING\n(depth|verify)[\s\S]*verify return:1\n.*RENEG")
        with self.dial(server) as sock:  # and the service lives
            sock.sendall(b"x")
            self.assertEqual(read_exactly(sock, 1), b"x")

    def test_certificates_by_name(self):
        files = "".join('{ cert = "%s", key = "%s" },' % pair(file) for file in ("local", "a", "wild"))
        server = self.serve(ECHO + f"[services.echo.tls]\ncertificates = [{files}]\n")
        for name, subject in (("a.example", "CN = a"), ("x.wild.example", "CN = wild"),
                              ("localhost", "CN = local"), ("elsewhere", "CN = local")):
            self.assertIn(f"subject={subject}\n", self.s_client(server, "-servername", name))
        self.assertIn("subject=CN = local\n", self.s_client(server, "-noservername"))

    def test_alpn(self):
        server = self.serve(HTTP + section("http") + '[services.echo]\nlisten = "tls://127.0.0.1:0"\n' +
                            section("echo", more='alpn = ["one", "two"]\n'))
        self.assertIn("ALPN protocol: http/1.1",
                      self.s_client(server, "-alpn", "h2,http/1.1", service="http"))
        self.assertRegex(self.s_client(server, "-alpn", "h2", service="http"),
                         "alert no application protocol")
        self.assertIn("ALPN protocol: one", self.s_client(server, "-alpn", "two,one"))
        self.assertIn("No ALPN negotiated", self.s_client(server))


class ClientCertificates(TlsTest):
    def config(self, more):
        ca = authority().path
        return HTTP + section("http", more=f'client_ca = "{ca}"\n{more}')

    def test_required(self):
        server = self.serve(self.config(""))
        with self.assertRaises((ssl.SSLError, ConnectionError, AssertionError)):
            self.get(server, "/get")
        shown = self.get(server, "/get", client_context(pair("client")))["client_certificate"]
        self.assertEqual(shown["subject"], "O=Example,CN=someone")
        self.assertEqual(shown["issuer"], "CN=test CA")
        self.assertEqual(shown["names"], ["email:someone@example.org"])
        self.assertTrue(shown["verified"])
        fingerprint = openssl("x509", "-noout", "-fingerprint", "-sha256", "-in", pair("client")[0])
        self.assertEqual(shown["fingerprint_sha256"],
                         fingerprint.strip().split("=")[1].replace(":", "").lower())
        socket_ = self.get(server, "/socket", client_context(pair("client")))
        self.assertEqual(socket_["tls"]["client_certificate"], shown)
        # A session that is gone on with has shown it too.
        again = self.get(server, "/echo", client_context(pair("client")))
        self.assertEqual(again["client_certificate"]["subject"], shown["subject"])

    def test_optional_and_any(self):
        other = Authority(self.folder(), "another CA")
        stranger = client_context(other.certificate("stranger"))
        optional = self.serve(self.config('client_auth = "optional"\n'))
        self.assertNotIn("client_certificate", self.get(optional, "/get"))
        with self.assertRaises((ssl.SSLError, ConnectionError, AssertionError)):
            self.get(optional, "/get", stranger)
        wait_until(lambda: "tls_failed" in optional.stderr(), "a line about the handshake")
        server = self.serve(HTTP + section("http", more='client_auth = "any"\n'))
        self.assertNotIn("client_certificate", self.get(server, "/get"))
        shown = self.get(server, "/get", stranger)["client_certificate"]
        self.assertFalse(shown["verified"])
        self.assertEqual(shown["subject"], "CN=stranger")
        self.assertIn("certificate", shown["problem"])


class WrongClients(TlsTest):
    def test_a_slow_handshake_meets_its_deadline(self):
        server = self.serve(ECHO + 'handshake_timeout = "300ms"\n' + section("echo"))
        with connect(server.address("echo")) as sock:
            sock.sendall(b"\x16\x03\x01")
            self.assertEqual(read_to_end(sock), b"")
        wait_until(lambda: self.metric(server, 'reason="handshake_timeout"} 1'), "the counter")

    def test_plain_text_is_answered_in_words(self):
        server = self.serve(ECHO + section("echo"))
        with connect(server.address("echo")) as sock:
            sock.sendall(b"hel")
            sock.sendall(b"lo?\n")
            self.assertIn(b"This port speaks TLS", read_to_end(sock))
        with connect(server.address("echo")) as sock:
            sock.sendall(b"GET / HT")
            sock.sendall(b"TP/1.1\r\nHost: x\r\n\r\n")
            answer = read_to_end(sock)
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer)
        port = server.port("echo")
        self.assertIn(f"https://127.0.0.1:{port}/".encode(), answer)
        wait_until(lambda: "wrong_protocol" in server.stderr(), "a line in the log")
        wait_until(lambda: self.metric(server, 'reason="tls_error"} 2'), "the counter")

    def test_garbage_is_answered_with_an_alert(self):
        server = self.serve(ECHO + section("echo"))
        for garbage in (b"\x00\x01\x02", b"\x80\x2e\x01", b"\xff" * 5000):
            with connect(server.address("echo")) as sock:
                sock.sendall(garbage)
                self.assertEqual(read_to_end(sock), b"\x15\x03\x01\x00\x02\x02\x0a")
        for garbage in (b"\x16\x03\x01\x00\x05hello", b"\x16" + b"\xff" * 3000):
            with connect(server.address("echo")) as sock:
                sock.sendall(garbage)
                sock.shutdown(socket.SHUT_WR)
                self.assertLess(len(read_to_end(sock)), 32)

    def test_cut_anywhere_in_the_handshake(self):
        server = self.serve(ECHO + section("echo"))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        hello = outgoing.read()
        for size in range(1, len(hello), 37):
            with connect(server.address("echo")) as sock:
                sock.sendall(hello[:size])
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual(read_to_end(sock), b"")
        with self.dial(server) as sock:
            sock.sendall(b"still there")
            self.assertEqual(read_exactly(sock, 11), b"still there")

    def test_a_client_that_only_comes_and_goes(self):
        server = self.serve(ECHO + section("echo"))
        for _ in range(20):
            connect(server.address("echo")).close()
        wait_until(lambda: self.metric(server, 'reason="peer_closed"} 20'), "the counter")


class Files(TlsTest):
    def problem(self, section_, code=1):
        result = cli("check", "-", input=ECHO + "[services.echo.tls]\n" + section_)
        self.assertEqual(result.code, code, result)
        return result.out + result.err

    def test_each_way_to_be_wrong(self):
        folder = self.folder()
        certificate, key = pair("local")
        text = folder / "text.pem"
        text.write_text("no PEM\n")
        encrypted = folder / "encrypted.key"
        openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", encrypted)
        cases = [
            (f'cert = "{folder}/none.pem"', "cannot be read: No such file"),
            (f'cert = "{folder}"', "is a directory"),
            (f'cert = "{text}"', "holds no certificate"),
            (f'cert = "{key}"', "the wrong way round"),
            (f'cert = "{certificate}"', "holds no private key"),
            (f'cert = "{certificate}"\nkey = "{text}"', "holds no private key"),
            (f'cert = "{certificate}"\nkey = "{encrypted}"', "is encrypted"),
            (f'cert = "{certificate}"\nkey = "{pair("a")[1]}"', "is not that of the certificate"),
            (f'key = "{key}"', "a key without its certificate"),
            (f'cert = "{certificate}"\nkey = "{key}"\nclient_ca = "{text}"', "holds no certificate"),
            (f'cert = "{certificate}"\nkey = "{key}"\nclient_auth = "optional"',
             "without a client_ca"),
            (f'certificates = [{{ cert = "{certificate}", kye = "x" }}]', 'unknown key "kye"'),
            ('certificates = ["x"]', "expected a list like"),
        ]
        for lines, words in cases:
            out = self.problem(lines + "\n")
            self.assertIn(words, out)
            self.assertRegex(out, r":\d+:\d+: error: ")

    def test_without_any(self):
        out = self.problem("")
        self.assertIn("tls://127.0.0.1:0 has no certificate", out)
        self.assertIn("[services.echo.tls]", out)
        self.assertIn("auto = true", out)

    def test_health_and_admin(self):
        listening = '[{0}]\nlisten = "tls://127.0.0.1:0"\n'
        for name, path in (("health", "/healthz"), ("admin", "/api/v1/services")):
            with self.subTest(service=name):
                done = cli("check", "-", input=listening.format(name))
                self.assertEqual(done.code, 1, done)
                self.assertIn(f"add [{name}.tls] with cert", done.out)
                material = section(name).replace("services.", "")
                server = self.start(config=listening.format(name) + material + ECHO + section("echo"),
                                    quiet_ports=False)
                with self.dial(server, name) as sock:
                    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                                 "Connection: close\r\n\r\n".encode())
                    self.assertTrue(read_to_end(sock).startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_expired_is_a_warning(self):
        made = Authority(self.folder())
        certificate, key = made.certificate("old", ["DNS:localhost"], days="-1")
        result = cli("check", "-", input=ECHO + f'[services.echo.tls]\ncert = "{certificate}"\n'
                     f'key = "{key}"\n')
        self.assertEqual(result.code, 0, result)
        self.assertIn("has expired", result.out + result.err)

    def test_one_file_may_hold_both(self):
        certificate, key = pair("local")
        both = self.folder() / "both.pem"
        both.write_text(key.read_text() + certificate.read_text())
        server = self.serve(ECHO + f'[services.echo.tls]\ncert = "{both}"\n')
        with self.dial(server) as sock:
            sock.sendall(b"x")
            self.assertEqual(read_exactly(sock, 1), b"x")

    def test_a_changed_certificate_is_taken_up_and_a_broken_one_is_not(self):
        folder = self.folder()
        certificate, key = folder / "server.pem", folder / "server.key"

        def put(file):
            for source, target in zip(pair(file), (certificate, key)):
                shutil.copy(source, f"{target}.new")
                os.replace(f"{target}.new", target)

        def subject():
            out = openssl("s_client", "-connect", "127.0.0.1:%d" % server.port("echo"))
            return re.search("^subject=(.*)$", out, re.M)[1]

        put("local")
        server = self.serve(ECHO + f'[services.echo.tls]\ncert = "{certificate}"\nkey = "{key}"\n')
        self.assertEqual(subject(), "CN = local")
        with self.dial(server) as sock:
            put("a")
            wait_until(lambda: subject() == "CN = a", "the changed certificate")
            certificate.write_text("half a file")
            wait_until(lambda: (subject(), "certificate_error" in server.stderr())[1], "a line of it")
            self.assertEqual(subject(), "CN = a")
            put("local")
            wait_until(lambda: subject() == "CN = local", "the certificate after the broken one")
            sock.sendall(b"from before")
            self.assertEqual(read_exactly(sock, 11), b"from before")

    def test_the_development_certificate(self):
        state = self.folder() / "state"
        server = self.start(config="[server.tls]\nauto = true\n" + HTTP,
                            env={"STATE_DIRECTORY": str(state)})
        context = ssl.create_default_context(cafile=state / "tls" / "ca.crt")
        self.assertEqual(self.get(server, "/get", context)["url"], "https://localhost/get")
        result = cli("check", "-", input="[server.tls]\nauto = true\n" + HTTP)
        self.assertEqual(result.code, 0, result)


class Memory(TlsTest):
    def test_an_idle_connection_is_small(self):
        """Process memory of 400 idle ones; the figure of a release build stands in docs/tls.md."""
        # Without the sanitizer's quarantine, so that what is freed is used again.
        options = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
        server = self.start(config=ECHO + section("echo"), env={"ASAN_OPTIONS": options})

        def private():
            text = pathlib.Path(f"/proc/{server.pid}/smaps_rollup").read_text()
            return int(re.search(r"Private_Dirty:\s+(\d+) kB", text)[1]) * 1024

        def open_one():
            sock = self.dial(server)
            sock.sendall(b"x")
            read_exactly(sock, 1)
            return sock

        warm = [open_one() for _ in range(20)]
        before = private()
        idle = [open_one() for _ in range(400)]
        each = (private() - before) / len(idle)
        del warm
        # The sanitizer's own share is in it: no more than a bound against buffers that stay.
        self.assertLess(each, 60 * 1024)


if __name__ == "__main__":
    unittest.main()
