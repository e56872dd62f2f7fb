package slowpath

// appendExtended appends the user context that keeps the relay agent
// information with a lease, the keys in the order Kea prints them
// (store-extended-info; Kea: alloc_engine.cc, updateLease4ExtendedInfo).
func appendExtended(dst []byte, option []byte, a *agentInfo) []byte {
	dst = append(dst, `{"ISC":{"relay-agent-info":{`...)
	if len(a.relayID) > 0 {
		dst = append(appendHex(append(dst, `"relay-id":"`...), a.relayID), `",`...)
	}
	if len(a.remoteID) > 0 {
		dst = append(appendHex(append(dst, `"remote-id":"`...), a.remoteID), `",`...)
	}
	dst = append(appendHex(append(dst, `"sub-options":"0x`...), option), '"')
	return append(dst, `}}}`...)
}

func appendHex(dst, data []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, b := range data {
		dst = append(dst, digits[b>>4], digits[b&15])
	}
	return dst
}
