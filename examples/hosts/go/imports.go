package main

import (
	"errors"
	"fmt"
	"strings"
)

// maxWriteBytes is what a stream takes at once. Source: blocking-write-and-flush of wasi:io/streams.
const maxWriteBytes = 4096

// Kinds of resources. Interfaces that use a resource export it again, some by another name.
const (
	fieldsKind = iota + 1
	requestKind
	outgoingBodyKind
	outputStreamKind
	futureKind
	responseKind
	incomingBodyKind
	inputStreamKind
	pollableKind
	errorKind
	optionsKind
)

type (
	importedFunction  = func(arguments []any) any
	importedInterface struct {
		name      string
		resources map[string]uint32
		functions map[string]importedFunction
	}
)

// Imports is the host's side of one instance, and the objects behind its handles.
type Imports struct {
	sender  *Sender
	objects map[uint32]any
	last    uint32
	// Failure is why the last exchange failed: wasi:http only has a code for it.
	Failure *Failure
}

// fields are the headers of a request.
type fields []header

type header struct {
	name  string
	value []byte
}

// outgoingRequest is a request as the component has made it so far. A method that nobody sets is GET.
type outgoingRequest struct {
	headers                         fields
	method, scheme, authority, path string
	body                            []byte
	hasBody, isFinished             bool
}

// incomingResponse is an answer, with what is unread of its body.
type incomingResponse struct {
	status uint16
	unread []byte
}

func NewImports(sender *Sender) *Imports {
	return &Imports{sender: sender, objects: map[uint32]any{}}
}

func (i *Imports) own(kind uint32, object any) Resource {
	i.last++
	i.objects[i.last] = object
	return Resource{i.last, kind}
}

func (i *Imports) drop(rep uint32) { delete(i.objects, rep) }

// borrow and take panic where the component's handle is of another kind, which is a trap to it.
func borrow[T any](i *Imports, handle any) T { return i.objects[handle.(Resource).Rep].(T) }

func take[T any](i *Imports, handle any) T {
	defer i.drop(handle.(Resource).Rep)
	return borrow[T](i, handle)
}

var ok = Result{OK: true}

func (i *Imports) interfaces() []importedInterface {
	return []importedInterface{
		{"felhom:agentapi/pinning@0.2.0", nil, map[string]importedFunction{"pin": i.pin}},
		{"felhom:agentapi/types@0.2.0", nil, nil},
		{"wasi:io/poll@0.2.0", map[string]uint32{"pollable": pollableKind},
			map[string]importedFunction{"[method]pollable.block": func([]any) any { return nil }}},
		{"wasi:io/error@0.2.0", map[string]uint32{"error": errorKind}, nil},
		{"wasi:io/streams@0.2.0",
			map[string]uint32{"input-stream": inputStreamKind, "output-stream": outputStreamKind, "error": errorKind},
			map[string]importedFunction{
				"[method]input-stream.read":                      i.read,
				"[method]input-stream.blocking-read":             i.read,
				"[method]output-stream.blocking-write-and-flush": i.write,
			}},
		{"wasi:http/types@0.2.0", httpResources, i.httpFunctions()},
		{"wasi:http/outgoing-handler@0.2.0",
			map[string]uint32{"outgoing-request": requestKind, "request-options": optionsKind,
				"future-incoming-response": futureKind},
			map[string]importedFunction{"handle": i.handle}},
	}
}

var httpResources = map[string]uint32{
	"fields": fieldsKind, "headers": fieldsKind, "trailers": fieldsKind, "outgoing-request": requestKind,
	"outgoing-body": outgoingBodyKind, "output-stream": outputStreamKind, "future-incoming-response": futureKind,
	"incoming-response": responseKind, "incoming-body": incomingBodyKind, "input-stream": inputStreamKind,
	"pollable": pollableKind, "request-options": optionsKind,
}

