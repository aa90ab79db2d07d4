package agentapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Controller is a Client over the socket of a controller on this machine (agentapi serve), and what else that offers.
type Controller struct {
	*Client
	socket *socket
}

// NewSocket is the client of the controller that listens on the Unix socket at path, such as /run/agentapi/agentapi.sock.
// It connects with the first call.
func NewSocket(path string) *Controller {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	s := &socket{http.Client{Transport: &http.Transport{DialContext: dial, IdleConnTimeout: idleLimit}}}
	return &Controller{&Client{s}, s}
}

type socket struct{ http http.Client }

func (s *socket) call(ctx context.Context, op string, args any) (json.RawMessage, error) {
	method := http.MethodGet
	switch op {
	case "start-backup", "assign-disk", "eject-disk", "format-disk":
		method = http.MethodPost
	}
	return s.send(ctx, method, "/v1/agent/"+op, args)
}

func (s *socket) close() error {
	s.http.CloseIdleConnections()
	return nil
}

// send gives the body of a successful answer.
func (s *socket) send(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	response, err := s.open(ctx, method, path, body, "application/json")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, transportError(ctx, err)
	}
	if response.StatusCode != http.StatusAccepted {
		return raw, nil
	}
	// The one request that is answered before it is done: a wipe.
	needed, err := decode[ApprovalNeeded](raw)
	if err != nil {
		return nil, err
	}
	return nil, &needed
}

// open gives a successful answer, whose body is to be read and closed.
func (s *socket) open(ctx context.Context, method, path string, body any, accept string) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://agentapi"+path, content)
	if err != nil {
		return nil, &Error{Kind: "invalid-argument", Message: err.Error(), cause: err}
	}
	request.Header.Set("Accept", accept)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
		// The controller acts once on each key. So net/http may send the request again where an idle connection turns out
		// to be closed, which it does for requests that have this header.
		request.Header.Set("Idempotency-Key", newKey())
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, transportError(ctx, err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, transportError(ctx, err)
	}
	return nil, problem(response.StatusCode, raw)
}

// problem reads the problem JSON (RFC 9457) of an answer.
func problem(status int, raw []byte) error {
	var found struct {
		Kind, Detail string
		AgentStatus  int `json:"agent_status"`
		Value        json.RawMessage
	}
	if json.Unmarshal(raw, &found) != nil || found.Kind == "" {
		return &Error{Kind: "decode", Status: status, Message: decodeError(raw).Message}
	}
	return &Error{Kind: found.Kind, Status: found.AgentStatus, Message: found.Detail, value: found.Value}
}

// transportError tells a controller that is not there, to which nothing was sent, from one that went away.
func transportError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var failed *net.OpError
	if errors.As(err, &failed) && failed.Op == "dial" {
		return &Error{Kind: "unreachable", Message: "the controller: " + failed.Error(), cause: err}
	}
	return &Error{Kind: "interrupted", Message: "the controller: " + err.Error(), cause: err}
}

func newKey() string {
	key := make([]byte, 16)
	// Fails on no platform that has a Unix socket.
	_, _ = rand.Read(key)
	return hex.EncodeToString(key)
}

// Shorter than the 10 s after which the controller closes a connection on which nothing is asked.
const idleLimit = 5 * time.Second
