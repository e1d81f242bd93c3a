/*
 * The handshake: the vectors, every flipped byte, and every message that must
 * be refused, each with its error.
 *
 * Lies are told by a party that holds the agreement and knows the ephemeral
 * key of its own side (`struct inside`): it opens what was sealed for it and
 * seals what it likes.
 */
#include "session/handshake.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <sodium.h>

#include "comm/signed.h"
#include "did/base64.h"
#include "did/identity.h"
#include "session/aead.h"
#include "tests/test-session-vector.h"

enum { NOW = 1767225600 };

static const uint8_t patterns[] = {0x01, 0x80, 0xff};

/*
 * Parties
 */

enum { ALICE, BOB, CAROL, DAVE, N_IDS };

static struct parley_identity *ids[N_IDS];

static const char *did_of(int who)
{
	return parley_did_identity_did(ids[who]);
}

/* Alice, Bob and Carol; ${change} is the text of a member to add or change. */
static struct parley_agreement *make_agreement(const char *id,
					       const char *change)
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

#define ID_A "AAAAAAAAAAAAAAAAAAAAAA"
#define ID_B "BBBBBBBBBBBBBBBBBBBBBA"

static struct parley_agreement *agreement;

static int setup(void **state)
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

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < N_IDS; i++)
		parley_did_identity_free(ids[i]);
	parley_session_agreement_free(agreement);
	return 0;
}

/* One end. */
struct side {
	struct session_gate gate;
	struct session_handshake_self self;
	struct session_handshake_random random;
	struct session_handshake *h;
};

/* Both ends, and what they say. */
struct run {
	struct side i, r;
	size_t dialled;
	uint8_t propose[SESSION_PROPOSE_LEN_MAX];
	size_t propose_len;
	uint8_t *accept, *confirm;
	size_t accept_len, confirm_len;
};

