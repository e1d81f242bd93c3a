/*
 * Identity files.
 *
 * An identity file is a JSON object, but is written and read byte for byte in
 * this one form (two spaces, LF, nothing behind the last brace):
 *
 *   {
 *     "parley": "identity/1",
 *     "did": "did:key:z6Mk...",
 *     "seal": {
 *       "kdf": "argon2id",
 *       "ops": 3,
 *       "mem": 268435456,
 *       "salt": "...",                   16 bytes
 *       "aead": "xchacha20-poly1305",
 *       "nonce": "..."                   24 bytes
 *     },
 *     "key": "..."                       32-byte secret and 16-byte tag
 *   }
 *
 * Bytes are base64url without padding.  The AEAD key is the Argon2id hash
 * (v1.3, one lane) of the passphrase; associated data is every byte of the
 * file before the text of "key".  Unencrypted, "seal" is null and "key" is the
 * secret: the seed of Ed25519, or the number of P-256, big-endian.  The DID
 * says which.
 *
 * Invariant: the DID in the file is the DID of its secret.  That is what finds
 * a changed byte in the unencrypted form.  The strict form does the rest, and
 * spares a JSON parser that would leave copies of the secret on the heap.
 */
#include "did/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "did/base64.h"
#include "did/bytes.h"
#include "did/file.h"
#include "did/key.h"
#include "did/pair.h"
#include "did/secret.h"

enum {
	SECRET_LEN = 32, /* of every type that can be created */
	SALT_LEN = crypto_pwhash_SALTBYTES,
	NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	SEALED_LEN = SECRET_LEN + crypto_aead_xchacha20poly1305_ietf_ABYTES,
	FILE_LEN_MAX = 64 * 1024, /* longest file that is read */
	FILE_SIZE = 1024,	  /* room for the longest that is written */
	OPS_MAX = 16,
};

/* Bounds for what a file may ask of Argon2id: 1 GiB, and 4 passes over it. */
static const uint64_t mem_max = UINT64_C(1) << 30;
static const uint64_t work_max = UINT64_C(4) << 30;

#define MAGIC	  "{\n  \"parley\": \"identity/"
#define VERSION	  "1"
#define DID_OPEN  "\",\n  \"did\": \""
#define SEAL_OPEN "\",\n  \"seal\": "
#define SEAL_NULL "null"
#define OPS_OPEN  "{\n    \"kdf\": \"argon2id\",\n    \"ops\": "
#define MEM_OPEN  ",\n    \"mem\": "
#define SALT_OPEN ",\n    \"salt\": \""
#define NONCE_OPEN \
	"\",\n    \"aead\": \"xchacha20-poly1305\",\n    \"nonce\": \""
#define NONCE_END "\"\n  }"
#define KEY_OPEN  ",\n  \"key\": \""
#define KEY_END	  "\"\n}\n"

/* What is open in a file, and where the rest of it is. */
struct identity_file {
	char did[PARLEY_DID_SIZE];
	enum did_key_type type; /* by the DID */
	enum parley_identity_seal seal;
	uint64_t ops;
	uint64_t mem; /* bytes */
	uint8_t salt[SALT_LEN];
	uint8_t nonce[NONCE_LEN];
	size_t head_len;      /* bytes before the text of "key" */
	const char *key_text; /* borrowed from the file's bytes */
	size_t key_text_len;
};

/* Append text to a writer. */
static void __attribute__((format(printf, 2, 3)))
write_text(struct did_writer *w, const char *format, ...)
{
	size_t left = w->size - w->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf((char *)w->buf + w->len, left, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= left)
		w->failed = true;
	if (!w->failed)
		w->len += (size_t)n;
}

static void write_base64(struct did_writer *w, const void *bytes, size_t len)
{
	/* Room for the NUL too, which the next text overwrites. */
	uint8_t *text = did_writer_reserve(w, DID_BASE64_LEN(len) + 1);

	if (text == NULL)
		return;
	did_base64_encode((char *)text, bytes, len);
	w->len--;
}

