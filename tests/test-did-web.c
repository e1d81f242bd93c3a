/*
 * did:web; vectors/did-web/, addresses, and a local HTTPS server (https.py)
 * that answers as real ones do, and as hostile ones may.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/did.h>

#include "did/document.h"
#include "did/resolver.h"
#include "did/web.h"
#include "tests/vector.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The server, for all tests of the group. */
static struct {
	pid_t pid;
	int in;
	unsigned good, other, plain; /* ports */
	char dir[64];
	char ca[128];
} server;

static void published_dids_map_to_their_urls(void **state)
{
	json_t *file = vector_load("did-web/mapping.json");
	char url[DID_WEB_URL_SIZE];
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		assert_int_equal(did_web_url(url, vector_text(v, "did")), 0);
		assert_string_equal(url, vector_text(v, "url"));
	}
	print_message("%zu did:web vectors\n", i);
	json_decref(file);
}

static void other_sound_dids_map(void **state)
{
	static const struct {
		const char *did, *url;
	} rows[] = {
	    {"did:web:localhost%3a1",
	     "https://localhost:1/.well-known/did.json"},
	    {"did:web:a.b%3A65535", "https://a.b:65535/.well-known/did.json"},
	    {"did:web:xn--bcher-kva.example",
	     "https://xn--bcher-kva.example/.well-known/did.json"},
	    {"did:web:1.example.com:a%20b:...",
	     "https://1.example.com/a%20b/.../did.json"},
	};
	char url[DID_WEB_URL_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(did_web_url(url, rows[i].did), 0);
		assert_string_equal(url, rows[i].url);
	}
}

static void longest_did_maps(void **state)
{
	char did[PARLEY_DID_LEN_MAX + 1] = "did:web:a.b:";
	char url[DID_WEB_URL_SIZE];

	(void)state;
	for (size_t i = strlen(did); i < PARLEY_DID_LEN_MAX; i++)
		did[i] = i % 2 == 0 ? 'x' : ':';
	did[PARLEY_DID_LEN_MAX - 1] = 'x';
	did[PARLEY_DID_LEN_MAX] = '\0';
	assert_int_equal(did_web_url(url, did), 0);
	assert_string_equal(url + strlen(url) - 12, "/xx/did.json");
}

static void hostile_dids_are_refused(void **state)
{
	json_t *file = vector_load("did-web/hostile.json");
	char url[DID_WEB_URL_SIZE];
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    vector_expect(v, did_web_url(url, vector_text(v, "did")));
	assert_int_equal(did_web_url(url, "did:key:x"), PARLEY_ERR_FORMAT);
	print_message("%zu hostile did:webs\n", i);
	json_decref(file);
}

