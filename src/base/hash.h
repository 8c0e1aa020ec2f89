/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.h — bytes to a number: the same in each process, on each machine
 *
 * Against chance, not against those who choose the bytes: whoever wants two that collide finds them.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Each bit of the result depends on each of n (the end of SplitMix64). Another n gives another result. */
static inline uint64_t hash_mix(uint64_t n)
{
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
	n = (n ^ n >> 27) * 0x94d049bb133111eb;
	return n ^ n >> 31;
}

/* FNV-1a, mixed. */
static inline uint64_t hash_bytes(const void *bytes, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
	return hash_mix(h);
}

#endif
