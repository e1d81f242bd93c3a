/*
 * Presets of did-cli run, and the one for any program: placeholders on its
 * command line (preset_words.c) say where to connect and listen.
 */
#include "cli/preset.h"

#include <string.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/facts.h"
#include "cli/out.h"

static int tcp_command(char ***argvp, char *const *cmd,
		       const struct cli_preset_place *place)
{
	return cli_preset_expand(argvp, cmd, place, 0);
}

/* The files among the words, and the words themselves. */
static int tcp_measure(json_t **factsp, char *const *cmd)
{
	return cli_facts_of_words(factsp, cmd);
}

static int tcp_check_words(char *const *cmd)
{
	(void)cmd;
	return CLI_DONE;
}

static const char *tcp_program(char *const *cmd)
{
	return cmd[0];
}

static int64_t tcp_threshold_max(int64_t n)
{
	return n - 1;
}

static const struct cli_preset preset_tcp = {
    .name = "tcp",
    .dial = SESSION_FORWARD_DIAL_ALL,
    .check = SESSION_FORWARD_CHECK_NONE,
    .measure = tcp_measure,
    .command = tcp_command,
    .check_words = tcp_check_words,
    .program = tcp_program,
    .threshold_max = tcp_threshold_max,
};

static const struct cli_preset *const presets[] = {
    &preset_tcp,
    &cli_preset_mpyc,
};

enum {
	N_PRESETS = sizeof(presets) / sizeof(presets[0]),
};

const struct cli_preset *cli_preset_find(const char *name,
					 const struct parley_agreement *a)
{
	const char *names[N_PRESETS], *nearest;

	if (name == NULL)
		return a != NULL && parley_session_agreement_parameter(
					a, "mpyc.version") != NULL
			   ? &cli_preset_mpyc
			   : &preset_tcp;
	for (size_t i = 0; i < N_PRESETS; i++) {
		names[i] = presets[i]->name;
		if (strcmp(name, names[i]) == 0)
			return presets[i];
	}
	cli_out_error("--preset: there is no preset '%s'", name);
	nearest = cli_args_nearest(name, names, N_PRESETS);
	cli_out_hint("%s", nearest != NULL ? nearest : "tcp, mpyc");
	return NULL;
}
