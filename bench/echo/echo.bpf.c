//go:build ignore

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Answers DISCOVER by OFFER and REQUEST by ACK, with an address made of the
 * hardware address. The query's first option must be the message type, and
 * fourteen more bytes of options must follow. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

enum {
	OFF_PORTS = 14 + 20,
	OFF_BOOTP = 14 + 20 + 8,
	OFF_YIADDR = OFF_BOOTP + 16,
	OFF_MAC = OFF_BOOTP + 28,
	OFF_TYPE = OFF_BOOTP + 236 + 4, /* 53, 1, type */
	OFF_REST = OFF_TYPE + 3,
	REST_LEN = 14,
};

SEC("xdp") int echo(struct xdp_md *ctx)
{
	static const __u8 rest[REST_LEN] = { 54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 14, 16, 255, 0 };
	__u8 *f = (void *)(long)ctx->data;

	if ((void *)(f + OFF_REST + REST_LEN) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (*(__u16 *)(f + 12) != bpf_htons(0x0800) || *(__u16 *)(f + OFF_PORTS + 2) != bpf_htons(67) || f[OFF_TYPE] != 53)
		return XDP_PASS;
	__u8 kind = f[OFF_TYPE + 2];
	if (kind != 1 && kind != 3)
		return XDP_DROP;
	f[OFF_TYPE + 2] = kind == 1 ? 2 : 5;
	__builtin_memcpy(f, f + 6, 6);
	f[OFF_PORTS + 1] = 67;
	f[OFF_PORTS + 3] = 68;
	f[OFF_BOOTP] = 2;
	f[OFF_YIADDR] = 10;
	__builtin_memcpy(f + OFF_YIADDR + 1, f + OFF_MAC + 3, 3);
	__builtin_memcpy(f + OFF_REST, rest, REST_LEN);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
