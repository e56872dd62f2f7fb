package slowpath

import (
	"testing"

	"needletail/internal/frame"
)

// RFC 2131 section 4.3.2 tells the states of a client by what it fills in.
func TestRequestState(t *testing.T) {
	set, none := frame.IP{192, 0, 2, 1}, frame.IP{}
	check := func(clause string, got, want clientState) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %d, want %d", clause, got, want)
		}
	}
	check("SELECTING: 'server identifier' filled in, 'ciaddr' zero, 'requested IP address' filled in",
		requestState(set, set, none, true), selecting)
	check("INIT-REBOOT: 'server identifier' MUST NOT be filled in, 'requested IP address' MUST be filled in",
		requestState(none, set, none, true), initReboot)
	check("RENEWING: neither filled in, 'ciaddr' filled in; this message will be unicast",
		requestState(none, none, set, false), renewing)
	check("REBINDING: the same, broadcast",
		requestState(none, none, set, true), rebinding)
	check("no address at all", requestState(none, none, none, true), unstated)
}

func TestDecideRequest(t *testing.T) {
	here := facts{subnet: true, wanted: free}
	with := func(change func(*facts)) facts {
		f := here
		change(&f)
		return f
	}
	check := func(what string, f facts, want answer) {
		t.Helper()
		if got := decideRequest(f); got != want {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	check("SELECTING a free address", here, say(typeAck))
	check("SELECTING an address someone else has", with(func(f *facts) { f.wanted = taken }), say(typeNak))
	check("an address its classes may not use", with(func(f *facts) { f.wanted = forbidden }), say(typeNak))
	check("an address of no pool: not ours to judge", with(func(f *facts) { f.wanted = outsidePools }), quiet(SilenceUnknownAddress))
	check("no wish", with(func(f *facts) { f.state, f.wanted = unstated, notAsked }), say(typeAck))

	reboot := func(f *facts) { f.state = initReboot }
	check("INIT-REBOOT: 'no record of this client, then it MUST remain silent'",
		with(reboot), quiet(SilenceUnknownClient))
	check("INIT-REBOOT: no record, but in charge of the network",
		with(func(f *facts) { reboot(f); f.authoritative = true }), say(typeNak))
	check("INIT-REBOOT: 'DHCPNAK if the requested IP address is incorrect'",
		with(func(f *facts) { reboot(f); f.known = true }), say(typeNak))
	check("INIT-REBOOT: correct", with(func(f *facts) { reboot(f); f.known, f.same = true, true }), say(typeAck))

	nowhere := func(s clientState) facts { return facts{state: s} }
	check("nowhere, SELECTING us", nowhere(selecting), say(typeNak))
	check("nowhere, RENEWING with us", nowhere(renewing), say(typeNak))
	check("nowhere, REBINDING: another server may know it", nowhere(rebinding), quiet(SilenceNoSubnet))
	check("nowhere, INIT-REBOOT", nowhere(initReboot), quiet(SilenceNoSubnet))
	check("nowhere, INIT-REBOOT, authoritative", facts{state: initReboot, authoritative: true}, say(typeNak))
}
