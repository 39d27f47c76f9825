-- SPDX-License-Identifier: LGPL-2.1-or-later
-- libvkvm for LuaJIT, over vkvm_invoke alone.
--
--     local vkvm = require("vkvm")
--     local conn = vkvm.conn.open("test:///default")
--     for _, dom in ipairs(conn:list_all_domains()) do
--         print(dom:get_name(), dom:get_info().memory)
--     end
--
-- A class of the API is a table of functions, which are the methods of its objects. Arguments
-- come in the order of C; nil takes the default. Several results are several values. An error
-- is a table, as from vkvm_error_to_value. An integer that a Lua number cannot represent is a
-- 64-bit cdata. VKVM_API and VKVM_LIBRARY name the API file and the library, if needed.
local ffi = require("ffi")
local DECLARED = [[int invoke(const char *, void *, void **, void **);
    int error_to_value(void *, void **, void **); void error_free(void *);
    int value_from_json(const char *, void **, void **); int value_new_null(void **, void **);
    int value_new_list(void **, void **); int value_new_map(void **, void **);
    void value_free(void *); void string_free(char *); void bytes_free(uint8_t *, size_t);
    const char *handle_class_name(void *); void handle_free(void *);]]
local OF_VALUES = [[get_kind int *; get_length size_t *; get_key size_t, char **; get void **;
    get_bool bool *; get_int64 int64_t *; get_uint64 uint64_t *; get_double double *;
    get_string char **; get_bytes uint8_t **, size_t *; get_handle void **; set_bool int;
    set_int64 int64_t; set_uint64 uint64_t; set_double double; set_string const char *;
    set_bytes const void *, size_t; set_handle void *; append void *; put const char *, void *;]]
ffi.cdef((DECLARED:gsub("([%l_]+%b())", "vkvm_%1")))
for name, types in OF_VALUES:gmatch("(%S+) ([^;]+);") do
    ffi.cdef(("int vkvm_value_%s(void *, const char *path, %s, void **error);"):format(name, types))
end
local C = ffi.load(os.getenv("VKVM_LIBRARY") or "libvkvm.so.0")
local vkvm = { null = setmetatable({}, { __tostring = function() return "null" end }) }
local classes, from_value, output = {}, nil, nil
local function text(address) return ffi.string(ffi.gc(address, C.vkvm_string_free)) end

-- Calls a function that can fail; the error is its last parameter.
local function check(name, ...)
    local count, arguments, err = select("#", ...), { ... }, ffi.new("void *[1]")
    arguments[count + 1] = err
    if C["vkvm_" .. name](unpack(arguments, 1, count + 1)) == 0 then return end
    local about = output("void *", "error_to_value", ffi.gc(err[0], C.vkvm_error_free))
    error(setmetatable(from_value(about), { __tostring = function(e) return e.message end }))
end

-- Calls one with an output of a type, which is its last parameter but the error.
function output(type, name, ...)
    local count, arguments = select("#", ...) + 1, { ... }
    arguments[count] = ffi.new(type .. "[1]")
    check(name, unpack(arguments, 1, count))
    return arguments[count][0]
end

local function owned(value) return ffi.gc(value, C.vkvm_value_free) end
local function length(value) return tonumber(output("size_t", "value_get_length", value, nil)) end

local function integer(type)
    return function(value)
        local whole = output(type .. "_t", "value_get_" .. type, value, nil)
        return math.abs(tonumber(whole)) <= 2 ^ 53 and tonumber(whole) or whole
    end
end

