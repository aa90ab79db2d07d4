package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// holder says when it freezes and when it thaws, which takes a while, in the file that is its argument.
const holder = `echo frozen >> "$1"; echo frozen; cat > /dev/null; sleep 0.3; echo thawed >> "$1"`

func TestTheDatabaseIsHeldUntilTheBackupIsDone(t *testing.T) {
	log, nightly := start(t, "")
	if err := nightly.Wait(); err != nil {
		t.Fatal(err)
	}
	if text := read(t, log); text != "frozen\nthawed\n" {
		t.Errorf("found %q", text)
	}
}

func TestWhateverEndsItTheDatabaseIsThawed(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt, os.Kill} {
		log, nightly := start(t, "backup-status:latency=60000")
		wait(t, log, "frozen\n")
		nightly.Process.Signal(signal)
		if nightly.Wait() == nil {
			t.Errorf("%v: expected that it says so", signal)
		}
		wait(t, log, "frozen\nthawed\n")
	}
}

func TestABackupThatCannotBeStartedIsThawed(t *testing.T) {
	log, nightly := start(t, "start-backup:status=409")
	if nightly.Wait() == nil {
		t.Error("expected that it fails")
	}
	if text := read(t, log); text != "frozen\nthawed\n" {
		t.Errorf("found %q", text)
	}
}

func TestAHolderThatEndsEarlyFailsTheBackup(t *testing.T) {
	log, nightly := start(t, "backup-status:latency=60000", "sh", "-c", `echo frozen; sleep 0.2; echo gone >> "$1"`, "holder")
	if nightly.Wait() == nil {
		t.Error("expected that it fails")
	}
	wait(t, log, "gone\n")
}

// start runs the example against a mock agent with a fault.
func start(t *testing.T, fault string, program ...string) (log string, nightly *exec.Cmd) {
	folder := t.TempDir()
	log = filepath.Join(folder, "log")
	if len(program) == 0 {
		program = []string{"sh", "-c", holder, "holder"}
	}
	binary := filepath.Join(folder, "nightly")
	if output, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	command, err := filepath.Abs("../../../../target/debug/agentapi")
	if named := os.Getenv("AGENTAPI"); named != "" {
		command, err = filepath.Abs(named)
	}
	if err == nil {
		err = os.Symlink(command, filepath.Join(folder, "agentapi"))
	}
	if err != nil {
		t.Fatal(err)
	}
	nightly = exec.Command(binary, append(program, log)...)
	nightly.Stderr = os.Stderr
	nightly.Env = append(os.Environ(), startMock(t, command, fault)...)
	nightly.Env = append(nightly.Env, "PATH="+folder+":"+os.Getenv("PATH"))
	if err := nightly.Start(); err != nil {
		t.Fatal(err)
	}
	return log, nightly
}

// startMock gives the variables that lead to a mock agent.
func startMock(t *testing.T, command, fault string) []string {
	arguments := []string{"mock", "--json"}
	if fault != "" {
		arguments = append(arguments, "--fault", fault)
	}
	mock := exec.Command(command, arguments...)
	stdout, err := mock.StdoutPipe()
	if err == nil {
		err = mock.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mock.Process.Signal(os.Interrupt)
		mock.Wait()
	})
	output := bufio.NewReader(stdout)
	line, _ := output.ReadBytes('\n')
	go io.Copy(io.Discard, output)
	var target struct{ Endpoint, Fingerprint, Token string }
	if err := json.Unmarshal(line, &target); err != nil {
		t.Fatal(err)
	}
	return []string{"AGENTAPI_ENDPOINT=" + target.Endpoint, "AGENTAPI_FINGERPRINT=" + target.Fingerprint, "AGENTAPI_TOKEN=" + target.Token}
}

// wait waits until the file has this text.
func wait(t *testing.T, path, text string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); read(t, path) != text; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("expected %q, found %q", text, read(t, path))
		}
	}
}

func read(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}
