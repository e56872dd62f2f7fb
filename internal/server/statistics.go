package server

import (
	"context"
	"fmt"
	"time"

	"needletail/internal/control"
	"needletail/slowpath"
)

// statistics are Kea's names for what the engine counted since it started, and
// names of their kind for what only we count (pkt4-silence-*, pkt4-not-for-us,
// pkt4-options-left-out). Kea keeps a history of samples; here a statistic is its value now.
func (s *Server) statistics() map[string]uint64 {
	st := s.engine.Stats()
	all := map[string]uint64{"pkt4-received": sum(st.Received[:]), "pkt4-sent": sum(st.Sent[:])}
	for code, name := range map[int]string{1: "discover", 3: "request", 4: "decline", 7: "release", 8: "inform"} {
		all["pkt4-"+name+"-received"] = st.Received[code]
	}
	for code, name := range map[int]string{2: "offer", 5: "ack", 6: "nak"} {
		all["pkt4-"+name+"-sent"] = st.Sent[code]
	}
	var dropped, malformed uint64
	for _, why := range slowpath.Silences() {
		n := st.Silence[why]
		all["pkt4-silence-"+why.String()] = n
		switch {
		case why.Malformed():
			malformed += n
			dropped += n
		case why == slowpath.SilenceReleased || why == slowpath.SilenceDeclined:
		default:
			dropped += n
		}
	}
	all["pkt4-parse-failed"], all["pkt4-receive-drop"] = malformed, dropped
	all["pkt4-service-disabled"] = st.Silence[slowpath.SilenceServiceDisabled]
	all["pkt4-not-for-us"] = st.Silence[slowpath.SilenceNotForUs]
	all["v4-lease-reuses"] = st.Reused
	all["pkt4-options-left-out"] = st.LeftOut
	s.subnetStatistics(all)
	return all
}

// subnetStatistics adds what Kea counts for each subnet.
func (s *Server) subnetStatistics(all map[string]uint64) {
	var declined uint64
	for _, n := range s.store.Stats().Subnets {
		prefix := fmt.Sprintf("subnet[%d].", n.ID)
		all[prefix+"total-addresses"] = n.Pool
		all[prefix+"assigned-addresses"] = uint64(n.Active + n.Declined) // a declined one is not free either
		all[prefix+"declined-addresses"] = uint64(n.Declined)
		declined += uint64(n.Declined)
	}
	all["declined-addresses"] = declined
}

func sum(list []uint64) (n uint64) {
	for _, v := range list {
		n += v
	}
	return n
}

// registerStatistics adds statistic-get and statistic-get-all.
func (s *Server) registerStatistics(r *control.Registry) {
	r.Register("statistic-get-all", func(context.Context, *control.Arguments) control.Response {
		return control.Response{Arguments: sampled(s.statistics())}
	})
	r.Register("statistic-get", func(_ context.Context, args *control.Arguments) control.Response {
		name := args.String("name")
		if err := args.Err(); err != nil {
			return control.Failed(err)
		}
		value, ok := s.statistics()[name]
		if !ok {
			return control.Response{Arguments: map[string]any{}}
		}
		return control.Response{Arguments: sampled(map[string]uint64{name: value})}
	})
}

// sampled gives values Kea's form: a list of [value, time], newest first.
func sampled(values map[string]uint64) map[string]any {
	now := time.Now().Format("2006-01-02 15:04:05.000000")
	all := make(map[string]any, len(values))
	for name, v := range values {
		all[name] = [][]any{{v, now}}
	}
	return all
}
