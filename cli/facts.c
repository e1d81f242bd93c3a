/*
 * Facts: what would run here, beside what the agreement says.
 *
 * A party whose facts differ opens the session with an agreement that says
 * what is true here.  The handshake then fails at every other party as well,
 * and its field digests (PROTOCOL.md 2.2) name the field and this party to
 * them: nobody has to believe anybody's word for it, or wait in vain.
 */
#include "cli/facts.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "cli/command.h"
#include "cli/file.h"
#include "cli/out.h"

enum {
	ARGUMENTS_MAX = 1000, /* bytes; longer ones are digested */
	LABEL_MAX = 64,
	DIGEST_SIZE = sizeof("sha256:") - 1 + CLI_FILE_DIGEST_SIZE,
};

static int out_of_memory(void)
{
	cli_out_error("out of memory");
	return CLI_FAILED;
}

/*
 * Any command line
 */

static bool is_label(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= LABEL_MAX &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int digest_file(char text[DIGEST_SIZE], const char *path)
{
	char hex[CLI_FILE_DIGEST_SIZE];
	int code = cli_file_digest(hex, path);

	if (code == CLI_DONE)
		snprintf(text, DIGEST_SIZE, "sha256:%s", hex);
	return code;
}

static int add_files(json_t *digests, char *const *cmd)
{
	char text[DIGEST_SIZE];
	const char *label;
	int code = CLI_DONE;

	for (; *cmd != NULL && code == CLI_DONE; cmd++) {
		label = cli_file_base_name(*cmd);
		if (!is_label(label) || !is_file(*cmd))
			continue;
		code = digest_file(text, *cmd);
		if (code == CLI_DONE &&
		    json_object_set_new(digests, label, json_string(text)) != 0)
			code = out_of_memory();
	}
	return code;
}

/* As a shell would have to be given it, so that words stay apart. */
static void put_word(FILE *f, const char *word)
{
	if (*word != '\0' && strpbrk(word, " '") == NULL) {
		fputs(word, f);
		return;
	}
	fputc('\'', f);
	for (; *word != '\0'; word++)
		fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, f);
	fputc('\'', f);
}

