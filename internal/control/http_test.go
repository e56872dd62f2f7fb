package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The same odd requests that a Kea 2.2.0 was asked, and the same answers:
// status, headers that a Kea looks at, and body after JSON normalisation (the
// body of a heartbeat is left out of the capture: HA answers it).
func TestHTTPAnswersAsKea(t *testing.T) {
	r := NewRegistry()
	NewNetworkState(AfterFunc).Register(r)
	r.Register("ha-heartbeat", fixed(Response{Text: "HA peer status returned."}))
	s := serveHTTP(t, HTTPOptions{}, r)
	for _, p := range readProbes(t) {
		t.Run(p.name, func(t *testing.T) {
			status, header, body := exchange(t, s.Addr, p.request)
			if status != p.status {
				t.Errorf("status %d, Kea %d", status, p.status)
			}
			if got := header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
			if header.Get("Content-Length") == "" || header.Get("Date") == "" || header.Get("Server") != "" {
				t.Errorf("headers %v", header)
			}
			if p.body != "" && !sameJSON(t, body, p.body) {
				t.Errorf("body %s\nKea  %s", body, p.body)
			}
		})
	}
}

func TestHTTPFilterAndAuthentication(t *testing.T) {
	r := NewRegistry()
	r.Register("ha-sync", fixed(Response{}))
	s := serveHTTP(t, HTTPOptions{Credentials: []Credential{{"a", "b"}, {"foo", "1234"}}, Realm: "kea-dhcp4", Allow: []string{"list-commands"}}, r)
	for _, c := range []struct {
		name, auth, body string
		status           int
		want             string
	}{
		{"no credentials", "", `{"command":"list-commands"}`, 401, `{"result":401,"text":"Unauthorized"}`},
		{"wrong password", "Basic Zm9vOjEyMzU=", `{"command":"list-commands"}`, 401, `{"result":401,"text":"Unauthorized"}`},
		{"another scheme", "Bearer Zm9vOjEyMzQ=", `{"command":"list-commands"}`, 401, `{"result":401,"text":"Unauthorized"}`},
		{"not base64", "Basic !", `{"command":"list-commands"}`, 401, `{"result":401,"text":"Unauthorized"}`},
		{"right", "Basic Zm9vOjEyMzQ=", `{"command":"list-commands"}`, 200, `[{"result":0,"arguments":["ha-sync","list-commands"]}]`},
		{"right, other case of scheme", "basic Zm9vOjEyMzQ=", `{"command":"list-commands"}`, 200, `[{"result":0,"arguments":["ha-sync","list-commands"]}]`},
		{"not in the list", "Basic Zm9vOjEyMzQ=", `{"command":"ha-sync"}`, 403, `{"result":403,"text":"Forbidden"}`},
		{"who asks comes before what", "", `{"command":"ha-sync"}`, 401, `{"result":401,"text":"Unauthorized"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			auth := ""
			if c.auth != "" {
				auth = "Authorization: " + c.auth + "\r\n"
			}
			status, header, body := exchange(t, s.Addr, post("/", auth+"Content-Type: application/json\r\n", c.body))
			if status != c.status || !sameJSON(t, body, c.want) {
				t.Errorf("%d %s, want %d %s", status, body, c.status, c.want)
			}
			if got := header.Get("WWW-Authenticate"); (got == `Basic realm="kea-dhcp4"`) != (status == 401) {
				t.Errorf("WWW-Authenticate %q", got)
			}
		})
	}
}

// Bytes may come behind a command, whatever they are; who asks and what comes first.
func TestHTTPAttached(t *testing.T) {
	r := NewRegistry()
	r.Register("count", func(_ context.Context, a *Arguments) Response {
		return Response{Text: fmt.Sprintf("%s %q", a.String("name"), a.Attached())}
	})
	s := serveHTTP(t, HTTPOptions{Credentials: []Credential{{"foo", "1234"}}, Realm: "kea-dhcp4", Allow: []string{"count"}}, r)
	const right, command = "Authorization: Basic Zm9vOjEyMzQ=\r\n", `{"command":"count","arguments":{"name":"it"}}`
	for _, c := range []struct {
		name, auth, kind, body string
		status                 int
		want                   string
	}{
		{"bytes", right, AttachedType, command + "\n\x00}\n\xff", 200, `[{"result":0,"text":"it \"\\x00}\\n\\xff\""}]`},
		{"none", right, AttachedType, command + "\n", 200, `[{"result":0,"text":"it \"\""}]`},
		{"no line feed", right, AttachedType, command, 200, `[{"result":0,"text":"it \"\""}]`},
		{"JSON has nothing attached", right, JSONType, command + "\n", 200, `[{"result":0,"text":"it \"\""}]`},
		{"bytes behind JSON", right, JSONType, command + "\n\x00", 400, `{"result":400,"text":"Bad Request"}`},
		{"no command", right, AttachedType, "\n" + command, 400, `{"result":400,"text":"Bad Request"}`},
		{"another command", right, AttachedType, `{"command":"list-commands"}` + "\nx", 403, `{"result":403,"text":"Forbidden"}`},
		{"a stranger", "", AttachedType, command + "\nx", 401, `{"result":401,"text":"Unauthorized"}`},
		{"a parameter", right, AttachedType + "; x=y", command + "\nx", 400, `{"result":400,"text":"Bad Request"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := exchange(t, s.Addr, post("/", c.auth+"Content-Type: "+c.kind+"\r\n", c.body))
			if status != c.status || !sameJSON(t, body, c.want) {
				t.Errorf("%d %s, want %d %s", status, body, c.status, c.want)
			}
		})
	}
}

