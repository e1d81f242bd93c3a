/*
 * RSA public keys as DER:
 *
 *   30 len                    SEQUENCE
 *      02 len 00? modulus     INTEGER; the 00 where the first bit is set
 *      02 len exponent        INTEGER
 *
 * Spec: RFC 8017 A.1.1; X.690 8.1.3 and 10.1 (lengths in their shortest form).
 * Read by hand, since a stranger's bytes come here and the layout is this
 * small; one key has one form, so DIDs compare as strings.
 */
#include "did/rsa.h"

#include <parley/err.h>

#include "did/bytes.h"

enum {
	SEQUENCE = 0x30,
	INTEGER = 0x02,
	BITS_MIN = 2048,
	BITS_MAX = 4096,
	EXPONENT_MAX = 8, /* bytes */
};

/* A tag and a length of at most 2 bytes, with that much behind it. */
static size_t read_header(struct did_reader *r, uint8_t tag)
{
	size_t len;

	if (did_reader_u8(r) != tag)
		r->failed = true;
	len = did_reader_u8(r);
	if (len == 0x81) {
		len = did_reader_u8(r);
		if (len < 0x80)
			r->failed = true;
	} else if (len == 0x82) {
		len = did_reader_u16(r);
		if (len < 0x100)
			r->failed = true;
	} else if (len >= 0x80) {
		r->failed = true;
	}
	if (len > r->left)
		r->failed = true;
	return len;
}

/* A positive INTEGER, without the zero byte that keeps it positive. */
static const uint8_t *read_integer(struct did_reader *r, size_t *lenp)
{
	size_t len = read_header(r, INTEGER);
	const uint8_t *p = did_reader_take(r, len);

	if (p == NULL || len == 0 || (p[0] & 0x80) != 0 ||
	    (p[0] == 0 && (len == 1 || (p[1] & 0x80) == 0))) {
		r->failed = true;
		return NULL;
	}
	*lenp = p[0] == 0 ? len - 1 : len;
	return p[0] == 0 ? p + 1 : p;
}

static size_t count_bits(const uint8_t *p, size_t len)
{
	size_t bits = 8 * len;

	for (unsigned first = p[0]; first < 0x80; first <<= 1)
		bits--;
	return bits;
}

int did_rsa_split(const uint8_t **n, size_t *n_lenp, const uint8_t **e,
		  size_t *e_lenp, const uint8_t *der, size_t len)
{
	const uint8_t *modulus, *exponent;
	size_t n_len, e_len, bits;
	struct did_reader r;

	did_reader_init(&r, der, len);
	if (read_header(&r, SEQUENCE) != r.left)
		return PARLEY_ERR_KEY;
	modulus = read_integer(&r, &n_len);
	exponent = read_integer(&r, &e_len);
	if (did_reader_end(&r) != 0)
		return PARLEY_ERR_KEY;
	bits = count_bits(modulus, n_len);
	if (bits < BITS_MIN || bits > BITS_MAX || e_len > EXPONENT_MAX ||
	    (modulus[n_len - 1] & 1) == 0 || (exponent[e_len - 1] & 1) == 0 ||
	    (e_len == 1 && exponent[0] == 1))
		return PARLEY_ERR_KEY;
	*n = modulus;
	*n_lenp = n_len;
	*e = exponent;
	*e_lenp = e_len;
	return 0;
}

/* Bytes of a tag and a length in front of ${len} bytes. */
static size_t header_len(size_t len)
{
	if (len < 0x80)
		return 2;
	return len < 0x100 ? 3 : 4;
}

static void write_header(struct did_writer *w, uint8_t tag, size_t len)
{
	did_writer_u8(w, tag);
	if (len >= 0x100) {
		did_writer_u8(w, 0x82);
		did_writer_u16(w, (uint16_t)len);
		return;
	}
	if (len >= 0x80)
		did_writer_u8(w, 0x81);
	did_writer_u8(w, (uint8_t)len);
}

static void write_integer(struct did_writer *w, const uint8_t *p, size_t len)
{
	const size_t pad = p[0] >> 7;

	write_header(w, INTEGER, len + pad);
	if (pad > 0)
		did_writer_u8(w, 0);
	did_writer_copy(w, p, len);
}

int did_rsa_join(uint8_t *der, size_t size, size_t *lenp, const uint8_t *n,
		 size_t n_len, const uint8_t *e, size_t e_len)
{
	struct did_writer w;
	size_t n_all, e_all;

	if (n_len == 0 || e_len == 0 || n[0] == 0 || e[0] == 0 ||
	    n_len > size || e_len > size || size > UINT16_MAX)
		return PARLEY_ERR_LENGTH;
	n_all = n_len + (n[0] >> 7);
	e_all = e_len + (e[0] >> 7);
	did_writer_init(&w, der, size);
	write_header(&w, SEQUENCE,
		     header_len(n_all) + n_all + header_len(e_all) + e_all);
	write_integer(&w, n, n_len);
	write_integer(&w, e, e_len);
	return did_writer_end(&w, lenp) == 0 ? 0 : PARLEY_ERR_LENGTH;
}

bool did_rsa_is_valid(const uint8_t *der, size_t len)
{
	const uint8_t *n, *e;
	size_t n_len, e_len;

	return did_rsa_split(&n, &n_len, &e, &e_len, der, len) == 0;
}
