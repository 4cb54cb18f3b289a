# ctest: timeout=300
"""What a service does instead when its port is taken (on_conflict = next, skip, retry, share), and the
doors for a lesson (state = closed, accept = never)."""

import json
import socket
import unittest

from conflict_lab import NOBODY, QUIET, WEB, LabTest, needs_root, words
from support import BINARY, TIMEOUT, cli, wait_until


class Next(LabTest):
    def test_the_whole_group_moves_past_what_others_want(self):
        holder = self.holder("listen('127.0.0.1', 18080)\n"
                             "listen('::1', 18082, family=socket.AF_INET6)")
        server = self.serve('[services.web]\ntype = "echo"\nlisten = "localhost:18080"\n'
                            'on_conflict = "next"\n'
                            '[services.other]\ntype = "echo"\nlisten = "0.0.0.0:18081"\n')
        web = server.listeners("web")
        self.assertEqual([(each["bound"], each["configured"], each["origin"], each["state"])
                          for each in web],
                         [("127.0.0.1:18083", "tcp://localhost:18080", "moved", "listening"),
                          ("[::1]:18083", "tcp://localhost:18080", "moved", "listening")])
        self.assertEqual(server.address("other"), ("0.0.0.0", 18081))
        explanation = web[0]["explanation"]
        self.assertEqual((explanation["endpoint"], explanation["holders"][0]["pid"]),
                         ("tcp://127.0.0.1:18080", holder.pid))
        told = rf"web moved from 18080 to 18083: held by .*\(pid {holder.pid}\)"
        self.assertRegex(server.stdout(), rf"note +{told}")
        self.assertRegex(server.stdout(), r"web +tcp 127\.0\.0\.1:18083 \[::1\]:18083 moved ")
        self.assert_logged(server, rf"warn +listener_moved +service=web +{told}")
        self.assertIn("hello", self.echo("127.0.0.1:18083"))

    def test_it_gives_up(self):
        self.holder("for port in range(18080, 18084): listen('127.0.0.1', port)")
        config = WEB + 'on_conflict = "next"\nnext_attempts = 3\n'
        (found,), text = self.refused(config)
        self.assertEqual(found["endpoint"], "tcp://127.0.0.1:18080")
        self.assertIn('service "web": none of the 3 ports that were tried above 18080 is free', text)
        server = self.serve(config.replace("3", "4"))
        self.assertEqual(server.address("web"), ("127.0.0.1", 18084))
        # No port is above the last one.
        self.holder("listen('127.0.0.1', 65535)")
        (found,), _ = self.refused(config.replace("18080", "65535"))
        self.assertEqual(found["endpoint"], "tcp://127.0.0.1:65535")


class Skip(LabTest):
    def test_the_service_is_left_out_and_says_why(self):
        holder = self.holder("listen('127.0.0.1', 18080)")
        server = self.serve('[services.web]\ntype = "echo"\non_conflict = "skip"\n'
                            'listen = ["127.0.0.1:18079", "127.0.0.1:18080"]\n'
                            '[services.other]\ntype = "echo"\nlisten = "127.0.0.1:18079"\n')
        web = server.service("web")
        self.assertEqual((web["state"], [each["state"] for each in web["listeners"]]),
                         ("skipped", ["skipped", "skipped"]))
        self.assertIn(f"(pid {holder.pid})", web["reason"])
        self.assertEqual(web["listeners"][1]["explanation"]["holders"][0]["pid"], holder.pid)
        # What it had got already is free for the one that comes after it.
        self.assertEqual(server.address("other"), ("127.0.0.1", 18079))
        self.assertRegex(server.stdout(), r"web +tcp 127\.0\.0\.1:18079-18080 skipped +user\n")
        self.assertRegex(server.stdout(), rf"note +web is skipped: .*\(pid {holder.pid}\)")
        self.assert_logged(server, r"warn +service_skipped +service=web +left out: ")
        self.assertIn("2 services, 1 port\n", server.stdout())  # with admin, on its path


    def test_for_want_of_a_path_too(self):
        folder = self.folder()
        (folder / "directory").mkdir()
        (folder / "file").write_text("precious")
        server = self.serve("".join(
            f'[services.{name}]\ntype = "echo"\non_conflict = "skip"\nlisten = "unix:{path}"\n'
            for name, path in (("a", folder / "directory"), ("b", folder / "file"),
                               ("c", folder / "no" / "socket"), ("d", folder / "socket"))))
        self.assertEqual([server.service(name)["state"] for name in "abcd"],
                         ["skipped", "skipped", "skipped", "live"])
        self.assertIn("a directory is there", server.service("a")["reason"])
        self.assertIn("its directory does not exist", server.service("c")["reason"])


