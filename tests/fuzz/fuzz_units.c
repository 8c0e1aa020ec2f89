/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_units.c — any text as a size and as a time; what is read is printed and, a time, read back */
#include <errno.h>

#include "base/units.h"
#include "fuzz.h"

static void size(const char *text)
{
	char buf[UNITS_TEXT];
	uint64_t bytes = 0, again = 0;
	int rc = units_size(text, &bytes);

	PROMISED(rc == 0 || rc == -EINVAL || rc == -ERANGE);
	rc = units_size(units_size_text(bytes, buf), &again);
	PROMISED(rc == 0 || (rc == -ERANGE && bytes > UINT64_MAX - UINT64_MAX / 100));
	if (rc == 0)
		PROMISED((again > bytes ? again - bytes : bytes - again) <= bytes / 100);
	units_rate_text(bytes, 1, buf);
	PROMISED(strlen(buf) < sizeof(buf) - 1);
}

static void duration(const char *text)
{
	char buf[UNITS_TEXT];
	uint64_t ms = 0, again = 0;
	int rc = units_time(text, &ms);

	PROMISED(rc == 0 || rc == -EINVAL || rc == -ERANGE);
	PROMISED(units_time(units_time_text(ms, buf), &again) == 0);
	PROMISED(again == ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = fuzz_text(bytes, n);

	size(text);
	duration(text);
	free(text);
	return 0;
}
