/*
 * Field digests (PROTOCOL 2.2): they name what differs between two agreements
 * without telling what it is.
 */
#ifndef SESSION_AGREEMENT_FIELDS_H
#define SESSION_AGREEMENT_FIELDS_H

#include <jansson.h>

#include "session/agreement.h"

/*
 * session_agreement_fields_new(a):
 * The object path -> field digest; the caller gives its reference up.  NULL
 * when out of memory.
 */
json_t *session_agreement_fields_new(const struct parley_agreement *a)
    __attribute__((warn_unused_result));

/*
 * session_agreement_fields_diff(path, a, fields):
 * Compare with another party's ${fields} and write the path of the first
 * difference to ${path}, "" if there is none.  ${fields} may hold anything:
 * texts from it are cut to what paths are made of.
 */
void session_agreement_fields_diff(char path[SESSION_FIELD_PATH_SIZE],
				   const struct parley_agreement *a,
				   const json_t *fields);

#endif /* !SESSION_AGREEMENT_FIELDS_H */
