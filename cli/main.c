/*
 * did-cli: decentralized identifiers and sessions at the command line.
 *
 * This file is the table of commands and what holds for all of them: secrets
 * never reach a core file, no debugger of the same user reads them, and new
 * files are for this user only.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <parley/did.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/harden.h"
#include "cli/out.h"
#include "did/secret.h"

static const struct cli_command *const commands[] = {
    &cli_identity, &cli_resolve, &cli_pack,    &cli_unpack,
    &cli_sign,	   &cli_verify,	 &cli_invite,  &cli_agreement,
    &cli_ping,	   &cli_run,	 &cli_receipt, &cli_status,
};

enum {
	N_COMMANDS = sizeof(commands) / sizeof(commands[0]),
	N_WORDS_MAX = 16,
};

static const char help_end[] =
    "\n"
    "'did-cli help COMMAND' says more; did-cli(1) says all.\n"
    "exit codes: 0 done, 1 failed, 2 usage, 3 a party is not who or what it "
    "should\n"
    "be, 4 one is missing or lost, 5 a file or address here unusable; "
    "128 + signal.\n"
    "\n"
    "example:\n"
    "  did-cli identity new --name alice\n";

static int print_help(void)
{
	puts("usage: did-cli COMMAND [OPTION...]\n"
	     "Identities, envelopes, agreements and sessions of Parley.\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("  %-10s %s\n", "help", "show the help of a command");
	printf("  %-10s %s\n", "--version", "show the version");
	fputs(help_end, stdout);
	return CLI_DONE;
}

static int unknown_command(const char *group, const char *word,
			   const char *const *words, size_t n)
{
	const char *nearest = cli_args_nearest(word, words, n);

	cli_out_error("unknown command '%s%s%s'", group,
		      group[0] != '\0' ? " " : "", word);
	if (nearest != NULL)
		cli_out_hint("did you mean '%s'?", nearest);
	else
		cli_out_hint("'did-cli help' lists the commands");
	return CLI_USAGE;
}

static const struct cli_command *find_sub(const struct cli_command *group,
					  const char *name)
{
	for (const struct cli_command *c = group->subs; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static int unknown_sub(const struct cli_command *group, const char *word)
{
	const char *words[N_WORDS_MAX];
	size_t n = 0;

	for (; group->subs[n].name != NULL && n < N_WORDS_MAX; n++)
		words[n] = group->subs[n].name;
	return unknown_command(group->name, word, words, n);
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
	const struct cli_command *sub;

	if (command->subs == NULL)
		return command->run(command, argc, argv);
	if (command->run != NULL && (argc < 2 || argv[1][0] == '-'))
		return command->run(command, argc, argv);
	if (argc < 2) {
		cli_out_error("%s: which of its commands?", command->name);
		cli_out_hint("'did-cli help %s' lists them", command->name);
		return CLI_USAGE;
	}
	if (is_help(argv[1])) {
		fputs(command->help, stdout);
		return CLI_DONE;
	}
	sub = find_sub(command, argv[1]);
	if (sub == NULL)
		return unknown_sub(command, argv[1]);
	return sub->run(sub, argc - 1, argv + 1);
}

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

static int unknown(const char *word)
{
	const char *words[N_COMMANDS + 1];

	for (size_t i = 0; i < N_COMMANDS; i++)
		words[i] = commands[i]->name;
	words[N_COMMANDS] = "help";
	return unknown_command("", word, words, N_COMMANDS + 1);
}

/* help [COMMAND [SUBCOMMAND]] */
static int run_help(int argc, char **argv)
{
	const struct cli_command *command;

	if (argc < 2 || is_help(argv[1]))
		return print_help();
	command = find_command(argv[1]);
	if (command == NULL)
		return unknown(argv[1]);
	if (argc > 2 && command->subs != NULL) {
		const struct cli_command *sub = find_sub(command, argv[2]);

		if (sub == NULL)
			return unknown_sub(command, argv[2]);
		command = sub;
	}
	fputs(command->help, stdout);
	return CLI_DONE;
}

static int dispatch(int argc, char **argv)
{
	const struct cli_command *command;

	if (argc < 2) {
		cli_out_error("no command given");
		cli_out_hint("'did-cli help' lists the commands");
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "help") == 0)
		return run_help(argc - 1, argv + 1);
	if (is_help(argv[1]))
		return print_help();
	if (strcmp(argv[1], "--version") == 0) {
		puts("did-cli " PARLEY_VERSION);
		return CLI_DONE;
	}
	command = find_command(argv[1]);
	if (command == NULL)
		return unknown(argv[1]);
	return run_command(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	cli_harden();
	/* Who reads a pipe wants a line when it is printed. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (did_secret_init() != 0) {
		cli_out_error("no source of randomness");
		return CLI_FAILED;
	}
	return cli_out_finish(dispatch(argc, argv));
}
