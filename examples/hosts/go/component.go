package main

// #cgo LDFLAGS: -l:_libwasmtime.so
// #include <stdlib.h>
// #include "wasmtime.h"
import "C"

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime/cgo"
	"unsafe"
)

// maxMemoryBytes of an instance: a hundred times what an answer of the largest size takes.
const maxMemoryBytes = 64 << 20

// cacheVersion is the version of the library, on which compiled code depends.
const cacheVersion = "50"

// Component is compiled once, for any number of instances.
type Component struct {
	engine    *C.wasm_engine_t
	component *C.wasmtime_component_t
}

// LoadComponent compiles a component, or takes its compiled code from the folder cache. Whoever can write to that folder
// runs code in this process. An empty name is no cache.
func LoadComponent(path, cache string) (*Component, error) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	loaded := &Component{engine: C.wasm_engine_new()}
	digest := sha256.Sum256(wasm)
	compiled := filepath.Join(cache, fmt.Sprintf("%s-go-%s.cwasm", hex.EncodeToString(digest[:]), cacheVersion))
	// It may not be there yet, or be of another processor.
	if cache != "" && loaded.restore(compiled) == nil {
		return loaded, nil
	}
	code := (*C.uint8_t)(unsafe.SliceData(wasm))
	if err := check(C.wasmtime_component_new(loaded.engine, code, C.size_t(len(wasm)), &loaded.component)); err != nil {
		return nil, err
	}
	if cache != "" {
		return loaded, loaded.save(compiled)
	}
	return loaded, nil
}

func (c *Component) restore(path string) error {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	return check(C.wasmtime_component_deserialize_file(c.engine, name, &c.component))
}

// save writes to another name first: a process that starts at the same time sees a whole file or none.
func (c *Component) save(path string) error {
	var code C.wasm_name_t
	if err := check(C.wasmtime_component_serialize(c.component, &code)); err != nil {
		return err
	}
	defer C.wasm_byte_vec_delete(&code)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "*.new")
	if err != nil {
		return err
	}
	_, err = file.Write(unsafe.Slice((*byte)(unsafe.Pointer(code.data)), code.size))
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}

// Instance is one client. Its calls run one after the other. After an error of Call it is closed and not used again.
type Instance struct {
	Imports  *Imports
	store    *C.wasmtime_store_t
	instance C.wasmtime_component_instance_t
	linker   *C.wasmtime_component_linker_t
	handles  []cgo.Handle
}

