package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	token   = "guest-token-abc123"
	storage = `{"ok":true,"data":{"vmid":101,"mounts":[]}}`
)

// agent is one that answers each request with the same body, and counts what it receives inside of TLS.
type agent struct {
	endpoint, pin         string
	received, connections atomic.Int64
	head                  atomic.Value
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newAgent presents a certificate of its own. With another key it is an impostor: the certificate is public.
func newAgent(t *testing.T, version uint16, isImpostor bool, body string, pause time.Duration) *agent {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if isImpostor {
		key = newKey(t)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf}, PrivateKey: key}},
		MinVersion:   version, MaxVersion: version,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	digest := sha256.Sum256(leaf)
	a := &agent{endpoint: listener.Addr().String(), pin: hex.EncodeToString(digest[:])}
	go a.accept(listener, body, pause)
	return a
}

func (a *agent) accept(listener net.Listener, body string, pause time.Duration) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		a.connections.Add(1)
		go a.serve(connection, body, pause)
	}
}

func (a *agent) serve(connection net.Conn, body string, pause time.Duration) {
	defer connection.Close()
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		var one [1]byte
		if _, err := io.ReadFull(connection, one[:]); err != nil {
			return
		}
		head = append(head, one[0])
		a.received.Add(1)
	}
	a.head.Store(string(head))
	answer := []byte("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body)
	if pause == 0 {
		connection.Write(answer)
		return
	}
	for at := range answer {
		if _, err := connection.Write(answer[at : at+1]); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// component is compiled once for all tests.
var component = sync.OnceValue(func() *Component {
	loaded, err := LoadComponent("../../../host-harness/component/agentapi.wasm", os.Getenv("AGENTAPI_CACHE_DIR"))
	if err != nil {
		panic(err)
	}
	return loaded
})

func newClient(t *testing.T, endpoint string, deadline time.Duration, pins ...string) *Client {
	t.Helper()
	client, failed := NewClient(component(), endpoint, token, pins, deadline)
	if failed != nil {
		t.Fatal(failed.Message)
	}
	return client
}

func kind(failed *CallError) string {
	if failed == nil {
		return ""
	}
	return failed.Kind
}

func TestThePinnedAgentIsAskedWithTheToken(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		a := newAgent(t, version, false, storage, 0)
		// The other pin is that of a rotation.
		value, failed := newClient(t, a.endpoint, time.Minute, strings.Repeat("0", 64), a.pin).Call("storage", nil)
		if failed != nil || value.(map[string]any)["vmid"] != int64(101) {
			t.Fatal(value, failed)
		}
		head, _ := a.head.Load().(string)
		if !strings.HasPrefix(head, "GET /storage HTTP/1.1\r\n") || !strings.Contains(head, "Bearer "+token+"\r\n") {
			t.Error(head)
		}
	}
}

func TestWhoIsNotThePinnedAgentReceivesNothing(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		other := newAgent(t, version, false, storage, 0)
		impostor := newAgent(t, version, true, storage, 0)
		for pin, a := range map[string]*agent{strings.Repeat("0", 64): other, impostor.pin: impostor} {
			_, failed := newClient(t, a.endpoint, time.Minute, pin).Call("start-backup", nil)
			if kind(failed) != "pin-mismatch" || a.connections.Load() != 1 || a.received.Load() != 0 {
				t.Error(failed, a.connections.Load(), a.received.Load())
			}
		}
	}
}

func TestTLS11IsRefused(t *testing.T) {
	a := newAgent(t, tls.VersionTLS11, false, storage, 0)
	_, failed := newClient(t, a.endpoint, time.Minute, a.pin).Call("storage", nil)
	if kind(failed) != "tls" || a.received.Load() != 0 {
		t.Error(failed, a.received.Load())
	}
}

func TestTheDeadlineIsOneForTheWholeCall(t *testing.T) {
	a := newAgent(t, tls.VersionTLS13, false, storage, 50*time.Millisecond)
	_, failed := newClient(t, a.endpoint, 500*time.Millisecond, a.pin).Call("storage", nil)
	if kind(failed) != "deadline" {
		t.Error(failed)
	}
}

