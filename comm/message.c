/*
 * DIDComm v2.1 plaintext messages: message_structure.md, threading.md,
 * protocols.md (message type URI).
 *
 * A message is checked once, whole, when it comes in: every member that the
 * text defines has its type and form or the message is refused; members that
 * it does not define are kept and ignored.  After that the fields of struct
 * comm_message can be used without another look at their types.  What a
 * message means, whom it is for and whether it is still valid is asked
 * separately (comm_message_addressed, comm_message_fresh).
 *
 * Attachments are checked for their shape only.  Choice: their content is
 * not decoded here, because published messages carry text such as "qwerty"
 * as base64 and as hash; who uses an attachment decodes it, strictly.
 */
#include "comm/message.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "comm/jose.h"
#include "did/did.h"
#include "did/json.h"

/* What a member must look like. */
enum form {
	FORM_ID,   /* unreserved URI characters, bounded */
	FORM_TYPE, /* message type URI */
	FORM_TYP,  /* media type of a plaintext message */
	FORM_DID,  /* DID or DID URL without fragment */
	FORM_DIDS, /* array of these, not empty */
	FORM_IDS,  /* array of ids; "" is this message */
	FORM_TIME, /* integer, not negative */
	FORM_OBJECT,
	FORM_STRING,
	FORM_STRINGS,	  /* array of strings */
	FORM_NAME,	  /* unreserved URI characters, may be empty */
	FORM_JWS,	  /* object, or text of a compact JWS */
	FORM_DATA,	  /* data of an attachment */
	FORM_ATTACHMENTS, /* array of attachments */
};

struct member {
	const char *name;
	enum form form;
	bool required;
};

/* DIDComm 2.1, "Message Headers", "Threading", "ACKs", "Internationalization",
 * "DID Rotation". */
static const struct member message_members[] = {
    {"id", FORM_ID, true},
    {"type", FORM_TYPE, true},
    {"typ", FORM_TYP, false},
    {"from", FORM_DID, false},
    {"to", FORM_DIDS, false},
    {"thid", FORM_ID, false},
    {"pthid", FORM_ID, false},
    {"created_time", FORM_TIME, false},
    {"expires_time", FORM_TIME, false},
    {"body", FORM_OBJECT, false}, /* may be absent since 2.1 */
    {"attachments", FORM_ATTACHMENTS, false},
    {"from_prior", FORM_STRING, false},
    {"please_ack", FORM_IDS, false},
    {"ack", FORM_IDS, false},
    {"lang", FORM_STRING, false},
    {"accept-lang", FORM_STRINGS, false},
};

/* DIDComm 2.1, "Attachments". */
static const struct member attachment_members[] = {
    {"id", FORM_NAME, false},	      {"description", FORM_STRING, false},
    {"filename", FORM_STRING, false}, {"media_type", FORM_STRING, false},
    {"format", FORM_STRING, false},   {"lastmod_time", FORM_TIME, false},
    {"byte_count", FORM_TIME, false}, {"data", FORM_DATA, true},
};

/* The same; `json` may be any value. */
static const struct member data_members[] = {
    {"jws", FORM_JWS, false},
    {"hash", FORM_STRING, false},
    {"links", FORM_STRINGS, false},
    {"base64", FORM_STRING, false},
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static bool check_members(const json_t *obj, const struct member *members,
			  size_t n);

static bool is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 3986 2.3: unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~" */
static bool is_unreserved(char c)
{
	return is_alpha(c) || is_digit(c) || (c != '\0' && strchr("-._~", c));
}

/* RFC 3986 2: unreserved, reserved, and "%". */
static bool is_uri_char(char c)
{
	return is_unreserved(c) ||
	       (c != '\0' && strchr(":/?#[]@!$&'()*+,;=%", c));
}

static bool all(bool (*is)(char), const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is(s[i]))
			return false;
	}
	return true;
}

/*
 * DIDComm 2.1, "Message IDs": "a short (<=32 bytes) string consisting entirely
 * of unreserved URI characters".  Choice: up to COMM_MESSAGE_ID_LEN_MAX,
 * because the UUIDs that the same text recommends are longer; upper case is
 * accepted.
 */
static bool check_id(const char *s, size_t len)
{
	return len > 0 && len <= COMM_MESSAGE_ID_LEN_MAX &&
	       all(is_unreserved, s, len);
}

/* identifier = alpha *(*(alphanum / "_" / "-" / ".") alphanum) */
static bool check_identifier(const char *s, size_t len)
{
	if (len == 0 || !is_alpha(s[0]))
		return false;
	if (!is_alpha(s[len - 1]) && !is_digit(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_unreserved(s[i]) || s[i] == '~')
			return false;
	}
	return true;
}

static bool is_version_char(char c)
{
	return is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '+';
}

