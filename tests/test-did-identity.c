/*
 * Identities and their files.
 *
 * Files are made in a directory that each test starts with empty and must
 * leave without temporary files.  Argon2id runs with its smallest cost, save
 * in one test.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/did.h>

#include "did/document.h"
#include "did/identity.h"
#include "did/key.h"
#include "did/pair.h"
#include "did/resolver.h"
#include "tests/vector.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PASS	     "correct horse"

enum {
	OPS_MIN = 1,
	MEM_MIN = 8192,
	PATH_SIZE = 128,
	CONTENT_SIZE = 1024,
};

static const uint8_t seed[DID_IDENTITY_SEED_LEN] = {1, 2, 3};

struct fixture {
	char dir[PATH_SIZE / 2];
	char path[PATH_SIZE];
	struct parley_identity *id;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "test-identity-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/a.identity", f->dir);
	assert_int_equal(did_identity_from_seed(&f->id, seed), 0);
	*state = f;
	return 0;
}

/* Names in the directory, without `.` and `..`. */
static int count_files(const struct fixture *f)
{
	DIR *dir = opendir(f->dir);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	parley_did_identity_free(f->id);
	free(f);
	return 0;
}

static int save(const struct fixture *f, const char *passphrase)
{
	return did_identity_save_cost(
	    f->id, f->path, passphrase,
	    passphrase != NULL ? strlen(passphrase) : 0, OPS_MIN, MEM_MIN);
}

static int load(const struct fixture *f, const char *passphrase)
{
	struct parley_identity *id = NULL;
	int err;

	err = parley_did_identity_load(&id, f->path, passphrase,
				       passphrase != NULL ? strlen(passphrase)
							  : 0);
	if (err != 0) {
		assert_null(id);
		return err;
	}
	assert_string_equal(parley_did_identity_did(id),
			    parley_did_identity_did(f->id));
	parley_did_identity_free(id);
	return 0;
}

static int inspect(const struct fixture *f)
{
	char did[PARLEY_DID_SIZE];
	enum parley_identity_seal seal;

	return parley_did_identity_inspect(f->path, did, &seal);
}

static size_t read_content(const struct fixture *f, char content[CONTENT_SIZE])
{
	int fd = open(f->path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, content, CONTENT_SIZE - 1);
	assert_true(n > 0 && n < CONTENT_SIZE - 1);
	close(fd);
	content[n] = '\0';
	return (size_t)n;
}

static void write_content(const struct fixture *f, const void *content,
			  size_t len)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, len), (ssize_t)len);
	close(fd);
}

/* Replace the first ${from} in a text file by ${to}. */
static void edit(const struct fixture *f, const char *from, const char *to)
{
	char content[CONTENT_SIZE], edited[2 * CONTENT_SIZE];
	const char *at;

	read_content(f, content);
	at = strstr(content, from);
	assert_non_null(at);
	snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - content),
		 content, to, at + strlen(from));
	write_content(f, edited, strlen(edited));
}

static void new_identities_differ(void **state)
{
	struct parley_identity *a, *b;

	(void)state;
	assert_int_equal(parley_did_identity_new(&a), 0);
	assert_int_equal(parley_did_identity_new(&b), 0);
	assert_memory_equal(parley_did_identity_did(a), "did:key:z6Mk", 12);
	assert_string_not_equal(parley_did_identity_did(a),
				parley_did_identity_did(b));
	parley_did_identity_free(a);
	parley_did_identity_free(b);
	parley_did_identity_free(NULL);
}

static void published_seeds_give_their_dids(void **state)
{
	json_t *file = vector_load("did-key/ed25519.json");
	uint8_t bytes[DID_IDENTITY_SEED_LEN];
	struct parley_identity *id;
	char kid[256];
	const char *did;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		did = vector_text(v, "did");
		assert_int_equal(vector_hex(bytes, sizeof(bytes), v, "seed"),
				 sizeof(bytes));
		assert_int_equal(did_identity_from_seed(&id, bytes), 0);
		assert_string_equal(parley_did_identity_did(id), did);
		snprintf(kid, sizeof(kid), "%s#%s", did, did + 8);
		assert_string_equal(did_identity_kid(id), kid);
		parley_did_identity_free(id);
	}
	print_message("%zu seed vectors\n", i);
	json_decref(file);
}

