# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvkvm for Python, made from vkvm-api.json while it is imported.

    conn = vkvm.Conn.open("test:///default")
    for dom in conn.list_all_domains():
        print(dom.get_name(), dom.get_info()["memory"], "KiB")

A class of the API is a class here, a function a method, static where it needs no object,
a constant an attribute. Inputs come in the order of C, or by name; what has a default or
may be NULL can be left out. A group of constants is an IntEnum or IntFlag: `domain_state` is
vkvm.DomainState, and results of such a group are of it. VKVM_API and VKVM_LIBRARY name the API file and the library,
if not those that are installed are meant. docs/BINDINGS.md explains the steps.
"""
import asyncio
import ctypes as c
import enum
import functools
import itertools
import json
import os
import subprocess
import sys

_file = os.environ.get("VKVM_API") or subprocess.check_output(
    ["pkg-config", "--variable=vkvm_api", "vkvm"], text=True).strip()
with open(_file, encoding="utf-8") as _opened:
    API = json.load(_opened)
_library = c.CDLL(os.environ.get("VKVM_LIBRARY") or "libvkvm.so.0")
_functions = {function["name"]: function for function in API["functions"]}
_callback_types = {callback["c_type"]: callback for callback in API["callbacks"]}
_classes = {}  # the Python class of each class of the API
_enums = {}  # the Python enum of each group of constants that are numbers

_NUMBERS = {"int": c.c_int, "uint": c.c_uint32, "int64": c.c_int64, "uint64": c.c_uint64,
            "size": c.c_size_t, "double": c.c_double, "bool": c.c_bool}
_LISTS = {"string_list": c.c_char_p, "int_list": c.c_int, "handle_list": c.c_void_p}


def _c_type(kind):
    return _NUMBERS.get(kind, c.c_void_p) if kind else None


@functools.lru_cache(maxsize=None)
def _c_function(name):
    """The C function of this name, with its types declared."""
    description, function, types = _functions[name], getattr(_library, name), []
    for param in description["params"]:
        out = param["direction"] in ("out", "error")
        types.append(c.c_void_p if out else _c_type(param["kind"]))
        if "length" in param:
            types.append(c.c_void_p if out else c.c_size_t)
    function.argtypes = types
    returns = description["returns"]
    function.restype = c.c_int if returns == "status" else _c_type(returns.get("kind"))
    return function


def _c_callback(description):
    return c.CFUNCTYPE(_c_type(description["returns"].get("kind")),
                       *(_c_type(param["kind"]) for param in description["params"]))


def _call(name, *arguments):
    error = c.c_void_p()
    if _c_function(name)(*arguments, c.byref(error)) < 0:
        raise VkvmError(error)


def _text(address):
    return c.string_at(address).decode("utf-8", "surrogateescape") if address else None


class Object:
    """A handle of C's, given up with the object; NAME is its class, as in C."""
    NAME = None
    def __init__(self, handle):
        self._handle = handle

    def free(self):
        handle, self._handle = self._handle, None
        if handle:
            _c_function(f"vkvm_{self.NAME}_free")(handle)

    __del__ = free


def _borrowed(handle, name):
    """An object, with a hold of its own, for a handle that somebody else frees."""
    return _classes[name](_c_function(f"vkvm_{name}_ref")(handle)) if handle else None


class VkvmError(Exception):
    """What went wrong: an attribute for each property that the class `error` has."""
    def __init__(self, handle):
        for function in API["functions"]:
            kind = function["returns"] != "status" and function["returns"].get("kind")
            if function["class"] == "error" and kind and kind != "handle":
                result = _c_function(function["name"])(handle)
                setattr(self, function["method"], _text(result) if kind == "string" else result)
        _c_function("vkvm_error_free")(handle)
        super().__init__(self.message)


class _Builder:
    """Makes a Python structure of what a visitor is shown."""
    def __init__(self):
        self.top, self.open, self.keys = [], [], []

    def add(self, item):
        container = self.open[-1] if self.open else self.top
        if isinstance(container, list):
            container.append(item)
        else:
            container[self.keys.pop()] = item
        return item

    def show(self, member, *shown):
        if member in ("string", "bytes", "key", "handle"):
            *handle, data, length = shown
            data = c.string_at(data, length) if length else b""
            data = data if member == "bytes" else data.decode()
            data = _borrowed(handle[0], data) if handle else data
            (self.keys.append if member == "key" else self.add)(data)
        elif member in ("list", "map"):
            self.open.append(self.add([] if member == "list" else {}))
        elif member == "end":
            self.open.pop()
        else:
            self.add(shown[0] if shown else None)


_members = {member["name"]: _c_callback(member)
            for struct in API["structs"] if struct["c_type"] == "vkvm_value_visitor"
            for member in struct["members"]}
