"""A live session over ZeroMQ (PROTOCOL 3, 7, 8): one thread, one poller.

A Link is one ZeroMQ connection and goes through these states:

    propose    I: waiting for accept (or refuse)
    confirm    I: confirm is sent, waiting for R's first record
    stranger   R: waiting for propose
    accept     R: accept is sent, waiting for confirm
    channel    both: records
    dead       never looked at again

A session has at most one channel for each party: `channels[index]`.
"""

import os
import random
import time
from collections import deque

import zmq
from zmq.utils.monitor import parse_monitor_message

from . import handshake, record
from .encoding import is_int
from .errors import NAMES, Refused, demand
from .schedule import sha256

DIAL_MS, DIAL_MAX_MS = 100, 2000
OTHER_DIALS_MS = 1500
HANDSHAKE_MS = 10000
PROBE_MS, PROBE_MAX_MS = 200, 5000
ANSWER_AFTER_FAILURE_MS = 2000
TAGS_MAX = 8192
WINDOW = 16 * 1024 * 1024
PART = 60000  # bytes of a message that one record carries


def now_ms():
    return time.monotonic_ns() // 1000000


class Link:
    def __init__(self, socket, route=None, index=None, fd=None):
        self.socket = socket
        self.route = route  # of a ROUTER; None for a DEALER
        self.index = index  # dialled, later authenticated
        self.fd = fd
        self.monitor = None
        self.state = "stranger" if route else "propose"
        self.deadline = now_ms() + HANDSHAKE_MS
        self.handshake = None
        self.channel = None

    def send(self, message):
        try:
            if self.route:
                self.socket.send_multipart([self.route, message], zmq.NOBLOCK)
            else:
                self.socket.send(message, zmq.NOBLOCK)
        except zmq.ZMQError:
            pass  # the monitor reports the broken connection


class Channel:
    """An authenticated channel: both directions of records, and flow
    control."""

    def __init__(self, link, index, instance, suite, secrets, window):
        self.link = link
        self.index = index
        self.instance = instance
        self.sealer = record.Direction(suite, secrets[0])
        self.opener = record.Direction(suite, secrets[1])
        self.order = record.Order()
        self.window = window
        self.queue = deque()  # [message, bytes sent] not sent entirely
        self.sent_total = 0
        self.send_limit = 0
        self.received_total = 0
        self.freed_total = 0
        self.granted = 0
        self.acknowledged = 0  # records
        self.ready = None  # last READY received
        self.instances_sent = False  # since the last READY of ours
        self.close_sequence = None  # of the record that carried CLOSE
        # PROTOCOL 6.3: records until they are acknowledged, the oldest being
        # number `acknowledged`; when to send the oldest again.
        self.kept = deque()
        self.probe_at = None
        self.probe_wait = PROBE_MS
        self.probing = False
        self.gap_at = None  # the number of which a GAP was sent

    def send_items(self, items, calls=True):
        """`calls`: the record calls for an ACK."""
        sealed = self.sealer.seal(items)
        self.kept.append(sealed)
        if calls and self.probe_at is None:
            self.probe_at = now_ms() + self.probe_wait
        self.link.send(sealed)

    def send_ack(self):
        self.send_items(self.grant(), calls=False)

    def send_gap(self):
        if self.gap_at != self.opener.sequence:
            self.gap_at = self.opener.sequence
            ack = self.grant()
            self.send_items(record.control(record.GAP, ack[2:]), calls=False)

    def acknowledge(self, following):
        moved = following > self.acknowledged
        while self.acknowledged < following:
            self.kept.popleft()
            self.acknowledged += 1
        if moved:
            self.probe_wait = PROBE_MS
            self.probe_at = now_ms() + PROBE_MS if self.kept else None
            if self.probing:
                self.probing = False
                self.resend()

    def resend(self):
        for sealed in self.kept:
            self.link.send(sealed)

    def probe(self):
        if self.probe_at is None or now_ms() < self.probe_at:
            return
        self.probe_wait = min(2 * self.probe_wait, PROBE_MAX_MS)
        self.probe_at = now_ms() + self.probe_wait if self.kept else None
        if self.kept:
            self.probing = True
            self.link.send(self.kept[0])

    def grant(self):
        """An ACK item with the current limit."""
        self.granted = self.freed_total + self.window
        return record.ack(self.opener.sequence, self.granted)

    def free(self, size):
        """`size` bytes of items were taken out of the window."""
        self.freed_total += size
        if self.freed_total + self.window - self.granted >= self.window // 4:
            self.send_ack()

    def pump(self):
        """Seal what the window allows; small messages share a record."""
        items = bytearray()
        while self.queue and self.sent_total < self.send_limit:
            data, done = self.queue[0]
            if done == 0 and len(data) <= PART:
                item = record.message(data)
                self.queue.popleft()
            else:
                part = data[done:done + PART]
                if done == 0:
                    item = record.first(len(data), part)
                else:
                    item = record.control(record.NEXT, part)
                self.queue[0][1] += len(part)
                if self.queue[0][1] == len(data):
                    self.queue.popleft()
            self.sent_total += len(item)
            if len(items) + len(item) > PART + 100:
                self.send_items(bytes(items))
                items.clear()
            items += item
        if items:
            self.send_items(bytes(items))