class Retry(LabTest):
    CONFIG = ('[services.web]\ntype = "echo"\non_conflict = "retry"\n'
              'listen = ["127.0.0.1:18080", "127.0.0.1:18079"]\n'
              '[services.other]\ntype = "echo"\nlisten = "127.0.0.1:18070"\n')

    def test_until_the_holder_goes_away(self):
        holder = self.holder("listen('127.0.0.1', 18080)")
        server = self.serve(self.CONFIG)
        first, second = server.service("web")["listeners"]
        self.assertEqual((first["state"], second["state"]), ("retrying", "listening"))
        self.assertEqual(first["explanation"]["holders"][0]["pid"], holder.pid)
        self.assertEqual(server.service("web")["state"], "live")
        self.assertRegex(server.stdout(), r"tcp 127\.0\.0\.1:18080 retrying +user\n")
        self.assertRegex(server.stdout(), rf"note +web waits: .*\(pid {holder.pid}\)")
        self.assertIn("hello", self.echo("127.0.0.1:18070"))  # the others serve meanwhile
        self.assertIn("hello", self.echo("127.0.0.1:18079"))
        wait_until(lambda: self.services(server)["web"]["listeners"][0]["retries_total"] >= 2,
                   "it tries again")
        holder.close()
        wait_until(lambda: "listener_opened" in server.stderr(), "it goes live", 60)
        first = self.services(server)["web"]["listeners"][0]
        self.assertEqual((first["state"], first["explanation"], first["origin"]),
                         ("listening", None, "configured"))
        self.assert_logged(server, r"info +listener_opened +service=web listener=web\.main\.0 "
                                          r"+reason=retry +127\.0\.0\.1:18080 is open now")
        self.assertIn("hello", self.echo("127.0.0.1:18080"))
        # What it publishes has been renewed: the next polyport can name the service.
        (found,), _ = self.refused(WEB)
        self.assertEqual((found["holders"][0]["pid"], found["holders"][0]["service"]),
                         (server.pid, "web"))

    def test_until_the_address_is_there(self):
        server = self.serve('[services.web]\ntype = "echo"\nlisten = "192.0.2.7:18080"\n'
                            'on_conflict = "retry"\n')
        web = server.service("web")
        self.assertEqual((web["state"], web["listeners"][0]["state"]), ("retrying", "retrying"))
        self.assertEqual(web["listeners"][0]["explanation"]["rule"], "address_not_local")
        # By now it would wait for seconds: what wakes it is the address.
        wait_until(lambda: self.services(server)["web"]["listeners"][0]["retries_total"] >= 5,
                   "it tries again and again")
        self.ip("address", "add", "192.0.2.7/24", "dev", "lo")
        wait_until(lambda: "listener_opened" in server.stderr(), "it goes live")
        self.assertIn("reason=address_change", server.stderr())
        self.assertEqual(self.services(server)["web"]["state"], "live")
        self.assertIn("hello", self.echo("192.0.2.7:18080"))

    def test_what_is_in_the_way_may_change(self):
        server = self.serve('[services.web]\ntype = "echo"\nlisten = "192.0.2.7:18080"\n'
                            'on_conflict = "retry"\n')
        holder = self.holder("listen('0.0.0.0', 18080)")
        self.ip("address", "add", "192.0.2.7/24", "dev", "lo")
        self.assert_logged(server, r"listener_retrying +service=web .* 192\.0\.2\.7:18080 is taken: "
                                   rf"held by .*\(pid {holder.pid}\)")
        explanation = self.services(server)["web"]["listeners"][0]["explanation"]
        self.assertEqual((explanation["error"], explanation["verdict"], explanation["rule"],
                          explanation["holders"][0]["pid"], explanation["service"]),
                         ("EADDRINUSE", "taken", "specific_under_wildcard", holder.pid, "web"))
        self.assertIn("other_port", [each["kind"] for each in explanation["suggestions"]])
        holder.close()
        wait_until(lambda: "listener_opened" in server.stderr(), "it goes live", 60)

    def test_the_holder_may_be_another_by_now(self):
        first = self.holder("listen('127.0.0.1', 18080, share=True)")
        server = self.serve(WEB + 'on_conflict = "retry"\n')
        taken = self.services(server)["web"]["listeners"][0]["explanation"]
        self.assertEqual(taken["holders"][0]["pid"], first.pid)
        # The second is there before the first goes, so that polyport never gets in.
        second = self.holder("listen('127.0.0.1', 18080, share=True)")
        first.close()

        def holder():
            explanation = self.services(server)["web"]["listeners"][0]["explanation"]
            return explanation and explanation["holders"][0]["pid"]
        wait_until(lambda: holder() == second.pid, "the second is told", 60)

    def test_a_drain_does_not_wait_for_it(self):
        self.holder("listen('127.0.0.1', 18080)")
        server = self.serve(WEB + 'on_conflict = "retry"\n')
        server.stop()
        self.assertNotIn("listener_opened", server.stderr())


