/*
 * Is a receipt what it says it is?  Whoever hands one over may have made it up.
 */
#ifndef CLI_RECEIPT_CHECK_H
#define CLI_RECEIPT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <parley/session.h>

#include "session/wire.h"

#define CLI_RECEIPT_CHECK_KIND "receipt/2" /* its member "parley" */

enum {
	CLI_RECEIPT_CHECK_LEN_MAX = 512 * 1024,
	CLI_RECEIPT_CHECK_HEX_SIZE = 2 * PARLEY_AGREEMENT_HASH_LEN + 1,
	CLI_RECEIPT_CHECK_TEXT_SIZE = 256,
};

/* What a verified envelope says. */
struct cli_receipt_check_statement {
	const char *role; /* "accept" or "confirm" */
	char signer[PARLEY_DID_SIZE];
	char agreement[CLI_RECEIPT_CHECK_HEX_SIZE];
	const char *envelope; /* its text; borrowed from the receipt */
	uint8_t transcript[SESSION_HASH_LEN];
	json_t *message;
	const char *thid; /* borrowed from the message */
	int64_t index, when;
};

struct cli_receipt_check {
	json_t *receipt;
	struct cli_receipt_check_statement accept, confirm;
	/* If it is not: why, to stand behind the file's name. */
	char error[CLI_RECEIPT_CHECK_TEXT_SIZE];
};

/*
 * cli_receipt_check(c, text, len, a):
 * Verify the ${len} bytes of a receipt at ${text}: two parties have signed, the
 * second in answer to the first, and, unless ${a} is NULL, for ${a}, as the
 * parties that they are there.  ${c} is to be freed in any case.
 *
 * Returns whether it is so; then the indices are those of ${a}.
 */
bool cli_receipt_check(struct cli_receipt_check *c, const char *text,
		       size_t len, const struct parley_agreement *a)
    __attribute__((warn_unused_result));

/* cli_receipt_check_free(c): what ${c} holds. */
void cli_receipt_check_free(struct cli_receipt_check *c);

#endif /* !CLI_RECEIPT_CHECK_H */
