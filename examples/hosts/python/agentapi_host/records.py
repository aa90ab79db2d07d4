"""Records: the arguments of an operation as the component takes them, and its values as JSON has them."""

from wasmtime.component import Record, Variant

# Fields that the agent calls otherwise: in WIT, `type` is a keyword.
FIELDS = {"kind": "type"}
# The texts of the agent where they are not the name of the case.
CASES = {
    "class": {"unknown": ""},
    "class_hint": {"unknown": ""},
    "health": {"passed": "PASSED", "failing": "FAILING", "unknown": "UNKNOWN"},
}


class ArgumentError(Exception):
    """An argument is not of its type."""


def arguments(operation, args):
    """What an operation's function is called with. Texts that are left out are empty."""
    if args is None:
        args = {}
    if not isinstance(args, dict):
        raise ArgumentError("args: expected an object")
    match operation:
        case "assign-disk":
            names = {"uuid": "uuid", "mount-path": "where", "fstype": "fstype", "options": "options"}
        case "eject-disk":
            return [text(args, "where")]
        case "format-disk":
            # An unconfirmed durable id must not count: clients send it along in both steps.
            durable_id = text(args, "durable_id")
            confirmation = durable_id if boolean(args, "confirmed") else None
            return [record(device=text(args, "device"), fstype=text(args, "fstype"), confirmation=confirmation)]
        case "fs-uuid":
            return [text(args, "durable_id")]
        case "opsign-command":
            names = {"op": "op", "host-scope": "host_scope", "durable-id": "durable_id", "fstype": "fstype"}
        case _:
            return []
    return [record(**{field: text(args, name) for field, name in names.items()})]


def text(args, name):
    value = args.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ArgumentError(f"{name}: expected a text")
    # JSON can spell half of a surrogate pair, which is no text.
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ArgumentError(f"{name}: expected a text, found a lone surrogate")
    return value


def boolean(args, name):
    value = args.get(name)
    if value not in (None, False, True) or isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ArgumentError(f"{name}: expected true or false")
    return bool(value)


def record(**fields):
    made = Record()
    vars(made).update(fields)
    return made


def to_json(value, field=None):
    """A value of the component as the agent names and shapes it."""
    if isinstance(value, Record):
        names = {name: FIELDS.get(name, name.replace("-", "_")) for name in vars(value)}
        return {key: to_json(getattr(value, name), key) for name, key in names.items()}
    if isinstance(value, Variant):
        return value.payload if value.tag == "other" else CASES.get(field, {}).get(value.tag, value.tag)
    if isinstance(value, list):
        return [to_json(element) for element in value]
    return value


def map_texts(function, value):
    """A value of JSON with a function applied to each text in it."""
    if isinstance(value, str):
        return function(value)
    if isinstance(value, list):
        return [map_texts(function, element) for element in value]
    if isinstance(value, dict):
        return {key: map_texts(function, element) for key, element in value.items()}
    return value
