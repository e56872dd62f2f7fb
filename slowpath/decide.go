package slowpath

import "needletail/internal/frame"

// clientState is what a DHCPREQUEST means (RFC 2131 section 4.3.2, table 4).
type clientState uint8

const (
	selecting clientState = iota
	initReboot
	renewing
	rebinding
	unstated // neither server identifier nor any address: Kea lets the server choose
)

// requestState tells the four states apart by what section 4.3.2 says the
// client fills in. broadcast is the destination of the query.
func requestState(serverID, requested, ciaddr frame.IP, broadcast bool) clientState {
	switch {
	case serverID != anyAddress:
		return selecting
	case requested != anyAddress:
		return initReboot
	case ciaddr == anyAddress:
		return unstated
	case broadcast:
		return rebinding
	}
	return renewing
}

// standing is what the server finds about the address a client asks for.
type standing uint8

const (
	notAsked     standing = iota
	outsidePools          // in no pool of the client's network
	forbidden             // in a pool its classes may not use
	taken                 // another client has it, or it was declined
	free                  // or the client's own
)

// facts are all that decides on a DHCPREQUEST.
type facts struct {
	state         clientState
	subnet        bool // one was found
	authoritative bool
	known         bool // the client has a lease in the network
	same          bool // and it is of the address asked for
	wanted        standing
}

// answer is what to send, or why nothing.
type answer struct {
	reply   uint8 // typeOffer, typeAck, typeNak; 0: silence
	silence Silence
}

func say(reply uint8) answer   { return answer{reply: reply} }
func quiet(why Silence) answer { return answer{silence: why} }
func (a answer) spoken() bool  { return a.reply != 0 }

// decideRequest is RFC 2131 section 4.3.2 as Kea reads it (dhcp4_srv.cc,
// assignLease; alloc_engine.cc, requestLease4).
func decideRequest(f facts) answer {
	if !f.subnet {
		return decideNowhere(f)
	}
	if f.state == initReboot {
		switch {
		case !f.known && !f.authoritative:
			// "If the DHCP server has no record of this client, then it MUST
			// remain silent" - unless it alone is in charge of the network.
			return quiet(SilenceUnknownClient)
		case !f.known, !f.same:
			// "Server SHOULD send a DHCPNAK message to the client if the
			// 'requested IP address' is incorrect".
			return say(typeNak)
		}
	}
	switch f.wanted {
	case outsidePools:
		return quiet(SilenceUnknownAddress)
	case forbidden, taken:
		return say(typeNak)
	}
	return say(typeAck)
}

// decideNowhere is for clients whose network is not configured here.
func decideNowhere(f facts) answer {
	switch {
	case f.state == rebinding:
		// Another server of the link may know the client.
		return quiet(SilenceNoSubnet)
	case f.state == initReboot && !f.authoritative:
		return quiet(SilenceNoSubnet)
	}
	return say(typeNak)
}