static void signature_verifies_under_the_public_key(void **state)
{
	struct fixture *f = *state;
	const struct did_key *key = did_identity_key(f->id);
	uint8_t sig[DID_IDENTITY_SIG_LEN_MAX];
	size_t len;

	assert_int_equal(did_identity_sign(sig, &len, f->id, "hello", 5), 0);
	assert_int_equal(len, 64);
	assert_int_equal(did_key_verify(key, sig, len, "hello", 5), 0);
	assert_int_equal(did_key_verify(key, sig, len, "hallo", 5),
			 PARLEY_ERR_SIGNATURE);
	assert_int_equal(did_key_verify(key, sig, len - 1, "hello", 5),
			 PARLEY_ERR_SIGNATURE);
}

static void p256_identity_signs_with_es256(void **state)
{
	struct parley_identity *id;
	uint8_t sig[DID_IDENTITY_SIG_LEN_MAX];
	const char *did;
	size_t len;

	(void)state;
	assert_int_equal(
	    parley_did_identity_new_type(&id, PARLEY_IDENTITY_P256), 0);
	assert_int_equal(parley_did_identity_type(id), PARLEY_IDENTITY_P256);
	did = parley_did_identity_did(id);
	assert_memory_equal(did, "did:key:zDn", 11);
	assert_memory_equal(did_identity_kid(id), did, strlen(did));
	assert_string_equal(did_identity_kid(id) + strlen(did) + 1, did + 8);
	assert_int_equal(did_identity_sign(sig, &len, id, "hello", 5), 0);
	assert_int_equal(len, 64);
	assert_int_equal(
	    did_key_verify(did_identity_key(id), sig, len, "hello", 5), 0);
	assert_int_equal(
	    did_key_verify(did_identity_key(id), sig, len, "hallo", 5),
	    PARLEY_ERR_SIGNATURE);
	parley_did_identity_free(id);
}

static void keys_for_agreement_stand_in_the_document(void **state)
{
	struct did_document *doc;
	const struct did_method *method;
	struct parley_identity *id;

	(void)state;
	for (unsigned t = 0; t < 2; t++) {
		assert_int_equal(parley_did_identity_new_type(&id, t), 0);
		assert_int_equal(did_resolver_resolve(
				     NULL, &doc, parley_did_identity_did(id)),
				 0);
		method =
		    did_document_method(doc, did_identity_agreement_kid(id));
		assert_non_null(method);
		assert_true(method->relations & DID_RELATION_KEY_AGREEMENT);
		assert_true(did_key_equal(&method->key,
					  &did_identity_agreement(id)->key));
		method = did_document_method(doc, did_identity_kid(id));
		assert_true(method->relations & DID_RELATION_AUTHENTICATION);
		did_document_free(doc);
		parley_did_identity_free(id);
	}
}

