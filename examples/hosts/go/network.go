package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
	isPrintable := func(r rune) bool { return r < ' ' || r > '~' }
	if token == "" || strings.IndexFunc(token, isPrintable) >= 0 || strings.Trim(token, " ") != token {
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
	isIn := func(set []string) func(string) bool { return func(pin string) bool { return !slices.Contains(set, pin) } }
	if slices.ContainsFunc(stated, isIn(s.pins)) || slices.ContainsFunc(s.pins, isIn(stated)) {
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
	c := &connection{sender: s, ctx: ctx, phase: "connection-timeout"}
	defer c.close()
	status, body, err := c.converse(request)
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

// connection is that of one exchange.
type connection struct {
	sender *Sender
	ctx    context.Context
	tcp    *watched
	// phase is the error code of a deadline that ends now.
	phase string
}

func (c *connection) close() {
	if c.tcp != nil {
		c.tcp.Close()
	}
}

func (c *connection) converse(request *outgoingRequest) (uint16, []byte, error) {
	// A transport of its own for each request: it has no proxy, no cache of sessions, and nothing idle, so that it never
	// sends a request twice. Compression is off because the token is searched for in the bytes as they come.
	transport := &http.Transport{
		DialTLSContext:         c.dial,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeadBytes,
	}
	sent, err := http.NewRequestWithContext(c.ctx, request.method, "https://"+c.sender.authority+request.path, c.body(request))
	if err != nil {
		return 0, nil, err
	}
	sent.GetBody = nil
	sent.ContentLength = int64(len(request.body))
	sent.Header.Set("Authorization", "Bearer "+c.sender.token)
	sent.Header["User-Agent"] = nil
	if request.method == http.MethodPost {
		sent.Header.Set("Content-Type", "application/json")
	}
	// Not by a client: that would follow redirects.
	response, err := transport.RoundTrip(sent)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	// Interim answers are passed over by now, except for one that would end HTTP on this connection.
	if response.StatusCode < 200 {
		return 0, nil, failure("HTTP-protocol-error", "an answer of status %d", response.StatusCode)
	}
	c.phase = "connection-read-timeout"
	if response.ContentLength > maxBodyBytes {
		return 0, nil, tooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBodyBytes+1))
	if err == nil && len(body) > maxBodyBytes {
		err = tooLarge()
	}
	return uint16(response.StatusCode), body, err
}

// body has no type that http.NewRequest knows: it would make GetBody, and send the request again.
func (c *connection) body(request *outgoingRequest) io.Reader {
	if len(request.body) == 0 {
		return nil
	}
	return io.NopCloser(bytes.NewReader(request.body))
}

func tooLarge() error {
	return &Failure{"HTTP-response-body-size", Option{true, uint64(maxBodyBytes)},
		fmt.Errorf("the answer is larger than %d bytes", maxBodyBytes)}
}

// dial connects to a peer that presented a pinned leaf certificate and proved that it holds its key.
func (c *connection) dial(ctx context.Context, network, address string) (net.Conn, error) {
	tcp, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.tcp, c.phase = &watched{Conn: tcp}, "connection-write-timeout"
	secured := tls.Client(c.tcp, &tls.Config{
		// Chain, name and dates are not checked, the handshake's signature is all the same.
		InsecureSkipVerify:    true,
		VerifyPeerCertificate: c.sender.checkLeaf,
		ServerName:            serverName(address),
		MinVersion:            tls.VersionTLS12,
		// A session is never resumed: that would not check the certificate again.
		SessionTicketsDisabled: true,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, handshakeFailure(err)
	}
	c.phase = "HTTP-response-timeout"
	return &whole{secured, c.tcp}, nil
}

func (s *Sender) checkLeaf(chain [][]byte, _ [][]*x509.Certificate) error {
	presented := sha256.Sum256(chain[0])
	if !slices.Contains(s.pins, hex.EncodeToString(presented[:])) {
		return failure("TLS-certificate-error", "expected fingerprint %s, presented %x", strings.Join(s.pins, " or "), presented)
	}
	return nil
}

func handshakeFailure(err error) error {
	var known *Failure
	if errors.As(err, &known) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	// The library has no type for it.
	if strings.Contains(err.Error(), "invalid signature by the server certificate") {
		return failure("TLS-certificate-error", "the pinned certificate was presented without its key: %w", err)
	}
	return failure("TLS-protocol-error", "%w", err)
}

// failure finds the error code of an error.
func (c *connection) failure(err error) *Failure {
	var known *Failure
	var refused *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded) || c.ctx.Err() != nil:
		return failure(c.phase, "the time was over: %w", err)
	case errors.As(err, &name):
		return failure("destination-not-found", "%w", err)
	case errors.As(err, &refused) && refused.Op == "dial":
		return failure("destination-unavailable", "%w", err)
	case errors.As(err, new(tls.AlertError)):
		return failure("TLS-protocol-error", "%w", err)
	}
	return failure("HTTP-response-incomplete", "%w", err)
}

// watched is a TCP connection that notes its end.
type watched struct {
	net.Conn
	hasEnded bool
}

func (w *watched) Read(buffer []byte) (int, error) {
	length, err := w.Conn.Read(buffer)
	if err == io.EOF {
		w.hasEnded = true
	}
	return length, err
}

// whole is a TLS connection that tells an end by close_notify from one without: crypto/tls calls both io.EOF, and a body
// without a length would be cut off unseen.
type whole struct {
	*tls.Conn
	tcp *watched
}

func (w *whole) Read(buffer []byte) (int, error) {
	length, err := w.Conn.Read(buffer)
	if err == io.EOF && w.tcp.hasEnded {
		err = io.ErrUnexpectedEOF
	}
	return length, err
}

// serverName is sent as SNI, an address never is.
func serverName(address string) string {
	host, _, _ := net.SplitHostPort(address)
	return host
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
