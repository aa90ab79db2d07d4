// Package agentapi is the client of a guest for the agent of its host.
//
// It opens no connection to the agent and compares no certificate. A controller that runs on the same machine does
// (NewSocket), or the command agentapi as a child process (New, NewCommand); so what they promise of the pin, the token and
// the deadline holds here too. A Client may be used by several goroutines at once.
package agentapi

import (
	"context"
	"encoding/json"
	"errors"
)

// Client performs the operations of the agent.
type Client struct{ transport transport }

// transport is one of the two ways to the agent. The value of an operation is the JSON of agentapi call.
type transport interface {
	call(ctx context.Context, op string, args any) (json.RawMessage, error)
	close() error
}

// Check fails where the client could perform no operation: over a socket it asks the agent for something that changes
// nothing, over a child process it has the endpoint, the token and the fingerprint read, and makes no request.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.transport.call(ctx, "new", nil)
	return err
}

// Storage says what is mounted in the guest.
func (c *Client) Storage(ctx context.Context) (StorageResponse, error) {
	return call[StorageResponse](ctx, c, "storage", nil)
}

// BackupDue says whether a backup is due.
func (c *Client) BackupDue(ctx context.Context) (DueResponse, error) {
	return call[DueResponse](ctx, c, "backup-due", nil)
}

// StartBackup starts a backup. Where the error may mean that it has begun (Error.MayHaveActed), BackupStatus tells: a second
// start would be a second backup.
func (c *Client) StartBackup(ctx context.Context) (BackupResponse, error) {
	return call[BackupResponse](ctx, c, "start-backup", nil)
}

// BackupStatus says how far the latest backup is.
func (c *Client) BackupStatus(ctx context.Context) (StatusResponse, error) {
	return call[StatusResponse](ctx, c, "backup-status", nil)
}

// Disks lists the disks of the guest.
func (c *Client) Disks(ctx context.Context) (DisksResponse, error) {
	return call[DisksResponse](ctx, c, "disks", nil)
}

// AssignDisk mounts the disk whose file system has this UUID in the guest.
func (c *Client) AssignDisk(ctx context.Context, uuid, where, fstype, options string) error {
	_, err := c.transport.call(ctx, "assign-disk", map[string]string{
		"uuid": uuid, "where": where, "fstype": fstype, "options": options,
	})
	return err
}

// EjectDisk lets the disk go that is mounted there.
func (c *Client) EjectDisk(ctx context.Context, where string) (EjectResult, error) {
	return call[EjectResult](ctx, c, "eject-disk", map[string]string{"where": where})
}

// FormatDisk formats a disk. With ErrNeedsConfirmation or ErrFormatRefused the result is filled and says who has to agree
// to what. Over a socket a confirmed format is approved by a person first, and the error is an *ApprovalNeeded.
func (c *Client) FormatDisk(ctx context.Context, device, fstype string, confirmed bool, durableID string) (FormatResult, error) {
	result, err := call[FormatResult](ctx, c, "format-disk", map[string]any{
		"device": device, "fstype": fstype, "confirmed": confirmed, "durable_id": durableID,
	})
	var failure *Error
	if errors.As(err, &failure) && failure.value != nil {
		if json.Unmarshal(failure.value, &result) != nil {
			return result, decodeError(failure.value)
		}
	}
	return result, err
}

// HostMetrics says how the host and its storage are doing.
func (c *Client) HostMetrics(ctx context.Context) (HostMetricsResponse, error) {
	return call[HostMetricsResponse](ctx, c, "host-metrics", nil)
}

// Close ends the child processes, and with them the calls that go on; of a socket it closes the idle connections.
func (c *Client) Close() error { return c.transport.close() }

func call[T any](ctx context.Context, c *Client, op string, args any) (value T, err error) {
	raw, err := c.transport.call(ctx, op, args)
	if err != nil {
		return value, err
	}
	return decode[T](raw)
}

func decode[T any](raw json.RawMessage) (value T, err error) {
	if json.Unmarshal(raw, &value) != nil {
		return value, decodeError(raw)
	}
	return value, nil
}
