// The npm side of tests/interop/didcomm.sh: didcomm-node (didcomm-rust in
// WebAssembly) and jose.  Usage: peer.js ENVELOPE WORK, where ENVELOPE is the
// program built from envelope.c.  Both ways, for each algorithm and curve that
// they have, at 0 B, 1 KiB and 1 MiB bodies.
"use strict";

const assert = require("assert");
const crypto = require("crypto");
const { Message, FromPrior } = require("didcomm-node");
const jose = require("jose");
const P = require("./party.js");

const SIZES = { "0 B": 0, "1 KiB": 1024, "1 MiB": 1 << 20 };
const ours = P.party("library");
const theirs = P.party("peer");
const mediator = P.party("mediator", ["x"]);
const old = P.party("old", ["ed"]);
const resolver = P.resolverOf(ours, theirs, mediator, old);
const library = new P.Library(process.argv[2], process.argv[3],
                              [ours, theirs, mediator, old]);
const cases = [];

function add(name, body) { cases.push([name, body]); }

// Members that both have; didcomm-node writes absent ones its own way.
function same(got, sent) {
  for (const name of Object.keys(sent))
    assert.deepStrictEqual(got[name], sent[name], name);
}

async function ourPack(m, how) {
  const r = await library.call("pack", { ...how, message: JSON.stringify(m) });
  assert.strictEqual(r.error, undefined, r.error + " " + r.reason);
  return r.envelope;
}

async function ourUnpack(envelope) {
  const r = await library.call("unpack", { envelope });
  assert.strictEqual(r.error, undefined, r.error + " " + r.reason);
  return { ...r, message: JSON.parse(r.message) };
}

async function theirUnpack(text) {
  const [m, metadata] = await Message.unpack(
    text, resolver, P.secretsOf(theirs), {});
  return { message: m.as_value(), metadata };
}

function theirEncrypt(m, to, from, sign, options) {
  return new Message(m).pack_encrypted(
    to, from, sign, resolver, P.secretsOf(theirs),
    { forward: false, protect_sender: false, ...options })
    .then(([text]) => text);
}

const ANON = { "A256CBC-HS512": "A256cbcHs512EcdhEsA256kw",
               A256GCM: "A256gcmEcdhEsA256kw", XC20P: "Xc20pEcdhEsA256kw" };

function didcommNode(label, bytes) {
  const out = P.message(ours, theirs, bytes);
  const back = P.message(theirs, ours, bytes);

  for (const id of Object.keys(P.SIGNING)) {
    const [o, t] = [ours, theirs].map((p) => p.did + "#" + id);
    add(`didcomm-node, ${P.SIGNING[id]}, ${label}: ours`, async () => {
      const { message, metadata } = await theirUnpack(
        await ourPack(out, { layers: P.LAYERS.signed, signer: o }));
      same(message, out);
      assert.strictEqual(metadata.sign_from, o);
    });
    add(`didcomm-node, ${P.SIGNING[id]}, ${label}: theirs`, async () => {
      const [text] = await new Message(back).pack_signed(
        t, resolver, P.secretsOf(theirs));
      const got = await ourUnpack(text);
      same(got.message, back);
      assert.strictEqual(got.signer, t);
      assert.strictEqual(got.layers, P.LAYERS.signed);
    });
  }
  for (const id of ["x-1", "ep256-1"]) {
    const [o, t] = [ours, theirs].map((p) => p.did + "#" + id);
    const crv = P.AGREEING[id.split("-")[0]];
    for (const [enc, name] of Object.entries(ANON)) {
      add(`didcomm-node, anoncrypt ${crv} ${enc}, ${label}: ours`, async () => {
        const { message, metadata } = await theirUnpack(await ourPack(out, {
          layers: P.LAYERS.anoncrypt, enc: P.ENCS[enc], to: t }));
        same(message, out);
        assert.strictEqual(metadata.encrypted, true);
        assert.strictEqual(metadata.authenticated, false);
      });
      add(`didcomm-node, anoncrypt ${crv} ${enc}, ${label}: theirs`, async () => {
        const got = await ourUnpack(await theirEncrypt(
          back, o, null, null, { enc_alg_anon: name }));
        same(got.message, back);
        assert.strictEqual(got.layers, P.LAYERS.anoncrypt);
      });
    }
    add(`didcomm-node, authcrypt ${crv}, ${label}: ours`, async () => {
      const { message, metadata } = await theirUnpack(await ourPack(out, {
        layers: P.LAYERS.authcrypt, to: t, sender: o }));
      same(message, out);
      assert.strictEqual(metadata.encrypted_from_kid, o);
    });
    add(`didcomm-node, authcrypt ${crv}, ${label}: theirs`, async () => {
      const got = await ourUnpack(await theirEncrypt(back, o, t, null, {}));
      same(got.message, back);
      assert.strictEqual(got.sender, t);
    });
    add(`didcomm-node, anoncrypt of authcrypt ${crv}, ${label}: ours`, async () => {
      const { message, metadata } = await theirUnpack(await ourPack(out, {
        layers: P.LAYERS["anoncrypt-authcrypt"], to: t, sender: o }));
      same(message, out);
      assert.strictEqual(metadata.anonymous_sender, true);
      assert.strictEqual(metadata.encrypted_from_kid, o);
    });
    add(`didcomm-node, anoncrypt of authcrypt ${crv}, ${label}: theirs`, async () => {
      const got = await ourUnpack(await theirEncrypt(
        back, o, t, null, { protect_sender: true }));
      same(got.message, back);
      assert.strictEqual(got.sender, t);
      assert.strictEqual(got.layers, P.LAYERS["anoncrypt-authcrypt"]);
    });
    add(`didcomm-node, anoncrypt of signed ${crv}, ${label}: ours`, async () => {
      const { message, metadata } = await theirUnpack(await ourPack(out, {
        layers: P.LAYERS["anoncrypt-signed"], to: t }));
      same(message, out);
      assert.strictEqual(metadata.sign_from, ours.did + "#ed");
    });
    add(`didcomm-node, anoncrypt of signed ${crv}, ${label}: theirs`, async () => {
      const got = await ourUnpack(await theirEncrypt(
        back, o, null, theirs.did + "#ed", {}));
      same(got.message, back);
      assert.strictEqual(got.signer, theirs.did + "#ed");
    });
    add(`didcomm-node, authcrypt of signed ${crv}, ${label}: theirs`, async () => {
      const got = await ourUnpack(await theirEncrypt(
        back, o, t, theirs.did + "#ed", {}));
      same(got.message, back);
      assert.strictEqual(got.signer, theirs.did + "#ed");
      assert.strictEqual(got.sender, t);
      assert.strictEqual(got.layers, P.LAYERS["authcrypt-signed"]);
    });
  }
}

