"""The development CA as a user meets it: made once, found again, told at the start, trusted by clients."""

import hashlib
import os
import pathlib
import re
import signal
import ssl
import stat
import subprocess
import unittest

from support import (BINARY, ProgramTest, clean_environment, cli, connect, read_exactly, run_tool,
                     tool)

AUTO = '[server.tls]\nauto = true\n[services.echo]\nlisten = "tls://127.0.0.1:0"\n'


def chain_of(folder):
    """The one certificate of the servers in STATE/tls."""
    found = list(folder.glob("server-*.crt"))
    if len(found) != 1:
        raise AssertionError(f"one certificate expected: {found}")
    return found[0]


def shake_hands(ca, folder, name):
    """A TLS handshake in memory between Python and what is in the folder; raises ssl.SSLError."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(chain_of(folder), folder / "server.key")
    client_context = ssl.create_default_context(cafile=ca)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        done = 0
        for side in (client, server):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
        if done == 2:
            return
    raise AssertionError("the handshake does not end")


class CaTest(ProgramTest):
    def setUp(self):
        self.state = self.folder() / "state"
        self.tls = self.state / "tls"
        self.environment = {"STATE_DIRECTORY": str(self.state)}

    def ca(self, *args, **settings):
        result = cli("ca", *args, env=self.environment, **settings)
        return result

    def make(self):
        result = self.ca("--make")
        self.assertEqual(result.code, 0, result)
        return result

    def files(self):
        return {path.name: path.read_bytes() for path in self.tls.iterdir() if path.name != "lock"}


class Making(CaTest):
    def test_two_starts_have_one_ca(self):
        first = self.start(config=AUTO, env=self.environment)
        made = self.files()
        self.assertIn("made just now", first.stdout())
        second = self.start(config=AUTO, env=self.environment)
        self.assertEqual(self.files(), made)
        self.assertNotIn("made just now", second.stdout())
        for server in (first, second):
            self.assertIn(f"trust it with curl --cacert {self.tls}/ca.crt", server.stdout())
        der = ssl.PEM_cert_to_DER_cert(self.ca("--pem").out)
        digits = hashlib.sha256(der).hexdigest().upper()
        shown = ":".join(digits[i:i + 2] for i in range(0, 64, 2))
        self.assertIn(f"its SHA-256 is {shown}", first.stdout())
        self.assertIn(shown, re.sub(r"\s", "", self.ca().out))

    def test_files_are_for_this_user(self):
        self.make()
        for name in ("ca.key", "server.key"):
            self.assertEqual(stat.S_IMODE((self.tls / name).stat().st_mode), 0o600, name)
        for folder in (self.state, self.tls):
            self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700, folder)

    def test_nothing_is_written_unless_something_asks(self):
        for command in (["check"], ["ca"], ["services"], ["--version", "--verbose"]):
            cli(*command, env=self.environment)
        server = self.start(config=AUTO.replace("tls://", ""), env=self.environment)
        server.stop()  # nobody speaks TLS
        self.assertFalse(self.state.exists())

    def test_python_trusts_it_for_localhost_and_for_nothing_else(self):
        self.make()
        for name in ("localhost", "127.0.0.1", "::1"):
            shake_hands(self.tls / "ca.crt", self.tls, name)
        for name in ("example.com", "192.0.2.1", "localhost.example.com"):
            with self.assertRaises(ssl.SSLCertVerificationError):
                shake_hands(self.tls / "ca.crt", self.tls, name)

    def test_further_names(self):
        result = self.ca("--make", "--set", "server.tls.names=app.test,www.example.com")
        self.assertEqual(result.code, 0, result)
        shake_hands(self.tls / "ca.crt", self.tls, "app.test")
        with self.assertRaises(ssl.SSLCertVerificationError):
            shake_hands(self.tls / "ca.crt", self.tls, "www.example.com")
        server = self.start("--set", "server.tls.names=app.test,www.example.com", config=AUTO,
                            env=self.environment)
        self.assertIn("they are not for www.example.com", server.stdout())
        wrong = cli("check", "--set", "server.tls.names=a b")
        self.assertEqual(wrong.code, 1, wrong)
        self.assertIn('tls.names: "a b" is no name for a certificate', wrong.out)

    def test_openssl_takes_the_chain_and_heeds_the_constraints(self):
        self.make()
        ca, chain = self.tls / "ca.crt", chain_of(self.tls)
        for check in (["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"],
                      ["-verify_ip", "::1"]):
            result = run_tool("openssl", "verify", "-CAfile", ca, "-purpose", "sslserver",
                              "-x509_strict", *check, chain)
            self.assertEqual(result.code, 0, result)
        stolen = self.folder()
        for name, permitted in (("evil.example.com", False), ("good.test", True)):
            (stolen / "ext").write_text(f"subjectAltName=DNS:{name}\n")
            request = run_tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                               "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout",
                               stolen / "key", "-out", stolen / "csr")
            self.assertEqual(request.code, 0, request)
            issued = run_tool("openssl", "x509", "-req", "-in", stolen / "csr", "-CA", ca, "-CAkey",
                              self.tls / "ca.key", "-days", "5", "-extfile", stolen / "ext", "-out",
                              stolen / "crt")
            self.assertEqual(issued.code, 0, issued)
            verdict = run_tool("openssl", "verify", "-CAfile", ca, stolen / "crt")
            self.assertEqual(verdict.code == 0, permitted, verdict)
            if not permitted:
                self.assertIn("permitted subtree violation", verdict.out + verdict.err)

    def test_a_certificate_that_ends_soon_is_made_anew(self):
        self.make()
        chain = chain_of(self.tls)
        before = chain.read_bytes()
        work = self.folder()
        (work / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        run_tool("openssl", "req", "-new", "-key", self.tls / "server.key", "-subj", "/CN=x", "-out",
                 work / "csr")
        short = run_tool("openssl", "x509", "-req", "-in", work / "csr", "-CA", self.tls / "ca.crt",
                         "-CAkey", self.tls / "ca.key", "-days", "20", "-extfile", work / "ext",
                         "-out", chain)
        self.assertEqual(short.code, 0, short)
        ca = (self.tls / "ca.crt").read_bytes()
        ending = chain.read_bytes()
        self.make()
        self.assertNotIn(chain.read_bytes(), (before, ending))
        self.assertEqual((self.tls / "ca.crt").read_bytes(), ca)
        shake_hands(self.tls / "ca.crt", self.tls, "localhost")


class Trouble(CaTest):
    def test_killed_at_any_step_the_next_start_goes_on(self):
        strace = tool("strace")
        for step in range(1, 5):  # ca.key, ca.crt, server.key, server-….crt
            for call in ("renameat", "fsync"):
                with self.subTest(step=step, call=call):
                    state = self.folder() / "state"
                    env = {"STATE_DIRECTORY": str(state), "ASAN_OPTIONS": "detect_leaks=0"}
                    killed = subprocess.run(
                        [strace, "-f", "-qq", "-o", "/dev/null", "-e",
                         f"inject={call}:signal=SIGKILL:when={step}", str(BINARY), "ca", "--make"],
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        env=clean_environment(state.parent, env), timeout=60)
                    self.assertEqual(killed.returncode, -signal.SIGKILL, killed)
                    result = cli("ca", "--make", env=env)
                    self.assertEqual(result.code, 0, result)
                    shake_hands(state / "tls/ca.crt", state / "tls", "localhost")
                    self.assertEqual([], list((state / "tls").glob("*.new")))

    def test_many_at_once_have_one_ca(self):
        command = [str(BINARY), "ca", "--make", "--pem"]
        env = clean_environment(self.state.parent, self.environment)
        running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, env=env) for _ in range(8)]
        said = [process.communicate(timeout=60) for process in running]
        self.assertEqual([process.returncode for process in running], [0] * 8, said)
        self.assertEqual({out for out, _ in said}, {(self.tls / "ca.crt").read_bytes()})
        shake_hands(self.tls / "ca.crt", self.tls, "localhost")

    def test_what_can_be_read_by_others_is_not_used(self):
        self.make()
        os.chmod(self.tls / "server.key", 0o644)
        result = cli("run", "echo:tls://127.0.0.1:0", "--set", "server.tls.auto=true",
                     env=self.environment)
        self.assertEqual(result.code, 4, result)
        self.assertIn(f"{self.tls}/server.key: error: has the mode 0644: others may read it "
                      f"(chmod 600 {self.tls}/server.key", result.err)

    def test_a_foreign_file_is_told_and_left(self):
        self.make()
        (self.tls / "ca.crt").write_text("-----BEGIN CERT")
        result = cli("run", "echo:tls://127.0.0.1:0", "--set", "server.tls.auto=true",
                     env=self.environment)
        self.assertEqual(result.code, 5, result)
        self.assertIn(f"{self.tls}/ca.crt: error: is no certificate (it is left as it is", result.err)
        self.assertEqual((self.tls / "ca.crt").read_text(), "-----BEGIN CERT")

    def test_where_nothing_can_be_written_it_lies_in_memory(self):
        for place in ("/dev/null/state", "/proc/state"):
            with self.subTest(place=place):
                server = self.start(config=AUTO, env={"STATE_DIRECTORY": place})
                said = server.stdout()
                self.assertIn("it ends with this process, because nothing can be stored: "
                              f"{place}/tls: error: cannot be created", said)
                path = re.search(r"curl --cacert (/proc/\d+/fd/\d+)", said)[1]
                ssl.create_default_context(cafile=path)
                server.stop()
                self.assertFalse(pathlib.Path(path).exists())

    def test_without_a_home_it_lies_in_memory(self):
        server = self.start(config=AUTO, env={"HOME": None, "XDG_STATE_HOME": None})
        self.assertIn("there is no state directory (set [server] state_dir", server.stdout())

    def test_a_folder_of_somebody_else_is_read_where_it_may_be(self):
        """Of root, read by nobody: the CA's key is not theirs to read, and the message says whose it is."""
        if os.geteuid() != 0:
            self.skipTest("only root can make a folder of somebody else")
        self.make()
        os.chmod(self.state.parent, 0o755)
        os.chmod(self.state, 0o755)
        os.chmod(self.tls, 0o755)
        result = cli("ca", "--make", env=self.environment, ordinary_user=True)
        self.assertEqual(result.code, 4, result)
        self.assertIn(f"{self.tls}: error: belongs to the user with the number 0", result.err)

    def test_a_state_directory_without_the_right_to_write(self):
        if os.geteuid() != 0:
            self.skipTest("a folder of root is needed")
        self.state.mkdir(mode=0o755)
        os.chmod(self.state.parent, 0o755)
        result = cli("ca", "--make", env=self.environment, ordinary_user=True)
        self.assertEqual(result.code, 4, result)
        self.assertIn(f"{self.tls}: error: cannot be created: Permission denied (give this user "
                      "the right to it, or set [server] state_dir", result.err)


