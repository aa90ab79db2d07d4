package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// operation is one of `agentapi call`: the function that it calls in the component, and the request that this makes.
type operation struct {
	interfaceName, function, route string
	// arguments makes those of the function.
	arguments func(*args) []any
}

func none(*args) []any { return nil }

var operations = map[string]operation{
	"storage":       {"storage", "mounts", "GET /storage", none},
	"backup-due":    {"backup", "due", "GET /backup/due", none},
	"start-backup":  {"backup", "start", "POST /backup", none},
	"backup-status": {"backup", "status", "GET /backup/status", none},
	"disks":         {"disks", "list", "GET /disks", none},
	"host-metrics":  {"host-metrics", "collect", "GET /host/metrics", none},
	"assign-disk": {"disks", "assign", "POST /disks/assign", func(a *args) []any {
		return []any{Record{{"uuid", a.text("uuid")}, {"mount-path", a.text("where")},
			{"fstype", a.text("fstype")}, {"options", a.text("options")}}}
	}},
	"eject-disk": {"disks", "eject", "POST /disks/eject", func(a *args) []any { return []any{a.text("where")} }},
	"format-disk": {"disks", "format", "POST /disks/format", func(a *args) []any {
		// An unconfirmed durable id must not count: clients send it along in both steps.
		confirmation := Option{a.boolean("confirmed"), a.text("durable_id")}
		return []any{Record{{"device", a.text("device")}, {"fstype", a.text("fstype")}, {"confirmation", confirmation}}}
	}},
	"fs-uuid": {"disks", "fs-uuid", "", func(a *args) []any { return []any{a.text("durable_id")} }},
	"opsign-command": {"disks", "opsign-command", "", func(a *args) []any {
		return []any{Record{{"op", a.text("op")}, {"host-scope", a.text("host_scope")},
			{"durable-id", a.text("durable_id")}, {"fstype", a.text("fstype")}}}
	}},
}

// args are the arguments of an operation, and the first that is not of its type.
type args struct {
	values map[string]any
	err    error
}

// text is empty where it is left out.
func (a *args) text(name string) string {
	value, isText := a.values[name].(string)
	if !isText && a.values[name] != nil && a.err == nil {
		a.err = fmt.Errorf("%s: expected a text", name)
	}
	return value
}

func (a *args) boolean(name string) bool {
	value, isBoolean := a.values[name].(bool)
	if !isBoolean && a.values[name] != nil && a.err == nil {
		a.err = fmt.Errorf("%s: expected true or false", name)
	}
	return value
}

// CallError is what `agentapi call` answers where an operation failed.
type CallError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Status  uint16 `json:"status,omitempty"`
	Value   any    `json:"value,omitempty"`
}

func invalid(why string) *CallError { return &CallError{Kind: "invalid-argument", Message: why} }

// Client is one agent's client.
type Client struct {
	sender     *Sender
	component  *Component
	instance   *Instance
	connection []any
}

// NewClient makes a client. It sends nothing.
func NewClient(component *Component, endpoint, token string, pins []string, deadline time.Duration) (*Client, *CallError) {
	sender, err := NewSender(endpoint, token, pins, deadline)
	if err != nil {
		return nil, invalid(err.Error())
	}
	stated := make([]any, len(pins))
	for i, pin := range pins {
		stated[i] = pin
	}
	c := &Client{sender: sender, component: component, connection: []any{endpoint, sender.StandIn, stated}}
	return c, c.connect()
}

func (c *Client) connect() *CallError {
	instance, err := c.component.NewInstance(c.sender)
	if err != nil {
		return &CallError{Kind: "internal", Message: err.Error()}
	}
	c.instance = instance
	_, failed := c.call("session", "connect", "", c.connection...)
	if failed != nil && c.instance != nil {
		c.discard()
	}
	return failed
}

// discard throws an instance away: after a trap its memory is in no state that anybody thought of.
func (c *Client) discard() {
	c.instance.Close()
	c.instance = nil
}

