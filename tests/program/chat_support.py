"""What the tests of the chat share: somebody at each door, made of a socket."""

import json
import re

from support import ProgramTest, connect, read_to_end
from websocket_client import CLOSE, PING, TEXT, WebSocket, text

FAST = "flood_burst = 100000\n"  # for tests that are about something else
# For a reader that is to be too slow: the kernel takes some megabytes before anything waits here.
LONG = "max_line = \"64KiB\"\n"


class Talker:
    """Somebody who sends lines and waits for bytes."""

    def __init__(self, test, address):
        self.sock = connect(address)
        test.addCleanup(self.sock.close)
        self.heard = b""
        self.taken = 0  # of what was heard

    def type(self, words):
        self.sock.sendall(words if isinstance(words, bytes) else words.encode())

    def line(self, words):
        self.type(words + "\r\n")

    def expect(self, pattern):
        """Waits for it in what was not expected before; the match."""
        if isinstance(pattern, str):
            pattern = re.escape(pattern.encode())
        while True:
            found = re.compile(pattern).search(self.heard, self.taken)
            if found:
                self.taken = found.end()
                return found
            try:
                part = self.sock.recv(1 << 16)
            except TimeoutError:
                part = b""
            if not part:
                raise AssertionError(f"{pattern!r} does not come: {self.heard[self.taken:][-2000:]!r}")
            self.heard += part

    def rest(self):
        """Everything up to the end of the connection."""
        self.heard += read_to_end(self.sock)
        rest, self.taken = self.heard[self.taken:], len(self.heard)
        return rest


class Guest(Talker):
    """Somebody at the line door."""

    def __init__(self, test, address):
        super().__init__(test, address)
        welcome = self.expect(rb"^You are (\S+) from (.*), through the (.*)\. /help\r\n")
        self.nick, self.place, self.door = (part.decode() for part in welcome.groups())


class Irc(Talker):
    """Somebody at the IRC door."""

    def __init__(self, test, address, nick=None, caps="", room="#lobby"):
        super().__init__(test, address)
        if nick is None:
            return
        if caps:
            self.line("CAP LS 302")
            self.line(f"CAP REQ :{caps}")
        self.line(f"NICK {nick}")
        self.line(f"USER {nick} 0 * :{nick}")
        if caps:
            self.expect(f"CAP * ACK :{caps}\r\n")
            self.line("CAP END")
        self.expect(f":chat 001 {nick} :")
        self.expect(f":chat 376 {nick} :")
        if room:
            self.line(f"JOIN {room}")
            self.expect(f":chat 366 {nick} {room} :")


class Page:
    """Somebody at the web door: what its script says, without a browser."""

    def __init__(self, test, address, hello=None, headers=()):
        self.socket = WebSocket(address, "/ws", headers)
        test.addCleanup(self.socket.sock.close)
        self.status = self.socket.status
        self.seen = []
        if hello is not None:
            self.say(type="hello", **hello)
            self.welcome = self.expect(type="welcome")
            self.nick, self.token = self.welcome["nick"], self.welcome["token"]

    def say(self, **message):
        self.socket.send(text(json.dumps(message)))

    def expect(self, **fields):
        """Waits for a message that has all these fields; the message. Others are kept in `seen`."""
        while True:
            opcode, payload = self.socket.message()
            if opcode == PING:
                continue
            if opcode == CLOSE:
                raise AssertionError(f"closed: {payload!r}; {fields} does not come: {self.seen[-20:]}")
            assert opcode == TEXT, opcode
            message = json.loads(payload)
            self.seen.append(message)
            if all(message.get(key) == value for key, value in fields.items()):
                return message

    def expect_close(self):
        """(code, reason) of the close frame, whatever comes before."""
        while True:
            opcode, payload = self.socket.message()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big"), payload[2:].decode()


class ChatTest(ProgramTest):
    """A chat with its three doors."""

    def serve(self, rows=FAST, unix=None):
        listen = "[\"127.0.0.1:0\"" + (f", \"unix://{unix}\"" if unix else "") + "]"
        self.server = self.start(config=f"[services.chat]\nlisten = {listen}\nweb = \"127.0.0.1:0\"\n"
                                        f"irc = \"127.0.0.1:0\"\n{rows}")
        self.address = self.server.address("chat", "tcp", door="main")
        self.web = self.server.address("chat", door="web")
        self.irc = self.server.address("chat", door="irc")
        return self.server

    def enter(self, address=None):
        return Guest(self, address or self.address)

    def page(self, **hello):
        return Page(self, self.web, hello)

    def client(self, nick, caps="", room="#lobby"):
        return Irc(self, self.irc, nick, caps, room)
