/*
 * For the tests of handshakes: parties, runs of a handshake step by step, and a
 * party that lies.
 *
 * Lies are told by one that holds the agreement and knows the ephemeral key of
 * its own side (`struct inside`): it opens what was sealed for it and seals
 * what it likes.
 */
#include "tests/handshake.h"

#include <sodium.h>

#include "comm/signed.h"
#include "did/identity.h"

const uint8_t patterns[] = {0x01, 0x80, 0xff};

struct parley_identity *ids[N_IDS];

const char *did_of(int who)
{
	return parley_did_identity_did(ids[who]);
}

struct parley_agreement *make_agreement(const char *id, const char *change)
{
	struct parley_agreement *a = NULL;
	json_t *root, *more;
	char *text, *error;

	root = json_pack(
	    "{s:s, s:s, s:s, s:i, s:i, s:{s:s}, s:[{s:s, s:[s]}, {s:s, s:[s]}, "
	    "{s:s, s:[s]}]}",
	    "parley", "agreement/1", "id", id, "name", "test", "created", 1,
	    "threshold", 1, "parameters", "column", "age", "parties", "did",
	    did_of(ALICE), "endpoints", "tcp://alice:1", "did", did_of(BOB),
	    "endpoints", "tcp://bob:1", "did", did_of(CAROL), "endpoints",
	    "tcp://carol:1");
	assert_non_null(root);
	if (change) {
		more = json_loads(change, 0, NULL);
		assert_non_null(more);
		json_object_update(root, more);
		json_decref(more);
	}
	text = json_dumps(root, 0);
	if (parley_session_agreement_parse(&a, &error, text, strlen(text)))
		fail_msg("%s", error);
	free(text);
	json_decref(root);
	return a;
}

struct parley_agreement *agreement;

int setup(void **state)
{
	uint8_t seed[DID_IDENTITY_SEED_LEN];

	(void)state;
	for (int i = 0; i < N_IDS; i++) {
		memset(seed, 'a' + i, sizeof(seed));
		if (did_identity_from_seed(&ids[i], seed))
			return -1;
	}
	agreement = make_agreement(ID_A, NULL);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < N_IDS; i++)
		parley_did_identity_free(ids[i]);
	parley_session_agreement_free(agreement);
	return 0;
}

void side_init(struct side *s, const struct parley_agreement *a,
	       const struct parley_identity *id, uint8_t random)
{
	int index =
	    parley_session_agreement_index(a, parley_did_identity_did(id));

	memset(s, 0, sizeof(*s));
	session_gate_init(&s->gate, a);
	s->self.agreement = a;
	s->self.identity = id;
	s->self.index = index < 0 ? 0 : (size_t)index;
	memset(s->self.instance, random, sizeof(s->self.instance));
	s->self.n_suites = 2;
	s->self.suites[0] = SESSION_SUITE_CHACHA20;
	s->self.suites[1] = SESSION_SUITE_AES256;
	memset(&s->random, random, sizeof(s->random));
}

void side_again(struct side *s)
{
	session_handshake_free(s->h);
	s->h = NULL;
	session_gate_wipe(&s->gate);
	session_gate_init(&s->gate, s->self.agreement);
}

void side_free(struct side *s)
{
	session_handshake_free(s->h);
	session_gate_wipe(&s->gate);
}

void run_init(struct run *run, uint8_t random)
{
	memset(run, 0, sizeof(*run));
	side_init(&run->i, agreement, ids[ALICE], random);
	side_init(&run->r, agreement, ids[BOB], (uint8_t)(random + 1));
	run->dialled = BOB;
}

void run_free(struct run *run)
{
	side_free(&run->i);
	side_free(&run->r);
	free(run->accept);
	free(run->confirm);
}

void run_propose(struct run *run)
{
	assert_int_equal(session_handshake_propose(
			     &run->i.h, run->propose, &run->propose_len,
			     &run->i.gate, &run->i.self, run->dialled,
			     &run->i.random),
			 0);
}

int run_accept_of(struct run *run, const uint8_t *msg, size_t len)
{
	free(run->accept);
	return session_handshake_accept(
	    &run->r.h, &run->accept, &run->accept_len, &run->r.gate,
	    &run->r.self, msg, len, &run->r.random, NOW);
}

void run_accept(struct run *run)
{
	run_propose(run);
	assert_int_equal(run_accept_of(run, run->propose, run->propose_len), 0);
	assert_non_null(run->accept);
}

int run_confirm_of(struct run *run, const uint8_t *msg, size_t len)
{
	free(run->confirm);
	return session_handshake_confirm(run->i.h, &run->confirm,
					 &run->confirm_len, msg, len,
					 &run->i.random, NOW);
}

