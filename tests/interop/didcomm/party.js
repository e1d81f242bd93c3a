// Parties with keys of every type, their documents, and the program built from
// envelope.c, for peer.js and tests/bench/envelope.js.
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { spawn } = require("child_process");

const LAYERS = { plain: 0, signed: 1, anoncrypt: 2, authcrypt: 3,
                 "anoncrypt-signed": 4, "anoncrypt-authcrypt": 5,
                 "authcrypt-signed": 6 };
const ENCS = { "A256CBC-HS512": 0, A256GCM: 1, XC20P: 2 };

// Types of key by the name of the key, in the order of the document.
const SIGNING = { ed: "Ed25519", p256: "P-256", k1: "secp256k1" };
const AGREEING = { x: "X25519", ep256: "P-256", ep384: "P-384",
                   ep521: "P-521" };

function makeKey(crv) {
  if (crv === "Ed25519" || crv === "X25519")
    return crypto.generateKeyPairSync(crv.toLowerCase()).privateKey
      .export({ format: "jwk" });
  return crypto.generateKeyPairSync("ec", { namedCurve: crv }).privateKey
    .export({ format: "jwk" });
}

function publicJwk({ kty, crv, x, y }) {
  return y === undefined ? { kty, crv, x } : { kty, crv, x, y };
}

// A party did:example:NAME; two keys of each agreement type.
function party(name, only) {
  const did = "did:example:" + name;
  const keys = {};
  const add = (id, crv) => {
    if (!only || only.includes(id.split("-")[0])) keys[did + "#" + id] = makeKey(crv);
  };
  for (const [id, crv] of Object.entries(SIGNING)) add(id, crv);
  for (const [id, crv] of Object.entries(AGREEING)) {
    add(id + "-1", crv);
    add(id + "-2", crv);
  }
  const agrees = (kid) => kid.split("#")[1].includes("-");
  const document = {
    id: did,
    authentication: Object.keys(keys).filter((k) => !agrees(k)),
    keyAgreement: Object.keys(keys).filter(agrees),
    verificationMethod: Object.keys(keys).map((kid) => ({
      id: kid, type: "JsonWebKey2020", controller: did,
      publicKeyJwk: publicJwk(keys[kid]) })),
    service: [],
  };
  return { did, keys, document };
}

function base58(bytes) {
  const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let n = BigInt("0x" + bytes.toString("hex"));
  let text = "";
  for (; n > 0n; n /= 58n) text = alphabet[Number(n % 58n)] + text;
  return text;
}

function multikey(code, bytes) {
  return "z" + base58(Buffer.concat([Buffer.from(code), bytes]));
}

// A did:key party: Ed25519, and the X25519 key derived from it (RFC 7748).
function keyParty() {
  const ed = makeKey("Ed25519");
  const scalar = crypto.createHash("sha512")
    .update(Buffer.from(ed.d, "base64url")).digest().subarray(0, 32);
  scalar[0] &= 248;
  scalar[31] = (scalar[31] & 127) | 64;
  const x = crypto.createPrivateKey({ key: Buffer.concat([
    Buffer.from("302e020100300506032b656e04220420", "hex"), scalar]),
    format: "der", type: "pkcs8" }).export({ format: "jwk" });
  const text = multikey([0xed, 1], Buffer.from(ed.x, "base64url"));
  const did = "did:key:" + text;
  const kids = [did + "#" + text, did + "#" + multikey(
    [0xec, 1], Buffer.from(x.x, "base64url"))];
  const keys = { [kids[0]]: ed, [kids[1]]: x };
  return { did, keys, document: {
    id: did, authentication: [kids[0]], keyAgreement: [kids[1]],
    verificationMethod: kids.map((kid) => ({
      id: kid, type: "JsonWebKey2020", controller: did,
      publicKeyJwk: publicJwk(keys[kid]) })),
    service: [] } };
}

// What didcomm-node asks of its user.
function resolverOf(...parties) {
  return {
    async resolve(did) {
      const p = parties.find((q) => q.did === did);
      return p ? p.document : null;
    },
  };
}

function secretsOf(...parties) {
  const keys = Object.assign({}, ...parties.map((p) => p.keys));
  return {
    async get_secret(id) {
      return keys[id]
        ? { id, type: "JsonWebKey2020", privateKeyJwk: keys[id] } : null;
    },
    async find_secrets(ids) { return ids.filter((id) => keys[id]); },
  };
}

// The library: one program, one request at a time.
class Library {
  constructor(program, work, parties) {
    const directory = path.join(work, "documents");
    fs.mkdirSync(directory, { recursive: true });
    for (const p of parties)
      fs.writeFileSync(path.join(directory,
        p.did.replace(/[:%]/g, "_") + ".json"), JSON.stringify(p.document));
    this.child = spawn(program, [directory],
                       { stdio: ["pipe", "pipe", "inherit"] });
    this.waiting = [];
    readline.createInterface({ input: this.child.stdout })
      .on("line", (l) => this.waiting.shift()(JSON.parse(l)));
    this.child.on("exit", (code) => {
      for (const w of this.waiting) w({ error: "exit " + code });
    });
  }

  call(op, rest) {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.child.stdin.write(JSON.stringify({ op, ...rest }) + "\n");
    });
  }

  async keysOf(p) {
    for (const [kid, jwk] of Object.entries(p.keys)) {
      const r = await this.call("key", { kid, jwk });
      if (r.error) throw new Error(kid + ": " + r.error);
    }
  }

  end() { this.child.stdin.end(); }
}

function message(from, to, bytes, extra) {
  return {
    id: "b5d3cbd6-6f5c-4d4f-a0ab-6a5d2f1b0c8e",
    typ: "application/didcomm-plain+json",
    type: "https://didcomm.org/basicmessage/2.0/message",
    from: from.did, to: [to.did], created_time: 1767225600,
    body: bytes ? { content: "x".repeat(bytes) } : {},
    ...extra,
  };
}

module.exports = { LAYERS, ENCS, SIGNING, AGREEING, Library, party, keyParty, publicJwk,
                   resolverOf, secretsOf, message };
