/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_srv.c — any bytes as a name server's answer to a question for an SRV name */
#include "fuzz.h"
#include "look/srv.h"

enum { MOST = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct srv_record out[MOST];
	uint8_t *own = malloc(n + (n == 0)); /* to the byte: AddressSanitizer stands behind it */
	uint32_t ttl;
	int count;

	PROMISED(own);
	memcpy(own, bytes, n);
	count = srv_read(own, n, out, MOST, &ttl);
	free(own);
	PROMISED(count <= MOST);
	for (int i = 0; i < count; i++) {
		size_t len = strlen(out[i].target);

		PROMISED(len > 0 && len < SRV_HOST - 2 && out[i].port != 0);
		PROMISED(out[i].target[0] != '.' && out[i].target[len - 1] != '.');
	}
	PROMISED(count <= 0 || ttl <= INT32_MAX);
	return 0;
}
