package agentapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Status is what runs, what is due and what is wrong.
type Status struct {
	Version   string     `json:"version"`
	Subjects  []Subject  `json:"subjects"`
	Findings  []Finding  `json:"findings"`
	Approvals []Approval `json:"approvals"`
	// Freeze is nil while nothing is frozen.
	Freeze *Freeze `json:"freeze"`
}

// Subject is what runs on a schedule: "backup", or an extension by its name.
type Subject struct {
	Name     string `json:"name"`
	Activity struct {
		State string `json:"state"`
		Run   *int64 `json:"run"`
	} `json:"activity"`
	IsPaused    bool       `json:"is_paused"`
	NextDue     *time.Time `json:"next_due"`
	LastStart   *time.Time `json:"last_start"`
	LastSuccess *time.Time `json:"last_success"`
}

// Finding is a condition that holds, such as no backup for too long.
type Finding struct {
	Kind     string    `json:"kind"`
	Subject  string    `json:"subject"`
	Severity string    `json:"severity"`
	Since    time.Time `json:"since"`
	Text     string    `json:"text"`
}

// Freeze is what is frozen.
type Freeze struct {
	Stage  string `json:"stage"`
	Holder string `json:"holder"`
	ForS   int64  `json:"for_s"`
}

// Run is one run of a subject.
type Run struct {
	ID          int64      `json:"id"`
	Subject     string     `json:"subject"`
	State       string     `json:"state"`
	Reason      string     `json:"reason"`
	QueuedAt    time.Time  `json:"queued_at"`
	StartedAt   *time.Time `json:"started_at"`
	EndedAt     *time.Time `json:"ended_at"`
	EndReason   string     `json:"end_reason"`
	JobID       *string    `json:"job_id"`
	Consistency *string    `json:"consistency"`
	FrozenMS    *int64     `json:"frozen_ms"`
	// Result is a JSON text: what an extension returned, or the agent's answer to a wipe.
	Result *string `json:"result"`
}

// Approval is a wipe that a person decides on.
type Approval struct {
	ID        int64     `json:"id"`
	Run       int64     `json:"run"`
	Subject   string    `json:"subject"`
	State     string    `json:"state"`
	Device    string    `json:"device"`
	DurableID string    `json:"durable_id"`
	Contents  string    `json:"contents"`
	SizeBytes int64     `json:"size_bytes"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Event is something that happened. Of the kind "gap" it says that events up to Number are not kept any more.
type Event struct {
	Number   int64     `json:"number"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Severity string    `json:"severity"`
	Subject  string    `json:"subject"`
	Run      *int64    `json:"run"`
	Text     string    `json:"text"`
}

// Status asks what runs, what is due and what is wrong. It is answered while something is frozen, too.
func (c *Controller) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, "/v1/status")
}

// Runs lists the latest runs, at most 1000.
func (c *Controller) Runs(ctx context.Context, limit int) ([]Run, error) {
	list, err := get[struct{ Runs []Run }](ctx, c, fmt.Sprintf("/v1/runs?limit=%d", limit))
	return list.Runs, err
}

// Run gives the run of this number.
func (c *Controller) Run(ctx context.Context, id int64) (Run, error) {
	return get[Run](ctx, c, fmt.Sprintf("/v1/runs/%d", id))
}

// RunSubject has a subject run now, whatever its schedule says, and gives the number of the run. It freezes, follows the
// backup and thaws as the controller is configured, whatever becomes of this process.
func (c *Controller) RunSubject(ctx context.Context, name string) (int64, error) {
	raw, err := c.socket.send(ctx, http.MethodPost, "/v1/subjects/"+url.PathEscape(name)+"/run", nil)
	if err != nil {
		return 0, err
	}
	number, err := decode[struct{ Run int64 }](raw)
	return number.Run, err
}

// WaitRun waits until the run has ended, and gives it. The history is not read while something is frozen: it waits on.
func (c *Controller) WaitRun(ctx context.Context, id int64) (Run, error) {
	for {
		run, err := c.Run(ctx, id)
		var failure *Error
		isHeldUp := errors.As(err, &failure) && (failure.Kind == "frozen" || failure.Kind == "busy")
		if err != nil && !isHeldUp || run.EndedAt != nil {
			return run, err
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return run, ctx.Err()
		}
	}
}

// Approvals lists the wipes that wait for a person, and what became of the others.
func (c *Controller) Approvals(ctx context.Context) ([]Approval, error) {
	list, err := get[struct{ Approvals []Approval }](ctx, c, "/v1/approvals")
	return list.Approvals, err
}

// Events has handle see every event after the one of this number, as it happens, until it returns an error, the context
// ends or the controller does. To go on, call it again with the number of the latest one.
func (c *Controller) Events(ctx context.Context, after int64, handle func(Event) error) error {
	response, err := c.socket.open(ctx, http.MethodGet, fmt.Sprintf("/v1/events?after=%d", after), nil, "text/event-stream")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines, name := bufio.NewScanner(response.Body), ""
	lines.Buffer(nil, maxEventBytes)
	for lines.Scan() {
		if found, isName := strings.CutPrefix(lines.Text(), "event:"); isName {
			name = strings.TrimSpace(found)
		}
		data, isData := strings.CutPrefix(lines.Text(), "data:")
		if !isData {
			continue
		}
		event, err := readEvent(name, data)
		if err == nil {
			err = handle(event)
		}
		if err != nil {
			return err
		}
	}
	return transportError(ctx, errors.Join(errors.New("the stream of events ended"), lines.Err()))
}

func readEvent(name, data string) (Event, error) {
	if name != "gap" {
		return decode[Event](json.RawMessage(data))
	}
	gap, err := decode[struct{ To int64 }](json.RawMessage(data))
	return Event{Kind: name, Number: gap.To, Text: "events are not kept any more"}, err
}

func get[T any](ctx context.Context, c *Controller, path string) (value T, err error) {
	raw, err := c.socket.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return value, err
	}
	return decode[T](raw)
}

const (
	pollInterval = time.Second
	// An event has one sentence. This is far more than the longest.
	maxEventBytes = 1 << 20
)
