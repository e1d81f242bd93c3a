/*
 * An invitation as a stranger shows it: URL, bare text, or JSON.
 *
 * Expected: refused, or a message that gives a URL which reads as an
 * invitation again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/comm.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *message, *again, *url;
	size_t len, again_len;

	if (parley_comm_invitation_parse(&message, &len, (const char *)data,
					 size) != 0)
		return 0;
	if (parley_comm_invitation_url(&url, message, len, "https://a.b/c") !=
	    0)
		abort();
	/* A number may be longer in its canonical form; nothing else fails. */
	switch (parley_comm_invitation_parse(&again, &again_len, url,
					     strlen(url))) {
	case 0:
		free(again);
		break;
	case PARLEY_ERR_TOO_LARGE:
		break;
	default:
		abort();
	}
	free(url);
	free(message);
	return 0;
}
