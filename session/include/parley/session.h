/*
 * parley/session.h: computing together.
 *
 *   agreement   what the parties agreed to compute, and who they are
 *   session     one party's end of the computation: a sealed channel to
 *               every other party
 *
 * A program that runs one party:
 *
 *   parley_session_agreement_load(&agreement, NULL, "agreement.json");
 *   parley_did_identity_load(&identity, "alice.identity", NULL, 0);
 *   parley_session_open(&session, agreement, identity, NULL);
 *   parley_session_send(session, 1, share, share_len);
 *   parley_session_recv(session, 2, NULL, &msg, &len);
 *   parley_session_close(session);
 *
 * Messages keep their boundaries and their order and arrive exactly once.
 * Small messages are gathered: what parley_session_send() accepts leaves when
 * a record is full, when parley_session_flush() is called, or when the caller
 * is about to wait in parley_session_recv() or parley_session_close().
 *
 * One session belongs to one thread at a time; different sessions are
 * independent, so one process can hold many parties.  No call prints, exits,
 * or installs signal handlers.
 *
 * A session, or hub, belongs to the process that made it.  One that is forked
 * from it has the same keys: there every call that sends or receives returns
 * PARLEY_ERR_STATE, and parley_session_free() leaves the connections alone.
 */
#ifndef PARLEY_SESSION_H
#define PARLEY_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/did.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Everything else in the library is hidden. */
#pragma GCC visibility push(default)

struct parley_agreement;
struct parley_session;
struct parley_session_hub;

enum {
	PARLEY_AGREEMENT_PARTIES_MAX = 1024,
	PARLEY_AGREEMENT_ENDPOINTS_MAX = 8,	/* of one party */
	PARLEY_AGREEMENT_LEN_MAX = 1024 * 1024, /* bytes of the file */
	PARLEY_AGREEMENT_ID_LEN = 16,
	PARLEY_AGREEMENT_HASH_LEN = 32,
};

/*
 * Agreements
 */

/*
 * parley_session_agreement_parse(ap, errp, json, len):
 * Parse and check the agreement in ${json} (${len} bytes) and return it in
 * ${*ap}; the caller frees it with parley_session_agreement_free().  The form
 * is described in parley-agreement(5) and session/PROTOCOL.md, "Agreement".
 * ${errp} may be NULL; on failure ${*errp} is a sentence that says what is
 * wrong and where, to be freed with free(), or NULL when out of memory.
 *
 * Returns 0, or PARLEY_ERR_JSON, PARLEY_ERR_FORMAT (a member is missing, of
 * the wrong type, or unknown), PARLEY_ERR_DUPLICATE (a DID or key stands in
 * the roster twice), PARLEY_ERR_ENDPOINT, PARLEY_ERR_TOO_LARGE,
 * PARLEY_ERR_MEMORY, or what decoding a DID gives.
 */
int parley_session_agreement_parse(struct parley_agreement **ap, char **errp,
				   const char *json, size_t len);

/*
 * parley_session_agreement_load(ap, errp, path):
 * The same for the file ${path}; also PARLEY_ERR_NOT_FOUND and
 * PARLEY_ERR_SYSTEM (see errno).
 */
int parley_session_agreement_load(struct parley_agreement **ap, char **errp,
				  const char *path);

/*
 * parley_session_agreement_hash(a, hash):
 * The hash that every party must have: SHA-256 over the deterministic CBOR
 * form of ${a}.
 */
void parley_session_agreement_hash(const struct parley_agreement *a,
				   uint8_t hash[PARLEY_AGREEMENT_HASH_LEN]);

/* What an agreement says.  Texts are borrowed from ${a}; absent ones are "". */
const char *parley_session_agreement_name(const struct parley_agreement *a);
int64_t parley_session_agreement_created(const struct parley_agreement *a);
int64_t parley_session_agreement_expires(const struct parley_agreement *a);
size_t parley_session_agreement_n_parties(const struct parley_agreement *a);
unsigned parley_session_agreement_threshold(const struct parley_agreement *a);
const char *parley_session_agreement_program(const struct parley_agreement *a);
const char *parley_session_agreement_program_version(
    const struct parley_agreement *a);

/*
 * parley_session_agreement_digest(a, label):
 * The SHA-256 digest, 64 lower-case hexadecimal characters, that the
 * agreement gives for the program file or package ${label}; NULL if none.
 */
const char *parley_session_agreement_digest(const struct parley_agreement *a,
					    const char *label);

/*
 * parley_session_agreement_parameter(a, name):
 * The value of the parameter ${name} as text (integers in decimal, booleans as
 * "true" and "false"), or NULL if the agreement has no such parameter.
 */
