package agentapi

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func TestOperationsGiveWhatTheAgentSays(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, client *Client) {
		ctx := limited(t)
		storage := must(client.Storage(ctx))(t)
		if storage.VMID != 101 || len(storage.Mounts) != 3 || storage.Mounts[0] != (MountInfo{"appdata", "local-nvme", "/mnt/felhom/appdata", "fast", true}) {
			t.Errorf("storage: found %+v", storage)
		}
		if due := must(client.BackupDue(ctx))(t); !due.Due || due.Reason != "last backup 26h ago, policy daily" {
			t.Errorf("due: found %+v", due)
		}
		disks := must(client.Disks(ctx))(t).Disks
		if disks[0].TotalBytes != 512110190592 || disks[0].Role != "system" || !disks[0].DataBearing {
			t.Errorf("disks: found %+v", disks[0])
		}
		if metrics := must(client.HostMetrics(ctx))(t); metrics.Host.MemoryTotalBytes == 0 || len(metrics.StorageTargets) == 0 {
			t.Errorf("metrics: found %+v", metrics)
		}
		if err := client.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestABackupIsStartedOnceAndFollowed(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, client *Client) {
		ctx := limited(t)
		started := must(client.StartBackup(ctx))(t)
		if started.JobID == "" || started.Phase != PhaseRunning {
			t.Errorf("start: found %+v", started)
		}
		for {
			status := must(client.BackupStatus(ctx))(t)
			if status.JobID != started.JobID {
				t.Fatalf("expected the job %s, found %+v", started.JobID, status)
			}
			if status.Phase == PhaseDone {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}

func TestAFormatThatNeedsSomebodyHasAFilledResult(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, client *Client) {
		ctx := limited(t)
		result, err := client.FormatDisk(ctx, "/dev/sdb1", "ext4", false, "")
		if !errors.Is(err, ErrFormatRefused) || result.PendingOp == nil || result.PendingOp.Op != "storage_wipe" {
			t.Errorf("backup disk: found %+v, %v", result, err)
		}
		result, err = client.FormatDisk(ctx, "/dev/sdc1", "ext4", false, "")
		if !errors.Is(err, ErrNeedsConfirmation) || errors.Is(err, ErrFormatRefused) || result.DurableID == "" {
			t.Errorf("user data: found %+v, %v", result, err)
		}
	})
}

func TestErrorsHaveKindStatusAndTheAgentsText(t *testing.T) {
	bothWays(t, []string{"disks:status=503", "backup-due:malformed-json"}, func(t *testing.T, client *Client) {
		ctx := limited(t)
		_, eject := client.EjectDisk(ctx, "/nowhere")
		_, status := client.Disks(ctx)
		_, envelope := client.BackupDue(ctx)
		assign := client.AssignDisk(ctx, "no-such", "/mnt/x", "ext4", "")
		for _, found := range []struct {
			err    error
			kind   string
			status int
		}{{eject, "http-status", 404}, {status, "http-status", 503}, {envelope, "bad-envelope", 0}, {assign, "http-status", 404}} {
			var failure *Error
			if !errors.As(found.err, &failure) || failure.Kind != found.kind || failure.Status != found.status || failure.Message == "" {
				t.Errorf("expected %s %d, found %#v", found.kind, found.status, found.err)
			}
		}
	})
}

func TestACallThatIsGivenUpLeavesNoAnswerToTheNextOne(t *testing.T) {
	// Less than the deadline of 15 s, so that an answer would come.
	bothWays(t, []string{"storage:latency=3000*1"}, func(t *testing.T, client *Client) {
		ctx, cancel := context.WithTimeout(limited(t), 100*time.Millisecond)
		defer cancel()
		if _, err := client.Storage(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("expected the context's error, found %v", err)
		}
		if due := must(client.BackupDue(limited(t)))(t); due.Reason == "" {
			t.Errorf("found %+v", due)
		}
		if storage := must(client.Storage(limited(t)))(t); len(storage.Mounts) != 3 {
			t.Errorf("found %+v", storage)
		}
	})
}

func TestCallsOfManyGoroutinesGetTheirOwnAnswers(t *testing.T) {
	bothWays(t, nil, func(t *testing.T, client *Client) {
		var group sync.WaitGroup
		for i := 0; i < 12; i++ {
			group.Add(1)
			go func(i int) {
				defer group.Done()
				for round := 0; round < 10; round++ {
					ctx, cancel := context.WithCancel(limited(t))
					if i%4 == 3 {
						time.AfterFunc(time.Duration(round)*time.Millisecond, cancel)
					}
					storage, err := client.Storage(ctx)
					due, dueErr := client.BackupDue(ctx)
					if isCancelled := ctx.Err() != nil; !isCancelled && (err != nil || dueErr != nil || len(storage.Mounts) != 3 || due.Reason == "") {
						t.Errorf("found %+v, %v, %+v, %v", storage, err, due, dueErr)
					}
					cancel()
				}
			}(i)
		}
		group.Wait()
	})
}

func TestAnotherCertificateIsRefused(t *testing.T) {
	agent, other := startMock(t), startMock(t)
	agent.Fingerprint = other.Fingerprint
	for name, client := range map[string]*Client{"command": startCommand(t, agent), "socket": startController(t, agent).Client} {
		_, err := client.Storage(limited(t))
		var failure *Error
		if !errors.As(err, &failure) || failure.Kind != "pin-mismatch" {
			t.Errorf("%s: expected pin-mismatch, found %v", name, err)
		}
	}
}
