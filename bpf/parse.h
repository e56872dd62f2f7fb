/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From the frame to the DHCP message: Ethernet, two tags, IPv4, UDP. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"
#include "maps.h"

#define DHCP_SERVER_PORT 67
#define BOOTREQUEST      1
#define DHCP_COOKIE      0x63825363
#define TAGS_MAX         2
#define VLAN_ID          0xfff    /* of a tag's TCI */
#define IP_FRAGMENT      0x3fff   /* more-fragments bit and fragment offset */
#define OFFSET_MASK      0x7ff    /* offsets in a frame; a query that reaches further is passed */

/* RFC 2131 section 2, up to the options. */
struct bootp {
	__u8   op, htype, hlen, hops;
	__be32 xid;
	__be16 secs, flags;
	__be32 ciaddr, yiaddr, siaddr, giaddr;
	__u8   chaddr[16];
	__u8   sname[64];
	__u8   file[128];
	__be32 cookie;
};
_Static_assert(sizeof(struct bootp) == 240, "options follow at 240");

struct tag {
	__be16 tci;
	__be16 proto;
};

struct query {
	void  *data, *data_end;
	struct found *found;
};

struct cursor {
	void *pos, *end;
};

/* step goes over n bytes; 0: they are not all there. */
static __always_inline int step(struct cursor *c, __u32 n)
{
	if (c->pos + n > c->end)
		return 0;
	c->pos += n;
	return 1;
}

/* clear forgets of the query before what another may lack, by words. */
static __always_inline void clear(struct found *f)
{
	const int len = offsetof(struct found, options[SLOTS_USED]) - offsetof(struct found, relationship);

	__builtin_memset(__builtin_assume_aligned(&f->relationship, 8), 0, len);
}

/* again reads a value back from the map, however often it has been compared:
 * the verifier forgets what the comparisons told it, and with that, which way
 * led here. */
static __always_inline __u32 again(const __u32 *value)
{
	return *(const volatile __u32 *)value;
}

/* recall reads an offset back, of which the verifier then knows the mask. */
static __always_inline __u32 recall(const __u32 *offset)
{
	return again(offset) & OFFSET_MASK;
}

/* bounded masks an offset in a register. What the verifier then knows of it is
 * the same on every way and in every round. */
static __always_inline __u64 bounded(__u64 offset)
{
	asm volatile("%0 &= %1" : "+r"(offset) : "i"(OFFSET_MASK));
	return offset;
}

/* look takes the frame from the context. Taken again after parse(), it is the
 * same to the verifier whatever headers were stepped over. */
static __always_inline void look(struct query *q, struct xdp_md *ctx)
{
	q->data = (void *)(long)*(volatile __u32 *)&ctx->data;
	q->data_end = (void *)(long)*(volatile __u32 *)&ctx->data_end;
}

/* distance returns how far a pointer is into the frame. The barrier keeps the
 * subtraction in 64 bits: the verifier knows no other for pointers. */
static __always_inline __u32 distance(const struct query *q, const void *at)
{
	long n = at - q->data;

	asm volatile("" : "+r"(n));
	return n;
}

/* message returns the fixed part of the message, NULL where it is cut short. */
static __always_inline struct bootp *message(const struct query *q)
{
	struct bootp *boot = q->data + recall(&q->found->message);

	return (void *)(boot + 1) > q->data_end ? NULL : boot;
}

static __always_inline int is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/* local tells whether a query to this address is for this host: one to
 * another address is on its way through, and another server's. */
static __always_inline int local(__be32 addr)
{
	return addr == bpf_htonl(INADDR_BROADCAST) || bpf_map_lookup_elem(&addresses, &addr);
}

/* elsewhere tells whether the VLAN of an outer tag has a served interface of its
 * own: the kernel hands the frame to that one, with the tag taken off. */
