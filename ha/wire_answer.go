package ha

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"needletail/internal/control"
)

// answer is the reply to one command.
type answer struct {
	Result    int
	Text      string
	Arguments json.RawMessage
}

// Result codes of high availability, besides those of package control.
const (
	resultNotAllowed = 1001 // maintenance, in this state (Kea: ha_service.h)
	// resultContested is between needletails: the address has just been given to
	// another client. That is nobody's error, so it is not counted as a conflict,
	// which terminates the relationship when there are many.
	resultContested = 1104
)

// Forms of a moment, both UTC: in heartbeats and in status-get.
const (
	dateLayout   = "Mon, 02 Jan 2006 15:04:05 GMT"
	reportLayout = "2006-01-02 15:04:05"
)

// parseAnswer reads the body of an answer the way Kea's client does: a list
// whose first element counts. A bare map is what Kea sends for 400, 401, 403
// and 500; whatever it says, it is an error with result 1.
func parseAnswer(body []byte) (answer, error) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '{' {
		var bare struct{ Text string }
		if err := json.Unmarshal(body, &bare); err != nil {
			return answer{}, fmt.Errorf("answer is not JSON: %w", err)
		}
		return answer{Result: control.ResultError, Text: bare.Text}, nil
	}
	var list []struct {
		Result    *int
		Text      string
		Arguments json.RawMessage
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return answer{}, fmt.Errorf("answer is not a JSON list of maps: %w", err)
	}
	if len(list) == 0 || list[0].Result == nil {
		return answer{}, errors.New("answer has no result")
	}
	return answer{Result: *list[0].Result, Text: list[0].Text, Arguments: list[0].Arguments}, nil
}

// partnerStatus is what a partner says of itself.
type partnerStatus struct {
	State  string
	Time   time.Time // its clock
	Scopes []string
	Unsent uint64
}

// parseHeartbeat checks the answer to ha-heartbeat: state and date-time are
// required, the rest may be missing, and the zone must read GMT (Kea:
// communication_state.cc; a real server refuses +0000 and ISO forms).
func parseHeartbeat(a answer) (partnerStatus, error) {
	if a.Result != control.ResultSuccess && a.Result != control.ResultEmpty {
		return partnerStatus{}, fmt.Errorf("ha-heartbeat answered %d: %s", a.Result, a.Text)
	}
	var in struct {
		State  *string
		Date   *string  `json:"date-time"`
		Scopes []string `json:"scopes"`
		Unsent uint64   `json:"unsent-update-count"`
	}
	if len(a.Arguments) == 0 {
		return partnerStatus{}, errors.New("ha-heartbeat answered without arguments")
	}
	if err := json.Unmarshal(a.Arguments, &in); err != nil {
		return partnerStatus{}, fmt.Errorf("ha-heartbeat arguments: %w", err)
	}
	if in.State == nil || in.Date == nil {
		return partnerStatus{}, errors.New("ha-heartbeat answered without state or date-time")
	}
	at, err := time.Parse(dateLayout, *in.Date)
	if err != nil {
		return partnerStatus{}, fmt.Errorf("ha-heartbeat date-time: %w", err)
	}
	return partnerStatus{State: *in.State, Time: at, Scopes: in.Scopes, Unsent: in.Unsent}, nil
}
