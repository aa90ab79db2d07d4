package agentapi

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// process is a child that answers its lines one after the other.
type process struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *os.File
	answers *bufio.Reader
	latest  int64
	gone    chan struct{}
}

func (p *processes) start() (*process, error) {
	arguments := []string{"call"}
	if p.options.Deadline > 0 {
		arguments = append(arguments, fmt.Sprintf("--deadline-ms=%d", p.options.Deadline.Milliseconds()))
	}
	command := exec.Command(p.options.Command, arguments...)
	command.Env, command.Stderr = p.environment, p.options.Stderr
	// Ctrl-C reaches every process of the terminal's group: this one decides what it ends.
	command.SysProcAttr = ownGroup()
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, startError(err)
	}
	// Not StdoutPipe, which Wait closes: the process is waited for from the start, so that one that ended is noticed.
	stdout, childStdout, err := os.Pipe()
	if err != nil {
		return nil, startError(err)
	}
	command.Stdout = childStdout
	err = command.Start()
	childStdout.Close()
	if err != nil {
		stdout.Close()
		return nil, startError(err)
	}
	child := &process{command: command, stdin: stdin, stdout: stdout, answers: bufio.NewReader(stdout), gone: make(chan struct{})}
	go func() {
		_ = command.Wait()
		close(child.gone)
	}()
	return child, nil
}

// ask has the child perform an operation. It is not intact afterwards if it did not answer.
func (c *process) ask(op string, args any) (value json.RawMessage, isIntact bool, err error) {
	c.latest++
	line, err := json.Marshal(map[string]any{"id": c.latest, "op": op, "args": args})
	if err != nil {
		return nil, true, err
	}
	_, writeErr := c.stdin.Write(append(line, '\n'))
	text, err := c.answers.ReadBytes('\n')
	var answer struct {
		ID    int64
		OK    bool
		Value json.RawMessage
		Error struct {
			Kind, Message string
			Status        int
			Value         json.RawMessage
		}
	}
	if err != nil || json.Unmarshal(text, &answer) != nil || answer.ID != c.latest {
		message := fmt.Sprintf("%s ended without an answer; it says why on its standard error", c.command)
		return nil, false, &Error{Kind: "interrupted", Message: message, cause: writeErr}
	}
	if !answer.OK {
		failure := answer.Error
		return nil, true, &Error{Kind: failure.Kind, Status: failure.Status, Message: failure.Message, value: failure.Value}
	}
	return answer.Value, true, nil
}

func (c *process) isAlive() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

func (c *process) kill() { _ = c.command.Process.Kill() }

func (c *process) end() {
	c.kill()
	<-c.gone
	c.stdin.Close()
	c.stdout.Close()
}

func startError(err error) error {
	return &Error{Kind: "unreachable", Message: "the command cannot be started: " + err.Error(), cause: err}
}