static bool is_global(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return did_web_is_global((const struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return did_web_is_global((const struct sockaddr *)&in6);
}

static void addresses_of_the_internet_are_told_from_others(void **state)
{
	static const char *const global[] = {
	    "1.1.1.1",	       "8.8.8.8",	  "9.255.255.255",
	    "11.0.0.0",	       "100.63.255.255",  "100.128.0.0",
	    "126.255.255.255", "128.0.0.0",	  "169.253.255.255",
	    "172.15.255.255",  "172.32.0.0",	  "192.0.1.0",
	    "192.167.255.255", "192.169.0.0",	  "198.17.255.255",
	    "198.20.0.0",      "223.255.255.255", "2606:4700::1111",
	    "2a00::1",	       "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8",
	    "2002:808:808::1", "2001:200::1"};
	static const char *const others[] = {"0.0.0.0",
					     "0.1.2.3",
					     "10.0.0.1",
					     "10.255.255.255",
					     "100.64.0.1",
					     "100.127.255.255",
					     "127.0.0.1",
					     "127.255.255.254",
					     "169.254.169.254",
					     "172.16.0.1",
					     "172.31.255.255",
					     "192.0.0.8",
					     "192.0.2.1",
					     "192.88.99.1",
					     "192.168.1.1",
					     "198.18.0.1",
					     "198.19.255.255",
					     "198.51.100.1",
					     "203.0.113.1",
					     "224.0.0.1",
					     "239.255.255.255",
					     "240.0.0.1",
					     "255.255.255.255",
					     "::",
					     "::1",
					     "::7f00:1",
					     "::ffff:127.0.0.1",
					     "::ffff:10.0.0.1",
					     "64:ff9b::192.168.0.1",
					     "64:ff9b:1::1",
					     "100::1",
					     "2001::1",
					     "2001:db8::1",
					     "2002:7f00:1::1",
					     "2002:c0a8:1::1",
					     "fc00::1",
					     "fd12::1",
					     "fe80::1",
					     "fec0::1",
					     "ff02::1",
					     "3fff::1",
					     "4000::1"};
	const struct sockaddr local = {.sa_family = AF_UNIX};

	(void)state;
	for (size_t i = 0; i < COUNT(global); i++)
		assert_true(is_global(global[i]));
	for (size_t i = 0; i < COUNT(others); i++)
		assert_false(is_global(others[i]));
	assert_false(did_web_is_global(&local));
}

/* Of the private addresses, the one of the good server may be used. */
static bool is_good_server(const struct sockaddr *address)
{
	struct sockaddr_in in;

	if (address->sa_family != AF_INET)
		return did_web_is_global(address);
	memcpy(&in, address, sizeof(in));
	return ntohs(in.sin_port) == server.good || did_web_is_global(address);
}

static struct parley_resolver *new_resolver(unsigned timeout_ms)
{
	const struct parley_resolver_options options = {
	    .web = 1,
	    .web_ca = server.ca,
	    .web_redirects = 2,
	    .web_timeout_ms = timeout_ms,
	};
	struct parley_resolver *r;

	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	did_resolver_set_check(r, is_good_server);
	return r;
}

/* did:web of a path on the server. */
static int resolve(struct parley_resolver *r, struct did_document **docp,
		   unsigned port, const char *path)
{
	char did[256];

	snprintf(did, sizeof(did), "did:web:localhost%%3A%u%s", port, path);
	return did_resolver_resolve(r, docp, did);
}

static void documents_are_fetched(void **state)
{
	static const char *const paths[] = {"", ":user:alice", ":moved",
					    ":largest"};
	struct parley_resolver *r = new_resolver(0);
	struct did_document *doc;

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		assert_int_equal(resolve(r, &doc, server.good, paths[i]), 0);
		assert_int_equal(doc->n_methods, 1);
		assert_int_equal(doc->methods[0].relations,
				 DID_RELATION_AUTHENTICATION);
		did_document_free(doc);
	}
	parley_did_resolver_free(r);
}

static void hostile_answers_are_refused_each_with_its_error(void **state)
{
	static const struct {
		const char *path;
		int err;
		const char *detail;
	} rows[] = {
	    {":absent", PARLEY_ERR_NOT_FOUND, "HTTP status 404"},
	    {":gone", PARLEY_ERR_NOT_FOUND, "HTTP status 410"},
	    {":error", PARLEY_ERR_FETCH, "HTTP status 500"},
	    {":no-content", PARLEY_ERR_FETCH, "HTTP status 204"},
	    {":wrong-id", PARLEY_ERR_DOCUMENT, ""},
	    {":relative-id", PARLEY_ERR_DOCUMENT, ""},
	    {":text", PARLEY_ERR_DOCUMENT, ""},
	    {":empty", PARLEY_ERR_DOCUMENT, ""},
	    {":utf8", PARLEY_ERR_DOCUMENT, ""},
	    {":large", PARLEY_ERR_FETCH, "document is larger than 65536 bytes"},
	    {":endless", PARLEY_ERR_FETCH,
	     "document is larger than 65536 bytes"},
	    {":loop", PARLEY_ERR_FETCH, NULL},
	    {":to-http", PARLEY_ERR_FETCH, NULL},
	    {":to-file", PARLEY_ERR_FETCH, NULL},
	    {":to-private", PARLEY_ERR_FETCH, "host has no public address"},
	    {":to-address", PARLEY_ERR_FETCH, "host has no public address"},
	};
	struct parley_resolver *r = new_resolver(0);
	struct did_document *doc;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(resolve(r, &doc, server.good, rows[i].path),
				 rows[i].err);
		if (rows[i].detail != NULL)
			assert_string_equal(did_resolver_detail(r),
					    rows[i].detail);
		else
			assert_true(did_resolver_detail(r)[0] != '\0');
	}
	parley_did_resolver_free(r);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void slow_server_costs_no_more_than_the_limit(void **state)
{
	struct parley_resolver *r = new_resolver(300);
	struct did_document *doc;
	long start = now_ms();

	(void)state;
	assert_int_equal(resolve(r, &doc, server.good, ":slow"),
			 PARLEY_ERR_FETCH);
	assert_true(now_ms() - start < 5000);
	parley_did_resolver_free(r);
}

static void private_address_is_refused_without_the_flag(void **state)
{
	struct parley_resolver_options options = {.web = 1,
						  .web_ca = server.ca};
	struct parley_resolver *r;
	struct did_document *doc;

	(void)state;
	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	assert_int_equal(resolve(r, &doc, server.good, ""), PARLEY_ERR_FETCH);
	assert_string_equal(did_resolver_detail(r),
			    "host has no public address");
	parley_did_resolver_free(r);
	options.web_private = 1;
	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	assert_int_equal(resolve(r, &doc, server.good, ""), 0);
	did_document_free(doc);
	parley_did_resolver_free(r);
}

static void no_redirect_is_followed_unless_asked_for(void **state)
{
	const struct parley_resolver_options options = {
	    .web = 1, .web_ca = server.ca, .web_private = 1};
	struct parley_resolver *r;
	struct did_document *doc;

	(void)state;
	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	assert_int_equal(resolve(r, &doc, server.good, ":moved"),
			 PARLEY_ERR_FETCH);
	assert_string_equal(did_resolver_detail(r), "HTTP status 302");
	parley_did_resolver_free(r);
}

static void certificate_must_be_trusted_and_of_the_host(void **state)
{
	struct parley_resolver_options options = {.web = 1, .web_private = 1};
	struct parley_resolver *r;
	struct did_document *doc;

	(void)state;
	/* The system's CAs do not know ours. */
	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	assert_int_equal(resolve(r, &doc, server.good, ""), PARLEY_ERR_FETCH);
	parley_did_resolver_free(r);
	options.web_ca = server.ca;
	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	assert_int_equal(resolve(r, &doc, server.other, ""), PARLEY_ERR_FETCH);
	assert_int_equal(resolve(r, &doc, server.plain, ""), PARLEY_ERR_FETCH);
	parley_did_resolver_free(r);
}

static void proxy_of_the_environment_is_not_used(void **state)
{
	struct parley_resolver *r = new_resolver(0);
	struct did_document *doc;

	(void)state;
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	assert_int_equal(resolve(r, &doc, server.good, ""), 0);
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
	did_document_free(doc);
	parley_did_resolver_free(r);
}

static void web_is_off_unless_asked_for(void **state)
{
	struct parley_resolver *r;
	struct did_document *doc;

	(void)state;
	assert_int_equal(parley_did_resolver_new(&r, NULL), 0);
	assert_int_equal(resolve(r, &doc, server.good, ""),
			 PARLEY_ERR_UNSUPPORTED);
	parley_did_resolver_free(r);
	assert_int_equal(resolve(NULL, &doc, server.good, ""),
			 PARLEY_ERR_UNSUPPORTED);
}

static void __attribute__((noreturn)) run_server(int in, int out)
{
	const char *tests = getenv("PARLEY_TESTS");
	char script[4096];

	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	snprintf(script, sizeof(script), "%s/https.py",
		 tests != NULL ? tests : ".");
	execlp("python3", "python3", script, server.dir, (char *)NULL);
	_exit(127);
}

static int start_server(void **state)
{
	int in[2], out[2];
	FILE *reader;

	(void)state;
	snprintf(server.dir, sizeof(server.dir), "test-web-XXXXXX");
	if (mkdtemp(server.dir) == NULL || pipe(in) != 0 || pipe(out) != 0)
		return -1;
	snprintf(server.ca, sizeof(server.ca), "%s/cert.pem", server.dir);
	server.pid = fork();
	if (server.pid == 0) {
		close(in[1]);
		run_server(in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	server.in = in[1];
	reader = fdopen(out[0], "r");
	if (reader == NULL || fscanf(reader, "%u %u %u", &server.good,
				     &server.other, &server.plain) != 3)
		return -1;
	fclose(reader);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	close(server.in);
	waitpid(server.pid, NULL, 0);
	unlink(server.ca);
	return rmdir(server.dir);
}

static void did_without_a_url_is_not_fetched(void **state)
{
	struct parley_resolver *r = new_resolver(0);
	struct did_document *doc;

	(void)state;
	assert_int_equal(resolve(r, &doc, server.good, ":.."),
			 PARLEY_ERR_FORMAT);
	assert_string_equal(did_resolver_detail(r), "");
	parley_did_resolver_free(r);
}

static void what_a_directory_does_not_have_is_fetched(void **state)
{
	const struct parley_resolver_options options = {
	    .web = 1,
	    .web_ca = server.ca,
	    .web_private = 1,
	    .directory = server.dir,
	};
	struct parley_resolver *r;
	struct did_document *doc;

	(void)state;
	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	assert_int_equal(resolve(r, &doc, server.good, ""), 0);
	did_document_free(doc);
	/* Of another method there is only the directory. */
	assert_int_equal(did_resolver_resolve(r, &doc, "did:example:1"),
			 PARLEY_ERR_NOT_FOUND);
	parley_did_resolver_free(r);
}

int main(void)
{
	const struct CMUnitTest mapping[] = {
	    cmocka_unit_test(published_dids_map_to_their_urls),
	    cmocka_unit_test(other_sound_dids_map),
	    cmocka_unit_test(longest_did_maps),
	    cmocka_unit_test(hostile_dids_are_refused),
	    cmocka_unit_test(addresses_of_the_internet_are_told_from_others),
	};
	const struct CMUnitTest fetching[] = {
	    cmocka_unit_test(documents_are_fetched),
	    cmocka_unit_test(hostile_answers_are_refused_each_with_its_error),
	    cmocka_unit_test(slow_server_costs_no_more_than_the_limit),
	    cmocka_unit_test(private_address_is_refused_without_the_flag),
	    cmocka_unit_test(no_redirect_is_followed_unless_asked_for),
	    cmocka_unit_test(certificate_must_be_trusted_and_of_the_host),
	    cmocka_unit_test(proxy_of_the_environment_is_not_used),
	    cmocka_unit_test(web_is_off_unless_asked_for),
	    cmocka_unit_test(did_without_a_url_is_not_fetched),
	    cmocka_unit_test(what_a_directory_does_not_have_is_fetched),
	};
	int n_failed = cmocka_run_group_tests(mapping, NULL, NULL);

	if (did_web_is_built())
		n_failed +=
		    cmocka_run_group_tests(fetching, start_server, stop_server);
	return n_failed;
}
