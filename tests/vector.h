/*
 * Vector files for tests: JSON objects with an array `vectors`.
 */
#ifndef TESTS_VECTOR_H
#define TESTS_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/*
 * vector_load(name):
 * Return the object in the file ${name} below PARLEY_VECTORS (environment, or
 * where the build found it); json_decref() it.  Ends the program if it is not
 * there: a test without its vectors has not passed.
 */
json_t *vector_load(const char *name);

/* vector_text(v, name): the text of a member that must be there.  Borrowed. */
const char *vector_text(const json_t *v, const char *name);

/*
 * vector_hex(bytes, size, v, name):
 * Decode the hex text of a member that must be there and fit into ${size}
 * bytes.  Returns its length.
 */
size_t vector_hex(uint8_t *bytes, size_t size, const json_t *v,
		  const char *name);

/*
 * vector_raw(bytes, size, v, name):
 * The text of the member ${name}, or of `hex` decoded where that is there
 * instead, which must fit into ${size} bytes with a NUL.  Returns its length.
 */
size_t vector_raw(uint8_t *bytes, size_t size, const json_t *v,
		  const char *name);

/*
 * vector_expect(v, err):
 * Is ${err} the error whose name is the member `expect` ("PARLEY_OK" or absent:
 * none)?  A test failure of cmocka if not, with the member `tests` printed.
 */
void vector_expect(const json_t *v, int err);

#endif /* !TESTS_VECTOR_H */
