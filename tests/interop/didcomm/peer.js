// didcomm-node's side of tests/interop/didcomm.sh.  Usage: peer.js ENVELOPE,
// where ENVELOPE is the program built from envelope.c; every case hands
// envelopes between the two through its stdin and stdout.
"use strict";

const assert = require("assert");
const crypto = require("crypto");
const { spawnSync } = require("child_process");
const { Message } = require("didcomm-node");

const envelope = process.argv[2];

// --- keys: Ed25519 and did:key, from the specification of did:key ---

function base58(bytes) {
  const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let n = BigInt("0x" + bytes.toString("hex"));
  let text = "";
  for (; n > 0n; n /= 58n) text = alphabet[Number(n % 58n)] + text;
  return text;
}

function party(name) {
  const seed = crypto.createHash("sha256").update("interop " + name).digest();
  const der = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const jwk = crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ format: "jwk" });
  const multikey = "z" + base58(Buffer.concat([
    Buffer.from([0xed, 0x01]), Buffer.from(jwk.x, "base64url")]));
  const did = "did:key:" + multikey;
  return { seed: seed.toString("hex"), jwk, did, kid: did + "#" + multikey };
}

const ours = party("library");
const theirs = party("didcomm-node");
const mallory = party("mallory");

// --- what didcomm-node asks of its user ---

const resolver = {
  // Its documents are flat: references are strings, no Multikey.
  async resolve(did) {
    const multikey = did.slice("did:key:".length);
    const kid = did + "#" + multikey;
    return {
      id: did,
      keyAgreement: [],
      authentication: [kid],
      verificationMethod: [{
        id: kid,
        type: "Ed25519VerificationKey2020",
        controller: did,
        publicKeyMultibase: multikey,
      }],
      service: [],
    };
  },
};

function secrets(p) {
  const secret = { id: p.kid, type: "JsonWebKey2020", privateKeyJwk: p.jwk };
  return {
    async get_secret(id) { return id === p.kid ? secret : null; },
    async find_secrets(ids) { return ids.filter((id) => id === p.kid); },
  };
}

function message(from, extra) {
  return {
    id: "b5d3cbd6-6f5c-4d4f-a0ab-6a5d2f1b0c8e",
    typ: "application/didcomm-plain+json",
    type: "https://didcomm.org/trust-ping/2.0/ping",
    from: from.did,
    to: [ours.did],
    created_time: 1767225600,
    expires_time: 1767229200,
    body: { response_requested: true, text: "Grüße, 世界" },
    ...extra,
  };
}

// --- the four operations ---

function run(args, input) {
  const r = spawnSync(envelope, args, { input, encoding: "utf8" });
  if (r.error) throw r.error;
  return r;
}

function ourPack(from, m) {
  const r = run(["pack", from.seed], JSON.stringify(m));
  assert.strictEqual(r.status, 0, r.stderr);
  return r.stdout;
}

function ourUnpack(text) {
  const r = run(["unpack"], text);
  if (r.status !== 0) return { error: r.stderr.trim() };
  const split = r.stdout.indexOf("\n");
  return { signer: r.stdout.slice(0, split),
           message: JSON.parse(r.stdout.slice(split + 1)) };
}

async function theirPack(from, m) {
  const [text] = await new Message(m).pack_signed(
    from.did, resolver, secrets(from));
  return text;
}

async function theirUnpack(text) {
  const [m, metadata] = await Message.unpack(
    text, resolver, secrets(theirs), {});
  return { message: m.as_value(), metadata };
}

// Members that both have; didcomm-node writes absent ones its own way.
function same(got, sent) {
  for (const name of Object.keys(sent))
    assert.deepStrictEqual(got[name], sent[name], name);
}

function changeSignature(text) {
  const e = JSON.parse(text);
  const s = e.signatures[0].signature;
  e.signatures[0].signature = (s[0] === "A" ? "B" : "A") + s.slice(1);
  return JSON.stringify(e);
}

const attachment = [{ id: "1", media_type: "application/json",
                      data: { json: { a: [1, 2] } } }];

const cases = {
  async "didcomm-node opens what the library signs"() {
    const sent = message(ours);
    const { message: got, metadata } = await theirUnpack(ourPack(ours, sent));
    same(got, sent);
    assert.strictEqual(metadata.sign_from, ours.kid);
    assert.strictEqual(metadata.authenticated, true);
    assert.strictEqual(metadata.non_repudiation, true);
    assert.strictEqual(metadata.encrypted, false);
  },
  async "the same with thread, attachment and unknown member"() {
    const sent = message(ours, { thid: "t1", pthid: "p1", unknown: "x",
                                 attachments: attachment });
    const { message: got } = await theirUnpack(ourPack(ours, sent));
    same(got, sent);
  },
  async "didcomm-node refuses it with another signature"() {
    const text = changeSignature(ourPack(ours, message(ours)));
    await assert.rejects(theirUnpack(text));
  },
  async "the library opens what didcomm-node signs"() {
    const sent = message(theirs);
    const got = ourUnpack(await theirPack(theirs, sent));
    assert.strictEqual(got.error, undefined);
    assert.strictEqual(got.signer, theirs.did);
    same(got.message, sent);
  },
  async "the same with thread, attachment and unknown member, back"() {
    const sent = message(theirs, { thid: "t1", pthid: "p1", unknown: "x",
                                   attachments: attachment });
    const got = ourUnpack(await theirPack(theirs, sent));
    assert.strictEqual(got.error, undefined);
    same(got.message, sent);
  },
  async "the library refuses it with another signature"() {
    const text = changeSignature(await theirPack(theirs, message(theirs)));
    assert.strictEqual(ourUnpack(text).error, "PARLEY_ERR_SIGNATURE");
  },
  // didcomm-node does not compare `from` with the signer; the library must.
  async "the library refuses a message from another than its signer"() {
    const text = await theirPack(mallory, message(theirs));
    assert.strictEqual(ourUnpack(text).error, "PARLEY_ERR_ADDRESS");
  },
};

(async () => {
  let failed = 0;
  for (const [name, body] of Object.entries(cases)) {
    try {
      await body();
      console.log("ok      " + name);
    } catch (e) {
      failed++;
      console.log("FAILED  " + name + ": " + (e && e.message ? e.message : e));
    }
  }
  console.log("didcomm-node: %d cases, %d failed",
              Object.keys(cases).length, failed);
  process.exit(failed ? 1 : 0);
})();
