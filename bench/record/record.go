// Package record is the form in which runs are kept: one JSON line each, with
// everything needed to judge the number in it.
package record

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"needletail/bench/load"
)

// Schema is the version of Record. It changes when a field changes meaning.
const Schema = 1

// Record is one measurement.
type Record struct {
	Schema      int          `json:"schema"`
	Run         string       `json:"run"`  // records of one run may be compared, others not
	Work        string       `json:"work"` // what was measured: dora, renew-cached, start, ...
	Time        time.Time    `json:"time"`
	Command     string       `json:"command"`
	Server      Server       `json:"server"`
	Environment Environment  `json:"environment"`
	CPU         CPU          `json:"cpu_seconds"`
	Result      *load.Result `json:"result,omitempty"`
	// Values are measurements that are no exchange: names carry their unit
	// last (start_ms, rss_bytes).
	Values map[string]float64 `json:"values,omitempty"`
	// Point is where on a curve this record lies (leases, subnets, workers),
	// for records that share a Work.
	Point float64 `json:"point,omitempty"`
}

// Server says what answered.
type Server struct {
	Name       string `json:"name"` // kea, isc-dhcpd, dnsmasq, needletail
	Version    string `json:"version"`
	Durability string `json:"durability"` // what is on disk before an ACK leaves
	Mode       string `json:"mode"`       // how it receives: af-xdp native copy, raw socket, ...
	Servers    int    `json:"servers"`    // 2 for a pair
}

// CPU is processor time used while the run went on, user and system, seconds.
// Time spent in softirq counts for whom the kernel charges it to.
type CPU struct {
	Generator float64 `json:"generator"`
	Server    float64 `json:"server"`
}

// Write appends r as one line.
func Write(w io.Writer, r *Record) error {
	r.Schema = Schema
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("record %s: %w", r.Work, err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// lineMax bounds a record: a failover timeline of ten minutes fits.
const lineMax = 16 << 20

// Read returns all records of a stream.
func Read(r io.Reader, name string) ([]Record, error) {
	var all []Record
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, lineMax)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var rec Record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return nil, fmt.Errorf("%s:%d: not a record: %w", name, n, err)
		}
		if rec.Schema != Schema {
			return nil, fmt.Errorf("%s:%d: schema %d, this program reads %d; measure again with it", name, n, rec.Schema, Schema)
		}
		all = append(all, rec)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}
