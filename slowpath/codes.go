package slowpath

// DHCP message types (RFC 2132 section 9.6).
const (
	typeNone     = 0
	typeDiscover = 1
	typeOffer    = 2
	typeRequest  = 3
	typeDecline  = 4
	typeAck      = 5
	typeNak      = 6
	typeRelease  = 7
	typeInform   = 8
)

// Options with a meaning of their own here (IANA, BOOTP vendor extensions).
const (
	optPad             = 0
	optSubnetMask      = 1
	optRouters         = 3
	optNameServers     = 6
	optHostName        = 12
	optDomainName      = 15
	optRequested       = 50
	optLeaseTime       = 51
	optOverload        = 52
	optMessageType     = 53
	optServerID        = 54
	optParameters      = 55
	optMaxMessage      = 57
	optRenewal         = 58
	optRebinding       = 59
	optVendorClass     = 60
	optClientID        = 61
	optFQDN            = 81
	optAgent           = 82
	optSubnetSelection = 118
	optVendorIDClass   = 124
	optVendorIDInfo    = 125
	optEnd             = 255
)

// Sub-options of the relay agent information option.
const (
	agentRemoteID       = 2  // RFC 3046
	agentLinkSelection  = 5  // RFC 3527
	agentServerOverride = 11 // RFC 5107
	agentRelayID        = 12 // RFC 6925
	agentRelayPort      = 19 // RFC 8357
)

// Fixed fields of a message (RFC 2131 section 2), as offsets.
const (
	offOp      = 0
	offHType   = 1
	offHLen    = 2
	offHops    = 3
	offXID     = 4
	offSecs    = 8
	offFlags   = 10
	offCiaddr  = 12
	offYiaddr  = 16
	offSiaddr  = 20
	offGiaddr  = 24
	offChaddr  = 28
	offSname   = 44
	offFile    = 108
	offCookie  = 236
	offOptions = 240

	chaddrLen = 16
	snameLen  = 64
	fileLen   = 128
)

const (
	bootRequest = 1
	bootReply   = 2

	cookie        = 0x63825363 // RFC 1497
	flagBroadcast = 0x8000

	htypeEthernet   = 1
	htypeInfiniBand = 32 // RFC 4390

	portServer = 67
	portClient = 68
)
