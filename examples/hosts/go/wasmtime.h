// The part of wasmtime's C API that is used here, as its version 50 declares it. The wheel of wasmtime for Python has the
// library and no headers.
//
// Structures are passed by pointer and have the layout of the library: with another version, compare before you build.

#ifndef WASMTIME_H
#define WASMTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasmtime_error wasmtime_error_t;
typedef struct wasmtime_store wasmtime_store_t;
typedef struct wasmtime_context wasmtime_context_t;

typedef struct {
  size_t size;
  char *data;
} wasm_name_t;

void wasm_byte_vec_new(wasm_name_t *out, size_t size, const char *data);
void wasm_byte_vec_delete(wasm_name_t *);

wasm_engine_t *wasm_engine_new(void);
void wasm_engine_delete(wasm_engine_t *);

wasmtime_error_t *wasmtime_error_new(const char *message);
void wasmtime_error_message(const wasmtime_error_t *, wasm_name_t *out);
void wasmtime_error_delete(wasmtime_error_t *);

wasmtime_store_t *wasmtime_store_new(wasm_engine_t *, void *data, void (*finalizer)(void *));
wasmtime_context_t *wasmtime_store_context(wasmtime_store_t *);
void wasmtime_store_limiter(wasmtime_store_t *, int64_t memory_size, int64_t table_elements, int64_t instances,
                            int64_t tables, int64_t memories);
void wasmtime_store_delete(wasmtime_store_t *);

// Values.

typedef struct wasmtime_component_resource_any wasmtime_component_resource_any_t;
typedef struct wasmtime_component_resource_host wasmtime_component_resource_host_t;
typedef struct wasmtime_component_resource_type wasmtime_component_resource_type_t;
typedef struct wasmtime_component_val wasmtime_component_val_t;
typedef struct wasmtime_component_valrecord_entry wasmtime_component_valrecord_entry_t;

enum {
  KIND_BOOL = 0,
  KIND_U8 = 2,
  KIND_U16 = 4,
  KIND_S64 = 7,
  KIND_U64 = 8,
  KIND_F64 = 10,
  KIND_STRING = 12,
  KIND_LIST = 13,
  KIND_RECORD = 14,
  KIND_VARIANT = 16,
  KIND_ENUM = 17,
  KIND_OPTION = 18,
  KIND_RESULT = 19,
  KIND_RESOURCE = 21,
};

typedef struct {
  size_t size;
  wasmtime_component_val_t *data;
} wasmtime_component_vallist_t;

typedef struct {
  size_t size;
  wasmtime_component_valrecord_entry_t *data;
} wasmtime_component_valrecord_t;

typedef struct {
  wasm_name_t discriminant;
  wasmtime_component_val_t *val;
} wasmtime_component_valvariant_t;

typedef struct {
  bool is_ok;
  wasmtime_component_val_t *val;
} wasmtime_component_valresult_t;

struct wasmtime_component_val {
  uint8_t kind;
  union {
    bool boolean;
    uint8_t u8;
    uint16_t u16;
    int64_t s64;
    uint64_t u64;
    double f64;
    wasm_name_t string;
    wasm_name_t enumeration;
    wasmtime_component_vallist_t list;
    wasmtime_component_valrecord_t record;
    wasmtime_component_valvariant_t variant;
    wasmtime_component_val_t *option;
    wasmtime_component_valresult_t result;
    wasmtime_component_resource_any_t *resource;
  } of;
};

struct wasmtime_component_valrecord_entry {
  wasm_name_t name;
  wasmtime_component_val_t val;
};

void wasmtime_component_vallist_new_uninit(wasmtime_component_vallist_t *out, size_t size);
void wasmtime_component_valrecord_new_uninit(wasmtime_component_valrecord_t *out, size_t size);
// Moves a value to memory of the library.
wasmtime_component_val_t *wasmtime_component_val_new(wasmtime_component_val_t *);
void wasmtime_component_val_delete(wasmtime_component_val_t *);

wasmtime_component_resource_type_t *wasmtime_component_resource_type_new_host(uint32_t type);
void wasmtime_component_resource_type_delete(wasmtime_component_resource_type_t *);
wasmtime_component_resource_host_t *wasmtime_component_resource_host_new(bool owned, uint32_t rep, uint32_t type);
uint32_t wasmtime_component_resource_host_rep(const wasmtime_component_resource_host_t *);
void wasmtime_component_resource_host_delete(wasmtime_component_resource_host_t *);
wasmtime_error_t *wasmtime_component_resource_host_to_any(wasmtime_context_t *,
                                                          const wasmtime_component_resource_host_t *,
                                                          wasmtime_component_resource_any_t **out);