const ALGS = { ed: "EdDSA", p256: "ES256", k1: "ES256K" };

async function josePublic(p, kid, alg) {
  return jose.importJWK(P.publicJwk(p.keys[kid]), alg);
}

// jose as a DIDComm sender: the headers are DIDComm's, the rest is its own.
function joseCases(label, bytes) {
  const out = P.message(ours, theirs, bytes);
  const back = P.message(theirs, ours, bytes);
  const payload = Buffer.from(JSON.stringify(back));

  for (const [id, alg] of Object.entries(ALGS)) {
    const [o, t] = [ours, theirs].map((p) => p.did + "#" + id);
    add(`jose, ${alg}, ${label}: ours`, async () => {
      const text = await ourPack(out, { layers: P.LAYERS.signed, signer: o });
      const r = await jose.generalVerify(JSON.parse(text),
                                         await josePublic(ours, o, alg));
      same(JSON.parse(Buffer.from(r.payload)), out);
    });
    for (const form of ["general", "flattened"]) {
      add(`jose, ${alg} ${form}, ${label}: theirs`, async () => {
        const key = await jose.importJWK(theirs.keys[t], alg);
        const head = { alg, typ: "application/didcomm-signed+json" };
        const text = form === "general"
          ? await new jose.GeneralSign(payload).addSignature(key)
            .setProtectedHeader(head).setUnprotectedHeader({ kid: t }).sign()
          : await new jose.FlattenedSign(payload)
            .setProtectedHeader({ ...head, kid: t }).sign(key);
        const got = await ourUnpack(JSON.stringify(text));
        same(got.message, back);
        assert.strictEqual(got.signer, t);
      });
    }
  }
  for (const [id, crv] of Object.entries(P.AGREEING)) {
    const [o, t] = [ours, theirs].map((p) => p.did + "#" + id + "-1");
    for (const enc of ["A256CBC-HS512", "A256GCM"]) {
      add(`jose, anoncrypt ${crv} ${enc}, ${label}: ours`, async () => {
        const text = await ourPack(out, { layers: P.LAYERS.anoncrypt,
                                          enc: P.ENCS[enc], to: t });
        const key = await jose.importJWK(theirs.keys[t], "ECDH-ES+A256KW");
        const r = await jose.generalDecrypt(JSON.parse(text), key);
        same(JSON.parse(Buffer.from(r.plaintext)), out);
      });
      add(`jose, anoncrypt ${crv} ${enc}, ${label}: theirs`, async () => {
        const { encrypted_key, header, ...rest } =
          await new jose.FlattenedEncrypt(payload)
            .setProtectedHeader({ alg: "ECDH-ES+A256KW", enc,
                                  typ: "application/didcomm-encrypted+json" })
            .setUnprotectedHeader({ kid: o })
            .setKeyManagementParameters({
              apv: crypto.createHash("sha256").update(o).digest() })
            .encrypt(await josePublic(ours, o, "ECDH-ES+A256KW"));
        // The general form of the same; both are outside of what is sealed.
        const kid = (header || rest.unprotected).kid;
        delete rest.unprotected;
        const got = await ourUnpack(JSON.stringify({
          ...rest, recipients: [{ header: { kid }, encrypted_key }] }));
        same(got.message, back);
        assert.strictEqual(got.read_by, o);
      });
    }
  }
}