/*
 * DIDComm 2.1, "Message Type URI":
 *   message-type-uri = doc-uri delim protocol-name
 *                      "/" protocol-version "/" message-type-name
 *   delim            = "?" / "/" / "&" / ":" / ";" / "="
 * and the regular expression there, which wants the version to begin with a
 * digit.  Choice: the doc-uri needs a scheme and nothing more.
 */
static bool check_type(const char *s, size_t len)
{
	const char *name, *version, *protocol, *colon;

	if (len == 0 || len > COMM_MESSAGE_TYPE_LEN_MAX ||
	    !all(is_uri_char, s, len))
		return false;

	for (name = s + len; name > s && name[-1] != '/'; name--)
		;
	if (name == s || !check_identifier(name, (size_t)(s + len - name)))
		return false;

	for (version = name - 1; version > s && version[-1] != '/'; version--)
		;
	if (version == s || !is_digit(version[0]) ||
	    !all(is_version_char, version, (size_t)(name - 1 - version)))
		return false;

	for (protocol = version - 1;
	     protocol > s && !strchr("?/&:;=", protocol[-1]); protocol--)
		;
	if (protocol == s ||
	    !check_identifier(protocol, (size_t)(version - 1 - protocol)))
		return false;

	/* scheme ":" something, before the delimiter */
	colon = memchr(s, ':', (size_t)(protocol - 1 - s));
	return colon && colon > s && is_alpha(s[0]);
}

static bool check_did(const json_t *value)
{
	const char *s = json_string_value(value);
	const char *fragment;
	size_t did_len;

	if (!s || json_string_length(value) > PARLEY_DID_LEN_MAX)
		return false;
	/*
	 * DIDComm 2.1, "Message Headers": "a valid DID or DID URL (without
	 * the fragment component)"
	 */
	return did_url_split(&did_len, &fragment, s) == 0 && !fragment;
}

static bool check_strings(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return false;
	}
	return true;
}

static bool check_ids(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!check_strings(value))
		return false;
	json_array_foreach(value, i, item)
	{
		size_t len = json_string_length(item);

		if (len > 0 && !check_id(json_string_value(item), len))
			return false;
	}
	return true;
}

/* Choice: an empty `to` is refused, because it addresses no one. */
static bool check_dids(const json_t *value)
{
	const json_t *item;
	size_t i, n = json_array_size(value);

	if (n == 0 || n > COMM_MESSAGE_TO_MAX)
		return false;
	json_array_foreach(value, i, item)
	{
		if (!check_did(item))
			return false;
	}
	return true;
}

static bool check_data(const json_t *value)
{
	if (!check_members(value, data_members, N_ELEMENTS(data_members)))
		return false;
	/*
	 * DIDComm 2.1, "Attachments", hash: "MUST be used if the data is
	 * referenced via the `links` data attribute"
	 */
	if (json_object_get(value, "links"))
		return json_object_get(value, "hash") != NULL;
	return json_object_get(value, "json") ||
	       json_object_get(value, "base64");
}

static bool check_attachments(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item)
	{
		if (!check_members(item, attachment_members,
				   N_ELEMENTS(attachment_members)))
			return false;
	}
	return true;
}

static bool check_form(const json_t *value, enum form form)
{
	const char *s = json_string_value(value); /* NULL: not a string */
	size_t len = json_string_length(value);

	switch (form) {
	case FORM_ID:
		return s && check_id(s, len);
	case FORM_TYPE:
		return s && check_type(s, len);
	case FORM_TYP:
		return s && comm_message_is_media_type(s, COMM_MESSAGE_TYP);
	case FORM_DID:
		return check_did(value);
	case FORM_DIDS:
		return check_dids(value);
	case FORM_IDS:
		return check_ids(value);
	case FORM_TIME:
		/* "UTC Epoch Seconds"; a number with a point is no integer */
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case FORM_OBJECT:
		return json_is_object(value);
	case FORM_STRING:
		return s;
	case FORM_STRINGS:
		return check_strings(value);
	case FORM_NAME:
		return s && all(is_unreserved, s, len);
	case FORM_JWS:
		return s || json_is_object(value);
	case FORM_DATA:
		return check_data(value);
	case FORM_ATTACHMENTS:
		return check_attachments(value);
	}
	return false;
}

static bool check_members(const json_t *obj, const struct member *members,
			  size_t n)
{
	if (!json_is_object(obj))
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(obj, members[i].name);

		if (value ? !check_form(value, members[i].form)
			  : members[i].required)
			return false;
	}
	return true;
}

static int64_t get_time(const json_t *obj, const char *name)
{
	const json_t *value = json_object_get(obj, name);

	return value ? (int64_t)json_integer_value(value) : -1;
}

