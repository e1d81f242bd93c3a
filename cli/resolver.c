/*
 * The options of commands that resolve DIDs of others.
 *
 * Without any of them no command opens a connection or looks into a directory
 * because of what a message or a DID says.
 */
#include "cli/resolver.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/out.h"

enum {
	TIMEOUT_MS_MAX = 600 * 1000,
	REDIRECTS_MAX = 20,
};

static int check_path(const char *option, const char *path)
{
	if (path == NULL || access(path, R_OK) == 0)
		return CLI_DONE;
	cli_out_error("--%s: cannot open '%s': %s", option, path,
		      strerror(errno));
	return CLI_LOCAL;
}

int cli_resolver_new(struct parley_resolver **rp,
		     const struct cli_resolver *options)
{
	struct parley_resolver_options o = {
	    .web = options->web,
	    .web_private = options->web_private,
	    .web_ca = options->web_ca,
	    .directory = options->directory,
	};
	bool detailed = options->web_private || options->web_ca != NULL ||
			options->web_timeout != NULL ||
			options->web_redirects != NULL;
	int64_t redirects = 0;
	int code, ms = 0, r;

	if (detailed && !options->web) {
		cli_out_error("--web-... says nothing without --web");
		return CLI_USAGE;
	}
	if (options->web_timeout != NULL &&
	    (!cli_args_milliseconds(&ms, options->web_timeout,
				    TIMEOUT_MS_MAX) ||
	     ms == 0)) {
		cli_out_error("--web-timeout: '%s' is not a time in seconds",
			      options->web_timeout);
		return CLI_USAGE;
	}
	if (options->web_redirects != NULL &&
	    !cli_args_integer(&redirects, options->web_redirects, 0,
			      REDIRECTS_MAX)) {
		cli_out_error("--web-redirects: '%s' is not a number from 0 to "
			      "%d",
			      options->web_redirects, REDIRECTS_MAX);
		return CLI_USAGE;
	}
	o.web_timeout_ms = (unsigned)ms;
	o.web_redirects = (unsigned)redirects;
	code = check_path("web-ca", options->web_ca);
	if (code == CLI_DONE)
		code = check_path("directory", options->directory);
	if (code != CLI_DONE)
		return code;
	r = parley_did_resolver_new(rp, &o);
	if (r == PARLEY_ERR_UNSUPPORTED) {
		cli_out_error("--web: this did-cli was built without libcurl");
		return CLI_FAILED;
	}
	if (r != 0) {
		cli_out_error("cannot resolve DIDs: %s",
			      parley_did_err_string(r));
		return CLI_FAILED;
	}
	return CLI_DONE;
}

void cli_resolver_hint(const struct cli_resolver *options, const char *did)
{
	if (strncmp(did, "did:web:", strlen("did:web:")) != 0)
		cli_out_hint("did:key, did:peer and did:jwk are supported; "
			     "--directory has documents of others");
	else if (!options->web)
		cli_out_hint("--web allows to fetch the document by HTTPS");
}
