"""`polyport run`: what starts, what does not, how it is steered, and how it ends."""

import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import time
import unittest

from support import (BINARY, TIMEOUT, Namespace, ProgramTest, clean_environment, cli, connect,
                     read_exactly, tool, wait_until)

ECHO = '[services.echo]\nlisten = "127.0.0.1:0"\n'


def talk(address, text=b"hello"):
    with connect(address) as sock:
        sock.sendall(text)
        return read_exactly(sock, len(text))


class Sources(ProgramTest):
    def test_ad_hoc_services_need_no_file(self):
        server = self.start("echo:0", "daytime@clock:127.0.0.1:0", "echo:udp://0")
        self.assertEqual([(service["name"], service["state"], bool(service["listeners"]))
                          for service in server.ready["services"]],
                         [("echo", "live", True), ("clock", "live", True),  # and nothing else:
                          ("health", "disabled", False), ("admin", "disabled", False)])
        self.assertEqual(talk(server.address("echo")), b"hello")
        self.assertEqual(server.listeners("echo", "udp")[0]["transport"], "udp")
        for listener in server.listeners("echo"):
            self.assertTrue(listener["bound"].startswith(("127.0.0.1:", "[::1]:")), listener)

    def test_the_demo_is_in_the_program(self):
        with Namespace() as lab:
            server = self.start(namespace=lab, quiet_ports=False)
            bound = {(service["name"], listener["transport"], listener["bound"])
                     for service in server.ready["services"] for listener in service["listeners"]}
            server.stop()
        for row in (("web", "tcp", "127.0.0.1:8080"), ("echo", "tcp", "127.0.0.1:10007"),
                    ("echo", "udp", "127.0.0.1:10007"), ("discard", "tcp", "127.0.0.1:10009"),
                    ("daytime", "tcp", "127.0.0.1:10013"), ("chargen", "tcp", "127.0.0.1:10019"),
                    ("chat", "tcp", "127.0.0.1:10023"),
                    ("chat", "tcp", "127.0.0.1:8090"), ("chat", "tcp", "127.0.0.1:6667"),
                    ("time", "udp", "127.0.0.1:10037"),
                    ("sntp", "udp", "127.0.0.1:10123"), ("health", "tcp", "127.0.0.1:9901"),
                    ("admin", "tcp", "127.0.0.1:9900")):
            self.assertIn(row, bound)

    def test_standard_input_is_a_file_too(self):
        ready = self.folder() / "ready.json"
        process = subprocess.Popen([str(BINARY), "run", "-", "--ready-file", str(ready)],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   env=clean_environment(ready.parent))
        process.stdin.write(ECHO.encode() + b"[health]\nenabled = false\n[admin]\nenabled = false\n")
        process.stdin.close()
        wait_until(ready.exists, "the ready file")
        line = json.loads(ready.read_text())
        self.assertEqual((line["event"], line["pid"]), ("ready", process.pid))
        host, port = line["services"][0]["listeners"][0]["bound"].split(":")
        self.assertEqual(talk((host, int(port))), b"hello")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT), 0)

    def test_only_and_an_unknown_name(self):
        config = ECHO + '[services.discard]\nlisten = "127.0.0.1:0"\n'
        server = self.start("--only", "discard", config=config)
        self.assertEqual([service["name"] for service in server.ready["services"]],
                         ["discard", "health", "admin"])
        result = cli("run", "-", "--only", "echo,dicsard", input=config)
        self.assertEqual(result.code, 1)
        self.assertIn('--only: error: no service is called "dicsard" (did you mean "discard"?)',
                      result.err)

    def test_offset_moves_every_port_from_1024_up(self):
        config = ('[services.echo]\nlisten = ["127.0.0.1:10007", "udp://127.0.0.1:10007", '
                  '"127.0.0.1:7", "127.0.0.1:20000-20002"]\n'
                  '[health]\nlisten = "127.0.0.1:9901"\n[admin]\nenabled = false\n')
        with Namespace() as lab:
            server = self.start("--offset", "100", config=config, namespace=lab, quiet_ports=False)
            bound = [(listener["transport"], listener["bound"])
                     for service in server.ready["services"] for listener in service["listeners"]]
            server.stop()
        self.assertEqual(bound, [("tcp", "127.0.0.1:10107"), ("udp", "127.0.0.1:10107"),
                                 ("tcp", "127.0.0.1:7"), ("tcp", "127.0.0.1:20100"),
                                 ("tcp", "127.0.0.1:20101"), ("tcp", "127.0.0.1:20102"),
                                 ("tcp", "127.0.0.1:10001")])
        result = cli("run", "echo:60000", "--offset", "6000")
        self.assertEqual(result.code, 1)
        self.assertIn("the largest offset here is 5535", result.err)


