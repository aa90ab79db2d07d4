package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// connection is that of one exchange.
type connection struct {
	sender *Sender
	// phase is the error code of a deadline that ends now. A dial may go on in the background when the deadline has ended.
	phase atomic.Value
}

func (c *connection) converse(ctx context.Context, request *outgoingRequest) (uint16, []byte, error) {
	// A transport of its own for each request: it has no proxy, no cache of sessions, and nothing idle, so that it never
	// sends a request twice. Compression is off because the token is searched for in the bytes as they come.
	transport := &http.Transport{
		DialTLSContext:         c.dial,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeadBytes,
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(written httptrace.WroteRequestInfo) {
		if written.Err == nil {
			c.phase.Store("HTTP-response-timeout")
		}
	}})
	sent, err := http.NewRequestWithContext(ctx, request.method, "https://"+c.sender.authority+request.path, c.body(request))
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
	c.phase.Store("connection-read-timeout")
	if response.ContentLength > maxBodyBytes {
		return 0, nil, tooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBodyBytes+1))
	if err == nil {
		// At the deadline the transport says goodbye to the agent, and what the agent answers looks like the end of a body.
		err = ctx.Err()
	}
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
	c.phase.Store("connection-write-timeout")
	counted := &watched{Conn: tcp}
	secured := tls.Client(counted, &tls.Config{
		// Chain, name and dates are not checked, the handshake's signature is all the same.
		InsecureSkipVerify:    true,
		VerifyPeerCertificate: c.sender.checkLeaf,
		ServerName:            serverName(address),
		MinVersion:            tls.VersionTLS12,
		// A session is never resumed: that would not check the certificate again.
		SessionTicketsDisabled: true,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		tcp.Close()
		return nil, handshakeFailure(err)
	}
	return &whole{secured, counted}, nil
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
	var operation *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return failure(c.phase.Load().(string), "the time was over: %w", err)
	case errors.As(err, &name):
		return failure("destination-not-found", "%w", err)
	case errors.As(err, &operation) && operation.Op == "dial":
		return failure("destination-unavailable", "%w", err)
	case errors.As(err, &operation) && operation.Op == "remote error":
		// An alert of TLS, such as that a client certificate is required.
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