// The Host header is not looked at: a Kea writes IPv6 addresses without brackets.
func TestHTTPAnyHost(t *testing.T) {
	s := serveHTTP(t, HTTPOptions{}, NewRegistry())
	for _, host := range []string{"192.0.2.1", "2001:db8::1", "::1", "[::1]:8000", "a:b:c", ""} {
		const body = `{"command":"list-commands"}`
		request := strings.Replace(post("/", "Content-Type: application/json\r\n", body), "Host: x", "Host: "+host, 1)
		if status, _, answer := exchange(t, s.Addr, request); status != 200 {
			t.Errorf("Host %q: %d %s", host, status, answer)
		}
	}
}

// Memory is for those who know a password.
func TestHTTPLongRequests(t *testing.T) {
	s := serveHTTP(t, HTTPOptions{Credentials: []Credential{{"foo", "1234"}}}, NewRegistry())
	body := `{"command":"list-commands","arguments":{"x":"` + strings.Repeat("x", 2*httpStrangerMax) + `"}}`
	for auth, want := range map[string]int{"": 400, "Authorization: Basic Zm9vOjEyMzQ=\r\n": 200} {
		if status, _, answer := exchange(t, s.Addr, post("/", auth+"Content-Type: application/json\r\n", body)); status != want {
			t.Errorf("%q: %d %s, want %d", auth, status, answer, want)
		}
	}
}

// A heartbeat connection is used again and again.
func TestHTTPKeepsConnections(t *testing.T) {
	s := serveHTTP(t, HTTPOptions{IdleTimeout: time.Minute}, NewRegistry())
	ask := kept(t, s)
	for i := range 3 {
		if err := ask(); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

// kept returns what sends a command over one connection to a listener and waits
// for the answer.
func kept(t *testing.T, s *Server) (ask func() error) {
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(c)
	return func() error {
		io.WriteString(c, post("/", "Content-Type: application/json\r\n", `{"command":"list-commands"}`))
		resp, err := http.ReadResponse(in, nil)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
		}
		return err
	}
}

// A closed listener answers nobody, not even on a connection it kept.
func TestHTTPCloseEndsKeptConnections(t *testing.T) {
	s := serveHTTP(t, HTTPOptions{}, NewRegistry())
	ask := kept(t, s)
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if ask() == nil {
		t.Error("a closed listener still answers")
	}
}

func TestHTTPWholeStream(t *testing.T) {
	r := NewRegistry()
	r.Register("many", fixed(Response{Arguments: Stream(manyLeases)}))
	s := serveHTTP(t, HTTPOptions{}, r)
	_, header, body := exchange(t, s.Addr, post("/", "Content-Type: application/json\r\n", `{"command":"many"}`))
	if header.Get("Content-Length") != fmt.Sprint(len(body)) || !json.Valid([]byte(body)) || len(body) < 1<<20 {
		t.Errorf("%d bytes, header %v", len(body), header)
	}
}

func manyLeases(w io.Writer) error {
	io.WriteString(w, "[0")
	for range 100_000 {
		if _, err := io.WriteString(w, `,"192.0.2.1"`); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "]")
	return err
}

type probe struct {
	name, request, body string
	status              int
}

// readProbes reads the capture: request line, then the answer as it came.
func readProbes(t *testing.T) (ps []probe) {
	raw, err := os.ReadFile("testdata/probes-kea-2.2.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(raw), "\n### ")[1:] {
		name, answer, _ := strings.Cut(block, "\n")
		head, body, _ := strings.Cut(answer, "\n\n")
		p := probe{name: name, request: probeRequest(name), body: strings.TrimSpace(body)}
		fmt.Sscanf(head, "HTTP/1.1 %d", &p.status)
		ps = append(ps, p)
	}
	return ps
}

func probeRequest(name string) string {
	const good, kind = `{"command":"ha-heartbeat"}`, "Content-Type: application/json\r\n"
	switch name {
	case "GET":
		return "GET / HTTP/1.1\r\nHost: x\r\n" + kind + "\r\n"
	case "text/plain", "application/json; charset=utf-8":
		return post("/", "Content-Type: "+name+"\r\n", good)
	case "chunked":
		return "POST / HTTP/1.1\r\nHost: x\r\n" + kind + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(good), good)
	case "path /foo":
		return post("/foo", kind, good)
	}
	return post("/", kind, name)
}

func post(path, headers, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", path, headers, len(body), body)
}

func exchange(t *testing.T, addr, request string) (int, http.Header, string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, request)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func serveHTTP(t *testing.T, o HTTPOptions, r *Registry) *Server {
	t.Helper()
	o.Addr = "127.0.0.1:0"
	s, err := ServeHTTP(context.Background(), o, r, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fixed(r Response) Handler {
	return func(context.Context, *Arguments) Response { return r }
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatalf("%v in %q", err, a)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	return reflect.DeepEqual(x, y)
}
