package config

import (
	"encoding/json"
	"net/netip"
	"time"
)

// Dhcp4 is one checked configuration. Inheritance (pool, subnet, shared
// network, global) is resolved: whoever reads a Subnet never looks further up,
// options excepted, which keep their level because a client class can choose
// a pool (see Options). It holds values only and is never changed after Load.
type Dhcp4 struct {
	File     string
	Warnings []Problem // what Kea knows and we do not do yet

	Interfaces    Interfaces
	LeaseDatabase LeaseDatabase
	Sockets       []ControlSocket
	Expired       ExpiredLeases
	Loggers       []Logger
	SanityChecks  string // lease-checks: none, warn, fix, fix-del, del

	Networks   []*Network // shared networks, and one unnamed network for each subnet outside
	Subnets    []*Subnet  // all of them, sorted by ID
	Options    []Option   // global level
	OptionDefs []OptionDef

	DeclineProbation  time.Duration
	EchoClientID      bool
	Authoritative     bool // of the global level: for clients of no subnet
	ParkedPacketLimit int  // 0: no limit; Kea's default 256
	ParkedGiven       bool // parked-packet-limit is in the file
	ServerTag         string
	Threading         Threading
	HA                []*Relationship // in the order of the file
	Needletail        Needletail
	Raw               json.RawMessage // the whole document, comments and includes resolved, for config-get
}

// Threading is multi-threading: what Kea would do, for those who ask. How many
// workers there are here, CPUs and queues decide.
type Threading struct {
	Enabled   bool
	PoolSize  int // 0: as many threads as CPUs
	QueueSize int
}

// Interfaces is interfaces-config.
type Interfaces struct {
	Names         []InterfaceName // empty: none
	UDP           bool            // dhcp-socket-type udp; else raw
	ReDetect      bool
	RetryMax      int           // service-sockets-max-retries
	RetryWait     time.Duration // service-sockets-retry-wait-time
	RequireAll    bool          // service-sockets-require-all
	OutboundRoute bool          // outbound-interface use-routing
}

// InterfaceName is one entry of interfaces: "*", "eth0" or "eth0/192.0.2.1".
type InterfaceName struct {
	Name string // "*" is any
	Addr netip.Addr
	At   Position
}

// LeaseDatabase is lease-database.
type LeaseDatabase struct {
	Persist bool
	Name    string        // the memfile path; the store lies beside it
	LFC     time.Duration // lfc-interval, kept for config-get; the store needs no LFC
	At      Position      // of name, zero if the file has none
}

// ControlSocket is control-socket or an element of control-sockets.
type ControlSocket struct {
	Type    string // unix, http, https
	Name    string // path of a unix socket
	Addr    netip.AddrPort
	TLS     TLS
	Clients []Credential // basic authentication; empty: none asked
	Realm   string
	At      Position
}

// Credential is one user of basic authentication.
type Credential struct{ User, Password string }

// TLS is a set of certificate files; all three or none.
type TLS struct {
	TrustAnchor, CertFile, KeyFile string
	RequireClientCerts             bool
}

// ExpiredLeases is expired-leases-processing.
type ExpiredLeases struct {
	ReclaimTimerWait        time.Duration
	FlushReclaimedTimerWait time.Duration
	HoldReclaimed           time.Duration
	MaxReclaimLeases        int           // 0: no bound
	MaxReclaimTime          time.Duration // 0: no bound
	UnwarnedReclaimCycles   int
}

// Logger is one element of loggers.
type Logger struct {
	Name       string
	Severity   string // FATAL, ERROR, WARN, INFO, DEBUG, NONE
	DebugLevel int
	Outputs    []LogOutput
}

// LogOutput is one element of output_options.
type LogOutput struct {
	Output  string // stdout, stderr, syslog[:facility], or a path
	Pattern string
	MaxSize int64
	MaxVer  int
	Flush   bool
	At      Position
}

// Network is a shared network, or a subnet standing alone (Name empty).
type Network struct {
	Name          string
	Interface     string
	Relay         []netip.Addr
	ClientClasses []string
	Options       []Option
	Subnets       []*Subnet // in the order of the file
	UserContext   json.RawMessage
	At            Position
}

