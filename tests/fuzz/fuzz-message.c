/*
 * A plaintext message of a stranger, once it is out of its envelope: message,
 * bodies of the standard's protocols, forward.
 *
 * Expected: refused, or read; an opened forward is JSON again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/comm.h>

#include "comm/jose.h"
#include "comm/message.h"
#include "did/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct parley_comm_protocol p;
	json_t *quick = NULL, *slow = NULL;
	char *next, *packed, *report;
	struct comm_message m;
	size_t len;

	/* Both ways of parsing agree. */
	if (comm_jose_load(&quick, text, size) !=
		did_json_parse(&slow, text, size) ||
	    (quick != NULL && !json_equal(quick, slow)))
		abort();
	json_decref(quick);
	json_decref(slow);
	if (comm_message_parse(&m, text, size) != 0)
		return 0;
	if (comm_message_addressed(&m, "did:example:bob") > 0 ||
	    comm_message_fresh(&m, 1) > 0)
		abort();
	comm_message_wipe(&m);
	if (parley_comm_protocol_read(&p, text, size) == 0) {
		if (p.kind == PARLEY_COMM_PROTOCOL_REPORT &&
		    parley_comm_protocol_report_text(&report, &p.report) == 0)
			free(report);
		parley_comm_protocol_wipe(&p);
	}
	if (parley_comm_forward_open(&next, &packed, &len, text, size) == 0) {
		if (did_json_parse(&slow, packed, len) != 0)
			abort();
		json_decref(slow);
		free(next);
		free(packed);
	}
	return 0;
}
