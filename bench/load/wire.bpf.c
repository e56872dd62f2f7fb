//go:build ignore

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The generator's end of the wire. On its interface the program gives a DHCP
 * server's answers to AF_XDP; run by BPF_PROG_TEST_RUN with live frames, once
 * for each query that waits in the ring, it sends them. Both in one program,
 * because the kernel takes tens of milliseconds to begin such a run of one
 * that is attached nowhere. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define SLOTS 4096     /* a power of two */
#define FRAME_MAX 508  /* more than the longest query and its headers */
#define PORT_SERVER 67 /* RFC 2131 section 4.1 */

struct slot {
	__u32 len;
	__u8 frame[FRAME_MAX];
};

/* A ring of one producer, user space, and one consumer, a run: user space asks
 * for runs only after it has moved the tail. */
struct ring {
	__u32 target; /* index of the generator's interface */
	__u32 head;   /* queries sent */
	__u32 tail;   /* queries to be sent */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ring);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1); /* user space sets the number of queues */
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* The generator's interface: a map finds it from any network namespace, which
 * an index does not. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

/* One run puts one query into the frame of FRAME_MAX bytes it was given and
 * sends it. A run too many, after a signal began them anew, finds the ring
 * empty. */
static __always_inline int query(struct xdp_md *ctx, struct ring *r)
{
	if (r->head == r->tail)
		return XDP_DROP;
	__u32 at = r->head++ & (SLOTS - 1);
	struct slot *s = bpf_map_lookup_elem(&slots, &at);

	if (!s)
		return XDP_DROP;
	__u32 len = s->len;

	if (len < ETH_HLEN || len > FRAME_MAX)
		return XDP_DROP;
	if (bpf_xdp_adjust_tail(ctx, (int)len - FRAME_MAX))
		return XDP_DROP;
	if (bpf_xdp_store_bytes(ctx, 0, s->frame, len))
		return XDP_DROP;
	return bpf_redirect_map(&out, 0, XDP_DROP);
}

/* Answers come without tags and IP options. Everything else, ARP above all, is
 * the kernel's. */
static __always_inline int answer(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_UDP || udp->source != bpf_htons(PORT_SERVER))
		return XDP_PASS;
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

SEC("xdp") int wire(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct ring *r = bpf_map_lookup_elem(&shared, &zero);

	if (r && ctx->ingress_ifindex != r->target)
		return query(ctx, r);
	return answer(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