bool comm_message_is_media_type(const char *typ, const char *media_type)
{
	static const char prefix[] = "application/";
	const size_t prefix_len = sizeof(prefix) - 1;

	/*
	 * DIDComm 2.1, "IANA Media Types": "MAY omit the `application/`
	 * prefix; the recipient MUST treat media types not containing `/` as
	 * having the `application/` prefix present"
	 */
	if (!strchr(typ, '/'))
		media_type += prefix_len;
	/* RFC 6838 4.2: names are case-insensitive. */
	return strcasecmp(typ, media_type) == 0;
}

int comm_message_parse(struct comm_message *m, const char *text, size_t len)
{
	json_t *json;
	int err;

	if (len > PARLEY_COMM_LEN_MAX)
		return PARLEY_ERR_TOO_LARGE;
	err = comm_jose_bound(text, len, PARLEY_COMM_VALUES_MAX);
	if (err)
		return err;
	err = comm_jose_load(&json, text, len);
	if (err)
		return err;
	err = comm_message_check(m, json);
	json_decref(json);
	return err;
}

int comm_message_check(struct comm_message *m, json_t *json)
{
	if (!check_members(json, message_members, N_ELEMENTS(message_members)))
		return PARLEY_ERR_MESSAGE;

	m->json = json_incref(json);
	m->id = did_json_string(json, "id");
	m->type = did_json_string(json, "type");
	m->typ = did_json_string(json, "typ");
	m->from = did_json_string(json, "from");
	m->thid = did_json_string(json, "thid");
	m->pthid = did_json_string(json, "pthid");
	m->from_prior = did_json_string(json, "from_prior");
	m->to = json_object_get(json, "to");
	m->body = json_object_get(json, "body");
	m->created_time = get_time(json, "created_time");
	m->expires_time = get_time(json, "expires_time");
	return 0;
}

int comm_message_addressed(const struct comm_message *m, const char *did)
{
	const json_t *item;
	size_t i;

	/*
	 * Choice: DIDComm says both that a mismatch of `to` MUST be an error
	 * and that a receiver MUST NOT fail for it.  A signature says nothing
	 * else about the reader, so here it is an error.
	 */
	json_array_foreach(m->to, i, item)
	{
		if (strcmp(json_string_value(item), did) == 0)
			return 0;
	}
	return PARLEY_ERR_ADDRESS;
}

int comm_message_fresh(const struct comm_message *m, int64_t now)
{
	if (m->expires_time >= 0 && now >= m->expires_time)
		return PARLEY_ERR_EXPIRED;
	return 0;
}

/* The parts of a type URI: document, protocol, version, name. */
struct type_parts {
	const char *part[4];
	size_t len[4];
};

static bool split_type(struct type_parts *t, const char *type)
{
	const char *end = type + strlen(type), *p;

	for (int i = 3; i > 0; i--) {
		for (p = end; p > type && !strchr("?/&:;=", p[-1]); p--)
			;
		if (p == type)
			return false;
		t->part[i] = p;
		t->len[i] = (size_t)(end - p);
		end = p - 1;
	}
	t->part[0] = type;
	t->len[0] = (size_t)(end - type);
	return true;
}

static bool same_name(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a_len && !is_alpha(a[i]) && !is_digit(a[i]))
			i++;
		while (j < b_len && !is_alpha(b[j]) && !is_digit(b[j]))
			j++;
		if (i == a_len || j == b_len)
			return i == a_len && j == b_len;
		if (strncasecmp(a + i++, b + j++, 1) != 0)
			return false;
	}
}

/* The digits that a version begins with. */
static size_t major_len(const char *version, size_t len)
{
	size_t n = 0;

	while (n < len && is_digit(version[n]))
		n++;
	return n;
}

bool comm_message_is_type(const char *type, const char *expected)
{
	struct type_parts a, b;
	size_t major;

	if (!split_type(&a, type) || !split_type(&b, expected))
		return false;
	major = major_len(b.part[2], b.len[2]);
	return a.len[0] == b.len[0] &&
	       memcmp(a.part[0], b.part[0], a.len[0]) == 0 &&
	       same_name(a.part[1], a.len[1], b.part[1], b.len[1]) &&
	       major_len(a.part[2], a.len[2]) == major &&
	       memcmp(a.part[2], b.part[2], major) == 0 &&
	       same_name(a.part[3], a.len[3], b.part[3], b.len[3]);
}

void comm_message_new_id(char id[COMM_MESSAGE_NEW_ID_SIZE])
{
	uint8_t bytes[16];

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(id, COMM_MESSAGE_NEW_ID_SIZE, bytes, sizeof(bytes));
}

void comm_message_wipe(struct comm_message *m)
{
	json_decref(m->json);
	memset(m, 0, sizeof(*m));
}
