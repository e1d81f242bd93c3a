/*
 * What this process forbids itself, and how programs that it starts get it
 * back.
 */
#ifndef CLI_HARDEN_H
#define CLI_HARDEN_H

/*
 * cli_harden():
 * No core files, no debugger of the same user, new files for this user only.
 * Best effort: none of it is a reason not to run.  To be called once, first.
 */
void cli_harden(void);

/* cli_harden_undo(): in a child, before it becomes another program. */
void cli_harden_undo(void);

#endif /* !CLI_HARDEN_H */