static void side_init(struct side *s, const struct parley_agreement *a,
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

/* As if nothing had happened, with the same randomness. */
static void side_again(struct side *s)
{
	session_handshake_free(s->h);
	s->h = NULL;
	session_gate_wipe(&s->gate);
	session_gate_init(&s->gate, s->self.agreement);
}

static void side_free(struct side *s)
{
	session_handshake_free(s->h);
	session_gate_wipe(&s->gate);
}

/* Alice dials Bob; ${random} makes the run another one. */
static void run_init(struct run *run, uint8_t random)
{
	memset(run, 0, sizeof(*run));
	side_init(&run->i, agreement, ids[ALICE], random);
	side_init(&run->r, agreement, ids[BOB], (uint8_t)(random + 1));
	run->dialled = BOB;
}

static void run_free(struct run *run)
{
	side_free(&run->i);
	side_free(&run->r);
	free(run->accept);
	free(run->confirm);
}

static void run_propose(struct run *run)
{
	assert_int_equal(session_handshake_propose(
			     &run->i.h, run->propose, &run->propose_len,
			     &run->i.gate, &run->i.self, run->dialled,
			     &run->i.random),
			 0);
}

/* Bob gets ${msg}; what he says replaces run->accept. */
static int run_accept_of(struct run *run, const uint8_t *msg, size_t len)
{
	free(run->accept);
	return session_handshake_accept(
	    &run->r.h, &run->accept, &run->accept_len, &run->r.gate,
	    &run->r.self, msg, len, &run->r.random, NOW);
}

static void run_accept(struct run *run)
{
	run_propose(run);
	assert_int_equal(run_accept_of(run, run->propose, run->propose_len), 0);
	assert_non_null(run->accept);
}

static int run_confirm_of(struct run *run, const uint8_t *msg, size_t len)
{
	free(run->confirm);
	return session_handshake_confirm(run->i.h, &run->confirm,
					 &run->confirm_len, msg, len,
					 &run->i.random, NOW);
}

static void run_confirm(struct run *run)
{
	run_accept(run);
	assert_int_equal(run_confirm_of(run, run->accept, run->accept_len), 0);
	assert_non_null(run->confirm);
}

static int run_finish_of(struct run *run, const uint8_t *msg, size_t len)
{
	return session_handshake_finish(run->r.h, msg, len, NOW);
}

/* Both results of a run in which everything went well. */
static void run_results(struct run *run, struct session_handshake_result *i,
			struct session_handshake_result *r)
{
	assert_int_equal(session_handshake_result(run->i.h, i), 0);
	assert_int_equal(session_handshake_result(run->r.h, r), 0);
}

static void run_all(struct run *run, struct session_handshake_result *i,
		    struct session_handshake_result *r)
{
	run_confirm(run);
	assert_int_equal(run_finish_of(run, run->confirm, run->confirm_len), 0);
	run_results(run, i, r);
}

/* Alice proposes again, with the same randomness as before. */
static void again_i(struct run *run)
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

/* Bob accepts again, with the same randomness as before. */
static void again_r(struct run *run)
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

/* Alice refuses ${msg} with ${expected}, and says and keeps nothing. */
static void assert_i_refuses(struct run *run, const uint8_t *msg, size_t len,
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

/* The same for Bob and a confirm. */
static void assert_r_refuses(struct run *run, const uint8_t *msg, size_t len,
			     int expected, const char *what)
{
	struct session_handshake_result result;
	const size_t n_tags = run->r.gate.n_tags;

	assert_error(run_finish_of(run, msg, len), expected, what);
	assert_int_equal(session_handshake_result(run->r.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(run->r.gate.n_tags, n_tags);
}

/* Bob refuses a propose: no word, no handshake; a tag only if ${tags}. */
static void assert_propose_refused(struct run *run, const uint8_t *msg,
				   size_t len, int expected, size_t tags,
				   const char *what)
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

/* A holder of the agreement renews the gate of a changed propose. */
static void regate(struct run *run, uint8_t *msg, size_t len)
{
	session_schedule_mac(msg + len - SESSION_MAC_LEN, run->r.gate.key,
			     "gate", msg, len - SESSION_MAC_LEN, NULL, 0);
}

/*
 * What a holder who knows one ephemeral key can do
 */

struct inside {
	struct session_transcript t;
	struct session_handshake_keys k;
	uint8_t suite;
};

/* At T2, by the secret ${ephemeral} and the other's public key. */
static void inside_init(struct inside *in, const struct run *run,
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

/* The envelope in ${msg}, NUL-terminated; the transcript goes on. */
static char *inside_open(struct inside *in, const uint8_t *msg, size_t len,
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

/* ${clear} with ${envelope} sealed behind it; ${flip} spoils finished. */
static uint8_t *inside_seal(struct inside *in, size_t *lenp,
			    const uint8_t *clear, size_t clear_len,
			    enum session_role sender, const char *envelope,
			    uint8_t flip)
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

/*
 * The message of ${envelope} with the member ${path} ("body.index") replaced
 * by the JSON ${value} (removed if NULL), signed by ${who}, who also becomes
 * its `from`.
 */
static char *resigned(const char *envelope, int who, const char *path,
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

/* Bob's accept with another envelope (NULL: its own). */
static uint8_t *lying_accept(struct run *run, size_t *lenp, int who,
			     const char *path, const char *value, uint8_t flip)
{
	struct inside in, at_t2;
	char *envelope, *lie;
	uint8_t *msg;

	inside_init(&in, run, run->i.random.ephemeral, run->accept + 18,
		    run->accept);
	at_t2 = in;
	envelope = inside_open(&in, run->accept, run->accept_len,
			       SESSION_ACCEPT_CLEAR_LEN, SESSION_RESPONDER);
	lie = resigned(envelope, who, path, value);
	msg = inside_seal(&at_t2, lenp, run->accept, SESSION_ACCEPT_CLEAR_LEN,
			  SESSION_RESPONDER, lie, flip);
	free(envelope);
	free(lie);
	return msg;
}

/* At T5 of a run that has come to the confirm. */
static void inside_at_t5(struct inside *in, const struct run *run)
{
	inside_init(in, run, run->r.random.ephemeral, run->propose + 21,
		    run->accept);
	free(inside_open(in, run->accept, run->accept_len,
			 SESSION_ACCEPT_CLEAR_LEN, SESSION_RESPONDER));
	session_schedule_absorb(&in->t, run->confirm,
				SESSION_CONFIRM_CLEAR_LEN);
}

/* Alice's confirm with another envelope. */
static uint8_t *lying_confirm(struct run *run, size_t *lenp, int who,
			      const char *path, const char *value, uint8_t flip)
{
	struct inside in, at_t5;
	char *envelope, *lie;
	uint8_t *msg;

	inside_at_t5(&in, run);
	at_t5 = in;
	envelope = inside_open(&in, run->confirm, run->confirm_len,
			       SESSION_CONFIRM_CLEAR_LEN, SESSION_INITIATOR);
	lie = resigned(envelope, who, path, value);
	msg = inside_seal(&at_t5, lenp, run->confirm, SESSION_CONFIRM_CLEAR_LEN,
			  SESSION_INITIATOR, lie, flip);
	free(envelope);
	free(lie);
	return msg;
}

/*
 * Vectors
 */

struct replayed {
	struct run run;
	struct parley_agreement *a[2];
	struct parley_identity *id[2];
};

static void take(uint8_t *dst, size_t len, const json_t *v, const char *name)
{
	assert_int_equal(vector_hex(dst, len, v, name), len);
}

static void replayed_side(struct replayed *p, int role, const json_t *v)
{
	const json_t *w = json_object_get(v, role ? "R" : "I");
	struct side *s = role ? &p->run.r : &p->run.i;
	const char *text = vector_text(w, "agreement");
	uint8_t seed[DID_IDENTITY_SEED_LEN];
	const json_t *suites = json_object_get(w, "suites");

	assert_int_equal(parley_session_agreement_parse(&p->a[role], NULL, text,
							strlen(text)),
			 0);
	take(seed, sizeof(seed), w, "seed");
	assert_int_equal(did_identity_from_seed(&p->id[role], seed), 0);
	assert_string_equal(parley_did_identity_did(p->id[role]),
			    vector_text(w, "did"));
	side_init(s, p->a[role], p->id[role], 0);
	s->self.index = (size_t)vector_int(w, "index");
	take(s->self.instance, SESSION_INSTANCE_LEN, w, "instance");
	s->self.n_suites = json_array_size(suites);
	for (size_t i = 0; i < s->self.n_suites; i++)
		s->self.suites[i] =
		    (uint8_t)json_integer_value(json_array_get(suites, i));
	if (role == SESSION_INITIATOR)
		take(s->random.tag, SESSION_TAG_LEN, v, "tag");
	take(s->random.ephemeral, SESSION_EPHEMERAL_LEN, w, "ephemeral_secret");
	take(s->random.message_id, 16, w, "message_id");
}

static void replayed_init(struct replayed *p, const json_t *v)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(vector_int(v, "time"), NOW);
	replayed_side(p, SESSION_INITIATOR, v);
	replayed_side(p, SESSION_RESPONDER, v);
	p->run.dialled = (size_t)vector_int(v, "dialled");
	run_propose(&p->run);
}

static void replayed_free(struct replayed *p)
{
	run_free(&p->run);
	for (int i = 0; i < 2; i++) {
		parley_session_agreement_free(p->a[i]);
		parley_did_identity_free(p->id[i]);
	}
}

/* "parties[3].did" is the field "parties.did" of the vectors. */
static void assert_field(const struct session_handshake *h, const json_t *list)
{
	const char *first = json_string_value(json_array_get(list, 0));
	const char *field = session_handshake_field(h);
	const char *dot = strchr(field, ']');
	char general[SESSION_FIELD_PATH_SIZE];

	snprintf(general, sizeof(general), "%s", field);
	if (dot)
		snprintf(general, sizeof(general), "parties%s", dot + 1);
	assert_non_null(first);
	assert_string_equal(general, first);
}

static void check_results(struct run *run, const json_t *v)
{
	struct session_handshake_result i, r;

	run_results(run, &i, &r);
	assert_int_equal(i.suite, vector_int(v, "suite"));
	assert_int_equal(r.suite, vector_int(v, "suite"));
	assert_vector(i.traffic.secret[SESSION_INITIATOR], 32, v, "s_I");
	assert_vector(i.traffic.secret[SESSION_RESPONDER], 32, v, "s_R");
	assert_vector(i.traffic.resume, 32, v, "resume");
	assert_memory_equal(&i.traffic, &r.traffic, sizeof(i.traffic));
	assert_memory_equal(i.instance, run->r.self.instance,
			    sizeof(i.instance));
	assert_memory_equal(r.instance, run->i.self.instance,
			    sizeof(r.instance));
	assert_int_equal(i.peer, run->r.self.index);
	assert_int_equal(r.peer, run->i.self.index);
}

static size_t n_good, n_differ, n_refuse, n_bad_propose, n_bad_accept,
    n_bad_confirm;

static void replay_good(struct replayed *p, const json_t *v)
{
	struct run *run = &p->run;
	int expect = vector_error(v);

	assert_vector(run->propose, run->propose_len, v, "propose");
	assert_int_equal(run_accept_of(run, run->propose, run->propose_len), 0);
	assert_vector(run->accept, run->accept_len, v, "accept");
	assert_error(run_confirm_of(run, run->accept, run->accept_len), expect,
		     "accept");
	assert_vector(run->confirm, run->confirm_len, v, "confirm");
	assert_error(run_finish_of(run, run->confirm, run->confirm_len), expect,
		     "confirm");
	if (expect) {
		assert_field(run->i.h, json_object_get(v, "differ_I"));
		assert_field(run->r.h, json_object_get(v, "differ_R"));
		n_differ++;
	} else {
		check_results(run, v);
		n_good++;
	}
}

static void replay_refuse(struct replayed *p, const json_t *v)
{
	static const int errors[] = {0, PARLEY_ERR_ADDRESS, PARLEY_ERR_SUITE,
				     PARLEY_ERR_VERSION};
	struct bytes propose = vector_bytes(v, "propose");
	struct run *run = &p->run;
	json_int_t reason = vector_int(v, "reason");

	assert_true(reason >= 1 && reason <= 3);
	assert_error(run_accept_of(run, propose.p, propose.len), errors[reason],
		     "propose");
	assert_vector(run->accept, run->accept_len, v, "refuse");
	/* This version sends no propose of version 2, so that one's refuse
	 * means nothing to it. */
	assert_error(run_confirm_of(run, run->accept, run->accept_len),
		     reason == SESSION_REFUSE_VERSION ? PARLEY_ERR_GATE
						      : vector_error(v),
		     "refuse");
	if (reason == SESSION_REFUSE_DID) {
		assert_vector(run->confirm, run->confirm_len, v, "dispute");
		assert_error(run_finish_of(run, run->confirm, run->confirm_len),
			     PARLEY_ERR_AGREEMENT, "dispute");
	} else {
		assert_null(run->confirm);
	}
	free(propose.p);
	n_refuse++;
}

static void replay(const char *name, const json_t *v)
{
	struct bytes propose = vector_bytes(v, "propose"), accept, confirm;
	struct replayed p;
	struct run *run = &p.run;

	replayed_init(&p, v);
	if (json_object_get(v, "refuse")) {
		replay_refuse(&p, v);
	} else if (!json_object_get(v, "accept")) {
		assert_propose_refused(run, propose.p, propose.len,
				       vector_error(v),
				       vector_error(v) == PARLEY_ERR_DH, name);
		n_bad_propose++;
	} else if (!json_object_get(v, "confirm")) {
		assert_vector(run->propose, run->propose_len, v, "propose");
		accept = vector_bytes(v, "accept");
		assert_i_refuses(run, accept.p, accept.len, vector_error(v),
				 name);
		free(accept.p);
		n_bad_accept++;
	} else if (strncmp(name, "bad-", 4) == 0) {
		assert_int_equal(run_accept_of(run, propose.p, propose.len), 0);
		assert_vector(run->accept, run->accept_len, v, "accept");
		confirm = vector_bytes(v, "confirm");
		assert_r_refuses(run, confirm.p, confirm.len, vector_error(v),
				 name);
		free(confirm.p);
		n_bad_confirm++;
	} else {
		replay_good(&p, v);
	}
	free(propose.p);
	replayed_free(&p);
}

static void vectors_are_met_byte_for_byte(void **state)
{
	(void)state;
	vector_each("handshake", "", replay);
	print_message("%zu handshakes, %zu with different agreements, "
		      "%zu refuses; bad: %zu proposes, %zu accepts, "
		      "%zu confirms\n",
		      n_good, n_differ, n_refuse, n_bad_propose, n_bad_accept,
		      n_bad_confirm);
	assert_true(n_good && n_differ && n_refuse && n_bad_propose &&
		    n_bad_accept && n_bad_confirm);
}

/*
 * What goes well
 */

static void both_sides_have_the_same_keys(void **state)
{
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	for (uint8_t suite = 1; suite <= 2; suite++) {
		run_init(&run, 10);
		run.r.self.suites[0] = suite;
		run.r.self.suites[1] = (uint8_t)(3 - suite);
		run_all(&run, &i, &r);
		assert_int_equal(i.suite, suite);
		assert_int_equal(r.suite, suite);
		assert_int_equal(i.peer, BOB);
		assert_int_equal(r.peer, ALICE);
		assert_memory_equal(&i.traffic, &r.traffic, sizeof(i.traffic));
		assert_memory_not_equal(i.traffic.secret[0],
					i.traffic.secret[1], 32);
		assert_memory_equal(i.instance, run.r.self.instance, 16);
		assert_memory_equal(r.instance, run.i.self.instance, 16);
		assert_string_equal(session_handshake_signer(run.i.h),
				    did_of(BOB));
		assert_string_equal(session_handshake_signer(run.r.h),
				    did_of(ALICE));
		assert_int_equal(session_handshake_peer(run.i.h), BOB);
		assert_int_equal(session_handshake_peer(run.r.h), ALICE);
		run_free(&run);
	}
}

static void two_runs_never_share_a_key(void **state)
{
	enum { RUNS = 8, KEYS = 3 * RUNS };
	uint8_t keys[KEYS][32];
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	for (int n = 0; n < RUNS; n++) {
		/* The ephemeral key of one side is enough, either's. */
		run_init(&run, 10);
		if (n % 2)
			memset(run.i.random.ephemeral, n, 32);
		else
			memset(run.r.random.ephemeral, n + 1, 32);
		run_all(&run, &i, &r);
		memcpy(keys[3 * n], i.traffic.secret[0], 32);
		memcpy(keys[3 * n + 1], i.traffic.secret[1], 32);
		memcpy(keys[3 * n + 2], i.traffic.resume, 32);
		run_free(&run);
	}
	for (int a = 0; a < KEYS; a++)
		for (int b = 0; b < a; b++)
			assert_memory_not_equal(keys[a], keys[b], 32);
}

static void result_is_given_once_and_only_at_the_end(void **state)
{
	struct session_handshake_result result;
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	assert_int_equal(session_handshake_result(run.i.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(session_handshake_result(run.r.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	assert_int_equal(session_handshake_result(run.r.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(session_handshake_result(run.i.h, &result), 0);
	assert_int_equal(session_handshake_result(run.i.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	assert_int_equal(session_handshake_result(run.r.h, &result), 0);
	assert_int_equal(session_handshake_result(run.r.h, &result),
			 PARLEY_ERR_STATE);
	run_free(&run);
}

static void calls_out_of_order_are_refused(void **state)
{
	uint8_t *confirm;
	struct run run;
	size_t len;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	/* The calls of the other role change nothing. */
	assert_int_equal(
	    session_handshake_finish(run.i.h, run.accept, run.accept_len, NOW),
	    PARLEY_ERR_STATE);
	assert_int_equal(session_handshake_confirm(run.r.h, &confirm, &len,
						   run.accept, run.accept_len,
						   &run.r.random, NOW),
			 PARLEY_ERR_STATE);
	assert_null(confirm);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	confirm = run.confirm;
	run.confirm = NULL;
	/* A second accept, or a late refuse. */
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len),
			 PARLEY_ERR_STATE);
	assert_null(run.confirm);
	run.accept[0] = SESSION_WIRE_REFUSE;
	assert_int_equal(run_confirm_of(&run, run.accept, SESSION_REFUSE_LEN),
			 PARLEY_ERR_STATE);
	run.confirm = confirm;
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len),
			 PARLEY_ERR_STATE);
	run_free(&run);
}

/*
 * Flipped bytes
 */

static void every_flipped_byte_of_propose_is_refused_in_silence(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	for (size_t at = 0; at < run.propose_len; at++)
		for (size_t p = 0; p < N_OF(patterns); p++) {
			int expected = at == 0	  ? PARLEY_ERR_FORMAT
				       : at == 18 ? PARLEY_ERR_LENGTH
						  : PARLEY_ERR_GATE;

			run.propose[at] ^= patterns[p];
			assert_propose_refused(&run, run.propose,
					       run.propose_len, expected, 0,
					       "flipped propose");
			run.propose[at] ^= patterns[p];
		}
	/* No trace: the right one is taken, and Alice goes on with it. */
	assert_int_equal(run_accept_of(&run, run.propose, run.propose_len), 0);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	print_message("%zu bytes of propose\n", run.propose_len);
	run_free(&run);
}

/* What a flipped byte of an accept may be taken for. */
static void assert_accept_error(int err, size_t at)
{
	if (at == 0)
		assert_error(err, PARLEY_ERR_FORMAT, "type");
	else if (at < 17)
		assert_error(err, PARLEY_ERR_TRANSCRIPT, "tag");
	else if (at == 17)
		assert_true(err == PARLEY_ERR_SUITE || err == PARLEY_ERR_SEAL);
	else
		assert_error(err, PARLEY_ERR_SEAL, "sealed");
}

static void every_flipped_byte_of_accept_is_refused_by_i(void **state)
{
	struct session_handshake_result result;
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (size_t at = 0; at < run.accept_len; at++)
		for (size_t p = 0; p < N_OF(patterns); p++) {
			again_i(&run);
			run.accept[at] ^= patterns[p];
			assert_accept_error(
			    run_confirm_of(&run, run.accept, run.accept_len),
			    at);
			run.accept[at] ^= patterns[p];
			assert_null(run.confirm);
			assert_int_equal(
			    session_handshake_result(run.i.h, &result),
			    PARLEY_ERR_STATE);
			assert_int_equal(run.i.gate.n_tags, 1);
		}
	/* A failed handshake is over, with the right message as well. */
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len),
			 PARLEY_ERR_STATE);
	/* Bob noticed nothing. */
	again_i(&run);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	print_message("%zu bytes of accept\n", run.accept_len);
	run_free(&run);
}

static void every_flipped_byte_of_confirm_is_refused_by_r(void **state)
{
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	for (size_t at = 0; at < run.confirm_len; at++)
		for (size_t p = 0; p < N_OF(patterns); p++) {
			int expected = at == 0	 ? PARLEY_ERR_FORMAT
				       : at < 17 ? PARLEY_ERR_TRANSCRIPT
						 : PARLEY_ERR_SEAL;

			again_r(&run);
			run.confirm[at] ^= patterns[p];
			assert_r_refuses(&run, run.confirm, run.confirm_len,
					 expected, "flipped confirm");
			run.confirm[at] ^= patterns[p];
		}
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len),
			 PARLEY_ERR_STATE);
	again_r(&run);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	run_results(&run, &i, &r);
	assert_memory_equal(&i.traffic, &r.traffic, sizeof(i.traffic));
	print_message("%zu bytes of confirm\n", run.confirm_len);
	run_free(&run);
}

/*
 * Lengths
 */

static void propose_of_another_length_is_refused(void **state)
{
	uint8_t msg[200] = {0}, *large = calloc(1, 1 << 20);
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	for (size_t len = 0; len < sizeof(msg); len++) {
		memcpy(msg, run.propose, run.propose_len);
		if (len == run.propose_len)
			continue;
		assert_propose_refused(&run, msg, len,
				       len == 0 ? PARLEY_ERR_FORMAT
						: PARLEY_ERR_LENGTH,
				       0, "length of propose");
		/* A holder's gate does not help. */
		if (len > 40) {
			regate(&run, msg, len);
			assert_propose_refused(&run, msg, len,
					       PARLEY_ERR_LENGTH, 0,
					       "length of propose");
		}
	}
	memcpy(large, run.propose, run.propose_len);
	assert_propose_refused(&run, large, 1 << 20, PARLEY_ERR_LENGTH, 0,
			       "1 MiB");
	free(large);
	run_free(&run);
}

static void propose_with_0_or_17_suites_is_refused(void **state)
{
	uint8_t msg[200] = {0};
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	for (size_t m = 0; m <= 20; m++) {
		const size_t len = 83 + m;

		memcpy(msg, run.propose, 18);
		msg[18] = (uint8_t)m;
		for (size_t i = 0; i < m; i++)
			msg[19 + i] = (uint8_t)(100 + i);
		memcpy(msg + 19 + m, run.propose + 21, 64);
		regate(&run, msg, len);
		if (m == 0 || m > 16) {
			assert_propose_refused(&run, msg, len,
					       PARLEY_ERR_LENGTH, 0,
					       "number of suites");
			continue;
		}
		/* Taken apart, but nothing in common. */
		side_again(&run.r);
		assert_error(run_accept_of(&run, msg, len), PARLEY_ERR_SUITE,
			     "number of suites");
		assert_non_null(run.accept);
	}
	run_free(&run);
}

static void accept_of_another_length_is_refused(void **state)
{
	const size_t max = SESSION_HANDSHAKE_LEN_MAX;
	uint8_t *large = calloc(1, max + 1);
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (size_t len = 0; len < run.accept_len; len++) {
		again_i(&run);
		assert_i_refuses(&run, run.accept, len,
				 len == 0   ? PARLEY_ERR_FORMAT
				 : len < 98 ? PARLEY_ERR_LENGTH
					    : PARLEY_ERR_SEAL,
				 "truncated accept");
	}
	memcpy(large, run.accept, run.accept_len);
	again_i(&run);
	assert_i_refuses(&run, large, run.accept_len + 1, PARLEY_ERR_SEAL,
			 "one byte more");
	again_i(&run);
	assert_i_refuses(&run, large, max, PARLEY_ERR_SEAL, "128 KiB");
	again_i(&run);
	assert_i_refuses(&run, large, max + 1, PARLEY_ERR_LENGTH,
			 "more than 128 KiB");
	again_i(&run);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	free(large);
	run_free(&run);
}

static void confirm_of_another_length_is_refused(void **state)
{
	const size_t max = SESSION_HANDSHAKE_LEN_MAX;
	uint8_t *large = calloc(1, max + 1);
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	for (size_t len = 0; len < run.confirm_len; len++) {
		again_r(&run);
		assert_r_refuses(&run, run.confirm, len,
				 len == 0   ? PARLEY_ERR_FORMAT
				 : len < 65 ? PARLEY_ERR_LENGTH
					    : PARLEY_ERR_SEAL,
				 "truncated confirm");
	}
	memcpy(large, run.confirm, run.confirm_len);
	again_r(&run);
	assert_r_refuses(&run, large, run.confirm_len + 1, PARLEY_ERR_SEAL,
			 "one byte more");
	again_r(&run);
	assert_r_refuses(&run, large, max, PARLEY_ERR_SEAL, "128 KiB");
	again_r(&run);
	assert_r_refuses(&run, large, max + 1, PARLEY_ERR_LENGTH,
			 "more than 128 KiB");
	again_r(&run);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	free(large);
	run_free(&run);
}

/* An agreement with as much of everything as PROTOCOL 2.1 allows. */
static struct parley_agreement *largest_agreement(void)
{
	json_t *root = json_object(), *parties = json_array();
	json_t *parameters = json_object(), *digests = json_object();
	struct parley_agreement *a;
	struct parley_identity *id;
	char name[80], *text;
	uint8_t seed[32];

	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "%064d", i);
		json_object_set_new(parameters, name, json_true());
		json_object_set_new(digests, name,
				    json_sprintf("sha256:%064d", i));
	}
	for (unsigned i = 0; i < PARLEY_AGREEMENT_PARTIES_MAX; i++) {
		memset(seed, 0, sizeof(seed));
		memcpy(seed, &i, sizeof(i));
		assert_int_equal(did_identity_from_seed(&id, seed), 0);
		json_array_append_new(
		    parties, json_pack("{s:s, s:[s]}", "did",
				       i < 2 ? did_of((int)i)
					     : parley_did_identity_did(id),
				       "endpoints", "tcp://party.example:1"));
		parley_did_identity_free(id);
	}
	json_object_set_new(root, "parties", parties);
	json_object_set_new(root, "parameters", parameters);
	json_object_set_new(
	    root, "program",
	    json_pack("{s:s, s:o}", "name", "test", "digests", digests));
	text = json_dumps(root, 0);
	a = make_agreement(ID_A, text);
	free(text);
	json_decref(root);
	return a;
}

static void largest_agreement_fits_into_the_messages(void **state)
{
	struct parley_agreement *large = largest_agreement();
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	run_init(&run, 10);
	side_free(&run.i);
	side_free(&run.r);
	side_init(&run.i, large, ids[ALICE], 10);
	side_init(&run.r, large, ids[BOB], 11);
	run_all(&run, &i, &r);
	print_message("largest: accept %zu, confirm %zu bytes\n",
		      run.accept_len, run.confirm_len);
	run_free(&run);
	parley_session_agreement_free(large);
}

/*
 * Replay, reflection, other sessions
 */

static void replayed_propose_is_refused_in_silence(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_REPLAY, 0, "replay");
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_REPLAY, 0, "replay again");
	/* A holder changes all but the tag. */
	run.propose[30] ^= 1;
	regate(&run, run.propose, run.propose_len);
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_REPLAY, 0, "same tag");
	run_free(&run);
}

static void own_propose_is_refused_in_silence(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	assert_error(
	    session_handshake_accept(&run.r.h, &run.accept, &run.accept_len,
				     &run.i.gate, &run.i.self, run.propose,
				     run.propose_len, &run.i.random, NOW),
	    PARLEY_ERR_REFLECTION, "reflection");
	assert_null(run.accept);
	assert_null(run.r.h);
	assert_int_equal(run.i.gate.n_tags, 1);
	run_free(&run);
}

static void own_tag_is_not_used_twice(void **state)
{
	struct session_handshake *h = NULL;
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	assert_int_not_equal(session_handshake_propose(
				 &h, run.propose, &run.propose_len, &run.i.gate,
				 &run.i.self, BOB, &run.i.random),
			     0);
	assert_null(h);
	run_free(&run);
}

static void accept_of_another_session_is_refused(void **state)
{
	struct run old, run;

	(void)state;
	run_init(&old, 10);
	run_accept(&old);
	run_init(&run, 20);
	run_accept(&run);
	assert_i_refuses(&run, old.accept, old.accept_len,
			 PARLEY_ERR_TRANSCRIPT, "other session");
	/* With the tag exchanged. */
	again_i(&run);
	memcpy(old.accept + 1, run.accept + 1, SESSION_TAG_LEN);
	assert_i_refuses(&run, old.accept, old.accept_len, PARLEY_ERR_SEAL,
			 "other session, this tag");
	/* The clear part of one, the sealed part of the other. */
	again_i(&run);
	memcpy(old.accept, run.accept, SESSION_ACCEPT_CLEAR_LEN);
	assert_i_refuses(&run, old.accept, old.accept_len, PARLEY_ERR_SEAL,
			 "spliced");
	run_free(&old);
	run_free(&run);
}

static void confirm_of_another_session_is_refused(void **state)
{
	struct run old, run;

	(void)state;
	run_init(&old, 10);
	run_confirm(&old);
	run_init(&run, 20);
	run_confirm(&run);
	assert_r_refuses(&run, old.confirm, old.confirm_len,
			 PARLEY_ERR_TRANSCRIPT, "other session");
	again_r(&run);
	memcpy(old.confirm + 1, run.confirm + 1, SESSION_TAG_LEN);
	assert_r_refuses(&run, old.confirm, old.confirm_len, PARLEY_ERR_SEAL,
			 "other session, this tag");
	run_free(&old);
	run_free(&run);
}

static void message_of_another_step_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);

	/* At the listener. */
	side_again(&run.r);
	assert_propose_refused(&run, run.confirm, run.confirm_len,
			       PARLEY_ERR_FORMAT, 0, "confirm for propose");
	/* At Alice: her own messages, reflected. */
	again_i(&run);
	assert_i_refuses(&run, run.propose, run.propose_len, PARLEY_ERR_FORMAT,
			 "propose for accept");
	again_i(&run);
	assert_i_refuses(&run, run.confirm, run.confirm_len, PARLEY_ERR_FORMAT,
			 "confirm for accept");
	run_free(&run);

	/* At Bob: his own accept, reflected; the propose once more. */
	run_init(&run, 10);
	run_accept(&run);
	assert_r_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_FORMAT,
			 "accept for confirm");
	again_r(&run);
	assert_r_refuses(&run, run.propose, run.propose_len, PARLEY_ERR_FORMAT,
			 "propose for confirm");
	/* Dressed as a confirm. */
	again_r(&run);
	run.accept[0] = SESSION_WIRE_CONFIRM;
	assert_r_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_SEAL,
			 "accept as confirm");
	run_free(&run);
}

