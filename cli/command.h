/*
 * What a subcommand is, and with which codes the program exits.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/*
 * Exit codes, as documented in did-cli(1).  A command ended by a signal exits
 * with 128 and the number of the signal.
 */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_PEER = 3,	 /* another party is not who or what it should be */
	CLI_MISSING = 4, /* another party is missing, lost, or gave up */
	CLI_LOCAL = 5,	 /* a file, identity, passphrase or address here */
};

/*
 * One command.  ${run} gets argv with the name of the command in argv[0] and
 * returns an exit code, having printed every error.  A group has ${subs}
 * instead, an array that ends with an entry without name; one with both runs
 * where no word follows but options.  Help fits one screen (24 lines of 80
 * columns) and ends in an example that works as typed.
 */
struct cli_command {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(const struct cli_command *self, int argc, char **argv);
	const struct cli_command *subs;
};

extern const struct cli_command cli_identity;
extern const struct cli_command cli_resolve;
extern const struct cli_command cli_agreement;
extern const struct cli_command cli_ping;
extern const struct cli_command cli_status;
extern const struct cli_command cli_run;
extern const struct cli_command cli_receipt;
extern const struct cli_command cli_pack;
extern const struct cli_command cli_unpack;
extern const struct cli_command cli_sign;
extern const struct cli_command cli_verify;
extern const struct cli_command cli_invite;

/*
 * cli_agreement_new_run(self, argc, argv):
 * `did-cli agreement new`, which is long enough for a file of its own.
 */
int cli_agreement_new_run(const struct cli_command *self, int argc,
			  char **argv);

#endif /* !CLI_COMMAND_H */
