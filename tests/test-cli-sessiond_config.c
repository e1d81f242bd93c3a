/*
 * The configuration of sessiond: what its lines mean, and whom it allows.
 */
#include "cli/sessiond_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALICE "did:key:z6MkmFvisLLjsyjzCx2RXbJeNHAkBpJPHxAR71VpX8EaAFjb"
#define BOB   "did:key:z6Mkj93Kp35MjTc9rqroBL4eEHztxGCpAgbRie1Jcdrai5Lc"
#define CAROL "did:key:z6Mkpbz5XJ9babD2KHBHHho2aT25FRQdAn3cHSBdcMknSay4"

static int parse(struct cli_sessiond_config *c, char *error, const char *text)
{
	return cli_sessiond_config_parse(c, error, "test.conf", text,
					 strlen(text));
}

static void every_key_has_its_effect(void **state)
{
	static const char text[] = "# a comment\n"
				   "\n"
				   "  listen = tcp://*:7001\r\n"
				   "listen=tcp://[::1]:7002\n"
				   "control = /a/control\n"
				   "metrics = /a/metrics\n"
				   "identity = /a/one\n"
				   "passphrase-file = /a/pass\n"
				   "identity = /a/two\n"
				   "passphrase-fd = 7\n"
				   "identity = /a/three\n"
				   "passphrase-credential = three\n"
				   "allow-party = " ALICE "\n"
				   "max-sessions = 3\n"
				   "open-timeout = 5s\n"
				   "linger = 2m\n"
				   "resume-timeout = 0s\n"
				   "liveness = 1500ms\n"
				   "stop-timeout = 1h\n"
				   "log-level = debug\n"
				   "log-json = yes"; /* and no newline */
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE];
	struct cli_sessiond_config c;

	(void)state;
	if (parse(&c, error, text))
		fail_msg("%s", error);
	assert_int_equal(c.n_listen, 2);
	assert_string_equal(c.listen[0], "tcp://*:7001");
	assert_string_equal(c.listen[1], "tcp://[::1]:7002");
	assert_string_equal(c.control, "/a/control");
	assert_string_equal(c.metrics, "/a/metrics");
	assert_int_equal(c.n_identities, 3);
	assert_string_equal(c.identities[0]->passphrase_file, "/a/pass");
	assert_int_equal(c.identities[0]->passphrase_fd, -1);
	assert_int_equal(c.identities[1]->passphrase_fd, 7);
	assert_string_equal(c.identities[2]->credential, "three");
	assert_int_equal(c.n_parties, 1);
	assert_int_equal(c.max_sessions, 3);
	assert_int_equal(c.open_ms, 5000);
	assert_int_equal(c.linger_ms, 120000);
	assert_int_equal(c.resume_ms, 0);
	assert_int_equal(c.liveness_ms, 1500);
	assert_int_equal(c.stop_ms, 3600000);
	assert_int_equal(c.log.level, CLI_SESSIOND_DEBUG);
	assert_true(c.log.json);
	cli_sessiond_config_wipe(&c);
}

static void a_wrong_line_is_refused_with_its_number(void **state)
{
	static const struct {
		const char *line;
		const char *error;
	} rows[] = {
	    {"nonsense", "not a line 'key = value'"},
	    {"= value", "unknown key ''"},
	    {"idenity = /x", "did you mean 'identity'?"},
	    {"listen = 127.0.0.1:1", "is not tcp://HOST:PORT"},
	    {"listen =", "no value"},
	    {"control = relative", "is not an absolute path"},
	    {"identity = /a", "stands twice"},
	    {"passphrase-credential = ../x", "is not the name of a credential"},
	    {"passphrase-fd = 2", "is not a descriptor from 3 on"},
	    {"passphrase-fd = x", "is not a descriptor from 3 on"},
	    {"allow-agreement = zz", "is not the hash"},
	    {"allow-party = bob", "is not a DID"},
	    {"max-sessions = -1", "is not a number from 1"},
	    {"linger = 10", "is not a time"},
	    {"linger = -1s", "is not a time"},
	    {"linger = 169h", "is not a time"},
	    {"linger = 99999999999999999999s", "is not a time"},
	    {"liveness = 10ms", "is less than 1s"},
	    {"open-timeout = 0s", "is 0"},
	    {"log-json = true", "is neither yes nor no"},
	    {"log-level = verbose", "is none of"},
	};
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE], text[300];
	struct cli_sessiond_config c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "identity = /a\n\n%s\n",
			 rows[i].line);
		assert_int_equal(parse(&c, error, text), PARLEY_ERR_FORMAT);
		if (!strstr(error, "test.conf:3: ") ||
		    !strstr(error, rows[i].error))
			fail_msg("'%s' gives '%s'", rows[i].line, error);
		cli_sessiond_config_wipe(&c);
	}
}