void run_confirm(struct run *run)
{
	run_accept(run);
	assert_int_equal(run_confirm_of(run, run->accept, run->accept_len), 0);
	assert_non_null(run->confirm);
}

int run_finish_of(struct run *run, const uint8_t *msg, size_t len)
{
	return session_handshake_finish(run->r.h, msg, len, NOW);
}

void run_results(struct run *run, struct session_handshake_result *i,
		 struct session_handshake_result *r)
{
	assert_int_equal(session_handshake_result(run->i.h, i), 0);
	assert_int_equal(session_handshake_result(run->r.h, r), 0);
}

void run_all(struct run *run, struct session_handshake_result *i,
	     struct session_handshake_result *r)
{
	run_confirm(run);
	assert_int_equal(run_finish_of(run, run->confirm, run->confirm_len), 0);
	run_results(run, i, r);
}

void again_i(struct run *run)
{
	uint8_t propose[SESSION_PROPOSE_LEN_MAX];
	size_t len;

	side_again(&run->i);
	assert_int_equal(session_handshake_propose(
			     &run->i.h, propose, &len, &run->i.gate,
			     &run->i.self, run->dialled, &run->i.random),
			 0);
	assert_int_equal(len, run->propose_len);
	assert_memory_equal(propose, run->propose, len);
}

void again_r(struct run *run)
{
	uint8_t *accept = run->accept;
	size_t len = run->accept_len;

	side_again(&run->r);
	run->accept = NULL;
	assert_int_equal(run_accept_of(run, run->propose, run->propose_len), 0);
	assert_int_equal(run->accept_len, len);
	assert_memory_equal(run->accept, accept, len);
	free(accept);
}