// Subnet is one subnet with everything inherited filled in.
type Subnet struct {
	ID            uint32
	Prefix        netip.Prefix
	Network       *Network
	Interface     string
	Relay         []netip.Addr
	ClientClasses []string
	Pools         []*Pool
	Options       []Option // own level only
	Lifetime      Lifetimes
	Boot          Boot
	Authoritative bool
	MatchClientID bool
	Cache         Cache
	StoreExtended bool // store-extended-info
	OfferLifetime time.Duration
	HAServerName  string // user-context ha-server-name, the shared network's if unset
	UserContext   json.RawMessage
	At            Position
}

// Pool is one pool.
type Pool struct {
	ID            uint32 // pool-id, 0 if unset
	First, Last   netip.Addr
	ClientClasses []string
	Options       []Option
	UserContext   json.RawMessage
	At            Position
}

// Lifetimes holds lease times as configured.
type Lifetimes struct {
	Min, Default, Max time.Duration
	Renew, Rebind     time.Duration // 0: unset
	CalculateTee      bool
	T1, T2            float64 // share of the lifetime, 0..1
}

// Boot is the fixed-field part: siaddr, sname, file.
type Boot struct {
	NextServer     netip.Addr
	ServerHostname string
	FileName       string
}

// Cache is the lease cache (cache-threshold, cache-max-age).
type Cache struct {
	Threshold float64       // share of the lifetime, 0: off
	MaxAge    time.Duration // 0: no bound; a written 0 is a Threshold of 0
}

// Option is one option-data entry, encoded.
type Option struct {
	Space      string // dhcp4, or vendor-4491, vendor-encapsulated-options-space, or a defined one
	Code       uint8
	Name       string
	Data       []byte // wire form, sub-options of encapsulated spaces included; may exceed 255 bytes (RFC 3396)
	AlwaysSend bool
	NeverSend  bool
	At         Position
}

// OptionDef is one option-def entry.
type OptionDef struct {
	Space, Name  string
	Code         uint8
	Type         string
	Array        bool
	RecordTypes  []string
	Encapsulates string
}

// Relationship is one element of high-availability (kea-ha: HA hook), with
// every default filled in.
type Relationship struct {
	Index                   int
	ThisServer              string
	Mode                    string // load-balancing, hot-standby, passive-backup
	Peers                   []*Peer
	HeartbeatDelay          time.Duration
	MaxResponseDelay        time.Duration
	MaxAckDelay             time.Duration
	MaxUnackedClients       uint32
	MaxRejectedLeaseUpdates uint32
	DelayedUpdatesLimit     uint32
	SendLeaseUpdates        bool
	SyncLeases              bool
	SyncTimeout             time.Duration
	SyncPageLimit           uint32
	WaitBackupAck           bool
	RestrictCommands        bool
	RequireClientCerts      bool
	MultiThreading          bool
	DedicatedListener       bool
	ClientThreads           int
	Pauses                  map[string]string // state name to always, never, once
	At                      Position
}

// Self returns this server's own entry.
func (r *Relationship) Self() *Peer { return r.peer(r.ThisServer) }

func (r *Relationship) peer(name string) *Peer {
	for _, p := range r.Peers {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Peer is one server of a relationship.
type Peer struct {
	Name         string
	URL          string
	Addr         netip.AddrPort // from URL; port 0 if absent there
	Role         string         // primary, secondary, standby, backup
	AutoFailover bool
	TLS          TLS // used whenever set, whatever the scheme says
	User         string
	Password     string
	At           Position
}

// Needletail is user-context.needletail of Dhcp4: our own settings.
type Needletail struct {
	Durability  string // sync (default), os, none
	FastPath    FastPath
	Split       map[string]int // peer name to weight; empty: halves as Kea deals them
	DeafPartner string         // off (default), warn, take-over
	Metrics     netip.AddrPort // zero: no metrics listener
	InFlightMax int            // queries waiting for a commit, per worker

	// HubLoadBalancing allows load-balancing in several relationships, which
	// Kea refuses.
	HubLoadBalancing bool
}

// FastPath is user-context.needletail.fast-path.
type FastPath struct {
	XDP    string // auto (default), native, generic, off
	AFXDP  string // on (default where XDP is on), off, zero-copy
	Send   string // ring (default), live
	Queues []int  // empty: all
	CPUs   []int  // empty: no pinning
}

// Position is a place in a configuration file. Line and column count from 1.
type Position struct {
	File         string
	Line, Column int
	Path         string // JSON path, for example /Dhcp4/subnet4/0/pools/1
}

// Problem is one thing wrong with (or unsupported in) a configuration.
type Problem struct {
	At   Position
	Text string
}
