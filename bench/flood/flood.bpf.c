//go:build ignore

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One run of this program makes one query out of the template frame and sends
 * it. Frames are used again with what the last run left in them, so whatever
 * one run may change is written by every run. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* The template: Ethernet, IPv4 without options, UDP, BOOTP, these options. */
enum {
	OFF_IP_FRAGMENT = 14 + 6,
	OFF_IP_SUM = 14 + 10,
	OFF_UDP_LEN = 14 + 20 + 4,
	OFF_BOOTP = 14 + 20 + 8,
	OFF_HLEN = OFF_BOOTP + 2,
	OFF_XID = OFF_BOOTP + 4,
	OFF_SECS = OFF_BOOTP + 8,
	OFF_MAC = OFF_BOOTP + 28,
	OFF_COOKIE = OFF_BOOTP + 236,
	OFF_TYPE = OFF_COOKIE + 4, /* 53, 1, type */
	OFF_ID = OFF_TYPE + 3,     /* 61, 8, 0, free byte, hardware address */
	OFF_PARAMS = OFF_ID + 10,  /* 55, 4, ... */
	OFF_END = OFF_PARAMS + 6,
	FRAME_LEN = OFF_END + 1,
};

#define MAC_LEN 6
#define ID_LEN 8 /* bytes of the client identifier, its type included */

/* What is wrong with a query. */
enum fault {
	FAULT_COOKIE,      /* another magic cookie */
	FAULT_REPLY,       /* a BOOTREPLY to the server's port */
	FAULT_HLEN,        /* a hardware address longer than its field */
	FAULT_NO_TYPE,     /* option 53 of length 0 */
	FAULT_TYPE,        /* a message type nobody defined */
	FAULT_ID_LONG,     /* option 61 reaches past the end */
	FAULT_NO_END,      /* the end option is missing, the last one cut off */
	FAULT_UDP_LONG,    /* UDP claims more than the packet holds */
	FAULT_UDP_EMPTY,   /* UDP claims no payload */
	FAULT_FRAGMENT,    /* the first fragment of more */
	FAULT_TRUNCATED,   /* the frame ends inside the fixed fields */
	FAULTS,
};

struct settings {
	__u32 first;       /* number of the first client */
	__u32 target;      /* index of the interface to send through */
	__u32 malformed;   /* 0: whole queries; else one fault each */
	__u16 ip_sum;      /* header checksums, as they lie in the frame */
	__u16 ip_sum_fragment;
	__u8 mac[2];       /* first bytes of every hardware address */
	__u8 _pad[2];
	__u8 need[256];    /* values before the last two rounds that end in a wanted bucket */
	__u8 table[256];   /* RFC 3074 section 6 */
};

const enum fault *fault_type __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} made SEC(".maps");

/* The byte that puts a client into a wanted bucket: the hash takes the key
 * from its end, so only the second byte, which is free, and the first, which
 * is 0, come after the hardware address. */
static __always_inline __u8 free_byte(struct settings *s, const __u8 *mac, __u32 n)
{
	__u8 h = ID_LEN;

	for (int i = MAC_LEN - 1; i >= 0; i--)
		h = s->table[h ^ mac[i]];
	return h ^ s->need[n & 0xff];
}

static __always_inline void spoil(__u8 *f, struct settings *s, enum fault what)
{
	switch (what) {
	case FAULT_COOKIE:
		f[OFF_COOKIE] = 0;
		break;
	case FAULT_REPLY:
		f[OFF_BOOTP] = 2;
		break;
	case FAULT_HLEN:
		f[OFF_HLEN] = 200;
		break;
	case FAULT_NO_TYPE:
		f[OFF_TYPE + 1] = 0;
		break;
	case FAULT_TYPE:
		f[OFF_TYPE + 2] = 99;
		break;
	case FAULT_ID_LONG:
		f[OFF_ID + 1] = 250;
		break;
	case FAULT_NO_END:
		f[OFF_END] = 12;
		break;
	case FAULT_UDP_LONG:
		*(__u16 *)(f + OFF_UDP_LEN) = bpf_htons(1400);
		break;
	case FAULT_UDP_EMPTY:
		*(__u16 *)(f + OFF_UDP_LEN) = bpf_htons(8);
		break;
	case FAULT_FRAGMENT:
		*(__u16 *)(f + OFF_IP_FRAGMENT) = bpf_htons(0x2000);
		*(__u16 *)(f + OFF_IP_SUM) = s->ip_sum_fragment;
		break;
	default:
		break;
	}
}

/* Everything that spoil changes, as it was. */
static __always_inline void heal(__u8 *f, struct settings *s)
{
	f[OFF_COOKIE] = 0x63;
	f[OFF_BOOTP] = 1;
	f[OFF_HLEN] = MAC_LEN;
	f[OFF_TYPE + 1] = 1;
	f[OFF_TYPE + 2] = 1;
	f[OFF_ID + 1] = ID_LEN;
	f[OFF_END] = 255;
	*(__u16 *)(f + OFF_UDP_LEN) = bpf_htons(FRAME_LEN - 14 - 20);
	*(__u16 *)(f + OFF_IP_FRAGMENT) = 0;
	*(__u16 *)(f + OFF_IP_SUM) = s->ip_sum;
}

static __always_inline void vary(__u8 *f, struct settings *s, __u32 n)
{
	__u8 *mac = f + OFF_MAC;

	mac[0] = s->mac[0];
	mac[1] = s->mac[1];
	mac[2] = n >> 24;
	mac[3] = n >> 16;
	mac[4] = n >> 8;
	mac[5] = n;
	*(__u32 *)(f + OFF_XID) = bpf_get_prandom_u32();
	*(__u16 *)(f + OFF_SECS) = bpf_htons(n >> 8 & 7);
	f[OFF_ID + 2] = 0;
	f[OFF_ID + 3] = free_byte(s, mac, n);
	__builtin_memcpy(f + OFF_ID + 4, mac, MAC_LEN);
}

SEC("xdp") int flood(struct xdp_md *ctx)
{
	__u8 *f = (void *)(long)ctx->data;
	__u32 zero = 0;
	struct settings *s = bpf_map_lookup_elem(&shared, &zero);
	__u64 *count = bpf_map_lookup_elem(&made, &zero);

	if (!s || !count || (void *)(f + FRAME_LEN) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__u32 n = s->first + (__u32)(*count)++; /* one run at a time: see Flood.Send */
	vary(f, s, n);
	if (s->malformed) {
		heal(f, s);
		enum fault what = n % FAULTS;
		spoil(f, s, what);
		if (what == FAULT_TRUNCATED)
			bpf_xdp_adjust_tail(ctx, -(int)(FRAME_LEN - OFF_MAC));
	}
	return bpf_redirect(s->target, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
