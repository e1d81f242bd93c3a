/*
 * QR codes in the terminal and as PNG (ISO/IEC 18004).
 *
 * A code is a square of modules with a margin of four on all sides, without
 * which readers do not find it; is_dark() sees the margin as a part of it.
 */
#include "cli/qr.h"

#include "cli/command.h"
#include "cli/out.h"

#if PARLEY_HAVE_QR

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <png.h>
#include <qrencode.h>

#include "cli/file.h"

enum {
	MARGIN = 4,	 /* modules */
	MODULE_SIZE = 6, /* pixels */
	TEXT_MAX = 2953, /* bytes, version 40-L */
};

static QRcode *encode(const char *text)
{
	QRcode *code = NULL;

	if (strlen(text) <= TEXT_MAX)
		code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (code == NULL && strlen(text) > TEXT_MAX)
		cli_out_error("too long for a QR code: %zu bytes, and the "
			      "limit is %d",
			      strlen(text), TEXT_MAX);
	else if (code == NULL)
		cli_out_error("cannot make the QR code: %s", strerror(errno));
	return code;
}

static bool is_dark(const QRcode *code, int x, int y)
{
	x -= MARGIN;
	y -= MARGIN;
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1) != 0;
}

int cli_qr_print(FILE *to, const char *text)
{
	/* Light modules are drawn: by the upper, the lower half, or both. */
	static const char *const blocks[2][2] = {{"\u2588", "\u2580"},
						 {"\u2584", " "}};
	QRcode *code = encode(text);
	bool colours;
	int width;

	if (code == NULL)
		return CLI_FAILED;
	colours = isatty(fileno(to)) == 1;
	width = code->width + 2 * MARGIN;
	fflush(stdout);
	for (int y = 0; y < width; y += 2) {
		fputs(colours ? "\033[97;40m" : "", to);
		for (int x = 0; x < width; x++) {
			bool lower =
			    y + 1 < width ? is_dark(code, x, y + 1) : colours;

			fputs(blocks[is_dark(code, x, y)][lower], to);
		}
		fputs(colours ? "\033[0m\n" : "\n", to);
	}
	QRcode_free(code);
	return CLI_DONE;
}

/* The picture, one byte a pixel; free() it. */
static unsigned char *draw(const QRcode *code, size_t size)
{
	unsigned char *pixels = malloc(size * size);

	for (size_t i = 0; pixels != NULL && i < size * size; i++) {
		int x = (int)(i % size) / MODULE_SIZE;
		int y = (int)(i / size) / MODULE_SIZE;

		pixels[i] = is_dark(code, x, y) ? 0 : 255;
	}
	return pixels;
}

static int write_png(const char *path, const QRcode *code)
{
	size_t size = (size_t)(code->width + 2 * MARGIN) * MODULE_SIZE;
	png_image image = {
	    .version = PNG_IMAGE_VERSION,
	    .width = (png_uint_32)size,
	    .height = (png_uint_32)size,
	    .format = PNG_FORMAT_GRAY,
	};
	unsigned char *pixels = draw(code, size);
	png_alloc_size_t len = size * size + 4096;
	char *png = malloc(len);
	int result = CLI_FAILED;

	if (pixels == NULL || png == NULL)
		cli_out_error("out of memory");
	else if (!png_image_write_to_memory(&image, png, &len, 0, pixels, 0,
					    NULL))
		cli_out_error("cannot make the PNG: %s", image.message);
	else
		result = cli_file_create(path, png, len);
	png_image_free(&image);
	free(png);
	free(pixels);
	return result;
}

int cli_qr_png(const char *path, const char *text)
{
	QRcode *code = encode(text);
	int result;

	if (code == NULL)
		return CLI_FAILED;
	result = write_png(path, code);
	QRcode_free(code);
	return result;
}

#else

static int not_built(void)
{
	cli_out_error("no QR code: this did-cli was built without libqrencode "
		      "and libpng");
	return CLI_FAILED;
}

int cli_qr_print(FILE *to, const char *text)
{
	(void)to;
	(void)text;
	return not_built();
}

int cli_qr_png(const char *path, const char *text)
{
	(void)path;
	(void)text;
	return not_built();
}

#endif
