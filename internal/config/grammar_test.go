package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every key of the grammar stands in at least one configuration that is
// accepted.
func TestEveryKeyIsAccepted(t *testing.T) {
	t.Chdir("testdata/accepted")
	files, _ := filepath.Glob("*.json")
	seen := make(map[string]bool)
	for _, file := range append(files, "../kea-2.2.0-server1.json") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := &checker{said: make(map[Problem]bool), defs: newDefinitions(standard())}
		c.seen = func(table, key string) { seen[table+" "+key] = true }
		if _, err := c.parse(file, data); err != nil {
			t.Errorf("%s is refused:\n%v", file, err)
		}
	}
	for _, k := range grammar() {
		if !seen[k.Table+" "+k.Name] {
			t.Errorf("no accepted configuration has %s in %s", k.Name, k.Table)
		}
	}
}

// No table has a key twice.
func TestGrammarHasNoDoubles(t *testing.T) {
	seen := make(map[string]bool)
	for _, k := range grammar() {
		if id := k.Table + " " + k.Name; seen[id] {
			t.Errorf("%s is there twice", id)
		} else {
			seen[id] = true
		}
	}
}

var writeDocs = flag.Bool("write-docs", false, "write the table of keys into docs/configuration.md")

const (
	docsFile  = "../../docs/configuration.md"
	docsBegin = "<!-- keys: begin; written by go test ./internal/config -run TestDocs -write-docs -->\n"
	docsEnd   = "<!-- keys: end -->\n"
)

// docs/configuration.md shows the grammar as it is.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), docsBegin)
	have, after, ok2 := strings.Cut(rest, docsEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no marked place for the keys", docsFile)
	}
	want := keysAsMarkdown()
	if have == want {
		return
	}
	if !*writeDocs {
		t.Fatalf("%s does not show the grammar as it is; run with -write-docs and read the diff", docsFile)
	}
	if err := os.WriteFile(docsFile, []byte(before+docsBegin+want+docsEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func keysAsMarkdown() string {
	var b strings.Builder
	var tables []string
	for _, k := range grammar() {
		if !slices.Contains(tables, k.Table) {
			tables = append(tables, k.Table)
			fmt.Fprintf(&b, "\n### %s\n\n| key | value | state |\n|---|---|---|\n", k.Table)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, k.Kind, k.State)
	}
	return b.String() + "\n"
}

// grammar lists every key of every map in the order of the tables: what
// docs/configuration.md shows.
func grammar() []keyInfo {
	return slices.Concat(
		rootTable.infos(), dhcp4Table.infos(), interfacesTable.infos(), databaseTable.infos(),
		socketTable.infos(), authTable.infos(), clientTable.infos(),
		networkTable.infos(), subnetTable.infos(), poolTable.infos(), relayTable.infos(),
		optionTable.infos(), definitionTable.infos(),
		expiredTable.infos(), sanityTable.infos(), threadingTable.infos(),
		loggerTable.infos(), outputTable.infos(),
		hookTable.infos(), haTable.infos(), relationshipTable.infos(), peerTable.infos(),
		threadsTable.infos(), machineTable.infos(), stateTable.infos(),
		reservationTable.infos(), classTable.infos(), ddnsTable.infos(), hostsTable.infos(),
		controlTable.infos(), compatibilityTable.infos(),
		needletailTable.infos(), fastPathTable.infos(),
	)
}

// keyInfo is a row of the grammar without its code.
type keyInfo struct {
	Table, Name, Kind string
	State             keyState
}

func (t *table[T]) infos() []keyInfo {
	infos := make([]keyInfo, len(t.keys))
	for i, k := range t.keys {
		infos[i] = keyInfo{t.name, k.name, string(k.kind), k.state}
	}
	return infos
}