static void own_ephemeral_key_in_accept_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	memcpy(run.accept + 18, run.propose + 21, SESSION_EPHEMERAL_LEN);
	assert_i_refuses(&run, run.accept, run.accept_len,
			 PARLEY_ERR_REFLECTION, "eR is eI");
	run_free(&run);
}

static void zero_is_no_ephemeral_secret(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	memset(run.r.random.ephemeral, 0, SESSION_EPHEMERAL_LEN);
	assert_int_equal(
	    session_handshake_accept(&run.r.h, &run.accept, &run.accept_len,
				     &run.r.gate, &run.r.self, run.propose,
				     run.propose_len, &run.r.random, NOW),
	    PARLEY_ERR_KEY);
	assert_null(run.r.h);
	assert_null(run.accept);
	run_free(&run);
}

/*
 * Envelopes with one thing wrong.  One table for both messages.
 */

#define LONG_B64 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"" /* 32 */
#define ACCEPT	 "\"urn:parley:session/1.0/accept\""
#define CONFIRM	 "\"urn:parley:session/1.0/confirm\""

enum { IN_ACCEPT = 1, IN_CONFIRM = 2, IN_BOTH = 3 };

static const struct {
	int in;
	const char *path, *value;
	int err;
} lies[] = {
    {IN_ACCEPT, "type", CONFIRM, PARLEY_ERR_PURPOSE},
    {IN_CONFIRM, "type", ACCEPT, PARLEY_ERR_PURPOSE},
    {IN_BOTH, "type", "\"urn:parley:session/2.0/accept\"", PARLEY_ERR_PURPOSE},
    {IN_BOTH, "type", "\"https://didcomm.org/basicmessage/2.0/message\"",
     PARLEY_ERR_PURPOSE},
    {IN_BOTH, "thid", NULL, PARLEY_ERR_TRANSCRIPT},
    {IN_BOTH, "thid", "\"00000000000000000000000000000000\"",
     PARLEY_ERR_TRANSCRIPT},
    {IN_BOTH, "thid", "\"0A\"", PARLEY_ERR_TRANSCRIPT},
    {IN_CONFIRM, "to", NULL, PARLEY_ERR_ADDRESS},
    {IN_BOTH, "to", "[\"did:example:carol\"]", PARLEY_ERR_ADDRESS},
    {IN_BOTH, "expires_time", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "expires_time", "1767225600", PARLEY_ERR_EXPIRED},
    {IN_BOTH, "expires_time", "1", PARLEY_ERR_EXPIRED},
    {IN_BOTH, "body.index", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.index", "\"0\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.index", "0.0", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.index", "-1", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.index", "2", PARLEY_ERR_INDEX},
    {IN_BOTH, "body.index", "4294967296", PARLEY_ERR_INDEX},
    {IN_BOTH, "body.index", "4294967297", PARLEY_ERR_INDEX},
    {IN_BOTH, "body.agreement", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.agreement", "\"AAAA\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.agreement", "7", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.fields", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.fields", "[]", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.fields", "\"name\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.instance", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.instance", "\"AAAAAAAAAAAAAAAAAAAA\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.instance", "1", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.transcript", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.transcript", "\"AAAA\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.transcript", "\"!\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.transcript", LONG_B64, PARLEY_ERR_TRANSCRIPT},
    {IN_BOTH, "body", "{}", PARLEY_ERR_MESSAGE},
};

