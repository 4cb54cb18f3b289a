"""A Redis server of a test's own, and chats that share their rooms through it."""

import os
import signal
import socket
import subprocess
import time

from chat_support import FAST, Guest, Irc, Page
from support import ProgramTest, TIMEOUT, tool, tool_environment


class Redis:
    """redis-server in a folder of its own, on a port of its own; what it keeps survives a restart."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.options = options
        self.process = None
        # It takes no port 0; this one was free a moment ago, and stays its own from then on.
        for _ in range(5):
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
            if self.start():
                return
        raise AssertionError(self.log())

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def start(self):
        """Whether it has its port; returns when it answers."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [tool("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port),
                 "--dir", str(self.folder), "--save", "", "--appendonly", "yes",
                 "--appendfsync", "always", "--unixsocket", str(self.folder / "redis.sock"),
                 *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=tool_environment(),
                cwd=self.folder)
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                answer = self.ask("PING")
            except OSError:
                answer = ""
            if answer and not answer.startswith("-LOADING"):
                return True
            time.sleep(0.02)  # it says nowhere when it is ready but in its log
        raise AssertionError(f"redis-server does not answer: {self.log()}")

    def ask(self, *words):
        """One command, its answer as bytes came, by a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as sock:
            message = b"*%d\r\n" % len(words)
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                message += b"$%d\r\n%s\r\n" % (len(word), word)
            sock.sendall(message + b"*1\r\n$4\r\nQUIT\r\n")
            answer = b""
            while part := sock.recv(1 << 16):
                answer += part
        return answer.decode(errors="replace").removesuffix("+OK\r\n")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait(TIMEOUT)

    def end(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()


class Node:
    """One process of a chat."""

    def __init__(self, test, url, rows="", env=None):
        self.test = test
        self.server = test.start(
            config="[services.chat]\nlisten = \"127.0.0.1:0\"\nweb = \"127.0.0.1:0\"\n"
                   f"irc = \"127.0.0.1:0\"\nbackplane = \"{url}\"\n{FAST}{rows}"
                   "[admin]\nlisten = \"127.0.0.1:0\"\n[health]\nlisten = \"127.0.0.1:0\"\n", env=env)
        self.lines = self.server.address("chat", "tcp", door="main")

    def enter(self):
        return Guest(self.test, self.lines)

    def page(self, **hello):
        return Page(self.test, self.server.address("chat", door="web"), hello)

    def irc(self, nick, caps=""):
        return Irc(self.test, self.server.address("chat", door="irc"), nick, caps)

    def backplane(self):
        """The row of the API."""
        services = self.server.get_json("admin", "/api/v1/services")["services"]
        chat = next(service for service in services if service["name"] == "chat")
        return chat["upstreams"][0]


class RedisTest(ProgramTest):
    def redis(self, *options):
        server = Redis(self.folder(), *options)
        self.addCleanup(server.end)
        return server

    def nodes(self, count, redis, rows=""):
        """So many processes, each together with the others by now."""
        nodes = [Node(self, redis.url, rows) for _ in range(count)]
        for node in nodes:
            self.wait_together(node)
        return nodes

    def add_counted(self, redis, node, *fields, taken=None):
        """An entry as a process of the chat adds it, and where `taken` that process' say of it."""
        script = ("local id = redis.call('XADD', 'polyport:chat:wire', '*', 'w',"
                  " redis.call('INCR', 'polyport:chat:entries'), 'n', ARGV[1], unpack(ARGV, 3));"
                  "if ARGV[2] ~= '' then"
                  " redis.call('HSET', 'polyport:chat:sent:' .. ARGV[1], ARGV[2], id) end; return id")
        answer = redis.ask("EVAL", script, "0", node, taken or "", *fields)
        self.assertTrue(answer.startswith("$"), answer)

    def wait_together(self, node):
        self.wait_for_state(node, "up")

    def wait_for_state(self, node, state):
        deadline = time.monotonic() + TIMEOUT
        while (row := node.backplane())["state"] != state:
            if time.monotonic() > deadline:
                raise AssertionError(f"not {state}: {row}; {node.server.stderr()}")
            time.sleep(0.02)
        return row

    def name(self, guest, nick, *others):
        guest.line(f"/nick {nick}")
        guest.expect(f"* {guest.nick} is now {nick}\r\n")
        for other in others:
            # Whoever has just come may have been told under the new name only.
            other.expect(rb"(is now|\*) %s( joined \(|\r\n)" % nick.encode())
