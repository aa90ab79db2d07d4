package agentapi

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrNeedsConfirmation and ErrFormatRefused are wrapped by the *Error of a format that somebody else has to agree to: the
// customer, by the durable id in the result; the operator of the host, by a signature of the pending operation in it.
var (
	ErrNeedsConfirmation = errors.New("the customer must confirm that the disk is wiped")
	ErrFormatRefused     = errors.New("the operator must sign that the disk is wiped")
)

// Error is an operation that failed. An operation that its context ended fails with an error that wraps that of the context.
type Error struct {
	// Kind says what happened, in the words of agentapi call, such as "pin-mismatch" or "deadline"; or in those of the
	// controller's API, such as "frozen".
	Kind string
	// Status is the HTTP status with which the agent answered, for the kind "http-status"; else 0.
	Status int
	// Message is for people. For the kind "agent" it is the agent's own text.
	Message string

	value json.RawMessage
	cause error
}

func (e *Error) Error() string { return e.Kind + ": " + e.Message }

// Unwrap gives the sentinel error of the kind, or the cause where there is one.
func (e *Error) Unwrap() error {
	switch e.Kind {
	case "needs-confirmation":
		return ErrNeedsConfirmation
	case "format-refused":
		return ErrFormatRefused
	}
	return e.cause
}

// MayHaveActed says whether the agent may have done what it was asked for although the call failed. Then look before you
// ask again. It does not know which operation it was: for one that only reads the answer has no meaning.
func (e *Error) MayHaveActed() bool {
	switch e.Kind {
	case "interrupted", "deadline", "response-too-large", "bad-envelope", "decode", "internal", "in-progress", "outcome-unknown":
		return true
	}
	return e.Status >= 500
}

// ApprovalNeeded is the error of a wipe over a socket: a person has to approve it, and the run wipes the disk then.
type ApprovalNeeded struct {
	Run      int64 `json:"run"`
	Approval int64 `json:"approval"`
}

func (e *ApprovalNeeded) Error() string {
	return fmt.Sprintf("run %d waits for approval %d by a person", e.Run, e.Approval)
}

func decodeError(raw []byte) *Error {
	return &Error{Kind: "decode", Message: fmt.Sprintf("expected the JSON that is documented, found %.100q", raw)}
}
