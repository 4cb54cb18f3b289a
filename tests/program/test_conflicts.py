# ctest: timeout=180
"""`polyport run` and ports it cannot have: each cause made for real in a network namespace, told in
words and as JSON. Who is in the way is known from the test's own processes, never from polyport."""

import json
import os
import shlex
import shutil
import unittest

from conflict_lab import NOBODY, QUIET, WEB, ControlGroup, LabTest, as_user, needs_root, words
from support import BINARY, Namespace, cli, tool, wait_until


class Taken(LabTest):
    def test_by_another_process(self):
        holder = self.holder("listen('127.0.0.1', 18080)")
        found, text = self.refused(WEB)
        (found,) = found
        self.assertEqual([found[key] for key in ("endpoint", "verdict", "error", "step", "rule",
                                                 "service")],
                         ["tcp://127.0.0.1:18080", "taken", "EADDRINUSE", "bind", "same_endpoint",
                          "web"])
        self.assertTrue(found["where"].endswith("my.toml:3:10"), found["where"])
        self.assertEqual([(each["kind"], each["pid"], each["ours"]) for each in found["holders"]],
                         [("listener", holder.pid, False)])
        self.assertTrue(text.startswith("polyport: nothing started: 1 of 1 port is taken\n\n"
                                        "  web  127.0.0.1:18080  ("), text)
        self.assertIn(f"(pid {holder.pid}), yours", words(text))
        self.assertIn(f"kill {holder.pid}", text)
        self.assertIn('on_conflict = "next"', text)

    def test_two_polyports_with_one_configuration(self):
        path = self.file('[services.web]\ntype = "http"\nlisten = "127.0.0.1:18080"\n'
                         '[services.echo]\nlisten = ["localhost:10007", "udp://localhost:10007"]\n'
                         + QUIET)
        first = self.start(config=path, namespace=self.lab, quiet_ports=False)
        second = cli("run", path, namespace=self.lab)
        self.assertEqual((second.code, second.out), (3, ""))
        text = words(second.err)
        self.assertTrue(text.startswith("polyport: nothing started: 3 of 3 ports are taken"), text)
        self.assertIn(f"held by polyport (pid {first.pid}), yours, since ", text)
        self.assertIn('its service "web"', text)
        self.assertIn("4 more sockets are held by the same process", text)
        self.assertIn(f"kill {first.pid}", text)
        self.assertNotIn("bind_failed", second.err)  # said once
        found = json.loads(cli("run", path, "--json", namespace=self.lab).out)["explanations"]
        self.assertEqual([(each["endpoint"], each["holders"][0]["pid"],
                           each["holders"][0]["service"]) for each in found],
                         [("tcp://127.0.0.1:18080", first.pid, "web"),
                          ("tcp://127.0.0.1:10007", first.pid, "echo"),
                          ("tcp://[::1]:10007", first.pid, "echo"),
                          ("udp://127.0.0.1:10007", first.pid, "echo"),
                          ("udp://[::1]:10007", first.pid, "echo")])

    def test_what_it_says_to_type_works(self):
        path = self.file(WEB + QUIET)
        first = self.start(config=path, namespace=self.lab, quiet_ports=False)

        def suggestions(*args):
            result = cli("run", path, "--json", *args, namespace=self.lab)
            self.assertEqual(result.code, 3, result)
            return {each["kind"]: each["command"] or each["config"]
                    for each in json.loads(result.out)["explanations"][0]["suggestions"]}

        typed = shlex.split(suggestions()["offset"])
        self.assertEqual(typed, ["polyport", "run", str(path), "--offset", "100"])
        second = self.start(*typed[2:], namespace=self.lab, quiet_ports=False)
        self.assertEqual(second.address("web"), ("127.0.0.1", 18180))
        # The offset that is in force already is part of the next one.
        self.assertEqual(shlex.split(suggestions("--offset", "100")["offset"])[-1], "200")
        config = WEB + suggestions()["on_conflict"] + "\n" + QUIET
        third = self.start(config=config, namespace=self.lab, quiet_ports=False)
        self.assertEqual(third.address("web"), ("127.0.0.1", 18081))
        self.assertEqual(suggestions()["stop_holder"], f"kill {first.pid}")
        self.run_in(shlex.split(suggestions()["stop_holder"]))
        self.assertEqual(first.wait(), 0)
        self.start(config=path, namespace=self.lab, quiet_ports=False)

    def test_two_services_of_one_file_name_each_other(self):
        found, text = self.refused(WEB + '[services.all]\ntype = "discard"\nlisten = "*:18080"\n')
        (found,) = found
        self.assertEqual((found["service"], found["rule"]), ("all", "dual_stack_over_ipv4"))
        (holder,) = found["holders"]
        self.assertEqual((holder["ours"], holder["service"]), (True, "web"))
        self.assertTrue(holder["where"].endswith("my.toml:3:10"))
        self.assertIn('held by service "web" of the same configuration', words(text))
        self.assertNotIn("kill", text)

    def test_by_what_must_not_be_stopped(self):
        """A container's proxy, the ssh server: told for what they are, by their names in the kernel."""
        for name, says in (("docker-proxy", "docker ps --filter publish=18080"),
                           ("rootlesskit", "docker ps --filter publish=18080"),
                           ("sshd", None)):
            with self.subTest(name):
                holder = self.holder(f"open('/proc/self/comm', 'w').write('{name}')\n"
                                     "listen('127.0.0.1', 18080)")
                (found,), text = self.refused(WEB)
                self.assertEqual([(each["pid"], each["process"]) for each in found["holders"]],
                                 [(holder.pid, name)])
                self.assertIn(f"held by {name} (pid {holder.pid})", words(text))
                stops = [each["command"] for each in found["suggestions"]
                         if each["kind"].startswith("stop_")]
                self.assertEqual(stops, [says] if says else [])
                self.assertNotIn("kill", text)
                if says:
                    self.assertIn(says, text)
                holder.close()

    def test_by_a_unit_and_by_a_container(self):
        """As the control group of the holder tells, which is where systemd and Docker put theirs."""
        needs_root()
        container = "0123456789ab" + "f" * 52
        for group, key, name, shown, stop in (
                ("polyport-test.service", "unit", "polyport-test.service",
                 "unit polyport-test.service", "systemctl stop polyport-test.service"),
                (f"docker-{container}.scope", "container", "docker 0123456789ab",
                 "in container docker 0123456789ab", "docker stop 0123456789ab")):
            with self.subTest(group), ControlGroup(group) as made:
                holder = self.holder("listen('127.0.0.1', 18080)")
                made.take(holder.pid)
                (found,), text = self.refused(WEB)
                (told,) = found["holders"]
                self.assertEqual((told["pid"], told[key]), (holder.pid, name))
                self.assertIn(shown, words(text))
                self.assertIn(stop, text)
                self.assertNotIn("kill", text)
                holder.close()

    def test_by_a_connection_that_is_over_open_or_going_out(self):
        """Nobody listens in these three: there is nothing to kill, and it does not say so."""
        for script, rule, kind, says in (
                ("l = socket.socket(); l.bind(('127.0.0.1', 18080)); l.listen()\n"
                 "c = socket.create_connection(('127.0.0.1', 18080)); a, _ = l.accept(); l.close()\n"
                 "a.close(); c.recv(1); c.close()", "time_wait", "time_wait", "is in TIME_WAIT"),
                ("l = socket.socket(); l.bind(('127.0.0.1', 18081)); l.listen()\n"
                 "c = socket.create_connection(('127.0.0.1', 18081)); a, _ = l.accept(); l.close()",
                 "live_child", "connection", "nobody listens on it, but a connection with"),
                ("listen('127.0.0.1', 18083)\nc = socket.socket(); c.bind(('127.0.0.1', 40082))\n"
                 "c.connect(('127.0.0.1', 18083))", "ephemeral_local_port", "connection",
                 "lent to an outgoing connection to 127.0.0.1:18083")):
            with self.subTest(rule):
                port = {"time_wait": 18080, "live_child": 18081}.get(rule, 40082)
                holder = self.holder(script)
                (found,), text = self.refused(WEB.replace("18080", str(port)))
                self.assertEqual((found["verdict"], found["error"], found["rule"]),
                                 ("taken", "EADDRINUSE", rule))
                self.assertEqual([(each["kind"], each["pid"]) for each in found["holders"]],
                                 [(kind, None if kind == "time_wait" else holder.pid)])
                self.assertIn(says, words(text))
                self.assertNotIn("kill", text)

    def test_by_another_users_process(self):
        needs_root()
        program = shutil.copy(BINARY, self.file("").parent)
        self.holder("listen('127.0.0.1', 18080)")
        command = as_user(NOBODY, [program, "run", "echo:127.0.0.1:18080"])
        spoken = self.run_in(command)
        self.assertEqual(spoken.code, 3, spoken)
        self.assertIn("held by user root; only that user or root can see which process",
                      words(spoken.err))
        self.assertNotIn("kill", spoken.err)
        (found,) = json.loads(self.run_in([*command, "--json"]).out)["explanations"]
        self.assertEqual([(each["kind"], each["pid"], each["user"], each["hidden_because"])
                          for each in found["holders"]],
                         [("listener", None, "root", "other_user")])

    def test_which_ports_were_looked_at_is_told(self):
        self.holder("listen('127.0.0.1', 18080)")
        _, text = self.refused(WEB)
        self.assertRegex(text, r"\n\nThese are the ports of this (container|network namespace); "
                               r"those of the host are not visible from here\.\n$")

    def test_every_cause_at_once_with_the_places(self):
        holder = self.holder("listen('127.0.0.1', 18080)\n"
                             "listen('127.0.0.1', 18081, kind=socket.SOCK_DGRAM)")
        found, text = self.refused(
            WEB + '[services.free]\ntype = "echo"\nlisten = "127.0.0.1:18085"\n'
            '[services.far]\ntype = "echo"\nlisten = ["192.0.2.1:1024", "udp://127.0.0.1:18081"]\n')
        self.assertEqual([(each["service"], each["verdict"], each["error"]) for each in found],
                         [("web", "taken", "EADDRINUSE"), ("far", "unavailable", "EADDRNOTAVAIL"),
                          ("far", "taken", "EADDRINUSE")])
        self.assertEqual((found[2]["holders"][0]["kind"], found[2]["holders"][0]["pid"]),
                         ("udp", holder.pid))
        self.assertTrue(text.startswith("polyport: nothing started: 3 of 4 ports cannot be had\n"))
        self.assertNotIn("18085", text.split("rule")[0])

    def test_many_ports_are_explained_by_few_system_calls(self):
        ports = 300
        path = self.file('[services.web]\ntype = "echo"\n'
                         f'listen = "127.0.0.1:20000-{20000 + ports - 1}"\n' + QUIET)
        self.start(config=path, namespace=self.lab, quiet_ports=False)
        trace = path.parent / "trace"
        result = self.run_in([tool("strace"), "-f", "-qq", "-o", str(trace), "-e",
                              "trace=bind", "-E", "ASAN_OPTIONS=detect_leaks=0", str(BINARY), "run",
                              str(path)])
        self.assertEqual(result.code, 3, result)
        self.assertIn(f"nothing started: {ports} of {ports} ports are taken", result.err)
        self.assertIn(f"{ports - 1} more sockets are held by the same process", words(result.err))
        lines = trace.read_text().splitlines()
        # Each wanted port is tried once at its place and once where --offset would move it.
        self.assertLess(sum("bind(" in line for line in lines), 4 * ports)

    def test_many_questions_gather_the_facts_once(self):
        ports = [str(port) for port in range(18100, 18140)]
        self.holder("for port in range(18100, 18140): listen('127.0.0.1', port)")
        trace = self.folder() / "trace"

        def asked(*ports):
            """How often the kernel's table was asked for, and the processes were listed."""
            result = self.run_in([tool("strace"), "-f", "-qq", "-o", str(trace), "-e",
                                  "trace=socket,openat", "-E", "ASAN_OPTIONS=detect_leaks=0",
                                  str(BINARY), "explain", *ports])
            self.assertEqual(result.code, 1, result)
            lines = trace.read_text().splitlines()
            return (sum("AF_NETLINK" in line for line in lines),
                    sum('"/proc", ' in line for line in lines))
        one = asked(ports[0])
        self.assertGreater(min(one), 0)
        self.assertEqual(asked(*ports), one)

    def test_the_log_has_it_where_nobody_reads_the_terminal(self):
        self.holder("listen('127.0.0.1', 18080)")
        log = self.folder() / "log"
        path = self.file(WEB + QUIET)
        result = cli("run", path, "--set", f"server.log_target={log}", "--set",
                     "server.log_format=json", namespace=self.lab)
        self.assertEqual(result.code, 3)
        (line,) = [json.loads(line) for line in log.read_text().splitlines()]
        self.assertEqual((line["level"], line["event"], line["service"]),
                         ("error", "bind_failed", "web"))
        self.assertIn("127.0.0.1:18080 is taken", line["msg"])

    def test_the_step_that_failed_may_be_listen(self):
        """Two sockets may be bound at once (SO_REUSEADDR); whoever listens second fails."""
        result = self.run_in([tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e",
                              "inject=listen:error=EADDRINUSE", "-E",
                              "ASAN_OPTIONS=detect_leaks=0", str(BINARY), "run", "--json",
                              "echo:127.0.0.1:18080"])
        self.assertEqual(result.code, 3, result)
        (found,) = json.loads(result.out)["explanations"]
        self.assertEqual((found["verdict"], found["error"], found["step"]),
                         ("taken", "EADDRINUSE", "listen"))

    def test_json_of_a_start_that_works(self):
        server = self.serve(WEB, "--json")
        line = json.loads(server.stdout())
        self.assertEqual((line["event"], line["pid"]), ("ready", server.pid))
        self.assertEqual(line["services"], server.ready["services"])
        web = line["services"][0]["listeners"][0]
        self.assertEqual((web["bound"], web["state"], web["origin"], web["accept"],
                          web["explanation"], web["retries_total"]),
                         ("127.0.0.1:18080", "listening", "configured", "always", None, 0))
        self.assertTrue(web["where"].endswith(":3:10"), web["where"])


