package main

// #include "wasmtime.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// Values of the component model in Go. Besides these there are bool, uint8, uint16, uint64, int64, float64, string, []any,
// and []byte for a list of bytes. An enum is a Variant without a payload; a payload that is not there is nil.
type (
	// Record has its fields in the order of its declaration.
	Record []Field
	Field  struct {
		Name  string
		Value any
	}
	Variant struct {
		Tag     string
		Payload any
	}
	// Option is none where Some is false.
	Option struct {
		Some  bool
		Value any
	}
	Result struct {
		OK    bool
		Value any
	}
	// Resource is a handle of the host: Rep is the object's number in the table of an instance.
	Resource struct{ Rep, Type uint32 }
)

// field gives a union's member its type.
func field[T any](value *C.wasmtime_component_val_t) *T {
	return (*T)(unsafe.Pointer(&value.of))
}

func goString(name C.wasm_name_t) string {
	return C.GoStringN(name.data, C.int(name.size))
}

// lift turns a value of the library into one of Go. It takes the handles in it and leaves the memory to the caller.
func lift(context *C.wasmtime_context_t, value *C.wasmtime_component_val_t) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch value.kind {
	case C.KIND_BOOL:
		return *field[bool](value), nil
	case C.KIND_U8:
		return *field[uint8](value), nil
	case C.KIND_U16:
		return *field[uint16](value), nil
	case C.KIND_S64:
		return *field[int64](value), nil
	case C.KIND_U64:
		return *field[uint64](value), nil
	case C.KIND_F64:
		return *field[float64](value), nil
	case C.KIND_STRING:
		return goString(*field[C.wasm_name_t](value)), nil
	case C.KIND_ENUM:
		return Variant{Tag: goString(*field[C.wasm_name_t](value))}, nil
	case C.KIND_VARIANT:
		variant := field[C.wasmtime_component_valvariant_t](value)
		payload, err := lift(context, variant.val)
		return Variant{goString(variant.discriminant), payload}, err
	case C.KIND_OPTION:
		option := *field[*C.wasmtime_component_val_t](value)
		inner, err := lift(context, option)
		return Option{option != nil, inner}, err
	case C.KIND_RESULT:
		result := field[C.wasmtime_component_valresult_t](value)
		inner, err := lift(context, result.val)
		return Result{bool(result.is_ok), inner}, err
	case C.KIND_LIST:
		return liftList(context, field[C.wasmtime_component_vallist_t](value))
	case C.KIND_RECORD:
		return liftRecord(context, field[C.wasmtime_component_valrecord_t](value))
	case C.KIND_RESOURCE:
		var host *C.wasmtime_component_resource_host_t
		any := *field[*C.wasmtime_component_resource_any_t](value)
		if err := check(C.wasmtime_component_resource_any_to_host(context, any, &host)); err != nil {
			return nil, err
		}
		defer C.wasmtime_component_resource_host_delete(host)
		return Resource{Rep: uint32(C.wasmtime_component_resource_host_rep(host))}, nil
	}
	return nil, fmt.Errorf("a value of kind %d, which this host does not know", value.kind)
}

func liftList(context *C.wasmtime_context_t, list *C.wasmtime_component_vallist_t) (any, error) {
	values := unsafe.Slice(list.data, list.size)
	if len(values) > 0 && values[0].kind == C.KIND_U8 {
		bytes := make([]byte, len(values))
		for i := range values {
			bytes[i] = *field[uint8](&values[i])
		}
		return bytes, nil
	}
	lifted := make([]any, len(values))
	for i := range values {
		element, err := lift(context, &values[i])
		if err != nil {
			return nil, err
		}
		lifted[i] = element
	}
	return lifted, nil
}

func liftRecord(context *C.wasmtime_context_t, record *C.wasmtime_component_valrecord_t) (any, error) {
	entries := unsafe.Slice(record.data, record.size)
	lifted := make(Record, len(entries))
	for i := range entries {
		value, err := lift(context, &entries[i].val)
		if err != nil {
			return nil, err
		}
		lifted[i] = Field{goString(entries[i].name), value}
	}
	return lifted, nil
}

