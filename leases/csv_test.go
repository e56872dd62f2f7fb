package leases

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// csvFile is what Kea 2.2 and later write: changes in order, old header widths.
const csvFile = `address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
10.0.0.1,02:00:00:00:00:01,01:02:00:00:00:00:01,600,1795289436,1,0,0,host1.example.org,0,,0
10.0.0.2,02:00:00:00:00:02,,600,1795289436,1,1,1,a&#x2cb,0,{ "ISC": { "relay-agent-info": "0x0102AABB"&#x2c "x": 1 } },7
10.0.0.3,02:00:00:00:00:03,,600,1795289436,1,0,0,,0,,0
10.0.0.3,02:00:00:00:00:03,,0,1795288836,1,0,0,,0,,0
10.0.0.1,02:00:00:00:00:01,01:02:00:00:00:00:01,600,1795289999,1,0,0,host1.example.org,0,,0
10.0.0.4,,,86400,1795289436,1,0,0,,1,,0
10.0.0.5,02:00:00:00:00:05,,0,1795288836,1,0,0,,3,,0
10.0.0.6,zz,,600,1795289436,1,0,0,,0,,0
10.0.0.7,02:00:00:00:00:07,,600,1795289436,9,0,0,,0,,0
10.0.0.8,02:00:00:00:00:08,,600,599,1,0,0,,0,,0
10.0.0.9,1,2,3,4,5,6,7,8,9,10,11,12
`

func TestImportCSV(t *testing.T) {
	s := memStore(t, 1, "10.0.255.254")
	n, problems, err := s.ImportCSV(strings.NewReader(csvFile))
	if err != nil || n != 7 {
		t.Errorf("%d changes, %v; want 7", n, err)
	}
	if len(problems) != 4 || !strings.HasPrefix(problems[0].Error(), "line 9: hwaddr") || !strings.Contains(problems[1].Error(), "no such subnet") {
		t.Errorf("problems %v", problems)
	}
	if l, ok := s.Get(ip("10.0.0.1")); !ok || l.Expires().Unix() != 1795289999 {
		t.Errorf("the last line of an address counts: %+v", l)
	}
	l, _ := s.Get(ip("10.0.0.2"))
	if l.Hostname != "a,b" || !l.FQDNFwd || !l.FQDNRev || !strings.Contains(string(l.UserContext), `"sub-options":"0x0102AABB"`) {
		t.Errorf("escapes, context: %+v %s", l, l.UserContext)
	}
	if _, ok := s.Get(ip("10.0.0.3")); ok {
		t.Error("lifetime 0 must delete")
	}
	if l, _ := s.Get(ip("10.0.0.4")); l.State != Declined {
		t.Errorf("declined: %+v", l)
	}
	if l, _ := s.Get(ip("10.0.0.5")); l.State != Released {
		t.Errorf("released: %+v", l)
	}
}

func TestCSVRoundTrip(t *testing.T) {
	s := memStore(t, 1, "10.0.255.254")
	if _, _, err := s.ImportCSV(strings.NewReader(csvFile)); err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := s.ExportCSV(&first); err != nil {
		t.Fatal(err)
	}
	again := memStore(t, 1, "10.0.255.254")
	if n, problems, err := again.ImportCSV(bytes.NewReader(first.Bytes())); n != 4 || len(problems) != 0 || err != nil {
		t.Errorf("%d, %v, %v", n, problems, err)
	}
	again.ExportCSV(&second)
	if first.String() != second.String() || strings.Count(first.String(), "\n") != 5 {
		t.Errorf("exported\n%s\nafter import\n%s", &first, &second)
	}
}

// An export to a file replaces it whole or leaves it, and leaves nothing else.
func TestExportFile(t *testing.T) {
	s := memStore(t, 1, "10.0.255.254")
	if _, _, err := s.ImportCSV(strings.NewReader(csvFile)); err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	s.ExportCSV(&want)
	dir := t.TempDir()
	name := filepath.Join(dir, "leases.csv")
	for range 2 { // a new file, and over an old one
		if err := s.ExportFile(name); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != want.String() {
			t.Errorf("%v, exported\n%s\nwant\n%s", err, got, &want)
		}
	}
	if err := s.ExportFile(dir); err == nil {
		t.Error("a directory was replaced")
	}
	if err := s.ExportFile(filepath.Join(dir, "nowhere", "x")); err == nil {
		t.Error("a directory was made")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// Files of Kea before 1.0 and 1.3 have fewer columns.
func TestImportOldCSV(t *testing.T) {
	s := memStore(t, 1, "10.0.255.254")
	n, problems, err := s.ImportCSV(strings.NewReader("address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname\r\n" +
		"10.0.0.1,02:00:00:00:00:01,,600,1795289436,1,0,0,host1\r\n"))
	if l, ok := s.Get(ip("10.0.0.1")); n != 1 || len(problems) != 0 || err != nil || !ok || l.Hostname != "host1" {
		t.Errorf("%d, %v, %v, %+v", n, problems, err, l)
	}
	for _, bad := range []string{"", "duid,valid\n"} {
		if _, _, err := s.ImportCSV(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was taken for a lease file", bad)
		}
	}
}
