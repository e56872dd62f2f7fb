/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one contract between the XDP program and user space: every key, value
 * and metadata layout that crosses the boundary. The Go types are generated
 * from it. Fields are ordered so that nothing needs packing.
 */
#pragma once

#include <linux/types.h>

#define RELATIONSHIPS_MAX 64      /* HA relationships of one server */
#define SUBNETS_MAX       65536   /* prefixes and interfaces that decide a relationship */
#define ADDRESSES_MAX     4096    /* IPv4 addresses that one interface serves */
#define CLIENTS_MAX       65536   /* clients remembered while a partner is silent; the oldest go first */
#define QUEUES_MAX        256     /* receive queues of one interface */
#define OPTIONS_MAX       64      /* options and pads of one message; a longer list is passed */
#define SUBOPTIONS_MAX    16      /* of the relay agent information option */
#define RING_FRAME_MAX    1536    /* bytes of a frame that surely fits an AF_XDP buffer; a longer one is passed */
#define EVENTS_BYTES      4096    /* ring of events, a page: a crossing is rare */

/* Marks metadata that this program or its user space wrote. */
enum magic {
	MAGIC_HINT = 0x6e746c31,     /* "ntl1" */
	MAGIC_OUTGOING = 0x6e746c6f, /* "ntlo" */
};

/*
 * Why a frame left the program. The value is the key of the counter map. The
 * order matters: frames up to VERDICT_PASSED_LAST are left to the kernel as
 * they came, those after it are served queries and drops.
 */
enum verdict {
	VERDICT_NOT_DHCP,          /* not IPv4, not UDP, or not to port 67 */
	VERDICT_TRUNCATED,         /* the frame ends before its headers say */
	VERDICT_ODD_HEADER,        /* IP version or length, more than two tags, lengths that disagree */
	VERDICT_FRAGMENT,          /* an IP fragment */
	VERDICT_OTHER_VLAN,        /* of a VLAN that an interface of its own serves */
	VERDICT_NOT_LOCAL,         /* to an address that is neither broadcast nor ours: routed or bridged traffic */
	VERDICT_NOT_REQUEST,       /* op is not BOOTREQUEST */
	VERDICT_ODD_HLEN,          /* hardware address longer than chaddr */
	VERDICT_NO_COOKIE,         /* BOOTP, or not DHCP at all */
	VERDICT_OPTION_OVERRUN,    /* an option reaches past the end of the message */
	VERDICT_NO_END,            /* the message ends without the end option */
	VERDICT_TOO_MANY_OPTIONS,  /* more than OPTIONS_MAX */
	VERDICT_REPEATED_OPTION,   /* one that is read, twice: RFC 3396 fragments */
	VERDICT_OVERLOAD,          /* options continue in file or sname */
	VERDICT_NO_TYPE,           /* no message type */
	VERDICT_ODD_LENGTH,        /* an option of a length it cannot have */
	VERDICT_OTHER_TYPE,        /* not a type that HA looks at: in scope of every server, for user space */
	VERDICT_ODD_RELAY_INFO,    /* relay agent information that cannot be read */
	VERDICT_UNDECIDED,         /* several relationships and none for certain */
	VERDICT_NO_SCOPE,          /* the relationship has no scope yet */
	VERDICT_NO_IDENTIFIER,     /* neither client identifier nor hardware address */
	VERDICT_ODD_CLIENT_ID,     /* to be counted, but user space takes no identifier below two bytes */
	VERDICT_SERVED_PASS,       /* ours, and no AF_XDP socket on this queue, or too long for it */
	VERDICT_PASSED_LAST = VERDICT_SERVED_PASS,
	VERDICT_SERVED_RING,       /* ours, redirected to the AF_XDP socket of its queue */
	VERDICT_DISABLED,          /* dropped: the DHCP service is off */
	VERDICT_OUT_OF_SCOPE,      /* dropped: another server answers this client */
	VERDICT_UNACKED,           /* dropped as out of scope, and counted for its silent server */
	VERDICTS,                  /* how many; as the answer of a stage: none yet, go on */
};

