package slowpath

// Outcome is what became of one query.
type Outcome struct {
	Reply   bool    // a reply lies in the buffer
	Pending bool    // changes were appended: a reply may leave only when they are durable and replicated
	Silence Silence // why there is no reply; Answered if there is one
	Type    uint8   // DHCP message type of the query, 0 if unknown
}

// Silence says why a query got no reply. Every path without one has a name,
// which is what metrics show.
type Silence uint8

// Silences.
const (
	Answered Silence = iota // there is a reply

	// Not a message we can read.
	SilenceTooShort
	SilenceNotRequest
	SilenceNoCookie
	SilenceBadHardware
	SilenceBadOptions
	SilenceBadOverload
	SilenceBadType
	SilenceBadOptionLength

	// Not a message for a DHCP server.
	SilenceBootp
	SilenceServerMessage
	SilenceUnknownType

	// High availability.
	SilenceServiceDisabled
	SilenceNotForUs
	SilenceNoIdentifier
	SilenceNoRelationship

	// Decided not to answer.
	SilenceNoSubnet
	SilenceNoServerIdentifier
	SilenceOtherServer
	SilenceNoIdentity
	SilenceNoAddress
	SilenceUnknownClient
	SilenceUnknownAddress
	SilenceTooLong
	SilenceBadRequest
	SilenceReleased
	SilenceReleaseMismatch
	SilenceDeclined
	SilenceDeclineMismatch
	SilenceInformNoAddress
	SilenceNoRoom

	// Given up by the workers and ports.
	SilenceOverload
	SilenceServerStopped
	SilenceNoBuffer
	SilenceCommitFailed
	SilenceReplicationRefused

	silenceCount
)

var silenceNames = [silenceCount]string{
	Answered:                  "answered",
	SilenceTooShort:           "malformed-too-short",
	SilenceNotRequest:         "malformed-not-bootrequest",
	SilenceNoCookie:           "malformed-no-cookie",
	SilenceBadHardware:        "malformed-hardware-address",
	SilenceBadOptions:         "malformed-options",
	SilenceBadOverload:        "malformed-overload",
	SilenceBadType:            "malformed-message-type",
	SilenceBadOptionLength:    "malformed-option-length",
	SilenceBootp:              "bootp",
	SilenceServerMessage:      "server-message",
	SilenceUnknownType:        "unknown-type",
	SilenceServiceDisabled:    "service-disabled",
	SilenceNotForUs:           "not-for-us",
	SilenceNoIdentifier:       "no-identifier",
	SilenceNoRelationship:     "no-relationship",
	SilenceNoSubnet:           "no-subnet",
	SilenceNoServerIdentifier: "no-server-identifier",
	SilenceOtherServer:        "other-server",
	SilenceNoIdentity:         "no-client-identity",
	SilenceNoAddress:          "no-address",
	SilenceUnknownClient:      "unknown-client",
	SilenceUnknownAddress:     "unknown-address",
	SilenceTooLong:            "lease-data-too-long",
	SilenceBadRequest:         "bad-request",
	SilenceReleased:           "released",
	SilenceReleaseMismatch:    "release-mismatch",
	SilenceDeclined:           "declined",
	SilenceDeclineMismatch:    "decline-mismatch",
	SilenceInformNoAddress:    "inform-without-address",
	SilenceNoRoom:             "no-room-for-reply",
	SilenceOverload:           "overload",
	SilenceServerStopped:      "server-stopped",
	SilenceNoBuffer:           "no-buffer",
	SilenceCommitFailed:       "commit-failed",
	SilenceReplicationRefused: "replication-refused",
}

// String returns the name metrics show.
func (s Silence) String() string {
	if s >= silenceCount {
		return "invalid"
	}
	return silenceNames[s]
}

// Malformed tells whether the query was no sound DHCP message.
func (s Silence) Malformed() bool { return s >= SilenceTooShort && s <= SilenceBadOptionLength }

// Silences lists every silence but Answered, in order.
func Silences() []Silence {
	all := make([]Silence, 0, silenceCount-1)
	for s := Answered + 1; s < silenceCount; s++ {
		all = append(all, s)
	}
	return all
}