/* Whether Alice is told something wrong by ${who}. */
static void try_accept(struct run *run, int who, const char *path,
		       const char *value, uint8_t flip, int expected)
{
	struct session_handshake_result result;
	uint8_t *msg;
	size_t len;

	again_i(run);
	msg = lying_accept(run, &len, who, path, value, flip);
	if (expected == PARLEY_ERR_INDEX && who == BOB) {
		/* C10: found when the confirm is made already. */
		assert_error(run_confirm_of(run, msg, len), expected, path);
		assert_int_equal(session_handshake_result(run->i.h, &result),
				 PARLEY_ERR_STATE);
	} else if (expected) {
		assert_i_refuses(run, msg, len, expected, path ? path : "");
	} else {
		assert_int_equal(run_confirm_of(run, msg, len), 0);
	}
	free(msg);
}

static void try_confirm(struct run *run, int who, const char *path,
			const char *value, uint8_t flip, int expected)
{
	uint8_t *msg;
	size_t len;

	again_r(run);
	msg = lying_confirm(run, &len, who, path, value, flip);
	if (expected)
		assert_r_refuses(run, msg, len, expected, path ? path : "");
	else
		assert_int_equal(run_finish_of(run, msg, len), 0);
	free(msg);
}

static void lie_in_a_signed_envelope_is_refused_with_its_error(void **state)
{
	struct run run, other;
	size_t n = 0;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	run_init(&other, 10);
	run_accept(&other);
	for (size_t i = 0; i < N_OF(lies); i++) {
		if (lies[i].in & IN_ACCEPT) {
			try_accept(&other, BOB, lies[i].path, lies[i].value, 0,
				   lies[i].err);
			n++;
		}
		if (lies[i].in & IN_CONFIRM) {
			try_confirm(&run, ALICE, lies[i].path, lies[i].value, 0,
				    lies[i].err);
			n++;
		}
	}
	print_message("%zu lies\n", n);

	/* Signed anew without a lie they are taken: the tools do not fail. */
	try_accept(&other, BOB, NULL, NULL, 0, 0);
	try_confirm(&run, ALICE, NULL, NULL, 0, 0);
	try_accept(&other, BOB, "body.more", "1", 0, 0);
	try_confirm(&run, ALICE, "expires_time", "1767225601", 0, 0);
	run_free(&other);
	run_free(&run);
}