class Dial:
    """Our attempts to reach one party."""

    def __init__(self, index, endpoints, begin):
        self.index = index
        self.endpoints = endpoints
        self.next_at = begin
        self.wait_ms = DIAL_MS
        self.n_tries = 0
        self.link = None

    def failed(self):
        self.link = None
        self.next_at = now_ms() + self.wait_ms * random.uniform(0.5, 1.5)
        self.wait_ms = min(2 * self.wait_ms, DIAL_MAX_MS)


class Session:
    def __init__(self, agreement, identity, listen=None, suites=(2, 1),
                 timeout_ms=60000, window=WINDOW, log=None):
        self.agreement = agreement
        self.n = len(agreement.parties)
        self.index = agreement.index(identity.did)
        demand(self.index is not None, "ROSTER", "identity is not a party")
        demand(not agreement.expires or agreement.expires > time.time(),
               "EXPIRED", "agreement has expired")
        instance = int(time.time() * 1000).to_bytes(8, "big") + os.urandom(8)
        self.party = handshake.Party(agreement, identity, instance, suites)
        self.window = window
        self.log = log or (lambda text: None)
        self.seen_tags, self.own_tags = set(), set()
        self.channels = {}
        self.dials = {}
        self.lost = {}  # index -> Refused
        self.inbox = deque()  # (index, message, channel, size to free)
        self.routes = {}
        self.own_ready = None
        self.is_ready = False
        self.failure = None
        self.answer_until = None
        self.suspect = None  # named by INSTANCES
        self.timeout_at = now_ms() + timeout_ms

        self.context = zmq.Context()
        self.poller = zmq.Poller()
        try:
            self._listen(listen)
            self._plan_dials()
        except BaseException:
            self.destroy()
            raise

    # Transport

    def _options(self, socket):
        socket.setsockopt(zmq.LINGER, 500)
        socket.setsockopt(zmq.SNDHWM, 0)  # flow control is ours
        socket.setsockopt(zmq.RCVHWM, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, record.RECORD_LEN_MAX)
        socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 15000)
        socket.setsockopt(zmq.IPV6, 1)

    def _listen(self, listen):
        self.router = None
        own = self.agreement.parties[self.index].endpoints
        endpoints = [listen] if listen else own
        if not endpoints:
            return
        self.router = self.context.socket(zmq.ROUTER)
        self._options(self.router)
        self.router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.router_monitor = self.router.get_monitor_socket(
            zmq.EVENT_DISCONNECTED)
        for endpoint in endpoints:
            self.router.bind(endpoint)
        self.poller.register(self.router, zmq.POLLIN)
        self.poller.register(self.router_monitor, zmq.POLLIN)

    def _is_dialler(self, index):
        """PROTOCOL 7.1: whether the rule names us for the pair with
        `index`."""
        low, high = sorted((self.index, index))
        named = low if self.agreement.parties[high].endpoints else high
        return named == self.index

    def _plan_dials(self):
        parties = self.agreement.parties
        now = now_ms()
        for index in range(self.n):
            if index == self.index:
                continue
            theirs = parties[index].endpoints
            if theirs:
                late = 0 if self._is_dialler(index) else OTHER_DIALS_MS
                self.dials[index] = Dial(index, theirs, now + late)

    def _dial(self, dial):
        socket = self.context.socket(zmq.DEALER)
        self._options(socket)
        socket.setsockopt(zmq.RECONNECT_IVL, -1)  # a socket, a connection
        link = Link(socket, index=dial.index)
        link.monitor = socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED)
        endpoint = dial.endpoints[dial.n_tries % len(dial.endpoints)]
        dial.n_tries += 1
        dial.link = link
        socket.connect(endpoint)
        self.poller.register(socket, zmq.POLLIN)
        self.poller.register(link.monitor, zmq.POLLIN)
        link.handshake = handshake.Initiator(
            self.party, dial.index, os.urandom(16), os.urandom(32))
        self.own_tags.add(link.handshake.tag)
        link.send(link.handshake.propose)

    def _drop(self, link):
        """Forget a connection; its channel, if any, has been dealt with."""
        if link.state == "dead":
            return
        link.state = "dead"
        if link.route:
            self.routes.pop(link.route, None)
            return
        self.poller.unregister(link.socket)
        self.poller.unregister(link.monitor)
        link.socket.disable_monitor()
        link.monitor.close()
        link.socket.close()
        dial = self.dials.get(link.index)
        if dial and dial.link is link:
            dial.failed()

    def step(self, wait_ms=100):
        """Wait for at most `wait_ms` and do what there is to do."""
        self._timers()
        events = dict(self.poller.poll(wait_ms))
        if self.router:
            self._read_router(events)
        for dial in list(self.dials.values()):
            self._read_dealer(dial.link, events)
        for channel in list(self.channels.values()):
            if not channel.link.route:
                self._read_dealer(channel.link, events)
        self._barrier()

    def _read_router(self, events):
        # Connections that broke are looked at after what they still
        # brought was read; a later connection may have the same descriptor.
        broken = []
        if self.router_monitor in events:
            for _, fd in monitor_events(self.router_monitor):
                broken += [link for link in self.routes.values()
                           if link.fd == fd]
        if self.router in events or broken:
            for frames in arrived(self.router):
                if len(frames) != 2:
                    continue
                link = self._route(frames)
                self._guarded(link, frames[1].bytes)
        for link in broken:
            self._broken(link)

    def _route(self, frames):
        route = frames[0].bytes
        if route not in self.routes:
            try:
                fd = frames[1].get(zmq.SRCFD)
            except zmq.ZMQError:
                fd = None
            self.routes[route] = Link(self.router, route, fd=fd)
        return self.routes[route]

    def _read_dealer(self, link, events):
        if link is None or link.state == "dead":
            return
        gone = link.monitor in events and monitor_events(link.monitor)
        if link.socket in events or gone:
            for frames in arrived(link.socket):
                if len(frames) == 1:
                    self._guarded(link, frames[0].bytes)
                if link.state == "dead":
                    return
        if gone:
            self._broken(link)

    def _timers(self):
        for channel in list(self.channels.values()):
            channel.probe()
        now = now_ms()
        opening = not self.is_ready and self.failure is None
        if opening:
            for dial in self.dials.values():
                if (dial.link is None and dial.index not in self.channels
                        and now >= dial.next_at):
                    self._dial(dial)
        links = list(self.routes.values())
        links += [d.link for d in self.dials.values() if d.link]
        for link in links:
            if link.state not in ("channel", "stranger") \
                    and now > link.deadline:
                self._drop(link)

    # Messages of any kind

    def _guarded(self, link, message):
        """A message that fails ends its handshake or channel."""
        try:
            self._message(link, message)
        except Refused as refused:
            self.log(f"link {link.index} {link.state}: {refused}")
            if link.state == "channel":
                self._channel_lost(link.channel, refused)
            elif link.state != "stranger":
                self._drop(link)

    def _message(self, link, message):
        kind = message[0] if message else None
        if link.state == "stranger":
            if kind == handshake.PROPOSE:
                self._on_propose(link, message)
        elif link.state == "propose" and kind == handshake.ACCEPT:
            self._on_accept(link, message)
        elif link.state == "propose" and kind == handshake.REFUSE:
            self._on_refuse(link, message)
        elif link.state == "refuse" and kind == handshake.DISPUTE:
            if message == link.dispute:
                self._opening_fails(Refused(
                    "AGREEMENT", "a party dials another DID here: "
                    "agreement differs in parties"))
        elif link.state == "accept" and kind == handshake.CONFIRM:
            self._on_confirm(link, message)
        elif link.state == "confirm" and kind == handshake.RECORD:
            self._on_first_record(link, message)
        elif link.state == "channel" and kind == handshake.RECORD:
            self._on_record(link.channel, message)

    # Handshake

    def _on_propose(self, link, message):
        demand(len(self.seen_tags) < TAGS_MAX, "REPLAY", "tags are used up")
        try:
            link.handshake = handshake.Responder(
                self.party, message, self.seen_tags, self.own_tags,
                os.urandom(32), os.urandom(16), int(time.time()))
        except handshake.Refuse as refuse:
            link.send(refuse.message)
            link.dispute = refuse.dispute
            link.state = "refuse"
            return
        link.state = "accept"
        link.deadline = now_ms() + HANDSHAKE_MS
        link.send(link.handshake.accept)

    def _on_refuse(self, link, message):
        reason = link.handshake.consume_refuse(message)
        if reason is None:
            return
        index = link.index
        if reason == handshake.NO_SUCH_DID:
            link.send(link.handshake.dispute())
        self._drop(link)
        if reason == handshake.NO_SUCH_DID:
            refused = Refused("AGREEMENT", "agreement differs in parties")
        elif reason == handshake.NO_COMMON_SUITE:
            refused = Refused("SUITE", "no common suite")
        else:
            refused = Refused("VERSION", "protocol version refused")
        refused.culprit = index
        self._opening_fails(refused)

    def _on_accept(self, link, message):
        shake = link.handshake
        confirm = shake.consume_accept(message, os.urandom(16),
                                       int(time.time()))
        link.send(confirm)
        link.state = "confirm"
        if self._differs(shake.said):
            return
        secrets = shake.derive()
        link.channel = Channel(link, link.index, shake.said.instance,
                               shake.suite, secrets, self.window)

    def _on_confirm(self, link, message):
        shake = link.handshake
        shake.consume_confirm(message, int(time.time()))
        if self._differs(shake.said):
            return
        said = shake.said
        link.index = said.index
        link.channel = Channel(link, said.index, said.instance, shake.suite,
                               shake.derive(), self.window)
        own = self.dials.get(said.index)
        own = own.link if own else None
        same = (own and own.channel
                and own.channel.instance == said.instance)
        # PROTOCOL 7.1, two connections of one pair.
        if same and self._is_dialler(said.index):
            self._drop(link)
        elif same and own.state == "channel":
            self._drop(link)
        else:
            if self._attach(link) and own and own.state != "channel":
                self._drop(own)

    def _differs(self, said):
        if said.differ is None:
            return False
        index = self.agreement.index(said.did)
        self._opening_fails(Refused(
            "AGREEMENT", "agreement differs in "
            + (", ".join(said.differ) or "its hash"), index))
        return True

    def _opening_fails(self, refused):
        """What a holder of the agreement says in a handshake touches
        nothing that is ready (PROTOCOL 9)."""
        if not self.is_ready:
            self._fail(refused)

    def _on_first_record(self, link, message):
        demand(link.channel is not None, "AGREEMENT", "agreement differs")
        items = self._open(link.channel, message)
        if self._attach(link):
            self._items(link.channel, items)

    def _attach(self, link):
        """A handshake is complete: PROTOCOL 7.2.  Whether its channel is now
        the party's channel."""
        new = link.channel
        old = self.channels.get(new.index)
        link.state = "channel"
        if old and (new.instance < old.instance or self.is_ready
                    and new.instance != old.instance):
            self.log(f"party {new.index} runs twice or was restarted")
            self._send_restarted(new, first=True)
            self._drop(link)
            return False
        if self.is_ready or old and new.instance == old.instance:
            self._drop(link)  # a duplicate; or lost before, and stays so
            return False
        if old:
            if new.instance > old.instance:
                self._send_restarted(old)
            self._drop(old.link)
        self.channels[new.index] = new
        self.own_ready = None
        new.send_items(new.grant())
        if self.failure:
            self._send_abort(new)
        return True

    def _send_restarted(self, channel, first=False):
        items = channel.grant() if first else b""
        items += record.abort(Refused("RESTARTED", "").number, channel.index,
                              "another process of this party")
        channel.send_items(items)

    # Records

    def _open(self, channel, message):
        items = record.parse(channel.opener.open(message), self.n)
        channel.order.record(items)
        return items

    def _on_record(self, channel, message):
        try:
            items = self._open(channel, message)
        except Refused as refused:
            # PROTOCOL 6.3: dropped, and the other side should know.
            if refused.name == "REPLAY":
                channel.send_ack()
            elif refused.name in ("SEQUENCE", "SEAL"):
                channel.send_gap()
            else:
                raise
            return
        self._items(channel, items)
        if any(item.kind not in record.SILENT for item in items):
            channel.send_ack()

    def _items(self, channel, items):
        for item in items:
            if item.kind in ("MESSAGE", "FIRST", "NEXT"):
                demand(channel.received_total < channel.granted, "RECORD",
                       "more was sent than the limit allows")
                channel.received_total += item.size
            message = channel.order.item(item)
            if item.kind == "MESSAGE":
                self.inbox.append((channel.index, message, channel, item.size))
            elif item.kind in ("FIRST", "NEXT"):
                if message is not None:
                    self.inbox.append((channel.index, message, channel, 0))
                channel.free(item.size)
            elif item.kind is not None:
                getattr(self, "_on_" + item.kind.lower())(channel, item)

    def _on_padding(self, channel, item):
        pass

    def _on_ack(self, channel, item):
        demand(item.next <= channel.sealer.sequence, "RECORD",
               "ACK of records that were not sent")
        channel.acknowledge(item.next)
        channel.send_limit = max(channel.send_limit, item.limit)
        if self.is_ready:
            channel.pump()

    def _on_gap(self, channel, item):
        self._on_ack(channel, item)
        channel.resend()

    def _on_ready(self, channel, item):
        channel.ready = item.body
        if self.is_ready and item.body != self.own_ready:
            # Who it is, INSTANCES of that party will say too late for us.
            self._fail(Refused("RESTARTED", "a party restarted",
                               channel.index))
        self._compare_ready(channel)

    def _compare_ready(self, channel):
        if (channel.ready and self.own_ready and not channel.instances_sent
                and channel.ready != self.own_ready):
            channel.send_items(record.control(record.INSTANCES,
                                              b"".join(self._instances())))
            channel.instances_sent = True

    def _on_instances(self, channel, item):
        theirs = [item.body[16 * i:16 * i + 16] for i in range(self.n)]
        if len(self.channels) < self.n - 1:
            return
        for i, instance in enumerate(self._instances()):
            if instance != theirs[i]:
                self.suspect = i

    def _on_ping(self, channel, item):
        channel.send_items(record.control(record.PONG, item.body))

    def _on_pong(self, channel, item):
        pass

    def _on_close(self, channel, item):
        channel.send_items(channel.grant())

    def _on_abort(self, channel, item):
        name = NAMES.get(item.reason, "ABORTED")
        refused = Refused(name, f"party {channel.index} gave up: {item.text}",
                          item.culprit)
        if self.is_ready:
            self._channel_lost(channel, refused)
        elif name == "RESTARTED" and item.culprit in (None, self.index):
            # It concerns this process only; the others go on with the
            # party's later one.
            self.answer_until = now_ms()
            self.failure = self.failure or refused
        elif name == "RESTARTED" and item.culprit == channel.index:
            # The earlier process of that party gives up; wait for the later.
            self._channel_lost(channel, refused)
        else:
            self._fail(refused)

    # Opening

    def _instances(self):
        return [self.party.instance if i == self.index
                else self.channels[i].instance for i in range(self.n)]

    def _barrier(self):
        """PROTOCOL 7.3."""
        if (self.failure or self.is_ready
                or len(self.channels) < self.n - 1):
            return
        if self.own_ready is None:
            self.own_ready = sha256(
                b"parley instances 1" + self.party.hash
                + self.n.to_bytes(4, "big") + b"".join(self._instances()))
            for channel in self.channels.values():
                channel.instances_sent = False
                channel.send_items(record.control(record.READY,
                                                  self.own_ready))
                self._compare_ready(channel)
        self.is_ready = all(channel.ready == self.own_ready
                            for channel in self.channels.values())

    def _broken(self, link):
        """The connection is gone."""
        if link.state == "channel" and \
                self.channels.get(link.index) is link.channel:
            self._channel_lost(link.channel,
                               Refused("LOST", "connection broken",
                                       link.index))
        self._drop(link)

    def _channel_lost(self, channel, refused):
        if not self.is_ready:
            self.log(f"party {channel.index}: {refused}")
            if self.channels.get(channel.index) is channel:
                del self.channels[channel.index]
            self.own_ready = None
        elif not channel.order.closed:
            refused.culprit = channel.index
            self.lost.setdefault(channel.index, refused)
        self._drop(channel.link)

    def _fail(self, refused):
        """PROTOCOL 7.4."""
        if self.failure:
            return
        self.failure = refused
        self.answer_until = now_ms() + ANSWER_AFTER_FAILURE_MS
        for channel in self.channels.values():
            self._send_abort(channel)

    def _send_abort(self, channel):
        channel.send_items(record.abort(self.failure.number,
                                        self.failure.culprit,
                                        self.failure.why))

    # What a program calls

    def open(self):
        """Wait until every party is ready."""
        while not self.is_ready:
            self.step()
            if self.failure:
                while now_ms() < self.answer_until:
                    self.step()
                raise self.failure
            if now_ms() > self.timeout_at:
                missing = [i for i in range(self.n)
                           if i != self.index and i not in self.channels]
                if not missing and self.suspect is not None:
                    raise Refused("RESTARTED", "processes of party "
                                  f"{self.suspect} differ", self.suspect)
                raise Refused("TIMEOUT", f"parties {missing} are missing",
                              missing[0] if missing else None)

    def send(self, index, message):
        if index in self.lost:
            raise self.lost[index]
        channel = self.channels[index]
        channel.queue.append([bytes(message), 0])
        # Not at every call, so that small messages share a record.
        if len(channel.queue) >= 256 or len(message) >= PART:
            channel.pump()

    def flush(self):
        for channel in self.channels.values():
            channel.pump()

    def recv(self, index=None, timeout_ms=60000):
        """The next message, of party `index` or of any: (index, message)."""
        deadline = now_ms() + timeout_ms
        self.flush()
        while True:
            for i, entry in enumerate(self.inbox):
                if index is None or entry[0] == index:
                    sender, message, channel, size = entry
                    del self.inbox[i]
                    channel.free(size)
                    return sender, message
            if self.failure:
                raise self.failure
            for lost in self.lost:
                if index in (None, lost):
                    raise self.lost[lost]
            if index is not None and self.channels[index].order.closed:
                raise Refused("CLOSED", "party closed", index)
            demand(now_ms() < deadline, "TIMEOUT", "nothing came")
            self.step()

    def ping(self, index):
        self.channels[index].send_items(record.control(record.PING, b"ping"))

    def close(self, timeout_ms=30000):
        """PROTOCOL 8.2; the indices of parties that may have missed
        something."""
        deadline = now_ms() + timeout_ms
        waiting = True
        while waiting and now_ms() < deadline:
            waiting = False
            for index, channel in self.channels.items():
                if index in self.lost or channel.order.closed \
                        and not channel.queue \
                        and channel.close_sequence is not None:
                    continue
                channel.pump()
                if not channel.queue and channel.close_sequence is None:
                    channel.close_sequence = channel.sealer.sequence
                    # With an ACK: if it is the last thing that the other
                    # one hears, it knows what has arrived.
                    channel.send_items(channel.grant()
                                       + record.control(record.CLOSE))
                if (channel.close_sequence is None
                        or channel.acknowledged <= channel.close_sequence):
                    waiting = True
            if waiting:
                self.step(20)
        undelivered = [i for i, c in self.channels.items() if not (
            c.close_sequence is not None
            and (c.acknowledged > c.close_sequence or c.order.closed))]
        self.destroy()
        return undelivered

    def destroy(self):
        for link in [d.link for d in self.dials.values() if d.link]:
            self._drop(link)
        for channel in self.channels.values():
            self._drop(channel.link)
        if self.router:
            self.router.disable_monitor()
            self.router_monitor.close()
            self.router.close()
        self.context.term()


def arrived(socket):
    """What a socket has, message by message."""
    while True:
        try:
            yield socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return


def monitor_events(monitor):
    events = []
    while monitor.poll(0):
        event = parse_monitor_message(monitor.recv_multipart())
        events.append((event["event"], event["value"]))
    return [e for e in events if is_int(e[1])]
