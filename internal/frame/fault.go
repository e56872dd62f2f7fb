package frame

// Fault says why a frame is not a DHCP query. Every way out of Parse has one,
// which is what ports count.
type Fault uint8

// Faults.
const (
	Whole             Fault = iota // no fault: a query
	FaultTruncated                 // ends before a header or length field says
	FaultTooManyTags               // more than two VLAN tags
	FaultNotIPv4                   // another ethertype, or a version other than 4
	FaultHeaderLength              // an IPv4 header or UDP length that cannot be
	FaultIPChecksum                // IPv4 header checksum
	FaultFragment                  // any fragment; DHCP clients do not send them
	FaultNotUDP                    // another protocol
	FaultPort                      // not to the server port
	FaultUDPChecksum               // UDP checksum
	FaultCount
)

var faultNames = [FaultCount]string{
	Whole:             "whole",
	FaultTruncated:    "truncated",
	FaultTooManyTags:  "too-many-tags",
	FaultNotIPv4:      "not-ipv4",
	FaultHeaderLength: "header-length",
	FaultIPChecksum:   "ip-checksum",
	FaultFragment:     "fragment",
	FaultNotUDP:       "not-udp",
	FaultPort:         "other-port",
	FaultUDPChecksum:  "udp-checksum",
}

// String returns the name metrics show.
func (f Fault) String() string {
	if f >= FaultCount {
		return "invalid"
	}
	return faultNames[f]
}
