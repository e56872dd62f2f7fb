package leases

import "fmt"

// stateNames are Kea's words for the states (Lease::basicStatesToText), as
// lease4-get-by-state and log lines use them.
var stateNames = map[State]string{
	Active: "default", Declined: "declined", Reclaimed: "expired-reclaimed", Released: "released",
	Free: "free", Offered: "offered",
}

// String returns Kea's word for the state.
func (s State) String() string {
	if n, ok := stateNames[s]; ok {
		return n
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// ParseState reads Kea's word for a state that can be stored; "assigned" is
// another word for "default".
func ParseState(name string) (State, error) {
	if name == "assigned" {
		return Active, nil
	}
	for s := Active; s <= Released; s++ {
		if stateNames[s] == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("lease state %q: want default, declined, expired-reclaimed or released", name)
}

// stored tells whether a lease in this state has a record on disk.
func (s State) stored() bool { return s <= Released }
