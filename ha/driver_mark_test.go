package ha

import (
	"math"
	"os"
	"testing"
)

// A mark survives the process, and so does its absence; marks of two
// relationships, and of any name, do not meet.
func TestMarksSurvive(t *testing.T) {
	m := marks{t.TempDir()}
	for _, name := range []string{"server1", "../etc/hub two"} {
		for i, want := range []bool{true, true, false, false, true} {
			if err := m.set(name, want, uint64(i)); err != nil {
				t.Fatal(err)
			}
			alone, read := (marks{m.dir}).get(name)
			if alone != want || alone && read != uint64(i) {
				t.Errorf("%s: %v and %d, want %v and %d", name, alone, read, want, i)
			}
		}
		if err := os.WriteFile(m.file(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if alone, read := m.get(name); !alone || read != math.MaxUint64 {
			t.Errorf("%s: a mark that lost its number: %v, %d", name, alone, read)
		}
		if err := m.set(name, false, 0); err != nil {
			t.Fatal(err)
		}
	}
	if alone, _ := (marks{}).get("server1"); alone || (marks{}).set("server1", true, 1) != nil {
		t.Error("without a directory nothing is kept, and nothing fails")
	}
	if left, _ := os.ReadDir(m.dir); len(left) > 0 {
		t.Error(left)
	}
}
