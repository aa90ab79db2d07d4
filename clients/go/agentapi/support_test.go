package agentapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// target is where a mock agent listens.
type target struct{ Endpoint, Fingerprint, Token string }

// program is the command: the one that AGENTAPI names, or the debug build of this repository.
func program(t testing.TB) string {
	if path := os.Getenv("AGENTAPI"); path != "" {
		return path
	}
	path, err := filepath.Abs("../../../target/debug/agentapi")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// startMock starts a mock agent with these faults, which ends with the test.
func startMock(t testing.TB, faults ...string) target {
	arguments := []string{"mock", "--json"}
	for _, fault := range faults {
		arguments = append(arguments, "--fault", fault)
	}
	var found target
	if err := json.Unmarshal([]byte(start(t, "endpoint", arguments...)), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// startController starts a controller of this agent, which ends with the test.
func startController(t testing.TB, agent target) *Controller {
	folder := t.TempDir()
	// The path of a Unix socket has at most 107 bytes, and that of a test's folder may be longer.
	sockets, err := os.MkdirTemp("", "agentapi-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	config := fmt.Sprintf(`
[agent]
endpoint = %q
fingerprints = [%q]
token_file = "token"
[backup]
cron = "0 0 1 1 *"
even_if_not_due = true
accept_crash_consistent = true
[api]
socket = "%[3]s/agentapi.sock"
socket_ro = "%[3]s/agentapi-ro.sock"
[state]
folder = "state"
`, agent.Endpoint, agent.Fingerprint, sockets)
	for name, text := range map[string]string{"controller.toml": config, "token": agent.Token} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, "is ready", "serve", "--config", filepath.Join(folder, "controller.toml"))
	controller := NewSocket(sockets + "/agentapi.sock")
	t.Cleanup(func() { controller.Close() })
	return controller
}

// start starts the command and gives the first line with this text. The command ends with the test.
func start(t testing.TB, text string, arguments ...string) string {
	command := exec.Command(program(t), arguments...)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = writer, writer
	err = command.Start()
	writer.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
		reader.Close()
	})
	output, before := bufio.NewScanner(reader), ""
	for output.Scan() {
		if strings.Contains(output.Text(), text) {
			go io.Copy(io.Discard, reader)
			return output.Text()
		}
		before += output.Text() + "\n"
	}
	t.Fatalf("agentapi %v ended before it was ready:\n%s", arguments, before)
	return ""
}

func startCommand(t testing.TB, agent target) *Client {
	client, err := NewCommand(agent.Endpoint, agent.Token, agent.Fingerprint, Options{Command: program(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// bothWays runs a test over a child process and over a socket, each with an agent of its own.
func bothWays(t *testing.T, faults []string, test func(*testing.T, *Client)) {
	t.Run("command", func(t *testing.T) { test(t, startCommand(t, startMock(t, faults...))) })
	t.Run("socket", func(t *testing.T) { test(t, startController(t, startMock(t, faults...)).Client) })
}

// limited is a context that ends long after everything that a test waits for.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
