/*
 * AES-256-GCM by Intel's Multi-Buffer library; session/aead.h.
 *
 * The library hands out its functions for a processor through a manager, which
 * is made for jobs in parallel, of 200 KB, and for one thread.  The functions
 * themselves have no state but their arguments: they are copied out of a
 * manager, and that is freed.  Its memory is not malloc's, which would take the
 * size as a hint to keep more of what the program frees.  A library that was
 * built without clearing what it leaves on the stack and in registers
 * (SAFE_DATA), or that fails its own test, is not used.
 *
 * It also checks its arguments (SAFE_PARAM), and does nothing if a pointer that
 * it needs is NULL: aead.c hands it none.
 */
#include "session/aead.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef PARLEY_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

#include <parley/err.h>

#include "did/secret.h"

#ifdef PARLEY_IPSEC_MB

/* What has to be there, and is not to be told from outside. */
static const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ |
			       IMB_FEATURE_SAFE_DATA | IMB_FEATURE_SELF_TEST |
			       IMB_FEATURE_SELF_TEST_PASS;

/* A key as the library wants it, aligned. */
struct key {
	struct gcm_key_data expanded;
	struct gcm_context_data at;
};
enum { KEY_ALIGN = 64 };

void session_aead_machine_init(struct session_aead_machine *m)
{
	const size_t size = imb_get_mb_mgr_size();
	IMB_MGR *manager;
	void *p;

	memset(m, 0, sizeof(*m));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	manager = imb_set_pointers_mb_mgr(p, 0, 1);
	if (!manager)
		goto out;
	init_mb_mgr_auto(manager, NULL);
	if (imb_get_errno(manager) == 0 &&
	    (manager->features & needed) == needed)
		*m = (struct session_aead_machine){
		    .expand = manager->gcm256_pre,
		    .begin = manager->gcm256_init,
		    .seal = {.whole = manager->gcm256_enc,
			     .add = manager->gcm256_enc_update,
			     .end = manager->gcm256_enc_finalize},
		    .open = {.whole = manager->gcm256_dec,
			     .add = manager->gcm256_dec_update,
			     .end = manager->gcm256_dec_finalize}};
out:
	munmap(p, size);
}

int session_aead_machine_key(struct session_aead *a,
			     const struct session_aead_machine *m,
			     const uint8_t key[SESSION_KEY_LEN])
{
	const size_t size =
	    (sizeof(struct key) + KEY_ALIGN - 1) / KEY_ALIGN * KEY_ALIGN;
	struct key *k = aligned_alloc(KEY_ALIGN, size);

	if (!k)
		return PARLEY_ERR_MEMORY;
	memset(k, 0, sizeof(*k));
	m->expand(key, &k->expanded);
	a->machine = m;
	a->key = &k->expanded;
	a->at = &k->at;
	return 0;
}

void session_aead_machine_wipe(struct session_aead *a)
{
	struct key *k = (struct key *)a->key;

	if (k)
		did_secret_wipe(k, sizeof(*k));
	free(k);
	a->key = NULL;
	a->at = NULL;
	a->machine = NULL;
}

#else /* !PARLEY_IPSEC_MB */

void session_aead_machine_init(struct session_aead_machine *m)
{
	memset(m, 0, sizeof(*m));
}

int session_aead_machine_key(struct session_aead *a,
			     const struct session_aead_machine *m,
			     const uint8_t key[SESSION_KEY_LEN])
{
	(void)a;
	(void)m;
	(void)key;
	return PARLEY_ERR_INTERNAL; /* it has nothing: nobody calls this */
}

void session_aead_machine_wipe(struct session_aead *a)
{
	(void)a;
}

#endif