const char *parley_session_agreement_parameter(const struct parley_agreement *a,
					       const char *name);

/* Of party ${index}, 0 to n-1; NULL if there is no such party or endpoint. */
const char *parley_session_agreement_party_did(const struct parley_agreement *a,
					       size_t index);
const char *parley_session_agreement_party_name(
    const struct parley_agreement *a, size_t index);
const char *parley_session_agreement_party_endpoint(
    const struct parley_agreement *a, size_t index, size_t n);

/*
 * parley_session_agreement_index(a, did):
 * The index of the party ${did}, or PARLEY_ERR_ROSTER.
 */
int parley_session_agreement_index(const struct parley_agreement *a,
				   const char *did);

/* parley_session_agreement_free(a): NULL is allowed. */
void parley_session_agreement_free(struct parley_agreement *a);

/*
 * Sessions
 */

enum parley_session_state {
	PARLEY_SESSION_OPENING, /* not every party is here yet */
	PARLEY_SESSION_READY,	/* messages may be sent */
	PARLEY_SESSION_CLOSING,
	PARLEY_SESSION_CLOSED,
	PARLEY_SESSION_FAILED, /* see parley_session_error() */
};

enum parley_party_state {
	PARLEY_PARTY_SELF,
	PARLEY_PARTY_CONNECTING,  /* no connection yet */
	PARLEY_PARTY_HANDSHAKING, /* connected, not authenticated yet */
	PARLEY_PARTY_READY,	  /* authenticated, same agreement */
	PARLEY_PARTY_INTERRUPTED, /* connection broken, may come back */
	PARLEY_PARTY_LOST,	  /* will not come back */
	PARLEY_PARTY_CLOSED,	  /* said goodbye */
};

enum {
	PARLEY_ANY = -1, /* any party */
};

struct parley_party_stats {
	uint64_t messages_sent; /* messages of the program */
	uint64_t messages_received;
	uint64_t bytes_sent; /* of the program, without any framing */
	uint64_t bytes_received;
	uint64_t records_sent; /* one record is one ZeroMQ message */
	uint64_t records_received;
	uint64_t wire_bytes_sent; /* of records, without ZeroMQ's framing */
	uint64_t wire_bytes_received;
	uint64_t records_resent;
	uint64_t records_dropped; /* received, but not the next one */
	uint64_t resumes;	  /* times the connection broke and came back */
	uint64_t ratchets;	  /* key changes, both directions */
	uint64_t handshake_us;	  /* propose to keys, 0: no handshake yet */
	uint64_t rtt_us; /* last answer to parley_session_ping(), or 0 */
};

/*
 * Something happened while opening; see parley_session_options.on_progress.
 * Pointers are valid during the call.
 */
struct parley_progress {
	int party;		       /* whom it concerns, or -1 */
	enum parley_party_state state; /* of that party now */
	const char *name;	       /* its name in the agreement, or "" */
	const char *did;
	const char *endpoint; /* dialled, or NULL: waiting to be dialled */
	const char *detail;   /* last thing that went wrong there, or NULL */
	int64_t waited_ms;    /* since the session was opened */
};

enum parley_carrier {
	/* ZMTP 3.1 in the caller's thread: the default. */
	PARLEY_CARRIER_ZMTP,
	/* libzmq with a thread of its own, which answers heartbeats while the
	 * program computes.  Only where no stranger reaches the port: libzmq
	 * 4.3.4 aborts the process if a peer claims an identity that it is
	 * about to give to another. */
	PARLEY_CARRIER_LIBZMQ,
};

enum parley_on_lost {
	PARLEY_ON_LOST_FAIL,
	PARLEY_ON_LOST_WAIT,
};

/*
 * Options; call parley_session_options_init() first, then change members.
 * Texts are copied by the call that takes the options.
 */
struct parley_session_options {
	size_t size; /* set by parley_session_options_init() */

	/* Listen here instead of at the endpoints of the agreement; a
	 * ZeroMQ endpoint such as "tcp://0.0.0.0:7000".  NULL: as agreed. */
	const char *listen;

	/* Longest time until every party is ready.  Default 60 s. */
	int open_timeout_ms;

	/* Longest time that one call of send, recv or close waits; -1: no
	 * limit, 0: never wait (PARLEY_ERR_AGAIN).  Default -1 for send and
	 * recv, 30 s for close. */
	int send_timeout_ms;
	int recv_timeout_ms;
	int close_timeout_ms;

	/* A party that is silent on the network for so long is lost.
	 * Default 30 s. */
	int liveness_ms;

