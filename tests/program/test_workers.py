# ctest: timeout=1200
"""[server] workers: several processes on the same ports, seen from outside as one program."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import select
import subprocess
import sys
import time
import unittest

from test_activation import Manager
from support import ProgramTest, cli, connect, read_exactly, read_to_end, udp, wait_until

FULL = os.environ.get("POLYPORT_FULL") == "1"  # scripts/test --full
HERE = pathlib.Path(__file__).parent

WORKERS = 3
CONFIG = f"""
[server]
workers = {WORKERS}

[services.echo]
listen = ["127.0.0.1:0", "udp://127.0.0.1:0", "unix:echo.sock"]

[services.web]
type = "http"
listen = "127.0.0.1:0"

[services.chat]
listen = "127.0.0.1:0"
"""


def services_page(server):
    return server.get_json("admin", "/api/v1/services")


def workers_of(server):
    return services_page(server)["workers"]


def listener_of(server, listener):
    return next(row for service in services_page(server)["services"]
                for row in service["listeners"] if row["id"] == listener)


def metrics(server, name):
    """{labels: value} of a metric."""
    _, _, page = server.get("health", "/metrics")
    found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", page.decode(), re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def exchange(sock, message):
    sock.sendall(message)
    return read_exactly(sock, len(message))


def open_many(stack, address, count):
    """So many connections, each of which has had a message of its own back."""
    socks = []
    for number in range(count):
        sock = stack.enter_context(connect(address))
        message = f"connection {number}\n".encode()
        assert exchange(sock, message) == message
        socks.append(sock)
    return socks


def is_gone(pid):
    """Ended, and waited for by its parent."""
    return not os.path.exists(f"/proc/{pid}")


def live_pid(server, number, but=None):
    """The pid of a worker once it serves, with another process than `but`."""
    def found():
        worker = workers_of(server)[number]
        return worker["state"] == "live" and worker["pid"] != but and worker["pid"]
    return wait_until(found, f"worker {number} serves")


class WorkersTest(ProgramTest):
    def start_workers(self, config=CONFIG, **settings):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        return self.start(config=config, **settings)


class Serving(WorkersTest):
    def test_each_worker_serves_some_of_the_connections_of_one_port(self):
        server = self.start_workers()
        self.assertEqual([worker["state"] for worker in server.ready["workers"]], ["live"] * WORKERS)
        open_many(self.stack, server.address("echo"), 600)
        workers = workers_of(server)
        self.assertEqual([worker["worker"] for worker in workers], list(range(WORKERS)))
        self.assertEqual(sum(worker["active"] for worker in workers), 600)
        for worker in workers:
            self.assertGreater(worker["active"], 0)
        self.assertEqual(len({worker["pid"] for worker in workers} | {server.pid}), WORKERS + 1)

    def test_one_page_of_figures_for_all_of_them(self):
        server = self.start_workers()
        socks = open_many(self.stack, server.address("echo"), 60)
        bytes_sent = sum(len(f"connection {number}\n") for number in range(60))
        row = listener_of(server, "echo.main.0")
        self.assertEqual((row["accepted_total"], row["active"]), (60, 60))
        self.assertEqual((row["bytes_in"], row["bytes_out"]), (bytes_sent, bytes_sent))
        self.assertEqual(row["backlog"], 4096)
        accepted = metrics(server, "polyport_connections_accepted_total")
        self.assertEqual(accepted['service="echo",listener="echo.main.0"'], 60)
        by_worker = metrics(server, "polyport_worker_connections_accepted_total")
        self.assertEqual(set(by_worker), {f'worker="{number}"' for number in range(WORKERS)})
        self.assertEqual(sum(by_worker.values()), 60)
        self.assertEqual(list(metrics(server, "polyport_worker_up").values()), [1.0] * WORKERS)
        for sock in socks:
            sock.close()
        wait_until(lambda: listener_of(server, "echo.main.0")["active"] == 0, "all are closed")
        closed = metrics(server, "polyport_connections_closed_total")
        self.assertEqual(closed['service="echo",reason="peer_closed"'], 60)

    def test_what_the_kernel_is_asked_for_is_on_the_pages_too(self):
        server = self.start_workers(CONFIG + """