static void confirm_to_two_parties_is_refused(void **state)
{
	char to[2 * PARLEY_DID_SIZE + 16];
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	snprintf(to, sizeof(to), "[\"%s\",\"%s\"]", did_of(BOB), did_of(CAROL));
	try_confirm(&run, ALICE, "to", to, 0, PARLEY_ERR_ADDRESS);
	snprintf(to, sizeof(to), "[\"%s\"]", did_of(CAROL));
	try_confirm(&run, ALICE, "to", to, 0, PARLEY_ERR_ADDRESS);
	snprintf(to, sizeof(to), "[\"%s\"]", did_of(ALICE));
	try_confirm(&run, ALICE, "to", to, 0, PARLEY_ERR_ADDRESS);
	run_free(&run);

	/* An accept has none, not even the right one. */
	run_init(&run, 10);
	run_accept(&run);
	try_accept(&run, BOB, "to", to, 0, PARLEY_ERR_ADDRESS);
	run_free(&run);
}

static void wrong_finished_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	try_accept(&run, BOB, NULL, NULL, 1, PARLEY_ERR_FINISHED);
	run_free(&run);
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, ALICE, NULL, NULL, 0x80, PARLEY_ERR_FINISHED);
	run_free(&run);
}

static void signer_outside_the_roster_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	try_accept(&run, DAVE, NULL, NULL, 0, PARLEY_ERR_ROSTER);
	assert_string_equal(session_handshake_signer(run.i.h), did_of(DAVE));
	run_free(&run);
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, DAVE, NULL, NULL, 0, PARLEY_ERR_ROSTER);
	assert_string_equal(session_handshake_signer(run.r.h), did_of(DAVE));
	assert_int_equal(session_handshake_peer(run.r.h), -1);
	run_free(&run);
}

static void signer_under_another_index_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	/* Carol answers for Bob, under his index and under hers. */
	try_accept(&run, CAROL, NULL, NULL, 0, PARLEY_ERR_INDEX);
	try_accept(&run, CAROL, "body.index", "2", 0, PARLEY_ERR_INDEX);
	try_accept(&run, ALICE, NULL, NULL, 0, PARLEY_ERR_INDEX);
	run_free(&run);
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, CAROL, NULL, NULL, 0, PARLEY_ERR_INDEX);
	/* Bob's own name, from outside. */
	try_confirm(&run, BOB, "body.index", "1", 0, PARLEY_ERR_INDEX);
	try_confirm(&run, BOB, NULL, NULL, 0, PARLEY_ERR_INDEX);
	run_free(&run);
}

static void too_many_fields_are_refused(void **state)
{
	json_t *fields = json_object();
	char name[16], *text;
	struct run run;

	(void)state;
	for (int i = 0; i <= SESSION_FIELDS_MAX; i++) {
		snprintf(name, sizeof(name), "%x", (unsigned)i);
		json_object_set_new(fields, name, json_integer(0));
	}
	text = json_dumps(fields, JSON_COMPACT);
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, ALICE, "body.fields", text, 0, PARLEY_ERR_MESSAGE);
	free(text);
	json_object_del(fields, "0");
	text = json_dumps(fields, JSON_COMPACT);
	/* The hash decides whether there is a difference. */
	try_confirm(&run, ALICE, "body.fields", text, 0, 0);
	free(text);
	run_free(&run);
	json_decref(fields);
}

/* An envelope in the keys of a session that it was not signed for. */
static void stolen_envelope_is_of_no_use(void **state)
{
	struct run old, run;
	struct inside in;
	char *stolen;
	uint8_t *msg;
	size_t len;

	(void)state;
	/* Bob restarts.  Mallory, who holds the agreement and has seen inside
	 * the former session, dials with the same tag and a key of hers. */
	run_init(&old, 10);
	run_confirm(&old);
	inside_at_t5(&in, &old);
	stolen = inside_open(&in, old.confirm, old.confirm_len,
			     SESSION_CONFIRM_CLEAR_LEN, SESSION_INITIATOR);

	run_init(&run, 20);
	memcpy(run.i.random.tag, old.i.random.tag, SESSION_TAG_LEN);
	run_confirm(&run);
	inside_at_t5(&in, &run);
	msg = inside_seal(&in, &len, run.confirm, SESSION_CONFIRM_CLEAR_LEN,
			  SESSION_INITIATOR, stolen, 0);
	assert_r_refuses(&run, msg, len, PARLEY_ERR_TRANSCRIPT,
			 "stolen confirm");
	free(msg);
	free(stolen);
	run_free(&run);

	/* The same with Bob's accept towards Alice. */
	inside_init(&in, &old, old.i.random.ephemeral, old.accept + 18,
		    old.accept);
	stolen = inside_open(&in, old.accept, old.accept_len,
			     SESSION_ACCEPT_CLEAR_LEN, SESSION_RESPONDER);
	run_init(&run, 20);
	memcpy(run.i.random.tag, old.i.random.tag, SESSION_TAG_LEN);
	run_accept(&run);
	inside_init(&in, &run, run.i.random.ephemeral, run.accept + 18,
		    run.accept);
	msg = inside_seal(&in, &len, run.accept, SESSION_ACCEPT_CLEAR_LEN,
			  SESSION_RESPONDER, stolen, 0);
	assert_i_refuses(&run, msg, len, PARLEY_ERR_TRANSCRIPT,
			 "stolen accept");
	free(msg);
	free(stolen);
	run_free(&run);
	run_free(&old);
}

/* Bob's accept envelope of this very session where a confirm is due. */
static void accept_envelope_as_confirm_is_refused(void **state)
{
	struct inside in;
	char *envelope;
	struct run run;
	uint8_t *msg;
	size_t len;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	inside_init(&in, &run, run.r.random.ephemeral, run.propose + 21,
		    run.accept);
	envelope = inside_open(&in, run.accept, run.accept_len,
			       SESSION_ACCEPT_CLEAR_LEN, SESSION_RESPONDER);
	inside_at_t5(&in, &run);
	msg = inside_seal(&in, &len, run.confirm, SESSION_CONFIRM_CLEAR_LEN,
			  SESSION_INITIATOR, envelope, 0);
	assert_r_refuses(&run, msg, len, PARLEY_ERR_PURPOSE, "purpose");
	free(msg);
	free(envelope);
	run_free(&run);
}

static void spoiled_envelope_is_refused_with_the_error_of_comm(void **state)
{
	static const struct {
		const char *text;
		int err;
	} envelopes[] = {
	    {"", PARLEY_ERR_JSON},
	    {"{}", PARLEY_ERR_ENVELOPE},
	    {"{\"payload\":\"\",\"signatures\":[]}", PARLEY_ERR_ENVELOPE},
	};
	struct inside in;
	char *envelope, *at;
	struct run run;
	uint8_t *msg;
	size_t len;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	for (size_t i = 0; i < N_OF(envelopes); i++) {
		again_r(&run);
		inside_at_t5(&in, &run);
		msg = inside_seal(&in, &len, run.confirm,
				  SESSION_CONFIRM_CLEAR_LEN, SESSION_INITIATOR,
				  envelopes[i].text, 0);
		assert_r_refuses(&run, msg, len, envelopes[i].err,
				 envelopes[i].text);
		free(msg);
	}
	/* A signature that does not verify, in keys that are right. */
	again_r(&run);
	inside_at_t5(&in, &run);
	{
		struct inside next = in;

		envelope =
		    inside_open(&next, run.confirm, run.confirm_len,
				SESSION_CONFIRM_CLEAR_LEN, SESSION_INITIATOR);
	}
	at = strstr(envelope, "\"signature\":\"");
	assert_non_null(at);
	at += strlen("\"signature\":\"") + 5;
	*at = *at == 'A' ? 'B' : 'A';
	msg = inside_seal(&in, &len, run.confirm, SESSION_CONFIRM_CLEAR_LEN,
			  SESSION_INITIATOR, envelope, 0);
	assert_r_refuses(&run, msg, len, PARLEY_ERR_SIGNATURE, "signature");
	free(msg);
	free(envelope);
	run_free(&run);
}