class Overrides(ProgramTest):
    def test_the_environment_beats_the_file_and_set_beats_both(self):
        path = self.folder() / "sock"
        env = {"POLYPORT_SERVICES__ECHO__LISTEN": f"unix://{path}",
               "POLYPORT_SERVER__NAME": "from the environment"}
        server = self.start(config=ECHO + '[server]\nname = "from the file"\n', env=env)
        self.assertEqual(server.address("echo"), str(path))
        self.assertEqual(server.get_json("health", "/version")["name"], "from the environment")
        server = self.start("--set", "services.echo.listen=127.0.0.1:0", "--set",
                            "server.name=from the command line", config=ECHO, env=env)
        self.assertEqual(server.address("echo")[0], "127.0.0.1")
        self.assertEqual(server.get_json("health", "/version")["name"], "from the command line")

    def test_what_kubernetes_injects_is_ignored(self):
        server = self.start(config=ECHO, env={
            "POLYPORT_PORT": "tcp://10.0.0.1:80", "POLYPORT_SERVICE_HOST": "10.0.0.1",
            "POLYPORT_SERVICE_PORT": "80", "POLYPORT_SERVICE_PORT_HTTP": "80",
            "POLYPORT_PORT_80_TCP": "tcp://10.0.0.1:80", "POLYPORT_PORT_80_TCP_PROTO": "tcp",
            "POLYPORT_PORT_80_TCP_PORT": "80", "POLYPORT_PORT_80_TCP_ADDR": "10.0.0.1"})
        self.assertEqual(talk(server.address("echo")), b"hello")
        self.assertEqual(server.stderr(), "")

    def test_a_wrong_override_stops_the_start_and_names_its_origin(self):
        result = cli("run", "-", "--set", "services.echo.lsten=1", input=ECHO)
        self.assertEqual(result.code, 1)
        self.assertIn('--set services.echo.lsten: error: unknown key "lsten" (did you mean "listen"?)',
                      result.err)


class Failures(ProgramTest):
    def test_a_taken_port_is_named_and_nothing_stays_open(self):
        path = self.folder() / "echo.sock"
        with Namespace() as lab:
            holder = self.start(config='[services.echo]\nlisten = "127.0.0.1:10007"\n', namespace=lab)
            ready = path.parent / "ready"
            result = cli("run", "-", "--ready-file", ready, namespace=lab, input=f"""
                [services.discard]
                listen = ["127.0.0.1:10009", "unix://{path}"]
                [services.echo]
                listen = ["127.0.0.1:10007", "127.0.0.1:10008"]
                [health]
                enabled = false
                [admin]
                enabled = false
                """)
            self.assertEqual(result.code, 3, result)
            self.assertIn("127.0.0.1:10007", result.err)
            self.assertTrue(result.err.startswith(
                "polyport: nothing started: 1 of 4 ports is taken\n"), result.err)
            self.assertIn(f"(pid {holder.pid})", result.err)
            self.assertNotIn("10008", result.err)  # it was free
            self.assertEqual(result.out, "")
            self.assertFalse(path.exists())
            self.assertFalse(ready.exists())
            # The same ports are free for the next one.
            again = self.start(config='[services.discard]\nlisten = "127.0.0.1:10009"\n',
                               namespace=lab)
            again.stop()
            holder.stop()

    def test_a_forbidden_port_is_exit_code_4(self):
        drop = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]
        if os.geteuid() != 0:
            drop = []
        with Namespace() as lab:
            if not drop:
                # A namespace of our own gives us its root; that of the machine forbids low ports.
                command = [str(BINARY), "run", "echo:127.0.0.1:80"]
            else:
                command = lab.wrap([*drop, str(BINARY), "run", "echo:127.0.0.1:80"])
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=clean_environment("/tmp"), timeout=TIMEOUT)
        self.assertEqual(done.returncode, 4, done)
        self.assertIn(b"127.0.0.1:80", done.stderr)

    def test_an_address_of_another_machine_is_exit_code_3(self):
        result = cli("run", "echo:192.0.2.1:10007")
        self.assertEqual(result.code, 3, result)
        self.assertTrue(result.err.startswith(
            "polyport: nothing started: 1 of 1 port cannot be had\n\n"
            "  echo  192.0.2.1:10007  (echo:192.0.2.1:10007)\n"), result.err)

    def test_an_error_that_is_no_conflict_is_told_as_ever(self):
        result = cli("run", "echo:no.such.host.invalid:10007")
        self.assertEqual(result.code, 3, result)
        self.assertIn("error: service \"echo\": ", result.err)
        self.assertTrue(result.err.endswith("polyport: nothing was started: 1 error\n"), result.err)

    def test_a_log_or_a_ready_file_that_cannot_be_written_is_a_failure(self):
        result = cli("run", "echo:0", "--set", "server.log_target=/no/such/dir/log")
        self.assertEqual(result.code, 5, result)
        self.assertIn("/no/such/dir/log: error: cannot open the log", result.err)
        result = cli("run", "echo:0", "--ready-file", "/no/such/dir/ready")
        self.assertEqual(result.code, 5, result)
        self.assertIn("/no/such/dir/ready: error: cannot write the ready line", result.err)


