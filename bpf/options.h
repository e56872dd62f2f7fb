/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One walk over the options (RFC 2132), and one over the relay agent's
 * (RFC 3046) where several relationships make it matter.
 *
 * The offset of the next option is masked at the head of every round, so the
 * verifier meets the same state there. Without, every option's length would
 * multiply the states. A plain loop is then verified as fast as a bpf_loop
 * callback, and saves the call. The relay agent's walk, which is rare, keeps its
 * offset in the map instead.
 */
#pragma once

#include "parse.h"

#define OPTION_PAD           0
#define OPTION_END           255
#define RELAY_LINK_SELECTION 5

#define CLIENT_ID_MIN        2 /* RFC 2132 section 9.14 */

/* What is to be done about an option code: keep its place in a slot, and insist
 * on a length (RFC 2132, RFC 3011) where it has one. User space refuses a message
 * with another length before it looks at scopes, so it must get it. Codes
 * without a slot are stepped over. */
#define OF_LENGTH(n) ((n) << 4)
static const __u8 kinds[256] = {
	[50] = SLOT_ADDRESS | OF_LENGTH(4),
	[51] = SLOT_LEASE | OF_LENGTH(4),
	[52] = SLOT_OVERLOAD,
	[53] = SLOT_TYPE | OF_LENGTH(1),
	[54] = SLOT_SERVER | OF_LENGTH(4),
	[57] = SLOT_SIZE | OF_LENGTH(2),
	[61] = SLOT_CLIENT_ID,
	[82] = SLOT_RELAY,
	[118] = SLOT_SUBNET | OF_LENGTH(4),
};

/* byte_at returns the byte at an offset of the message, -1 past its end. */
static __always_inline int byte_at(const struct query *q, __u32 offset)
{
	__u8 *at = q->data + offset;

	if (offset >= again(&q->found->end) || (void *)(at + 1) > q->data_end)
		return -1;
	return *at;
}

/* note keeps the place of an option. VERDICTS: nothing is wrong with it. */
static __always_inline enum verdict note(struct found *f, __u32 kind, __u32 at, __u32 len)
{
	struct span *s = &f->options[kind & (SLOTS - 1)];

	if (kind >> 4 && kind >> 4 != len)
		return VERDICT_ODD_LENGTH;
	if (s->at)
		return VERDICT_REPEATED_OPTION;
	s->at = at;
	s->len = len;
	return VERDICTS;
}

/* last_byte is the walk at an option of which the frame holds one byte at most. */
static __always_inline enum verdict last_byte(const struct query *q, __u64 at)
{
	int code = byte_at(q, at);

	if (code == OPTION_END)
		return VERDICTS;
	return code > OPTION_PAD ? VERDICT_OPTION_OVERRUN : VERDICT_NO_END;
}

/* walk_options ends at the end option, or with the verdict that says why the
 * options are not ours to read. Bytes after the message it may look at, for they
 * are in the frame, but goes by none of them. */
static __always_inline enum verdict walk_options(const struct query *q)
{
	struct found *f = q->found;
	__u64 at = f->message + sizeof(struct bootp), end = f->end, next;
	const __u8 *option;
	enum verdict v;

	for (int i = 0; i < OPTIONS_MAX; i++) {
		at = bounded(at);
		option = q->data + at;
		if ((void *)(option + 2) > q->data_end)
			return last_byte(q, at);
		if (option[0] == OPTION_END)
			return at < end ? VERDICTS : VERDICT_NO_END;
		if (option[0] == OPTION_PAD) {
			if (++at >= end)
				return VERDICT_NO_END;
			continue;
		}
		next = at + 2 + option[1];
		if (next > end)
			return at < end ? VERDICT_OPTION_OVERRUN : VERDICT_NO_END;
		v = kinds[option[0]] ? note(f, kinds[option[0]], at + 2, option[1]) : VERDICTS;
		if (v != VERDICTS)
			return v;
		at = next;
	}
	return VERDICT_TOO_MANY_OPTIONS;
}

/* read_options walks, and reads the message type. */
static __always_inline enum verdict read_options(const struct query *q)
{
	enum verdict v = walk_options(q);
	struct found *f = q->found;
	const __u8 *type;

	if (v != VERDICTS)
		return v;
	if (f->options[SLOT_OVERLOAD].at)
		return VERDICT_OVERLOAD;
	if (!f->options[SLOT_TYPE].at)
		return VERDICT_NO_TYPE;
	type = q->data + bounded(f->options[SLOT_TYPE].at);
	if ((void *)(type + 1) > q->data_end) /* cannot be: the walk has been there */
		return VERDICT_TRUNCATED;
	f->type = *type;
	return VERDICTS;
}

/* link_selected looks for the suboption by which a relay names the subnet
 * (RFC 3527). VERDICTS: there is none. */
static __always_inline enum verdict link_selected(const struct query *q)
{
	struct found *f = q->found;
	__u32 end = f->options[SLOT_RELAY].at + f->options[SLOT_RELAY].len, at;
	int code, len;

	f->at = f->options[SLOT_RELAY].at;
	for (int i = 0; i < SUBOPTIONS_MAX; i++) {
		at = recall(&f->at);
		if (at == end)
			return VERDICTS;
		code = byte_at(q, at);
		len = byte_at(q, at + 1);
		f->at = at + 2 + len;
		if (len < 0 || f->at > end)
			return VERDICT_ODD_RELAY_INFO;
		if (code == RELAY_LINK_SELECTION)
			return VERDICT_UNDECIDED;
	}
	return VERDICT_ODD_RELAY_INFO;
}