static void other_types_are_not_made(void **state)
{
	struct parley_identity *id = NULL;

	(void)state;
	assert_int_equal(parley_did_identity_new_type(&id, 2),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(
	    did_identity_from_secret(&id, DID_KEY_SECP256K1, seed, 32),
	    PARLEY_ERR_UNSUPPORTED);
	assert_null(id);
}

static void p256_file_comes_back_and_bad_secret_is_damage(void **state)
{
	struct fixture *f = *state;
	char content[CONTENT_SIZE];
	struct parley_identity *id;
	char *key;

	parley_did_identity_free(f->id);
	assert_int_equal(
	    parley_did_identity_new_type(&f->id, PARLEY_IDENTITY_P256), 0);
	assert_int_equal(save(f, PASS), 0);
	assert_int_equal(load(f, PASS), 0);
	unlink(f->path);
	assert_int_equal(save(f, NULL), 0);
	assert_int_equal(load(f, NULL), 0);
	/* Beyond the group order. */
	read_content(f, content);
	key = strstr(content, "\"key\": \"") + 8;
	memset(key, '_', 42);
	key[42] = '8';
	write_content(f, content, strlen(content));
	assert_int_equal(parley_did_identity_load(&id, f->path, NULL, 0),
			 PARLEY_ERR_FILE_DAMAGED);
}

static void file_comes_back(void **state)
{
	static const char *const passphrases[] = {NULL, PASS};
	struct fixture *f = *state;
	char did[PARLEY_DID_SIZE];
	enum parley_identity_seal seal;

	for (size_t i = 0; i < COUNT(passphrases); i++) {
		assert_int_equal(save(f, passphrases[i]), 0);
		assert_int_equal(count_files(f), 1);
		assert_int_equal(
		    parley_did_identity_inspect(f->path, did, &seal), 0);
		assert_string_equal(did, parley_did_identity_did(f->id));
		assert_int_equal(seal, passphrases[i] != NULL
					   ? PARLEY_IDENTITY_SEALED
					   : PARLEY_IDENTITY_PLAINTEXT);
		assert_int_equal(load(f, passphrases[i]), 0);
		unlink(f->path);
	}
}

static void public_save_costs_what_the_header_says(void **state)
{
	struct fixture *f = *state;
	char content[CONTENT_SIZE];

	assert_int_equal(
	    parley_did_identity_save(f->id, f->path, PASS, strlen(PASS)), 0);
	read_content(f, content);
	assert_non_null(strstr(content, "\"ops\": 3,"));
	assert_non_null(strstr(content, "\"mem\": 268435456,"));
	assert_int_equal(load(f, PASS), 0);
}

static void file_is_json_and_sealed_file_hides_the_seed(void **state)
{
	struct fixture *f = *state;
	char plain[CONTENT_SIZE], sealed[CONTENT_SIZE];
	const char *key;
	json_t *obj;

	assert_int_equal(save(f, NULL), 0);
	read_content(f, plain);
	unlink(f->path);
	assert_int_equal(save(f, PASS), 0);
	read_content(f, sealed);

	obj = json_loads(plain, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(obj);
	assert_string_equal(vector_text(obj, "parley"), "identity/1");
	assert_true(json_is_null(json_object_get(obj, "seal")));
	key = vector_text(obj, "key");
	assert_int_equal(strlen(key), 43);
	assert_null(strstr(sealed, key));
	json_decref(obj);
	obj = json_loads(sealed, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(obj);
	assert_string_equal(vector_text(obj, "did"),
			    parley_did_identity_did(f->id));
	json_decref(obj);
}

static void two_files_of_one_identity_differ(void **state)
{
	struct fixture *f = *state;
	char a[CONTENT_SIZE], b[CONTENT_SIZE];

	assert_int_equal(save(f, PASS), 0);
	read_content(f, a);
	unlink(f->path);
	assert_int_equal(save(f, PASS), 0);
	read_content(f, b);
	assert_string_not_equal(strstr(a, "salt"), strstr(b, "salt"));
	assert_string_not_equal(strstr(a, "nonce"), strstr(b, "nonce"));
	assert_string_not_equal(strstr(a, "key"), strstr(b, "key"));
}

static void mode_is_0600_whatever_the_umask(void **state)
{
	static const mode_t masks[] = {0, 022, 077, 0277, 0777};
	struct fixture *f = *state;
	struct stat st;

	for (size_t i = 0; i < COUNT(masks); i++) {
		mode_t before = umask(masks[i]);

		assert_int_equal(save(f, NULL), 0);
		umask(before);
		assert_int_equal(lstat(f->path, &st), 0);
		assert_true(S_ISREG(st.st_mode));
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(st.st_nlink, 1);
		unlink(f->path);
	}
}

static void existing_file_is_never_touched(void **state)
{
	struct fixture *f = *state;
	char content[CONTENT_SIZE];

	write_content(f, "mine", 4);
	assert_int_equal(save(f, NULL), PARLEY_ERR_EXISTS);
	assert_int_equal(save(f, PASS), PARLEY_ERR_EXISTS);
	assert_int_equal(read_content(f, content), 4);
	assert_string_equal(content, "mine");
	assert_int_equal(count_files(f), 1);
}

/* Save an identity of one's own once ${start} is closed; exits with -err. */
static void __attribute__((noreturn))
save_in_child(const struct fixture *f, int start, uint8_t number)
{
	const uint8_t own_seed[DID_IDENTITY_SEED_LEN] = {number};
	struct parley_identity *id;
	char c;
	int err;

	err = did_identity_from_seed(&id, own_seed);
	if (err == 0 && read(start, &c, 1) == 0)
		err = parley_did_identity_save(id, f->path, NULL, 0);
	_exit(-err);
}

static void of_many_writers_at_once_one_wins(void **state)
{
	enum { ROUNDS = 10, WRITERS = 8 };
	struct fixture *f = *state;
	int start[2], status, n_won;

	for (int round = 0; round < ROUNDS; round++) {
		assert_int_equal(pipe(start), 0);
		for (uint8_t i = 0; i < WRITERS; i++) {
			pid_t pid = fork();

			assert_true(pid >= 0);
			if (pid > 0)
				continue;
			close(start[1]);
			save_in_child(f, start[0], i);
		}
		close(start[0]);
		close(start[1]);
		n_won = 0;
		for (int i = 0; i < WRITERS; i++) {
			assert_true(wait(&status) > 0);
			assert_true(WIFEXITED(status));
			if (WEXITSTATUS(status) == 0)
				n_won++;
			else
				assert_int_equal(-WEXITSTATUS(status),
						 PARLEY_ERR_EXISTS);
		}
		assert_int_equal(n_won, 1);
		assert_int_equal(count_files(f), 1);
		assert_int_equal(inspect(f), 0);
		unlink(f->path);
	}
}

static void symbolic_link_is_not_followed_for_writing(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	/* Dangling: open() with O_CREAT alone would make its target. */
	assert_int_equal(symlink("target", f->path), 0);
	assert_int_equal(save(f, NULL), PARLEY_ERR_EXISTS);
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(count_files(f), 1);
	/* Nor for reading. */
	assert_int_equal(inspect(f), PARLEY_ERR_UNSAFE);
	assert_int_equal(load(f, NULL), PARLEY_ERR_UNSAFE);
}

static void unusable_directory_is_a_system_error(void **state)
{
	struct fixture *f = *state;
	char path[2 * PATH_SIZE];

	snprintf(path, sizeof(path), "%s/absent/a", f->dir);
	assert_int_equal(
	    did_identity_save_cost(f->id, path, NULL, 0, OPS_MIN, MEM_MIN),
	    PARLEY_ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	write_content(f, "x", 1);
	snprintf(path, sizeof(path), "%s/a", f->path);
	assert_int_equal(
	    did_identity_save_cost(f->id, path, NULL, 0, OPS_MIN, MEM_MIN),
	    PARLEY_ERR_SYSTEM);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(parley_did_identity_save(f->id, "", NULL, 0),
			 PARLEY_ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
}

static void full_disk_leaves_no_file(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, limit;
	int err, saved;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	err = save(f, NULL);
	saved = errno;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(err, PARLEY_ERR_SYSTEM);
	assert_int_equal(saved, EFBIG);
	assert_int_equal(count_files(f), 0);
}

static void file_in_the_working_directory_is_written(void **state)
{
	struct fixture *f = *state;
	struct parley_identity *id;

	assert_int_equal(chdir(f->dir), 0);
	assert_int_equal(parley_did_identity_save(f->id, "a.identity", NULL, 0),
			 0);
	assert_int_equal(parley_did_identity_load(&id, "a.identity", NULL, 0),
			 0);
	assert_int_equal(chdir(".."), 0);
	parley_did_identity_free(id);
	assert_int_equal(count_files(f), 1);
}

static void passphrase_out_of_range_is_refused(void **state)
{
	static const char longest[PARLEY_PASSPHRASE_LEN_MAX + 1] = {1};
	struct fixture *f = *state;
	struct parley_identity *id;

	assert_int_equal(parley_did_identity_save(f->id, f->path, "", 0),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(
	    parley_did_identity_save(f->id, f->path, longest, sizeof(longest)),
	    PARLEY_ERR_ARGUMENT);
	assert_int_equal(count_files(f), 0);
	/* Any bytes will do, NUL among them. */
	assert_int_equal(did_identity_save_cost(f->id, f->path, longest,
						sizeof(longest) - 1, OPS_MIN,
						MEM_MIN),
			 0);
	assert_int_equal(parley_did_identity_load(&id, f->path, longest,
						  sizeof(longest) - 2),
			 PARLEY_ERR_PASSPHRASE);
	assert_int_equal(
	    parley_did_identity_load(&id, f->path, longest, sizeof(longest)),
	    PARLEY_ERR_PASSPHRASE);
	assert_int_equal(parley_did_identity_load(&id, f->path, longest,
						  sizeof(longest) - 1),
			 0);
	parley_did_identity_free(id);
}

static void wrong_passphrase_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(save(f, PASS), 0);
	assert_int_equal(load(f, NULL), PARLEY_ERR_PASSPHRASE);
	assert_int_equal(load(f, ""), PARLEY_ERR_PASSPHRASE);
	assert_int_equal(load(f, "correct hors"), PARLEY_ERR_PASSPHRASE);
	assert_int_equal(load(f, "correct horse "), PARLEY_ERR_PASSPHRASE);
	assert_int_equal(load(f, PASS), 0);
}

static void passphrase_is_ignored_for_an_unencrypted_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(save(f, NULL), 0);
	assert_int_equal(load(f, PASS), 0);
}

static void missing_file_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct parley_identity *id = NULL;

	assert_int_equal(inspect(f), PARLEY_ERR_NOT_FOUND);
	assert_int_equal(load(f, NULL), PARLEY_ERR_NOT_FOUND);
	assert_int_equal(parley_did_identity_load(&id, "", NULL, 0),
			 PARLEY_ERR_NOT_FOUND);
	assert_null(id);
}

static void unreadable_path_is_a_system_error(void **state)
{
	struct fixture *f = *state;
	enum parley_identity_seal seal;
	struct parley_identity *id;
	char did[PARLEY_DID_SIZE], path[2 * PATH_SIZE];

	/* Permissions do not stop root, but a link to itself does. */
	assert_int_equal(symlink("a.identity", f->path), 0);
	snprintf(path, sizeof(path), "%s/a", f->path);
	assert_int_equal(parley_did_identity_inspect(path, did, &seal),
			 PARLEY_ERR_SYSTEM);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(parley_did_identity_load(&id, path, NULL, 0),
			 PARLEY_ERR_SYSTEM);
}

static void directory_of_others_is_unsafe(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(save(f, NULL), 0);
	assert_int_equal(chmod(f->dir, 0702), 0);
	assert_int_equal(inspect(f), PARLEY_ERR_UNSAFE);
	assert_int_equal(load(f, NULL), PARLEY_ERR_UNSAFE);
	assert_int_equal(chmod(f->dir, 0700), 0);
	assert_int_equal(load(f, NULL), 0);
}

static void foreign_file_is_recognised(void **state)
{
	static const char *const contents[] = {
	    "",
	    "x",
	    "{}",
	    "{\"parley\":\"identity/1\"}",
	    "\n",
	    "-----BEGIN PRIVATE KEY-----\n",
	    "{\n  \"parley\": \"agreement/1\",\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(contents); i++) {
		write_content(f, contents[i], strlen(contents[i]));
		assert_int_equal(inspect(f), PARLEY_ERR_FILE_FORMAT);
		assert_int_equal(load(f, PASS), PARLEY_ERR_FILE_FORMAT);
	}
}

static void directory_fifo_and_device_are_foreign(void **state)
{
	struct fixture *f = *state;
	struct parley_identity *id;

	assert_int_equal(parley_did_identity_load(&id, f->dir, NULL, 0),
			 PARLEY_ERR_FILE_FORMAT);
	assert_int_equal(parley_did_identity_load(&id, "/dev/zero", NULL, 0),
			 PARLEY_ERR_FILE_FORMAT);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(load(f, NULL), PARLEY_ERR_FILE_FORMAT);
}

static void large_file_is_not_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(save(f, NULL), 0);
	assert_int_equal(truncate(f->path, 64 * 1024), 0);
	assert_int_equal(load(f, NULL), PARLEY_ERR_FILE_DAMAGED);
	assert_int_equal(truncate(f->path, 64 * 1024 + 1), 0);
	assert_int_equal(load(f, NULL), PARLEY_ERR_FILE_FORMAT);
	assert_int_equal(truncate(f->path, (off_t)1 << 40), 0);
	assert_int_equal(inspect(f), PARLEY_ERR_FILE_FORMAT);
}

static void newer_version_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(save(f, NULL), 0);
	edit(f, "identity/1", "identity/2");
	assert_int_equal(inspect(f), PARLEY_ERR_VERSION);
	assert_int_equal(load(f, NULL), PARLEY_ERR_VERSION);
	edit(f, "identity/2", "identity/10");
	assert_int_equal(inspect(f), PARLEY_ERR_VERSION);
	edit(f, "identity/10", "identity/0");
	assert_int_equal(inspect(f), PARLEY_ERR_FILE_DAMAGED);
	edit(f, "identity/0", "identity/01");
	assert_int_equal(inspect(f), PARLEY_ERR_FILE_DAMAGED);
	edit(f, "identity/01", "identity/99999999999999999999");
	assert_int_equal(inspect(f), PARLEY_ERR_FILE_DAMAGED);
	edit(f, "identity/99999999999999999999", "identity/");
	assert_int_equal(inspect(f), PARLEY_ERR_FILE_DAMAGED);
}

static void file_cut_anywhere_is_damaged(void **state)
{
	static const char *const passphrases[] = {NULL, PASS};
	struct fixture *f = *state;
	char content[CONTENT_SIZE];

	for (size_t i = 0; i < COUNT(passphrases); i++) {
		size_t full;

		assert_int_equal(save(f, passphrases[i]), 0);
		full = read_content(f, content);
		for (size_t len = full - 1; len > 0; len--) {
			assert_int_equal(truncate(f->path, (off_t)len), 0);
			assert_int_equal(inspect(f), PARLEY_ERR_FILE_DAMAGED);
			assert_int_equal(load(f, passphrases[i]),
					 PARLEY_ERR_FILE_DAMAGED);
		}
		assert_int_equal(truncate(f->path, 0), 0);
		assert_int_equal(load(f, passphrases[i]),
				 PARLEY_ERR_FILE_FORMAT);
		unlink(f->path);
	}
}

static void byte_added_behind_is_damage(void **state)
{
	struct fixture *f = *state;
	char content[CONTENT_SIZE];
	size_t len;

	assert_int_equal(save(f, NULL), 0);
	len = read_content(f, content);
	content[len] = '\n';
	write_content(f, content, len + 1);
	assert_int_equal(load(f, NULL), PARLEY_ERR_FILE_DAMAGED);
}

/* Bytes before the version: with them changed it is another kind of file. */
static size_t magic_len(const char *content)
{
	return (size_t)(strstr(content, "identity/") - content) + 9;
}

static void every_changed_byte_of_a_plain_file_is_found(void **state)
{
	struct fixture *f = *state;
	char content[CONTENT_SIZE];
	size_t len, magic;

	assert_int_equal(save(f, NULL), 0);
	len = read_content(f, content);
	magic = magic_len(content);
	for (size_t i = 0; i < len; i++) {
		for (int flip = 1; flip < 256; flip <<= 1) {
			char before = content[i];
			int err;

			content[i] = (char)(content[i] ^ flip);
			write_content(f, content, len);
			err = load(f, NULL);
			if (i < magic)
				assert_int_equal(err, PARLEY_ERR_FILE_FORMAT);
			else if (i == magic && content[i] >= '2' &&
				 content[i] <= '9')
				assert_int_equal(err, PARLEY_ERR_VERSION);
			else
				assert_int_equal(err, PARLEY_ERR_FILE_DAMAGED);
			content[i] = before;
		}
	}
}

static void every_changed_byte_of_a_sealed_file_is_found(void **state)
{
	struct fixture *f = *state;
	char content[CONTENT_SIZE];
	size_t len, magic;

	assert_int_equal(save(f, PASS), 0);
	len = read_content(f, content);
	magic = magic_len(content);
	for (size_t i = 0; i < len; i++) {
		for (int flip = 1; flip < 256; flip <<= 1) {
			char before = content[i];
			int err;

			content[i] = (char)(content[i] ^ flip);
			write_content(f, content, len);
			err = load(f, PASS);
			if (i < magic)
				assert_int_equal(err, PARLEY_ERR_FILE_FORMAT);
			else
				assert_true(err == PARLEY_ERR_FILE_DAMAGED ||
					    err == PARLEY_ERR_PASSPHRASE ||
					    err == PARLEY_ERR_VERSION);
			content[i] = before;
		}
	}
}

static void did_of_another_key_is_found(void **state)
{
	static const char other[] =
	    "did:key:z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf";
	struct fixture *f = *state;

	assert_int_equal(save(f, NULL), 0);
	edit(f, parley_did_identity_did(f->id), other);
	/* Nothing is wrong that can be seen without the key. */
	assert_int_equal(inspect(f), 0);
	assert_int_equal(load(f, NULL), PARLEY_ERR_FILE_DAMAGED);
	unlink(f->path);
	assert_int_equal(save(f, PASS), 0);
	edit(f, parley_did_identity_did(f->id), other);
	assert_int_equal(inspect(f), 0);
	assert_int_equal(load(f, PASS), PARLEY_ERR_PASSPHRASE);
}

static void other_kind_of_did_is_damage(void **state)
{
	static const char *const dids[] = {
	    "", "did:key:z6Mk", "did:web:example.com",
	    "did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F"};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(dids); i++) {
		assert_int_equal(save(f, NULL), 0);
		edit(f, parley_did_identity_did(f->id), dids[i]);
		assert_int_equal(inspect(f), PARLEY_ERR_FILE_DAMAGED);
		unlink(f->path);
	}
}