// Call returns the value of an operation as JSON has it.
func (c *Client) Call(name string, raw json.RawMessage) (any, *CallError) {
	if name == "new" {
		// Nothing to do: it was connected before the first line.
		return nil, nil
	}
	operation, isKnown := operations[name]
	if !isKnown {
		return nil, invalid("op: expected the name of an operation")
	}
	given := &args{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &given.values); err != nil {
			return nil, invalid("args: " + err.Error())
		}
	}
	arguments := operation.arguments(given)
	if given.err != nil {
		return nil, invalid(given.err.Error())
	}
	if c.instance == nil {
		if failed := c.connect(); failed != nil {
			return nil, failed
		}
	}
	value, failed := c.call(operation.interfaceName, operation.function, operation.route, arguments...)
	if option, isOption := value.(Option); isOption {
		// For an id without a UUID there is an empty text.
		value, _ = option.Value.(string)
	}
	return c.masked(toJSON("", value)), failed
}

func (c *Client) call(interfaceName, function, route string, arguments ...any) (any, *CallError) {
	c.sender.StartCall()
	c.instance.Imports.Failure = nil
	outcome, err := c.instance.Call(interfaceName, function, arguments...)
	if err != nil {
		c.discard()
		return nil, &CallError{Kind: "internal", Message: c.sender.Mask(err.Error())}
	}
	result, isResult := outcome.(Result)
	if !isResult {
		return outcome, nil
	}
	if !result.OK {
		return nil, c.callError(result.Value.(Variant), route)
	}
	return result.Value, nil
}

func (c *Client) callError(variant Variant, route string) *CallError {
	failed := &CallError{Kind: variant.Tag, Message: variant.Tag}
	switch payload := variant.Payload.(type) {
	case Variant:
		if variant.Tag == "failed" {
			return c.callError(payload, route)
		}
	case string:
		failed.Message = payload
	case Record:
		fields := toJSON("", payload).(map[string]any)
		switch variant.Tag {
		case "http-status":
			failed.Status = fields["status"].(uint16)
			failed.Message = strings.TrimSuffix(fmt.Sprintf("%s: HTTP %d: %s", route, failed.Status, fields["text"]), ": ")
		case "needs-confirmation":
			failed.Message, failed.Value = fmt.Sprintf("the customer must confirm that %s is wiped", fields["device"]), fields
		case "refused":
			failed.Kind = "format-refused"
			failed.Message, failed.Value = fmt.Sprintf("the operator must sign that %s is wiped", fields["device"]), fields
		}
	}
	// The host knows the cause where the component only has a code.
	if cause := c.instance.Imports.Failure; cause != nil {
		failed.Message = cause.Error()
	}
	failed.Message, failed.Value = c.sender.Mask(failed.Message), c.masked(failed.Value)
	return failed
}

func (c *Client) masked(value any) any {
	switch value := value.(type) {
	case string:
		return c.sender.Mask(value)
	case []any:
		for i := range value {
			value[i] = c.masked(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = c.masked(value[key])
		}
	}
	return value
}

// toJSON gives a value the agent's own names and shapes. Name is that of its field.
func toJSON(name string, value any) any {
	switch value := value.(type) {
	case Record:
		object := map[string]any{}
		for _, field := range value {
			key := strings.ReplaceAll(field.Name, "-", "_")
			if key == "kind" {
				// In WIT, type is a keyword.
				key = "type"
			}
			object[key] = toJSON(key, field.Value)
		}
		return object
	case []any:
		list := make([]any, len(value))
		for i := range value {
			list[i] = toJSON("", value[i])
		}
		return list
	case Option:
		if !value.Some {
			return nil
		}
		return toJSON(name, value.Value)
	case Variant:
		return caseText(name, value)
	}
	return value
}

// caseText is the agent's text for a case, which mostly is its name.
func caseText(field string, value Variant) string {
	switch {
	case value.Tag == "other":
		return value.Payload.(string)
	case field == "health":
		return strings.ToUpper(value.Tag)
	case value.Tag == "unknown" && slices.Contains([]string{"class", "class_hint"}, field):
		return ""
	}
	return value.Tag
}
