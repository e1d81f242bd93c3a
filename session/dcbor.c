/*
 * CBOR by libcbor's encoders and its streaming decoder, which allocates
 * nothing and points into the input.
 *
 * The decoder is lenient where we are not: heads longer than needed, lengths
 * left open, floats, maps and tags.  What is not overridden in callbacks stays
 * ITEM_OTHER and is refused; a head is compared with the shortest one.
 */
#include "session/dcbor.h"

#include <stdlib.h>
#include <string.h>

#include <cbor.h>

#include <parley/err.h>

enum { HEAD_MAX = 9 };

enum item_type {
	ITEM_OTHER,
	ITEM_UINT,
	ITEM_NEGINT,
	ITEM_BYTES,
	ITEM_TEXT,
	ITEM_ARRAY,
	ITEM_BOOL,
};

struct item {
	enum item_type type;
	uint64_t value; /* or length */
	const uint8_t *p;
};

/* Length of the character at ${s}, 0 if it is none: RFC 3629, and no NUL. */
static size_t utf8_len(const uint8_t *s, size_t left)
{
	const size_t n = s[0] > 0 && s[0] < 0x80       ? 1
			 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
			 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
			 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						       : 0;

	if (n > left)
		return 0;
	for (size_t k = 1; k < n; k++)
		if ((s[k] & 0xc0) != 0x80)
			return 0;
	/* Too long a form, surrogates, beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

/*
 * Writing
 */

static void put(struct session_dcbor_writer *w, const void *p, size_t len)
{
	if (w->failed || len == 0)
		return;
	if (len > w->size - w->len) {
		const size_t size = 2 * w->size + len + 64;
		uint8_t *grown = realloc(w->p, size);

		if (!grown) {
			w->failed = true;
			return;
		}
		w->p = grown;
		w->size = size;
	}
	memcpy(w->p + w->len, p, len);
	w->len += len;
}

void session_dcbor_put_array(struct session_dcbor_writer *w, size_t n)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_array_start(n, head, sizeof(head)));
}

void session_dcbor_put_uint(struct session_dcbor_writer *w, uint64_t v)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_uint(v, head, sizeof(head)));
}

void session_dcbor_put_int(struct session_dcbor_writer *w, int64_t v)
{
	uint8_t head[HEAD_MAX];

	if (v >= 0)
		session_dcbor_put_uint(w, (uint64_t)v);
	else
		put(w, head,
		    cbor_encode_negint((uint64_t)(-1 - v), head, sizeof(head)));
}

void session_dcbor_put_bool(struct session_dcbor_writer *w, bool v)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_bool(v, head, sizeof(head)));
}

void session_dcbor_put_string(struct session_dcbor_writer *w,
			      struct session_dcbor_string text)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_string_start(text.len, head, sizeof(head)));
	put(w, text.p, text.len);
}

void session_dcbor_put_text(struct session_dcbor_writer *w, const char *text)
{
	session_dcbor_put_string(
	    w, (struct session_dcbor_string){text, strlen(text)});
}

void session_dcbor_put_foreign(struct session_dcbor_writer *w, const char *text)
{
	const size_t len = strlen(text);
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_string_start(len, head, sizeof(head)));
	for (size_t i = 0; i < len;) {
		const size_t n = utf8_len((const uint8_t *)text + i, len - i);

		put(w, n > 0 ? text + i : "?", n > 0 ? n : 1);
		i += n > 0 ? n : 1;
	}
}

void session_dcbor_put_bytes(struct session_dcbor_writer *w, const void *p,
			     size_t len)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_bytestring_start(len, head, sizeof(head)));
	put(w, p, len);
}

/*
 * Reading
 */

static void set(void *context, enum item_type type, uint64_t value)
{
	*(struct item *)context = (struct item){.type = type, .value = value};
}

static void on_uint8(void *context, uint8_t v)
{
	set(context, ITEM_UINT, v);
}

static void on_uint16(void *context, uint16_t v)
{
	set(context, ITEM_UINT, v);
}

static void on_uint32(void *context, uint32_t v)
{
	set(context, ITEM_UINT, v);
}

static void on_uint64(void *context, uint64_t v)
{
	set(context, ITEM_UINT, v);
}

static void on_negint8(void *context, uint8_t v)
{
	set(context, ITEM_NEGINT, v);
}

static void on_negint16(void *context, uint16_t v)
{
	set(context, ITEM_NEGINT, v);
}

static void on_negint32(void *context, uint32_t v)
{
	set(context, ITEM_NEGINT, v);
}

