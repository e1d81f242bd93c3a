"""The handshake (PROTOCOL 5) as functions of bytes: time, randomness and
what the party remembers are passed in.

    I                                                     R
    A1-A4   propose ------------------------------------> B1-B4
    C1-C6   <------------------------------------ accept  B5-B8
    C7-C10  confirm ------------------------------------> D1-D7

Both halves of each message stand together.  `trace` collects every
intermediate value under its name in PROTOCOL.md, for the vectors.
"""

import hmac

from . import envelope
from .agreement import differing
from .encoding import b64, b64_decode, is_int
from .errors import demand
from .schedule import (T0, HandshakeKeys, TrafficKeys, gate_key, mac, open_,
                       seal, sha256, x25519, x25519_public)

PROPOSE, ACCEPT, CONFIRM, REFUSE, RECORD = 0x01, 0x02, 0x03, 0x04, 0x10
DISPUTE = 0x08
VERSION = 1
HANDSHAKE_LEN_MAX = 131072  # of accept and confirm
FIELDS_MAX = 4096
LIFETIME_S = 86400
NO_SUCH_DID, NO_COMMON_SUITE, NO_SUCH_VERSION = 1, 2, 3
TYPE = {ACCEPT: "urn:parley:session/1.0/accept",
        CONFIRM: "urn:parley:session/1.0/confirm"}


class Party:
    """Who this party is: everything that stays the same in all handshakes
    of one session."""

    def __init__(self, agreement, identity, instance, suites):
        self.agreement = agreement
        self.identity = identity
        self.instance = instance
        self.suites = list(suites)
        self.index = agreement.index(identity.did)
        self.gate_key = gate_key(agreement.id)
        self.hash = agreement.hash()
        self.fields = agreement.fields()


class Refuse(Exception):
    """The propose is to be answered with the refuse message `message`; a
    holder of the agreement may object by `dispute`."""

    def __init__(self, message, reason, dispute):
        super().__init__(f"refused for reason {reason}")
        self.message = message
        self.reason = reason
        self.dispute = dispute


class Handshake:
    """One handshake, of either role."""

    def __init__(self, party):
        self.party = party
        self.trace = {}

    def _note(self, **values):
        self.trace.update(values)

    def _handshake_keys(self, public):
        """C3 and B5: dh and what follows from it."""
        dh = x25519(self.ephemeral, public)
        keys = HandshakeKeys(dh, self.party.agreement.id, self.t2)
        self._note(dh=dh, **vars(keys))
        return keys

    def _traffic_keys(self):
        keys = TrafficKeys(self.keys.hs, self.t7, self.party.hash)
        self._note(**vars(keys))
        return keys

    def _envelope(self, kind, to, transcript, message_id, now):
        return envelope.pack(self.party.identity, self._message(
            kind, to, transcript, message_id, now))

    def _message(self, kind, to, transcript, message_id, now):
        """PROTOCOL 5.5, the payload."""
        party = self.party
        message = {"id": message_id.hex(), "type": TYPE[kind],
                   "from": party.identity.did}
        if to is not None:
            message["to"] = [to]
        return message | {
            "thid": self.tag.hex(),
            "created_time": now,
            "expires_time": now + LIFETIME_S,
            "body": {
                "index": party.index,
                "agreement": b64(party.hash),
                "fields": {path: b64(digest)
                           for path, digest in party.fields.items()},
                "instance": b64(party.instance),
                "transcript": b64(transcript),
            },
        }

    def _read_envelope(self, kind, to, transcript, text, now):
        """PROTOCOL 5.5; what the other party signed."""
        message, signer = envelope.unpack(text)
        demand(message["type"] == TYPE[kind], "PURPOSE",
               "signed for another purpose")
        demand(message.get("thid") == self.tag.hex(), "TRANSCRIPT",
               "thid is not the session tag")
        demand(message.get("to") == (None if to is None else [to]), "ADDRESS",
               "to is not as it must be")
        said = Said(signer, message.get("body"))
        demand(said.transcript == transcript, "TRANSCRIPT",
               "signed for another transcript")
        expires = message.get("expires_time")
        demand(is_int(message.get("created_time")) and is_int(expires),
               "MESSAGE", "created_time or expires_time is missing")
        demand(expires > now, "EXPIRED", "envelope has expired")
        said.differ = (differing(self.party.fields, said.fields)
                       if said.hash != self.party.hash else None)
        return said


