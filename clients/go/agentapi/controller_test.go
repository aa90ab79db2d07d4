package agentapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"testing"
)

func TestARunIsAskedForFollowedAndListed(t *testing.T) {
	controller, ctx := startController(t, startMock(t)), limited(t)
	id := must(controller.RunSubject(ctx, "backup"))(t)
	run := must(controller.WaitRun(ctx, id))(t)
	if run.State != "done" || run.Subject != "backup" || run.JobID == nil {
		t.Errorf("found %+v", run)
	}
	if runs := must(controller.Runs(ctx, 10))(t); len(runs) != 1 || runs[0].ID != id {
		t.Errorf("found %+v", runs)
	}
	status := must(controller.Status(ctx))(t)
	if len(status.Subjects) != 1 || status.Subjects[0].LastSuccess == nil || status.Subjects[0].Activity.State != "idle" {
		t.Errorf("found %+v", status)
	}
	_, err := controller.RunSubject(ctx, "no such")
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != "not-found" {
		t.Errorf("expected not-found, found %v", err)
	}
}

func TestEventsAreReplayedAndFollowed(t *testing.T) {
	controller, ctx := startController(t, startMock(t)), limited(t)
	enough := errors.New("enough")
	var id int64
	kinds := map[string]bool{}
	err := controller.Events(ctx, 0, func(event Event) error {
		kinds[event.Kind] = true
		if event.Kind == "started" {
			id = must(controller.RunSubject(ctx, "backup"))(t)
		}
		if event.Kind == "run-ended" && event.Run != nil && *event.Run == id {
			return enough
		}
		return nil
	})
	if err != enough || !kinds["run-queued"] || !kinds["run-started"] {
		t.Errorf("found %v, %v", kinds, err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := controller.Events(ended, 0, func(Event) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("expected the context's error, found %v", err)
	}
}

func TestAWipeIsApprovedByAPerson(t *testing.T) {
	controller, ctx := startController(t, startMock(t)), limited(t)
	unconfirmed, _ := controller.FormatDisk(ctx, "/dev/sdc1", "ext4", false, "")
	_, err := controller.FormatDisk(ctx, "/dev/sdc1", "ext4", true, unconfirmed.DurableID)
	var needed *ApprovalNeeded
	if !errors.As(err, &needed) {
		t.Fatalf("expected that an approval is needed, found %v", err)
	}
	approvals := must(controller.Approvals(ctx))(t)
	if len(approvals) != 1 || approvals[0].ID != needed.Approval || approvals[0].State != "waiting" || approvals[0].Device != "/dev/sdc1" {
		t.Fatalf("found %+v", approvals)
	}
	approve := fmt.Sprintf("/v1/approvals/%d/approve", needed.Approval)
	must(controller.socket.send(ctx, http.MethodPost, approve, map[string]string{"durable_id": unconfirmed.DurableID}))(t)
	run := must(controller.WaitRun(ctx, needed.Run))(t)
	var result FormatResult
	if run.Result == nil || json.Unmarshal([]byte(*run.Result), &result) != nil || !result.Formatted {
		t.Errorf("found %+v", run)
	}
}

func TestAControllerThatIsNotThereIsUnreachable(t *testing.T) {
	controller := NewSocket(t.TempDir() + "/none.sock")
	_, err := controller.StartBackup(limited(t))
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != "unreachable" || failure.MayHaveActed() || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("expected unreachable, found %v", err)
	}
}
