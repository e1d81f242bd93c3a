/*
 * MPyC under did-cli run.
 *
 * What must be the same everywhere is measured by python/parley/mpyc_facts.py,
 * which is built into this program and handed to the very interpreter that
 * will run the MPyC program: only that one knows what it would import.
 *
 * MPyC listens for the parties before this one and dials those after it; with
 * -P it takes an address for each, and -I says which one is its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/out.h"
#include "cli/preset.h"

enum {
	FACTS_MAX = 1024 * 1024,
	NEVER_DIALLED = 9, /* a port; MPyC wants one for each party */
};

static const char script[] = {
#include "cli/mpyc_facts.inc"
    '\0'};

/* Options of MPyC that say who is where. */
static const char *const ours[] = {"-P",       "-I",	      "-C",
				   "-B",       "-M",	      "--index",
				   "--config", "--base-port", "--ssl"};

extern char **environ;

/* Does ${word} give the option ${name}, perhaps with its value attached? */
static bool gives(const char *word, const char *name)
{
	size_t len = strlen(name);

	if (name[1] != '-')
		return strncmp(word, name, len) == 0;
	return strncmp(word, name, len) == 0 &&
	       (word[len] == '\0' || word[len] == '=');
}

/* The index of the program file behind the interpreter's options; 0: none. */
static size_t find_program(char *const *cmd)
{
	size_t i = 1;

	while (cmd[0] != NULL && cmd[i] != NULL && cmd[i][0] == '-' &&
	       strcmp(cmd[i], "-m") != 0 && strcmp(cmd[i], "-c") != 0 &&
	       strcmp(cmd[i], "-") != 0) {
		bool has_value =
		    strcmp(cmd[i], "-X") == 0 || strcmp(cmd[i], "-W") == 0;

		i += has_value && cmd[i + 1] != NULL ? 2 : 1;
	}
	return cmd[0] != NULL && cmd[i] != NULL && cmd[i][0] != '-' ? i : 0;
}

static int mpyc_check_words(char *const *cmd)
{
	size_t program = find_program(cmd);

	if (program == 0) {
		cli_out_error("mpyc: the command has to be a Python "
			      "interpreter and a program file");
		cli_out_hint("-- python3 %s",
			     cmd[0] != NULL ? cmd[0] : "PROGRAM");
		return CLI_USAGE;
	}
	for (size_t i = program + 1; cmd[i] != NULL; i++) {
		for (size_t j = 0; j < sizeof(ours) / sizeof(ours[0]); j++) {
			if (!gives(cmd[i], ours[j]))
				continue;
			cli_out_error("mpyc: leave out %s: who is where is in "
				      "the agreement",
				      ours[j]);
			return CLI_USAGE;
		}
	}
	return CLI_DONE;
}

static const char *mpyc_program(char *const *cmd)
{
	return cmd[find_program(cmd)];
}

/* More than half of the parties have to be honest. */
static int64_t mpyc_threshold_max(int64_t n)
{
	return (n - 1) / 2;
}

/*
 * Facts
 */

/* The interpreter with its options, our script, the program's own words. */
static char **facts_command(char *const *cmd, size_t program)
{
	size_t n = 0, at = 0;
	char **argv;

	while (cmd[n] != NULL)
		n++;
	argv = calloc(n + 3, sizeof(argv[0]));
	if (argv == NULL)
		return NULL;
	for (size_t i = 0; i < program; i++)
		argv[at++] = cmd[i];
	argv[at++] = (char *)(uintptr_t) "-c";
	argv[at++] = (char *)(uintptr_t)script;
	for (size_t i = program; i < n; i++)
		argv[at++] = cmd[i];
	return argv;
}

/* Run it; its standard output to ${*textp}, which the caller frees. */
static int capture(char **textp, size_t *lenp, char **argv)
{
	posix_spawn_file_actions_t actions;
	char *text = malloc(FACTS_MAX);
	int ends[2], status = -1, r;
	size_t len = 0;
	ssize_t n = 0;
	pid_t pid;

	if (text == NULL || pipe2(ends, O_CLOEXEC) != 0) {
		free(text);
		cli_out_error("cannot run '%s': %s", argv[0], strerror(errno));
		return CLI_FAILED;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (r == 0 && len < FACTS_MAX &&
	       (n = read(ends[0], text + len, FACTS_MAX - len)) != 0) {
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			break;
	}
	close(ends[0]);
	if (r == 0)
		waitpid(pid, &status, 0);
	if (r != 0)
		cli_out_error("cannot run '%s': %s", argv[0], strerror(r));
	if (r != 0 || status != 0) {
		free(text);
		return CLI_LOCAL; /* the script has said why */
	}
	*textp = text;
	*lenp = len;
	return CLI_DONE;
}

static int mpyc_measure(json_t **factsp, char *const *cmd)
{
	char **argv, *text = NULL;
	size_t len = 0;
	int code = mpyc_check_words(cmd);

	if (code != CLI_DONE)
		return code;
	argv = facts_command(cmd, find_program(cmd));
	if (argv == NULL) {
		cli_out_error("out of memory");
		return CLI_FAILED;
	}
	code = capture(&text, &len, argv);
	free(argv);
	if (code != CLI_DONE)
		return code;
	*factsp = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (*factsp == NULL) {
		cli_out_error("'%s' does not run as a Python 3 interpreter",
			      cmd[0]);
		return CLI_LOCAL;
	}
	return CLI_DONE;
}

/*
 * The command line
 */

static int mpyc_command(char ***argvp, char *const *cmd,
			const struct cli_preset_place *place)
{
	const size_t n_more = 2 * (size_t)place->n + 4;
	char **argv, *word;
	size_t n = 0;
	int code = cli_preset_expand(&argv, cmd, place, n_more);
	bool memory = true;

	if (code != CLI_DONE)
		return code;
	while (argv[n] != NULL)
		n++;
	for (int i = 0; memory && i < place->n; i++) {
		unsigned port =
		    i == place->self ? place->own_port : place->ports[i];

		argv[n++] = strdup("-P");
		memory = argv[n - 1] != NULL &&
			 asprintf(&word, "127.0.0.1:%u",
				  port != 0 ? port : NEVER_DIALLED) >= 0;
		if (memory)
			argv[n++] = word;
	}
	if (memory && asprintf(&word, "-I%d", place->self) >= 0)
		argv[n++] = word;
	else
		memory = false;
	if (memory && asprintf(&word, "-T%u", place->threshold) >= 0)
		argv[n++] = word;
	else
		memory = false;
	if (!memory) {
		cli_out_error("out of memory");
		cli_preset_free(argv);
		return CLI_FAILED;
	}
	*argvp = argv;
	return CLI_DONE;
}

const struct cli_preset cli_preset_mpyc = {
    .name = "mpyc",
    .dial = SESSION_FORWARD_DIAL_HIGHER,
    .check = SESSION_FORWARD_CHECK_LE16,
    .strict = true,
    .reuses_address = true,
    .measure = mpyc_measure,
    .command = mpyc_command,
    .check_words = mpyc_check_words,
    .program = mpyc_program,
    .threshold_max = mpyc_threshold_max,
};