	/* What becomes of a party whose connection stays broken: lost within
	 * liveness_ms (the default), or waited for until resume_ms have passed,
	 * 10 minutes by default. */
	enum parley_on_lost on_lost;
	int resume_ms;

	/* A program that is there, but has not called its library for so long,
	 * is taken for broken.  Default 5 minutes. */
	int unresponsive_ms;

	/* What speaks ZeroMQ; the same on the wire. */
	enum parley_carrier carrier;

	/* Bytes that a party may have sent here without the program having
	 * taken them.  Default 4 MiB, at least 64 KiB. */
	size_t window;

	/* Largest message that is accepted from others.  Default 1 GiB. */
	size_t message_max;

	/* Largest record that is sent, 32 KiB to 256 KiB.  Default 128 KiB. */
	size_t record_max;

	/* Called from within parley_session_open(), _wait() and _process() at
	 * every change of a party's state, and about once a second for every
	 * party that is waited for, or if all are there but not ready yet, with
	 * party -1 and no detail.  A return other than 0 ends the opening
	 * with PARLEY_ERR_INTERRUPTED.  It must not call functions on the
	 * session. */
	int (*on_progress)(void *context, const struct parley_progress *p);
	void *context;

	/* Share the port of this hub instead of listening: ${listen} and
	 * ${carrier} are then not looked at.  NULL (the default): a port of its
	 * own. */
	struct parley_session_hub *hub;

	/* Keep the signed envelopes of the handshakes, for
	 * parley_session_receipt().  Default: no. */
	bool keep_receipts;

	/* How long a wait for one party looks again and again before it sleeps,
	 * in microseconds, where that was seen to bring answers sooner; where
	 * it was not, it is hardly ever tried.  0: never.  Default 50, at most
	 * 10000.  Not with the carrier over libzmq, nor with a hub. */
	int spin_us;
};

/* parley_session_options_init(o): set every member to its default. */
void parley_session_options_init(struct parley_session_options *o);

/*
 * Hubs: one listening port for many sessions, of different agreements or of
 * different parties of one.  For whom a stranger's connection is meant shows in
 * its first message, at one hash for each session.
 *
 * A hub and its sessions belong to one thread.  Calls that wait serve the
 * network for all of them, but only their own session acts on what comes; so a
 * program with several at work polls parley_session_hub_fd() and the
 * descriptors of all of its sessions, and processes those that are readable.
 */
struct parley_session_hub_options {
	size_t size; /* set by parley_session_hub_options_init() */
	enum parley_carrier carrier;

	/* As those of sessions; a session's own bound on how long it waits for
	 * a party whose connection broke comes on top. */
	int liveness_ms;
	int unresponsive_ms;
};

/* parley_session_hub_options_init(o): set every member to its default. */
void parley_session_hub_options_init(struct parley_session_hub_options *o);

/*
 * parley_session_hub_new(hp, o):
 * A hub that does not listen yet.  ${o} may be NULL.  Free it with
 * parley_session_hub_free().
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT, PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int parley_session_hub_new(struct parley_session_hub **hp,
			   const struct parley_session_hub_options *o);

/*
 * parley_session_hub_listen(h, endpoint):
 * Listen at ${endpoint}, "tcp://host:port"; more than once for several.  A hub
 * that listens nowhere serves sessions that only dial.
 *
 * Returns 0, or PARLEY_ERR_ADDRESS_IN_USE, PARLEY_ERR_ENDPOINT,
 * PARLEY_ERR_TOO_LARGE (too many), PARLEY_ERR_SYSTEM.
 */
int parley_session_hub_listen(struct parley_session_hub *h,
			      const char *endpoint);

/*
 * parley_session_hub_fd(h):
 * A descriptor that is readable when parley_session_hub_process() has work.
 */
int parley_session_hub_fd(const struct parley_session_hub *h);

/*
 * parley_session_hub_process(h):
 * Fetch what has come and lay it before the sessions that it is for: their
 * descriptors are readable then.  Does not wait.
 *
 * Returns 0, or PARLEY_ERR_SYSTEM, PARLEY_ERR_MEMORY.
 */
int parley_session_hub_process(struct parley_session_hub *h);

/*
 * parley_session_hub_free(h):
 * Stop listening and free ${h}, at once if it has no session any more,
 * otherwise with the last one.  NULL is allowed.
 */
void parley_session_hub_free(struct parley_session_hub *h);