static void excessive_cost_is_refused_before_it_is_paid(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} rows[] = {
	    {"\"mem\": 8192", "\"mem\": 1073741825"},
	    {"\"mem\": 8192", "\"mem\": 18446744073709551615"},
	    {"\"mem\": 8192", "\"mem\": 184467440737095516160"},
	    {"\"mem\": 8192", "\"mem\": 8191"},
	    {"\"mem\": 8192", "\"mem\": 0"},
	    {"\"mem\": 8192", "\"mem\": "},
	    {"\"mem\": 8192", "\"mem\": 08192"},
	    {"\"mem\": 8192", "\"mem\": -1"},
	    {"\"ops\": 1", "\"ops\": 0"},
	    {"\"ops\": 1", "\"ops\": 17"},
	    {"\"ops\": 1", "\"ops\": 4294967297"},
	    {"\"ops\": 1,\n    \"mem\": 8192",
	     "\"ops\": 5,\n    \"mem\": 1073741824"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(save(f, PASS), 0);
		edit(f, rows[i].from, rows[i].to);
		assert_int_equal(inspect(f), PARLEY_ERR_FILE_DAMAGED);
		assert_int_equal(load(f, PASS), PARLEY_ERR_FILE_DAMAGED);
		unlink(f->path);
	}
}

