/*
 * Receipts: the signed envelopes of a handshake, kept as evidence.
 *
 * A receipt is a JSON file with the two envelopes as they were sent, and what
 * ties them together, R's finished in base64url (PROTOCOL.md 5.5):
 * {"parley": "receipt/2", "accept": "{...}", "confirm": "{...}",
 *  "finished": "..."}.
 */
#ifndef CLI_RECEIPT_H
#define CLI_RECEIPT_H

#include <parley/session.h>

struct cli_receipt {
	const char *accept, *confirm, *finished;
};

/*
 * cli_receipt_write(r, party, dir):
 * Write the receipt of ${party} into ${dir}, which is made if it is not there.
 *
 * Returns an exit code, the error printed.
 */
int cli_receipt_write(const struct cli_receipt *r, int party, const char *dir);

/*
 * cli_receipt_write_all(s, a, dir):
 * Write those of all other parties of the ready session ${s}.
 *
 * Returns an exit code, the error printed.
 */
int cli_receipt_write_all(const struct parley_session *s,
			  const struct parley_agreement *a, const char *dir);

#endif /* !CLI_RECEIPT_H */
