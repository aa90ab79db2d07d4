package agentapi

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"time"
)

// Options of a client over child processes. The zero value serves.
type Options struct {
	// Command is the program; "agentapi" in PATH by default.
	Command string
	// Deadline of each call in all; that of the command (15 s) by default.
	Deadline time.Duration
	// Processes is how many calls run at once, each on a process of its own; 4 by default.
	Processes int
	// Stderr takes the log of the command; the standard error of this process by default.
	Stderr *os.File
}

// New is a client that runs the command agentapi, found in PATH.
func New(endpoint, token, fingerprintHex string) (*Client, error) {
	return NewCommand(endpoint, token, fingerprintHex, Options{})
}

// NewCommand is a client that runs `agentapi call` as a child process, one for each call that runs at the same time. It has
// the first one read the arguments, which makes no request, and fails where they are wrong. Several fingerprints are
// separated by commas. The token is in the environment of the child, which only its own user can read.
func NewCommand(endpoint, token, fingerprintHex string, options Options) (*Client, error) {
	if options.Command == "" {
		options.Command = "agentapi"
	}
	if options.Processes <= 0 {
		options.Processes = 4
	}
	if options.Stderr == nil {
		options.Stderr = os.Stderr
	}
	environment := []string{"AGENTAPI_ENDPOINT=" + endpoint, "AGENTAPI_TOKEN=" + token, "AGENTAPI_FINGERPRINT=" + fingerprintHex}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch name {
		case "AGENTAPI_ENDPOINT", "AGENTAPI_TOKEN", "AGENTAPI_TOKEN_FILE", "AGENTAPI_FINGERPRINT":
		default:
			environment = append(environment, variable)
		}
	}
	p := &processes{
		options: options, environment: environment,
		permits: make(chan struct{}, options.Processes), idle: make(chan *process, options.Processes),
	}
	p.open, p.end = context.WithCancel(context.Background())
	client := &Client{p}
	if err := client.Check(context.Background()); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// processes are the children. Each answers its lines in order and so runs one call at a time.
type processes struct {
	options     Options
	environment []string
	permits     chan struct{}
	idle        chan *process
	open        context.Context
	end         context.CancelFunc
}

func (p *processes) call(ctx context.Context, op string, args any) (json.RawMessage, error) {
	select {
	case p.permits <- struct{}{}:
		defer func() { <-p.permits }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.open.Done():
		return nil, errClosed
	}
	// The choice among several that are ready is random.
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	child, err := p.take()
	if err != nil {
		return nil, err
	}
	// Whoever stops waiting ends the child: its answer may not be read by the next call. It also ends the request.
	stop := context.AfterFunc(ctx, child.kill)
	stopClosing := context.AfterFunc(p.open, child.kill)
	value, isIntact, err := child.ask(op, args)
	isKept, isOpen := stop(), stopClosing()
	switch {
	case !isKept:
		child.end()
		return nil, ctx.Err()
	case !isOpen:
		child.end()
		return nil, errClosed
	case !isIntact:
		child.end()
	default:
		p.idle <- child
	}
	return value, err
}

// take gives an idle process that is alive, or starts one.
func (p *processes) take() (*process, error) {
	for p.open.Err() == nil {
		select {
		case child := <-p.idle:
			if child.isAlive() {
				return child, nil
			}
			child.end()
		default:
			return p.start()
		}
	}
	return nil, errClosed
}

func (p *processes) close() error {
	p.end()
	// With all permits no call runs, and none puts its process back.
	for i := 0; i < cap(p.permits); i++ {
		p.permits <- struct{}{}
	}
	for {
		select {
		case child := <-p.idle:
			child.end()
		default:
			for i := 0; i < cap(p.permits); i++ {
				<-p.permits
			}
			return nil
		}
	}
}

var errClosed = &Error{Kind: "invalid-argument", Message: "the client is closed"}