/*
 * Gate, version, suites, DH
 */

static void stranger_gets_no_byte(void **state)
{
	uint8_t msg[SESSION_PROPOSE_LEN_MAX + 30];
	struct parley_agreement *foreign = make_agreement(ID_B, NULL);
	struct run run, other;

	(void)state;
	run_init(&run, 10);
	/* Another agreement with the same parties. */
	run_init(&other, 20);
	side_free(&other.i);
	side_init(&other.i, foreign, ids[ALICE], 20);
	run_propose(&other);
	assert_propose_refused(&run, other.propose, other.propose_len,
			       PARLEY_ERR_GATE, 0, "other agreement");
	run_free(&other);
	parley_session_agreement_free(foreign);

	/* Noise, with a good beginning now and then. */
	for (int n = 0; n < 2000; n++) {
		size_t len = randombytes_uniform(sizeof(msg) + 1);

		randombytes_buf(msg, sizeof(msg));
		if (n % 2)
			msg[0] = SESSION_WIRE_PROPOSE;
		if (n % 4 == 3) {
			msg[1] = SESSION_VERSION;
			msg[18] = (uint8_t)(1 + n % 16);
			len = 83u + msg[18];
		}
		run.r.h = NULL;
		assert_int_not_equal(run_accept_of(&run, msg, len), 0);
		assert_null(run.accept);
		assert_null(run.r.h);
		assert_int_equal(run.r.gate.n_tags, 0);
	}
	run_free(&run);
}

static void version_2_is_refused_by_word(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	for (int version = 0; version < 256; version += 3) {
		run.propose[1] = (uint8_t)version;
		if (version == SESSION_VERSION)
			continue;
		regate(&run, run.propose, run.propose_len);
		assert_error(run_accept_of(&run, run.propose, run.propose_len),
			     PARLEY_ERR_VERSION, "version");
		assert_int_equal(run.accept_len, SESSION_REFUSE_LEN);
		assert_int_equal(run.accept[0], SESSION_WIRE_REFUSE);
		assert_memory_equal(run.accept + 1, run.i.random.tag, 16);
		assert_int_equal(run.accept[17], SESSION_REFUSE_VERSION);
		assert_null(run.r.h);
		assert_int_equal(run.r.gate.n_tags, 0);
	}
	run_free(&run);
}

static void suites_without_a_common_one_are_refused_by_word(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run.i.self.suites[0] = 3;
	run.i.self.suites[1] = 255;
	run_propose(&run);
	assert_error(run_accept_of(&run, run.propose, run.propose_len),
		     PARLEY_ERR_SUITE, "unknown suites");
	assert_int_equal(run.accept_len, SESSION_REFUSE_LEN);
	assert_int_equal(run.accept[17], SESSION_REFUSE_SUITE);
	assert_null(run.r.h);
	assert_i_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_SUITE,
			 "refuse 2");
	run_free(&run);
}

static void suite_named_twice_is_refused_in_silence(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run.i.self.suites[1] = run.i.self.suites[0];
	run_propose(&run);
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_FORMAT, 0, "twice");
	run_free(&run);
}

static void downgrade_by_a_holder_is_noticed_by_i(void **state)
{
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	/* Both prefer AES; the man in the middle leaves ChaCha only. */
	run_init(&run, 10);
	run.i.self.suites[0] = run.r.self.suites[0] = SESSION_SUITE_AES256;
	run.i.self.suites[1] = run.r.self.suites[1] = SESSION_SUITE_CHACHA20;
	run_propose(&run);
	run.propose[19] = 77;
	regate(&run, run.propose, run.propose_len);
	assert_int_equal(run_accept_of(&run, run.propose, run.propose_len), 0);
	assert_int_equal(run.accept[17], SESSION_SUITE_CHACHA20);
	assert_i_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_SEAL,
			 "downgrade");
	run_free(&run);

	/* Left alone they take what Bob prefers. */
	run_init(&run, 10);
	run.r.self.suites[0] = SESSION_SUITE_AES256;
	run.r.self.suites[1] = SESSION_SUITE_CHACHA20;
	run_all(&run, &i, &r);
	assert_int_equal(i.suite, SESSION_SUITE_AES256);
	run_free(&run);
}

static void suite_that_was_not_offered_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run.i.self.n_suites = 1; /* ChaCha only */
	run_accept(&run);
	for (int suite = 0; suite < 256; suite++) {
		if (suite == SESSION_SUITE_CHACHA20)
			continue;
		again_i(&run);
		run.accept[17] = (uint8_t)suite;
		assert_i_refuses(&run, run.accept, run.accept_len,
				 PARLEY_ERR_SUITE, "not offered");
	}
	run_free(&run);
}

/* Points of small order on Curve25519 and its twist, low byte first. */
static const char *const small_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void point_of_small_order_is_refused(void **state)
{
	uint8_t point[32], propose[SESSION_PROPOSE_LEN_MAX];
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (size_t n = 0; n < 2 * N_OF(small_order); n++) {
		assert_int_equal(sodium_hex2bin(point, 32, small_order[n / 2],
						64, NULL, NULL, NULL),
				 0);
		if (n % 2)
			point[31] |= 0x80; /* is ignored, RFC 7748 5 */

		again_i(&run);
		memcpy(run.accept + 18, point, 32);
		assert_i_refuses(&run, run.accept, run.accept_len,
				 PARLEY_ERR_DH, "eR");

		side_again(&run.r);
		memcpy(propose, run.propose, run.propose_len);
		memcpy(propose + 21, point, 32);
		regate(&run, propose, run.propose_len);
		/* B3 comes before B5: the tag is spent. */
		assert_propose_refused(&run, propose, run.propose_len,
				       PARLEY_ERR_DH, 1, "eI");
	}
	run_free(&run);
}

/*
 * Refuses
 */

/* What Bob would say about the propose, with a reason of our choice. */
static void make_refuse(struct run *run, uint8_t refuse[SESSION_REFUSE_LEN],
			uint8_t reason)
{
	struct session_transcript t;

	session_schedule_start(&t);
	session_schedule_absorb(&t, run->propose, run->propose_len);
	refuse[0] = SESSION_WIRE_REFUSE;
	memcpy(refuse + 1, run->i.random.tag, SESSION_TAG_LEN);
	refuse[17] = reason;
	memset(refuse + 18, 0x77, SESSION_NONCE_LEN);
	session_schedule_mac(refuse + 34, run->r.gate.key, "refuse", t.hash,
			     sizeof(t.hash), refuse + 17,
			     1 + SESSION_NONCE_LEN);
}

static void each_reason_of_a_refuse_has_its_error(void **state)
{
	static const int errors[] = {
	    PARLEY_ERR_GATE,	PARLEY_ERR_AGREEMENT, PARLEY_ERR_SUITE,
	    PARLEY_ERR_VERSION, PARLEY_ERR_GATE,
	};
	uint8_t refuse[SESSION_REFUSE_LEN];
	struct run run;

	(void)state;
	for (size_t reason = 0; reason < N_OF(errors); reason++) {
		run_init(&run, 10);
		run_accept(&run);
		make_refuse(&run, refuse, (uint8_t)reason);
		assert_error(run_confirm_of(&run, refuse, sizeof(refuse)),
			     errors[reason], "reason");
		if (reason == SESSION_REFUSE_DID) {
			assert_string_equal(session_handshake_field(run.i.h),
					    "parties[1].did");
			assert_int_equal(run.confirm_len, SESSION_DISPUTE_LEN);
			assert_int_equal(run.confirm[0], SESSION_WIRE_DISPUTE);
		} else {
			assert_null(run.confirm);
		}
		/* It is over, unless the reason is none. */
		assert_int_equal(
		    run_confirm_of(&run, run.accept, run.accept_len),
		    errors[reason] == PARLEY_ERR_GATE ? 0 : PARLEY_ERR_STATE);
		run_free(&run);
	}
}

static void refuse_after_an_accept_was_consumed_is_refused(void **state)
{
	uint8_t refuse[SESSION_REFUSE_LEN], *reply;
	size_t reply_len;
	struct run run;

	(void)state;
	for (uint8_t reason = 0; reason < 5; reason++) {
		run_init(&run, 10);
		run_confirm(&run);
		make_refuse(&run, refuse, reason);
		assert_error(session_handshake_confirm(
				 run.i.h, &reply, &reply_len, refuse,
				 sizeof(refuse), &run.i.random, NOW),
			     PARLEY_ERR_STATE, "late");
		assert_null(reply);
		assert_int_equal(
		    run_finish_of(&run, run.confirm, run.confirm_len), 0);
		run_free(&run);
	}
}

/* Carol listens where Alice expects Bob, and has said so. */
static void run_misdirected(struct run *run)
{
	run_init(run, 10);
	side_free(&run->r);
	side_init(&run->r, agreement, ids[CAROL], 11);
	run_propose(run);
	assert_error(run_accept_of(run, run->propose, run->propose_len),
		     PARLEY_ERR_ADDRESS, "other DID");
	assert_non_null(run->r.h);
	assert_int_equal(run->accept_len, SESSION_REFUSE_LEN);
	assert_int_equal(run->accept[0], SESSION_WIRE_REFUSE);
	assert_int_equal(run->accept[17], SESSION_REFUSE_DID);
}

