"""forward in front of PostgreSQL as Debian ships it, over TCP and over its unix socket."""
# ctest: timeout=300

import os
import pathlib
import signal
import socket
import subprocess
import unittest

import support
from support import ProgramTest, wait_until

NOBODY = 65534


def find(name):
    """A program of PostgreSQL: Debian keeps them out of the PATH."""
    for root in (pathlib.Path("/"), support.TOOLS / "root"):
        for folder in sorted(root.glob("usr/lib/postgresql/*/bin"), reverse=True):
            if (folder / name).exists():
                return folder / name
    raise unittest.SkipTest(f"{name} of PostgreSQL is not on this machine (scripts/test unpacks it)")


def environment():
    return support.tool_environment({"LC_ALL": "C", "PGCONNECT_TIMEOUT": "20", "TZ": "UTC"})


def may_run(program, user):
    try:
        subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env=environment(), timeout=30, **user)
        return True
    except PermissionError:  # this tree lies in a folder that others may not enter
        return False


class Database:
    """A cluster of the test's own. PostgreSQL does not run as root, so root runs it as nobody."""

    def __init__(self, folder):
        self.folder = folder
        self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        folder.chmod(0o755)
        for name in ("data", "run"):
            (folder / name).mkdir(mode=0o700 if name == "data" else 0o755)
            if self.user:
                os.chown(folder / name, NOBODY, NOBODY)
        if self.user and not may_run(find("initdb"), self.user):
            raise unittest.SkipTest(f"uid {NOBODY} may not run {find('initdb')}")
        made = subprocess.run(
            [find("initdb"), "-D", folder / "data", "-U", "postgres", "--auth=trust", "--no-sync",
             "--encoding=UTF8", "--locale=C"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment(), cwd=folder, timeout=120, **self.user)
        if made.returncode != 0:
            raise AssertionError(made.stdout.decode(errors="replace"))
        self.process = None
        # It takes no port 0; this one was free a moment ago, and stays its own from then on.
        for _ in range(5):
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
            if self.start():
                return
        raise AssertionError(self.log())

    @property
    def socket_path(self):
        return self.folder / "run" / f".s.PGSQL.{self.port}"

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [find("postgres"), "-D", self.folder / "data", "-k", self.folder / "run",
                 "-h", "127.0.0.1", "-p", str(self.port), "-c", "fsync=off", "-c", "jit=off"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(),
                cwd=self.folder, **self.user)

        def answers():
            if self.process.poll() is not None:
                return True
            return psql(("127.0.0.1", self.port), "select 1").returncode == 0

        wait_until(answers, "PostgreSQL answers", 60)
        return self.process.poll() is None

    def kill(self):
        """At once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def psql(address, *commands):
    host, port = address
    return subprocess.run(
        [find("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", str(port),
         "-U", "postgres", *[word for command in commands for word in ("-c", command)]],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(), timeout=120)


class PostgreSQL(ProgramTest):
    def setUp(self):
        find("pgbench"), find("psql"), find("postgres")
        folder = self.folder()
        self.database = Database(folder)
        self.addCleanup(self.database.stop)
        self.server = self.start(config=f"""
            [services.db]
            type = "forward"
            listen = "127.0.0.1:0"
            upstream = "127.0.0.1:{self.database.port}"
            [services.local]
            type = "forward"
            listen = "127.0.0.1:0"
            upstream = "unix://{self.database.socket_path}"
            """)

    def ask(self, service, *commands):
        done = psql(self.server.address(service), *commands)
        self.assertEqual(done.returncode, 0, done.stderr.decode() + self.server.stderr())
        return done.stdout.decode()

    def test_queries_over_tcp_and_over_the_unix_socket(self):
        for service in ("db", "local"):
            self.assertEqual(self.ask(service, "select 6 * 7"), "42\n")
        # PostgreSQL sees a client on its unix socket, where polyport has come in.
        self.assertEqual(self.ask("local", "select inet_client_addr() is null"), "t\n")
        self.assertEqual(self.ask("db", "select host(inet_client_addr())"), "127.0.0.1\n")
        # Twenty megabytes out, and a table written and read back.
        rows = self.ask("db", "select repeat('x', 999) from generate_series(1, 20000)")
        self.assertEqual(len(rows), 20_000 * 1000)
        self.ask("local", "create table t as select generate_series(1, 100000) as n")
        self.assertEqual(self.ask("db", "select count(*), sum(n) from t"), "100000|5000050000\n")

    def test_many_clients_at_once(self):
        host, port = self.server.address("db")
        for arguments in (["-i", "-s", "1", "-q"], ["-c", "16", "-j", "2", "-t", "40", "-C"]):
            done = subprocess.run(
                [find("pgbench"), *arguments, "-h", host, "-p", str(port), "-U", "postgres",
                 "postgres"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, env=environment(), timeout=200)
            self.assertEqual(done.returncode, 0, done.stdout.decode())
        self.assertIn(b"640/640", done.stdout)  # each transaction on a connection of its own
        self.assertEqual(self.ask("db", "select count(*) from pgbench_history"), "640\n")

    def test_the_example_configuration(self):
        server = self.start(
            "--set", "services.files.enabled=false", "--set", "services.db.listen=127.0.0.1:0",
            "--set", f"services.db.upstream=localhost:{self.database.port}",
            config=support.SOURCE / "config/forward.toml")
        done = psql(server.address("db"), "select 'through ' || 'the example'")
        self.assertEqual(done.stdout, b"through the example\n", done.stderr)

    def test_a_database_that_crashes_and_comes_back(self):
        self.assertEqual(self.ask("db", "select 1"), "1\n")
        self.database.kill()
        # Its children notice on their own that the postmaster is gone.
        wait_until(lambda: psql(self.server.address("db"), "select 1").returncode == 2,
                   "the database is gone")
        rows = self.server.get_json("admin", "/api/v1/services")["services"]
        status = next(row for row in rows if row["name"] == "db")
        self.assertEqual(status["reason"], "no upstream answers: "
                         f"127.0.0.1:{self.database.port}: Connection refused")
        # The crash has left a lock file and shared memory behind; it waits for both.
        wait_until(self.database.start, "the database starts again", 120)
        self.assertEqual(self.ask("db", "select 2"), "2\n")
        self.assertEqual(self.ask("local", "select 3"), "3\n")


if __name__ == "__main__":
    unittest.main()
