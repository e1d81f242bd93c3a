/*
 * Runs a fuzz target on every file of the directories that are its arguments:
 * the corpora as tests, without libFuzzer.  Fails if there is no file, and in
 * whatever way the target does.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FILE_LEN_MAX = 1 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *directory, const char *name)
{
	uint8_t *data = malloc(FILE_LEN_MAX);
	char path[4096];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (data == NULL || file == NULL) {
		perror(path);
		free(data);
		return -1;
	}
	len = fread(data, 1, FILE_LEN_MAX, file);
	fclose(file);
	/* Of its own length, so that reading beyond it is seen. */
	data = realloc(data, len > 0 ? len : 1);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	size_t n = 0;

	for (int i = 1; i < argc; i++) {
		DIR *directory = opendir(argv[i]);
		const struct dirent *entry;

		if (directory == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(directory)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			if (run_file(argv[i], entry->d_name) != 0)
				return 1;
			n++;
		}
		closedir(directory);
	}
	printf("%zu inputs\n", n);
	return n == 0;
}