/* All up to the text of "key". */
static void write_head(struct did_writer *w, const struct identity_file *file)
{
	write_text(w, MAGIC VERSION DID_OPEN "%s" SEAL_OPEN, file->did);
	switch (file->seal) {
	case PARLEY_IDENTITY_PLAINTEXT:
		write_text(w, SEAL_NULL);
		break;
	case PARLEY_IDENTITY_SEALED:
		write_text(w, OPS_OPEN "%" PRIu64 MEM_OPEN "%" PRIu64 SALT_OPEN,
			   file->ops, file->mem);
		write_base64(w, file->salt, sizeof(file->salt));
		write_text(w, NONCE_OPEN);
		write_base64(w, file->nonce, sizeof(file->nonce));
		write_text(w, NONCE_END);
		break;
	}
	write_text(w, KEY_OPEN);
}

static void read_literal(struct did_reader *r, const char *text)
{
	size_t len = strlen(text);
	const uint8_t *p = did_reader_take(r, len);

	if (p != NULL && memcmp(p, text, len) != 0)
		r->failed = true;
}

/* Does ${text} come next?  Takes it only if so. */
static bool read_choice(struct did_reader *r, const char *text)
{
	size_t len = strlen(text);

	if (r->failed || r->left < len || memcmp(r->p, text, len) != 0)
		return false;
	return did_reader_take(r, len) != NULL;
}

/* The text up to the next `"`, which stays. */
static const char *read_string(struct did_reader *r, size_t *lenp)
{
	const uint8_t *end = memchr(r->p, '"', r->left);

	if (r->failed || end == NULL) {
		r->failed = true;
		*lenp = 0;
		return "";
	}
	*lenp = (size_t)(end - r->p);
	return (const char *)did_reader_take(r, *lenp);
}

/* A decimal number as printf() writes it, at most ${max}. */
static uint64_t read_number(struct did_reader *r, uint64_t max)
{
	const uint8_t *first = r->p;
	uint64_t v = 0;

	while (!r->failed && r->left > 0 && *r->p >= '0' && *r->p <= '9') {
		v = v * 10 + (*did_reader_take(r, 1) - (uint64_t)'0');
		if (v > max)
			r->failed = true;
	}
	if (r->p == first || (*first == '0' && r->p - first > 1))
		r->failed = true;
	return r->failed ? 0 : v;
}

static void read_base64(struct did_reader *r, void *bytes, size_t len)
{
	size_t text_len;
	const char *text = read_string(r, &text_len);

	if (!r->failed &&
	    did_base64_decode_exact(bytes, len, text, text_len) != 0)
		r->failed = true;
}

static void read_did(struct did_reader *r, struct identity_file *file)
{
	struct did_key key;
	size_t len;
	const char *text = read_string(r, &len);

	if (r->failed || len >= PARLEY_DID_SIZE ||
	    did_key_decode(&key, text, len) != 0 ||
	    !did_identity_has_type(key.type)) {
		r->failed = true;
		return;
	}
	memcpy(file->did, text, len);
	file->did[len] = '\0';
	file->type = key.type;
}

/* What the bytes are at all: 0 if a file of our version. */
static int check_magic(const uint8_t *bytes, size_t len)
{
	const size_t magic_len = strlen(MAGIC);
	struct did_reader r;
	uint64_t version;

	if (len == 0 || memcmp(bytes, MAGIC, len < magic_len ? len : magic_len))
		return PARLEY_ERR_FILE_FORMAT;
	did_reader_init(&r, bytes, len);
	read_literal(&r, MAGIC);
	version = read_number(&r, UINT32_MAX);
	if (!read_choice(&r, "\"") || version == 0)
		return PARLEY_ERR_FILE_DAMAGED;
	return version > 1 ? PARLEY_ERR_VERSION : 0;
}

static int parse_file(struct identity_file *file, const uint8_t *bytes,
		      size_t len)
{
	struct did_reader r;
	size_t key_len;
	int err;

	err = check_magic(bytes, len);
	if (err != 0)
		return err;
	memset(file, 0, sizeof(*file));
	did_reader_init(&r, bytes, len);
	read_literal(&r, MAGIC VERSION DID_OPEN);
	read_did(&r, file);
	read_literal(&r, SEAL_OPEN);
	if (read_choice(&r, SEAL_NULL)) {
		file->seal = PARLEY_IDENTITY_PLAINTEXT;
		key_len = SECRET_LEN;
	} else {
		file->seal = PARLEY_IDENTITY_SEALED;
		key_len = SEALED_LEN;
		read_literal(&r, OPS_OPEN);
		file->ops = read_number(&r, OPS_MAX);
		read_literal(&r, MEM_OPEN);
		file->mem = read_number(&r, mem_max);
		read_literal(&r, SALT_OPEN);
		read_base64(&r, file->salt, sizeof(file->salt));
		read_literal(&r, NONCE_OPEN);
		read_base64(&r, file->nonce, sizeof(file->nonce));
		read_literal(&r, NONCE_END);
		if (file->ops < crypto_pwhash_OPSLIMIT_MIN ||
		    file->mem < crypto_pwhash_MEMLIMIT_MIN ||
		    file->ops * file->mem > work_max)
			r.failed = true;
	}
	read_literal(&r, KEY_OPEN);
	file->head_len = len - r.left;
	/* By its length: no search in what may be a secret. */
	file->key_text_len = DID_BASE64_LEN(key_len);
	file->key_text = (const char *)did_reader_take(&r, file->key_text_len);
	read_literal(&r, KEY_END);
	return did_reader_end(&r) != 0 ? PARLEY_ERR_FILE_DAMAGED : 0;
}

