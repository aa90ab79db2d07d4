// Between the library's callbacks and Go's: a file with exported Go functions can declare C functions, and define none.

#include "_cgo_export.h"

static wasmtime_error_t *on_call(void *function, wasmtime_context_t *context,
                                 const wasmtime_component_func_type_t *type, wasmtime_component_val_t *arguments,
                                 size_t arguments_length, wasmtime_component_val_t *results, size_t results_length) {
  return callImport((uintptr_t)function, context, arguments, arguments_length, results, results_length);
}

static wasmtime_error_t *on_drop(void *table, wasmtime_context_t *context, uint32_t rep) {
  dropResource((uintptr_t)table, rep);
  return NULL;
}

wasmtime_error_t *add_func(wasmtime_component_linker_instance_t *instance, const char *name, size_t length,
                           uintptr_t function) {
  return wasmtime_component_linker_instance_add_func(instance, name, length, on_call, (void *)function, NULL);
}

wasmtime_error_t *add_resource(wasmtime_component_linker_instance_t *instance, const char *name, size_t length,
                               uint32_t type, uintptr_t table) {
  wasmtime_component_resource_type_t *host = wasmtime_component_resource_type_new_host(type);
  wasmtime_error_t *error =
      wasmtime_component_linker_instance_add_resource(instance, name, length, host, on_drop, (void *)table, NULL);
  wasmtime_component_resource_type_delete(host);
  return error;
}
