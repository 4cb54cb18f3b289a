"""A WebSocket client made of a socket, for tests: it sends what a test wants, right or wrong.

Written from RFC 6455, without any library, so that no library's opinion stands between test and server.
"""

import os
import select
import socket
import struct
import time

from support import TIMEOUT, connect

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0


def mask(data, key):
    if key == b"\0\0\0\0" or not data:
        return data
    whole = (key * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(data), "big")


def frame(opcode, payload=b"", final=True, rsv=0, key=None, masked=True, form=None):
    """One frame as a client sends it; `form` forces the bytes of the length: 0, 2 or 8."""
    size = len(payload)
    if form is None:
        form = 0 if size < 126 else 2 if size < 65536 else 8
    head = bytes([final << 7 | rsv << 4 | opcode, masked << 7 | {0: size, 2: 126, 8: 127}[form]])
    head += b"" if form == 0 else struct.pack(">H" if form == 2 else ">Q", size)
    if not masked:
        return head + payload
    key = os.urandom(4) if key is None else key
    return head + key + mask(payload, key)


def text(content, **more):
    return frame(TEXT, content.encode() if isinstance(content, str) else content, **more)


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def fragments(opcode, payload, size, **more):
    """A message in frames of `size` bytes; `more` is for the first."""
    parts = [payload[at:at + size] for at in range(0, len(payload), size)] or [b""]
    return b"".join(
        frame(opcode if i == 0 else CONTINUATION, part, final=i == len(parts) - 1,
              **(more if i == 0 else {"key": more.get("key")}))
        for i, part in enumerate(parts))


class Closed(Exception):
    """The server ended the connection."""


class WebSocket:
    """One connection. frames() and message() read; everything has a bound."""

    def __init__(self, address, path="/websocket/echo", headers=(), first=b""):
        self.sock = connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        lines = [f"GET {path} HTTP/1.1", "Host: test", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", *headers]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + first)
        while b"\r\n\r\n" not in self.buffer:
            self._read()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        self.status = int(self.head.split()[1])

    def header(self, name):
        for line in self.head.split("\r\n")[1:]:
            key, value = line.split(":", 1)
            if key.lower() == name.lower():
                return value.strip()
        return None

    def send(self, data, chop=None):
        """All of `data`, reading what comes meanwhile: an echo must not block both ends."""
        view = memoryview(data)
        deadline = time.monotonic() + 4 * TIMEOUT
        self.sock.setblocking(False)
        try:
            while view:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{len(view)} bytes could not be sent")
                readable, writable, _ = select.select([self.sock], [self.sock], [], TIMEOUT)
                if readable:
                    self._read()
                if writable:
                    view = view[self.sock.send(view[:chop] if chop else view[:1 << 20]):]
        except (BrokenPipeError, ConnectionResetError, Closed):
            pass  # the server has said its last word: it is in the buffer, or still to be read
        finally:
            self.sock.settimeout(TIMEOUT)

    def _read(self):
        part = self.sock.recv(1 << 20)
        if not part:
            raise Closed
        self.buffer += part

    def _take(self, count):
        parts = []
        while len(self.buffer) < count:
            # Large payloads are gathered without copying what is there again and again.
            if self.buffer:
                parts.append(self.buffer)
                count -= len(self.buffer)
                self.buffer = b""
            self._read()
        parts.append(self.buffer[:count])
        self.buffer = self.buffer[count:]
        return b"".join(parts)

    def frame(self):
        """(final, rsv, opcode, payload); Closed at the end."""
        first, second = self._take(2)
        if second & 0x80:
            raise AssertionError("a server must not mask")
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self._take(2))
            assert size > 125, "a length is not in its shortest form"
        elif size == 127:
            size, = struct.unpack(">Q", self._take(8))
            assert size > 65535, "a length is not in its shortest form"
        return first >> 7, first >> 4 & 7, first & 15, self._take(size)

    def message(self):
        """(opcode, payload) of the next message or control frame."""
        opcode, parts = None, []
        while True:
            final, _, kind, payload = self.frame()
            if kind >= 8:
                assert opcode is None, "a control frame inside a message was not asked for"
                return kind, payload
            opcode = kind if opcode is None else opcode
            parts.append(payload)
            if final:
                return opcode, b"".join(parts)

    def rest(self):
        """Everything up to the end: messages as (opcode, payload), a close frame as ("close", code)."""
        found = []
        try:
            while True:
                opcode, payload = self.message()
                if opcode != CLOSE:
                    found.append((opcode, payload))
                elif len(payload) >= 2:
                    found.append(("close", struct.unpack(">H", payload[:2])[0]))
                else:
                    found.append(("close", None))
        except Closed:
            return found
        except ConnectionResetError:
            return found + [("reset", None)]

    def end(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