_Visitor = type("_Visitor", (c.Structure,), {"_fields_": list(_members.items())})


def _from_value(handle):
    """The Python structure of a value that stays the caller's."""
    builder = _Builder()
    functions = [c_type(lambda _userdata, *shown, name=name: builder.show(name, *shown))
                 for name, c_type in _members.items()]
    _call("vkvm_value_visit", handle, None, c.byref(_Visitor(*functions)), None)
    return builder.top[0]


def _to_value(data):
    """A new Value of a Python structure."""
    is_list = not isinstance(data, dict)
    value = Value.new_list() if is_list else Value.new_map()
    if isinstance(data, (dict, list, tuple)):
        for item in data:
            value.append(None, item) if is_list else value.put(None, item, data[item])
    else:
        kinds = {type(None): "null", bool: "bool", str: "string", bytes: "bytes", float: "double"}
        kinds[int] = "uint64" if isinstance(data, int) and data >= 2**63 else "int64"
        kind = "handle" if isinstance(data, Object) else kinds[type(data)]
        getattr(value, "set_" + kind)(None, *([] if data is None else [data]))
    return value


_alive = {}  # the functions that C may still call, by their userdata
_numbers = itertools.count(1)
_destroy = c.CFUNCTYPE(None, c.c_void_p)(lambda number: _alive.pop(number, None) and None)


def _callback(c_type, function):
    """C's function for a Python function, and the userdata to go with it."""
    params, number = _callback_types[c_type]["params"], next(_numbers)

    def called(*given):
        try:
            with_next = zip(params, given, given[1:])  # the userdata is last; a length may be next
            result = function(*(_borrow(*argument) for argument in with_next))
            return result if isinstance(result, int) else 0
        except BaseException:  # C would not know what to do with it
            sys.excepthook(*sys.exc_info())
            return -1

    return _alive.setdefault(number, _c_callback(_callback_types[c_type])(called)), number


def _plain(name, data):
    """What C gets for an object or a text."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
        if b"\0" in data:
            raise ValueError(f"{name}: text must not have a NUL in it")
    return data._handle if isinstance(data, Object) else data


def _input(param, data):
    """C's arguments for one of Python's."""
    kind, name = param["kind"], param["name"]
    if kind in _NUMBERS:
        number = _NUMBERS[kind](data)
        if number.value != data and kind != "double":
            raise OverflowError(f"{name}: {data} is no {param['c_type']}")
        return [number]
    if kind in _LISTS:
        items = [_plain(name, item) for item in data or ()]
        return [None if data is None else (_LISTS[kind] * len(items))(*items), len(items)]
    if kind == "buffer":
        return [(c.c_char * len(data)).from_buffer(data), len(data)]
    data = _plain(name, data)
    return [data, len(data or b"")] if "length" in param else [data]


def _borrow(param, found, length=0):
    """The Python form of what stays C's."""
    kind = param["kind"]
    if kind in ("string", "value"):
        return _text(found) if kind == "string" else found and _from_value(found)
    if kind == "any_handle" and found:  # a value knows of which class it is
        holder = Value.new_null()
        _call("vkvm_value_set_handle", holder._handle, None, found)
        return _from_value(holder._handle)
    if kind == "handle":
        return _borrowed(found, param["class"])
    if kind == "bytes":
        return c.string_at(found, length)
    if kind in _LISTS:
        items = (_LISTS[kind] * length).from_address(found) if length else ()
        if kind == "handle_list":
            return [_borrowed(item, param["class"]) for item in items]
        return [item.decode() if kind == "string_list" else item for item in items]
    return found


def _output(param, result, length):
    """The Python form of what C wrote; C's memory is given back."""
    address, count = result.value, length.value
    found = _borrow(param, address, count)
    # A handle of any class is freed as what it has turned out to be.
    free = param.get("free", isinstance(found, Object) and f"vkvm_{found.NAME}_free")
    if free and address:
        _c_function(free)(*([address, count] if param["kind"] in _LISTS else [address]))
    groups = param.get("enum", ())
    if len(groups) == 1 and isinstance(found, int):  # a later libvirt may have other numbers
        found = _enums[groups[0]]._value2member_map_.get(found, found)
    return found