static void outputs_are_untouched_on_error(void **state)
{
	struct fixture *f = *state;
	char did[PARLEY_DID_SIZE] = "before";
	enum parley_identity_seal seal = PARLEY_IDENTITY_PLAINTEXT;

	assert_int_equal(save(f, PASS), 0);
	assert_int_equal(truncate(f->path, 300), 0);
	assert_int_equal(parley_did_identity_inspect(f->path, did, &seal),
			 PARLEY_ERR_FILE_DAMAGED);
	assert_string_equal(did, "before");
	assert_int_equal(seal, PARLEY_IDENTITY_PLAINTEXT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(new_identities_differ),
	    TEST(published_seeds_give_their_dids),
	    TEST(signature_verifies_under_the_public_key),
	    TEST(p256_identity_signs_with_es256),
	    TEST(keys_for_agreement_stand_in_the_document),
	    TEST(other_types_are_not_made),
	    TEST(p256_file_comes_back_and_bad_secret_is_damage),
	    TEST(file_comes_back),
	    TEST(public_save_costs_what_the_header_says),
	    TEST(file_is_json_and_sealed_file_hides_the_seed),
	    TEST(two_files_of_one_identity_differ),
	    TEST(mode_is_0600_whatever_the_umask),
	    TEST(existing_file_is_never_touched),
	    TEST(of_many_writers_at_once_one_wins),
	    TEST(symbolic_link_is_not_followed_for_writing),
	    TEST(unusable_directory_is_a_system_error),
	    TEST(full_disk_leaves_no_file),
	    TEST(file_in_the_working_directory_is_written),
	    TEST(passphrase_out_of_range_is_refused),
	    TEST(wrong_passphrase_is_refused),
	    TEST(passphrase_is_ignored_for_an_unencrypted_file),
	    TEST(missing_file_is_not_found),
	    TEST(unreadable_path_is_a_system_error),
	    TEST(directory_of_others_is_unsafe),
	    TEST(foreign_file_is_recognised),
	    TEST(directory_fifo_and_device_are_foreign),
	    TEST(large_file_is_not_read),
	    TEST(newer_version_is_named),
	    TEST(file_cut_anywhere_is_damaged),
	    TEST(byte_added_behind_is_damage),
	    TEST(every_changed_byte_of_a_plain_file_is_found),
	    TEST(every_changed_byte_of_a_sealed_file_is_found),
	    TEST(did_of_another_key_is_found),
	    TEST(other_kind_of_did_is_damage),
	    TEST(excessive_cost_is_refused_before_it_is_paid),
	    TEST(outputs_are_untouched_on_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