[services.lazy]
type = "echo"
accept = "never"
listen = "127.0.0.1:0"
""")
        open_many(self.stack, server.address("echo"), 6)
        for _ in range(5):
            self.stack.enter_context(connect(server.address("lazy")))
        wait_until(lambda: listener_of(server, "lazy.main.0")["accept_queue"] == 5, "five wait")
        turns = metrics(server, "polyport_loop_turns_total")[""]
        self.assertGreater(turns, 0)
        load = server.get_json("admin", "/api/v1/load")
        self.assertGreater(load["kernel"]["somaxconn"], 0)
        self.assertEqual(len(load["loops"]), WORKERS)
        self.assertGreaterEqual(load["open_connections"], 6)
        self.assertGreaterEqual(load["turns_total"], turns)
        waiting = {row["id"]: row["accept_queue"]
                   for service in load["services"] for row in service["listeners"]}
        self.assertEqual(waiting["lazy.main.0"], 5)

    def test_datagrams_and_unix_sockets(self):
        server = self.start_workers()
        for number in range(40):
            with udp(server.address("echo", "udp")) as sock:
                for part in range(3):
                    message = f"{number}.{part}".encode()
                    sock.send(message)
                    self.assertEqual(sock.recv(100), message)
        self.assertEqual(listener_of(server, "echo.main.1")["accepted_total"], 120)
        path = os.path.join(server.folder, "echo.sock")
        open_many(self.stack, path, 30)
        self.assertEqual(listener_of(server, "echo.main.2")["accepted_total"], 30)
        server.stop()
        self.assertFalse(os.path.exists(path))
        self.assertFalse(os.path.exists(path + ".lock"))

    def test_every_worker_knows_all_services(self):
        server = self.start_workers()
        for _ in range(12):
            status, _, body = server.get("web", "/", headers={"Accept": "text/plain"})
            self.assertEqual(status, 200)
            for name in ("echo", "web", "chat"):
                self.assertIn(name, body.decode())
        self.assertGreater(sum(worker["accepted_total"] > 0 for worker in workers_of(server)), 1)

    def test_what_one_worker_has_signed_the_others_believe(self):
        """A challenge of digest authentication, answered on another connection each time."""
        server = self.start_workers()
        host, port = server.address("web")
        for _ in range(8):
            done = subprocess.run(
                ["curl", "-sS", "--digest", "-u", "me:secret", "-H", "Connection: close", "-o",
                 os.devnull, "-w", "%{http_code}", f"http://{host}:{port}/digest-auth/auth/me/secret"],
                stdout=subprocess.PIPE, timeout=60, check=True)
            self.assertEqual(done.stdout, b"200")

    def test_one_worker_alone_has_the_rooms_of_a_chat(self):
        server = self.start_workers()
        members = [self.stack.enter_context(connect(server.address("chat"))) for _ in range(12)]
        wait_until(lambda: listener_of(server, "chat.main.0")["active"] == 12, "all are there")
        self.assertEqual([worker["active"] for worker in workers_of(server)],
                         [12] + [0] * (WORKERS - 1))
        self.assertEqual(len(members), 12)

    def test_connections_are_named_by_their_worker(self):
        log = self.folder() / "log"
        server = self.start_workers(config=CONFIG.replace(
            "[server]", f'[server]\nlog_format = "json"\nlog_level = "debug"\nlog_target = "{log}"'))
        open_many(self.stack, server.address("echo"), 30)
        server.stop()
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        by_worker = {line.get("worker") for line in lines if line["event"] == "stopped"}
        self.assertEqual(by_worker, {None} | {str(number) for number in range(WORKERS)})
        for line in lines:
            if "conn" in line:
                self.assertTrue(line["conn"].startswith(f"w{line['worker']}-"), line)

    def test_a_single_worker_is_as_if_there_were_none(self):
        server = self.start_workers(config=CONFIG.replace(f"workers = {WORKERS}", "workers = 1"))
        self.assertNotIn("workers", server.ready)
        self.assertNotIn("workers", services_page(server))
        self.assertEqual(metrics(server, "polyport_worker_up"), {})
        children = pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
        self.assertEqual(children, "")


class Dying(WorkersTest):
    def test_a_worker_that_dies_comes_back_and_the_others_serve_on(self):
        server = self.start_workers()
        socks = open_many(self.stack, server.address("echo"), 90)
        before = metrics(server, "polyport_connections_accepted_total")
        victim = workers_of(server)[1]
        os.kill(victim["pid"], signal.SIGKILL)
        alive = []
        for sock in socks:
            try:
                alive.append(exchange(sock, b"still there?"))
            except (AssertionError, ConnectionError):
                pass
        self.assertEqual(len(alive), 90 - victim["active"])
        # Nobody is refused meanwhile: who comes to the dead worker's queue waits in it.
        open_many(self.stack, server.address("echo"), 90)
        again = live_pid(server, 1, but=victim["pid"])
        self.assertNotEqual(again, victim["pid"])
        worker = workers_of(server)[1]
        self.assertEqual(worker["restarts_total"], 1)
        self.assertEqual(worker["last_end"], "signal 9 (Killed)")
        after = metrics(server, "polyport_connections_accepted_total")
        key = 'service="echo",listener="echo.main.0"'
        self.assertEqual(after[key], before[key] + 90)
        self.assertEqual(listener_of(server, "echo.main.0")["active"], 180 - victim["active"])
        open_many(self.stack, server.address("echo"), 60)
        self.assertGreater(workers_of(server)[1]["active"], 0)
        self.assertRegex(server.stderr(), r"worker_died +worker 1 has ended: signal 9 \(Killed\)")

    def test_nobody_waits_for_a_worker_that_dies_again_and_again(self):
        """Those that the kernel gives to its socket are served by another one meanwhile."""
        server = self.start_workers()
        for _ in range(8):  # each time it is longer until it is started again
            os.kill(live_pid(server, 1), signal.SIGKILL)
            wait_until(lambda: workers_of(server)[1]["state"] != "live", "it is dead")
            with contextlib.ExitStack() as stack:
                open_many(stack, server.address("echo"), 60)
                workers = workers_of(server)
                if workers[1]["state"] == "waiting":
                    break
        else:
            self.fail("it was always back before all were served")
        self.assertEqual(workers[1]["active"], 0)
        self.assertEqual(workers[0]["active"] + workers[2]["active"], 60)

    def test_a_worker_that_is_stopped_by_itself_finishes_its_work_first(self):
        server = self.start_workers()
        victim = live_pid(server, 2)
        os.kill(victim, signal.SIGTERM)
        live_pid(server, 2, but=victim)
        self.assertEqual(workers_of(server)[2]["last_end"], "exit code 0")
        self.assertNotIn("worker_died", server.stderr())

    def test_no_worker_outlives_the_supervisor(self):
        server = self.start_workers()
        pids = [worker["pid"] for worker in workers_of(server)]
        address = server.address("echo")
        server.kill()
        # Whoever inherits them waits for them.
        wait_until(lambda: all(is_gone(pid) or state_of(pid) == "Z" for pid in pids),
                   "all workers are gone")
        wait_until(lambda: is_refused(address), "the port is free")

    def test_a_stuck_worker_does_not_hold_up_the_figures(self):
        server = self.start_workers()
        pid = live_pid(server, 0)
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(lambda: is_gone(pid) or os.kill(pid, signal.SIGCONT))
        self.assertEqual(len(workers_of(server)), WORKERS)
        os.kill(pid, signal.SIGCONT)


def is_refused(address):
    """A process whose first thread is gone may have its sockets for a moment more."""
    try:
        connect(address).close()
    except ConnectionRefusedError:
        return True
    return False


def state_of(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"


class Many(WorkersTest):
    """100,000 sockets on one port with six workers, where 20,000 descriptors are all that one process
    has; in CI a small version of it."""

    WORKERS, CLIENTS, EACH = (6, 6, 16_700) if FULL else (3, 2, 300)

    def start_client(self, server, number):
        host, port = server.address("echo")
        client = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "many_sockets.py"), host, str(port),
             f"127.0.0.{2 + number}", str(self.EACH)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end_client, client)
        return client

    @staticmethod
    def end_client(client):
        client.kill()
        client.communicate()

    def hear(self, client, word, seconds=300):
        if not select.select([client.stdout], [], [], seconds)[0]:
            self.fail(f"a client is silent for {seconds} s")
        line = client.stdout.readline().decode().strip()
        if line != word:
            self.fail(f"a client says {line!r}: {client.stderr.read().decode()[-2000:]}")

    def test_every_byte_of_every_socket(self):
        server = self.start_workers(config=CONFIG.replace(f"workers = {WORKERS}",
                                                          f"workers = {self.WORKERS}"))
        began = time.monotonic()
        clients = [self.start_client(server, number) for number in range(self.CLIENTS)]
        for client in clients:
            self.hear(client, "open")
        count = self.CLIENTS * self.EACH
        # All of them at the same instant, by the kernel's own count.
        self.assertEqual(self.established(server.port("echo")), count)
        workers = workers_of(server)
        self.assertEqual(sum(worker["active"] for worker in workers), count)
        for worker in workers:
            self.assertGreater(worker["active"], count / self.WORKERS / 2)
        for client in clients:
            client.stdin.write(b"again\n")
            client.stdin.flush()
        for client in clients:
            self.hear(client, "good")
        row = listener_of(server, "echo.main.0")
        self.assertEqual((row["accepted_total"], row["active"]), (count, count))
        self.assertEqual(row["bytes_in"], row["bytes_out"])
        self.assertEqual(row["refused_total"], {})
        memory = sum(worker["resident_bytes"] for worker in workers) // count
        print(f"{count} sockets, {self.WORKERS} workers, {time.monotonic() - began:.0f} s, "
              f"{memory} bytes of resident memory a socket, "
              f"{[worker['active'] for worker in workers]}", file=sys.stderr)

    def established(self, port):
        """Server ends that are ESTABLISHED, as the kernel lists them. It may list one twice where
        others come and go meanwhile."""
        mine = f"0100007F:{port:04X}"
        with open("/proc/net/tcp", encoding="ascii") as table:
            return len({fields[2] for fields in map(str.split, table)
                        if fields[1] == mine and fields[3] == "01"})


class Draining(WorkersTest):
    def test_they_are_drained_as_one(self):
        server = self.start_workers()
        pids = [worker["pid"] for worker in workers_of(server)]
        idle = open_many(self.stack, server.address("echo"), 30)
        # A request that is half done when the signal comes, one on each of several connections.
        begun = []
        for _ in range(12):
            sock = self.stack.enter_context(connect(server.address("web")))
            sock.sendall(b"POST /anything HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                         b"Content-Length: 10\r\n\r\n12345")
            begun.append(sock)
        wait_until(lambda: listener_of(server, "web.main.0")["active"] == 12, "all are there")
        server.signal(signal.SIGTERM)
        for sock in begun:
            sock.sendall(b"67890")
            answer = read_to_end(sock)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:100])
            self.assertIn(b"1234567890", answer)
        for sock in idle:
            self.assertEqual(sock.recv(10), b"")
        self.assertEqual(server.wait(), 0)
        for pid in pids:
            self.assertTrue(is_gone(pid))

    def test_a_second_signal_ends_all_at_once(self):
        server = self.start_workers(config=CONFIG.replace(
            "[server]", '[server]\nshutdown_grace = "1h"'))
        pids = [worker["pid"] for worker in workers_of(server)]
        sock = self.stack.enter_context(connect(server.address("web")))
        sock.sendall(b"POST /anything HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        wait_until(lambda: listener_of(server, "web.main.0")["active"] == 1, "it is there")
        server.signal(signal.SIGINT)
        wait_until(lambda: "draining" in server.stderr(), "it drains")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 128 + signal.SIGTERM)
        wait_until(lambda: all(is_gone(pid) or state_of(pid) == "Z" for pid in pids),
                   "all workers are gone")


class Starting(WorkersTest):
    def test_a_port_that_is_taken_is_explained_as_ever(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            result = cli("run", f"echo:127.0.0.1:{port}", "--set", f"server.workers={WORKERS}")
        self.assertEqual(result.code, 3, result)
        self.assertIn(f"(pid {os.getpid()})", result.err)

    def test_also_one_that_others_might_share(self):
        """SO_REUSEPORT on both sides must not make two servers out of one port."""
        with socket.socket() as holder:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            result = cli("run", f"echo:127.0.0.1:{port}", "--set", f"server.workers={WORKERS}")
        self.assertEqual(result.code, 3, result)

    def test_two_programs_with_workers_do_not_share_a_port(self):
        server = self.start_workers()
        port = server.port("echo")
        result = cli("run", f"echo:127.0.0.1:{port}", "--set", f"server.workers={WORKERS}")
        self.assertEqual(result.code, 3, result)
        self.assertIn(f"(pid {server.pid})", result.err)

    def test_what_a_policy_does_about_a_conflict_reaches_the_workers(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            server = self.start_workers(config=f"""