def _bind(function):
    """The Python function for a C function that can fail."""
    params = [param for param in function["params"] if param["direction"] != "error"]
    # Room for bytes is a bytearray that the caller has.
    params = [dict(p, direction="in") if p["kind"] == "buffer" else p for p in params]
    outputs = [param for param in params if param["direction"] == "out"]
    if function["class"] == "value":  # where values are to be seen as such
        outputs = [dict(p, kind="handle") if p["kind"] == "value" else p for p in outputs]
    inputs = {param["name"]: param for param in params if param["direction"] != "out" and
              param["c_type"] != "vkvm_destroy_callback" and param["kind"] != "userdata"}
    needed = {name for name, p in inputs.items() if "default" not in p and not p.get("nullable")}

    def bound(*args, **kwargs):
        given = dict(zip(inputs, args), **kwargs)
        if len(args) > len(inputs) or not needed <= set(given) <= set(inputs):
            raise TypeError(f"{function['name']} takes {', '.join(inputs) or 'nothing'}")
        arguments, keep, userdata = [], [], None
        results = [_c_type(param["kind"])() for param in outputs]
        lengths = [c.c_size_t() for _ in outputs]
        written = zip(results, lengths)
        for param in params:
            data = given.get(param["name"], param.get("default"))
            if param["direction"] == "out":
                arguments += map(c.byref, next(written)[:2 if "length" in param else 1])
            elif param["kind"] == "userdata" or param["c_type"] == "vkvm_destroy_callback":
                arguments.append(userdata if param["kind"] == "userdata" else userdata and _destroy)
            elif param["kind"] == "callback":
                data, userdata = _callback(param["c_type"], data) if data else (None, None)
                arguments.append(data)
            else:
                is_null = data is None and param.get("nullable")
                if param["kind"] == "value" and not isinstance(data, Value) and not is_null:
                    data = _to_value(data)
                keep.append(data)  # until C has seen it
                arguments += _input(param, data)
        _call(function["name"], *arguments)
        found = list(map(_output, outputs, results, lengths))
        return found[0] if len(found) == 1 else tuple(found) or None

    bound.__name__, bound.__doc__, bound.api = function["method"], function["doc"], function
    return bound if any(param["direction"] == "self" for param in params) else staticmethod(bound)


def _is_bound(function):
    """Callbacks that share their userdata or fill room for bytes are not for this example."""
    types = [p["c_type"] for p in function["params"] if p["kind"] == "callback"]
    inner = {p["kind"] for one in types for p in _callback_types[one]["params"]}
    return function["returns"] == "status" and len(types) <= 2 and "buffer" not in inner and \
        all(param["kind"] != "visitor" for param in function["params"])


def _make_enums():
    for group in API["enums"]:
        values = [(value["name"].upper(), value["value"]) for value in group["values"]]
        if all(isinstance(value, int) for _name, value in values):
            title = group["name"].title().replace("_", "")
            kind = enum.IntFlag if group["flags"] else enum.IntEnum
            _enums[group["name"]] = globals()[title] = kind(title, values, module=__name__)
            globals()[title].__doc__ = group["doc"]


def _make_classes():
    for function in API["functions"]:
        name = function["class"]
        if name not in _classes:
            title = name.title().replace("_", "")
            _classes[name] = globals()[title] = type(title, (Object,), {"NAME": name})
        if _is_bound(function):
            setattr(_classes[name], function["method"], _bind(function))
    for constant in API["constants"]:
        if constant["class"] in _classes:
            setattr(_classes[constant["class"]], constant["name"], constant["value"])


class Calls:
    """Makes calls, up to `room` at once, that an asyncio program does not wait for:

        calls = vkvm.Calls()
        print(await calls.make(conn.get_hostname, timeout_ms=5000))

    The methods of all classes that have a name for vkvm_invoke are made by threads of the library;
    asyncio's loop watches the descriptor of one event queue for all of them."""

    def __init__(self, room=10_000):
        self._queue, self._futures, self._tags = EventQueue.new(room), {}, itertools.count()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._queue.get_fd(), self._take)

    def close(self):
        """Ends it; calls that are not done go on, and nobody hears of them."""
        self._loop.remove_reader(self._queue.get_fd())
        self._queue.free()

    async def make(self, method, *args, timeout_ms=0, **kwargs):
        """What the method would return or raise, after at most that many milliseconds."""
        params = [p for p in method.api["params"] if p["direction"] in ("self", "in")]
        subject = [method.__self__] if hasattr(method, "__self__") else []
        given = dict(zip([p["name"] for p in params], subject + list(args)), **kwargs)
        tag = next(self._tags)
        call = Call.start(method.api["name"], given, timeout_ms, self._queue, tag)
        self._futures[tag] = future = self._loop.create_future()
        try:
            result = await future
        finally:
            call.cancel()  # which changes nothing when it is done
        outputs = [p["name"] for p in method.api["params"] if p["direction"] == "out"]
        return tuple(result[name] for name in outputs) if len(outputs) > 1 else result

    def _take(self):
        for entry in self._queue.drain(100):
            future, call = self._futures.pop(entry["tag"]), entry["call"]
            if not future.done():  # it was not cancelled
                try:
                    future.set_result(call.get_result())
                except VkvmError as error:
                    future.set_exception(error)


_make_enums()
_make_classes()