/* ... and Alice disputes it. */
static void run_dispute(struct run *run)
{
	run_misdirected(run);
	assert_error(run_confirm_of(run, run->accept, run->accept_len),
		     PARLEY_ERR_AGREEMENT, "refuse 1");
	assert_int_equal(run->confirm_len, SESSION_DISPUTE_LEN);
	assert_int_equal(run->confirm[0], SESSION_WIRE_DISPUTE);
	assert_memory_equal(run->confirm + 1, run->i.random.tag, 16);
}

static void propose_for_another_did_is_disputed(void **state)
{
	struct session_handshake_result result;
	struct run run;

	(void)state;
	run_dispute(&run);
	assert_string_equal(session_handshake_field(run.i.h), "parties[1].did");
	assert_error(run_finish_of(&run, run.confirm, run.confirm_len),
		     PARLEY_ERR_AGREEMENT, "dispute");
	assert_non_null(
	    strstr(session_handshake_field(run.r.h), "parties[2].did"));
	/* It is over for both. */
	assert_error(run_finish_of(&run, run.confirm, run.confirm_len),
		     PARLEY_ERR_STATE, "twice");
	assert_error(run_confirm_of(&run, run.accept, run.accept_len),
		     PARLEY_ERR_STATE, "twice");
	assert_int_equal(session_handshake_result(run.i.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(session_handshake_result(run.r.h, &result),
			 PARLEY_ERR_STATE);
	run_free(&run);
}

static void every_flipped_byte_of_dispute_is_refused(void **state)
{
	struct run run;

	(void)state;
	for (size_t at = 0; at < SESSION_DISPUTE_LEN; at++)
		for (size_t k = 0; k < N_OF(patterns); k++) {
			run_dispute(&run);
			run.confirm[at] ^= patterns[k];
			assert_r_refuses(&run, run.confirm, run.confirm_len,
					 at == 0 ? PARLEY_ERR_FORMAT
						 : PARLEY_ERR_GATE,
					 "flipped");
			assert_string_equal(session_handshake_field(run.r.h),
					    "");
			run_free(&run);
		}
}

static void dispute_of_another_length_is_refused(void **state)
{
	uint8_t msg[SESSION_DISPUTE_LEN + 2] = {0};
	struct run run;

	(void)state;
	for (size_t len = 0; len <= sizeof(msg); len++) {
		if (len == SESSION_DISPUTE_LEN)
			continue;
		run_dispute(&run);
		memcpy(msg, run.confirm, SESSION_DISPUTE_LEN);
		assert_r_refuses(&run, msg, len, PARLEY_ERR_LENGTH, "length");
		run_free(&run);
	}
}

static void recorded_propose_to_another_is_no_difference(void **state)
{
	struct run run, other;

	(void)state;
	/* An outsider repeats to Carol what Alice said to Bob: Carol has
	 * heard nothing of a difference, whatever the outsider has seen. */
	run_dispute(&other);
	other.r.random.message_id[0] ^= 1; /* the nonce of another refuse */
	side_again(&other.r);
	assert_error(run_accept_of(&other, other.propose, other.propose_len),
		     PARLEY_ERR_ADDRESS, "repeated");
	assert_string_equal(session_handshake_field(other.r.h), "");
	assert_r_refuses(&other, other.confirm, other.confirm_len,
			 PARLEY_ERR_GATE, "dispute of an earlier refuse");
	run_free(&other);

	/* Nor is the propose itself, or the refuse, or a confirm a dispute. */
	run_misdirected(&run);
	assert_r_refuses(&run, run.propose, run.propose_len, PARLEY_ERR_LENGTH,
			 "propose");
	run_free(&run);
	run_misdirected(&run);
	assert_r_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_LENGTH,
			 "refuse");
	run_free(&run);
	run_misdirected(&run);
	run.accept[0] = SESSION_WIRE_DISPUTE;
	assert_r_refuses(&run, run.accept, SESSION_DISPUTE_LEN, PARLEY_ERR_GATE,
			 "without a MAC");
	run_free(&run);
}

static void dispute_without_a_refuse_is_refused(void **state)
{
	struct run run, other;

	(void)state;
	run_dispute(&other);
	/* Where a confirm or an accept is expected. */
	run_init(&run, 10);
	run_accept(&run);
	assert_r_refuses(&run, other.confirm, other.confirm_len,
			 PARLEY_ERR_FORMAT, "for a confirm");
	run_free(&run);
	run_init(&run, 10);
	run_propose(&run);
	assert_i_refuses(&run, other.confirm, other.confirm_len,
			 PARLEY_ERR_FORMAT, "for an accept");
	assert_propose_refused(&run, other.confirm, other.confirm_len,
			       PARLEY_ERR_FORMAT, 0, "for a propose");
	run_free(&run);
	run_free(&other);
}

static void forged_refuse_is_ignored(void **state)
{
	uint8_t refuse[SESSION_REFUSE_LEN];
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (uint8_t reason = 0; reason < 5; reason++)
		for (size_t at = 17; at < sizeof(refuse); at++) {
			make_refuse(&run, refuse, reason);
			refuse[at] ^= 0x10;
			assert_error(
			    run_confirm_of(&run, refuse, sizeof(refuse)),
			    PARLEY_ERR_GATE, "forged");
			assert_null(run.confirm);
		}
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	run_free(&run);
}

static void refuse_of_another_session_or_length_is_ignored(void **state)
{
	uint8_t refuse[SESSION_REFUSE_LEN + 1];
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (size_t len = 1; len <= SESSION_REFUSE_LEN + 1; len++) {
		make_refuse(&run, refuse, SESSION_REFUSE_SUITE);
		refuse[SESSION_REFUSE_LEN] = 0;
		if (len != SESSION_REFUSE_LEN)
			assert_i_refuses(&run, refuse, len, PARLEY_ERR_GATE,
					 "length of refuse");
	}
	make_refuse(&run, refuse, SESSION_REFUSE_SUITE);
	refuse[3] ^= 1;
	assert_i_refuses(&run, refuse, SESSION_REFUSE_LEN, PARLEY_ERR_GATE,
			 "tag of refuse");
	/* The handshake goes on as if they had not come. */
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	run_free(&run);
}

/*
 * Differing agreements
 */

static void difference_is_named_by_both_sides(void **state)
{
	static const struct {
		const char *change, *field;
	} cases[] = {
	    {"{\"threshold\":2}", "threshold"},
	    {"{\"parameters\":{\"column\":\"height\"}}", "parameters.column"},
	    {"{\"parameters\":{}}", "parameters.column"},
	    {"{\"name\":\"other\"}", "name"},
	    {"{\"expires\":99}", "expires"},
	    {"{\"program\":{\"name\":\"other\"}}", "program.name"},
	};
	struct session_handshake_result result;
	struct run run;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct parley_agreement *other =
		    make_agreement(ID_A, cases[i].change);

		run_init(&run, 10);
		side_free(&run.r);
		side_init(&run.r, other, ids[BOB], 11);
		run_accept(&run);
		/* The confirm is made nevertheless, and is to be sent. */
		assert_error(run_confirm_of(&run, run.accept, run.accept_len),
			     PARLEY_ERR_AGREEMENT, cases[i].change);
		assert_non_null(run.confirm);
		assert_error(run_finish_of(&run, run.confirm, run.confirm_len),
			     PARLEY_ERR_AGREEMENT, cases[i].change);
		assert_string_equal(session_handshake_field(run.i.h),
				    cases[i].field);
		assert_string_equal(session_handshake_field(run.r.h),
				    cases[i].field);
		assert_int_equal(session_handshake_peer(run.i.h), BOB);
		assert_int_equal(session_handshake_peer(run.r.h), ALICE);
		assert_int_equal(session_handshake_result(run.i.h, &result),
				 PARLEY_ERR_STATE);
		assert_int_equal(session_handshake_result(run.r.h, &result),
				 PARLEY_ERR_STATE);
		run_free(&run);
		parley_session_agreement_free(other);
	}
}

static void same_fields_with_another_hash_are_a_difference(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, ALICE, "body.agreement", LONG_B64, 0,
		    PARLEY_ERR_AGREEMENT);
	assert_string_equal(session_handshake_field(run.r.h), "");
	run_free(&run);
}

static void difference_explains_a_signer_who_is_not_in_the_roster(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, DAVE, "body.agreement", LONG_B64, 0,
		    PARLEY_ERR_AGREEMENT);
	assert_string_equal(session_handshake_signer(run.r.h), did_of(DAVE));
	assert_int_equal(session_handshake_peer(run.r.h), -1);
	run_free(&run);
}

/*
 * Limits and secrets
 */