func TestTheTokenIsMasked(t *testing.T) {
	for _, spelled := range []string{token, `\u0067` + token[1:]} {
		a := newAgent(t, tls.VersionTLS13, false, `{"ok":false,"error":"of `+spelled+`"}`, 0)
		_, failed := newClient(t, a.endpoint, time.Minute, a.pin).Call("storage", nil)
		if kind(failed) != "agent" || failed.Message != "of [masked]" {
			t.Error(failed)
		}
	}
}

func TestABodyOfAMebibyteIsTheLargest(t *testing.T) {
	padding := strings.Repeat(" ", maxBodyBytes-len(storage))
	for body, expected := range map[string]string{storage + padding: "", storage + padding + " ": "response-too-large"} {
		a := newAgent(t, tls.VersionTLS13, false, body, 0)
		_, failed := newClient(t, a.endpoint, time.Minute, a.pin).Call("storage", nil)
		if kind(failed) != expected {
			t.Error(len(body), failed)
		}
	}
}

// A hostile component: what it asks for is refused, and nobody is connected to.
func TestOnlyNineRoutesOfOneAuthorityLeave(t *testing.T) {
	pin := make([]byte, 32)
	sender, err := NewSender("agent.invalid", token, []string{hex.EncodeToString(pin)}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	request := func() *outgoingRequest {
		return &outgoingRequest{
			headers: fields{{"authorization", []byte("Bearer " + sender.StandIn)}},
			method:  "GET", scheme: "HTTPS", authority: "agent.invalid:443", path: "/storage",
		}
	}
	if sender.admit(request()) == nil {
		t.Error("a request before the pin")
	}
	if refusal := sender.Pin("agent.invalid:443", [][]byte{pin}); refusal != nil {
		t.Fatal(refusal)
	}
	if err := sender.admit(request()); err != nil {
		t.Error("the request itself is fine:", err)
	}
	for name, change := range map[string]func(*outgoingRequest){
		"query":      func(r *outgoingRequest) { r.path = "/storage?x" },
		"no path":    func(r *outgoingRequest) { r.path = "" },
		"method":     func(r *outgoingRequest) { r.method = "POST" },
		"http":       func(r *outgoingRequest) { r.scheme = "HTTP" },
		"authority":  func(r *outgoingRequest) { r.authority = "elsewhere.invalid:443" },
		"no token":   func(r *outgoingRequest) { r.headers = nil },
		"token":      func(r *outgoingRequest) { r.headers[0].value = []byte("Bearer " + token) },
		"two tokens": func(r *outgoingRequest) { r.headers = append(r.headers, r.headers[0]) },
		"body":       func(r *outgoingRequest) { r.body = make([]byte, maxBodyBytes+1) },
		"unfinished": func(r *outgoingRequest) { r.hasBody = true },
	} {
		changed := request()
		change(changed)
		if sender.admit(changed) == nil {
			t.Error(name)
		}
	}
}

func TestOnlyWhatTheHostWasConfiguredWithMayBePinned(t *testing.T) {
	first, second := make([]byte, 32), bytes.Repeat([]byte{1}, 32)
	sender, _ := NewSender("agent", token, []string{hex.EncodeToString(first), hex.EncodeToString(second)}, time.Minute)
	if refusal := sender.Pin("agent:443", [][]byte{second, first}); refusal != nil {
		t.Error(refusal)
	}
	for _, leaves := range [][][]byte{nil, {first}, {first, bytes.Repeat([]byte{2}, 32)}} {
		if refusal := sender.Pin("agent:443", leaves); refusal == nil || refusal.Tag != "fingerprints" {
			t.Error(leaves, refusal)
		}
	}
	if refusal := sender.Pin("other:443", [][]byte{first, second}); refusal == nil || refusal.Tag != "authority" {
		t.Error(refusal)
	}
}

func TestAnInstanceThatTrappedIsThrownAway(t *testing.T) {
	a := newAgent(t, tls.VersionTLS13, false, storage, 0)
	client := newClient(t, a.endpoint, time.Minute, a.pin)
	first := client.instance
	// The host's side of the instance is broken: the next import panics, which is a trap to the component.
	first.Imports.sender = nil
	if _, failed := client.Call("storage", nil); kind(failed) != "internal" {
		t.Fatal(failed)
	}
	if _, failed := client.Call("storage", nil); failed != nil || client.instance == first {
		t.Error(failed)
	}
}
