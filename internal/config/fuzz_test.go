package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzParse: nothing panics, every problem lies within the file, and what is
// accepted renders to something that is accepted and means the same.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/cases/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range strings.Split("\n"+string(data), "\n## ")[1:] {
			_, rest, _ := strings.Cut(part, "\n")
			text, _, _ := strings.Cut(rest, "----\n")
			if !readsFiles([]byte(text)) { // TestCases has those
				f.Add([]byte(text))
			}
		}
	}
	real, err := os.ReadFile("testdata/kea-2.2.0-server1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(real)
	f.Add([]byte(`{ "Dhcp4": { ` + levels + `, ` + pair + ` } }`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if readsFiles(text) {
			return
		}
		d, err := Parse("f", text)
		if err != nil {
			insideFile(t, text, err)
			return
		}
		again, err := Parse("f", d.Raw)
		if err != nil {
			t.Fatalf("%s\nis rendered as\n%s\nwhich is refused: %v", text, d.Raw, err)
		}
		if !bytes.Equal(d.Raw, again.Raw) {
			t.Fatalf("rendered\n%s\nthen\n%s", d.Raw, again.Raw)
		}
		d.Warnings, again.Warnings = nil, nil // some are about the text
		withoutPlaces(reflect.ValueOf(d))
		withoutPlaces(reflect.ValueOf(again))
		if !reflect.DeepEqual(d, again) {
			t.Fatalf("%s\ndoes not mean the same after\n%s", text, d.Raw)
		}
	})
}

// readsFiles tells whether a text may name files that Parse would open.
func readsFiles(text []byte) bool {
	return bytes.Contains(text, []byte("<?")) || bytes.Contains(text, []byte("-file"))
}

func insideFile(t *testing.T, text []byte, err error) {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("%T is not a list of problems: %v", err, err)
	}
	lines := bytes.Split(text, []byte("\n"))
	for _, p := range problems {
		if p.At.File != "f" || p.At.Line < 1 || p.At.Line > len(lines) || p.At.Column < 1 || p.At.Column > len(lines[p.At.Line-1])+1 {
			t.Fatalf("%v is not within the file", p)
		}
		if strings.Contains(p.String(), "\n") {
			t.Fatalf("%v has more than one line", p)
		}
	}
}

var positionType = reflect.TypeFor[Position]()

// withoutPlaces zeroes every Position below v, which differ between a file and
// its rendering. Networks and subnets point at each other: the way back up is
// not taken.
func withoutPlaces(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			withoutPlaces(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			withoutPlaces(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == positionType {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			if v.Type() == reflect.TypeFor[Subnet]() && v.Type().Field(i).Name == "Network" || !v.Field(i).CanSet() {
				continue
			}
			withoutPlaces(v.Field(i))
		}
	}
}
