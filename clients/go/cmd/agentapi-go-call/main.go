// The command agentapi-go-call reads JSON Lines and answers them as `agentapi call` does, by the client for Go: over the
// socket that AGENTAPI_SOCKET names, else over the command that AGENTAPI_COMMAND names, with the endpoint, the token and the
// fingerprints of the environment. It shows that the client loses nothing, and serves to try it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"felhom/agentapi"
)

func main() {
	client, connectErr := connect()
	lines, output := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := output.Encode(answer(client, connectErr, line)); err != nil {
				log.Fatalf("standard output cannot be written: %v", err)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatalf("standard input cannot be read: %v", err)
		}
	}
	if client != nil {
		client.Close()
	}
}

func connect() (*agentapi.Client, error) {
	if path := os.Getenv("AGENTAPI_SOCKET"); path != "" {
		return agentapi.NewSocket(path).Client, nil
	}
	options := agentapi.Options{Command: os.Getenv("AGENTAPI_COMMAND")}
	if text := os.Getenv("AGENTAPI_DEADLINE_MS"); text != "" {
		milliseconds, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		options.Deadline = time.Duration(milliseconds) * time.Millisecond
	}
	return agentapi.NewCommand(os.Getenv("AGENTAPI_ENDPOINT"), os.Getenv("AGENTAPI_TOKEN"), os.Getenv("AGENTAPI_FINGERPRINT"), options)
}

type request struct {
	ID   json.RawMessage
	Op   string
	Args args
}

type args struct {
	UUID, Where, FSType, Options, Device string
	Confirmed                            bool
	DurableID                            string `json:"durable_id"`
	Op                                   string
	HostScope                            string `json:"host_scope"`
}

type response struct {
	ID    json.RawMessage `json:"id,omitempty"`
	OK    bool            `json:"ok"`
	Value any             `json:"value,omitempty"`
	Error *failure        `json:"error,omitempty"`
}

type failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Status  int    `json:"status,omitempty"`
	Value   any    `json:"value,omitempty"`
}

func answer(client *agentapi.Client, connectErr error, line []byte) response {
	var read request
	err := json.Unmarshal(line, &read)
	if err == nil && !utf8.Valid(line) {
		err = errors.New("the line is not UTF-8")
	}
	if connectErr != nil {
		return response{ID: read.ID, Error: describe(connectErr, nil)}
	}
	if err != nil {
		return response{ID: read.ID, Error: &failure{Kind: "invalid-argument", Message: err.Error()}}
	}
	value, err := perform(client, read.Op, read.Args)
	if err != nil {
		return response{ID: read.ID, Error: describe(err, value)}
	}
	if value == nil {
		value = json.RawMessage("null")
	}
	return response{ID: read.ID, OK: true, Value: value}
}

func perform(client *agentapi.Client, op string, args args) (any, error) {
	ctx := context.Background()
	switch op {
	case "new":
		return nil, client.Check(ctx)
	case "storage":
		return client.Storage(ctx)
	case "backup-due":
		return client.BackupDue(ctx)
	case "start-backup":
		return client.StartBackup(ctx)
	case "backup-status":
		return client.BackupStatus(ctx)
	case "disks":
		return client.Disks(ctx)
	case "assign-disk":
		return nil, client.AssignDisk(ctx, args.UUID, args.Where, args.FSType, args.Options)
	case "eject-disk":
		return client.EjectDisk(ctx, args.Where)
	case "format-disk":
		return client.FormatDisk(ctx, args.Device, args.FSType, args.Confirmed, args.DurableID)
	case "host-metrics":
		return client.HostMetrics(ctx)
	case "fs-uuid":
		return agentapi.DiskInfo{DurableID: args.DurableID}.FSUUID(), nil
	case "opsign-command":
		pending := agentapi.PendingOp{Op: args.Op, HostScope: args.HostScope, DurableID: args.DurableID, FSType: args.FSType}
		return pending.OpsignCommand(), nil
	}
	return nil, &agentapi.Error{Kind: "invalid-argument", Message: "op: expected an operation, found " + strconv.Quote(op)}
}

// describe has the value only where an error fills the result: else that is the zero value.
func describe(err error, value any) *failure {
	var known *agentapi.Error
	var needed *agentapi.ApprovalNeeded
	switch {
	case errors.Is(err, agentapi.ErrNeedsConfirmation), errors.Is(err, agentapi.ErrFormatRefused):
	case errors.As(err, &needed):
		return &failure{Kind: "approval-needed", Message: err.Error(), Value: needed}
	default:
		value = nil
	}
	if errors.As(err, &known) {
		return &failure{Kind: known.Kind, Message: known.Message, Status: known.Status, Value: value}
	}
	return &failure{Kind: "internal", Message: err.Error()}
}