[server]
workers = 2
[services.moves]
type = "echo"
listen = "127.0.0.1:{port}"
on_conflict = "next"
[services.waits]
type = "echo"
listen = "127.0.0.1:{port}"
on_conflict = "retry"
[services.goes]
type = "echo"
listen = "127.0.0.1:{port}"
on_conflict = "skip"
""")
            self.assertNotEqual(server.port("moves"), port)
            open_many(self.stack, server.address("moves"), 20)
            self.assertEqual(listener_of(server, "waits.main.0")["state"], "retrying")
            self.assertEqual(listener_of(server, "goes.main.0")["state"], "skipped")
        wait_until(lambda: listener_of(server, "waits.main.0")["state"] == "listening",
                   "the port is free, and served")
        open_many(self.stack, ("127.0.0.1", port), 40)
        self.assertEqual(listener_of(server, "waits.main.0")["accepted_total"], 40)
        for worker in workers_of(server):
            self.assertGreater(worker["active"], 0)

    def test_a_number_out_of_range_and_a_word_that_is_none(self):
        for value, sentence in (("0", "workers: 0 is out of range (from 1 to 64)"),
                                ("65", "workers: 65 is out of range (from 1 to 64)"),
                                ('"many"', 'workers: expected an integer or auto in quotes, '
                                           'got the string "many"')):
            result = cli("check", "-", input=f"[server]\nworkers = {value}\n")
            self.assertEqual(result.code, 1, result)
            self.assertIn(sentence, result.out)

    def test_auto_is_the_processors_that_may_be_used(self):
        allowed = sorted(os.sched_getaffinity(0))
        one = {allowed[0]}
        server = self.start_workers(config=CONFIG.replace(f"workers = {WORKERS}",
                                                          'workers = "auto"'),
                                    wrapper=["taskset", "-c", str(allowed[0])])
        self.assertEqual(os.sched_getaffinity(server.pid), one)
        self.assertNotIn("workers", server.ready)

    def test_nobody_types_worker(self):
        result = cli("worker")
        self.assertEqual(result.code, 2, result)
        self.assertIn("polyport run", result.err)
        self.assertNotIn("worker", cli("--help").out)

    def test_an_error_of_a_service_is_told_once_and_nothing_stays(self):
        result = cli("run", "-", input="""