/*
 * parley_session_new(sp, a, id, o):
 * Begin a session as the party of ${a} whose DID is that of ${id}: listen,
 * dial, and return at once with the session in ${*sp}.  Then either call
 * parley_session_wait(), or poll parley_session_fd() and call
 * parley_session_process() until parley_session_state() changes.  ${a} and
 * ${id} are borrowed and must outlive the session.  ${o} may be NULL.
 *
 * When it fails, ${*sp} is still set (unless out of memory), so that
 * parley_session_error() can say why; the caller frees it with
 * parley_session_free() in any case.
 *
 * Returns 0, or PARLEY_ERR_ROSTER (${id} is not in ${a}), PARLEY_ERR_EXPIRED
 * (the agreement), PARLEY_ERR_ARGUMENT (an option), PARLEY_ERR_ADDRESS_IN_USE,
 * PARLEY_ERR_ENDPOINT (cannot listen there), PARLEY_ERR_SYSTEM,
 * PARLEY_ERR_MEMORY.
 */
int parley_session_new(struct parley_session **sp,
		       const struct parley_agreement *a,
		       const struct parley_identity *id,
		       const struct parley_session_options *o);

/*
 * parley_session_wait(s):
 * Wait until every party is ready or the opening has failed.
 *
 * Returns 0 (state READY), or the error that ended it; among them
 * PARLEY_ERR_AGREEMENT (another party has a different agreement: the error
 * text names it and the field), PARLEY_ERR_TIMEOUT (names who is missing),
 * PARLEY_ERR_RESTARTED, PARLEY_ERR_ABORTED, PARLEY_ERR_INTERRUPTED (by the
 * progress callback or a signal handler of the program).
 */
int parley_session_wait(struct parley_session *s);

/*
 * parley_session_open(sp, a, id, o):
 * parley_session_new() and parley_session_wait() in one call.
 */
int parley_session_open(struct parley_session **sp,
			const struct parley_agreement *a,
			const struct parley_identity *id,
			const struct parley_session_options *o);

/*
 * parley_session_fd(s):
 * A descriptor that is readable when parley_session_process() has work,
 * timers included.  It belongs to the session: do not read or close it.
 */
int parley_session_fd(const struct parley_session *s);

/*
 * parley_session_process(s):
 * Do what can be done without waiting: handshakes, receiving, sending what
 * was held back, timers.  Does not flush (see parley_session_flush()).
 *
 * Returns 0, or the error that ended the session.
 */
int parley_session_process(struct parley_session *s);

/*
 * parley_session_send(s, to, msg, len):
 * Send one message to party ${to}.  ${msg} is copied.  When the window of
 * that party is full this waits, receiving meanwhile, for at most
 * send_timeout_ms.
 *
 * Returns 0 (accepted), or PARLEY_ERR_AGAIN (not accepted: would wait longer),
 * PARLEY_ERR_STATE (session not ready), PARLEY_ERR_ARGUMENT (no such party, or
 * oneself), PARLEY_ERR_LOST, PARLEY_ERR_CLOSED, PARLEY_ERR_ABORTED,
 * PARLEY_ERR_INTERRUPTED (a signal handler ran), PARLEY_ERR_EXHAUSTED,
 * PARLEY_ERR_MEMORY.
 */
int parley_session_send(struct parley_session *s, int to, const void *msg,
			size_t len);

/*
 * parley_session_broadcast(s, msg, len):
 * parley_session_send() to every other party, in index order.  Stops at the
 * first error; parley_session_culprit() says where.
 */
int parley_session_broadcast(struct parley_session *s, const void *msg,
			     size_t len);

/*
 * parley_session_flush(s):
 * Seal and hand to the network everything accepted so far.  Does not wait.
 */
int parley_session_flush(struct parley_session *s);

/*
 * parley_session_recv(s, from, whop, msgp, lenp):
 * Take the next message of party ${from}, or of any party with PARLEY_ANY.
 * If there is none yet, flush, and wait for at most recv_timeout_ms.
 * ${*msgp} and ${*lenp} are the message, borrowed until the next call of any
 * function on ${s} except the getters.  ${whop} may be NULL; otherwise ${*whop}
 * is the sender.
 *
 * A party's messages that arrived before it closed or was lost are handed out
 * first.  With PARLEY_ANY a lost party is reported once nothing else is
 * there.
 *
 * Returns 0, or PARLEY_ERR_AGAIN (nothing within the time), PARLEY_ERR_STATE,
 * PARLEY_ERR_ARGUMENT, PARLEY_ERR_LOST, PARLEY_ERR_CLOSED (that party, or with
 * PARLEY_ANY all of them, closed), PARLEY_ERR_ABORTED, PARLEY_ERR_INTERRUPTED.
 */
