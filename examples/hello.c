/* hello AGREEMENT IDENTITY: greet all other parties, show what they say. */
#include <ctype.h>
#include <stdio.h>

#include <parley/session.h>

int main(int argc, char **argv)
{
	struct parley_agreement *a = NULL;
	struct parley_identity *id = NULL;
	struct parley_session *s = NULL;
	const void *msg;
	size_t len;
	int i, who, r = PARLEY_ERR_ARGUMENT;

	if (argc != 3 ||
	    (r = parley_session_agreement_load(&a, NULL, argv[1])) != 0 ||
	    (r = parley_did_identity_load(&id, argv[2], NULL, 0)) != 0 ||
	    (r = parley_session_open(&s, a, id, NULL)) != 0 ||
	    (r = parley_session_broadcast(s, "hello, world", 12)) != 0)
		goto out;
	for (i = 1; i < parley_session_n_parties(s); i++) {
		r = parley_session_recv(s, PARLEY_ANY, &who, &msg, &len);
		if (r != 0)
			goto out;
		printf("%s: ", parley_session_agreement_party_did(a, who));
		for (const unsigned char *c = msg; len > 0; c++, len--)
			putchar(isprint(*c) ? *c : '?');
		putchar('\n');
	}
	r = parley_session_close(s);
out:
	if (r != 0)
		fprintf(stderr, "hello: %s\n",
			s ? parley_session_error(s) : parley_did_err_string(r));
	parley_session_free(s);
	parley_did_identity_free(id);
	parley_session_agreement_free(a);
	return r != 0;
}
