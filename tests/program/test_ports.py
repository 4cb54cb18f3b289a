"""polyport ports, held against ss(8), in network namespaces where the tests made every socket."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

from ports_lab import HOLDER, Holder, PortsTest, as_ss, pids, ready_line, ss
from support import BINARY, TIMEOUT, Result, clean_environment, cli, sanitizer_report

NOBODY = 65534


class AgainstSs(PortsTest):
    def open_all_kinds(self, lab):
        holder = Holder(self, lab)
        holder.do("listen", name="v4", host="127.0.0.1")
        holder.do("listen", name="any", host="0.0.0.0", backlog=77)
        holder.do("listen", name="v6", host="::1", v6only=1)
        holder.do("listen", name="dual", host="::", v6only=0)
        holder.do("listen", name="only", host="::", v6only=1)
        holder.do("listen", name="device", host="127.0.0.9", device="lo")
        holder.do("listen", name="udp", host="127.0.0.1", udp=True)
        holder.do("listen", name="udp6", host="::", v6only=0, udp=True)
        for number in range(3):  # accepted never: the queue fills
            holder.do("connect", name=f"waits{number}", host="127.0.0.1",
                      port=holder.do("listen", name=f"more{number}", host="127.0.0.1")["port"])
        return holder

    def test_the_same_servers_with_the_same_queues_and_processes(self):
        lab = self.lab()
        self.open_all_kinds(lab)
        if os.geteuid() == 0:
            Holder(self, lab, NOBODY).do("listen", name="theirs", host="127.0.0.1")

        def theirs(lab):
            rows = {(name, row[3], int(row[1]), int(row[2]), pids(row))
                    for name, option in (("tcp", "-tlp"), ("udp", "-ulp"))
                    for row in ss(lab, option)}
            return rows

        def ours(lab):
            rows = set()
            for each in self.sockets(lab):
                queues = (("accept_queue", "backlog") if each["state"] == "listening"
                          else ("receive_queue_bytes", "send_queue_bytes"))
                rows.add((each["transport"], as_ss(each), each[queues[0]], each[queues[1]],
                          frozenset(process["pid"] for process in each["processes"])))
            return rows

        rows = self.agreed(lab, theirs, ours)
        self.assertEqual(len(rows), 12 if os.geteuid() == 0 else 11)
        self.assertEqual(sum(row[2] == 1 for row in rows), 3)

    def test_the_same_rows_as_text(self):
        lab = self.lab()
        self.open_all_kinds(lab)

        def theirs(lab):
            return sorted([name, row[3]] for name, option in (("tcp", "-tl"), ("udp", "-ul"))
                          for row in ss(lab, option))

        def ours(lab):
            return sorted(line.split()[:2] for line in self.ports(lab).splitlines()
                          if re.match(r"  (tcp|udp) ", line))

        self.assertEqual(len(self.agreed(lab, theirs, ours)), 11)

    def test_the_same_connections_in_the_same_states(self):
        lab = self.lab()
        holder = Holder(self, lab)
        for host, settings in (("127.0.0.1", {}), ("::1", {"v6only": 1}), ("::", {"v6only": 0})):
            port = holder.do("listen", name=host, host=host, **settings)["port"]
            to = "127.0.0.1" if host == "::" else host
            for number in range(2):
                holder.do("connect", name=f"near{number}{host}", host=to, port=port)
                holder.do("accept", name=f"far{number}{host}", **{"from": host})
            holder.do("close", names=[f"far1{host}", f"near1{host}"])  # lingers at the server's end
            holder.do("connect", name=f"waits{host}", host=to, port=port)
        udp = holder.do("listen", name="udp", host="127.0.0.1", udp=True)["port"]

        def theirs(lab):
            return sorted((row[0], row[3], row[4]) for row in ss(lab, "-ta") if row[0] != "LISTEN")

        words = {"established": "ESTAB", "time_wait": "TIME-WAIT", "fin_wait_2": "FIN-WAIT-2",
                 "fin_wait_1": "FIN-WAIT-1", "close_wait": "CLOSE-WAIT", "last_ack": "LAST-ACK"}

        def ours(lab):
            return sorted((words[each["state"]], each["endpoint"], each["remote"])
                          for each in self.sockets(lab, "--all") if each["remote"])

        rows = self.agreed(lab, theirs, ours)
        states = [row[0] for row in rows]
        self.assertEqual(states.count("ESTAB"), 12)
        self.assertEqual(states.count("TIME-WAIT"), 3)
        text = self.ports(lab, "--all")
        for row in rows:
            self.assertRegex(text, rf"(?m)^  tcp +{re.escape(row[1])} +{re.escape(row[2])} +{row[0]}\b")
        self.assertIn("not accepted yet", text)
        self.assertIn(f"127.0.0.1:{udp}", text)


class Rows(PortsTest):
    def test_what_is_told_of_a_listener(self):
        lab = self.lab()
        holder = Holder(self, lab)
        socket = holder.do("listen", name="a", host="127.0.0.1", port=8080, backlog=9)
        row = self.one(lab, 8080)
        self.assertEqual(
            {key: row[key] for key in (
                "transport", "family", "state", "endpoint", "address", "remote", "interface", "range",
                "ephemeral", "iana_name", "backlog", "accept_queue", "receive_queue_bytes", "inode",
                "uid", "ours", "service", "hidden_because")},
            {"transport": "tcp", "family": "ipv4", "state": "listening", "endpoint": "127.0.0.1:8080",
             "address": "127.0.0.1", "remote": None, "interface": None, "range": "user",
             "ephemeral": False, "iana_name": "http-alt", "backlog": 9, "accept_queue": 0,
             "receive_queue_bytes": None, "inode": socket["inode"],
             "uid": 0 if lab._user else os.geteuid(), "ours": False, "service": None,
             "hidden_because": None})
        (process,) = row["processes"]
        self.assertEqual(process["pid"], holder.pid)
        self.assertTrue(process["command"].startswith(sys.executable), process)
        self.assertRegex(process["process_started"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_it_says_which_ports_these_are(self):
        lab = self.lab()
        Holder(self, lab).do("listen", name="a", host="127.0.0.1", port=40001)
        told = json.loads(self.ports(lab, "--json"))
        self.assertEqual((told["schema"], told["network_namespace"]), (1, "other"))
        self.assertEqual(told["ephemeral_range"], [32768, 60999])
        self.assertTrue(told["sockets"][0]["ephemeral"])
        text = self.ports(lab)
        self.assertRegex(text, r"127\.0\.0\.1:40001 +user\* ")
        self.assertIn("lends 32768-60999 to outgoing connections", text)
        self.assertIn("these are the ports of this network namespace", text)
        self.assertIn(json.loads(cli("ports", "--json").out)["network_namespace"],
                      ("first", "other"))

    def test_a_socket_that_is_bound_only(self):
        lab = self.lab()
        holder = Holder(self, lab)
        port = holder.do("listen", name="a", host="127.0.0.1", bound_only=True)["port"]
        told = json.loads(self.ports(lab, "--json"))
        text = self.ports(lab)
        if told["shows_bound_tcp"]:
            (row,) = told["sockets"]
            self.assertEqual((row["port"], row["state"]), (port, "bound"))
            self.assertEqual(row["processes"][0]["pid"], holder.pid)
            self.assertRegex(text, rf"127\.0\.0\.1:{port} .*bound only")
        else:
            self.assertEqual(told["sockets"], [])
            self.assertIn("does not tell of TCP sockets that are bound", text)

    def test_one_port(self):
        lab = self.lab()
        holder = Holder(self, lab)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        other = holder.do("listen", name="b", host="127.0.0.1")["port"]
        near = holder.do("connect", name="c", host="127.0.0.1", port=port)["port"]
        self.assertEqual([row["port"] for row in self.sockets(lab, "--port", port)], [port])
        ends = {(row["port"], row["remote_port"])
                for row in self.sockets(lab, "--all", "--port", port)}
        self.assertEqual(ends, {(port, None), (port, near), (near, port)})
        self.assertEqual({row["port"] for row in self.sockets(lab)}, {port, other})
        self.assertIn(f"127.0.0.1:{port}", self.ports(lab, "--port", port))
        self.assertIn("nothing listens on port 1 (--all", self.ports(lab, "--port", 1))
        self.assertIn("nothing uses port 1\n", self.ports(lab, "--all", "--port", 1))

    def test_unix_sockets_when_asked_for(self):
        lab = self.lab()
        holder = Holder(self, lab)
        holder.do("unix", path="@polyport test \x1b[2J")
        self.assertEqual(self.sockets(lab), [])
        (row,) = self.sockets(lab, "--unix")
        self.assertEqual((row["transport"], row["state"], row["backlog"], row["port"], row["range"]),
                         ("unix", "listening", 3, None, None))
        self.assertEqual(row["endpoint"], "@polyport test \\x1b[2J")
        self.assertEqual(row["processes"][0]["pid"], holder.pid)
        self.assertNotIn("\x1b", self.ports(lab, "--unix"))

    def test_a_name_from_another_process_cannot_reach_the_terminal(self):
        lab = self.lab()
        holder = Holder(self, lab)
        holder.do("listen", name="a", host="127.0.0.1")
        holder.do("name", to="\x1b[2Jx\ny")
        self.assertIn("\\x1b[2Jx\\ny", self.ports(lab))
        self.assertNotIn("\x1b", self.ports(lab) + self.ports(lab, "--json"))

    def test_nothing_is_an_answer(self):
        self.assertTrue(self.ports(self.lab()).startswith("nothing listens\n"))


def as_nobody(test, lab, *args):
    """Runs polyport as an ordinary user inside the namespace."""
    folder = test.folder()  # the build may lie where only we may look
    folder.chmod(0o755)
    program = shutil.copy(BINARY, folder)
    home = folder / "home"
    home.mkdir(mode=0o777)
    drop = ("import os, sys; os.setgroups([]); os.setgid({0}); os.setuid({0}); "
            "os.execv(sys.argv[1], sys.argv[1:])").format(NOBODY)
    done = subprocess.run(lab.wrap([sys.executable, "-c", drop, program, *map(str, args)]),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=clean_environment(home), cwd="/", timeout=TIMEOUT, text=True)
    report = sanitizer_report(done.stderr + done.stdout)
    if report:
        raise AssertionError(f"a sanitizer reports:\n{report}")
    return Result(done.returncode, done.stdout, done.stderr)


@unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
class OtherUsers(PortsTest):
    def test_root_sees_whose_it_is(self):
        lab = self.lab()
        holder = Holder(self, lab, NOBODY)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        row = self.one(lab, port)
        self.assertEqual((row["uid"], row["user"]), (NOBODY, "nobody"))
        self.assertEqual(row["processes"][0]["pid"], holder.pid)
        self.assertEqual(row["processes"][0]["user"], "nobody")

    def test_an_ordinary_user_sees_the_owner_and_not_the_process(self):
        lab = self.lab()
        port = Holder(self, lab).do("listen", name="a", host="127.0.0.1")["port"]
        result = as_nobody(self, lab, "ports", "--json")
        self.assertEqual(result.code, 0, result)
        (row,) = json.loads(result.out)["sockets"]
        self.assertEqual((row["port"], row["uid"], row["user"], row["processes"]),
                         (port, 0, "root", []))
        self.assertIn(row["hidden_because"], ("other_user", "pid_namespace"))
        text = as_nobody(self, lab, "ports").out
        if row["hidden_because"] == "other_user":
            self.assertRegex(text, rf"127\.0\.0\.1:{port} .* not visible +root ")
            self.assertIn("only the socket's user or root can see which process has it",
                          " ".join(text.split()))

    def test_an_ordinary_user_sees_its_own(self):
        lab = self.lab()
        # A process that has changed its user hides from that user; one that was started by it not.
        folder = self.folder()
        folder.chmod(0o755)
        script = folder / "holder.py"
        script.write_text(HOLDER)
        python = "/usr/bin/python3"
        if not os.access(python, os.X_OK):
            raise unittest.SkipTest("no /usr/bin/python3 that every user may run")
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        process = subprocess.Popen(lab.wrap([*drop, python, "-B", str(script)]), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
        holder = Holder(self, process=process)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        (row,) = json.loads(as_nobody(self, lab, "ports", "--json").out)["sockets"]
        self.assertEqual((row["port"], row["hidden_because"]), (port, None))
        self.assertEqual(row["processes"][0]["pid"], process.pid)


class Published(PortsTest):
    def test_sockets_of_a_polyport_have_their_service(self):
        lab = self.lab()
        holder = Holder(self, lab)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        other = holder.do("listen", name="b", host="127.0.0.1")["port"]
        near = holder.do("connect", name="c", host="127.0.0.1", port=port)["port"]
        holder.do("accept", name="d", **{"from": "a"})
        holder.do("publish", text=ready_line(f"127.0.0.1:{port}"))
        rows = {(row["port"], row["remote_port"]): (row["ours"], row["service"])
                for row in self.sockets(lab, "--all")}
        self.assertEqual(rows, {(port, None): (True, "web"), (other, None): (True, None),
                                (port, near): (True, "web"), (near, port): (True, None)})
        self.assertRegex(self.ports(lab), rf"127\.0\.0\.1:{port} .* {holder.pid} \S+ \[web\]")

    def test_what_can_still_be_changed_is_not_believed(self):
        lab = self.lab()
        holder = Holder(self, lab)
        port = holder.do("listen", name="a", host="127.0.0.1")["port"]
        holder.do("publish", text=ready_line(f"127.0.0.1:{port}"), sealed=False)
        self.assertFalse(self.one(lab, port)["ours"])

    def test_a_hostile_text_does_no_harm(self):
        for text in ("not JSON", "[" * 100_000, ready_line("127.0.0.1:99999"),
                     "x" * (2 << 20)):
            lab = self.lab()
            holder = Holder(self, lab)
            port = holder.do("listen", name="a", host="127.0.0.1")["port"]
            holder.do("publish", text=text)
            self.assertFalse(self.one(lab, port)["ours"])
        holder.do("publish", text=ready_line(f"127.0.0.1:{port}", name="\x1b[2J"))
        self.assertIn("[\\x1b[2J]", self.ports(lab))


if __name__ == "__main__":
    unittest.main()
