/*
 * Receipts: the signed envelopes of a handshake, kept as evidence.
 *
 * A receipt is a JSON file with the two envelopes as they were sent:
 * {"parley": "receipt/1", "accept": {...}, "confirm": {...}}.
 */
#ifndef CLI_RECEIPT_H
#define CLI_RECEIPT_H

#include <parley/session.h>

/*
 * cli_receipt_write_all(s, a, dir):
 * Write one receipt for each other party of the ready session ${s} into
 * ${dir}, which is made if it is not there.
 *
 * Returns an exit code, the error printed.
 */
int cli_receipt_write_all(const struct parley_session *s,
			  const struct parley_agreement *a, const char *dir);

#endif /* !CLI_RECEIPT_H */