class Share(LabTest):
    CONFIG = WEB + 'on_conflict = "share"\n'

    def test_with_a_second_polyport(self):
        first = self.serve(self.CONFIG)
        self.assertEqual(first.listeners("web")[0]["origin"], "configured")
        self.refused(WEB)  # who does not want to share finds it taken as ever
        second = self.serve(self.CONFIG)
        web = second.listeners("web")[0]
        self.assertEqual((web["origin"], web["explanation"]["holders"][0]["pid"]),
                         ("shared", first.pid))
        told = rf"web shares 127\.0\.0\.1:18080 with polyport \(pid {first.pid}\), yours"
        self.assertRegex(second.stdout(), rf"note +{told}")
        self.assertRegex(second.stdout(), r"127\.0\.0\.1:18080 shared ")
        self.assert_logged(second, rf"listener_shared +service=web +{told}")

        def reached():
            self.echo("127.0.0.1:18080")
            return all(self.services(each)["web"]["listeners"][0]["accepted_total"] > 0
                       for each in (first, second))
        wait_until(reached, "both get clients", 120)

    def test_udp_too(self):
        config = self.CONFIG.replace('"127.0.0.1:18080"', '"udp://127.0.0.1:18080"')
        first = self.serve(config)
        second = self.serve(config)
        self.assertEqual(second.listeners("web", "udp")[0]["origin"], "shared")
        first.stop()
        second.stop()

    def test_not_with_who_does_not_allow_it(self):
        holder = self.holder("listen('127.0.0.1', 18080)")
        (found,), text = self.refused(self.CONFIG)
        self.assertEqual((found["rule"], found["options"]["reuseport"], found["holders"][0]["pid"]),
                         ("reuseport_missing", True, holder.pid))
        self.assertIn("it does not allow sharing", found["text"])
        self.assertIn("SO_REUSEPORT", text)

    def test_not_with_another_user(self):
        needs_root()
        self.holder("listen('127.0.0.1', 18080, share=True)", user=NOBODY)
        (found,), text = self.refused(self.CONFIG)
        self.assertEqual((found["rule"], found["holders"][0]["user"]),
                         ("reuseport_other_user", "nobody"))
        self.assertIn("of one user only", words(text))

    def test_not_with_a_process_that_cannot_be_seen(self):
        """One of the same user outside of our PID namespace: the kernel would let us join."""
        needs_root()
        self.holder("listen('127.0.0.1', 18080, share=True)")
        path = self.file(self.CONFIG + QUIET)
        result = self.run_in(["unshare", "--pid", "--fork", "--mount-proc", str(BINARY), "run",
                              str(path), "--json"])
        self.assertEqual(result.code, 3, result)
        (found,) = json.loads(result.out)["explanations"]
        self.assertEqual(found["holders"][0]["hidden_because"], "pid_namespace")
        self.assertIn("not shared with a process that cannot be seen", found["text"])
        # Seen, it is shared with.
        server = self.serve(self.CONFIG)
        self.assertEqual(server.listeners("web")[0]["origin"], "shared")

    def test_not_with_a_service_of_the_same_file(self):
        (found,), _ = self.refused(self.CONFIG + self.CONFIG.replace("web", "more"))
        self.assertTrue(found["holders"][0]["ours"])
        self.assertIn("two services of one configuration do not share a port", found["text"])