class NotToBeHad(LabTest):
    def test_a_privileged_port_for_an_ordinary_user(self):
        needs_root()
        program = shutil.copy(BINARY, self.file("").parent)  # where that user may read it
        # Containers often have it lower.
        self.run_in(["sh", "-c", "echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start"])
        command = as_user(NOBODY, [program, "run", "echo:127.0.0.1:80"])
        result = self.run_in(command)
        self.assertEqual((result.code, result.out), (4, ""), result)
        self.assertTrue(result.err.startswith(
            "polyport: nothing started: 1 of 1 port is not permitted\n"), result.err)
        self.assertIn("ports below 1024 need a privilege that user nobody lacks",
                      words(result.err))
        self.assertIn("setcap cap_net_bind_service=+ep", result.err)
        (found,) = json.loads(self.run_in([*command, "--json"]).out)["explanations"]
        self.assertEqual((found["verdict"], found["error"], found["rule"]),
                         ("forbidden", "EACCES", "privileged_port"))
        # Together with a port that is taken it is not a matter of permission alone.
        self.holder("listen('127.0.0.1', 18080)")
        self.assertEqual(self.run_in([*command, "echo:127.0.0.1:18080"]).code, 3)
        # skip takes it too.
        served = self.run_in(["timeout", "-s", "TERM", "3", *command, "echo@b:127.0.0.1:18082",
                              "--set", "services.echo.on_conflict=skip", "--json"])
        states = [(service["name"], service["state"])
                  for service in json.loads(served.out)["services"][:2]]
        self.assertEqual(states, [("echo", "skipped"), ("b", "live")])

    def test_an_address_of_another_machine(self):
        (found,), text = self.refused('[services.echo]\nlisten = "192.0.2.1:18080"\n')
        self.assertEqual((found["error"], found["rule"]), ("EADDRNOTAVAIL", "address_not_local"))
        self.assertIn("polyport: nothing started: 1 of 1 port cannot be had\n", text)
        self.assertIn("no interface of this machine has the address 192.0.2.1", words(text))

    def test_an_address_that_ipv6_still_tests(self):
        """Duplicate address detection, made as long as this test needs it."""
        self.ip("link", "add", "va", "type", "veth", "peer", "name", "vb")
        self.run_in(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/va/accept_dad; "
                                 "echo 1000 > /proc/sys/net/ipv6/conf/va/dad_transmits"])
        for end in ("vb", "va"):
            self.ip("link", "set", end, "up")
        self.ip("address", "add", "fd00::7/64", "dev", "va")
        wait_until(lambda: "tentative" in self.run_in(
            [tool("ip"), "address", "show", "to", "fd00::7"]).out, "the address is tested")
        (found,), text = self.refused('[services.echo]\nlisten = "[fd00::7]:18080"\n')
        self.assertEqual((found["verdict"], found["error"], found["rule"], found["holders"]),
                         ("unavailable", "EADDRNOTAVAIL", "address_not_local", []))
        self.assertIn("fd00::7 is this machine's, but IPv6 still tests whether another machine has "
                      "it too", words(text))
        self.assertIn('on_conflict = "retry"', text)
        self.assertNotIn("this machine has", text)
        server = self.serve('[services.echo]\nlisten = "[fd00::7]:18080"\n'
                            'on_conflict = "retry"\n')
        self.assertEqual(server.service("echo")["state"], "retrying")
        self.ip("address", "del", "fd00::7/64", "dev", "va")
        self.ip("address", "add", "fd00::7/64", "dev", "va", "nodad")
        self.assert_logged(server, "listener_opened .*reason=address_change")
        self.assertIn("hello", self.echo("[fd00::7]:18080"))

    def test_ipv6_is_off(self):
        with Namespace(ipv6=False) as lab:
            (found,), text = self.refused('[services.echo]\nlisten = "[::1]:18080"\n', lab=lab)
            self.assertEqual((found["verdict"], found["rule"]),
                             ("unavailable", "family_unavailable"))
            self.assertIn("IPv6 is off on this machine", words(text))
            server = self.serve('[services.echo]\nlisten = "localhost:18080"\n', lab=lab)
            self.assertEqual([each["bound"] for each in server.listeners("echo")],
                             ["127.0.0.1:18080"])
            self.assertIn("note  IPv6 is off on this machine: [::1] left out", server.stdout())
            server.stop()
            server = self.serve('[services.echo]\nlisten = "[::1]:18080"\non_conflict = "skip"\n',
                                lab=lab)
            self.assertEqual(server.service("echo")["state"], "skipped")
            server.stop()

    def test_descriptors_run_out(self):
        path = self.file('[services.echo]\nlisten = "127.0.0.1:20000-20099"\n'
                         'on_conflict = "skip"\n' + QUIET)
        few = ["sh", "-c", 'ulimit -n 40 && exec "$@"', "sh"]
        spoken = self.run_in([*few, str(BINARY), "run", str(path)])
        self.assertEqual(spoken.code, 3, spoken)
        self.assertIn("this process has no descriptors left", words(spoken.err))
        self.assertIn("ulimit -n", spoken.err)
        (found,) = json.loads(self.run_in([*few, str(BINARY), "run", str(path),
                                           "--json"]).out)["explanations"]
        self.assertEqual((found["error"], found["rule"]), ("EMFILE", "descriptor_limit"))


