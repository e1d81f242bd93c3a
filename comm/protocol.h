/*
 * Messages of the standard's own protocols inside the library; the public part
 * is in <parley/comm.h>.
 */
#ifndef COMM_PROTOCOL_H
#define COMM_PROTOCOL_H

#include <stddef.h>

#include <jansson.h>

#include <parley/comm.h>

/*
 * comm_protocol_build(messagep, lenp, h, kind, body, attachments):
 * Write a message; ${body} and ${attachments} (NULL: none) are taken, also on
 * error.  A ${body} of NULL is taken for lack of memory.
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT (a field of ${h} is not what it must be),
 * PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int comm_protocol_build(char **messagep, size_t *lenp,
			const struct parley_comm_header *h,
			enum parley_comm_protocol_kind kind, json_t *body,
			json_t *attachments)
    __attribute__((warn_unused_result));

#endif /* !COMM_PROTOCOL_H */