[server]
workers = 2
[health]
enabled = false
[admin]
enabled = false
[services.web]
type = "http"
listen = "127.0.0.1:0"
root = "/nowhere/at/all"
""")
        self.assertIn(result.code, (1, 3), result)


class Seen(WorkersTest):
    """By the commands that tell who has a port."""

    def test_the_workers_are_one_program(self):
        server = self.start_workers()
        port = server.port("echo")
        pids = {worker["pid"] for worker in workers_of(server)}
        explained = json.loads(cli("explain", str(port), "--json").out)["explanations"]
        tcp = next(each for each in explained if each["transport"] == "tcp")
        self.assertEqual(len(tcp["holders"]), 1)
        self.assertEqual(tcp["holders_in_all"], 1)
        holder = tcp["holders"][0]
        self.assertEqual((holder["pid"], holder["service"]), (server.pid, "echo"))
        self.assertEqual(set(holder["workers"]), pids)
        commands = [each["command"] for each in tcp["suggestions"] if each["kind"] == "stop_holder"]
        self.assertEqual(commands, [f"kill {server.pid}"])

        with connect(("127.0.0.1", port)) as sock:
            exchange(sock, b"hello")
            text = cli("ports", "--all", "--port", str(port)).out
        self.assertEqual(len(re.findall(rf"tcp  127\.0\.0\.1:{port} .* {server.pid} polyport "
                                        rf"\[echo\] {WORKERS} workers ", text)), 1, text)
        self.assertRegex(text, rf"ESTAB +{server.pid} polyport \[echo\] 1 worker ")

    def test_check_and_the_table_say_who_is_pinned(self):
        sentence = "chat is served by worker 0 alone"
        self.assertIn(sentence, cli("check", "-", input=CONFIG).out)
        server = self.start_workers()
        self.assertIn(sentence, server.stdout())
        self.assertIn(f"one supervisor (pid {server.pid}), {WORKERS} workers", server.stdout())
        notes = json.loads(cli("check", "-", "--json", input=CONFIG.replace(
            f"workers = {WORKERS}", 'workers = "auto"')).out)["notes"]
        self.assertRegex(notes[0]["detail"], r'workers = "auto" is \d+ here: \d+ processor')


class Activated(Manager):
    """Sockets that systemd has opened, passed on once more."""

    def test_they_reach_the_workers(self):
        tcp, datagrams = self.bound(), self.bound(kind=socket.SOCK_DGRAM)
        path = str(self.place / "echo.sock")
        file = socket.socket(socket.AF_UNIX)
        self.addCleanup(file.close)
        file.bind(path)
        file.listen()
        places = [f"127.0.0.1:{tcp.getsockname()[1]}", f"udp://127.0.0.1:{datagrams.getsockname()[1]}",
                  f"unix:{path}"]
        self.launch([tcp, datagrams, file],
                    f"[server]\nworkers = 2\n[services.echo]\nlisten = {json.dumps(places)}\n")
        self.assertEqual([origin for _, origin in self.states("echo")], ["inherited"] * 3)
        for _ in range(20):
            self.talk(tcp.getsockname())
            self.talk(path)
            with udp(datagrams.getsockname()) as sock:
                sock.send(b"datagram")
                self.assertEqual(sock.recv(100), b"datagram")


if __name__ == "__main__":
    unittest.main()
