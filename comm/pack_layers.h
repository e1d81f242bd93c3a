/*
 * One envelope around a plaintext message, as parley_comm_pack() makes it
 * without mediators.
 */
#ifndef COMM_PACK_LAYERS_H
#define COMM_PACK_LAYERS_H

#include <stddef.h>

#include <parley/comm.h>

/*
 * comm_pack_layers(c, envelopep, lenp, message, message_len, how):
 * Put ${message} into the layers of ${how}, whose routing is not looked at, and
 * return the envelope in ${*envelopep}; free() it.
 *
 * Returns 0, or the errors of parley_comm_pack().
 */
int comm_pack_layers(struct parley_comm *c, char **envelopep, size_t *lenp,
		     const char *message, size_t message_len,
		     const struct parley_comm_pack *how)
    __attribute__((warn_unused_result));

#endif /* !COMM_PACK_LAYERS_H */
