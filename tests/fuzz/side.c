/*
 * Parties, and messages with anything inside, for the targets of the
 * handshake: see side.h.
 */
#include "tests/fuzz/side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <parley/comm.h>

#include "did/base64.h"
#include "did/identity.h"
#include "session/aead.h"

/* Made once; what libFuzzer calls again and again uses them. */
static struct parley_identity *ids[FUZZ_N_PARTIES];
static struct parley_agreement *agreement;

static void make_parties(void)
{
	uint8_t seed[DID_IDENTITY_SEED_LEN];
	const char *did[FUZZ_N_PARTIES];
	char text[2048];

	for (int i = 0; i < FUZZ_N_PARTIES; i++) {
		memset(seed, 'a' + i, sizeof(seed));
		if (did_identity_from_seed(&ids[i], seed) != 0)
			abort();
		did[i] = parley_did_identity_did(ids[i]);
	}
	snprintf(text, sizeof(text),
		 "{\"parley\":\"agreement/1\","
		 "\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"name\":\"fuzz\","
		 "\"created\":1,\"threshold\":1,\"parties\":["
		 "{\"did\":\"%s\",\"endpoints\":[\"tcp://a:1\"]},"
		 "{\"did\":\"%s\",\"endpoints\":[\"tcp://b:1\"]},"
		 "{\"did\":\"%s\",\"endpoints\":[\"tcp://c:1\"]}]}",
		 did[0], did[1], did[2]);
	if (parley_session_agreement_parse(&agreement, NULL, text,
					   strlen(text)) != 0)
		abort();
}

void fuzz_side_init(struct fuzz_side *s, size_t who)
{
	if (agreement == NULL)
		make_parties();
	memset(s, 0, sizeof(*s));
	session_gate_init(&s->gate, agreement);
	s->self.agreement = agreement;
	s->self.identity = ids[who];
	s->self.index = who;
	memset(s->self.instance, (int)who + 1, sizeof(s->self.instance));
	s->self.n_suites = 2;
	s->self.suites[0] = SESSION_SUITE_CHACHA20;
	s->self.suites[1] = SESSION_SUITE_AES256;
	memset(&s->random, (int)who + 1, sizeof(s->random));
}

void fuzz_side_free(struct fuzz_side *s)
{
	session_handshake_free(s->h);
	session_gate_wipe(&s->gate);
}

void fuzz_inside_init(struct fuzz_inside *in, const uint8_t *propose,
		      size_t propose_len, const uint8_t *accept,
		      const uint8_t ephemeral[SESSION_EPHEMERAL_LEN],
		      const uint8_t theirs[SESSION_EPHEMERAL_LEN])
{
	uint8_t dh[SESSION_EPHEMERAL_LEN];

	if (crypto_scalarmult(dh, ephemeral, theirs) != 0)
		abort();
	session_schedule_start(&in->t);
	session_schedule_absorb(&in->t, propose, propose_len);
	session_schedule_absorb(&in->t, accept, SESSION_ACCEPT_CLEAR_LEN);
	in->suite = accept[1 + SESSION_TAG_LEN];
	session_schedule_handshake(&in->k, dh, session_agreement_id(agreement),
				   &in->t);
}

void fuzz_inside_absorb(struct fuzz_inside *in, const uint8_t *msg, size_t len,
			size_t clear_len, enum session_role sender)
{
	const size_t n = len - clear_len - SESSION_AEAD_TAG_LEN;
	uint8_t *plain = malloc(n);
	struct session_aead a = {0};

	if (plain == NULL)
		abort();
	memcpy(plain, msg + clear_len, n);
	if (session_aead_init(&a, in->suite, in->k.key[sender], false, NULL) !=
		0 ||
	    session_aead_open(&a, plain, n, msg + clear_len + n,
			      in->k.iv[sender], in->t.hash,
			      sizeof(in->t.hash)) != 0)
		abort();
	session_aead_wipe(&a);
	session_schedule_absorb(&in->t, plain, n - SESSION_HASH_LEN);
	session_schedule_absorb(&in->t, plain + n - SESSION_HASH_LEN,
				SESSION_HASH_LEN);
	free(plain);
}

/* ${data} with its placeholders filled, signed by ${who}; free() it. */
static char *sign(size_t *lenp, const struct fuzz_inside *in,
		  const uint8_t *clear, size_t who, const uint8_t *data,
		  size_t size)
{
	char transcript[DID_BASE64_LEN(SESSION_HASH_LEN) + 1];
	char tag[2 * SESSION_TAG_LEN + 1], *envelope = NULL;
	char *text = malloc(size * sizeof(transcript) + 1);
	size_t len = 0;

	if (text == NULL)
		abort();
	did_base64_encode(transcript, in->t.hash, sizeof(in->t.hash));
	sodium_bin2hex(tag, sizeof(tag), clear + 1, SESSION_TAG_LEN);
	for (size_t i = 0; i < size; i++) {
		const char *with = data[i] == '#'   ? transcript
				   : data[i] == '@' ? tag
						    : NULL;
		size_t n = with != NULL ? strlen(with) : 1;

		memcpy(text + len, with != NULL ? with : (const char *)data + i,
		       n);
		len += n;
	}
	/* Not everything can be signed: then there is nothing to open. */
	if (parley_comm_signed_pack(&envelope, lenp, ids[who], text, len) != 0)
		envelope = NULL;
	free(text);
	return envelope;
}

static uint8_t *seal(struct fuzz_inside *in, size_t *lenp, const uint8_t *clear,
		     size_t clear_len, enum session_role sender,
		     const void *plain, size_t n)
{
	uint8_t *msg = malloc(clear_len + n + SESSION_AEAD_TAG_LEN);
	struct session_aead a = {0};

	if (msg == NULL)
		abort();
	memcpy(msg, clear, clear_len);
	if (n > 0)
		memcpy(msg + clear_len, plain, n);
	if (session_aead_init(&a, in->suite, in->k.key[sender], true, NULL) !=
		0 ||
	    session_aead_seal(&a, msg + clear_len + n, msg + clear_len, n,
			      in->k.iv[sender], in->t.hash,
			      sizeof(in->t.hash)) != 0)
		abort();
	session_aead_wipe(&a);
	*lenp = clear_len + n + SESSION_AEAD_TAG_LEN;
	return msg;
}

uint8_t *fuzz_inside_seal(struct fuzz_inside *in, size_t *lenp,
			  const uint8_t *clear, size_t clear_len,
			  enum session_role sender, size_t who,
			  const uint8_t *data, size_t size)
{
	struct session_transcript t = in->t;
	char *envelope = NULL;
	uint8_t *plain, *msg;
	size_t len = size - 1;

	if (data[0] == 's')
		return seal(in, lenp, clear, clear_len, sender, data + 1, len);
	if (data[0] == 'p') {
		envelope = sign(&len, in, clear, who, data + 1, size - 1);
		if (envelope == NULL)
			return NULL;
	}
	plain = malloc(len + SESSION_HASH_LEN);
	if (plain == NULL)
		abort();
	memcpy(plain, envelope != NULL ? envelope : (const char *)data + 1,
	       len);
	session_schedule_absorb(&t, plain, len);
	session_schedule_finished(plain + len, &in->k, sender, &t);
	msg = seal(in, lenp, clear, clear_len, sender, plain,
		   len + SESSION_HASH_LEN);
	free(plain);
	free(envelope);
	return msg;
}
