/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The maps. User space writes all but counters, clients, analyzed, events. */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

/* Types that no map names, kept in the object's type information for Go. */
const struct event *event_type __attribute__((unused));
const struct hint *hint_type __attribute__((unused));
const struct outgoing *outgoing_type __attribute__((unused));
const enum mode *mode_type __attribute__((unused));
const enum magic *magic_type __attribute__((unused));
const enum live *live_type __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VERDICTS);
	__type(key, enum verdict);
	__type(value, __u64);
} counters SEC(".maps");

/* 0: nothing is judged; 1: scope 0 for all; more: the subnets decide. */
volatile __u32 relationships SEC(".data.shared");

/* The options that the decision needs, or whose length it checks. */
enum slot {
	SLOT_NONE,
	SLOT_TYPE,      /* 53 */
	SLOT_CLIENT_ID, /* 61 */
	SLOT_RELAY,     /* 82 */
	SLOT_SUBNET,    /* 118 */
	SLOT_OVERLOAD,  /* 52 */
	SLOT_ADDRESS,   /* 50 */
	SLOT_LEASE,     /* 51 */
	SLOT_SERVER,    /* 54 */
	SLOT_SIZE,      /* 57 */
	SLOTS_USED,
	SLOTS = 16,     /* a power of two, so that a mask bounds the index */
};

/* The data of an option. */
struct span {
	__u16 at;       /* offset; 0: not seen */
	__u16 len;      /* bytes */
};

/* What is known of the query in hand. It lies in a map because the verifier
 * follows the content of stack and registers, and would visit every
 * combination of options; of a map's content it assumes nothing. Offsets count
 * from the start of the frame. */
struct found {
	__u32  message, end;    /* end: of the UDP payload, exclusive */
	__u32  at, left;        /* of a loop: the next offset, the bytes still to go */
	__u32  type;            /* value of option 53 */
	__u32  broadcast;       /* 1: sent to everybody */
	/* From here on cleared for the next query. */
	__u32  relationship;
	__u32  bucket;          /* 0 where the mode does not hash */
	struct span options[SLOTS];
} __attribute__((aligned(8)));

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct found);
} scratch SEC(".maps");

/* One scope in a map of its own. An array element is copied word by word, and
 * a packet could see half of it; the pointer in `scopes` is exchanged whole. */
struct scope_box {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scope);
} scope_box SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, RELATIONSHIPS_MAX);
	__type(key, __u32);
	__array(values, struct scope_box);
} scopes SEC(".maps");

/* The subnets, exchanged whole for the same reason. */
struct subnet_box {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, SUBNETS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct subnet_key);
	__type(value, __u32); /* relationship */
} subnet_box SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct subnet_box);
} subnets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLIENTS_MAX);
	__type(key, struct client_key);
	__type(value, struct client);
} clients SEC(".maps");

/* Counts of relationship r in epoch e are at r * 2 + e % 2. User space clears
 * the other half before an epoch begins, when no packet can still write it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RELATIONSHIPS_MAX * 2);
	__type(key, __u32);
	__type(value, struct census);
} client_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RELATIONSHIPS_MAX * 2);
	__type(key, __u32);
	__type(value, __u64); /* packets */
} analyzed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_BYTES); /* of struct event */
} events SEC(".maps");

/* One per interface: what it serves differs. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ADDRESSES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __be32);
	__type(value, __u8);
} addresses SEC(".maps");

/* One per interface. Each bit is looked at alone, so one that is changed under
 * a packet is as good before as after. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vlan_set);
} vlans SEC(".maps");

/* One per interface: a socket takes frames of its own queue only. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* One of each per interface, as long as user space makes them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* LIVE_REPLIES for each queue */
	__type(key, __u32);
	__type(value, struct reply);
} replies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* one for each queue */
	__type(key, __u32);
	__type(value, struct reply_ring);
} reply_rings SEC(".maps");

/* The interface itself: a map finds it from any network namespace, which an
 * index does not. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} exits SEC(".maps");
