package ha

import "testing"

// A mark survives the process, and so does its absence; marks of two
// relationships, and of any name, do not meet.
func TestMarksSurvive(t *testing.T) {
	m := marks{t.TempDir()}
	for _, name := range []string{"server1", "../etc/hub two"} {
		for _, alone := range []bool{true, true, false, false, true} {
			if err := m.set(name, alone); err != nil {
				t.Fatal(err)
			}
			if got := (marks{m.dir}).has(name); got != alone {
				t.Errorf("%s: %v, want %v", name, got, alone)
			}
		}
		if err := m.set(name, false); err != nil {
			t.Fatal(err)
		}
	}
	if (marks{}).has("server1") || (marks{}).set("server1", true) != nil {
		t.Error("without a directory nothing is kept, and nothing fails")
	}
}
