"""What `polyport run` says: the table, the lines of connections, the words of --narrate."""

import os
import re
import signal
import subprocess
import unittest

from on_terminal import OnTerminal
from support import (BINARY, TIMEOUT, Namespace, ProgramTest, clean_environment, connect,
                     read_exactly, sanitizer_report, wait_until)

CONFIG = """
[services.echo]
listen = "127.0.0.1:0"
[services.time]
listen = ["127.0.0.1:0", "udp://127.0.0.1:0"]
"""
QUIET = ["--set", "health.enabled=false", "--set", "admin.enabled=false"]


def port_of(run):
    return int(run.wait_for(r"tcp 127\.0\.0\.1:(\d+)")[1])


class TerminalTest(ProgramTest):
    def on_terminal(self, *args, **settings):
        run = OnTerminal(str(self.folder()), "run", *args, **settings)
        self.addCleanup(self._end_terminal, run)
        return run

    def _end_terminal(self, run):
        if run.process.poll() is None:
            os.kill(run.process.pid, signal.SIGINT)
        code = run.end()
        run.close()
        self.assertIsNone(sanitizer_report(run.text))
        self.assertEqual(code, 0, run.text)


class Table(ProgramTest):
    def test_through_a_pipe_it_is_the_table_alone_and_without_escape_codes(self):
        server = self.start(config=CONFIG, env={"NO_COLOR": None, "TERM": "xterm"})
        with connect(server.address("echo")) as sock:
            sock.sendall(b"x")
            read_exactly(sock, 1)
        server.stop()
        text = server.stdout()
        self.assertNotIn("\x1b", text)
        head, empty, *rows, empty_too, ready = text.splitlines()
        self.assertRegex(head, rf"^polyport \d+\.\d+\.\d+   one process \(pid {server.pid}\), one event "
                               r"loop, 4 services, 5 ports$")
        self.assertEqual((empty, empty_too), ("", ""))
        self.assertRegex(rows[0], r"^  service +listens on +range +reach +try it$")
        self.assertRegex(ready, r"^ready in \d.*\.$")

    def test_each_row_is_true(self):
        server = self.start(config=CONFIG)
        text = server.stdout()
        for service, transport, scheme in (("echo", "tcp", ""), ("time", "tcp", "--hex "),
                                           ("time", "udp", "--hex udp://")):
            port = server.port(service, transport)
            size = "user" if port < 49152 else "dynamic"
            self.assertRegex(text, rf"(?m)^  ({service} )? +{transport} 127\.0\.0\.1:{port} +{size} +this "
                                   rf"machine  polyport connect {scheme}localhost:{port}$")
        self.assertRegex(text, rf"http 127\.0\.0\.1:{server.port('health')} .* curl http://localhost:")

    def test_quiet_prints_nothing_at_all(self):
        server = self.start("--quiet", config=CONFIG + '[server]\nlog_level = "off"\n')
        with connect(server.address("echo")) as sock:
            sock.sendall(b"x")
            read_exactly(sock, 1)
        server.stop()
        self.assertEqual((server.stdout(), server.stderr()), ("", ""))

    def test_every_address_is_told_to_be_seen_by_the_network(self):
        with Namespace() as lab:
            for address in ("10.1.2.3/24", "2001:db8::7/64"):
                subprocess.run(lab.wrap(["ip", "addr", "add", address, "dev", "lo"]), check=True)
            server = self.start(config='[services.echo]\nlisten = "*:10007"\n'
                                       '[services.discard]\nlisten = "127.0.0.1:10009"\n',
                                namespace=lab)
            text = server.stdout()
            server.stop()
        self.assertRegex(text, r"(?m)^  echo .* your network: 10\.1\.2\.3 2001:db8::7 .*"
                               r" connect localhost:10007$")
        self.assertRegex(text, r"(?m)^  discard .* this machine ")

    def test_without_ipv6_it_starts_and_says_so(self):
        with Namespace(ipv6=False) as lab:
            server = self.start(config='[services.echo]\nlisten = "localhost:10007"\n'
                                       '[services.discard]\nlisten = "*:10009"\n', namespace=lab)
            bound = [listener["bound"] for listener in server.listeners("echo")]
            self.assertEqual(bound, ["127.0.0.1:10007"])
            text = server.stdout()
            server.stop()
        self.assertRegex(text, r"(?m)^  note +IPv6 is off")

    def test_a_unix_socket_has_a_path_and_no_port(self):
        path = self.folder() / "echo.sock"
        server = self.start(config=f'[services.echo]\nlisten = "unix://{path}"\n')
        self.assertIn(f"unix {path} ", server.stdout())
        self.assertIn(f"polyport connect unix:{path}\n", server.stdout())


