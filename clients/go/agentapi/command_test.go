package agentapi

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWrongArgumentsAreRefusedByNew(t *testing.T) {
	agent := startMock(t)
	for _, wrong := range []target{
		{"", agent.Fingerprint, agent.Token},
		{agent.Endpoint, "zz", agent.Token},
		{agent.Endpoint, agent.Fingerprint, ""},
	} {
		_, err := NewCommand(wrong.Endpoint, wrong.Token, wrong.Fingerprint, Options{Command: program(t)})
		var failure *Error
		if !errors.As(err, &failure) || failure.Kind != "invalid-argument" {
			t.Errorf("%+v: expected invalid-argument, found %v", wrong, err)
		}
	}
	_, err := NewCommand(agent.Endpoint, agent.Token, agent.Fingerprint, Options{Command: "/nowhere/agentapi"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("expected that there is no such file, found %v", err)
	}
}

func TestTheTokenIsThatOfTheClientAndInNoArgument(t *testing.T) {
	t.Setenv("AGENTAPI_TOKEN_FILE", "/nowhere")
	agent := startMock(t)
	client := startCommand(t, agent)
	child := takeIdle(t, client)
	defer func() { client.transport.(*processes).idle <- child }()
	arguments := must(os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child.command.Process.Pid)))(t)
	if !bytes.Contains(arguments, []byte("call")) || bytes.Contains(arguments, []byte(agent.Token)) {
		t.Errorf("found %q", arguments)
	}
}

func TestThereAreNoMoreProcessesThanTheOptionsSay(t *testing.T) {
	agent := startMock(t)
	client := must(NewCommand(agent.Endpoint, agent.Token, agent.Fingerprint, Options{Command: program(t), Processes: 2}))(t)
	defer client.Close()
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			must(client.Storage(limited(t)))(t)
		}()
	}
	group.Wait()
	if idle := len(client.transport.(*processes).idle); idle > 2 {
		t.Errorf("expected 2 processes at most, found %d", idle)
	}
}

func TestACommandThatEndedIsStartedAgain(t *testing.T) {
	client := startCommand(t, startMock(t))
	child := takeIdle(t, client)
	child.kill()
	<-child.gone
	client.transport.(*processes).idle <- child
	if _, err := client.StartBackup(limited(t)); err != nil {
		t.Error(err)
	}
}

func TestACommandThatEndsDuringACallMayHaveActed(t *testing.T) {
	client := startCommand(t, startMock(t, "start-backup:latency=10000"))
	child := takeIdle(t, client)
	idle := client.transport.(*processes).idle
	idle <- child
	go func() {
		for len(idle) > 0 {
			time.Sleep(time.Millisecond)
		}
		child.kill()
	}()
	_, err := client.StartBackup(limited(t))
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != "interrupted" || !failure.MayHaveActed() {
		t.Errorf("expected interrupted, found %v", err)
	}
}

func TestTheDeadlineIsThatOfTheOptions(t *testing.T) {
	agent := startMock(t, "storage:latency=10000")
	client := must(NewCommand(agent.Endpoint, agent.Token, agent.Fingerprint, Options{Command: program(t), Deadline: 200 * time.Millisecond}))(t)
	defer client.Close()
	_, err := client.Storage(limited(t))
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != "deadline" || !strings.Contains(failure.Message, "200 ms") {
		t.Errorf("expected the deadline of 200 ms, found %v", err)
	}
}

func TestAClosedClientEndsItsCallsAndProcesses(t *testing.T) {
	client := startCommand(t, startMock(t, "storage:latency=10000"))
	child := takeIdle(t, client)
	client.transport.(*processes).idle <- child
	failed := make(chan error)
	go func() {
		_, err := client.Storage(limited(t))
		failed <- err
	}()
	time.Sleep(50 * time.Millisecond)
	client.Close()
	if err := <-failed; !errors.Is(err, errClosed) {
		t.Errorf("expected that the client is closed, found %v", err)
	}
	if _, err := client.BackupDue(limited(t)); !errors.Is(err, errClosed) || child.isAlive() {
		t.Errorf("expected that the client is closed, found %v", err)
	}
	client.Close()
}

// takeIdle takes the one process of a client that has made one call.
func takeIdle(t *testing.T, client *Client) *process {
	select {
	case child := <-client.transport.(*processes).idle:
		return child
	default:
		t.Fatal("expected an idle process, found none")
		return nil
	}
}
