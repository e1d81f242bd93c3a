/*
 * DIDComm v2.1 plaintext messages (message_structure.md, threading.md).
 */
#ifndef COMM_MESSAGE_H
#define COMM_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <parley/comm.h>

#define COMM_MESSAGE_TYP "application/didcomm-plain+json"

enum {
	COMM_MESSAGE_ID_LEN_MAX = 64, /* the text says 32, UUIDs have 36 */
	COMM_MESSAGE_TYPE_LEN_MAX = 512,
	COMM_MESSAGE_TO_MAX = 1024, /* entries of `to` */
};

/*
 * A checked message.  ${json} is the whole message, unknown members included;
 * all other pointers are borrowed from it and NULL where the member is absent.
 */
struct comm_message {
	json_t *json;
	const char *id;
	const char *type;
	const char *typ;
	const char *from;
	const char *thid;
	const char *pthid;
	const char *from_prior;
	const json_t *to;     /* array of strings */
	const json_t *body;   /* object */
	int64_t created_time; /* seconds, -1: absent */
	int64_t expires_time; /* seconds, -1: absent */
};

/*
 * comm_message_parse(m, text, len):
 * Parse and check ${text}: strict JSON; id and type present; every known
 * member of its type and form; unknown members kept.  comm_message_wipe() it.
 *
 * Returns 0, or PARLEY_ERR_JSON, PARLEY_ERR_MESSAGE, PARLEY_ERR_TOO_LARGE,
 * PARLEY_ERR_MEMORY.  ${m} is untouched on error.
 */
int comm_message_parse(struct comm_message *m, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * comm_message_check(m, json):
 * The same for a message that is JSON already; takes a reference of its own.
 *
 * Returns 0, or PARLEY_ERR_MESSAGE.
 */
int comm_message_check(struct comm_message *m, json_t *json)
    __attribute__((warn_unused_result));

/*
 * comm_message_addressed(m, did):
 * Does `to` hold ${did}?  0, or PARLEY_ERR_ADDRESS (also when absent).
 */
int comm_message_addressed(const struct comm_message *m, const char *did)
    __attribute__((warn_unused_result));

/*
 * comm_message_fresh(m, now):
 * 0, or PARLEY_ERR_EXPIRED if `expires_time` is there and ${now} (seconds,
 * UTC) is not before it.
 */
int comm_message_fresh(const struct comm_message *m, int64_t now)
    __attribute__((warn_unused_result));

/*
 * comm_message_is_media_type(typ, media_type):
 * Is ${typ} the media type ${media_type}, which begins with "application/"?
 * ${typ} may leave that prefix out; case does not count.
 */
bool comm_message_is_media_type(const char *typ, const char *media_type);

/*
 * comm_message_is_type(type, expected):
 * Is the message type URI ${type} the message ${expected}, in a version of the
 * same major number?  Names of protocol and message are compared without case
 * and punctuation.
 * Spec: DIDComm 2.1, protocols.md, "Semver Rules", "Message Type URI".
 */
bool comm_message_is_type(const char *type, const char *expected);

/*
 * comm_message_new_id(id):
 * Write a random message id and a NUL to ${id}.
 */
#define COMM_MESSAGE_NEW_ID_SIZE 33
void comm_message_new_id(char id[COMM_MESSAGE_NEW_ID_SIZE]);

/* comm_message_wipe(m): release ${m}; a zeroed ${m} is allowed. */
void comm_message_wipe(struct comm_message *m);

#endif /* !COMM_MESSAGE_H */
