/*
 * The options of commands that resolve DIDs of others.
 */
#ifndef CLI_RESOLVER_H
#define CLI_RESOLVER_H

#include <stdbool.h>

#include <parley/did.h>

/* What the options say; all zeroes: no network, no files. */
struct cli_resolver {
	bool web;
	bool web_private;
	const char *web_ca;
	const char *web_timeout;
	const char *web_redirects;
	const char *directory;
};

/* Entries of the options of a command, for a struct cli_resolver ${r}. */
#define CLI_RESOLVER_OPTIONS(r)                                    \
	{.name = "web", .flag = &(r).web},                         \
	    {.name = "web-private", .flag = &(r).web_private},     \
	    {.name = "web-ca", .text = &(r).web_ca},               \
	    {.name = "web-timeout", .text = &(r).web_timeout},     \
	    {.name = "web-redirects", .text = &(r).web_redirects}, \
	{                                                          \
		.name = "directory", .text = &(r).directory        \
	}

/* The line of a help about them. */
#define CLI_RESOLVER_HELP                                               \
	"  --web, --directory DIR, ...  how to resolve: 'did-cli help " \
	"resolve'"                                                      \
	"\n"

/*
 * cli_resolver_new(rp, options):
 * A resolver as the options say; parley_did_resolver_free() it.
 *
 * Returns an exit code, the error printed.
 */
int cli_resolver_new(struct parley_resolver **rp,
		     const struct cli_resolver *options);

/* What may help where a DID of this kind is PARLEY_ERR_UNSUPPORTED. */
void cli_resolver_hint(const struct cli_resolver *options, const char *did);

#endif /* !CLI_RESOLVER_H */