class Said:
    """What an envelope's signer states."""

    def __init__(self, did, body):
        demand(isinstance(body, dict), "MESSAGE", "body is missing")
        self.did = did
        self.index = body.get("index")
        demand(is_int(self.index) and self.index >= 0, "MESSAGE", "body.index")
        self.hash = read_bytes(body, "agreement", 32)
        self.instance = read_bytes(body, "instance", 16)
        self.transcript = read_bytes(body, "transcript", 32)
        fields = body.get("fields")
        demand(isinstance(fields, dict) and len(fields) <= FIELDS_MAX,
               "MESSAGE", "body.fields")
        self.fields = {path: read_bytes(fields, path, None) for path in fields}
        self.differ = None  # paths, if the agreements differ


def read_bytes(holder, member, length):
    demand(isinstance(holder.get(member), str), "MESSAGE", f"body.{member}")
    data = b64_decode(holder[member])
    demand(length in (None, len(data)), "MESSAGE", f"body.{member}")
    return data


class Initiator(Handshake):
    """A1-A4: `propose` is the message to send to the party at `dialled`."""

    def __init__(self, party, dialled, tag, ephemeral):
        super().__init__(party)
        self.dialled = dialled
        self.did = party.agreement.parties[dialled].did
        self.tag, self.ephemeral = tag, ephemeral  # A1
        self.public = x25519_public(ephemeral)
        clear = (bytes([PROPOSE, VERSION]) + tag  # A2
                 + bytes([len(party.suites)]) + bytes(party.suites)
                 + self.public + to_mac(party, tag, self.did))
        self.propose = clear + propose_mac(party, clear)  # A3
        self.t1 = sha256(T0 + self.propose)  # A4
        self.accepted = False
        self._note(gate_key=party.gate_key, eI=self.public, T0=T0, T1=self.t1)

    def consume_accept(self, accept, message_id, now):
        """C1-C9: sets `said` (what R signed) and returns the confirm."""
        party = self.party
        demand(50 + 16 + 32 < len(accept) <= HANDSHAKE_LEN_MAX, "LENGTH",
               "length of accept")  # C1
        demand(accept[0] == ACCEPT and accept[1:17] == self.tag, "TRANSCRIPT",
               "accept of another handshake")
        suite, public = accept[17], accept[18:50]
        demand(suite in party.suites, "SUITE", "suite was not offered")  # C2
        demand(public != self.public, "REFLECTION", "eR is eI")  # C3
        self.t2 = sha256(self.t1 + accept[:50])
        keys = self._handshake_keys(public)
        text, finished = split(open_(suite, keys.k_R, keys.v_R, self.t2,
                                     accept[50:]))  # C4
        said = self._read_envelope(ACCEPT, None, self.t2, text, now)  # C5
        if said.did != self.did:
            demand(party.agreement.index(said.did) is not None, "ROSTER",
                   "signer is not in the roster")
            demand(False, "INDEX", "signer is another party")
        t3 = sha256(self.t2 + text)
        demand(hmac.compare_digest(finished, mac(keys.f_R, t3)), "FINISHED",
               "R's finished does not match")  # C6
        t4 = sha256(t3 + finished)

        clear = bytes([CONFIRM]) + self.tag
        t5 = sha256(t4 + clear)
        own = self._envelope(CONFIRM, self.did, t5, message_id, now)  # C7
        t6 = sha256(t5 + own)
        own_finished = mac(keys.f_I, t6)  # C8
        self.t7 = sha256(t6 + own_finished)
        self.suite, self.keys, self.said = suite, keys, said
        self.accepted = True
        self._note(T2=self.t2, T3=t3, T4=t4, T5=t5, T6=t6, T7=self.t7)
        return clear + seal(suite, keys.k_I, keys.v_I, t5, own + own_finished)

    def derive(self):
        """C10: (secret to send with, secret to receive with).  Raises
        AGREEMENT if the agreements differ; said.differ has the paths."""
        demand(self.said.differ is None, "AGREEMENT", "agreement differs")
        demand(self.said.index == self.dialled, "INDEX",
               "R claims another index")
        keys = self._traffic_keys()
        return keys.s_I, keys.s_R

    def consume_refuse(self, refuse):
        """The reason, or None if the message is to be ignored."""
        if (len(refuse) != 50 or refuse[0] != REFUSE
                or refuse[1:17] != self.tag or self.accepted):
            return None
        self.nonce = refuse[18:34]
        expected = refuse_mac(self.party, self.t1, refuse[17], self.nonce)
        return refuse[17] if hmac.compare_digest(refuse[34:],
                                                 expected) else None

    def dispute(self):
        """The answer to a refuse for another DID."""
        return (bytes([DISPUTE]) + self.tag
                + dispute_mac(self.party, self.t1, self.nonce))