// lower writes a value of Go as one of the library, in memory of the library.
func lower(context *C.wasmtime_context_t, value any, out *C.wasmtime_component_val_t) error {
	switch value := value.(type) {
	case bool:
		out.kind, *field[bool](out) = C.KIND_BOOL, value
	case uint16:
		out.kind, *field[uint16](out) = C.KIND_U16, value
	case uint64:
		out.kind, *field[uint64](out) = C.KIND_U64, value
	case string:
		out.kind, *field[C.wasm_name_t](out) = C.KIND_STRING, newName(value)
	case []byte:
		out.kind = C.KIND_LIST
		for i, element := range newList(out, len(value)) {
			element.kind, *field[uint8](element) = C.KIND_U8, value[i]
		}
	case []any:
		out.kind = C.KIND_LIST
		for i, element := range newList(out, len(value)) {
			if err := lower(context, value[i], element); err != nil {
				return err
			}
		}
	case Record:
		return lowerRecord(context, value, out)
	case Variant:
		inner, err := lowerInner(context, value.Payload, value.Payload != nil)
		out.kind = C.KIND_VARIANT
		*field[C.wasmtime_component_valvariant_t](out) = C.wasmtime_component_valvariant_t{newName(value.Tag), inner}
		return err
	case Option:
		inner, err := lowerInner(context, value.Value, value.Some)
		out.kind, *field[*C.wasmtime_component_val_t](out) = C.KIND_OPTION, inner
		return err
	case Result:
		inner, err := lowerInner(context, value.Value, value.Value != nil)
		out.kind = C.KIND_RESULT
		*field[C.wasmtime_component_valresult_t](out) = C.wasmtime_component_valresult_t{C.bool(value.OK), inner}
		return err
	case Resource:
		host := C.wasmtime_component_resource_host_new(true, C.uint32_t(value.Rep), C.uint32_t(value.Type))
		defer C.wasmtime_component_resource_host_delete(host)
		out.kind = C.KIND_RESOURCE
		return check(C.wasmtime_component_resource_host_to_any(
			context, host, field[*C.wasmtime_component_resource_any_t](out)))
	default:
		return fmt.Errorf("a value of type %T, which no function here takes", value)
	}
	return nil
}

func lowerRecord(context *C.wasmtime_context_t, value Record, out *C.wasmtime_component_val_t) error {
	out.kind = C.KIND_RECORD
	record := field[C.wasmtime_component_valrecord_t](out)
	C.wasmtime_component_valrecord_new_uninit(record, C.size_t(len(value)))
	entries := unsafe.Slice(record.data, len(value))
	for i := range entries {
		entries[i].name = newName(value[i].Name)
		if err := lower(context, value[i].Value, &entries[i].val); err != nil {
			return err
		}
	}
	return nil
}

// lowerInner is for the value in another one, which the library has behind a pointer.
func lowerInner(context *C.wasmtime_context_t, value any, isThere bool) (*C.wasmtime_component_val_t, error) {
	if !isThere {
		return nil, nil
	}
	var inner C.wasmtime_component_val_t
	if err := lower(context, value, &inner); err != nil {
		return nil, err
	}
	return C.wasmtime_component_val_new(&inner), nil
}

func newName(text string) (name C.wasm_name_t) {
	C.wasm_byte_vec_new(&name, C.size_t(len(text)), (*C.char)(unsafe.Pointer(unsafe.StringData(text))))
	return name
}

func newList(out *C.wasmtime_component_val_t, length int) func(func(int, *C.wasmtime_component_val_t) bool) {
	list := field[C.wasmtime_component_vallist_t](out)
	C.wasmtime_component_vallist_new_uninit(list, C.size_t(length))
	elements := unsafe.Slice(list.data, length)
	return func(yield func(int, *C.wasmtime_component_val_t) bool) {
		for i := range elements {
			if !yield(i, &elements[i]) {
				return
			}
		}
	}
}

// check takes an error of the library.
func check(err *C.wasmtime_error_t) error {
	if err == nil {
		return nil
	}
	var message C.wasm_name_t
	C.wasmtime_error_message(err, &message)
	defer C.wasm_byte_vec_delete(&message)
	defer C.wasmtime_error_delete(err)
	return fmt.Errorf("wasmtime: %s", goString(message))
}
