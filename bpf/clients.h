/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Clients whose server is silent (Kea: communication_state.cc, analyzeMessage).
 * A client is counted once an epoch, and as unacked once an epoch; neither the
 * flag nor the epoch goes back. All CPUs share the counts, so every change of a client is
 * one compare-and-exchange, and who wins it counts.
 */
#pragma once

#include "hash.h"

#define FNV_OFFSET 0xcbf29ce484222325ull
#define FNV_PRIME  0x100000001b3ull
#define NOEXIST    1 /* BPF_NOEXIST */

/* secs returns the seconds a client has been trying. Windows clients send them
 * with the bytes swapped, which shows in an empty low byte. */
static __always_inline __u32 secs(const struct bootp *boot)
{
	__u32 s = bpf_ntohs(boot->secs);

	if (s > 255 && !(s & 0xff))
		s >>= 8;
	return s;
}

/* digest returns the FNV-1a hash of the client identifier. */
static __always_inline __u64 digest(const struct query *q)
{
	struct found *f = q->found;
	__u64 h = FNV_OFFSET;
	int byte;

	f->at = f->options[SLOT_CLIENT_ID].at;
	f->left = f->options[SLOT_CLIENT_ID].len;
	for (int i = 0; i < KEY_MAX && again(&f->left); i++) {
		f->left--;
		byte = byte_at(q, recall(&f->at));
		if (byte < 0)
			break;
		h = (h ^ byte) * FNV_PRIME;
		f->at++;
	}
	return h;
}

/* first_bytes masks a word of memory to its first n bytes. */
static __always_inline __u64 first_bytes(__u64 word, __u32 n)
{
	if (!n)
		return 0;
	if (n >= 8)
		return word;
	return word & bpf_cpu_to_be64(~0ull << (64 - 8 * n));
}

static __always_inline void identify(const struct query *q, const struct bootp *boot, struct client_key *key)
{
	__u64 hw[2];

	key->client_id = digest(q); /* first: what follows has many ways through it */
	__builtin_memcpy(hw, boot->chaddr, sizeof(hw));
	key->hw[0] = first_bytes(hw[0], boot->hlen);
	key->hw[1] = first_bytes(hw[1], boot->hlen < 8 ? 0 : boot->hlen - 8);
	key->hlen = boot->hlen;
	key->client_id_len = q->found->options[SLOT_CLIENT_ID].len;
	key->relationship = q->found->relationship;
}

/* crossed tells user space that the limit has just been passed. A full ring
 * loses nothing: an event in it is still unread, and the counts stay. */
static __always_inline void crossed(const struct query *q, __u32 epoch, __u32 unacked)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return;
	e->relationship = q->found->relationship;
	e->epoch = epoch;
	e->unacked = unacked;
	e->_pad = 0;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
}

/* remember stores what was seen of a client. 0: it was known in this epoch.
 * 1: it is new. With unacked set, *flagged says that the flag is new. */
static __always_inline int remember(const struct client_key *key, __u32 epoch, int unacked, __be32 relay, int *flagged)
{
	struct client now = { .seen = (__u64)epoch << 1 | unacked, .relay = relay }, *known;
	__u64 was;
	__s32 newer;

	*flagged = unacked;
	if (!bpf_map_update_elem(&clients, key, &now, NOEXIST))
		return 1;
	known = bpf_map_lookup_elem(&clients, key);
	if (!known) /* another CPU's new client pushed it out: count it when it comes again */
		return *flagged = 0;
	was = *(volatile __u64 *)&known->seen;
	newer = epoch - (__u32)(was >> 1);
	if (newer < 0) /* counted in the epoch after: this CPU is still under the scope before */
		return *flagged = 0;
	if (newer && __sync_val_compare_and_swap(&known->seen, was, now.seen) == was) {
		known->relay = relay;
		return 1;
	}
	was = (__u64)epoch << 1;
	*flagged = unacked && __sync_val_compare_and_swap(&known->seen, was, now.seen) == was;
	if (*flagged)
		known->relay = relay;
	return 0;
}

/* analyze counts a query that its server may not have heard. */
static __always_inline void analyze(const struct query *q, const struct scope *s, const struct bootp *boot)
{
	__u32 half = (q->found->relationship % RELATIONSHIPS_MAX) * 2 + s->epoch % 2, unacked;
	struct client_key key = {};
	struct census *count = bpf_map_lookup_elem(&client_counts, &half);
	__u64 *packets = bpf_map_lookup_elem(&analyzed, &half);
	int flagged;

	if (!count || !packets)
		return;
	++*packets;
	identify(q, boot, &key);
	if (remember(&key, s->epoch, secs(boot) * 1000 > s->ack_delay_ms, boot->giaddr, &flagged))
		__sync_fetch_and_add(&count->connecting, 1);
	if (!flagged)
		return;
	unacked = __sync_fetch_and_add(&count->unacked, 1);
	if (unacked == s->unacked_max)
		crossed(q, s->epoch, unacked + 1);
}