static int derive_seal_key(
    uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES],
    const struct identity_file *file, const char *passphrase,
    size_t passphrase_len)
{
	/* Parameters are checked: what can fail is memory. */
	if (crypto_pwhash(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
			  passphrase, passphrase_len, file->salt, file->ops,
			  (size_t)file->mem, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return PARLEY_ERR_MEMORY;
	return 0;
}

/* Write the file of ${id} into ${w}; ${file} says how to protect it. */
static int encode_file(struct did_writer *w, struct identity_file *file,
		       const struct parley_identity *id, const char *passphrase,
		       size_t passphrase_len)
{
	uint8_t seal_key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
	uint8_t sealed[SEALED_LEN];
	size_t len;
	int err = 0;

	snprintf(file->did, sizeof(file->did), "%s",
		 parley_did_identity_did(id));
	randombytes_buf(file->salt, sizeof(file->salt));
	randombytes_buf(file->nonce, sizeof(file->nonce));
	write_head(w, file);
	switch (file->seal) {
	case PARLEY_IDENTITY_PLAINTEXT:
		write_base64(w, did_identity_pair(id)->secret, SECRET_LEN);
		break;
	case PARLEY_IDENTITY_SEALED:
		err =
		    derive_seal_key(seal_key, file, passphrase, passphrase_len);
		if (err != 0)
			goto out;
		crypto_aead_xchacha20poly1305_ietf_encrypt(
		    sealed, NULL, did_identity_pair(id)->secret, SECRET_LEN,
		    w->buf, w->len, NULL, file->nonce, seal_key);
		write_base64(w, sealed, sizeof(sealed));
		break;
	}
	write_text(w, KEY_END);
	err = did_writer_end(w, &len);
out:
	did_secret_wipe(seal_key, sizeof(seal_key));
	return err;
}

int did_identity_save_cost(const struct parley_identity *id, const char *path,
			   const char *passphrase, size_t passphrase_len,
			   uint64_t ops, uint64_t mem)
{
	struct identity_file file = {
	    .seal = passphrase != NULL ? PARLEY_IDENTITY_SEALED
				       : PARLEY_IDENTITY_PLAINTEXT,
	    .ops = ops,
	    .mem = mem,
	};
	struct did_writer w;
	struct stat st;
	uint8_t *bytes;
	int err, saved;

	if (passphrase != NULL &&
	    (passphrase_len == 0 || passphrase_len > PARLEY_PASSPHRASE_LEN_MAX))
		return PARLEY_ERR_ARGUMENT;
	/* Also said by link() later, but a second of hashing earlier. */
	if (lstat(path, &st) == 0)
		return PARLEY_ERR_EXISTS;
	bytes = did_secret_new(FILE_SIZE);
	if (bytes == NULL)
		return PARLEY_ERR_MEMORY;
	did_writer_init(&w, bytes, FILE_SIZE);
	err = encode_file(&w, &file, id, passphrase, passphrase_len);
	if (err == 0)
		err = did_file_create(path, w.buf, w.len);
	saved = errno;
	did_secret_free(bytes);
	errno = saved;
	return err;
}

int parley_did_identity_save(const struct parley_identity *id, const char *path,
			     const char *passphrase, size_t passphrase_len)
{
	return did_identity_save_cost(id, path, passphrase, passphrase_len,
				      crypto_pwhash_OPSLIMIT_MODERATE,
				      crypto_pwhash_MEMLIMIT_MODERATE);
}

const struct did_file_rules did_identity_file_rules = {.guarded = true};

/* Errors of reading, as this kind of file has them. */
static int read_file(uint8_t **bytesp, size_t *lenp,
		     struct did_file_fault *fault, const char *path,
		     const struct did_file_rules *rules)
{
	int err = did_file_read_checked(bytesp, lenp, fault, path, FILE_LEN_MAX,
					rules);

	return err == PARLEY_ERR_TOO_LARGE ? PARLEY_ERR_FILE_FORMAT : err;
}

int did_identity_inspect_checked(char did[PARLEY_DID_SIZE],
				 enum parley_identity_seal *sealp,
				 struct did_file_fault *fault, const char *path,
				 const struct did_file_rules *rules)
{
	struct identity_file file;
	uint8_t *bytes;
	size_t len;
	int err;

	err = read_file(&bytes, &len, fault, path, rules);
	if (err != 0)
		return err;
	err = parse_file(&file, bytes, len);
	if (err == 0) {
		memcpy(did, file.did, PARLEY_DID_SIZE);
		*sealp = file.seal;
	}
	did_secret_free(bytes);
	return err;
}

int parley_did_identity_inspect(const char *path, char did[PARLEY_DID_SIZE],
				enum parley_identity_seal *sealp)
{
	struct did_file_fault fault;

	return did_identity_inspect_checked(did, sealp, &fault, path,
					    &did_identity_file_rules);
}

/* Get the secret out of a sealed file; ${head} is what precedes the key. */
static int open_seal(uint8_t secret[SECRET_LEN],
		     const struct identity_file *file, const uint8_t *head,
		     const char *passphrase, size_t passphrase_len)
{
	uint8_t seal_key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
	uint8_t sealed[SEALED_LEN];
	int err;

	if (did_base64_decode_exact(sealed, sizeof(sealed), file->key_text,
				    file->key_text_len) != 0)
		return PARLEY_ERR_FILE_DAMAGED;
	if (passphrase == NULL || passphrase_len == 0 ||
	    passphrase_len > PARLEY_PASSPHRASE_LEN_MAX)
		return PARLEY_ERR_PASSPHRASE;
	err = derive_seal_key(seal_key, file, passphrase, passphrase_len);
	if (err != 0)
		goto out;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		secret, NULL, NULL, sealed, sizeof(sealed), head,
		file->head_len, file->nonce, seal_key) != 0)
		err = PARLEY_ERR_PASSPHRASE;
out:
	did_secret_wipe(seal_key, sizeof(seal_key));
	return err;
}

