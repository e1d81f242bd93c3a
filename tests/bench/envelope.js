// The rows of tests/bench/envelope.sh: per second of processor time, so that
// other load on the machine counts for neither side.  Usage: envelope.js
// ENVELOPE WORK SECONDS BAR.
// Both sides take turns, row by row, so that both see the same machine.  Parties
// are did:key with Ed25519 and X25519 keys, one recipient key.  The library
// resolves the did:key itself; didcomm-node gets ready documents.
"use strict";

const { Message } = require("didcomm-node");
const P = require("./party.js");

const span = Number(process.argv[4]);
const bar = Number(process.argv[5]);
const alice = P.keyParty();
const bob = P.keyParty();
const to = bob.document.keyAgreement[0];
const resolver = P.resolverOf(alice, bob);
const secrets = P.secretsOf(alice, bob);
const library = new P.Library(process.argv[2], process.argv[3], [alice, bob]);

const plain = { forward: false, protect_sender: false };
const rows = {
  signed: {
    how: { layers: P.LAYERS.signed },
    pack: (m) => m.pack_signed(alice.did, resolver, secrets),
  },
  "anoncrypt A256CBC-HS512": {
    how: { layers: P.LAYERS.anoncrypt, enc: P.ENCS["A256CBC-HS512"], to },
    pack: (m) => m.pack_encrypted(to, null, null, resolver, secrets,
      { ...plain, enc_alg_anon: "A256cbcHs512EcdhEsA256kw" }),
  },
  "anoncrypt XC20P": {
    how: { layers: P.LAYERS.anoncrypt, enc: P.ENCS.XC20P, to },
    pack: (m) => m.pack_encrypted(to, null, null, resolver, secrets,
      { ...plain, enc_alg_anon: "Xc20pEcdhEsA256kw" }),
  },
  authcrypt: {
    how: { layers: P.LAYERS.authcrypt, to },
    pack: (m) => m.pack_encrypted(to, alice.did, null, resolver, secrets,
                                  plain),
  },
};

// Seconds of processor time, as on the library's side.
function now() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function rate(body) {
  let n = 0;
  for (let i = 0; i < 100; i++) await body();
  const start = now();
  let end;
  do {
    for (let i = 0; i < 10; i++) await body();
    n += 10;
    end = now();
  } while (end - start < span);
  return n / (end - start);
}

(async () => {
  let below = 0;
  await library.keysOf(alice);
  await library.keysOf(bob);
  console.log("%s %s %s %s %s", "message".padEnd(32), "".padEnd(6),
              "library/s".padStart(10), "didcomm-node/s".padStart(15),
              "ratio".padStart(6));
  for (const bytes of [64, 1024]) {
    for (const [name, row] of Object.entries(rows)) {
      const value = P.message(alice, bob, bytes);
      const ours = await library.call("rate", { ...row.how, seconds: span,
        message: JSON.stringify(value) });
      if (ours.error) throw new Error(ours.error + " " + ours.reason);
      const [envelope] = await row.pack(new Message(value));
      const theirs = {
        pack: await rate(() => row.pack(new Message(value))),
        unpack: await rate(() => Message.unpack(envelope, resolver, secrets,
                                                {})),
      };
      for (const what of ["pack", "unpack"]) {
        const ratio = ours[what] / theirs[what];
        if (ratio < bar) below++;
        console.log("%s %s %s %s %s",
          `${name}, ${bytes} B`.padEnd(32), what.padEnd(6),
          ours[what].toFixed(0).padStart(10),
          theirs[what].toFixed(0).padStart(15), ratio.toFixed(1).padStart(6));
      }
    }
  }
  library.end();
  console.log("%d below %d times", below, bar);
  process.exit(below ? 1 : 0);
})();