static __always_inline int elsewhere(const struct tag *tag)
{
	const struct vlan_set *own;
	__u32 first = 0, id = bpf_ntohs(tag->tci) & VLAN_ID;
	__u64 word = id >> 6;

	/* The compiler would mask later, and Linux 6.1's verifier not understand it. */
	asm volatile("%0 &= 63" : "+r"(word));
	own = bpf_map_lookup_elem(&vlans, &first);
	return own && own->served[word] >> (id & 63) & 1;
}

/* link steps over Ethernet and tags to the IPv4 header. */
static __always_inline enum verdict link(struct cursor *c)
{
	struct ethhdr *eth = c->pos;
	struct tag *tag;
	__be16 proto;

	if (!step(c, sizeof(*eth)))
		return VERDICT_TRUNCATED;
	proto = *(__be16 *)((void *)eth + offsetof(struct ethhdr, h_proto)); /* at once: it is marked packed */
	for (int i = 0; i < TAGS_MAX && is_tag(proto); i++) {
		tag = c->pos;
		if (!step(c, sizeof(*tag)))
			return VERDICT_TRUNCATED;
		if (!i && elsewhere(tag))
			return VERDICT_OTHER_VLAN;
		proto = tag->proto;
	}
	if (proto == bpf_htons(ETH_P_IP))
		return VERDICTS;
	return is_tag(proto) ? VERDICT_ODD_HEADER : VERDICT_NOT_DHCP;
}

/* packet steps over IPv4 and UDP to the message and fills in its place. */
static __always_inline enum verdict packet(const struct query *q, struct cursor *c)
{
	__u32 ip_len, udp_len, options_len;
	struct found *f = q->found;
	struct iphdr *ip = c->pos;
	struct udphdr *udp;

	if (!step(c, sizeof(*ip)))
		return VERDICT_TRUNCATED;
	if (ip->version != 4 || ip->ihl < 5)
		return VERDICT_ODD_HEADER;
	if (ip->protocol != IPPROTO_UDP)
		return VERDICT_NOT_DHCP;
	if (ip->frag_off & bpf_htons(IP_FRAGMENT))
		return VERDICT_FRAGMENT;
	options_len = ip->ihl * 4 - sizeof(*ip);
	if (!step(c, options_len))
		return VERDICT_TRUNCATED;
	udp = c->pos;
	if (!step(c, sizeof(*udp)))
		return VERDICT_TRUNCATED;
	if (udp->dest != bpf_htons(DHCP_SERVER_PORT))
		return VERDICT_NOT_DHCP;
	if (!local(ip->daddr))
		return VERDICT_NOT_LOCAL;
	ip_len = bpf_ntohs(ip->tot_len);
	udp_len = bpf_ntohs(udp->len);
	if (udp_len < sizeof(*udp) || ip_len != sizeof(*ip) + options_len + udp_len)
		return VERDICT_ODD_HEADER;
	f->broadcast = ip->daddr == bpf_htonl(INADDR_BROADCAST);
	f->message = distance(q, c->pos);
	f->end = f->message + udp_len - sizeof(*udp);
	return VERDICTS;
}

/* parse finds the message and checks its fixed part. */
static __always_inline enum verdict parse(const struct query *q)
{
	struct cursor c = { q->data, q->data_end };
	const struct found *f = q->found;
	struct bootp *boot;
	enum verdict v = link(&c);

	if (v == VERDICTS)
		v = packet(q, &c);
	if (v != VERDICTS)
		return v;
	boot = message(q);
	if (!boot || f->message + sizeof(*boot) > f->end || f->end > q->data_end - q->data)
		return VERDICT_TRUNCATED;
	if (f->end > OFFSET_MASK)
		return VERDICT_ODD_HEADER;
	if (boot->op != BOOTREQUEST)
		return VERDICT_NOT_REQUEST;
	if (boot->hlen > sizeof(boot->chaddr))
		return VERDICT_ODD_HLEN;
	if (boot->cookie != bpf_htonl(DHCP_COOKIE))
		return VERDICT_NO_COOKIE;
	return VERDICTS;
}
