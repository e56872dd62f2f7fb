package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Register adds dhcp-disable and dhcp-enable.
func (n *NetworkState) Register(r *Registry) {
	r.Register("dhcp-disable", n.disableCommand)
	r.Register("dhcp-enable", n.enableCommand)
}

func (n *NetworkState) disableCommand(_ context.Context, args json.RawMessage) Response {
	o, err := ParseOrigin(args)
	if err != nil {
		return Errorf("%v", err)
	}
	period, err := ParsePeriod(args)
	if err != nil {
		return Errorf("%v", err)
	}
	n.Disable(o, period)
	return Response{Text: DisabledText(period)}
}

// DisabledText tells for how long dhcp-disable took effect; 0 is for good.
func DisabledText(period time.Duration) string {
	if period == 0 {
		return "DHCPv4 service disabled"
	}
	return fmt.Sprintf("DHCPv4 service disabled for %d seconds", period/time.Second)
}

// ParsePeriod reads max-period of dhcp-disable, 0 if it is absent.
func ParsePeriod(args json.RawMessage) (time.Duration, error) {
	var a struct {
		MaxPeriod json.RawMessage `json:"max-period"`
	}
	if err := unmarshalMap(args, &a); err != nil || a.MaxPeriod == nil {
		return 0, err
	}
	var s int64
	if json.Unmarshal(a.MaxPeriod, &s) != nil {
		return 0, errors.New("'max-period' argument must be a number")
	}
	if s <= 0 || s > periodMax {
		return 0, fmt.Errorf("'max-period' must be positive integer, at most %d", periodMax)
	}
	return time.Duration(s) * time.Second, nil
}

const periodMax = 1 << 31 // s; a time.Duration holds it

func (n *NetworkState) enableCommand(_ context.Context, args json.RawMessage) Response {
	o, err := ParseOrigin(args)
	if err != nil {
		return Errorf("%v", err)
	}
	n.Enable(o)
	return Response{Text: "DHCP service successfully enabled"}
}

// ParseOrigin reads whose disabling a command is about: origin-id wins; else
// origin, a name of Kea 2.2 or, since 2.5, a number; neither means the user.
func ParseOrigin(args json.RawMessage) (Origin, error) {
	var a struct {
		ID   *json.RawMessage `json:"origin-id"`
		Name *json.RawMessage `json:"origin"`
	}
	if err := unmarshalMap(args, &a); err != nil {
		return 0, err
	}
	var id uint32
	switch {
	case a.ID != nil:
		if json.Unmarshal(*a.ID, &id) != nil || id == 0 {
			return 0, fmt.Errorf("'origin-id' argument must be a positive number")
		}
		return Origin(id), nil
	case a.Name == nil:
		return OriginUser, nil
	case json.Unmarshal(*a.Name, &id) == nil && id > 0:
		return Origin(id), nil
	}
	var name string
	if json.Unmarshal(*a.Name, &name) != nil {
		return 0, fmt.Errorf("'origin' argument must be a string or a positive number")
	}
	switch name {
	case "user":
		return OriginUser, nil
	case "ha-partner":
		return OriginHARemote, nil
	}
	return 0, fmt.Errorf("invalid value used for 'origin' parameter: %s", name)
}

// unmarshalMap reads arguments, which may be absent but else are a map.
func unmarshalMap(args json.RawMessage, into any) error {
	if args == nil {
		return nil
	}
	if err := json.Unmarshal(args, into); err != nil || len(args) == 0 || args[0] != '{' {
		return fmt.Errorf("arguments for the command must be a map")
	}
	return nil
}

// State reports the switch as status-get shows it (Kea since 2.7.1).
func (n *NetworkState) State() any {
	s := struct {
		Off    bool     `json:"globally-disabled"`
		User   bool     `json:"disabled-by-user"`
		Local  []Origin `json:"disabled-by-local-command"`
		Remote []Origin `json:"disabled-by-remote-command"`
		DB     []Origin `json:"disabled-by-db-connection"`
	}{Local: []Origin{}, Remote: []Origin{}, DB: []Origin{}}
	for _, o := range n.Disabled() {
		s.Off = true
		switch {
		case o >= OriginDB:
			s.DB = append(s.DB, o)
		case o >= OriginHARemote:
			s.Remote = append(s.Remote, o)
		case o >= OriginHALocal:
			s.Local = append(s.Local, o)
		default:
			s.User = true
		}
	}
	return s
}
