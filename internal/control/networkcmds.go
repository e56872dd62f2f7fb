package control

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Register adds dhcp-disable and dhcp-enable.
func (n *NetworkState) Register(r *Registry) {
	r.Register("dhcp-disable", n.disableCommand)
	r.Register("dhcp-enable", n.enableCommand)
}

func (n *NetworkState) disableCommand(_ context.Context, args *Arguments) Response {
	origin, period := args.Origin(), args.MaxPeriod()
	if err := args.Err(); err != nil {
		return Failed(err)
	}
	n.Disable(origin, period)
	return Response{Text: DisabledText(period)}
}

func (n *NetworkState) enableCommand(_ context.Context, args *Arguments) Response {
	origin := args.Origin()
	if err := args.Err(); err != nil {
		return Failed(err)
	}
	n.Enable(origin)
	return Response{Text: EnabledText}
}

// EnabledText tells that dhcp-enable took effect.
const EnabledText = "DHCP service successfully enabled"

// DisabledText tells for how long dhcp-disable took effect; 0 is for good.
func DisabledText(period time.Duration) string {
	if period == 0 {
		return "DHCPv4 service disabled"
	}
	return fmt.Sprintf("DHCPv4 service disabled for %d seconds", period/time.Second)
}

// MaxPeriod reads max-period, in seconds; 0 if it is absent.
func (a *Arguments) MaxPeriod() time.Duration {
	const most = 1 << 31 // a time.Duration holds it
	return time.Duration(a.IntOr("max-period", 1, most, 0)) * time.Second
}

// Origin reads whose disabling a command is about: origin-id wins; else
// origin, a name of Kea 2.2 or, since 2.5, a number; neither means the user.
func (a *Arguments) Origin() Origin {
	switch {
	case a.Has("origin-id"):
		return Origin(a.Int("origin-id", 1, math.MaxUint32))
	case a.IsString("origin"):
		return a.namedOrigin(a.String("origin"))
	}
	return Origin(a.IntOr("origin", 1, math.MaxUint32, int64(OriginUser)))
}

func (a *Arguments) namedOrigin(name string) Origin {
	switch name {
	case "user":
		return OriginUser
	case "ha-partner":
		return OriginHARemote
	}
	a.Fail("invalid value used for 'origin' parameter: %s", name)
	return 0
}

// State reports the switch as status-get shows it.
func (n *NetworkState) State() any { return ServiceState(n.Disabled()) }

// ServiceState is the member dhcp-state of status-get (Kea since 2.7.1): who
// disables the service.
func ServiceState(disabled []Origin) any {
	s := struct {
		Off    bool     `json:"globally-disabled"`
		User   bool     `json:"disabled-by-user"`
		Local  []Origin `json:"disabled-by-local-command"`
		Remote []Origin `json:"disabled-by-remote-command"`
		DB     []Origin `json:"disabled-by-db-connection"`
	}{Off: len(disabled) > 0, Local: []Origin{}, Remote: []Origin{}, DB: []Origin{}}
	for _, o := range disabled {
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