// NewInstance gives the component its imports and nothing else.
func (c *Component) NewInstance(sender *Sender) (*Instance, error) {
	i := &Instance{Imports: NewImports(sender), store: C.wasmtime_store_new(c.engine, nil, nil)}
	C.wasmtime_store_limiter(i.store, maxMemoryBytes, -1, -1, -1, -1)
	i.linker = C.wasmtime_component_linker_new(c.engine)
	err := i.define()
	if err == nil {
		err = check(C.wasmtime_component_linker_instantiate(i.linker, i.context(), c.component, &i.instance))
	}
	if err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

func (i *Instance) context() *C.wasmtime_context_t {
	return C.wasmtime_store_context(i.store)
}

// define adds all imports. The library matches their names by semver: one of version 0.2.0 serves for any 0.2.
func (i *Instance) define() error {
	root := C.wasmtime_component_linker_root(i.linker)
	defer C.wasmtime_component_linker_instance_delete(root)
	table := i.handle(i.Imports)
	for _, imported := range i.Imports.interfaces() {
		name, length := text(imported.name)
		var instance *C.wasmtime_component_linker_instance_t
		if err := check(C.wasmtime_component_linker_instance_add_instance(root, name, length, &instance)); err != nil {
			return err
		}
		err := i.fill(instance, imported, table)
		C.wasmtime_component_linker_instance_delete(instance)
		if err != nil {
			return fmt.Errorf("%s: %w", imported.name, err)
		}
	}
	return nil
}

func (i *Instance) fill(instance *C.wasmtime_component_linker_instance_t, imported importedInterface, table C.uintptr_t) error {
	for resource, kind := range imported.resources {
		name, length := text(resource)
		if err := check(C.add_resource(instance, name, length, C.uint32_t(kind), table)); err != nil {
			return err
		}
	}
	for function, body := range imported.functions {
		name, length := text(function)
		if err := check(C.add_func(instance, name, length, i.handle(body))); err != nil {
			return err
		}
	}
	return nil
}

func (i *Instance) handle(value any) C.uintptr_t {
	handle := cgo.NewHandle(value)
	i.handles = append(i.handles, handle)
	return C.uintptr_t(handle)
}

// Close frees what the instance has. A second call does nothing.
func (i *Instance) Close() {
	if i.store == nil {
		return
	}
	C.wasmtime_store_delete(i.store)
	C.wasmtime_component_linker_delete(i.linker)
	i.store, i.linker = nil, nil
	for _, handle := range i.handles {
		handle.Delete()
	}
}

// Call calls an exported function that has a result. An error is a trap, or a fault of this host in an import.
func (i *Instance) Call(interfaceName, name string, arguments ...any) (any, error) {
	function, err := i.function("felhom:agentapi/"+interfaceName+"@0.2.0", name)
	if err != nil {
		return nil, err
	}
	lowered := make([]C.wasmtime_component_val_t, len(arguments)+1)
	defer func() {
		for at := range lowered {
			C.wasmtime_component_val_delete(&lowered[at])
		}
	}()
	for at, argument := range arguments {
		if err := lower(i.context(), argument, &lowered[at]); err != nil {
			return nil, err
		}
	}
	result := &lowered[len(arguments)]
	length := C.size_t(len(arguments))
	if err := check(C.wasmtime_component_func_call(&function, i.context(), &lowered[0], length, result, 1)); err != nil {
		return nil, err
	}
	return lift(i.context(), result)
}

func (i *Instance) function(interfaceName, name string) (function C.wasmtime_component_func_t, err error) {
	exported, length := text(interfaceName)
	outer := C.wasmtime_component_instance_get_export_index(&i.instance, i.context(), nil, exported, length)
	if outer == nil {
		return function, fmt.Errorf("the component has no interface %s", interfaceName)
	}
	defer C.wasmtime_component_export_index_delete(outer)
	exported, length = text(name)
	index := C.wasmtime_component_instance_get_export_index(&i.instance, i.context(), outer, exported, length)
	if index == nil {
		return function, fmt.Errorf("%s of the component has no function %s", interfaceName, name)
	}
	defer C.wasmtime_component_export_index_delete(index)
	if !C.wasmtime_component_instance_get_func(&i.instance, i.context(), index, &function) {
		return function, fmt.Errorf("%s of the component is no function", name)
	}
	return function, nil
}

// text is for functions that read it before they return.
func text(name string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(name))), C.size_t(len(name))
}

//export callImport
func callImport(function C.uintptr_t, context *C.wasmtime_context_t, arguments *C.wasmtime_component_val_t,
	length C.size_t, results *C.wasmtime_component_val_t, resultsLength C.size_t) *C.wasmtime_error_t {
	err := callFunction(cgo.Handle(function).Value().(importedFunction), context, unsafe.Slice(arguments, length),
		unsafe.Slice(results, resultsLength))
	if err == nil {
		return nil
	}
	message := C.CString(err.Error())
	defer C.free(unsafe.Pointer(message))
	return C.wasmtime_error_new(message)
}

// callFunction turns a panic into a trap: it must not unwind through the library.
func callFunction(function importedFunction, context *C.wasmtime_context_t, arguments,
	results []C.wasmtime_component_val_t) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the host failed: %v", fault)
		}
	}()
	lifted := make([]any, len(arguments))
	for at := range arguments {
		if lifted[at], err = lift(context, &arguments[at]); err != nil {
			return err
		}
	}
	result := function(lifted)
	if len(results) == 0 {
		return nil
	}
	return lower(context, result, &results[0])
}

//export dropResource
func dropResource(table C.uintptr_t, rep C.uint32_t) {
	cgo.Handle(table).Value().(*Imports).drop(uint32(rep))
}
