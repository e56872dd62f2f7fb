package slowpath

import "needletail/internal/frame"

// agentInfo is what the relay agent information option (RFC 3046) asks of a
// server. The option itself is echoed byte for byte and never rebuilt.
type agentInfo struct {
	link     frame.IP // RFC 3527 link selection, zero if absent
	override frame.IP // RFC 5107 server identifier override, zero if absent
	port     bool     // RFC 8357: reply to the port the query came from
	remoteID []byte
	relayID  []byte
}

// parseAgent reads the sub-options it knows. One that leaves the option ends
// the reading: what came before still counts, and the echo is exact anyway.
func parseAgent(v []byte) (a agentInfo) {
	for len(v) >= 2 && len(v) >= 2+int(v[1]) {
		code, data := v[0], v[2:2+int(v[1])]
		v = v[2+len(data):]
		switch {
		case code == agentLinkSelection && len(data) == 4:
			a.link = frame.IP(data)
		case code == agentServerOverride && len(data) == 4:
			a.override = frame.IP(data)
		case code == agentRelayPort:
			a.port = true
		case code == agentRemoteID:
			a.remoteID = data
		case code == agentRelayID:
			a.relayID = data
		}
	}
	return a
}