class Responder(Handshake):
    """B1-B8: `accept` is the answer to `propose`.  Raises Refused for
    silence and Refuse for an answer that says why not.  `seen` and `own` are
    sets of tags: of proposes consumed and of proposes sent."""

    def __init__(self, party, propose, seen, own, ephemeral, message_id, now):
        super().__init__(party)
        demand(len(propose) > 18 and len(propose) == 83 + propose[18], "LENGTH",
               "length of propose")  # B1
        demand(hmac.compare_digest(propose[-16:],
                                   propose_mac(party, propose[:-16])),
               "GATE", "sender does not hold the agreement")  # B2
        self.tag = propose[2:18]
        self.t1 = sha256(T0 + propose)
        self.nonce = message_id
        if propose[1] != VERSION:  # B3
            self._refuse(NO_SUCH_VERSION)
        demand(self.tag not in own, "REFLECTION", "own propose came back")
        demand(self.tag not in seen, "REPLAY", "propose seen before")
        seen.add(self.tag)
        offered = propose[19:19 + propose[18]]
        demand(1 <= len(offered) <= 16 and len(set(offered)) == len(offered),
               "FORMAT", "suites offered")
        public = propose[-64:-32]
        if propose[-32:-16] != to_mac(party, self.tag, party.identity.did):
            self._refuse(NO_SUCH_DID)  # B4

        self.suite = next((s for s in party.suites if s in offered), None)
        if self.suite is None:  # B5
            self._refuse(NO_COMMON_SUITE)
        self.ephemeral = ephemeral
        clear = (bytes([ACCEPT]) + self.tag + bytes([self.suite])
                 + x25519_public(ephemeral))
        self.t2 = sha256(self.t1 + clear)
        self.keys = keys = self._handshake_keys(public)
        text = self._envelope(ACCEPT, None, self.t2, message_id, now)  # B6
        t3 = sha256(self.t2 + text)
        finished = mac(keys.f_R, t3)  # B7
        self.t4 = sha256(t3 + finished)
        self.accept = clear + seal(self.suite, keys.k_R, keys.v_R, self.t2,
                                   text + finished)  # B8
        self._note(eR=clear[18:])

    def _refuse(self, reason):
        message = (bytes([REFUSE]) + self.tag + bytes([reason]) + self.nonce
                   + refuse_mac(self.party, self.t1, reason, self.nonce))
        raise Refuse(message, reason, bytes([DISPUTE]) + self.tag
                     + dispute_mac(self.party, self.t1, self.nonce))

    def consume_confirm(self, confirm, now):
        """D1-D5: sets `said` (what I signed)."""
        keys, roster = self.keys, self.party.agreement
        demand(17 + 16 + 32 < len(confirm) <= HANDSHAKE_LEN_MAX, "LENGTH",
               "length of confirm")  # D1
        demand(confirm[0] == CONFIRM and confirm[1:17] == self.tag,
               "TRANSCRIPT", "confirm of another handshake")
        t5 = sha256(self.t4 + confirm[:17])
        text, finished = split(open_(self.suite, keys.k_I, keys.v_I, t5,
                                     confirm[17:]))  # D2
        said = self._read_envelope(CONFIRM, self.party.identity.did, t5, text,
                                   now)  # D3
        if said.differ is None:  # D4
            index = roster.index(said.did)
            demand(index is not None and index != self.party.index, "ROSTER",
                   "signer is not in the roster")
            demand(index == said.index, "INDEX", "signer has another index")
        t6 = sha256(t5 + text)
        demand(hmac.compare_digest(finished, mac(keys.f_I, t6)), "FINISHED",
               "I's finished does not match")  # D5
        self.t7 = sha256(t6 + finished)
        self.said = said

    def derive(self):
        """D6, D7: (secret to send with, secret to receive with)."""
        demand(self.said.differ is None, "AGREEMENT", "agreement differs")
        keys = self._traffic_keys()
        return keys.s_R, keys.s_I


def to_mac(party, tag, did):
    return mac(party.gate_key, b"to" + tag + did.encode())[:16]


def propose_mac(party, clear):
    return mac(party.gate_key, b"gate" + clear)[:16]


def refuse_mac(party, t1, reason, nonce):
    return mac(party.gate_key,
               b"refuse" + t1 + bytes([reason]) + nonce)[:16]


def dispute_mac(party, t1, nonce):
    return mac(party.gate_key, b"dispute" + t1 + nonce)[:16]


def split(plaintext):
    return plaintext[:-32], plaintext[-32:]
