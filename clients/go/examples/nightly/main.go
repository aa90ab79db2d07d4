// The program nightly makes a backup if one is due, while another program holds the database still: `nightly HOLDER ARGS..`.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"felhom/agentapi"
)

// The database is held for lease at most, whatever the backup does. A holder that does not thaw within patience is killed.
const lease, patience = 10 * time.Minute, 30 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := nightly(ctx, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func nightly(ctx context.Context, holder []string) error {
	agent, err := agentapi.New(os.Getenv("AGENTAPI_ENDPOINT"), os.Getenv("AGENTAPI_TOKEN"), os.Getenv("AGENTAPI_FINGERPRINT"))
	if err != nil {
		return err
	}
	defer agent.Close()
	if due, err := agent.BackupDue(ctx); err != nil || !due.Due {
		return err
	}
	held, thaw := context.WithTimeout(ctx, lease)
	ended, err := hold(held, thaw, holder)
	defer func() { thaw(); <-ended }()
	if err != nil {
		return err
	}
	job, err := agent.StartBackup(held)
	if err != nil {
		return fmt.Errorf("it may have begun: look at its status before you start another one: %w", err)
	}
	for ; ; time.Sleep(time.Second) {
		status, err := agent.BackupStatus(held)
		switch {
		case held.Err() != nil:
			return fmt.Errorf("%s goes on and is only crash-consistent: it was thawed by a signal, the lease or the holder's end", job.JobID)
		case err != nil:
			log.Print(err) // The backup goes on without us: ask again.
		case status.JobID != job.JobID || status.Phase == agentapi.PhaseFailed:
			return fmt.Errorf("%s failed: %+v", job.JobID, status)
		case status.Phase == agentapi.PhaseDone:
			thaw()
			return <-ended
		}
	}
}

// hold has the program freeze: it prints the line "frozen", and thaws when its standard input closes, by thaw or by our death.
func hold(ctx context.Context, thaw context.CancelFunc, program []string) (<-chan error, error) {
	ended := make(chan error, 1)
	command := exec.CommandContext(ctx, program[0], program[1:]...)
	stdin, inErr := command.StdinPipe()
	stdout, outErr := command.StdoutPipe()
	command.Cancel = func() error { stdin.Close(); return os.ErrProcessDone }
	command.WaitDelay, command.Stderr = patience, os.Stderr
	if err := errors.Join(inErr, outErr, command.Start()); err != nil {
		close(ended)
		return ended, err
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	go func() { ended <- command.Wait(); thaw(); close(ended) }()
	if line != "frozen\n" {
		return ended, fmt.Errorf("expected that the holder prints frozen, found %q", line)
	}
	return ended, nil
}
