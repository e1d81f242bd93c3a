/*
 * The barrier (PROTOCOL 7.3): all begin together, and with the same processes.
 *
 * When every party has a link UP each says READY, a hash over all instances;
 * the barrier ends when all READYs are equal.
 */
#include "session/mesh_barrier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "session/mesh_report.h"
#include "session/party.h"

static void make_ready(const struct parley_session *s,
		       uint8_t digest[SESSION_HASH_LEN])
{
	static const char label[] = "parley instances 1";
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	const uint8_t n[4] = {(uint8_t)(s->n >> 24), (uint8_t)(s->n >> 16),
			      (uint8_t)(s->n >> 8), (uint8_t)s->n};
	crypto_hash_sha256_state st;

	parley_session_agreement_hash(s->agreement, hash);
	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, (const uint8_t *)label, strlen(label));
	crypto_hash_sha256_update(&st, hash, sizeof(hash));
	crypto_hash_sha256_update(&st, n, sizeof(n));
	for (size_t i = 0; i < s->n; i++)
		crypto_hash_sha256_update(&st, s->parties[i].instance,
					  SESSION_INSTANCE_LEN);
	crypto_hash_sha256_final(&st, digest);
}

bool session_mesh_barrier_agrees(const struct parley_session *s,
				 const struct session_party *p)
{
	return p->has_ready &&
	       memcmp(p->ready, s->ready, sizeof(s->ready)) == 0;
}

void session_mesh_barrier_explain(struct parley_session *s,
				  struct session_party *p)
{
	uint8_t *all;

	if (!s->has_ready || !p->has_ready ||
	    session_mesh_barrier_agrees(s, p) || p->told_instances ||
	    !session_live(p))
		return;
	p->told_instances = true;
	all = malloc(s->n * SESSION_INSTANCE_LEN);
	if (!all)
		return; /* only the explanation is missing */
	for (size_t i = 0; i < s->n; i++)
		memcpy(all + i * SESSION_INSTANCE_LEN, s->parties[i].instance,
		       SESSION_INSTANCE_LEN);
	if (session_channel_control(p->up->channel, SESSION_ITEM_INSTANCES, all,
				    s->n * SESSION_INSTANCE_LEN) == 0)
		session_party_flush(s, p);
	free(all);
}

void session_mesh_barrier_check(struct parley_session *s)
{
	if (!session_is_opening(s) || s->failing || !s->has_ready)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (i != s->self.index &&
		    (!session_live(&s->parties[i]) ||
		     !session_mesh_barrier_agrees(s, &s->parties[i])))
			return;
	s->state = PARLEY_SESSION_READY;
	s->next_progress_ms = INT64_MAX;
}

void session_mesh_barrier_begin(struct parley_session *s)
{
	s->has_ready = false;
	for (size_t i = 0; i < s->n; i++)
		if (i != s->self.index && !session_live(&s->parties[i]))
			return;
	make_ready(s, s->ready);
	s->has_ready = true;
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (i == s->self.index || !session_live(p))
			continue;
		p->told_instances = false;
		p->sent_ready = true;
		if (session_channel_control(p->up->channel, SESSION_ITEM_READY,
					    s->ready, sizeof(s->ready)) == 0)
			session_party_flush(s, p);
		session_mesh_barrier_explain(s, p);
	}
	session_mesh_barrier_check(s);
}

/* The first party that ${all} has with another instance than ours, or -1. */
static int differing_instance(const struct parley_session *s,
			      const struct session_channel_news *news)
{
	if (news->instances_len != s->n * SESSION_INSTANCE_LEN)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(news->instances + i * SESSION_INSTANCE_LEN,
			   s->parties[i].instance, SESSION_INSTANCE_LEN) != 0)
			return (int)i;
	return -1;
}

void session_mesh_barrier_on_instances(struct parley_session *s,
				       struct session_party *p,
				       const struct session_channel_news *news)
{
	const int who = differing_instance(s, news);
	const char *name;
	char text[SESSION_DETAIL_SIZE];

	/* Only who said READY otherwise has something to explain. */
	if (who < 0 || !p->has_ready || session_mesh_barrier_agrees(s, p))
		return;
	name = parley_session_agreement_party_name(s->agreement, (size_t)who);
	snprintf(text, sizeof(text), "holds another process of party %d%s%s",
		 who, *name ? " " : "", name);
	if (session_is_opening(s))
		session_mesh_report_detail(p, text);
	else
		session_party_lose(s, p, PARLEY_ERR_RESTARTED, text);
}