int did_identity_load_checked(struct parley_identity **idp,
			      struct did_file_fault *fault, const char *path,
			      const char *passphrase, size_t passphrase_len,
			      const struct did_file_rules *rules)
{
	uint8_t secret[SECRET_LEN];
	struct parley_identity *id = NULL;
	struct identity_file file;
	uint8_t *bytes;
	size_t len;
	int err;

	err = read_file(&bytes, &len, fault, path, rules);
	if (err != 0)
		return err;
	err = parse_file(&file, bytes, len);
	if (err != 0)
		goto out;
	if (file.seal == PARLEY_IDENTITY_SEALED)
		err =
		    open_seal(secret, &file, bytes, passphrase, passphrase_len);
	else if (did_base64_decode_exact(secret, sizeof(secret), file.key_text,
					 file.key_text_len) != 0)
		err = PARLEY_ERR_FILE_DAMAGED;
	if (err != 0)
		goto out;
	err = did_identity_from_secret(&id, file.type, secret, sizeof(secret));
	if (err == PARLEY_ERR_KEY)
		err = PARLEY_ERR_FILE_DAMAGED; /* not below the group order */
	if (err != 0)
		goto out;
	if (strcmp(parley_did_identity_did(id), file.did) != 0) {
		err = PARLEY_ERR_FILE_DAMAGED;
		goto out;
	}
	*idp = id;
	id = NULL; /* the caller's now */
out:
	parley_did_identity_free(id);
	did_secret_wipe(secret, sizeof(secret));
	did_secret_free(bytes);
	return err;
}

int parley_did_identity_load(struct parley_identity **idp, const char *path,
			     const char *passphrase, size_t passphrase_len)
{
	struct did_file_fault fault;

	return did_identity_load_checked(idp, &fault, path, passphrase,
					 passphrase_len,
					 &did_identity_file_rules);
}
