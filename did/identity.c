/*
 * Identities and the files they are kept in.
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
 *     "key": "..."                       32-byte seed and 16-byte tag
 *   }
 *
 * Bytes are base64url without padding.  The AEAD key is the Argon2id hash
 * (v1.3, one lane) of the passphrase; associated data is every byte of the
 * file before the text of "key".  Unencrypted, "seal" is null and "key" is the
 * seed.
 *
 * Invariant: the DID in the file is the DID of its seed.  That is what finds a
 * changed byte in the unencrypted form.  The strict form does the rest, and
 * spares a JSON parser that would leave copies of the seed on the heap.
 */
#include "did/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "did/base64.h"
#include "did/bytes.h"
#include "did/key.h"
#include "did/secret.h"

enum {
	SALT_LEN = crypto_pwhash_SALTBYTES,
	NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	SEALED_LEN =
	    DID_IDENTITY_SEED_LEN + crypto_aead_xchacha20poly1305_ietf_ABYTES,
	FILE_LEN_MAX = 64 * 1024, /* longest file that is read */
	FILE_SIZE = 1024,	  /* room for the longest that is written */
	OPS_MAX = 16,
	MODE = 0600,
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

struct parley_identity {
	struct did_key key;
	char did[PARLEY_DID_SIZE];
	char kid[DID_IDENTITY_KID_SIZE];
	uint8_t *secret; /* libsodium's: seed, public key; did_secret_new() */
};

/* What is open in a file, and where the rest of it is. */
struct identity_file {
	char did[PARLEY_DID_SIZE];
	enum parley_identity_seal seal;
	uint64_t ops;
	uint64_t mem; /* bytes */
	uint8_t salt[SALT_LEN];
	uint8_t nonce[NONCE_LEN];
	size_t head_len;      /* bytes before the text of "key" */
	const char *key_text; /* borrowed from the file's bytes */
	size_t key_text_len;
};

_Static_assert((int)DID_IDENTITY_SEED_LEN == crypto_sign_SEEDBYTES,
	       "seed of Ed25519");
_Static_assert((int)DID_IDENTITY_SIG_LEN_MAX >= crypto_sign_BYTES,
	       "signature of Ed25519");

int did_identity_from_seed(struct parley_identity **idp,
			   const uint8_t seed[DID_IDENTITY_SEED_LEN])
{
	uint8_t pk[DID_KEY_ED25519_LEN];
	struct parley_identity *id;
	int err;

	err = did_secret_init();
	if (err != 0)
		return err;
	id = calloc(1, sizeof(*id));
	if (id == NULL)
		return PARLEY_ERR_MEMORY;
	id->secret = did_secret_new(crypto_sign_SECRETKEYBYTES);
	if (id->secret == NULL) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	crypto_sign_seed_keypair(pk, id->secret, seed);
	err = did_key_from_bytes(&id->key, DID_KEY_ED25519, pk, sizeof(pk));
	if (err != 0)
		goto out;
	err = did_key_encode(id->did, sizeof(id->did), &id->key);
	if (err != 0)
		goto out;
	snprintf(id->kid, sizeof(id->kid), "%s#%s", id->did,
		 id->did + strlen("did:key:"));
	*idp = id;
	id = NULL; /* the caller's now */
out:
	parley_did_identity_free(id);
	return err;
}

int parley_did_identity_new(struct parley_identity **idp)
{
	uint8_t seed[DID_IDENTITY_SEED_LEN];
	int err;

	err = did_secret_init();
	if (err != 0)
		return err;
	randombytes_buf(seed, sizeof(seed));
	err = did_identity_from_seed(idp, seed);
	did_secret_wipe(seed, sizeof(seed));
	return err;
}

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

static void read_did(struct did_reader *r, char did[PARLEY_DID_SIZE])
{
	struct did_key key;
	size_t len;
	const char *text = read_string(r, &len);

	if (r->failed || len >= PARLEY_DID_SIZE ||
	    did_key_decode(&key, text, len) != 0 ||
	    key.type != DID_KEY_ED25519) {
		r->failed = true;
		return;
	}
	memcpy(did, text, len);
	did[len] = '\0';
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
	read_did(&r, file->did);
	read_literal(&r, SEAL_OPEN);
	if (read_choice(&r, SEAL_NULL)) {
		file->seal = PARLEY_IDENTITY_PLAINTEXT;
		key_len = DID_IDENTITY_SEED_LEN;
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
	file->key_text = read_string(&r, &file->key_text_len);
	read_literal(&r, KEY_END);
	if (did_reader_end(&r) != 0 ||
	    file->key_text_len != DID_BASE64_LEN(key_len))
		return PARLEY_ERR_FILE_DAMAGED;
	return 0;
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

	memcpy(file->did, id->did, sizeof(file->did));
	randombytes_buf(file->salt, sizeof(file->salt));
	randombytes_buf(file->nonce, sizeof(file->nonce));
	write_head(w, file);
	switch (file->seal) {
	case PARLEY_IDENTITY_PLAINTEXT:
		write_base64(w, id->secret, DID_IDENTITY_SEED_LEN);
		break;
	case PARLEY_IDENTITY_SEALED:
		err =
		    derive_seal_key(seal_key, file, passphrase, passphrase_len);
		if (err != 0)
			goto out;
		crypto_aead_xchacha20poly1305_ietf_encrypt(
		    sealed, NULL, id->secret, DID_IDENTITY_SEED_LEN, w->buf,
		    w->len, NULL, file->nonce, seal_key);
		write_base64(w, sealed, sizeof(sealed));
		break;
	}
	write_text(w, KEY_END);
	err = did_writer_end(w, &len);
out:
	did_secret_wipe(seal_key, sizeof(seal_key));
	return err;
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return PARLEY_ERR_SYSTEM;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The directory of ${path}, its last slash included: the first bytes. */
static int directory_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (int)(slash - path + 1) : 0;
}

/* Make a new name in the directory of ${path} last.  Best effort. */
static void sync_directory(const char *path)
{
	char *dir;
	int fd;

	if (asprintf(&dir, "%.*s.", directory_len(path), path) < 0)
		return;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(dir);
}

static int write_temporary(const char *temporary, const uint8_t *bytes,
			   size_t len)
{
	int fd, err;

	fd = open(temporary,
		  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (fd < 0)
		return PARLEY_ERR_SYSTEM;
	err = write_all(fd, bytes, len);
	/* The umask may have taken bits away. */
	if (err == 0 && (fchmod(fd, MODE) != 0 || fsync(fd) != 0))
		err = PARLEY_ERR_SYSTEM;
	if (close(fd) != 0 && err == 0)
		err = PARLEY_ERR_SYSTEM;
	if (err != 0) {
		int saved = errno;

		unlink(temporary);
		errno = saved;
	}
	return err;
}

/*
 * Write a temporary file and link it to its name: link() fails where a file
 * is, so that none is replaced, and a crash leaves no half file under that
 * name.  Signals wait meanwhile, so that none ends the program before the
 * temporary file is gone.
 */
static int create_file(const char *path, const uint8_t *bytes, size_t len)
{
	char *temporary = NULL;
	sigset_t all, before;
	int err, saved;

	if (asprintf(&temporary, "%.*s.parley-%08" PRIx32 ".tmp",
		     directory_len(path), path, randombytes_random()) < 0)
		return PARLEY_ERR_MEMORY;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = write_temporary(temporary, bytes, len);
	if (err != 0)
		goto out;
	if (link(temporary, path) != 0)
		err = errno == EEXIST ? PARLEY_ERR_EXISTS : PARLEY_ERR_SYSTEM;
	saved = errno;
	unlink(temporary);
	errno = saved;
	if (err == 0)
		sync_directory(path);
out:
	saved = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(temporary);
	errno = saved;
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
		err = create_file(path, w.buf, w.len);
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

/* Read until the end; PARLEY_ERR_FILE_DAMAGED if ${size} bytes are there. */
static int read_all(int fd, uint8_t *bytes, size_t size, size_t *lenp)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, bytes + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return PARLEY_ERR_SYSTEM;
		if (n == 0) {
			*lenp = len;
			return 0;
		}
		len += (size_t)n;
	}
	return PARLEY_ERR_FILE_DAMAGED;
}

/* The whole of ${path}, in memory from did_secret_new(). */
static int read_file(uint8_t **bytesp, size_t *lenp, const char *path)
{
	uint8_t *bytes = NULL;
	struct stat st;
	int fd, err, saved;

	err = did_secret_init();
	if (err != 0)
		return err;
	/* O_NONBLOCK: a FIFO must not make us wait before it is refused. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			   ? PARLEY_ERR_NOT_FOUND
			   : PARLEY_ERR_SYSTEM;
	if (fstat(fd, &st) != 0) {
		err = PARLEY_ERR_SYSTEM;
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_LEN_MAX) {
		err = PARLEY_ERR_FILE_FORMAT;
		goto out;
	}
	/* One byte more, to see that the file does not grow. */
	bytes = did_secret_new((size_t)st.st_size + 1);
	if (bytes == NULL) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	err = read_all(fd, bytes, (size_t)st.st_size + 1, lenp);
	if (err != 0)
		goto out;
	*bytesp = bytes;
	bytes = NULL; /* the caller's now */
out:
	saved = errno;
	close(fd);
	did_secret_free(bytes);
	errno = saved;
	return err;
}

int parley_did_identity_inspect(const char *path, char did[PARLEY_DID_SIZE],
				enum parley_identity_seal *sealp)
{
	struct identity_file file;
	uint8_t *bytes;
	size_t len;
	int err;

	err = read_file(&bytes, &len, path);
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

/* Get the seed out of a sealed file; ${head} is what precedes the key. */
static int open_seal(uint8_t seed[DID_IDENTITY_SEED_LEN],
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
		seed, NULL, NULL, sealed, sizeof(sealed), head, file->head_len,
		file->nonce, seal_key) != 0)
		err = PARLEY_ERR_PASSPHRASE;
out:
	did_secret_wipe(seal_key, sizeof(seal_key));
	return err;
}

int parley_did_identity_load(struct parley_identity **idp, const char *path,
			     const char *passphrase, size_t passphrase_len)
{
	uint8_t seed[DID_IDENTITY_SEED_LEN];
	struct parley_identity *id = NULL;
	struct identity_file file;
	uint8_t *bytes;
	size_t len;
	int err;

	err = read_file(&bytes, &len, path);
	if (err != 0)
		return err;
	err = parse_file(&file, bytes, len);
	if (err != 0)
		goto out;
	if (file.seal == PARLEY_IDENTITY_SEALED)
		err = open_seal(seed, &file, bytes, passphrase, passphrase_len);
	else if (did_base64_decode_exact(seed, sizeof(seed), file.key_text,
					 file.key_text_len) != 0)
		err = PARLEY_ERR_FILE_DAMAGED;
	if (err != 0)
		goto out;
	err = did_identity_from_seed(&id, seed);
	if (err != 0)
		goto out;
	if (strcmp(id->did, file.did) != 0) {
		err = PARLEY_ERR_FILE_DAMAGED;
		goto out;
	}
	*idp = id;
	id = NULL; /* the caller's now */
out:
	parley_did_identity_free(id);
	did_secret_wipe(seed, sizeof(seed));
	did_secret_free(bytes);
	return err;
}

const char *parley_did_identity_did(const struct parley_identity *id)
{
	return id->did;
}

void parley_did_identity_free(struct parley_identity *id)
{
	if (id == NULL)
		return;
	did_secret_free(id->secret);
	free(id);
}

const struct did_key *did_identity_key(const struct parley_identity *id)
{
	return &id->key;
}

const char *did_identity_kid(const struct parley_identity *id)
{
	return id->kid;
}

const char *did_identity_alg(const struct parley_identity *id)
{
	(void)id; /* all identities are Ed25519 so far */
	return "EdDSA";
}

int did_identity_sign(uint8_t sig[DID_IDENTITY_SIG_LEN_MAX], size_t *lenp,
		      const struct parley_identity *id, const void *msg,
		      size_t len)
{
	if (crypto_sign_detached(sig, NULL, msg, len, id->secret) != 0)
		return PARLEY_ERR_SYSTEM;
	*lenp = crypto_sign_BYTES;
	return 0;
}
