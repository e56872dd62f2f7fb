/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Replies that leave as live frames. User space writes them into a ring and
 * runs the program once for each, on a frame of its own making (bpf(2),
 * BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES): it takes the reply's bytes
 * and leaves by the interface. No socket buffer is made, which is what AF_XDP
 * without zero-copy spends most on. */
#pragma once

#include "maps.h"

/* outgoing returns the metadata of a frame that user space made, else NULL.
 * What a driver receives has none. */
static __always_inline struct outgoing *outgoing(struct xdp_md *ctx)
{
	struct outgoing *o = (void *)(long)ctx->data_meta;

	if ((void *)(o + 1) > (void *)(long)ctx->data || o->magic != MAGIC_OUTGOING)
		return NULL;
	return o;
}

/* reply_to_send takes the next reply of a ring, NULL where none is left: the
 * kernel begins a run anew that a signal interrupted, and then runs too often. */
static __always_inline struct reply *reply_to_send(__u32 queue)
{
	struct reply_ring *r = bpf_map_lookup_elem(&reply_rings, &queue);
	__u32 at;

	if (!r || r->head == r->tail)
		return NULL;
	at = queue * LIVE_REPLIES + (r->head++ & (LIVE_REPLIES - 1));
	return bpf_map_lookup_elem(&replies, &at);
}

/* send makes a frame the next reply of its ring. */
static __always_inline int send(struct xdp_md *ctx, const struct outgoing *o)
{
	struct reply *r = reply_to_send(o->queue);
	__u32 len;

	if (!r)
		return XDP_DROP;
	len = r->len;
	if (len < LIVE_LEN)
		return XDP_DROP;
	/* Two comparisons made one by subtraction tell Linux 6.1's verifier nothing. */
	asm volatile("" : "+r"(len));
	if (len > sizeof(r->frame))
		return XDP_DROP;
	if (bpf_xdp_adjust_tail(ctx, (int)len - LIVE_LEN) || bpf_xdp_store_bytes(ctx, 0, r->frame, len))
		return XDP_DROP;
	return bpf_redirect_map(&exits, 0, XDP_DROP);
}