static void a_passphrase_needs_an_identity_above(void **state)
{
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE];
	struct cli_sessiond_config c;

	(void)state;
	assert_int_equal(
	    parse(&c, error, "passphrase-file = /a\nidentity = /b\n"),
	    PARLEY_ERR_FORMAT);
	assert_non_null(strstr(error, "test.conf:1: "));
	cli_sessiond_config_wipe(&c);
}

static void a_file_with_nul_is_refused(void **state)
{
	static const char text[] = "identity = /a\n\0linger = 1s\n";
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE];
	struct cli_sessiond_config c;

	(void)state;
	assert_int_equal(cli_sessiond_config_parse(&c, error, "test.conf", text,
						   sizeof(text) - 1),
			 PARLEY_ERR_FORMAT);
	cli_sessiond_config_wipe(&c);
}

static struct parley_agreement *make_agreement(void)
{
	static const char text[] =
	    "{\"parley\":\"agreement/1\",\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\","
	    "\"name\":\"x\",\"created\":1,\"threshold\":1,\"parties\":["
	    "{\"did\":\"" ALICE "\",\"endpoints\":[\"tcp://a:1\"]},"
	    "{\"did\":\"" BOB "\",\"endpoints\":[\"tcp://b:1\"]},"
	    "{\"did\":\"" CAROL "\",\"endpoints\":[\"tcp://c:1\"]}]}";
	struct parley_agreement *a;
	char *why;

	if (parley_session_agreement_parse(&a, &why, text, sizeof(text) - 1))
		fail_msg("%s", why);
	return a;
}

static bool allows(const char *lines, const struct parley_agreement *a,
		   size_t self)
{
	char error[CLI_SESSIOND_CONFIG_TEXT_SIZE], text[1000];
	struct cli_sessiond_config c;
	bool allowed;

	snprintf(text, sizeof(text), "identity = /a\n%s", lines);
	if (parse(&c, error, text))
		fail_msg("%s", error);
	allowed = cli_sessiond_config_allows(&c, a, self);
	cli_sessiond_config_wipe(&c);
	return allowed;
}

static void only_what_is_named_is_allowed(void **state)
{
	struct parley_agreement *a = make_agreement();
	uint8_t hash[PARLEY_AGREEMENT_HASH_LEN];
	char line[200], *p = line + sprintf(line, "allow-agreement = ");

	(void)state;
	assert_false(allows("", a, 0));
	assert_false(allows("allow-party = " BOB "\n", a, 0));
	/* Oneself need not be named, and does not help. */
	assert_false(
	    allows("allow-party = " BOB "\nallow-party = " ALICE "\n", a, 0));
	assert_true(
	    allows("allow-party = " BOB "\nallow-party = " CAROL "\n", a, 0));
	assert_false(
	    allows("allow-party = " BOB "\nallow-party = " CAROL "\n", a, 1));
	parley_session_agreement_hash(a, hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		p += sprintf(p, "%02x", hash[i]);
	assert_true(allows(line, a, 0));
	p[-1] = p[-1] == '0' ? '1' : '0';
	assert_false(allows(line, a, 0));
	parley_session_agreement_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_has_its_effect),
	    cmocka_unit_test(a_wrong_line_is_refused_with_its_number),
	    cmocka_unit_test(a_passphrase_needs_an_identity_above),
	    cmocka_unit_test(a_file_with_nul_is_refused),
	    cmocka_unit_test(only_what_is_named_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
