"""A client with many sockets, for test_workers.py: many_sockets.py HOST PORT SOURCE COUNT

Opens COUNT connections to an echo service from the address SOURCE and sends each of them bytes of its
own, which must come back. Then it prints "open", and for each line it reads does the same again on
every connection and prints "good". Ends when its input does. Anything wrong is a word on standard
error and exit code 1.
"""

import resource
import selectors
import socket
import sys
import time

IP_BIND_ADDRESS_NO_PORT = 24
AT_ONCE = 400  # connections that are being opened; a backlog holds more
LIMIT = 240.0  # seconds, for one round


def message(number, turn):
    return f"{number}:{turn}:{number * 7919 % 104729}\n".encode()


class Client:
    def __init__(self, server, source, count):
        self.server, self.source, self.count = server, source, count
        self.sockets = []
        self.selector = selectors.DefaultSelector()

    def dial(self, number):
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((self.source, 0))
        sock.setblocking(False)
        sock.connect_ex(self.server)
        self.selector.register(sock, selectors.EVENT_WRITE, (number, b""))
        self.sockets.append(sock)

    def open(self):
        """Every connection, and the first bytes of each."""
        begun = done = 0
        deadline = time.monotonic() + LIMIT
        while done < self.count:
            while begun < self.count and begun - done < AT_ONCE:
                self.dial(begun)
                begun += 1
            done += self.step(deadline, 0)

    def step(self, deadline, turn):
        """What is ready now; how many have their bytes back by it."""
        ready = self.selector.select(max(0.0, deadline - time.monotonic()))
        if not ready:
            raise RuntimeError(f"nothing comes any more, {len(self.selector.get_map())} are open")
        done = 0
        for key, events in ready:
            sock, (number, rest) = key.fileobj, key.data
            if events & selectors.EVENT_WRITE:
                error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, f"connection {number}")
                self.say(sock, number, turn)
                continue
            data = sock.recv(4096)
            if not data or not rest.startswith(data):
                raise RuntimeError(f"connection {number}: {data!r} instead of {rest!r}")
            if data == rest:
                self.selector.unregister(sock)
                done += 1
            else:
                self.selector.modify(sock, selectors.EVENT_READ, (number, rest[len(data):]))
        return done

    def say(self, sock, number, turn):
        words = message(number, turn)
        if sock.send(words) != len(words):
            raise RuntimeError(f"connection {number}: its send buffer is full")
        known = sock in self.selector.get_map()
        change = self.selector.modify if known else self.selector.register
        change(sock, selectors.EVENT_READ, (number, words))

    def again(self, turn):
        deadline = time.monotonic() + LIMIT
        for number, sock in enumerate(self.sockets):
            self.say(sock, number, turn)
        done = 0
        while done < self.count:
            done += self.step(deadline, turn)


def main():
    host, port, source, count = sys.argv[1:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    client = Client((host, int(port)), source, int(count))
    client.open()
    print("open", flush=True)
    for turn, _ in enumerate(sys.stdin, 1):
        client.again(turn)
        print("good", flush=True)


if __name__ == "__main__":
    main()