func (i *Imports) httpFunctions() map[string]importedFunction {
	return map[string]importedFunction{
		"[constructor]fields": func([]any) any { return i.own(fieldsKind, &fields{}) },
		"[method]fields.append": func(a []any) any {
			headers := borrow[*fields](i, a[0])
			*headers = append(*headers, header{strings.ToLower(a[1].(string)), bytesOf(a[2])})
			return ok
		},
		"[method]fields.clone": func(a []any) any {
			clone := append(fields(nil), *borrow[*fields](i, a[0])...)
			return i.own(fieldsKind, &clone)
		},
		"[constructor]outgoing-request": func(a []any) any {
			return i.own(requestKind, &outgoingRequest{headers: *take[*fields](i, a[0]), method: "GET"})
		},
		"[method]outgoing-request.set-method": func(a []any) any {
			borrow[*outgoingRequest](i, a[0]).method = strings.ToUpper(a[1].(Variant).Tag)
			return ok
		},
		"[method]outgoing-request.set-scheme": func(a []any) any {
			scheme, _ := a[1].(Option).Value.(Variant)
			borrow[*outgoingRequest](i, a[0]).scheme = scheme.Tag
			return ok
		},
		"[method]outgoing-request.set-authority": func(a []any) any {
			borrow[*outgoingRequest](i, a[0]).authority, _ = a[1].(Option).Value.(string)
			return ok
		},
		"[method]outgoing-request.set-path-with-query": func(a []any) any {
			borrow[*outgoingRequest](i, a[0]).path, _ = a[1].(Option).Value.(string)
			return ok
		},
		"[method]outgoing-request.body": func(a []any) any {
			request := borrow[*outgoingRequest](i, a[0])
			request.hasBody = true
			return Result{true, i.own(outgoingBodyKind, request)}
		},
		"[method]outgoing-body.write": func(a []any) any {
			return Result{true, i.own(outputStreamKind, borrow[*outgoingRequest](i, a[0]))}
		},
		"[static]outgoing-body.finish": func(a []any) any {
			take[*outgoingRequest](i, a[0]).isFinished = true
			return ok
		},
		"[method]future-incoming-response.subscribe": func([]any) any { return i.own(pollableKind, nil) },
		"[method]future-incoming-response.get":       i.get,
		"[method]incoming-response.status":           func(a []any) any { return borrow[*incomingResponse](i, a[0]).status },
		"[method]incoming-response.consume": func(a []any) any {
			return Result{true, i.own(incomingBodyKind, borrow[*incomingResponse](i, a[0]))}
		},
		"[method]incoming-body.stream": func(a []any) any {
			return Result{true, i.own(inputStreamKind, borrow[*incomingResponse](i, a[0]))}
		},
	}
}

// pin compares what the component was connected with.
func (i *Imports) pin(a []any) any {
	var leaves [][]byte
	for _, leaf := range a[1].([]any) {
		leaves = append(leaves, bytesOf(leaf))
	}
	if refusal := i.sender.Pin(a[0].(string), leaves); refusal != nil {
		return Result{false, *refusal}
	}
	return ok
}

// handle keeps the request: the component writes its body after this.
func (i *Imports) handle(a []any) any {
	if options := a[1].(Option); options.Some {
		// The component's time-outs. The host's deadline is the only one that counts.
		i.drop(options.Value.(Resource).Rep)
	}
	return Result{true, i.own(futureKind, take[*outgoingRequest](i, a[0]))}
}

// get sends the request and waits for the whole answer, so that there is never anything to subscribe to.
func (i *Imports) get(a []any) any {
	status, body, err := i.sender.Exchange(borrow[*outgoingRequest](i, a[0]))
	if err != nil {
		if !errors.As(err, &i.Failure) {
			i.Failure = &Failure{Code: "HTTP-response-incomplete", Cause: err}
		}
		return Option{true, Result{true, Result{false, Variant{i.Failure.Code, i.Failure.Payload}}}}
	}
	response := i.own(responseKind, &incomingResponse{status, body})
	return Option{true, Result{true, Result{true, response}}}
}

func (i *Imports) write(a []any) any {
	chunk := bytesOf(a[1])
	if len(chunk) > maxWriteBytes {
		panic(fmt.Sprintf("a write of more than %d bytes", maxWriteBytes))
	}
	request := borrow[*outgoingRequest](i, a[0])
	request.body = append(request.body, chunk...)
	return ok
}

// read never waits: the whole body is here.
func (i *Imports) read(a []any) any {
	response := borrow[*incomingResponse](i, a[0])
	length := min(a[1].(uint64), uint64(len(response.unread)))
	if length == 0 {
		return Result{false, Variant{Tag: "closed"}}
	}
	chunk := response.unread[:length]
	response.unread = response.unread[length:]
	return Result{true, chunk}
}

// bytesOf is for a list of bytes: an empty list does not say of what.
func bytesOf(value any) []byte {
	bytes, _ := value.([]byte)
	return bytes
}