static void on_negint64(void *context, uint64_t v)
{
	set(context, ITEM_NEGINT, v);
}

static void on_bytes(void *context, cbor_data p, size_t len)
{
	set(context, ITEM_BYTES, len);
	((struct item *)context)->p = p;
}

static void on_text(void *context, cbor_data p, size_t len)
{
	set(context, ITEM_TEXT, len);
	((struct item *)context)->p = p;
}

static void on_array(void *context, size_t n)
{
	set(context, ITEM_ARRAY, n);
}

static void on_bool(void *context, bool v)
{
	set(context, ITEM_BOOL, v);
}

static size_t head_len(const struct item *i)
{
	return i->type == ITEM_BOOL || i->value < 24 ? 1
	       : i->value <= UINT8_MAX		     ? 2
	       : i->value <= UINT16_MAX		     ? 3
	       : i->value <= UINT32_MAX		     ? 5
						     : 9;
}

/* The next item, of which ${*i} is zero if it is not one of ours. */
static void take(struct session_dcbor_reader *r, struct item *i)
{
	struct cbor_callbacks callbacks = cbor_empty_callbacks;
	struct cbor_decoder_result result;
	size_t len;

	*i = (struct item){.type = ITEM_OTHER};
	if (r->failed)
		return;
	callbacks.uint8 = on_uint8;
	callbacks.uint16 = on_uint16;
	callbacks.uint32 = on_uint32;
	callbacks.uint64 = on_uint64;
	callbacks.negint8 = on_negint8;
	callbacks.negint16 = on_negint16;
	callbacks.negint32 = on_negint32;
	callbacks.negint64 = on_negint64;
	callbacks.byte_string = on_bytes;
	callbacks.string = on_text;
	callbacks.array_start = on_array;
	callbacks.boolean = on_bool;
	result = cbor_stream_decode(r->p, r->left, &callbacks, i);
	len = head_len(i) + (i->p ? (size_t)i->value : 0);
	if (result.status != CBOR_DECODER_FINISHED || i->type == ITEM_OTHER ||
	    result.read != len) {
		*i = (struct item){.type = ITEM_OTHER};
		r->failed = true;
		return;
	}
	r->p += len;
	r->left -= len;
}

static bool is_text(const uint8_t *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_len(s + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

void session_dcbor_reader_init(struct session_dcbor_reader *r, const void *p,
			       size_t len)
{
	*r = (struct session_dcbor_reader){.p = p, .left = len};
}

size_t session_dcbor_take_array(struct session_dcbor_reader *r)
{
	struct item i;

	take(r, &i);
	/* Each item has a byte at least: a greater promise is not kept. */
	if (i.type != ITEM_ARRAY || i.value > r->left) {
		r->failed = true;
		return 0;
	}
	return (size_t)i.value;
}

uint64_t session_dcbor_take_uint(struct session_dcbor_reader *r)
{
	struct item i;

	take(r, &i);
	if (i.type != ITEM_UINT)
		r->failed = true;
	return i.type == ITEM_UINT ? i.value : 0;
}

int64_t session_dcbor_take_int(struct session_dcbor_reader *r)
{
	struct item i;

	take(r, &i);
	if ((i.type != ITEM_UINT && i.type != ITEM_NEGINT) ||
	    i.value > INT64_MAX) {
		r->failed = true;
		return 0;
	}
	return i.type == ITEM_UINT ? (int64_t)i.value : -1 - (int64_t)i.value;
}

bool session_dcbor_take_bool(struct session_dcbor_reader *r)
{
	struct item i;

	take(r, &i);
	if (i.type != ITEM_BOOL)
		r->failed = true;
	return i.type == ITEM_BOOL && i.value;
}

static struct session_dcbor_string take_string(struct session_dcbor_reader *r,
					       enum item_type type)
{
	struct item i;

	take(r, &i);
	if (i.type != type ||
	    (type == ITEM_TEXT && !is_text(i.p, (size_t)i.value))) {
		r->failed = true;
		return (struct session_dcbor_string){"", 0};
	}
	return (struct session_dcbor_string){(const char *)i.p,
					     (size_t)i.value};
}

struct session_dcbor_string session_dcbor_take_text(
    struct session_dcbor_reader *r)
{
	return take_string(r, ITEM_TEXT);
}

struct session_dcbor_string session_dcbor_take_bytes(
    struct session_dcbor_reader *r)
{
	return take_string(r, ITEM_BYTES);
}

int session_dcbor_end(const struct session_dcbor_reader *r)
{
	return r->failed || r->left > 0 ? PARLEY_ERR_FORMAT : 0;
}
