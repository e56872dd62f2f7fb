/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The load-balancing hash (RFC 3074 section 6). */
#pragma once

#include "options.h"

#define KEY_MAX 255 /* bytes of a client identifier */

/* The mixing table of RFC 3074 section 6, and two steps through it at once: at
 * k << 8 | v, where the hash comes to from v by a byte k. User space fills in both. */
const volatile __u8 mixing[256];
const volatile __u8 mixing_pairs[256 * 256];

/* within keeps the mask that the compiler finds needless: Linux 6.1's verifier
 * forgets the bounds of an exclusive or. */
static __always_inline __u64 within(__u64 v, const __u64 mask)
{
	asm volatile("%0 &= %1" : "+r"(v) : "i"(mask));
	return v;
}

static __always_inline __u64 mix(__u64 h, const __u8 *byte)
{
	return mixing[within(h ^ *byte, 0xff)];
}

/* mix_pair mixes two bytes, the second first. Every step waits for the table, so
 * this takes half the time of two. */
static __always_inline __u64 mix_pair(__u64 h, const __u8 *bytes)
{
	return mixing_pairs[within(h ^ bpf_ntohs(*(const __be16 *)bytes), 0xffff)];
}

/* hash_any mixes a key of any length. The offset is masked in every round. */
static __always_inline __u64 hash_any(const struct query *q, __u64 key, __u64 len)
{
	__u64 at = bounded(key + len), h = len & 0xff;
	const __u8 *byte;

	if (len & 1) {
		at = bounded(at - 1);
		byte = q->data + at;
		if ((void *)(byte + 1) > q->data_end)
			return h;
		h = mix(h, byte);
	}
	for (__u32 i = 0; i < KEY_MAX / 2 && i < len / 2; i++) {
		at = bounded(at - 2);
		byte = q->data + at;
		if ((void *)(byte + 2) > q->data_end)
			break;
		h = mix_pair(h, byte);
	}
	return h;
}

/* hash returns the bucket of the key of len bytes at an offset of the message,
 * all of which is there. The key is mixed from its last byte to its first.
 * Most are a MAC address, or one with its type before it, and need no loop. */
static __always_inline __u32 hash(const struct query *q, __u64 key, __u64 len)
{
	const __u8 *k = q->data + bounded(key);
	__u64 h = len;

	if ((len != 6 && len != 7) || (void *)(k + 7) > q->data_end)
		return hash_any(q, key, len);
	if (len == 7)
		h = mix(h, k + 6);
	h = mix_pair(h, k + 4);
	h = mix_pair(h, k + 2);
	return mix_pair(h, k);
}