/* The words with a space between, or the digest of them all. */
static json_t *arguments_of(char *const *cmd)
{
	char *text = NULL, hex[2 * crypto_hash_sha256_BYTES + 1];
	uint8_t hash[crypto_hash_sha256_BYTES];
	size_t len = 0;
	json_t *value;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return NULL;
	for (size_t i = 0; cmd[i] != NULL; i++) {
		if (i > 0)
			fputc(' ', f);
		put_word(f, cmd[i]);
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	value = len > ARGUMENTS_MAX || strpbrk(text, "\n\t\r") != NULL
		    ? NULL
		    : json_string(text);
	if (value == NULL) {
		crypto_hash_sha256(hash, (const uint8_t *)text, len);
		sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
		value = json_sprintf("sha256:%s", hex);
	}
	free(text);
	return value;
}

int cli_facts_of_words(json_t **factsp, char *const *cmd)
{
	json_t *digests = json_object(), *facts;
	int code = add_files(digests, cmd);

	if (code != CLI_DONE) {
		json_decref(digests);
		return code;
	}
	facts =
	    json_pack("{s:o, s:{s:o}, s:n}", "digests", digests, "parameters",
		      "arguments", arguments_of(cmd), "threshold");
	if (facts == NULL)
		return out_of_memory();
	*factsp = facts;
	return CLI_DONE;
}

/*
 * Comparing
 */

struct comparison {
	struct cli_facts_difference *at;
	size_t n;
	bool strict;
	bool failed;
};

/* As people read it; the caller frees it. */
static char *text_of(const json_t *value)
{
	if (value == NULL)
		return NULL;
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return json_dumps(value, JSON_ENCODE_ANY);
}

static void note(struct comparison *c, const char *group, const char *name,
		 const json_t *here, const json_t *agreed)
{
	struct cli_facts_difference *d =
	    reallocarray(c->at, c->n + 1, sizeof(d[0]));

	if (d == NULL) {
		c->failed = true;
		return;
	}
	c->at = d;
	d += c->n++;
	d->here = text_of(here);
	d->agreed = text_of(agreed);
	if (asprintf(&d->field, "%s%s", group, name) < 0)
		d->field = NULL;
	if (d->field == NULL || (here != NULL && d->here == NULL) ||
	    (agreed != NULL && d->agreed == NULL))
		c->failed = true;
}

/* Compare the members of ${facts} and put them into ${agreed}. */
static void compare_members(struct comparison *c, const char *group,
			    json_t *agreed, const json_t *facts)
{
	const char *name;
	json_t *value, *other;

	json_object_foreach((json_t *)(uintptr_t)facts, name, value)
	{
		other = json_object_get(agreed, name);
		if ((other == NULL && !c->strict) || json_equal(other, value))
			continue;
		note(c, group, name, value, other);
		if (json_object_set(agreed, name, value) != 0)
			c->failed = true;
	}
}

static const char *word_with_base_name(char *const *cmd, const char *label)
{
	for (; *cmd != NULL; cmd++) {
		if (strcmp(cli_file_base_name(*cmd), label) == 0 &&
		    is_file(*cmd))
			return *cmd;
	}
	return NULL;
}

/* Digests that nobody measured: of a file that the command names? */
static int compare_other_files(struct comparison *c, json_t *agreed,
			       const json_t *facts, char *const *cmd)
{
	char text[DIGEST_SIZE];
	const char *label, *path;
	json_t *value, *here;
	void *next;
	int code = CLI_DONE;

	json_object_foreach_safe(agreed, next, label, value)
	{
		if (json_object_get(facts, label) != NULL)
			continue;
		path = word_with_base_name(cmd, label);
		here = NULL;
		if (path != NULL) {
			code = digest_file(text, path);
			here = json_string(text);
		}
		if (code != CLI_DONE)
			return code;
		if (here == NULL || !json_equal(here, value)) {
			note(c, "program.digests.", label, here, value);
			if (here != NULL)
				json_object_set(agreed, label, here);
			else
				json_object_del(agreed, label);
		}
		json_decref(here);
	}
	return CLI_DONE;
}

/* The object ${name} of ${obj}, made if it is not there; borrowed. */
static json_t *object_of(json_t *obj, const char *name)
{
	json_t *value = json_object_get(obj, name);

	if (value == NULL && json_object_set_new(obj, name, json_object()) == 0)
		value = json_object_get(obj, name);
	return value;
}

int cli_facts_compare(struct cli_facts_difference **differencesp, size_t *np,
		      json_t *agreement, const json_t *facts, char *const *cmd,
		      bool strict)
{
	struct comparison c = {.strict = strict};
	const json_t *threshold = json_object_get(facts, "threshold"),
		     *digests = json_object_get(facts, "digests");
	json_t *program, *agreed, *parameters;
	int code = CLI_DONE;

	if (json_object_get(agreement, "program") == NULL &&
	    json_object_set_new(
		agreement, "program",
		json_pack("{s:s}", "name", cli_file_base_name(cmd[0]))) != 0)
		return out_of_memory();
	program = json_object_get(agreement, "program");
	agreed = object_of(program, "digests");
	parameters = object_of(agreement, "parameters");
	if (agreed == NULL || parameters == NULL)
		return out_of_memory();
	compare_members(&c, "program.digests.", agreed, digests);
	code = compare_other_files(&c, agreed, digests, cmd);
	compare_members(&c, "parameters.", parameters,
			json_object_get(facts, "parameters"));
	if (json_is_integer(threshold) &&
	    !json_equal(threshold, json_object_get(agreement, "threshold"))) {
		note(&c, "", "threshold", threshold,
		     json_object_get(agreement, "threshold"));
		json_object_set(agreement, "threshold",
				(json_t *)(uintptr_t)threshold);
	}
	if (code == CLI_DONE && c.failed)
		code = out_of_memory();
	*differencesp = c.at;
	*np = c.n;
	return code;
}

void cli_facts_free(struct cli_facts_difference *differences, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(differences[i].field);
		free(differences[i].here);
		free(differences[i].agreed);
	}
	free(differences);
}
