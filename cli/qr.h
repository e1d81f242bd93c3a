/*
 * QR codes in the terminal and as PNG, where built with libqrencode and libpng.
 */
#ifndef CLI_QR_H
#define CLI_QR_H

#include <stdbool.h>
#include <stdio.h>

/*
 * cli_qr_print(to, text):
 * Draw the code of ${text}, two modules to a character; with colours if ${to}
 * is a terminal, so that it does not matter which are the terminal's own.
 *
 * Returns an exit code, the error printed.
 */
int cli_qr_print(FILE *to, const char *text);

/*
 * cli_qr_png(path, text):
 * Write the code of ${text} to the new file ${path}.
 *
 * Returns an exit code, the error printed.
 */
int cli_qr_png(const char *path, const char *text);

#endif /* !CLI_QR_H */