void assert_i_refuses(struct run *run, const uint8_t *msg, size_t len,
		      int expected, const char *what)
{
	struct session_handshake_result result;
	const size_t n_tags = run->i.gate.n_tags;
	uint8_t *reply;
	size_t reply_len;

	assert_error(session_handshake_confirm(run->i.h, &reply, &reply_len,
					       msg, len, &run->i.random, NOW),
		     expected, what);
	assert_null(reply);
	assert_int_equal(session_handshake_result(run->i.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(run->i.gate.n_tags, n_tags);
}

void assert_r_refuses(struct run *run, const uint8_t *msg, size_t len,
		      int expected, const char *what)
{
	struct session_handshake_result result;
	const size_t n_tags = run->r.gate.n_tags;

	assert_error(run_finish_of(run, msg, len), expected, what);
	assert_int_equal(session_handshake_result(run->r.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(run->r.gate.n_tags, n_tags);
}

void assert_propose_refused(struct run *run, const uint8_t *msg, size_t len,
			    int expected, size_t tags, const char *what)
{
	const size_t n_tags = run->r.gate.n_tags;
	struct session_handshake *h = NULL;
	uint8_t *reply;
	size_t reply_len;

	assert_error(session_handshake_accept(&h, &reply, &reply_len,
					      &run->r.gate, &run->r.self, msg,
					      len, &run->r.random, NOW),
		     expected, what);
	assert_null(reply);
	assert_null(h);
	assert_int_equal(run->r.gate.n_tags, n_tags + tags);
}

void regate(struct run *run, uint8_t *msg, size_t len)
{
	session_schedule_mac(msg + len - SESSION_MAC_LEN, run->r.gate.key,
			     "gate", msg, len - SESSION_MAC_LEN, NULL, 0);
}

void inside_init(struct inside *in, const struct run *run,
		 const uint8_t *ephemeral, const uint8_t *theirs,
		 const uint8_t *accept)
{
	uint8_t dh[SESSION_EPHEMERAL_LEN];

	assert_int_equal(crypto_scalarmult(dh, ephemeral, theirs), 0);
	session_schedule_start(&in->t);
	session_schedule_absorb(&in->t, run->propose, run->propose_len);
	session_schedule_absorb(&in->t, accept, SESSION_ACCEPT_CLEAR_LEN);
	in->suite = accept[17];
	session_schedule_handshake(
	    &in->k, dh, session_agreement_id(run->r.self.agreement), &in->t);
}

char *inside_open(struct inside *in, const uint8_t *msg, size_t len,
		  size_t clear_len, enum session_role sender)
{
	const size_t n = len - clear_len - SESSION_AEAD_TAG_LEN;
	const size_t envelope_len = n - SESSION_HASH_LEN;
	char *text = malloc(n);
	struct session_aead a = {0};

	assert_non_null(text);
	memcpy(text, msg + clear_len, n);
	assert_int_equal(
	    session_aead_init(&a, in->suite, in->k.key[sender], false, NULL),
	    0);
	assert_int_equal(
	    session_aead_open(&a, (uint8_t *)text, n, msg + clear_len + n,
			      in->k.iv[sender], in->t.hash, sizeof(in->t.hash)),
	    0);
	session_aead_wipe(&a);
	session_schedule_absorb(&in->t, text, envelope_len);
	session_schedule_absorb(&in->t, text + envelope_len, SESSION_HASH_LEN);
	text[envelope_len] = '\0';
	return text;
}

uint8_t *inside_seal(struct inside *in, size_t *lenp, const uint8_t *clear,
		     size_t clear_len, enum session_role sender,
		     const char *envelope, uint8_t flip)
{
	const size_t envelope_len = strlen(envelope);
	const size_t n = envelope_len + SESSION_HASH_LEN;
	uint8_t *msg = malloc(clear_len + n + SESSION_AEAD_TAG_LEN);
	struct session_transcript t = in->t;
	struct session_aead a = {0};

	assert_non_null(msg);
	memcpy(msg, clear, clear_len);
	memcpy(msg + clear_len, envelope, envelope_len);
	session_schedule_absorb(&t, envelope, envelope_len);
	session_schedule_finished(msg + clear_len + envelope_len, &in->k,
				  sender, &t);
	msg[clear_len + envelope_len] ^= flip;
	assert_int_equal(
	    session_aead_init(&a, in->suite, in->k.key[sender], true, NULL), 0);
	assert_int_equal(session_aead_seal(&a, msg + clear_len + n,
					   msg + clear_len, n, in->k.iv[sender],
					   in->t.hash, sizeof(in->t.hash)),
			 0);
	session_aead_wipe(&a);
	*lenp = clear_len + n + SESSION_AEAD_TAG_LEN;
	return msg;
}

char *resigned(const char *envelope, int who, const char *path,
	       const char *value)
{
	struct comm_signed s = {0};
	json_t *root, *holder, *v;
	char *text, *out = NULL;
	size_t len;

	assert_int_equal(comm_signed_open(&s, envelope, strlen(envelope)), 0);
	root = json_loads(s.payload, 0, NULL);
	comm_signed_wipe(&s);
	holder = root;
	if (path && strncmp(path, "body.", 5) == 0) {
		holder = json_object_get(root, "body");
		path += 5;
	}
	if (path && !value) {
		json_object_del(holder, path);
	} else if (path) {
		v = json_loads(value, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		json_object_set_new(holder, path, v);
	}
	json_object_set_new(root, "from", json_string(did_of(who)));
	text = json_dumps(root, JSON_COMPACT);
	if (parley_comm_signed_pack(&out, &len, ids[who], text, strlen(text)))
		fail_msg("cannot sign %s", text);
	free(text);
	json_decref(root);
	return out;
}

void inside_at_t5(struct inside *in, const struct run *run)
{
	inside_init(in, run, run->r.random.ephemeral, run->propose + 21,
		    run->accept);
	free(inside_open(in, run->accept, run->accept_len,
			 SESSION_ACCEPT_CLEAR_LEN, SESSION_RESPONDER));
	session_schedule_absorb(&in->t, run->confirm,
				SESSION_CONFIRM_CLEAR_LEN);
}

uint8_t *inside_lie(struct inside *in, size_t *lenp, const uint8_t *msg,
		    size_t len, size_t clear_len, enum session_role sender,
		    int who, const char *path, const char *value, uint8_t flip)
{
	struct inside before = *in;
	char *envelope = inside_open(in, msg, len, clear_len, sender);
	char *lie = resigned(envelope, who, path, value);
	uint8_t *other =
	    inside_seal(&before, lenp, msg, clear_len, sender, lie, flip);

	free(envelope);
	free(lie);
	return other;
}

void try_confirm(struct run *run, int who, const char *path, const char *value,
		 uint8_t flip, int expected)
{
	struct inside in;
	uint8_t *msg;
	size_t len;

	again_r(run);
	inside_at_t5(&in, run);
	msg = inside_lie(&in, &len, run->confirm, run->confirm_len,
			 SESSION_CONFIRM_CLEAR_LEN, SESSION_INITIATOR, who,
			 path, value, flip);
	if (expected)
		assert_r_refuses(run, msg, len, expected, path ? path : "");
	else
		assert_int_equal(run_finish_of(run, msg, len), 0);
	free(msg);
}