class Serving(CaTest):
    def test_https_works_with_no_set_up(self):
        config = AUTO + '[services.web]\ntype = "http"\nlisten = "tls://127.0.0.1:0"\n'
        server = self.start(config=config, env=self.environment)
        port = server.port("web", "tls")
        for name in ("localhost", "127.0.0.1"):
            result = run_tool("curl", "-sS", "--ipv4", "--cacert", self.tls / "ca.crt",
                              f"https://{name}:{port}/plain")
            self.assertEqual((result.code, result.out.strip()), (0, "Hello, World!"), result)
        stranger = run_tool("curl", "-sS", "--ipv4", f"https://localhost:{port}/plain")
        self.assertEqual(stranger.code, 60, stranger)
        context = ssl.create_default_context(cafile=self.tls / "ca.crt")
        with context.wrap_socket(connect(server.address("echo", "tls")),
                                 server_hostname="localhost") as sock:
            sock.sendall(b"hello")
            self.assertEqual(read_exactly(sock, 5), b"hello")

    def test_in_memory_it_serves_too(self):
        server = self.start(config=AUTO, env={"STATE_DIRECTORY": "/dev/null/state"})
        ca = re.search(r"curl --cacert (/proc/\d+/fd/\d+)", server.stdout())[1]
        context = ssl.create_default_context(cafile=ca)
        with context.wrap_socket(connect(server.address("echo", "tls")),
                                 server_hostname="127.0.0.1") as sock:
            sock.sendall(b"hello")
            self.assertEqual(read_exactly(sock, 5), b"hello")

    def test_without_it_a_tls_endpoint_needs_a_certificate(self):
        result = cli("check", "-", input=AUTO.replace("true", "false"), env=self.environment)
        self.assertEqual(result.code, 1, result)
        self.assertIn("auto = true", result.out)
        result = cli("check", "-", input=AUTO, env=self.environment)
        self.assertEqual(result.code, 0, result)
        self.assertFalse(self.state.exists())


