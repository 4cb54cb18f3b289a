"""A wire between two network namespaces that really loses packets.

Run inside the first namespace: lossy_wire.py IP NAMESPACE_FILE ONE_IN LEAST. It makes a tun device in
each (10.77.0.1 here, 10.77.0.2 there), prints "up", and carries packets until its standard input ends;
of those with LEAST bytes or more each ONE_IN-th from here to there is lost. At the end it prints how
many that were.
"""

import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000


def device(ip, address):
    """A tun device of the namespace this process is in; the kernel ends it with the descriptor."""
    wire = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(wire, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
    subprocess.run([ip, "address", "add", address + "/24", "dev", "wire"], check=True)
    subprocess.run([ip, "link", "set", "wire", "up"], check=True)
    return wire


def enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    with open(namespace, "rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), namespace)


def carry(here, there, one_in, least):
    """Passes packets on until standard input ends; returns how many were lost."""
    counted = lost = 0
    while True:
        ready = select.select([here, there, sys.stdin], [], [])[0]
        if sys.stdin in ready:
            return lost
        for source, target in ((here, there), (there, here)):
            if source not in ready:
                continue
            packet = os.read(source, 65536)
            if source == here and len(packet) >= least:
                counted += 1
                if counted % one_in == 0:
                    lost += 1
                    continue
            try:
                os.write(target, packet)
            except OSError:
                pass  # a full queue loses it too


def main():
    ip, namespace, one_in, least = sys.argv[1:]
    here = device(ip, "10.77.0.1")
    enter(namespace)
    there = device(ip, "10.77.0.2")
    print("up", flush=True)
    print(carry(here, there, int(one_in), int(least)), flush=True)


if __name__ == "__main__":
    main()
