// A host of the agentapi component in Go, to be read and changed. It runs the component in wasmtime by its C API, because
// the packages for Go have no linker for components.
//
// It keeps what docs/hosting.md asks of a host, except for this:
//
//   - A call's deadline ends waiting for the network, and not a component that computes.
//   - Each call has a connection of its own, and so a TLS handshake.
//   - A connection that breaks right after the handshake is interrupted, and not unreachable.
//   - The token is in ordinary strings, and not wiped from memory.
//
// It speaks the protocol of `agentapi call`: JSON Lines on standard input, an answer to each on standard output.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const defaultDeadline = 15 * time.Second

// line is a request. What is not there stays empty.
type line struct {
	ID   json.RawMessage `json:"id"`
	Op   any             `json:"op"`
	Args json.RawMessage `json:"args"`
}

type answer struct {
	ID    json.RawMessage `json:"id,omitempty"`
	OK    bool            `json:"ok"`
	Value *any            `json:"value,omitempty"`
	Error *CallError      `json:"error,omitempty"`
}

func main() {
	client, err := connect()
	if err != nil && err.Kind == "" {
		fmt.Fprintln(os.Stderr, err.Message)
		os.Exit(2)
	}
	input := bufio.NewReader(os.Stdin)
	for {
		text, failure := input.ReadBytes('\n')
		if len(text) > 0 {
			if answerLine(client, err, text) != nil {
				// The reader has seen enough.
				return
			}
		}
		if failure == io.EOF {
			return
		}
		if failure != nil {
			fmt.Fprintln(os.Stderr, "standard input cannot be read:", failure)
			os.Exit(1)
		}
	}
}

// connect makes a client of what the environment says. An error without a kind is wrong usage.
func connect() (*Client, *CallError) {
	endpoint, token, pins := os.Getenv("AGENTAPI_ENDPOINT"), os.Getenv("AGENTAPI_TOKEN"), os.Getenv("AGENTAPI_FINGERPRINT")
	path := flag.String("component", "agentapi.wasm", "the component")
	flag.Parse()
	deadline := defaultDeadline
	if text, isSet := os.LookupEnv("AGENTAPI_DEADLINE_MS"); isSet {
		milliseconds, err := strconv.Atoi(text)
		if err != nil {
			return nil, &CallError{Message: "AGENTAPI_DEADLINE_MS: expected a number of milliseconds"}
		}
		deadline = time.Duration(milliseconds) * time.Millisecond
	}
	for _, name := range []string{"AGENTAPI_ENDPOINT", "AGENTAPI_TOKEN", "AGENTAPI_FINGERPRINT"} {
		if _, isSet := os.LookupEnv(name); !isSet {
			return nil, &CallError{Message: "expected " + name + " in the environment"}
		}
	}
	component, err := LoadComponent(*path, cacheFolder())
	if err != nil {
		return nil, &CallError{Message: err.Error()}
	}
	return NewClient(component, endpoint, token, strings.Split(pins, ","), deadline)
}

// cacheFolder is that of agentapi itself, which is this user's alone.
func cacheFolder() string {
	if named, isSet := os.LookupEnv("AGENTAPI_CACHE_DIR"); isSet {
		return named
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(folder, "agentapi")
}

func answerLine(client *Client, failure *CallError, text []byte) error {
	var request line
	var given answer
	err := json.Unmarshal(text, &request)
	given.ID = request.ID
	switch operation, isText := request.Op.(string); {
	case failure != nil:
		given.Error = failure
	case err != nil:
		given.Error = invalid("expected a JSON object: " + err.Error())
	case !isText:
		given.Error = invalid("op: expected a text")
	default:
		value, failed := client.Call(operation, request.Args)
		given.OK, given.Error = failed == nil, failed
		if given.OK {
			given.Value = &value
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(given)
}