class Command(CaTest):
    def test_there_is_none_yet(self):
        for arguments in ([], ["--pem"], ["--path"]):
            result = self.ca(*arguments)
            self.assertEqual((result.code, result.out), (1, ""), result)
            self.assertIn("there is no development CA yet (the first start with [server.tls] auto", result.err)

    def test_it_tells_every_way(self):
        self.make()
        text = self.ca().out
        for word in ("--cacert", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "certutil -d",
                     "update-ca-certificates", "Firefox", "add-trusted-cert"):
            self.assertIn(word, text)
        self.assertEqual(self.ca("--path").out, f"{self.tls}/ca.crt\n")
        self.assertEqual(self.ca("--pem").out, (self.tls / "ca.crt").read_text())

    def test_the_state_directory_of_a_configuration(self):
        config = self.folder() / "a.toml"
        place = self.folder() / "kept"
        config.write_text(f'[server]\nstate_dir = "{place}"\n[services.echo]\n')
        result = self.ca(config, "--make", "--path")
        self.assertEqual(result.out, f"{place}/tls/ca.crt\n", result)
        self.assertFalse(self.state.exists())

    def test_quiet_starts_tell_the_log(self):
        server = self.start("--quiet", config=AUTO, env=self.environment)
        server.stop()
        lines = [line for line in server.stderr().splitlines() if "development_ca" in line]
        self.assertTrue(any(f"{self.tls}/ca.crt" in line for line in lines), server.stderr())


if __name__ == "__main__":
    unittest.main()