class Connections(TerminalTest):
    def talk(self, port):
        with connect(("127.0.0.1", port)) as sock:
            sock.sendall(b"hello\n")
            read_exactly(sock, 6)
            return sock.getsockname()[1]

    def test_on_a_terminal_each_connection_is_a_line(self):
        run = self.on_terminal("echo:127.0.0.1:0", env={"NO_COLOR": "1"})
        port = port_of(run)
        run.wait_for(r"Every connection shows below \(--quiet hides it\)\. Ctrl-C stops\.")
        for number in (1, 2):
            client = self.talk(port)
            run.wait_for(rf"\d\d:\d\d:\d\d  echo  #{number}  127\.0\.0\.1:{client}  open\r\n")
            run.wait_for(rf"\d\d:\d\d:\d\d  echo  #{number}  127\.0\.0\.1:{client}  closed by the "
                         rf"client, [^,]+, 6 B in, 6 B out\r\n")
        self.assertNotIn("\x1b", run.text)

    def test_many_in_a_second_are_counted_in_one_line(self):
        run = self.on_terminal("echo:127.0.0.1:0", env={"NO_COLOR": "1"})
        port = port_of(run)
        for _ in range(200):
            self.talk(port)

        def told():
            text = run.read(0.01)
            opened = len(re.findall(r"  open\r\n", text))
            closed = len(re.findall(r"  closed by", text))
            counts = re.findall(r"and (\d+) more opened, (\d+) more closed; (\d+) are open", text)
            return (opened + sum(int(count[0]) for count in counts) == 200
                    and closed + sum(int(count[1]) for count in counts) == 200 and counts)

        counts = wait_until(told, "all 200 are shown or counted")
        self.assertEqual(counts[-1][2], "0")
        stamps = re.findall(r"(?m)^(\d\d:\d\d:\d\d)  echo ", run.text)
        # A second by the clock may hold the lines of two of ours.
        self.assertLessEqual(max(stamps.count(stamp) for stamp in stamps), 20)

    def test_colour_is_for_terminals_that_want_it(self):
        painted = self.on_terminal("echo:127.0.0.1:0", env={"NO_COLOR": None})
        painted.wait_for("Ctrl-C stops")
        self.assertIn("\x1b[1mecho", painted.text)
        for env in ({"NO_COLOR": "1"}, {"NO_COLOR": None, "TERM": "dumb"}):
            plain = self.on_terminal("echo:127.0.0.1:0", env=env)
            plain.wait_for("Ctrl-C stops")
            self.assertNotIn("\x1b", plain.text)

    def test_a_terminal_that_stands_still_does_not_stop_the_server(self):
        run = self.on_terminal("echo:127.0.0.1:0", "--narrate")
        port = port_of(run)
        for _ in range(300):  # about 100 KiB of words; the terminal holds 4 KiB, nobody reads
            self.talk(port)

    def test_ctrl_c_stops_it(self):
        run = self.on_terminal("echo:127.0.0.1:0")
        port_of(run)
        run.press("\x03")
        run.wait_for(r"draining +reason=SIGINT")
        wait_until(lambda: run.process.poll() is not None, "it ends")


class Narration(ProgramTest):
    def test_the_life_of_a_port_is_told_with_the_calls_the_kernel_saw(self):
        server = self.start("--narrate", *QUIET,
                            config='[services.echo]\nlisten = "127.0.0.1:0"\n')
        port = server.port("echo")
        with connect(server.address("echo")) as sock:
            client = sock.getsockname()[1]
            sock.sendall(b"x")
            read_exactly(sock, 1)
        wait_until(lambda: "is over" in server.stdout(), "the close is told")
        server.stop()
        calls = re.findall(r"(?m)^(\w+)\(.*\) = (-?\d+)", server.stdout())
        names = [name for name, _ in calls]
        life = [name for name in names if name in ("bind", "listen", "accept4")]
        self.assertEqual(life[-3:], ["bind", "listen", "accept4"])
        self.assertEqual(names[-1], "close")
        text = server.stdout()
        self.assertIn("the kernel chose a free port", text)
        self.assertRegex(text, rf"accept4\(\d+\) = \d+ +127\.0\.0\.1:{client} leaves the queue")
        self.assertRegex(text, rf"the connection with 127\.0\.0\.1:{client} is over")
        self.assertIn(f"127.0.0.1:{port}", text)

    def test_a_refused_bind_is_told_as_refused(self):
        with Namespace() as lab:
            holder = self.start(config='[services.echo]\nlisten = "127.0.0.1:10007"\n', namespace=lab)
            text = subprocess.run(
                lab.wrap([str(BINARY), "run", "--narrate", "echo:127.0.0.1:10007"]),
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIMEOUT,
                env=clean_environment(holder.folder)).stdout.decode()
            holder.stop()
        self.assertRegex(text, r"(bind|listen)\(\d+, .*\) = -1 EADDRINUSE +refused: another socket holds")


if __name__ == "__main__":
    unittest.main()
