/*
 * Placeholders in the words of a program's command line.
 *
 *   {index} {parties} {threshold}   of the agreement
 *   {address:N}                     127.0.0.1:PORT, to reach party N
 *   {port:N}                        that port alone
 *   {port}                          where the program has to listen
 *
 * Whatever else stands in braces is left as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/out.h"
#include "cli/preset.h"

/* The number N of "{word:N}" at ${p}; its length, or 0 if it is not one. */
static size_t scan_numbered(int *np, const char *p, const char *word)
{
	size_t len = strlen(word);
	int n = 0, digits = 0;

	if (strncmp(p, word, len) != 0)
		return 0;
	for (; p[len] >= '0' && p[len] <= '9' && digits < 4; digits++)
		n = n * 10 + (p[len++] - '0');
	if (digits == 0 || p[len] != '}')
		return 0;
	*np = n;
	return len + 1;
}

struct writer {
	FILE *to;
	const struct cli_preset_place *place;
	int missing; /* a party that cannot be reached, or -1 */
};

static uint16_t port_to(struct writer *w, int party)
{
	const struct cli_preset_place *at = w->place;
	uint16_t port = 0;

	if (party == at->self)
		port = at->own_port;
	else if (party < at->n)
		port = at->ports[party];
	if (port == 0)
		w->missing = party;
	return port;
}

/* Write what the placeholder at ${p} stands for; its length, 0 if it is none */
static size_t replace(struct writer *w, const char *p)
{
	const struct {
		const char *word;
		unsigned value;
	} plain[] = {
	    {"{index}", (unsigned)w->place->self},
	    {"{parties}", (unsigned)w->place->n},
	    {"{threshold}", w->place->threshold},
	    {"{port}", w->place->own_port},
	};
	size_t len;
	int party = 0;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		len = strlen(plain[i].word);
		if (strncmp(p, plain[i].word, len) == 0) {
			fprintf(w->to, "%u", plain[i].value);
			return len;
		}
	}
	len = scan_numbered(&party, p, "{address:");
	if (len > 0) {
		fprintf(w->to, "127.0.0.1:%u", port_to(w, party));
		return len;
	}
	len = scan_numbered(&party, p, "{port:");
	if (len > 0)
		fprintf(w->to, "%u", port_to(w, party));
	return len;
}

static char *expand(const char *word, const struct cli_preset_place *place,
		    int *missingp)
{
	char *text = NULL;
	size_t size, len;
	struct writer w = {open_memstream(&text, &size), place, -1};

	if (w.to == NULL)
		return NULL;
	while (*word != '\0') {
		len = *word == '{' ? replace(&w, word) : 0;
		if (len == 0) {
			fputc(*word, w.to);
			len = 1;
		}
		word += len;
	}
	if (fclose(w.to) != 0) {
		free(text);
		return NULL;
	}
	if (w.missing >= 0)
		*missingp = w.missing;
	return text;
}

int cli_preset_expand(char ***argvp, char *const *cmd,
		      const struct cli_preset_place *place, size_t n_more)
{
	size_t n = 0;
	int missing = -1;
	char **argv;

	while (cmd[n] != NULL)
		n++;
	argv = calloc(n + n_more + 1, sizeof(argv[0]));
	for (size_t i = 0; argv != NULL && i < n; i++) {
		argv[i] = expand(cmd[i], place, &missing);
		if (argv[i] == NULL) {
			cli_preset_free(argv);
			argv = NULL;
		}
	}
	if (argv == NULL) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	if (missing >= 0) {
		cli_out_error("there is no party %d to connect to", missing);
		cli_preset_free(argv);
		return CLI_USAGE;
	}
	*argvp = argv;
	return CLI_DONE;
}

bool cli_preset_listens(char *const *cmd)
{
	for (; *cmd != NULL; cmd++) {
		if (strstr(*cmd, "{port}") != NULL)
			return true;
	}
	return false;
}

void cli_preset_free(char **argv)
{
	for (char **p = argv; p != NULL && *p != NULL; p++)
		free(*p);
	free(argv);
}
