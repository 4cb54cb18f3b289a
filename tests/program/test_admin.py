"""Health and admin pages of a running server, asked with curl and read by promtool."""

import json
import re
import socket
import subprocess
import time
import unittest

from support import (ProgramTest, connect, read_exactly, read_to_end, run_tool, tool,
                     tool_environment, udp, wait_until)

CONFIG = """
[services.echo]
listen = ["127.0.0.1:0", "udp://127.0.0.1:0"]
[services.discard]
listen = "127.0.0.1:0"
"""


def curl(*args):
    """(status, headers, body) of one request."""
    done = subprocess.run([tool("curl"), "-s", "-i", "--max-time", "20", *args], timeout=30,
                          stdout=subprocess.PIPE, check=True)
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


def samples(page):
    """{'name{labels}': value} of a metrics page."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in page.splitlines() if not line.startswith("#")}


class Health(ProgramTest):
    def test_the_pages_answer_curl(self):
        server = self.start(config=CONFIG)
        self.assertEqual(curl(server.url("health", "/healthz"))[::2], (200, "ok\n"))
        self.assertEqual(curl(server.url("health", "/readyz"))[::2], (200, "ready\n"))
        status, head, body = curl(server.url("health", "/version"))
        self.assertEqual(status, 200)
        self.assertIn("content-type: application/json", head)
        self.assertRegex(json.loads(body)["version"], r"^\d+\.\d+\.\d+$")

    def test_other_pages_and_methods_are_errors_that_say_what_to_do(self):
        server = self.start(config=CONFIG)
        status, _, body = curl(server.url("health", "/nope"))
        self.assertEqual(status, 404)
        self.assertIn("/healthz, /metrics, /readyz, /version", body)
        status, head, _ = curl("-X", "DELETE", server.url("health", "/healthz"))
        self.assertEqual(status, 405)
        self.assertIn("allow: get, head", head)
        status, head, body = curl("--head", server.url("health", "/metrics"))
        self.assertEqual((status, body), (200, ""))
        self.assertIn("text/plain; version=0.0.4", head)

    def test_a_draining_server_is_not_ready(self):
        server = self.start(config=CONFIG)
        busy = connect(server.address("echo"))
        self.addCleanup(busy.close)
        asking = connect(server.address("health"))
        self.addCleanup(asking.close)
        # A request under way may finish; what it then learns is that the server stops.
        asking.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n")
        busy.sendall(b"x")
        read_exactly(busy, 1)
        server.signal(15)
        wait_until(lambda: "draining" in server.stderr(), "the drain begins")
        asking.sendall(b"\r\n")
        answer = read_to_end(asking)
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertTrue(answer.endswith(b"draining\n"), answer)
        busy.close()
        self.assertEqual(server.wait(), 0)


class Metrics(ProgramTest):
    def metrics(self, server):
        return server.get("health", "/metrics")[2].decode()

    def test_promtool_finds_nothing_to_say(self):
        server = self.start(config=CONFIG)
        page = self.metrics(server)
        result = run_tool("promtool", "check", "metrics", input=page)
        self.assertEqual((result.code, result.out, result.err), (0, "", ""), page)

    def test_each_counter_moves_by_exactly_what_the_client_did(self):
        server = self.start(config=CONFIG)
        before = samples(self.metrics(server))
        for size in (10, 1000):
            with connect(server.address("echo")) as sock:
                sock.sendall(b"x" * size)
                read_exactly(sock, size)
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual(sock.recv(1), b"")
        waiting = connect(server.address("discard"))
        self.addCleanup(waiting.close)
        waiting.sendall(b"abc")
        with udp(server.address("echo", "udp")) as sock:
            for text in (b"one", b"", b"three"):
                sock.send(text)
                self.assertEqual(sock.recv(100), text)
        wait_until(lambda: samples(self.metrics(server)).get(
            'polyport_connections_closed_total{service="echo",reason="peer_closed"}', 0) == 2
            and samples(self.metrics(server))[
                'polyport_bytes_total{service="discard",listener="discard.main.0",direction="in"}']
            == 3, "both ends are counted")

        after = samples(self.metrics(server))
        moved = {key: after[key] - before.get(key, 0) for key in after
                 if after[key] != before.get(key, 0) and 'service="health"' not in key
                 and key.startswith("polyport_") and not key.startswith("polyport_loop_")}
        self.assertEqual(moved, {
            'polyport_connections_accepted_total{service="echo",listener="echo.main.0"}': 2,
            'polyport_connections_closed_total{service="echo",reason="peer_closed"}': 2,
            'polyport_connections_accepted_total{service="discard",listener="discard.main.0"}': 1,
            'polyport_connections_open{service="discard",listener="discard.main.0"}': 1,
            'polyport_bytes_total{service="echo",listener="echo.main.0",direction="in"}': 1010,
            'polyport_bytes_total{service="echo",listener="echo.main.0",direction="out"}': 1010,
            'polyport_bytes_total{service="discard",listener="discard.main.0",direction="in"}': 3,
            'polyport_datagrams_total{service="echo",listener="echo.main.1",direction="in"}': 3,
            'polyport_datagrams_total{service="echo",listener="echo.main.1",direction="out"}': 3,
            'polyport_bytes_total{service="echo",listener="echo.main.1",direction="in"}': 8,
            'polyport_bytes_total{service="echo",listener="echo.main.1",direction="out"}': 8,
        })

    def test_requests_are_counted_and_the_loop_works(self):
        server = self.start(config='[services.web]\ntype = "http"\nlisten = "127.0.0.1:0"\n')
        for _ in range(3):
            server.get("web", "/plain")
        load = server.get_json("admin", "/api/v1/load")
        self.assertEqual([service["requests_total"] for service in load["services"]
                          if service["name"] == "web"], [3])
        self.assertEqual(load["pid"], server.pid)
        values = samples(self.metrics(server))
        self.assertEqual(values['polyport_http_requests_total{service="web"}'], 3)
        self.assertGreater(values["polyport_loop_busy_seconds_total"], 0)

    def test_it_uses_only_the_pinned_labels(self):
        page = self.metrics(self.start(config=CONFIG))
        labels = set(re.findall(r'(\w+)="', page))
        self.assertLessEqual(labels, {"service", "listener", "reason", "direction", "version"})

    def test_the_process_describes_itself(self):
        server = self.start(config=CONFIG, wrapper=["prlimit", "--nofile=256:4096"])
        values = samples(self.metrics(server))
        self.assertEqual(values["process_max_fds"], 4096)  # the soft limit was raised
        self.assertLess(abs(values["process_start_time_seconds"] - time.time()), 120)
        held = [connect(server.address("echo")) for _ in range(20)]
        for sock in held:
            sock.sendall(b"x")
            read_exactly(sock, 1)
        self.assertEqual(samples(self.metrics(server))["process_open_fds"],
                         values["process_open_fds"] + 20)
        for sock in held:
            sock.close()


class Admin(ProgramTest):
    def test_the_services_are_those_of_the_ready_line(self):
        server = self.start(config=CONFIG)
        listed = server.get_json("admin", "/api/v1/services")["services"]
        told = server.ready["services"]
        self.assertEqual([service["name"] for service in listed],
                         ["echo", "discard", "health", "admin"])
        for ours, theirs in zip(listed, told):
            self.assertEqual(ours.keys(), theirs.keys())
            for mine, other in zip(ours["listeners"], theirs["listeners"]):
                same = ("id", "door", "transport", "configured", "bound", "group", "range", "state",
                        "backlog", "explanation")
                self.assertEqual([mine[key] for key in same], [other[key] for key in same])

    def test_an_item_has_the_pinned_fields_and_counts(self):
        server = self.start(config=CONFIG)
        with connect(server.address("echo")) as sock:
            sock.sendall(b"hello")
            read_exactly(sock, 5)
            listed = server.get_json("admin", "/api/v1/services")["services"]
            echo = next(service for service in listed if service["name"] == "echo")
        self.assertEqual({key: echo[key] for key in ("name", "type", "state", "reason")},
                         {"name": "echo", "type": "echo", "state": "live", "reason": ""})
        tcp, datagrams = echo["listeners"]
        port = server.port("echo")
        self.assertEqual(tcp, {
            "id": "echo.main.0", "door": "main", "transport": "tcp",
            "configured": tcp["configured"], "bound": f"127.0.0.1:{port}", "group": tcp["group"],
            "range": "user" if port < 49152 else "dynamic", "state": "listening", "backlog": 4096,
            "accept_queue": 0, "accepted_total": 1, "active": 1, "refused_total": tcp["refused_total"],
            "wrong_protocol_total": {}, "bytes_in": 5,
            "bytes_out": 5, "where": tcp["where"], "origin": "configured", "accept": "always",
            "retries_total": 0, "explanation": None})
        self.assertTrue(tcp["where"].endswith("polyport.toml:3:11"), tcp["where"])
        self.assertEqual(sum(tcp["refused_total"].values()), 0)
        self.assertEqual((datagrams["id"], datagrams["transport"], datagrams["state"]),
                         ("echo.main.1", "udp", "bound"))

    def test_a_name_that_somebodys_dns_points_here_is_refused(self):
        server = self.start(config=CONFIG)
        url = server.url("admin", "/api/v1/services")
        port = server.port("admin")
        for host, status in ((f"evil.example:{port}", 403), ("evil.example", 403),
                             ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403),
                             ("[::1].evil.example", 400),
                             (f"localhost:{port}", 200), ("LOCALHOST", 200),
                             (f"127.0.0.1:{port}", 200), (f"[::1]:{port}", 200)):
            with self.subTest(host=host):
                self.assertEqual(curl("-H", f"Host: {host}", url)[0], status)

    def test_a_page_of_another_site_is_refused(self):
        server = self.start(config=CONFIG)
        url = server.url("admin", "/api/v1/services")
        own = url.removesuffix("/api/v1/services")
        for header, status in (("Sec-Fetch-Site: cross-site", 403), ("Sec-Fetch-Site: same-site", 403),
                               ("Sec-Fetch-Site: same-origin", 200), ("Sec-Fetch-Site: none", 200),
                               ("Origin: http://evil.example", 403), ("Origin: null", 403),
                               (f"Origin: {own}", 200)):
            with self.subTest(header=header):
                self.assertEqual(curl("-H", header, url)[0], status)


if __name__ == "__main__":
    unittest.main()