-- What reads a value, by the numbers of the kinds: VKVM_VALUE_*.
local readers = {
    [0] = function() return vkvm.null end,
    function(value) return output("bool", "value_get_bool", value, nil) end,
    integer("int64"), integer("uint64"),
    function(value) return output("double", "value_get_double", value, nil) end,
    function(value) return text(output("char *", "value_get_string", value, nil)) end,
    function(value)
        local bytes, size = ffi.new("uint8_t *[1]"), ffi.new("size_t[1]")
        check("value_get_bytes", value, nil, bytes, size)
        local copy = ffi.string(bytes[0], size[0])
        return copy, C.vkvm_bytes_free(bytes[0], size[0])
    end,
    function(value, list)
        for i = 1, length(value) do
            list[i] = from_value(output("void *", "value_get", value, tostring(i - 1)))
        end
        return list
    end,
    function(value, map)
        for i = 0, length(value) - 1 do
            local key = text(output("char *", "value_get_key", value, nil, i))
            map[key] = from_value(output("void *", "value_get", value, key))
        end
        return map
    end,
    function(value)
        local handle = ffi.gc(output("void *", "value_get_handle", value, nil), C.vkvm_handle_free)
        local class = classes[ffi.string(C.vkvm_handle_class_name(handle))]
        return setmetatable({ handle = handle }, { __index = class })
    end,
}

function from_value(value)
    return readers[output("int", "value_get_kind", owned(value), nil)](value, {})
end

-- A value for a parameter of a kind; is_list says what an empty table is.
local function to_value(data, kind, is_list)
    local is_map = type(data) == "table" and not data.handle and data ~= vkvm.null
    is_list = is_map and (#data > 0 or next(data) == nil and is_list)
    local value = owned(output("void *", is_list and "value_new_list" or is_map and "value_new_map" or "value_new_null"))
    if is_list then
        for _, item in ipairs(data) do check("value_append", value, nil, to_value(item)) end
    elseif is_map then
        for key, item in pairs(data) do check("value_put", value, nil, key, to_value(item)) end
    elseif type(data) == "table" and data.handle then check("value_set_handle", value, nil, data.handle)
    elseif type(data) == "boolean" then check("value_set_bool", value, nil, data and 1 or 0)
    elseif kind == "bytes" then check("value_set_bytes", value, nil, data, #data)
    elseif type(data) == "string" then check("value_set_string", value, nil, data)
    elseif ffi.istype("uint64_t", data) then check("value_set_uint64", value, nil, data)
    elseif type(data) == "cdata" or type(data) == "number" and kind ~= "double" and data % 1 == 0 then
        check("value_set_int64", value, nil, data)
    elseif type(data) == "number" then check("value_set_double", value, nil, data) end
    return value
end

local function bind(description)
    local inputs, outputs = {}, {}
    for _, param in ipairs(description.params) do
        table.insert(param.direction == "out" and outputs or param.direction ~= "error" and inputs or {}, param)
    end
    return function(...)
        local args, results = owned(output("void *", "value_new_map")), {}
        for i, param in ipairs(inputs) do
            local given, is_list = (select(i, ...)), param.shape == "list" or param.kind:find("_list")
            if given ~= nil then check("value_put", args, nil, param.name, to_value(given, param.kind, is_list)) end
        end
        local result = from_value(output("void *", "invoke", description.name, args))
        if #outputs < 2 then return result ~= vkvm.null and result or nil end
        for i, param in ipairs(outputs) do results[i] = result[param.name] end
        return unpack(results)
    end
end

local path = os.getenv("VKVM_API") or io.popen("pkg-config --variable=vkvm_api vkvm"):read("*l")
vkvm.api = from_value(output("void *", "value_from_json", assert(io.open(path)):read("*a")))
for _, description in ipairs(vkvm.api.functions) do
    local class = classes[description.class] or {}
    classes[description.class], vkvm[description.class] = class, class
    local is_word = table.concat(description.reserved_in or {}, " "):find("Lua")
    local name = is_word and description.safe_name or description.method
    if description.invokable then class[name] = bind(description) end
end
for _, group in ipairs(vkvm.api.enums) do
    vkvm[group.name] = {}
    for _, value in ipairs(group.values) do vkvm[group.name][value.name] = value.value end
end
return vkvm
