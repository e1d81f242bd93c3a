/*
 * One call packs: an envelope for the recipient (pack_layers.c), and around it
 * one for each mediator on the way (forward.c).
 */
#include <stdlib.h>

#include "comm/comm.h"
#include "comm/pack_layers.h"
#include "did/secret.h"

int parley_comm_pack(struct parley_comm *comm, char **envelopep, size_t *lenp,
		     const char *message, size_t message_len,
		     const struct parley_comm_pack *how)
{
	char *text;
	size_t len;
	int err = comm_begin(comm);

	if (err)
		return err;
	if (how->n_routing > 0 && (how->layers == PARLEY_COMM_PLAIN ||
				   how->layers == PARLEY_COMM_SIGNED))
		return comm_fail(comm, PARLEY_ERR_ARGUMENT,
				 "mediators carry encrypted messages only");
	err = comm_pack_layers(comm, &text, &len, message, message_len, how);
	if (err)
		return err;
	if (how->n_routing == 0) {
		*envelopep = text;
		*lenp = len;
		return 0;
	}
	err = parley_comm_forward_wrap(comm, envelopep, lenp, text, len,
				       how->to, how->routing, how->n_routing);
	did_secret_wipe(text, len);
	free(text);
	return err;
}
