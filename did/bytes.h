/*
 * Byte reader and writer.
 *
 * All wire and file layouts are read and written through these.  The first
 * failure sticks: later calls do nothing, reads give zeroes, and one check at
 * the end (did_reader_end, did_writer_end) tells whether the whole list of
 * steps went through.  Integers are big-endian.
 */
#ifndef DID_BYTES_H
#define DID_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrows the input; never writes to it. */
struct did_reader {
	const uint8_t *p;
	size_t left;
	bool failed;
};

/* Borrows the output buffer. */
struct did_writer {
	uint8_t *buf;
	size_t size; /* capacity of buf */
	size_t len;  /* bytes written */
	bool failed;
};

/* did_reader_init(r, p, len): read from the ${len} bytes at ${p}. */
void did_reader_init(struct did_reader *r, const void *p, size_t len);

/*
 * did_reader_take(r, len):
 * Return a pointer to the next ${len} bytes, which stay where they are
 * (borrowed from the input), or NULL when fewer are left.
 */
const uint8_t *did_reader_take(struct did_reader *r, size_t len);

/* did_reader_copy(r, dst, len): copy the next ${len} bytes to ${dst}. */
void did_reader_copy(struct did_reader *r, void *dst, size_t len);

uint8_t did_reader_u8(struct did_reader *r);
uint16_t did_reader_u16(struct did_reader *r);
uint32_t did_reader_u32(struct did_reader *r);
uint64_t did_reader_u64(struct did_reader *r);

/*
 * did_reader_varint(r):
 * Read an unsigned varint: 7 bits a byte, low group first, at most 9 bytes,
 * shortest form only (multiformats unsigned-varint).
 */
uint64_t did_reader_varint(struct did_reader *r);

/*
 * did_reader_end(r):
 * Return 0 if nothing failed and nothing is left, else PARLEY_ERR_LENGTH.
 */
int did_reader_end(const struct did_reader *r)
    __attribute__((warn_unused_result));

/* did_writer_init(w, buf, size): write to the ${size} bytes at ${buf}. */
void did_writer_init(struct did_writer *w, void *buf, size_t size);

/*
 * did_writer_reserve(w, len):
 * Return a pointer to ${len} bytes that now count as written and that the
 * caller fills, or NULL when they do not fit.
 */
uint8_t *did_writer_reserve(struct did_writer *w, size_t len);

void did_writer_copy(struct did_writer *w, const void *src, size_t len);
void did_writer_u8(struct did_writer *w, uint8_t v);
void did_writer_u16(struct did_writer *w, uint16_t v);
void did_writer_u32(struct did_writer *w, uint32_t v);
void did_writer_u64(struct did_writer *w, uint64_t v);

/* did_writer_varint(w, v): ${v} below 2^63, in its shortest form. */
void did_writer_varint(struct did_writer *w, uint64_t v);

/*
 * did_writer_end(w, lenp):
 * Set ${*lenp} to the bytes written and return 0, or return
 * PARLEY_ERR_TOO_LARGE when the buffer was too small.
 */
int did_writer_end(const struct did_writer *w, size_t *lenp)
    __attribute__((warn_unused_result));

#endif /* !DID_BYTES_H */