/* How a relationship finds the owner of a client. */
enum mode {
	MODE_NONE,   /* no HA: every query is served */
	MODE_HASHED, /* load-balancing: RFC 3074 */
	MODE_WHOLE,  /* hot-standby, passive-backup: all clients or none */
};

/* The scope of one relationship. It is never changed, only replaced whole. */
struct scope {
	__u64 serve[4];      /* bit b%64 of word b/64: bucket b is answered here */
	__u32 epoch;         /* clients counted in another epoch are forgotten */
	__u32 ack_delay_ms;  /* a client is unacked when its secs exceed it, strictly */
	__u32 unacked_max;   /* more unacked clients than this wake user space */
	__u8  mode;          /* enum mode */
	__u8  enabled;       /* DHCP service */
	__u8  interrupted;   /* count the clients that are not served */
	__u8  _pad;
};
_Static_assert(sizeof(struct scope) == 48, "scope has no holes");

/* VLANs on an interface that have an interface of their own, which is served
 * too: their frames are its business. */
struct vlan_set {
	__u64 served[64];    /* bit v%64 of word v/64: VLAN v */
};

/* Key of the map that finds the relationship: an address (ifindex 0, the
 * longest prefix wins) or an interface (addr 0, prefix_len 64). */
struct subnet_key {
	__u32  prefix_len;   /* bits, those of ifindex included: 32 to 64 */
	__u32  ifindex;
	__be32 addr;
};

/* A client whose server is silent. */
struct client_key {
	__u64 client_id;     /* FNV-1a of option 61 */
	__u64 hw[2];         /* hlen bytes of chaddr, then zeros */
	__u8  hlen;
	__u8  client_id_len;
	__u8  relationship;
	__u8  _pad[5];
};
_Static_assert(sizeof(struct client_key) == 32, "client_key has no holes");

/* What is known of it. */
struct client {
	__u64  seen;         /* epoch << 1 | unacked */
	__be32 relay;        /* giaddr of its latest query that changed that; 0: none */
	__u32  _pad;
};
_Static_assert(sizeof(struct client) == 16, "client has no holes");

/* Clients of one epoch of one relationship; shared by all CPUs. */
struct census {
	__u32 connecting;    /* distinct clients */
	__u32 unacked;       /* of them, clients whose secs exceeded the delay */
};

/* Told to user space at once, not at its next poll. */
struct event {
	__u32 relationship;
	__u32 epoch;
	__u32 unacked;       /* clients, the first number above unacked_max */
	__u32 _pad;
};

/* In front of a redirected frame. Offsets count from the start of the frame.
 * User space may use it to skip work; it proves nothing. */
struct hint {
	__u32 magic;         /* MAGIC_HINT */
	__u16 message;       /* offset of op */
	__u16 message_len;   /* bytes, to the end of the UDP payload */
	__u16 client_id;     /* offset of the data of option 61 */
	__u8  client_id_len; /* 0: none */
	__u8  type;          /* option 53 */
	__u8  bucket;        /* RFC 3074 hash; 0 where the mode does not hash */
	__u8  relationship;
	__u8  _pad[2];
};
_Static_assert(sizeof(struct hint) == 16, "metadata is a multiple of four, at most 32 bytes");

/* Replies that leave as live frames. */
enum live {
	LIVE_REPLIES = 1024, /* of one queue that may wait; a power of two */
	LIVE_LEN = 64,       /* bytes of a frame before it takes its reply's */
};

/* In front of a frame that user space made, to leave as a reply. */
struct outgoing {
	__u32 magic;         /* MAGIC_OUTGOING */
	__u32 queue;         /* whose ring */
};

/* A reply with its headers. */
struct reply {
	__u32 len;           /* bytes, LIVE_LEN or more */
	__u8  frame[2044];
};
_Static_assert(sizeof(struct reply) == 2048, "two replies to a page");

/* Replies of one queue: user space moves the tail, then asks for runs, which
 * move the head. Both count without end. */
struct reply_ring {
	__u32 head;
	__u32 tail;
	__u32 _pad[14];
};
_Static_assert(sizeof(struct reply_ring) == 64, "a cache line to a queue");