static void tags_8193_and_on_are_refused(void **state)
{
	struct session_handshake *h = NULL;
	uint8_t msg[SESSION_PROPOSE_LEN_MAX];
	uint8_t first[SESSION_PROPOSE_LEN_MAX];
	struct run run, full;
	size_t len = 0;

	(void)state;
	run_init(&full, 10);
	run_init(&run, 20);
	run_propose(&run);
	/* Own ones do not count: one may dial as often as one likes. */
	for (unsigned n = 1; n <= SESSION_TAGS_MAX + 10; n++) {
		memcpy(full.i.random.tag, &n, sizeof(n));
		assert_int_equal(session_handshake_propose(
				     &h, msg, &len, &full.r.gate, &full.r.self,
				     ALICE, &full.i.random),
				 0);
		session_handshake_free(h);
		h = NULL;
	}
	assert_int_equal(full.r.gate.n_seen, 0);
	/* Each with another tag, and so none of them to Bob: a refuse costs
	 * less than an accept. */
	for (unsigned n = 0; n < SESSION_TAGS_MAX; n++) {
		memcpy(run.propose + 2, &n, sizeof(n));
		regate(&full, run.propose, run.propose_len);
		if (n == 0)
			memcpy(first, run.propose, run.propose_len);
		assert_error(run_accept_of(&full, run.propose, run.propose_len),
			     PARLEY_ERR_ADDRESS, "another tag");
		session_handshake_free(full.r.h);
		full.r.h = NULL;
	}
	assert_int_equal(full.r.gate.n_seen, SESSION_TAGS_MAX);

	/* Those known are still known. */
	assert_propose_refused(&full, first, run.propose_len, PARLEY_ERR_REPLAY,
			       0, "seen");
	assert_propose_refused(&full, msg, len, PARLEY_ERR_REFLECTION, 0,
			       "own");
	run_free(&run);
	run_init(&run, 30);
	run_propose(&run);
	assert_propose_refused(&full, run.propose, run.propose_len,
			       PARLEY_ERR_EXHAUSTED, 0, "8193rd");
	run_free(&run);
	run_free(&full);
}

/*
 * Memory that is given back is searched for secrets.  It is read through
 * /proc/self/mem, so that valgrind does not mind what was never written.
 */

enum { N_SECRETS = 8 };

static struct {
	bool armed;
	int fd;
	size_t n, n_freed, n_found;
	uint8_t secret[N_SECRETS][32];
} watch;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	static uint8_t copy[1 << 18];
	size_t size = watch.armed && p ? malloc_usable_size(p) : 0;

	if (size > 0 && size <= sizeof(copy) &&
	    pread(watch.fd, copy, size, (off_t)(uintptr_t)p) == (ssize_t)size) {
		watch.n_freed++;
		for (size_t i = 0; i < watch.n; i++)
			if (memmem(copy, size, watch.secret[i], 32))
				watch.n_found++;
	}
	__real_free(p);
}

static void watch_secret(const uint8_t secret[32])
{
	assert_true(watch.n < N_SECRETS);
	memcpy(watch.secret[watch.n++], secret, 32);
}

static void secrets_are_wiped_before_memory_is_freed(void **state)
{
	struct session_handshake_result i, r;
	struct inside in;
	uint8_t *p;
	struct run run;

	(void)state;
	memset(&watch, 0, sizeof(watch));
	watch.fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	assert_true(watch.fd >= 0);

	/* All that is secret in this run, from a first one. */
	run_init(&run, 10);
	for (size_t n = 0; n < 32; n++) {
		run.i.random.ephemeral[n] = (uint8_t)(n * 7);
		run.r.random.ephemeral[n] = (uint8_t)(n * 11 + 3);
	}
	run_all(&run, &i, &r);
	inside_init(&in, &run, run.i.random.ephemeral, run.accept + 18,
		    run.accept);
	watch_secret(in.k.hs);
	watch_secret(in.k.key[SESSION_INITIATOR]);
	watch_secret(in.k.key[SESSION_RESPONDER]);
	watch_secret(in.k.finished[SESSION_INITIATOR]);
	watch_secret(i.traffic.secret[0]);
	watch_secret(i.traffic.resume);
	watch_secret(run.i.random.ephemeral);
	watch_secret(run.r.random.ephemeral);

	/* The watch sees what it should see. */
	watch.armed = true;
	p = malloc(64);
	for (int n = 0; n < 32; n++) /* volatile: a dead store otherwise */
		((volatile uint8_t *)p)[10 + n] = in.k.hs[n];
	free(p);
	assert_int_equal(watch.n_found, 1);
	watch.n_found = watch.n_freed = 0;

	/* Success, taken and not taken; failure of either side. */
	watch.armed = false;
	again_i(&run);
	again_r(&run);
	watch.armed = true;
	run_confirm_of(&run, run.accept, run.accept_len);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	assert_int_equal(session_handshake_result(run.i.h, &i), 0);
	again_i(&run); /* frees */
	again_r(&run);
	run.confirm[100] ^= 1;
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len),
			 PARLEY_ERR_SEAL);
	run.accept[100] ^= 1;
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len),
			 PARLEY_ERR_SEAL);
	run_free(&run);
	watch.armed = false;
	close(watch.fd);
	assert_int_equal(watch.n_found, 0);
	assert_true(watch.n_freed > 10);
	print_message("%zu freed blocks searched\n", watch.n_freed);
}

static void secrets_die_with_the_key_split(void **state)
{
	struct session_handshake_result i, r;
	struct inside in;
	size_t size;
	struct run run;
	uint8_t *copy;
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	run_init(&run, 10);
	for (size_t n = 0; n < 32; n++)
		run.i.random.ephemeral[n] = (uint8_t)(n * 7);
	run_all(&run, &i, &r);
	inside_init(&in, &run, run.i.random.ephemeral, run.accept + 18,
		    run.accept);
	/* The handshake is still there, its secrets are not. */
	size = malloc_usable_size(run.i.h);
	copy = malloc(size);
	assert_true(pread(fd, copy, size, (off_t)(uintptr_t)run.i.h) ==
		    (ssize_t)size);
	assert_non_null(memmem(copy, size, run.i.random.tag, 16));
	assert_null(memmem(copy, size, run.i.random.ephemeral, 32));
	assert_null(memmem(copy, size, in.k.hs, 32));
	for (int role = 0; role < 2; role++) {
		assert_null(memmem(copy, size, in.k.key[role], 32));
		assert_null(memmem(copy, size, in.k.finished[role], 32));
		assert_null(memmem(copy, size, i.traffic.secret[role], 32));
	}
	free(copy);
	close(fd);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vectors_are_met_byte_for_byte),
	    cmocka_unit_test(both_sides_have_the_same_keys),
	    cmocka_unit_test(two_runs_never_share_a_key),
	    cmocka_unit_test(result_is_given_once_and_only_at_the_end),
	    cmocka_unit_test(calls_out_of_order_are_refused),
	    cmocka_unit_test(
		every_flipped_byte_of_propose_is_refused_in_silence),
	    cmocka_unit_test(every_flipped_byte_of_accept_is_refused_by_i),
	    cmocka_unit_test(every_flipped_byte_of_confirm_is_refused_by_r),
	    cmocka_unit_test(propose_of_another_length_is_refused),
	    cmocka_unit_test(propose_with_0_or_17_suites_is_refused),
	    cmocka_unit_test(accept_of_another_length_is_refused),
	    cmocka_unit_test(confirm_of_another_length_is_refused),
	    cmocka_unit_test(largest_agreement_fits_into_the_messages),
	    cmocka_unit_test(replayed_propose_is_refused_in_silence),
	    cmocka_unit_test(own_propose_is_refused_in_silence),
	    cmocka_unit_test(own_tag_is_not_used_twice),
	    cmocka_unit_test(accept_of_another_session_is_refused),
	    cmocka_unit_test(confirm_of_another_session_is_refused),
	    cmocka_unit_test(message_of_another_step_is_refused),
	    cmocka_unit_test(own_ephemeral_key_in_accept_is_refused),
	    cmocka_unit_test(zero_is_no_ephemeral_secret),
	    cmocka_unit_test(
		lie_in_a_signed_envelope_is_refused_with_its_error),
	    cmocka_unit_test(confirm_to_two_parties_is_refused),
	    cmocka_unit_test(wrong_finished_is_refused),
	    cmocka_unit_test(signer_outside_the_roster_is_refused),
	    cmocka_unit_test(signer_under_another_index_is_refused),
	    cmocka_unit_test(too_many_fields_are_refused),
	    cmocka_unit_test(stolen_envelope_is_of_no_use),
	    cmocka_unit_test(accept_envelope_as_confirm_is_refused),
	    cmocka_unit_test(
		spoiled_envelope_is_refused_with_the_error_of_comm),
	    cmocka_unit_test(stranger_gets_no_byte),
	    cmocka_unit_test(version_2_is_refused_by_word),
	    cmocka_unit_test(suites_without_a_common_one_are_refused_by_word),
	    cmocka_unit_test(suite_named_twice_is_refused_in_silence),
	    cmocka_unit_test(downgrade_by_a_holder_is_noticed_by_i),
	    cmocka_unit_test(suite_that_was_not_offered_is_refused),
	    cmocka_unit_test(point_of_small_order_is_refused),
	    cmocka_unit_test(each_reason_of_a_refuse_has_its_error),
	    cmocka_unit_test(refuse_after_an_accept_was_consumed_is_refused),
	    cmocka_unit_test(propose_for_another_did_is_disputed),
	    cmocka_unit_test(every_flipped_byte_of_dispute_is_refused),
	    cmocka_unit_test(dispute_of_another_length_is_refused),
	    cmocka_unit_test(recorded_propose_to_another_is_no_difference),
	    cmocka_unit_test(dispute_without_a_refuse_is_refused),
	    cmocka_unit_test(forged_refuse_is_ignored),
	    cmocka_unit_test(refuse_of_another_session_or_length_is_ignored),
	    cmocka_unit_test(difference_is_named_by_both_sides),
	    cmocka_unit_test(same_fields_with_another_hash_are_a_difference),
	    cmocka_unit_test(
		difference_explains_a_signer_who_is_not_in_the_roster),
	    cmocka_unit_test(tags_8193_and_on_are_refused),
	    cmocka_unit_test(secrets_are_wiped_before_memory_is_freed),
	    cmocka_unit_test(secrets_die_with_the_key_split),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