wasmtime_error_t *wasmtime_component_resource_any_to_host(wasmtime_context_t *,
                                                          const wasmtime_component_resource_any_t *,
                                                          wasmtime_component_resource_host_t **out);

// Components.

typedef struct wasmtime_component_t wasmtime_component_t;
typedef struct wasmtime_component_linker_t wasmtime_component_linker_t;
typedef struct wasmtime_component_linker_instance_t wasmtime_component_linker_instance_t;
typedef struct wasmtime_component_export_index_t wasmtime_component_export_index_t;
typedef struct wasmtime_component_func_type_t wasmtime_component_func_type_t;

typedef struct {
  uint64_t store_id;
  uint32_t private1;
} wasmtime_component_instance_t;

typedef struct {
  struct {
    uint64_t store_id;
    uint32_t private1;
  } instance;
  uint32_t private2;
  void *private3;
} wasmtime_component_func_t;

typedef wasmtime_error_t *(*wasmtime_component_func_callback_t)(void *data, wasmtime_context_t *,
                                                                const wasmtime_component_func_type_t *,
                                                                wasmtime_component_val_t *arguments,
                                                                size_t arguments_length,
                                                                wasmtime_component_val_t *results,
                                                                size_t results_length);
typedef wasmtime_error_t *(*wasmtime_component_resource_destructor_t)(void *data, wasmtime_context_t *, uint32_t rep);

wasmtime_error_t *wasmtime_component_new(wasm_engine_t *, const uint8_t *wasm, size_t length,
                                         wasmtime_component_t **out);
wasmtime_error_t *wasmtime_component_serialize(const wasmtime_component_t *, wasm_name_t *out);
wasmtime_error_t *wasmtime_component_deserialize_file(wasm_engine_t *, const char *path, wasmtime_component_t **out);
void wasmtime_component_delete(wasmtime_component_t *);

wasmtime_component_linker_t *wasmtime_component_linker_new(wasm_engine_t *);
wasmtime_component_linker_instance_t *wasmtime_component_linker_root(wasmtime_component_linker_t *);
wasmtime_error_t *wasmtime_component_linker_instantiate(const wasmtime_component_linker_t *, wasmtime_context_t *,
                                                        const wasmtime_component_t *,
                                                        wasmtime_component_instance_t *out);
void wasmtime_component_linker_delete(wasmtime_component_linker_t *);

wasmtime_error_t *wasmtime_component_linker_instance_add_instance(wasmtime_component_linker_instance_t *,
                                                                  const char *name, size_t length,
                                                                  wasmtime_component_linker_instance_t **out);
wasmtime_error_t *wasmtime_component_linker_instance_add_func(wasmtime_component_linker_instance_t *,
                                                              const char *name, size_t length,
                                                              wasmtime_component_func_callback_t, void *data,
                                                              void (*finalizer)(void *));
wasmtime_error_t *wasmtime_component_linker_instance_add_resource(wasmtime_component_linker_instance_t *,
                                                                  const char *name, size_t length,
                                                                  const wasmtime_component_resource_type_t *,
                                                                  wasmtime_component_resource_destructor_t,
                                                                  void *data, void (*finalizer)(void *));
void wasmtime_component_linker_instance_delete(wasmtime_component_linker_instance_t *);

wasmtime_component_export_index_t *wasmtime_component_instance_get_export_index(
    const wasmtime_component_instance_t *, wasmtime_context_t *, const wasmtime_component_export_index_t *instance,
    const char *name, size_t length);
void wasmtime_component_export_index_delete(wasmtime_component_export_index_t *);
bool wasmtime_component_instance_get_func(const wasmtime_component_instance_t *, wasmtime_context_t *,
                                          const wasmtime_component_export_index_t *, wasmtime_component_func_t *out);
wasmtime_error_t *wasmtime_component_func_call(const wasmtime_component_func_t *, wasmtime_context_t *,
                                               const wasmtime_component_val_t *arguments, size_t arguments_length,
                                               wasmtime_component_val_t *results, size_t results_length);

// In callbacks.c: a function and a resource whose callbacks are in Go. `host` is a handle of the Go runtime.
wasmtime_error_t *add_func(wasmtime_component_linker_instance_t *, const char *name, size_t length, uintptr_t function);
wasmtime_error_t *add_resource(wasmtime_component_linker_instance_t *, const char *name, size_t length, uint32_t type,
                               uintptr_t table);

#endif
