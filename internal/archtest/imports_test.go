package archtest

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "needletail"

// rule is one package, or tree of packages, and what it may import or who may
// import it.
type rule struct {
	subject string
	may     []string
}

type pack struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportArrows(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, to := range p.Imports {
			checkArrow(t, name, to, mayImport(allowed, name))
			checkDoor(t, name, to)
		}
		for _, to := range append(p.TestImports, p.XTestImports...) {
			checkArrow(t, name+" (test)", to, append(append(mayImport(allowed, name), testsMayImport(name)...), name))
		}
	}
}

func checkArrow(t *testing.T, from, to string, may []string) {
	t.Helper()
	inside, ok := strings.CutPrefix(to, module+"/")
	if ok && !matchesAny(may, inside) {
		t.Errorf("%s imports %s: not an arrow of docs/ARCHITECTURE.md", from, inside)
	}
}

func checkDoor(t *testing.T, from, to string) {
	t.Helper()
	for _, d := range doors {
		if (to == d.subject || strings.HasPrefix(to, d.subject+"/")) && !matchesAny(d.may, from) {
			t.Errorf("%s imports %s: that door belongs to %v", from, to, d.may)
		}
	}
}

// mayImport returns the first rule that fits: a package before its tree.
func mayImport(rules []rule, name string) []string {
	for _, r := range rules {
		if matches(r.subject, name) {
			return expand(r.may)
		}
	}
	return nil
}

func testsMayImport(name string) (may []string) {
	for _, r := range testAllowed {
		if r.subject == "..." || matches(r.subject, name) {
			may = append(may, expand(r.may)...)
		}
	}
	return may
}

func expand(may []string) (all []string) {
	for _, m := range may {
		if m == values {
			all = append(all, valuePackages...)
			continue
		}
		all = append(all, m)
	}
	return all
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if matches(p, name) {
			return true
		}
	}
	return false
}

func matches(pattern, name string) bool {
	tree, ok := strings.CutSuffix(pattern, "/...")
	if !ok {
		tree, ok = strings.CutSuffix(pattern, "...")
	}
	return pattern == name || ok && (name == tree || strings.HasPrefix(name, tree+"/"))
}

// The rules themselves are tested: an arrow that must not be is found.
func TestRulesForbid(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{"slowpath", "fastpath"}, {"slowpath", "ha"}, {"fastpath", "slowpath"}, {"ha", "slowpath"}, {"leases", "internal/config"},
		{"leases", "slowpath"}, {"bench/load", "slowpath"}, {"internal/config", "leases"}, {"cmd/needletail-bench", "leases"}, {"cmd/needletail", "leases"},
		{"a/new/package", "leases"},
	} {
		if matchesAny(mayImport(allowed, c.from), c.to) {
			t.Errorf("%s may import %s", c.from, c.to)
		}
	}
}

func packages(t *testing.T) (ps []pack) {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pack
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	if len(ps) < 10 {
		t.Fatalf("go list found %d packages: is the test run inside the module?", len(ps))
	}
	return ps
}
