/*
 * The command line: long options, operands, and what was probably meant.
 *
 * Options are never abbreviated: a script must not change its meaning when a
 * release adds an option.  Nothing here is trusted to be short or printable.
 */
#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"

enum {
	WORD_LEN_MAX = 32, /* longer words are not compared */
	N_OPTIONS_MAX = 32,
};

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edits (insert, delete, replace, swap neighbours) from ${a} to ${b}. */
static size_t distance(const char *a, const char *b)
{
	size_t d[WORD_LEN_MAX + 1][WORD_LEN_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_LEN_MAX || m > WORD_LEN_MAX)
		return SIZE_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			size_t differ = a[i - 1] != b[j - 1];

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + differ);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[n][m];
}

const char *cli_args_nearest(const char *word, const char *const *words,
			     size_t n)
{
	const char *nearest = NULL;
	/* A third of the letters wrong is no misspelling any more. */
	size_t least = strlen(word) / 3 + 2;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, words[i]);

		if (d < least) {
			least = d;
			nearest = words[i];
		}
	}
	return nearest;
}

static int unknown_option(const struct cli_args *args,
			  const struct cli_command *self, const char *name,
			  size_t name_len)
{
	const char *words[N_OPTIONS_MAX], *nearest;
	char *word = strndup(name, name_len);
	size_t n = 0;

	for (; n < N_OPTIONS_MAX - 1 && args->options[n].name != NULL; n++)
		words[n] = args->options[n].name;
	words[n++] = "help";
	nearest = word != NULL ? cli_args_nearest(word, words, n) : NULL;
	cli_out_error("%s: unknown option '--%s'", self->name,
		      word != NULL ? word : "");
	if (nearest != NULL)
		cli_out_hint("did you mean '--%s'?", nearest);
	else
		cli_out_hint("'did-cli help' lists the commands, --help after "
			     "a command its options");
	free(word);
	return CLI_USAGE;
}

static const struct cli_args_option *find_option(const struct cli_args *args,
						 const char *name,
						 size_t name_len)
{
	for (const struct cli_args_option *o = args->options; o->name != NULL;
	     o++) {
		if (strlen(o->name) == name_len &&
		    memcmp(o->name, name, name_len) == 0)
			return o;
	}
	return NULL;
}

static int append(struct cli_args_list *list, const char *value, int argc)
{
	/* As many as there are words: never has to grow. */
	if (list->at == NULL)
		list->at = calloc((size_t)argc, sizeof(list->at[0]));
	if (list->at == NULL) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	list->at[list->n++] = value;
	return CLI_ARGS_OK;
}

/* Store option ${o} with ${value}, which is NULL for a flag. */
static int set_option(const struct cli_args_option *o,
		      const struct cli_command *self, const char *value,
		      int argc)
{
	if (o->flag != NULL) {
		*o->flag = true;
		return CLI_ARGS_OK;
	}
	if (o->list != NULL)
		return append(o->list, value, argc);
	if (*o->text != NULL) {
		cli_out_error("%s: '--%s' is given twice", self->name, o->name);
		return CLI_USAGE;
	}
	*o->text = value;
	return CLI_ARGS_OK;
}

/* Parse the option at argv[*ip], and move *ip to its last word. */
static int parse_option(const struct cli_args *args,
			const struct cli_command *self, int argc, char **argv,
			int *ip)
{
	const char *name = argv[*ip] + 2, *value = strchr(name, '=');
	size_t len = value != NULL ? (size_t)(value - name) : strlen(name);
	const struct cli_args_option *o = find_option(args, name, len);

	if (o == NULL)
		return unknown_option(args, self, name, len);
	if (value != NULL)
		value++;
	if (o->flag != NULL && value != NULL) {
		cli_out_error("%s: '--%s' takes no value", self->name, o->name);
		return CLI_USAGE;
	}
	if (o->flag == NULL && value == NULL) {
		if (*ip + 1 >= argc) {
			cli_out_error("%s: '--%s' needs a value", self->name,
				      o->name);
			return CLI_USAGE;
		}
		value = argv[++*ip];
	}
	return set_option(o, self, value, argc);
}

int cli_args_parse(const struct cli_args *args, const struct cli_command *self,
		   int argc, char **argv)
{
	bool options_over = false;
	size_t n = 0;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		int r;

		if (options_over || word[0] != '-' || word[1] == '\0') {
			if (n == args->n_operands_max) {
				cli_out_error("%s: '%s' is one word too many",
					      self->name, word);
				return CLI_USAGE;
			}
			args->operands[n++] = word;
		} else if (strcmp(word, "--") == 0) {
			options_over = true;
		} else if (strcmp(word, "--help") == 0 ||
			   strcmp(word, "-h") == 0) {
			fputs(self->help, stdout);
			return CLI_DONE;
		} else if (word[1] != '-') {
			return unknown_option(args, self, word + 1,
					      strlen(word + 1));
		} else if ((r = parse_option(args, self, argc, argv, &i)) !=
			   CLI_ARGS_OK) {
			return r;
		}
	}
	if (n < args->n_operands_min) {
		cli_out_error("%s: an operand is missing", self->name);
		cli_out_hint("--help shows how it is used");
		return CLI_USAGE;
	}
	return CLI_ARGS_OK;
}

void cli_args_list_free(struct cli_args_list *list)
{
	free(list->at);
	list->at = NULL;
	list->n = 0;
}

bool cli_args_integer(int64_t *value, const char *text, int64_t min,
		      int64_t max)
{
	bool negative = text[0] == '-';
	const char *p = text + negative;
	int64_t v = 0;

	if (*p == '\0' || (p[0] == '0' && (p[1] != '\0' || negative)))
		return false;
	for (; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || v > (INT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (*p - '0');
	}
	v = negative ? -v : v;
	if (v < min || v > max)
		return false;
	*value = v;
	return true;
}

bool cli_args_milliseconds(int *ms, const char *text, int max_ms)
{
	int64_t v = 0;
	int unit = 1000;
	bool point = false;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text != '\0'; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9' || unit == 1 || v > max_ms)
			return false;
		v = v * 10 + (*text - '0');
		if (point)
			unit /= 10;
	}
	v *= unit;
	if (v > max_ms)
		return false;
	*ms = (int)v;
	return true;
}

bool cli_args_duration(int64_t *seconds, const char *text)
{
	static const char units[] = "smhdw";
	static const int64_t lengths[] = {1, 60, 3600, 86400, 604800};
	enum { NUMBER_LEN_MAX = 9 };
	char number[NUMBER_LEN_MAX + 1];
	size_t len = strlen(text);
	const char *unit;
	int64_t n;

	if (len < 2 || len - 1 > NUMBER_LEN_MAX ||
	    (unit = strchr(units, text[len - 1])) == NULL)
		return false;
	memcpy(number, text, len - 1);
	number[len - 1] = '\0';
	if (!cli_args_integer(&n, number, 1, 1000000000))
		return false;
	*seconds = n * lengths[unit - units];
	return true;
}