class Doors(LabTest):
    """Three states of a port: closed, open, and open with nobody behind it."""

    def test_closed(self):
        server = self.serve(WEB + 'state = "closed"\n')
        web = server.service("web")
        self.assertEqual((web["state"], web["listeners"][0]["state"], web["listeners"][0]["bound"]),
                         ("paused", "closed", "127.0.0.1:18080"))
        self.assertRegex(server.stdout(), r"web +tcp 127\.0\.0\.1:18080 closed ")
        self.assertRegex(server.stdout(), r'note +web is paused: state = "closed"')
        result = cli("connect", "127.0.0.1:18080", namespace=self.lab)
        self.assertEqual(result.code, 1)
        self.assertIn("refused", result.err)
        # It is reserved in the configuration: nobody is moved there.
        self.holder("listen('127.0.0.1', 18079)")
        moved = self.serve(WEB + 'state = "closed"\n[services.b]\ntype = "echo"\n'
                           'listen = "127.0.0.1:18079"\non_conflict = "next"\n')
        self.assertEqual(moved.address("b"), ("127.0.0.1", 18081))

    def test_closed_here_and_open_elsewhere_is_told(self):
        holder = self.holder("listen('127.0.0.1', 18080)")
        server = self.serve(WEB + 'state = "closed"\n')
        self.assertRegex(server.stdout(), r"note +web is closed on purpose, but 127\.0\.0\.1:18080 "
                                          rf"is taken.*\(pid {holder.pid}\)")

    def test_never_accepting(self):
        path = self.folder() / "sock"
        server = self.serve('[services.lazy]\ntype = "http"\naccept = "never"\nbacklog = 8\n'
                            f'listen = ["127.0.0.1:18080", "unix:{path}"]\n',
                            "--set", "server.shutdown_grace=60s")
        lazy = server.listeners("lazy")
        self.assertEqual([(each["state"], each["accept"]) for each in lazy],
                         [("listening", "never"), ("listening", "never")])
        self.assertRegex(server.stdout(), r"http 127\.0\.0\.1:18080 never-accepting ")
        client = self.holder("for _ in range(3): "
                             "kept.append(socket.create_connection(('127.0.0.1', 18080)))")
        waiting = socket.socket(socket.AF_UNIX)
        self.addCleanup(waiting.close)
        waiting.settimeout(TIMEOUT)
        waiting.connect(str(path))
        wait_until(lambda: self.services(server)["lazy"]["listeners"][0]["accept_queue"] == 3,
                   "three wait")
        self.assertEqual(self.services(server)["lazy"]["listeners"][0]["accepted_total"], 0)
        server.stop()  # at once: nobody was accepted, so there is nobody to wait for
        with self.assertRaises(ConnectionResetError):
            waiting.recv(1)
        client.close()

if __name__ == "__main__":
    unittest.main()
