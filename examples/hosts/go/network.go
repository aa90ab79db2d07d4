package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	maxBodyBytes = 1 << 20
	maxHeadBytes = 64 << 10
	// minSecretBytes: a shorter token is part of too many words to be masked, and guards nothing.
	minSecretBytes = 8
)

var routes = []string{
	"GET /storage", "GET /backup/due", "POST /backup", "GET /backup/status", "GET /disks", "POST /disks/assign",
	"POST /disks/eject", "POST /disks/format", "GET /host/metrics",
}

// Failure is an exchange that failed, with its error code of wasi:http.
type Failure struct {
	Code    string
	Payload any
	Cause   error
}

func (f *Failure) Error() string { return f.Cause.Error() }
func (f *Failure) Unwrap() error { return f.Cause }

func failure(code, format string, arguments ...any) *Failure {
	return &Failure{Code: code, Cause: fmt.Errorf(format, arguments...)}
}

// Sender sends requests to one agent, whose leaf certificate has one of these fingerprints. Each request has a connection
// of its own, so that nothing is reused, under whatever pin.
type Sender struct {
	// StandIn is what the component is given in place of the token, which never enters its memory.
	StandIn   string
	token     string
	endpoint  string
	pins      []string
	authority string
	deadline  time.Duration
	endsAt    time.Time
}

func NewSender(endpoint, token string, fingerprints []string, deadline time.Duration) (*Sender, error) {
	isUnprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if token == "" || strings.IndexFunc(token, isUnprintable) >= 0 || strings.Trim(token, " ") != token {
		return nil, errors.New("token: expected printable ASCII, no blank at either end")
	}
	s := &Sender{StandIn: strings.ToLower(rand.Text()), token: token, endpoint: endpoint, deadline: deadline}
	for _, text := range fingerprints {
		// What is no fingerprint is refused by the component, which has the words for it.
		s.pins = append(s.pins, strings.ToLower(strings.NewReplacer(":", "", " ", "", "\t", "").Replace(text)))
	}
	return s, nil
}

// Pin compares what the component was connected with, and says what it refuses.
func (s *Sender) Pin(authority string, leaves [][]byte) *Variant {
	if !sameAuthority(authority, s.endpoint) {
		return &Variant{"authority", "this instance is for another authority"}
	}
	stated := make([]string, len(leaves))
	for i, leaf := range leaves {
		stated[i] = hex.EncodeToString(leaf)
	}
	// Equal sets, whatever the order: a component that states other pins was connected with others.
	missingFrom := func(set []string) func(string) bool {
		return func(pin string) bool { return !slices.Contains(set, pin) }
	}
	if slices.ContainsFunc(stated, missingFrom(s.pins)) || slices.ContainsFunc(s.pins, missingFrom(stated)) {
		return &Variant{"fingerprints", "the host enforces other fingerprints"}
	}
	s.authority = authority
	return nil
}

// StartCall begins a call's deadline: from looking the name up to the last byte of the answer.
func (s *Sender) StartCall() { s.endsAt = time.Now().Add(s.deadline) }

// Mask hides the token in a text of the agent, which may repeat it.
func (s *Sender) Mask(text string) string {
	for _, secret := range []string{s.token, s.StandIn} {
		if len(secret) >= minSecretBytes {
			text = strings.ReplaceAll(text, secret, "[masked]")
		}
	}
	return text
}

// Exchange sends a request, once, and returns the status and the whole body of its answer.
func (s *Sender) Exchange(request *outgoingRequest) (uint16, []byte, error) {
	if err := s.admit(request); err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithDeadline(context.Background(), s.endsAt)
	defer cancel()
	c := &connection{sender: s}
	c.phase.Store("connection-timeout")
	status, body, err := c.converse(ctx, request)
	if err != nil {
		return 0, nil, c.failure(err)
	}
	return status, []byte(s.Mask(string(body))), nil
}

func (s *Sender) admit(request *outgoingRequest) error {
	authorization := func(h header) bool { return h.name == "authorization" }
	at := slices.IndexFunc(request.headers, authorization)
	switch {
	case s.authority == "" || request.authority != s.authority:
		return failure("HTTP-request-denied", "a request to another authority than the pinned one")
	case request.scheme != "HTTPS":
		return failure("HTTP-request-denied", "a request without https")
	case at < 0 || string(request.headers[at].value) != "Bearer "+s.StandIn,
		slices.ContainsFunc(request.headers[at+1:], authorization):
		return failure("HTTP-request-denied", "a request without the token that the component was given")
	case !slices.Contains(routes, request.method+" "+request.path):
		return failure("HTTP-request-denied", "a request to a route that the agent does not have")
	case len(request.body) > maxBodyBytes || request.hasBody && !request.isFinished:
		return failure("HTTP-request-denied", "a request body that is too large or does not end")
	}
	return nil
}

func (s *Sender) checkLeaf(chain [][]byte, _ [][]*x509.Certificate) error {
	presented := sha256.Sum256(chain[0])
	if !slices.Contains(s.pins, hex.EncodeToString(presented[:])) {
		return failure("TLS-certificate-error", "expected fingerprint %s, presented %x", strings.Join(s.pins, " or "), presented)
	}
	return nil
}

// sameAuthority compares two spellings of an authority, of which the port may be missing.
func sameAuthority(one, other string) bool {
	return normalAuthority(one) == normalAuthority(other)
}

func normalAuthority(text string) string {
	text = strings.TrimSpace(text)
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), "443"
	}
	if address, err := netip.ParseAddr(host); err == nil {
		host = address.String()
	}
	return net.JoinHostPort(strings.ToLower(host), strings.TrimLeft(port, "0"))
}