class Paths(LabTest):
    def asked(self, path, code=3):
        (found,), text = self.refused(f'[services.echo]\nlisten = "unix:{path}"\n', code=code)
        return (found["verdict"], found["error"], found["rule"]), found, text

    def test_what_is_in_the_way(self):
        path = self.folder() / "s.sock"
        holder = self.holder(f"listen({str(path)!r}, family=socket.AF_UNIX)")
        said, found, text = self.asked(path)
        self.assertEqual(said, ("taken", "EADDRINUSE", "path_in_use"))
        self.assertEqual([each["pid"] for each in found["holders"]], [holder.pid])
        self.assertIn(f"(pid {holder.pid})", text)
        holder.close()  # and leaves its file
        self.assertTrue(path.exists())
        server = self.serve(f'[services.echo]\nlisten = "unix:{path}"\n')
        self.assertEqual(self.asked(path)[0], ("taken", "EADDRINUSE", "path_in_use"))
        server.kill()  # leaves file and lock
        self.serve(f'[services.echo]\nlisten = "unix:{path}"\n').stop()
        self.assertFalse(path.exists())
        path.write_text("precious")
        self.assertEqual(self.asked(path)[0], ("taken", "ENOTSOCK", "path_not_socket"))
        self.assertEqual(path.read_text(), "precious")
        path.unlink()
        path.mkdir()
        said, _, text = self.asked(path)
        self.assertEqual(said, ("taken", "EISDIR", "path_not_socket"))
        self.assertIn("a directory is there", text)
        self.assertTrue(path.is_dir())

    def test_bound_and_not_listening(self):
        """Nobody answers there, and yet it is no leftover: its file stays."""
        path = self.folder() / "s.sock"
        holder = self.holder(f"s = socket.socket(socket.AF_UNIX); s.bind({str(path)!r})")
        said, found, text = self.asked(path)
        self.assertEqual(said, ("taken", "EADDRINUSE", "bound_not_listening"))
        self.assertEqual([(each["kind"], each["pid"]) for each in found["holders"]],
                         [("unix", holder.pid)])
        self.assertIn(f"bound, though not listening, by python3 (pid {holder.pid}), yours",
                      words(text))
        self.assertTrue(path.exists())
        asked = json.loads(cli("explain", path, "--json", namespace=self.lab).out)
        self.assertEqual(asked["explanations"][0]["rule"], "bound_not_listening")

    def test_a_directory_that_is_not_there(self):
        path = self.folder() / "no" / "s.sock"
        said, _, text = self.asked(path)
        self.assertEqual(said[:2], ("unavailable", "ENOENT"))
        self.assertIn("its directory does not exist", text)
        self.assertIn(f"mkdir -p {path.parent}", text)

    def test_a_path_of_108_bytes(self):
        folder = str(self.folder())
        longest = folder + "/" + "x" * (107 - len(folder) - 1)
        self.serve(f'[services.echo]\nlisten = "unix:{longest}"\n').stop()
        result = cli("run", "-", input=f'[services.echo]\nlisten = "unix:{longest}x"\n')
        self.assertEqual(result.code, 1, result)
        self.assertIn("108 bytes", result.err)

    def test_a_directory_that_may_not_be_written_to(self):
        needs_root()
        folder = self.folder()
        os.chmod(folder, 0o755)
        program = shutil.copy(BINARY, folder)
        result = self.run_in(as_user(NOBODY, [program, "run", f"echo:unix:{folder}/s.sock"]))
        self.assertEqual(result.code, 4, result)
        self.assertIn("its directory may not be written to by nobody", words(result.err))

if __name__ == "__main__":
    unittest.main()