int parley_session_recv(struct parley_session *s, int from, int *whop,
			const void **msgp, size_t *lenp);

/*
 * parley_session_take(s, from, whop, msgp, lenp):
 * parley_session_recv() of what has come already: no look at the network, no
 * flush, no waiting, no system call but for an acknowledgement that is due.
 * For programs that call parley_session_process() first and then take all that
 * there is; parley_session_flush() ends such a turn.
 *
 * Returns as parley_session_recv(), but never PARLEY_ERR_INTERRUPTED.
 */
int parley_session_take(struct parley_session *s, int from, int *whop,
			const void **msgp, size_t *lenp);

/*
 * parley_session_ping(s, party):
 * Ask ${party} for an answer; when it has come, rtt_us of its statistics is
 * set.  Set to 0 by this call.  Allowed from PARLEY_PARTY_READY on.
 */
int parley_session_ping(struct parley_session *s, int party);

/*
 * parley_session_close(s):
 * End the session gracefully: send what was accepted, tell every party, wait
 * until each has acknowledged, at most close_timeout_ms.  The session is
 * CLOSED afterwards in any case; parley_session_free() is still to be called.
 *
 * Returns 0, or PARLEY_ERR_UNDELIVERED (parley_session_error() names a party
 * and how many records it has not acknowledged; they may have arrived all the
 * same).
 */
int parley_session_close(struct parley_session *s);

/*
 * parley_session_finish(s):
 * One step of parley_session_close() that does not wait, for programs that
 * have a loop of their own: after PARLEY_ERR_AGAIN call it again when
 * parley_session_fd() is readable, which does what parley_session_process()
 * does.  close_timeout_ms does not count; who has waited for long enough calls
 * parley_session_close() with a close_timeout_ms of 0.
 *
 * Returns 0 or PARLEY_ERR_UNDELIVERED as parley_session_close(), or
 * PARLEY_ERR_AGAIN: somebody has not acknowledged everything yet.
 */
int parley_session_finish(struct parley_session *s);

/*
 * parley_session_abort(s, reason):
 * Tell every party that this one gives up, and why (one line of text, at most
 * 200 bytes), without waiting.  The session is FAILED afterwards.
 */
void parley_session_abort(struct parley_session *s, const char *reason);

/*
 * parley_session_free(s):
 * Wipe all keys, close all sockets and free ${s}.  What was not flushed is
 * dropped; without parley_session_close() the others see a lost party.  NULL
 * is allowed.
 */
void parley_session_free(struct parley_session *s);

/* Getters; none of them changes anything. */
enum parley_session_state parley_session_state(const struct parley_session *s);
int parley_session_self(const struct parley_session *s);
int parley_session_n_parties(const struct parley_session *s);
enum parley_party_state parley_session_party_state(
    const struct parley_session *s, int party);

/* A word for a state: "connecting", "ready", ...  Static. */
const char *parley_session_party_state_name(enum parley_party_state state);

/*
 * parley_session_error(s):
 * The last error as one sentence that names the party and its DID where one
 * is concerned, such as "party 2 'carol' (did:key:z6Mk...): agreement
 * differs in parameters.column".  "" if there was none.  Valid until the next
 * call on ${s}.
 */
const char *parley_session_error(const struct parley_session *s);

/* The party that the last error concerns, or -1. */
int parley_session_culprit(const struct parley_session *s);

/*
 * parley_session_stats(s, party, stats):
 * Statistics of the channel to ${party}.  Returns 0 or PARLEY_ERR_ARGUMENT.
 */
int parley_session_stats(const struct parley_session *s, int party,
			 struct parley_party_stats *stats);

/* The two signed envelopes of a handshake, and what ties the second one to the
 * first (PROTOCOL 5.5). */
enum parley_receipt {
	PARLEY_RECEIPT_ACCEPT,	 /* signed by who was dialled */
	PARLEY_RECEIPT_CONFIRM,	 /* signed by who dialled */
	PARLEY_RECEIPT_FINISHED, /* no envelope: 32 bytes in base64url */
};

/*
 * parley_session_receipt(s, party, which, textp):
 * One of the envelopes that made the channel to ${party}: a DIDComm signed
 * message, evidence for anybody that this DID agreed to this agreement; or what
 * ties the two together.  Kept only with keep_receipts.  ${*textp} is borrowed
 * until the next call that is no getter.
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT (no such party), PARLEY_ERR_NOT_FOUND.
 */
int parley_session_receipt(const struct parley_session *s, int party,
			   enum parley_receipt which, const char **textp);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !PARLEY_SESSION_H */
