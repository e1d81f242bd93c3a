/*
 * Error codes of libparley.
 *
 * A function that can fail returns 0 when it is done and one of these
 * negative codes when it is not.  The class says whose doing it is:
 *
 *   PEER    what the other side sent is wrong: drop it, and name it
 *   LOCAL   what the caller asked for cannot be done: fix the call or input
 *   SYSTEM  the machine failed (memory, disk, network); errno may say more
 *
 * New codes are added at the end; a number never changes its meaning.
 */
#ifndef PARLEY_ERR_H
#define PARLEY_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Everything else in the library is hidden. */
#pragma GCC visibility push(default)

/* X(name, number, class, text) */
#define PARLEY_ERR_TABLE(X)                                                 \
	X(SYSTEM, 1, SYSTEM, "system call failed")                          \
	X(MEMORY, 2, SYSTEM, "out of memory")                               \
	X(AGAIN, 3, LOCAL, "would have to wait; try again later")           \
	X(ARGUMENT, 4, LOCAL, "argument out of range")                      \
	X(STATE, 5, LOCAL, "call not allowed in this state")                \
	X(TIMEOUT, 6, LOCAL, "time limit reached")                          \
	X(TOO_LARGE, 7, LOCAL, "larger than the limit allows")              \
	X(FORMAT, 8, PEER, "not in the expected form")                      \
	X(ENCODING, 9, PEER, "text encoding is not valid or not canonical") \
	X(LENGTH, 10, PEER, "length is not what it must be")                \
	X(UNSUPPORTED, 11, PEER, "valid, but not supported here")           \
	X(KEY, 12, PEER, "not a valid key")                                 \
	X(NOT_FOUND, 13, LOCAL, "not found")                                \
	X(EXISTS, 14, LOCAL, "exists already")                              \
	X(PASSPHRASE, 15, LOCAL,                                            \
	  "passphrase is wrong, or the file was changed")                   \
	X(FILE_FORMAT, 16, LOCAL, "not an identity file")                   \
	X(FILE_DAMAGED, 17, LOCAL, "identity file is damaged")              \
	X(JSON, 18, PEER, "not strict JSON")                                \
	X(MESSAGE, 19, PEER, "not a valid DIDComm message")                 \
	X(ENVELOPE, 20, PEER, "not a valid DIDComm envelope")               \
	X(ALGORITHM, 21, PEER, "algorithm not allowed here")                \
	X(KID, 22, PEER, "key id does not fit the sender")                  \
	X(SIGNATURE, 23, PEER, "signature does not verify")                 \
	X(ADDRESS, 24, PEER, "not addressed to this party")                 \
	X(EXPIRED, 25, PEER, "expired")                                     \
	X(VERSION, 26, PEER, "protocol version not supported")              \
	X(GATE, 27, PEER, "sender does not hold the agreement")             \
	X(SUITE, 28, PEER, "no common cipher suite, or one not offered")    \
	X(DH, 29, PEER, "Diffie-Hellman result is all zero")                \
	X(SEAL, 30, PEER, "sealed part does not open")                      \
	X(TRANSCRIPT, 31, PEER, "signed for another transcript")            \
	X(PURPOSE, 32, PEER, "signed for another purpose")                  \
	X(FINISHED, 33, PEER, "finished MAC does not match")                \
	X(ROSTER, 34, PEER, "signer is not in the roster")                  \
	X(INDEX, 35, PEER, "signer is in the roster under another index")   \
	X(DUPLICATE, 36, PEER, "party is connected already")                \
	X(REPLAY, 37, PEER, "seen before")                                  \
	X(REFLECTION, 38, PEER, "own message came back")                    \
	X(AGREEMENT, 39, PEER, "agreement differs")                         \
	X(SEQUENCE, 40, PEER, "record out of sequence")                     \
	X(RECORD, 41, PEER, "record content is not valid")                  \
	X(EXHAUSTED, 42, LOCAL, "sequence numbers used up")                 \
	X(LOST, 43, PEER, "party lost")                                     \
	X(CLOSED, 44, PEER, "party closed the session")                     \
	X(ABORTED, 45, PEER, "party gave up")                               \
	X(UNREACHABLE, 46, PEER, "party cannot be reached")                 \
	X(UNDELIVERED, 47, PEER, "messages were not acknowledged")          \
	X(ADDRESS_IN_USE, 48, SYSTEM, "address is in use")                  \
	X(ENDPOINT, 49, LOCAL, "not a usable endpoint")                     \
	X(RESTARTED, 50, PEER, "party restarted during the session")        \
	X(INTERRUPTED, 51, LOCAL, "interrupted")                            \
	X(INTERNAL, 52, LOCAL, "internal error; please report it")          \
	X(DOCUMENT, 53, PEER, "not a valid DID document")                   \
	X(FETCH, 54, SYSTEM, "cannot fetch the DID document")               \
	X(UNSAFE, 55, LOCAL, "other users could have put it there")

#define PARLEY_ERR_ENUM(name, number, class_, text) \
	PARLEY_ERR_##name = -(number),

enum parley_err { PARLEY_ERR_TABLE(PARLEY_ERR_ENUM) };

#undef PARLEY_ERR_ENUM

enum parley_err_class {
	PARLEY_ERR_CLASS_NONE, /* 0, or not a code of ours */
	PARLEY_ERR_CLASS_PEER,
	PARLEY_ERR_CLASS_LOCAL,
	PARLEY_ERR_CLASS_SYSTEM,
};

/*
 * parley_did_err_string(err):
 * Return one sentence fragment in English for ${err}: lower case, no full
 * stop.  0 is "success"; an unknown code is "unknown error".  Static text.
 */
const char *parley_did_err_string(int err);

/*
 * parley_did_err_name(err):
 * Return the name of the code as written in C, such as "PARLEY_ERR_SEAL", for
 * logs and JSON; "PARLEY_OK" for 0; "PARLEY_ERR_UNKNOWN" otherwise.  Static.
 */
const char *parley_did_err_name(int err);

/*
 * parley_did_err_class(err):
 * Return the class of ${err}.
 */
enum parley_err_class parley_did_err_class(int err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !PARLEY_ERR_H */