function others() {
  const out = P.message(ours, theirs, 64);
  const back = P.message(theirs, ours, 64);

  add("didcomm-node, all keys of a DID: ours", async () => {
    const { message, metadata } = await theirUnpack(await ourPack(out, {
      layers: P.LAYERS.authcrypt, to: theirs.did }));
    same(message, out);
    assert.strictEqual(metadata.encrypted_to_kids.length, 2);
  });
  add("didcomm-node, forward: ours through a mediator", async () => {
    const text = await ourPack(out, { layers: P.LAYERS.authcrypt,
      to: theirs.did, routing: [mediator.did] });
    const [m] = await Message.unpack(text, resolver, P.secretsOf(mediator), {});
    const forward = m.try_parse_forward();
    assert.strictEqual(forward.next, theirs.did);
    same((await theirUnpack(JSON.stringify(forward.forwarded_msg))).message,
         out);
  });
  add("didcomm-node, forward: theirs, we mediate", async () => {
    const inner = await theirEncrypt(back, ours.did, theirs.did, null, {});
    const text = await Message.wrap_in_forward(
      inner, {}, ours.did, [ours.did + "#x-1"], "A256cbcHs512EcdhEsA256kw",
      resolver);
    const outer = await library.call("unpack", { envelope: text });
    assert.strictEqual(outer.error, undefined, outer.reason);
    const f = await library.call("forward", { message: outer.message });
    assert.strictEqual(f.error, undefined);
    assert.strictEqual(f.next, ours.did);
    same((await ourUnpack(f.packed)).message, back);
  });
  add("didcomm-node, from_prior: ours", async () => {
    await library.keysOf(old);
    const { jwt } = await library.call("prior", { kid: old.did + "#ed",
                                                  to: ours.did });
    const { message, metadata } = await theirUnpack(await ourPack(
      { ...out, from_prior: jwt }, { layers: P.LAYERS.authcrypt,
                                     to: theirs.did }));
    same(message, out);
    assert.strictEqual(metadata.from_prior.iss, old.did);
    assert.strictEqual(metadata.from_prior.sub, ours.did);
  });
  add("didcomm-node, from_prior: theirs", async () => {
    const [jwt] = await new FromPrior({ iss: old.did, sub: theirs.did,
                                        iat: 1767225600 })
      .pack(old.did + "#ed", resolver, P.secretsOf(old));
    const got = await ourUnpack(await theirEncrypt(
      { ...back, from_prior: jwt }, ours.did, theirs.did, null, {}));
    same(got.message, back);
    assert.strictEqual(got.prior, old.did);
  });
  // didcomm-node does not compare `from` with the signer; the library must.
  add("the library refuses a message from another than its signer", async () => {
    const [text] = await new Message(P.message(mediator, ours, 0)).pack_signed(
      theirs.did + "#ed", resolver, P.secretsOf(theirs));
    const r = await library.call("unpack", { envelope: text });
    assert.strictEqual(r.error, "PARLEY_ERR_ADDRESS");
  });
  add("didcomm-node refuses ours with another signature", async () => {
    const e = JSON.parse(await ourPack(out, { layers: P.LAYERS.signed }));
    const s = e.signatures[0].signature;
    e.signatures[0].signature = (s[0] === "A" ? "B" : "A") + s.slice(1);
    await assert.rejects(theirUnpack(JSON.stringify(e)));
  });
}

(async () => {
  let failed = 0;
  await library.keysOf(ours);
  for (const [label, bytes] of Object.entries(SIZES)) {
    didcommNode(label, bytes);
    joseCases(label, bytes);
  }
  others();
  for (const [name, body] of cases) {
    try {
      await body();
      console.log("ok      " + name);
    } catch (e) {
      failed++;
      console.log("FAILED  " + name + ": " + (e && e.message ? e.message : e));
    }
  }
  library.end();
  console.log("npm: %d cases, %d failed", cases.length, failed);
  process.exit(failed ? 1 : 0);
})();
