/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.c — a fuzz target without a fuzzer: every file of some folders, whole and cut off after each byte
 *
 *     replay-addr FOLDER...
 */
#include <dirent.h>
#include <limits.h>

#include "fuzz.h"

#define LONGEST 65536

static void replay(const char *path)
{
	static uint8_t bytes[LONGEST];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		exit(1);
	}
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	fprintf(stderr, "%s\n", path); /* the last one told is the one that crashed */
	for (size_t cut = 0; cut <= n; cut++)
		LLVMFuzzerTestOneInput(bytes, cut);
}

static unsigned replay_folder(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned files = 0;

	if (!d) {
		perror(folder);
		exit(1);
	}
	while ((e = readdir(d))) {
		char path[PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		replay(path);
		files++;
	}
	closedir(d);
	return files;
}

int main(int argc, char **argv)
{
	unsigned files = 0;

	for (int i = 1; i < argc; i++)
		files += replay_folder(argv[i]);
	printf("%u files\n", files);
	return files > 0 ? 0 : 1;
}
