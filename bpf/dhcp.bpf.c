//go:build ignore

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Whose query is this? Asked in the driver, before the kernel allocates
 * anything: parse, find the relationship, decide, leave.
 *
 * The program drops only what user space would drop. Whatever it does not
 * understand it passes as it came, under a verdict of its own. Nothing here
 * depends on time, so no clock is read; what will, when the kernel answers too,
 * is to get the time as an argument of judge().
 */
#include "clients.h"
#include "replies.h"

#define DISCOVER 1
#define REQUEST  3
#define DECLINE  4
#define RELEASE  7
#define INFORM   8

char _license[] SEC("license") = "Dual BSD/GPL";

/* judged tells whether HA looks at a message type. Every other type is in
 * scope of every server. */
static __always_inline int judged(__u32 type)
{
	return type == DISCOVER || type == REQUEST || type == DECLINE || type == RELEASE || type == INFORM;
}

/* by_subnet finds the relationship by the longest prefix. */
static __always_inline enum verdict by_subnet(const struct query *q, struct subnet_key *key)
{
	__u32 first = 0, *found;
	void *box = bpf_map_lookup_elem(&subnets, &first);

	if (!box)
		return VERDICT_UNDECIDED;
	found = bpf_map_lookup_elem(box, key);
	if (!found)
		return VERDICT_UNDECIDED;
	q->found->relationship = *found;
	return VERDICTS;
}

/* find chooses the relationship as user space chooses the subnet (Kea:
 * cfg_subnets4.cc, selectSubnet): by giaddr; else, of a unicast query, by
 * ciaddr; else by interface. A subnet that the relay or the client names by
 * option, or a source address alone, is for user space. */
static __always_inline enum verdict find(const struct query *q, const struct bootp *boot, __u32 ifindex)
{
	struct subnet_key key = { .prefix_len = 64 };
	__u32 n = relationships;
	enum verdict v;

	if (n == 1)
		return VERDICTS;
	if (!n)
		return VERDICT_NO_SCOPE;
	if (q->found->options[SLOT_SUBNET].at)
		return VERDICT_UNDECIDED;
	v = q->found->options[SLOT_RELAY].at ? link_selected(q) : VERDICTS;
	if (v != VERDICTS)
		return v;
	key.addr = boot->giaddr;
	if (!key.addr && q->found->broadcast)
		key.ifindex = ifindex;
	else if (!key.addr)
		key.addr = boot->ciaddr;
	if (!key.addr && !key.ifindex)
		return VERDICT_UNDECIDED;
	return by_subnet(q, &key);
}

static __always_inline struct scope *scope_of(const struct query *q)
{
	__u32 first = 0, which = q->found->relationship;
	void *box = bpf_map_lookup_elem(&scopes, &which);

	return box ? bpf_map_lookup_elem(box, &first) : NULL;
}

/* served tells whether this server answers the client. VERDICTS: it does. */
static __always_inline enum verdict served(const struct query *q, const struct scope *s, const struct bootp *boot)
{
	__u32 key = q->found->options[SLOT_CLIENT_ID].at, len = q->found->options[SLOT_CLIENT_ID].len;

	if (s->mode == MODE_HASHED) {
		if (!len) {
			key = q->found->message + offsetof(struct bootp, chaddr);
			len = boot->hlen;
		}
		if (!len)
			return VERDICT_NO_IDENTIFIER;
		q->found->bucket = hash(q, key, len);
	}
	if (s->serve[q->found->bucket >> 6 & 3] >> (q->found->bucket & 63) & 1)
		return VERDICTS;
	return VERDICT_OUT_OF_SCOPE;
}

/* decide applies the scope. */
static __always_inline enum verdict decide(const struct query *q, const struct bootp *boot)
{
	const struct scope *s = scope_of(q);
	enum verdict v;

	if (!s)
		return VERDICT_NO_SCOPE;
	if (!s->enabled)
		return VERDICT_DISABLED;
	if (!judged(q->found->type))
		return VERDICT_OTHER_TYPE;
	if (s->mode == MODE_NONE)
		return VERDICTS;
	v = served(q, s, boot);
	if (v != VERDICT_OUT_OF_SCOPE || !s->interrupted)
		return v;
	if (q->found->options[SLOT_CLIENT_ID].at && q->found->options[SLOT_CLIENT_ID].len < CLIENT_ID_MIN)
		return VERDICT_ODD_CLIENT_ID;
	analyze(q, s, boot);
	return VERDICT_UNACKED;
}

/* judge gives the verdict on a frame; VERDICTS: a query to be served. */
static __always_inline enum verdict judge(struct query *q, struct xdp_md *ctx)
{
	struct bootp *boot;
	enum verdict v = parse(q);

	if (v != VERDICTS)
		return v;
	look(q, ctx);
	v = read_options(q);
	if (v != VERDICTS)
		return v;
	boot = message(q);
	if (!boot)
		return VERDICT_TRUNCATED;
	v = find(q, boot, ctx->ingress_ifindex);
	if (v != VERDICTS)
		return v;
	return decide(q, boot);
}

/* describe puts the hint in front of the frame, where the driver has room. */
static __always_inline void describe(struct xdp_md *ctx, const struct query *q)
{
	struct hint *h;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*h)))
		return;
	h = (void *)(long)ctx->data_meta;
	if ((void *)(h + 1) > (void *)(long)ctx->data)
		return;
	*h = (struct hint){
		.magic = MAGIC_HINT,
		.message = q->found->message,
		.message_len = q->found->end - q->found->message,
		.client_id = q->found->options[SLOT_CLIENT_ID].at,
		.client_id_len = q->found->options[SLOT_CLIENT_ID].len,
		.type = q->found->type,
		.bucket = q->found->bucket,
		.relationship = q->found->relationship,
	};
}

static __always_inline int leave(int action, enum verdict v)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &v);

	if (n)
		++*n;
	return action;
}

/* serve hands a query to the socket of its queue, or to the kernel where
 * nobody listens. */
static __always_inline int serve(struct xdp_md *ctx, const struct query *q)
{
	__u32 queue = ctx->rx_queue_index;
	int action;

	if (q->data_end - q->data > RING_FRAME_MAX || !bpf_map_lookup_elem(&sockets, &queue))
		return leave(XDP_PASS, VERDICT_SERVED_PASS);
	describe(ctx, q);
	action = bpf_redirect_map(&sockets, queue, XDP_PASS);
	return leave(action, action == XDP_REDIRECT ? VERDICT_SERVED_RING : VERDICT_SERVED_PASS);
}

SEC("xdp")
int dhcp(struct xdp_md *ctx)
{
	__u32 first = 0;
	struct query q = { .found = bpf_map_lookup_elem(&scratch, &first) };
	const struct outgoing *o = outgoing(ctx);
	enum verdict v;

	if (o)
		return send(ctx, o);
	if (!q.found)
		return leave(XDP_PASS, VERDICT_NO_SCOPE);
	look(&q, ctx);
	clear(q.found);
	v = judge(&q, ctx);
	asm volatile("" : "+r"(v)); /* else the compiler makes every exit a way of its own */
	if (v == VERDICTS)
		return serve(ctx, &q);
	return leave(v > VERDICT_PASSED_LAST ? XDP_DROP : XDP_PASS, v);
}
