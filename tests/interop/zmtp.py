"""Interop of ZMTP on the wire: zmtp-peer.c (our carrier, or the libzmq of this
machine) and pyzmq (its own libzmq) talk to each other, in both roles, while
sockets that speak ZMTP badly try to be in the way.

    python3 tests/interop/zmtp.py PEER [-k PART]

Prints one line per case and a total.  Exit codes: 0 all cases as expected, 1 a
case failed.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

from ports import free_ports

MIB = 1 << 20
SIZES = [0, 1, 254, 255, 256, 257, 8192, 65535, 65536, 262144, MIB, 64 * MIB]
FRAME_MAX = 64 * MIB
LIMIT = 120  # seconds, for anything that must happen
PEER = None
CASES = []


def case(f):
    CASES.append(f)
    return f


@contextlib.contextmanager
def listener(kind="echo", frame_max=FRAME_MAX, unresponsive_ms=30000,
             parties=8):
    """A peer that listens for so many parties; (process, endpoint, port).

    The listener keeps 256 strangers and as many as there are parties; of more
    it closes the oldest."""
    [port] = free_ports(1)
    endpoint = f"tcp://127.0.0.1:{port}"
    more = [] if kind == "zmq-echo" else [
        str(frame_max), str(unresponsive_ms), str(parties)]
    p = subprocess.Popen([PEER, kind, endpoint, *more], text=True,
                         stdout=subprocess.PIPE)
    try:
        assert p.stdout.readline() == "listening\n"
        yield p, endpoint, port
        assert p.poll() is None, f"the listener ended: {p.returncode}"
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


def dial(endpoint, n, count, size, idle_ms=0, unresponsive_ms=30000,
         kind="dial"):
    more = [] if kind == "zmq-dial" else [str(FRAME_MAX), str(unresponsive_ms)]
    last = [] if kind == "zmq-dial" else [str(idle_ms)]
    p = subprocess.run([PEER, kind, endpoint, *more, str(n), str(count),
                        str(size), *last], text=True, capture_output=True,
                       timeout=LIMIT)
    assert p.returncode == 0, p.stderr.strip()
    return json.loads(p.stdout)


@contextlib.contextmanager
def dealer(endpoint, **options):
    context = zmq.Context.instance()
    s = context.socket(zmq.DEALER)
    s.linger = 0
    s.rcvtimeo = s.sndtimeo = LIMIT * 1000
    for name, value in options.items():
        s.setsockopt(getattr(zmq, name.upper()), value)
    s.connect(endpoint)
    try:
        yield s
    finally:
        s.close()


@contextlib.contextmanager
def router(**options):
    """A ROUTER of pyzmq that echoes, on a thread; (endpoint, socket)."""
    context = zmq.Context.instance()
    s = context.socket(zmq.ROUTER)
    s.linger = 0
    s.rcvtimeo = 50
    for name, value in options.items():
        s.setsockopt(getattr(zmq, name.upper()), value)
    port = s.bind_to_random_port("tcp://127.0.0.1")
    over = threading.Event()

    def run():
        while not over.is_set():
            try:
                s.send_multipart(s.recv_multipart(copy=False), copy=False)
            except zmq.Again:
                pass

    monitor = s.get_monitor_socket()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{port}", monitor
    finally:
        over.set()
        thread.join()
        s.disable_monitor()
        s.close()


def disconnections(monitor):
    n = 0
    while monitor.poll(0):
        n += recv_monitor_message(monitor)["event"] == zmq.EVENT_DISCONNECTED
    return n


def exchange(s, body):
    s.send(body)
    assert s.recv() == body, "the echo differs"


def body_of(size):
    return os.urandom(min(size, MIB)) * max(1, size // MIB)


# What a stranger may say, written here once more.

def greeting(version=(3, 1), mechanism=b"NULL", first=0xff, tenth=0x7f):
    return (bytes([first]) + bytes(8) + bytes([tenth]) + bytes(version)
            + mechanism.ljust(20, b"\0") + bytes(32))


def frame(body, flags=0):
    if len(body) > 255 or flags & 2:
        return struct.pack(">BQ", flags | 2, len(body)) + body
    return bytes([flags, len(body)]) + body


def command(name, data=b""):
    return frame(bytes([len(name)]) + name + data, 4)


def prop(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def hello(identity=b"", kind=b"DEALER"):
    return greeting() + command(
        b"READY", prop(b"Socket-Type", kind) + prop(b"Identity", identity))


MALFORMED = {
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "version 2": greeting(version=(2, 0)),
    "CURVE": greeting(mechanism=b"CURVE"),
    "signature": greeting(tenth=0),
    "message before READY": greeting() + frame(b"x"),
    "other type": hello(kind=b"PUB"),
    "READY twice": hello() + hello()[64:],
    "READY cut": greeting() + command(b"READY", b"\x0bSocket-Type\0\0"),
    "READY with long value": greeting() + command(
        b"READY", prop(b"Socket-Type", b"DEALER") + b"\1x\xff\xff\xff\xff"),
    "reserved flags": hello() + b"\xf8\0",
    "empty command": hello() + b"\4\0",
    "long command": hello() + b"\6" + struct.pack(">Q", 1 << 40),
    "oversize": hello() + b"\2" + struct.pack(">Q", 1 << 40),
    "oversize part": hello() + b"\3" + struct.pack(">Q", (1 << 64) - 1),
    "long PING": hello() + command(b"PING", bytes(40)),
    "ERROR": hello() + command(b"ERROR", b"\3bad"),
}


def stranger(port, data=b""):
    s = socket.create_connection(("127.0.0.1", port))
    s.settimeout(LIMIT)
    s.sendall(data)
    return s


def wait_closed(s):
    """Read until the other end closes."""
    with contextlib.suppress(ConnectionError):
        while s.recv(65536):
            pass
    s.close()


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(x for x in f if x.startswith("VmRSS")).split()[1])


# The cases.

@case
def our_dealer_and_our_listener_exchange_all_sizes():
    with listener() as (_, endpoint, _):
        for size in SIZES:
            dial(endpoint, 1, 3, size)


@case
def dealer_of_libzmq_and_our_listener_exchange_all_sizes():
    with listener() as (_, endpoint, _):
        for size in SIZES:
            dial(endpoint, 2, 3, size, kind="zmq-dial")


@case
def our_dealer_and_router_of_libzmq_exchange_all_sizes():
    with listener("zmq-echo") as (_, endpoint, _):
        for size in SIZES:
            dial(endpoint, 2, 3, size)


@case
def dealer_of_pyzmq_and_our_listener_exchange_all_sizes():
    with listener() as (_, endpoint, _), dealer(endpoint) as s:
        for size in SIZES:
            exchange(s, body_of(size))


@case
def our_dealer_and_router_of_pyzmq_exchange_all_sizes():
    with router() as (endpoint, _):
        for size in SIZES:
            dial(endpoint, 2, 3, size)


@case
def thousand_messages_at_once_come_in_order():
    with listener() as (_, endpoint, _), dealer(endpoint, sndhwm=0,
                                                rcvhwm=0) as s:
        for i in range(20000):
            s.send(struct.pack(">I", i) * (1 + i % 200))
        for i in range(20000):
            assert s.recv() == struct.pack(">I", i) * (1 + i % 200)


@case
def message_in_parts_is_passed_over_and_harms_nobody():
    with listener() as (_, endpoint, _), dealer(endpoint) as s:
        for i in range(100):
            s.send_multipart([b"part", b"", bytes(i * 100)])
            exchange(s, b"whole %d" % i)


@case
def two_thousand_quick_reconnections_to_our_listener():
    with listener() as (p, endpoint, _):
        for i in range(2000):
            with dealer(endpoint) as s:
                exchange(s, b"%d" % i)
        assert len(os.listdir(f"/proc/{p.pid}/fd")) < 100


@case
def five_thousand_quick_reconnections_to_router_of_libzmq():
    with listener("zmq-echo") as (_, endpoint, _):
        dial(endpoint, 1, 5000, -1)


@case
def five_thousand_quick_reconnections_to_our_own_listener():
    with listener() as (_, endpoint, _):
        dial(endpoint, 1, 5000, -1)


@case
def heartbeats_of_libzmq_are_answered_by_our_listener():
    with listener() as (_, endpoint, _), dealer(
            endpoint, heartbeat_ivl=50, heartbeat_timeout=300,
            heartbeat_ttl=1000) as s:
        exchange(s, b"before")
        monitor = s.get_monitor_socket()
        time.sleep(2)
        exchange(s, b"after")
        assert disconnections(monitor) == 0
        s.disable_monitor()


@case
def heartbeats_of_libzmq_are_answered_by_our_dealer():
    with router(heartbeat_ivl=50, heartbeat_timeout=300) as (endpoint, mon):
        dial(endpoint, 3, 5, 100, idle_ms=2000)
        assert disconnections(mon) <= 3  # at their end


@case
def heartbeats_of_our_dealer_are_answered_by_libzmq():
    with router() as (endpoint, _):
        dial(endpoint, 3, 5, 100, idle_ms=2000, unresponsive_ms=200)
    with listener("zmq-echo") as (_, endpoint, _):
        dial(endpoint, 3, 5, 100, idle_ms=2000, unresponsive_ms=200)


@case
def heartbeats_of_our_listener_are_answered_by_libzmq():
    with listener(unresponsive_ms=200) as (p, endpoint, _), dealer(
            endpoint) as s:
        exchange(s, b"before")
        monitor = s.get_monitor_socket()
        time.sleep(2)
        exchange(s, b"after")
        assert disconnections(monitor) == 0
        s.disable_monitor()


@case
def stopped_listener_is_noticed_by_heartbeats_of_libzmq():
    with listener() as (p, endpoint, _), dealer(
            endpoint, heartbeat_ivl=50, heartbeat_timeout=300) as s:
        exchange(s, b"before")
        monitor = s.get_monitor_socket()
        p.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        assert disconnections(monitor) >= 1
        p.send_signal(signal.SIGCONT)
        exchange(s, b"after")
        s.disable_monitor()


@case
def silent_peer_is_noticed_by_our_heartbeats():
    with listener(unresponsive_ms=300) as (p, _, port):
        s = stranger(port, hello() + frame(b"x"))
        begin = time.monotonic()
        wait_closed(s)
        assert time.monotonic() - begin < 3
        assert p.stdout.readline() == "down: silent\n"


@case
def program_that_was_away_finds_its_connections_alive():
    with listener(unresponsive_ms=300) as (p, endpoint, _), dealer(
            endpoint) as s:
        exchange(s, b"before")
        monitor = s.get_monitor_socket()
        for _ in range(5):
            time.sleep(0.13)  # so that a PING may be under way
            p.send_signal(signal.SIGSTOP)
            time.sleep(0.7)
            p.send_signal(signal.SIGCONT)
        exchange(s, b"after")
        assert disconnections(monitor) == 0
        s.disable_monitor()


@case
def three_hundred_dealers_of_ours_at_one_router_of_libzmq():
    with listener("zmq-echo") as (_, endpoint, _):
        dial(endpoint, 300, 20, 500)


@case
def three_hundred_dealers_of_libzmq_at_one_listener_of_ours():
    with listener(parties=300) as (_, endpoint, _):
        dial(endpoint, 300, 20, 500, kind="zmq-dial")


@case
def malformed_peers_are_closed_and_others_go_on():
    with listener(frame_max=4096) as (_, endpoint, port), dealer(
            endpoint) as s:
        for _ in range(20):
            held = []
            for data in MALFORMED.values():
                held.append(stranger(port, data))
                exchange(s, b"between")
            for x in held:
                wait_closed(x)
                exchange(s, b"between")


@case
def bytes_that_come_one_at_a_time_are_understood_or_out_of_time():
    with listener(frame_max=4096) as (_, endpoint, port), dealer(
            endpoint) as s:
        data = hello() + frame(b"slow")
        held = [stranger(port) for _ in range(20)]
        for i in range(len(data)):
            for x in held:
                x.sendall(data[i:i + 1])
            exchange(s, b"between")
        for x in held:
            got = b""
            while not got.endswith(frame(b"slow")):
                got += x.recv(4096)
            x.close()
        begin = time.monotonic()
        x = stranger(port, data[:30])
        with contextlib.suppress(ConnectionError):
            for b in data[30:]:
                x.sendall(bytes([b]))
                time.sleep(0.4)
        wait_closed(x)
        assert time.monotonic() - begin < 15


@case
def claimed_identities_mean_nothing_to_our_listener():
    # libzmq 4.3.4 aborts when a peer claims the identity that its ROUTER is
    # about to give: 0 and a counter that begins where rand() does.
    with listener(frame_max=4096) as (_, endpoint, port), dealer(
            endpoint) as s:
        exchange(s, b"before")
        held = [stranger(port, hello(struct.pack(">BI", 0,
                                                 0x6b8b4567 + k)))
                for k in range(100)]
        held += [stranger(port, hello(b"same")) for _ in range(50)]
        held += [stranger(port, hello()) for _ in range(50)]
        exchange(s, b"after")
        for i, x in enumerate(held):
            x.sendall(frame(b"%d" % i))
        for i, x in enumerate(held):
            got = b""
            while not got.endswith(frame(b"%d" % i)):
                got += x.recv(4096)
            x.close()
        exchange(s, b"after")


@case
def ten_thousand_silent_connections_cost_little():
    with listener(frame_max=4096) as (p, endpoint, port), dealer(
            endpoint) as s:
        exchange(s, b"before")
        before, took, held = rss_kib(p.pid), [], []
        for i in range(10000):
            held.append(stranger(port))
            if i % 10 == 0:
                begin = time.monotonic()
                exchange(s, b"between")
                took.append(time.monotonic() - begin)
            if len(held) > 400:
                held.pop(0).close()
        took.sort()
        grown = rss_kib(p.pid) - before
        assert grown < 4096, f"{grown} KiB"
        assert len(os.listdir(f"/proc/{p.pid}/fd")) < 300
        for x in held:
            x.close()
        return (f"{grown} KiB more; round trip p50 {took[500] * 1e6:.0f} us, "
                f"p99 {took[990] * 1e6:.0f} us")


@case
def message_that_never_ends_is_not_stored():
    with listener(frame_max=MIB) as (p, endpoint, port), dealer(
            endpoint) as s:
        exchange(s, b"before")
        before, sent = rss_kib(p.pid), 0
        part = frame(bytes(MIB), 1)
        begin = time.monotonic()
        with contextlib.suppress(ConnectionError):
            x = stranger(port, hello())
            while sent < 4096:
                x.sendall(part)
                sent += 1
                if sent % 64 == 0:
                    exchange(s, b"between")
        x.close()
        exchange(s, b"after")
        grown = rss_kib(p.pid) - before
        assert grown < 4096, f"{grown} KiB"
        return (f"{sent} MiB in {time.monotonic() - begin:.1f} s, "
                f"{grown} KiB more")


def main():
    global PEER
    a = argparse.ArgumentParser()
    a.add_argument("peer")
    a.add_argument("-k", default="", help="only cases with this in their name")
    args = a.parse_args()
    PEER = args.peer
    failed = done = 0
    print(f"pyzmq {zmq.__version__} with libzmq {zmq.zmq_version()}")
    for f in CASES:
        if args.k not in f.__name__:
            continue
        begin = time.monotonic()
        try:
            said = f()
            result = "ok"
        except (AssertionError, OSError, subprocess.SubprocessError,
                zmq.ZMQError) as e:
            failed, said, result = failed + 1, repr(e), "FAILED"
        done += 1
        print(f"{result:6} {f.__name__} ({time.monotonic() - begin:.1f} s)"
              + (f": {said}" if said else ""), flush=True)
    print(f"{done} cases, {failed} failed")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
