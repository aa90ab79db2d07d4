"""The component in wasmtime: compiled code that is kept in a folder, the imports, the calls of its exports.

The imports are written by hand, because the ones that wasmtime brings would send requests with a client of their own,
which knows no pin. Their functions are called in the order that `docs/hosting.md` describes, and only what the
component calls is here: it is refused at the start if it wants more.
"""

import hashlib
import os
import re
import tempfile
from importlib.metadata import version
from pathlib import Path

from wasmtime import Engine, Store, WasmtimeError
from wasmtime.component import Component, FuncType, Linker, ResourceType

from .imports import RESOURCES, Imports

# Far more than an answer of the largest size takes.
MAX_MEMORY_BYTES = 64 * 1024 * 1024
# The interfaces that are matched here, each within the versions that are compatible with it.
OFFERED = {"felhom:agentapi": (0, 2), "wasi:http": (0, 2), "wasi:io": (0, 2)}


def load(path, cache=None):
    """The engine and the component in a file. Its compiled code is kept in the folder `cache`, if there is one.

    Whoever can write to that folder runs code in this process, so it must belong to this user alone.
    """
    engine = Engine()
    wasm = Path(path).read_bytes()
    if cache is None:
        return engine, Component(engine, wasm)
    # The code depends on the compiler, so its version is part of the name.
    compiled = Path(cache) / f"{hashlib.sha256(wasm).hexdigest()}-{version('wasmtime')}.cwasm"
    try:
        return engine, Component.deserialize_file(engine, str(compiled))
    except WasmtimeError:
        # It is not there yet, or of another processor.
        component = Component(engine, wasm)
        write_whole(compiled, component.serialize())
        return engine, component


def write_whole(path, data):
    """Another process that starts at the same time sees a whole file or none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    os.replace(file.name, path)


class Instance:
    """One client. Its calls run one after the other. After a trap it is thrown away."""

    def __init__(self, engine, component, sender):
        self._store = Store(engine)
        self._store.set_limits(memory_size=MAX_MEMORY_BYTES)
        self.imports = Imports(sender)
        self._instance = instantiate(engine, self._store, component, self.imports)
        self._exports = {unversioned(name): name for name in component.type.exports(engine)}

    def call(self, interface, name, *arguments):
        """Calls an exported function. Raises what the trap was where there is one."""
        interface = self._exports[f"felhom:agentapi/{interface}"]
        index = self._instance.get_export_index(self._store, interface)
        index = self._instance.get_export_index(self._store, name, index)
        function = self._instance.get_func(self._store, index)
        return function(self._store, *arguments)


def instantiate(engine, store, component, imports):
    linker = Linker(engine)
    with linker.root() as root:
        for name, item in component.type.imports(engine).items():
            check_compatible(name)
            with root.add_instance(name) as instance:
                define(instance, unversioned(name), item.ty.exports(engine), imports)
    return linker.instantiate(store, component)


def define(instance, interface, items, imports):
    """Defines what the component imports of an interface. Types other than resources need no definition."""
    for name, item in items.items():
        kind = item.ty
        if isinstance(kind, ResourceType):
            instance.add_resource(name, ResourceType.host(RESOURCES[name]), imports.drop)
        elif isinstance(kind, FuncType):
            instance.add_func(name, imports.function(interface, name))


def unversioned(name):
    return name.partition("@")[0]


def check_compatible(name):
    """By semver: below 1.0 the second number is the one that counts."""
    package = name.partition("/")[0]
    match = re.search(r"@(\d+)\.(\d+)\.\d+$", name)
    if not match or OFFERED.get(package) != (int(match[1]), int(match[2])):
        raise LookupError(f"the component imports {name}, which this host does not have")
