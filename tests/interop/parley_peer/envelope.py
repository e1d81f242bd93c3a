"""DIDComm v2.1 signed messages: JWS in JSON serialization, EdDSA only."""

from .did import key_id, verify
from .encoding import b64, b64_decode, is_int, json_decode, json_encode
from .errors import Refused, demand

TYP = "application/didcomm-signed+json"


def pack(identity, message):
    """Sign `message` (an object whose members are in the wanted order)."""
    protected = b64(json_encode({"typ": TYP, "alg": "EdDSA"}).encode())
    payload = b64(json_encode(message).encode())
    signature = identity.sign(f"{protected}.{payload}".encode())
    return json_encode({
        "payload": payload,
        "signatures": [{
            "protected": protected,
            "signature": b64(signature),
            "header": {"kid": identity.kid},
        }],
    }).encode()


def unpack(envelope):
    """The message and the DID that signed it, which is its `from`."""
    jws = json_decode(envelope)
    if "signatures" in jws:
        demand("signature" not in jws and "protected" not in jws
               and "header" not in jws, "ENVELOPE", "two serializations mixed")
        signatures = jws["signatures"]
        demand(isinstance(signatures, list) and len(signatures) == 1
               and isinstance(signatures[0], dict),
               "ENVELOPE", "not one signature")
        part = signatures[0]
    else:
        part = jws
    for member, holder in (("payload", jws), ("protected", part),
                           ("signature", part)):
        demand(isinstance(holder.get(member), str), "ENVELOPE",
               f"{member} is missing")
    header = part.get("header", {})
    demand(isinstance(header, dict), "ENVELOPE", "header is no object")

    protected = json_decode(b64_decode(part["protected"]))
    demand(not set(protected) & set(header), "ENVELOPE",
           "a header parameter in two places")
    demand(protected.get("alg") == "EdDSA", "ALGORITHM", "alg is not EdDSA")
    demand(not {"crit", "b64"} & (set(protected) | set(header)), "ALGORITHM",
           "crit or b64")
    typ = protected.get("typ", TYP)
    demand(isinstance(typ, str), "ENVELOPE", "typ is no string")
    demand((typ if "/" in typ else "application/" + typ) == TYP,
           "ENVELOPE", "typ is another")
    kid = protected.get("kid", header.get("kid"))
    demand(isinstance(kid, str), "KID", "kid is missing")

    payload = b64_decode(jws["payload"])
    try:
        message = json_decode(payload)
    except Refused as refused:
        raise Refused("MESSAGE", refused.why) from None
    for member in ("id", "type"):
        demand(isinstance(message.get(member), str), "MESSAGE",
               f"{member} is missing")
    demand(isinstance(message.get("from"), str), "ADDRESS", "from is missing")
    signer = kid.partition("#")[0]
    demand(signer == message["from"], "ADDRESS", "from is not the signer")
    demand(signer.startswith("did:key:") and kid == key_id(signer), "KID",
           "kid is not in authentication of from")
    check_members(message)
    signature = b64_decode(part["signature"])
    demand(len(signature) == 64, "SIGNATURE", "signature is not 64 bytes")
    verify(signer, signature, f"{part['protected']}.{jws['payload']}".encode())
    return message, signer


def check_members(message):
    to = message.get("to", [])
    demand(isinstance(to, list) and all(isinstance(did, str) for did in to),
           "MESSAGE", "to is no array of strings")
    demand(isinstance(message.get("thid", ""), str), "MESSAGE", "thid")
    for member in ("created_time", "expires_time"):
        demand(is_int(message.get(member, 0)), "MESSAGE", member)
    demand(isinstance(message.get("body", {}), dict), "MESSAGE", "body")
