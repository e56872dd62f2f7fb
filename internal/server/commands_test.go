package server

import (
	"encoding/json"
	"fmt"
	"testing"

	"needletail/internal/config"
	"needletail/internal/control"
)

// What status-get tells of threads: the keys and forms of an answer of Kea 3.0.4,
// values by the configuration.
func TestThreadingStatus(t *testing.T) {
	for text, want := range map[string]string{
		``: fmt.Sprintf(`{"multi-threading-enabled":true,"packet-queue-size":64,"packet-queue-statistics":[0.0,0.0,0.0],"thread-pool-size":%d}`, processors),
		`"multi-threading": { "enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 32 }`: `{"multi-threading-enabled":true,"packet-queue-size":32,"packet-queue-statistics":[0.0,0.0,0.0],"thread-pool-size":2}`,
		`"multi-threading": { "enable-multi-threading": false, "thread-pool-size": 2 }`:                         `{"multi-threading-enabled":false}`,
	} {
		cfg, err := config.Parse("f", []byte(`{ "Dhcp4": { `+text+` } }`))
		if err != nil {
			t.Fatal(err)
		}
		st, reg := control.NewStatus(), control.NewRegistry()
		st.Register(reg)
		threadingStatus(st, func() *config.Dhcp4 { return cfg })
		got, err := json.Marshal(reg.Call(t.Context(), "status-get", nil).Arguments)
		if err != nil || string(got) != want {
			t.Errorf("%s:\n%s, %v, want\n%s", text, got, err, want)
		}
	}
}