class Ending(ProgramTest):
    def busy(self, server):
        """A connection with work under way, which a drain waits for."""
        sock = connect(server.address("echo"))
        self.addCleanup(sock.close)
        sock.sendall(b"x")
        read_exactly(sock, 1)
        return sock

    def test_a_signal_drains_and_ends_with_0(self):
        for number, word in ((signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")):
            with self.subTest(signal=word):
                server = self.start(config=ECHO)
                sock = self.busy(server)
                server.signal(number)
                wait_until(lambda: "draining" in server.stderr(), "the drain is told")
                self.assertRegex(server.stderr(), rf"draining +reason={word} +1 connection may finish")
                sock.sendall(b"still here")
                self.assertEqual(read_exactly(sock, 10), b"still here")
                with self.assertRaises(ConnectionRefusedError):
                    connect(server.address("echo"))
                sock.close()
                self.assertEqual(server.wait(), 0)

    def test_the_grace_bounds_the_drain(self):
        server = self.start("--set", "server.shutdown_grace=300ms", config=ECHO)
        self.busy(server)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertLess(time.monotonic() - began, 20)

    def test_a_second_signal_ends_at_once(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(code=code):
                server = self.start("--set", "server.shutdown_grace=60s", config=ECHO)
                sock = self.busy(server)
                server.signal(number)
                wait_until(lambda: "draining" in server.stderr(), "the drain is told")
                server.signal(number)
                self.assertEqual(server.wait(10), code)
                sock.close()

    def test_two_signals_in_one_moment_are_two(self):
        server = self.start("--set", "server.shutdown_grace=60s", config=ECHO)
        self.busy(server)
        # Stopped, it takes both before its loop runs again.
        server.signal(signal.SIGSTOP)
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGINT)
        server.signal(signal.SIGCONT)
        self.assertIn(server.wait(10), (130, 143))

    def test_other_signals_are_ignored_with_a_line(self):
        server = self.start(config=ECHO)
        for number, word in ((signal.SIGHUP, "SIGHUP"), (signal.SIGUSR1, "SIGUSR1"),
                             (signal.SIGUSR2, "SIGUSR2")):
            server.signal(number)
            wait_until(lambda: f"signal_ignored  reason={word}" in server.stderr(), word)
        server.signal(signal.SIGPIPE)
        self.assertEqual(talk(server.address("echo")), b"hello")


class Surroundings(ProgramTest):
    def test_nothing_is_written_to_the_users_home(self):
        server = self.start(config=ECHO)
        talk(server.address("echo"))
        server.stop()
        self.assertEqual(sorted(os.listdir(server.folder)), ["polyport.toml", "stderr", "stdout"])

    def test_a_home_that_does_not_exist_is_no_obstacle(self):
        server = self.start(config=ECHO, env={"HOME": "/no/such/home", "XDG_STATE_HOME": None})
        self.assertEqual(talk(server.address("echo")), b"hello")

    def test_a_state_directory_that_cannot_be_written_is_one_warning(self):
        server = self.start("--set", "server.state_dir=/dev/null/state", config=ECHO)
        self.assertEqual(talk(server.address("echo")), b"hello")
        server.stop()
        warnings = [line for line in server.stderr().splitlines() if "state_in_memory" in line]
        self.assertEqual(len(warnings), 1, server.stderr())
        self.assertIn("/dev/null/state: cannot write the state directory", warnings[0])
        wanted = self.folder() / "new" / "state"
        server = self.start("--set", f"server.state_dir={wanted}", config=ECHO)
        server.stop()
        self.assertNotIn("state_in_memory", server.stderr())
        self.assertFalse(wanted.parent.exists())  # nobody needed it

    def test_closed_standard_descriptors_are_no_sockets(self):
        """A program started without stderr must not send its log into a client's socket."""
        ready = self.folder() / "ready"
        command = (f'exec "{BINARY}" run echo:127.0.0.1:0 --set server.log_level=trace '
                   f'--ready-file "{ready}" <&- >&- 2>&-')
        process = subprocess.Popen(["sh", "-c", command], env=clean_environment(ready.parent))
        wait_until(ready.exists, "the ready file")
        bound = json.loads(ready.read_text())["services"][0]["listeners"][0]["bound"]
        host, port = bound.split(":")
        socks = [connect((host, int(port))) for _ in range(5)]
        for sock in socks:
            sock.sendall(b"hello")
        for sock in socks:
            self.assertEqual(read_exactly(sock, 5), b"hello")
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(sock.recv(1000), b"")
            sock.close()
        for fd in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{fd}"), "/dev/null")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT), 0)

    def test_a_reader_of_the_log_that_stops_does_not_stop_the_server(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        ready = self.folder() / "ready"
        process = subprocess.Popen(
            [str(BINARY), "run", "echo:127.0.0.1:0", "--ready-file", str(ready), "--narrate",
             "--set", "server.log_level=trace"],
            stdout=writing, stderr=writing, env=clean_environment(ready.parent))
        os.close(writing)
        wait_until(ready.exists, "the ready file")
        host, port = json.loads(ready.read_text())["services"][0]["listeners"][0]["bound"].split(":")
        for _ in range(1000):  # far more words than the 64 KiB of the pipe
            self.assertEqual(talk((host, int(port)), b"x"), b"x")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT), 0)

    def test_a_reader_that_goes_away_does_not_end_the_server(self):
        reading, writing = os.pipe()
        ready = self.folder() / "ready"
        process = subprocess.Popen(
            [str(BINARY), "run", "echo:127.0.0.1:0", "--ready-file", str(ready), "--narrate"],
            stdout=writing, stderr=writing, env=clean_environment(ready.parent))
        os.close(writing)
        wait_until(ready.exists, "the ready file")
        os.close(reading)
        host, port = json.loads(ready.read_text())["services"][0]["listeners"][0]["bound"].split(":")
        for _ in range(20):
            self.assertEqual(talk((host, int(port)), b"x"), b"x")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT), 0)

    def test_the_json_log_is_one_object_a_line_with_the_pinned_fields(self):
        server = self.start("--quiet", "--set", "server.log_format=json",
                            "--set", "server.log_level=trace", config=ECHO)
        talk(server.address("echo"))
        server.signal(signal.SIGHUP)
        wait_until(lambda: "signal_ignored" in server.stderr(), "the line")
        server.stop()
        order = ["ts", "level", "event", "service", "listener", "conn", "peer", "reason", "msg"]
        lines = [json.loads(line) for line in server.stderr().splitlines()]
        self.assertGreater(len(lines), 2)
        for line in lines:
            self.assertEqual(list(line), [field for field in order if field in line])
            self.assertRegex(line["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertNotIn("", line.values())
        events = [line["event"] for line in lines]
        self.assertIn("ready", events)
        self.assertEqual(events[-1], "stopped")

    def test_the_log_may_go_to_a_file_or_to_stdout(self):
        path = self.folder() / "log"
        server = self.start("--set", f"server.log_target={path}", config=ECHO)
        server.stop()
        self.assertIn("draining", path.read_text())
        self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o007, 0)  # peers are nobody's business
        server = self.start("--quiet", "--set", "server.log_target=stdout", config=ECHO)
        server.stop()
        self.assertIn("draining", server.stdout())
        self.assertEqual(server.stderr(), "")


class Idle(ProgramTest):
    def test_an_idle_server_makes_at_most_one_system_call_a_second(self):
        seconds = 5
        with Namespace() as lab:  # the demo, with every service and nobody who disturbs it
            server = self.start(namespace=lab)
            trace = pathlib.Path(server.folder, "strace")
            # A connection that stays open and idle costs nothing either.
            held = subprocess.Popen(
                lab.wrap([str(BINARY), "connect", "--hold", "localhost:10009"]),
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                env=clean_environment(server.folder))
            held.stdin.write(b"x\n")
            held.stdin.flush()
            time.sleep(2)  # what came with the start and the connection is over
            tracer = subprocess.Popen([tool("strace"), "-f", "-o", str(trace), "-p",
                                       str(server.pid)], stderr=subprocess.PIPE)
            said = tracer.stderr.readline().decode()
            if "attached" not in said:
                tracer.wait(TIMEOUT)
                held.kill()
                held.communicate(timeout=TIMEOUT)
                self.skipTest(f"strace cannot attach: {said.strip()}")
            time.sleep(seconds)
            idle = trace.read_text().splitlines()
            held.kill()  # and a connection that ends is seen, or this test sees nothing at all
            held.communicate(timeout=TIMEOUT)
            wait_until(lambda: "close(" in trace.read_text(), "strace sees the server work")
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=TIMEOUT)
            server.stop()
        # Two more: attaching interrupts the wait of each of the two threads.
        self.assertLessEqual(len(idle), seconds + 2, "\n".join(idle))


if __name__ == "__main__":
    unittest.main()
