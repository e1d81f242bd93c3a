/*
 * No secret of an identity lies in memory that is given back to the allocator,
 * by us or by the libraries: this program's free() and realloc() stand in front
 * of the C library's, and look through each block before it goes.
 *
 * Not under valgrind or ASan, which bring allocators of their own.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "did/base64.h"
#include "did/identity.h"
#include "did/pair.h"

enum { SECRET_LEN = 32, TEXT_LEN = DID_BASE64_LEN(SECRET_LEN) };

static const char passphrase[] = "correct horse battery staple";

/* In what forms the secret is looked for; not on the heap. */
static struct {
	volatile int armed; /* free() is known not to read it */
	uint8_t raw[SECRET_LEN];
	char text[TEXT_LEN + 1]; /* base64url */
	size_t n_freed, n_found;
	const char *step, *found; /* in which step */
} watch;

static void look(const void *p)
{
	size_t size = malloc_usable_size((void *)(uintptr_t)p);

	watch.n_freed++;
	if (memmem(p, size, watch.raw, SECRET_LEN) != NULL ||
	    memmem(p, size, watch.text, TEXT_LEN) != NULL ||
	    memmem(p, size, passphrase, sizeof(passphrase) - 1) != NULL) {
		watch.n_found++;
		watch.found = watch.step;
	}
}

void free(void *p)
{
	static void (*real_free)(void *p);

	/* Which frees nothing itself, where it finds what is asked for. */
	if (real_free == NULL)
		*(void **)&real_free = dlsym(RTLD_NEXT, "free");
	if (p != NULL && watch.armed)
		look(p);
	real_free(p);
}

/* Always moves, so that what was is always looked at. */
void *realloc(void *p, size_t len)
{
	size_t old = p != NULL ? malloc_usable_size(p) : 0;
	void *moved = malloc(len);

	if (moved == NULL)
		return NULL;
	if (p != NULL)
		memcpy(moved, p, old < len ? old : len);
	free(p);
	return moved;
}

static void begin(const char *step)
{
	watch.step = step;
}

/* Through a file and back; the file goes. */
static void by_identity_file(const struct parley_identity *id, const char *dir,
			     const char *with)
{
	struct parley_identity *again;
	char path[128];

	snprintf(path, sizeof(path), "%s/identity", dir);
	begin("did_identity_save_cost");
	assert_int_equal(did_identity_save_cost(
			     id, path, with, with ? strlen(with) : 0, 1, 8192),
			 0);
	begin("parley_did_identity_load");
	assert_int_equal(parley_did_identity_load(&again, path, with,
						  with ? strlen(with) : 0),
			 0);
	begin("parley_did_identity_free");
	parley_did_identity_free(again);
	unlink(path);
}

static void by_foreign_file(const struct parley_identity *id, const char *dir,
			    enum parley_key_format format, const char *with)
{
	struct parley_identity *again;
	char path[128];

	snprintf(path, sizeof(path), "%s/key", dir);
	begin(format == PARLEY_KEY_PEM ? "export of PEM" : "export of JWK");
	assert_int_equal(parley_did_identity_export(id, path, format, with,
						    with ? strlen(with) : 0),
			 0);
	begin(format == PARLEY_KEY_PEM ? "import of PEM" : "import of JWK");
	assert_int_equal(parley_did_identity_import(&again, path, format, with,
						    with ? strlen(with) : 0),
			 0);
	parley_did_identity_free(again);
	unlink(path);
}

static void watch_type(enum parley_identity_type type)
{
	char dir[] = "/tmp/parley-freed-XXXXXX";
	uint8_t sig[DID_IDENTITY_SIG_LEN_MAX];
	struct parley_identity *id;
	size_t len;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(parley_did_identity_new_type(&id, type), 0);
	memset(&watch, 0, sizeof(watch));
	memcpy(watch.raw, did_identity_pair(id)->secret, SECRET_LEN);
	did_base64_encode(watch.text, watch.raw, SECRET_LEN);
	watch.armed = 1;

	begin("did_identity_sign");
	assert_int_equal(did_identity_sign(sig, &len, id, "message", 7), 0);
	by_identity_file(id, dir, NULL);
	by_identity_file(id, dir, passphrase);
	for (int with = 0; with < 2; with++) {
		by_foreign_file(id, dir, PARLEY_KEY_PEM,
				with ? passphrase : NULL);
		by_foreign_file(id, dir, PARLEY_KEY_JWK,
				with ? passphrase : NULL);
	}
	begin("the end");
	parley_did_identity_free(id);
	watch.armed = 0;
	rmdir(dir);

	assert_true(watch.n_freed > 20);
	if (watch.n_found > 0)
		fail_msg("%zu of %zu blocks held a secret, the last in %s",
			 watch.n_found, watch.n_freed, watch.found);
}

static void freed_memory_holds_nothing_of_an_ed25519_identity(void **state)
{
	(void)state;
	watch_type(PARLEY_IDENTITY_ED25519);
}

static void freed_memory_holds_nothing_of_a_p256_identity(void **state)
{
	(void)state;
	watch_type(PARLEY_IDENTITY_P256);
}

static void secret_that_is_not_wiped_is_found(void **state)
{
	uint8_t *p = malloc(100);
	void *volatile kept = p;

	(void)state;
	assert_non_null(p);
	memset(&watch, 0, sizeof(watch));
	memset(watch.raw, 7, SECRET_LEN);
	memset(watch.text, 'a', TEXT_LEN);
	memset(p, 7, 100);
	watch.armed = 1;
	free(kept);
	watch.armed = 0;
	assert_int_equal(watch.n_found, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(secret_that_is_not_wiped_is_found),
	    cmocka_unit_test(freed_memory_holds_nothing_of_an_ed25519_identity),
	    cmocka_unit_test(freed_memory_holds_nothing_of_a_p256_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
