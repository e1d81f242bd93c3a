/*
 * Byte reader and writer.
 *
 * Every read goes through did_reader_take() and every write through
 * did_writer_reserve(): these two hold the only bounds checks, and once one
 * has failed they give NULL for good.
 */
#include "did/bytes.h"

#include <string.h>

#include <parley/err.h>

enum {
	VARINT_LEN_MAX = 9, /* 63 bits */
};

void did_reader_init(struct did_reader *r, const void *p, size_t len)
{
	static const uint8_t nothing[1];

	/* Arithmetic on NULL is undefined, even by 0. */
	r->p = p != NULL ? p : nothing;
	r->left = p != NULL ? len : 0;
	r->failed = false;
}

const uint8_t *did_reader_take(struct did_reader *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

void did_reader_copy(struct did_reader *r, void *dst, size_t len)
{
	const uint8_t *p = did_reader_take(r, len);

	if (len == 0)
		return;
	if (p != NULL)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

static uint64_t read_be(struct did_reader *r, size_t len)
{
	const uint8_t *p = did_reader_take(r, len);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t did_reader_u8(struct did_reader *r)
{
	return (uint8_t)read_be(r, 1);
}

uint16_t did_reader_u16(struct did_reader *r)
{
	return (uint16_t)read_be(r, 2);
}

uint32_t did_reader_u32(struct did_reader *r)
{
	return (uint32_t)read_be(r, 4);
}

uint64_t did_reader_u64(struct did_reader *r)
{
	return read_be(r, 8);
}

uint64_t did_reader_varint(struct did_reader *r)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < VARINT_LEN_MAX; i++) {
		uint8_t byte = did_reader_u8(r);

		if (r->failed)
			return 0;
		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if ((byte & 0x80) != 0)
			continue;
		/* A last group of zero could have been left out. */
		if (byte == 0 && i > 0)
			break;
		return v;
	}
	r->failed = true;
	return 0;
}

int did_reader_end(const struct did_reader *r)
{
	return r->failed || r->left > 0 ? PARLEY_ERR_LENGTH : 0;
}

void did_writer_init(struct did_writer *w, void *buf, size_t size)
{
	w->buf = buf;
	w->size = buf != NULL ? size : 0;
	w->len = 0;
	w->failed = false;
}

uint8_t *did_writer_reserve(struct did_writer *w, size_t len)
{
	uint8_t *p;

	if (w->failed || w->buf == NULL || len > w->size - w->len) {
		w->failed = w->failed || len > 0;
		return NULL;
	}
	p = w->buf + w->len;
	w->len += len;
	return p;
}

void did_writer_copy(struct did_writer *w, const void *src, size_t len)
{
	uint8_t *p = did_writer_reserve(w, len);

	if (p != NULL && len > 0)
		memcpy(p, src, len);
}

static void write_be(struct did_writer *w, uint64_t v, size_t len)
{
	uint8_t *p = did_writer_reserve(w, len);

	if (p == NULL)
		return;
	for (size_t i = len; i > 0; i--) {
		p[i - 1] = (uint8_t)v;
		v >>= 8;
	}
}

void did_writer_u8(struct did_writer *w, uint8_t v)
{
	write_be(w, v, 1);
}

void did_writer_u16(struct did_writer *w, uint16_t v)
{
	write_be(w, v, 2);
}

void did_writer_u32(struct did_writer *w, uint32_t v)
{
	write_be(w, v, 4);
}

void did_writer_u64(struct did_writer *w, uint64_t v)
{
	write_be(w, v, 8);
}

void did_writer_varint(struct did_writer *w, uint64_t v)
{
	if (v >> 63 != 0) {
		w->failed = true;
		return;
	}
	for (; v > 0x7f; v >>= 7)
		did_writer_u8(w, (uint8_t)(v | 0x80));
	did_writer_u8(w, (uint8_t)v);
}

int did_writer_end(const struct did_writer *w, size_t *lenp)
{
	if (w->failed)
		return PARLEY_ERR_TOO_LARGE;
	*lenp = w->len;
	return 0;
}
