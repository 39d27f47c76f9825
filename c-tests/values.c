/*
 * Values: building them, reaching into them by path, and their ways to and
 * from JSON and XML.
 *
 * tests: values values.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>

#include "common.h"

static vkvm_error *err;

/* The kinds, by the numbers that get_kind gives. */
enum kind { NOTHING, BOOLEAN, INT, UINT, REAL, STRING, BYTES, LIST, MAP, HANDLE };

static void is_json(vkvm_value *value, const char *wanted, const char *name)
{
    char *json = NULL;
    works(vkvm_value_to_json(value, 0, &json, &err), &err, "to_json");
    is_own_str(json, wanted, name);
}

static void is_kind(vkvm_value *value, const char *path, enum kind wanted)
{
    int kind = -1;
    works(vkvm_value_get_kind(value, path, &kind, &err), &err, "get_kind");
    is_int(kind, wanted, path ? path : "(the value itself)");
}

static bool are_equal(const char *one, const char *other)
{
    vkvm_value *a = from_json(one), *b = from_json(other);
    bool equal = false, turned = false;
    works(vkvm_value_equal(a, b, &equal, &err), &err, "equal");
    works(vkvm_value_equal(b, a, &turned, &err), &err, "equal, the other way round");
    ok(equal == turned, "both ways are the same");
    vkvm_value_free(a);
    vkvm_value_free(b);
    return equal;
}

/* --- building --------------------------------------------------------------- */

/* One of each kind, which the checks below look at. */
static vkvm_value *one_of_each(vkvm_domain *dom)
{
    vkvm_value *map = NULL, *list = NULL;
    works(vkvm_value_new_map(&map, &err), &err, "new_map");
    works(vkvm_value_new_list(&list, &err), &err, "new_list");
    works(vkvm_value_set_null(map, "null", &err), &err, "set_null");
    works(vkvm_value_set_bool(map, "bool", 7, &err), &err, "set_bool");
    works(vkvm_value_set_int64(map, "int", INT64_MIN, &err), &err, "set_int64");
    works(vkvm_value_set_uint64(map, "uint", UINT64_MAX, &err), &err, "set_uint64");
    works(vkvm_value_set_double(map, "double", 0.5, &err), &err, "set_double");
    works(vkvm_value_set_string(map, "string", "gr\xc3\xbc\xc3\x9f", &err), &err, "set_string");
    works(vkvm_value_set_bytes(map, "bytes", "a\0b", 3, &err), &err, "set_bytes");
    works(vkvm_value_set(map, "list", list, &err), &err, "set");
    works(vkvm_value_set_handle(map, "handle", dom, &err), &err, "set_handle");
    works(vkvm_value_put(map, NULL, "a.b", list, &err), &err, "put a key with a dot");
    vkvm_value_free(list);
    return map;
}

static void kinds(vkvm_value *each)
{
    static const struct { const char *path; enum kind kind; size_t length; } parts[] = {
        { "null", NOTHING, 0 }, { "bool", BOOLEAN, 0 }, { "int", INT, 0 }, { "uint", UINT, 0 },
        { "double", REAL, 0 }, { "string", STRING, 6 }, { "bytes", BYTES, 3 }, { "list", LIST, 0 },
        { "handle", HANDLE, 0 }, { "a.b", LIST, 0 },
    };
    size_t count = sizeof parts / sizeof *parts, length = 0;
    for (size_t i = 0; i < count; i++) {
        char *key = NULL;
        is_kind(each, parts[i].path, parts[i].kind);
        works(vkvm_value_get_key(each, NULL, i, &key, &err), &err, "get_key");
        is_own_str(key, parts[i].path, "keys keep their order");
        int returned = vkvm_value_get_length(each, parts[i].path, &length, &err);
        if (parts[i].kind >= STRING && parts[i].kind <= MAP)
            ok(returned == 0 && length == parts[i].length, "its length");
        else
            ok(returned == -1, "it has no length");
        forget(&err);
    }
    is_kind(each, NULL, MAP);
    is_kind(each, "", MAP);
    works(vkvm_value_get_length(each, NULL, &length, &err), &err, "get_length of the map");
    is_int((int64_t)length, (int64_t)count, "it has as many keys");
}

static void getting(vkvm_value *each)
{
    bool truth = false;
    int64_t number = 0;
    uint64_t natural = 0;
    double real = 0;
    uint8_t *bytes = NULL;
    size_t length = 0;

    works(vkvm_value_get_bool(each, "bool", &truth, &err), &err, "get_bool");
    ok(truth, "7 is true");
    works(vkvm_value_get_int64(each, "int", &number, &err), &err, "get_int64");
    is_int(number, INT64_MIN, "the smallest");
    works(vkvm_value_get_uint64(each, "uint", &natural, &err), &err, "get_uint64");
    ok(natural == UINT64_MAX, "the largest");
    works(vkvm_value_get_double(each, "double", &real, &err), &err, "get_double");
    ok(real == 0.5, "a half");
    is_str_at(each, "string", "gr\xc3\xbc\xc3\x9f", "get_string");
    works(vkvm_value_get_bytes(each, "bytes", &bytes, &length, &err), &err, "get_bytes");
    ok(length == 3 && memcmp(bytes, "a\0b", 4) == 0, "with a NUL inside, and one behind");
    vkvm_bytes_free(bytes);
    works(vkvm_value_get_bytes(each, "string", &bytes, &length, &err), &err, "get_bytes of text");
    is_int((int64_t)length, 6, "is its UTF-8");
    vkvm_bytes_free(bytes);
}

static void conversions(void)
{
    vkvm_value *value = from_json("{\"n\":\"42\",\"m\":-1,\"big\":18446744073709551615,"
                                  "\"yes\":\"yes\",\"two\":2,\"pi\":\"3.14\",\"nul\":\"a\\u0000b\"}");
    int64_t number = 0;
    uint64_t natural = 0;
    double real = 0;
    bool truth = false;
    char *text = NULL;
    is_int(int_at(value, "n"), 42, "text that is a number is one");
    works(vkvm_value_get_uint64(value, "n", &natural, &err), &err, "for get_uint64, too");
    works(vkvm_value_get_double(value, "pi", &real, &err), &err, "and get_double");
    ok(fabs(real - 3.14) < 1e-12, "it is about pi");
    works(vkvm_value_get_bool(value, "yes", &truth, &err), &err, "yes is a truth");
    ok(truth, "it is true");
    fails(vkvm_value_get_bool(value, "two", &truth, &err), &err, VKVM_ERROR_OWN_INVALID, "path",
          "2 is none");
    fails(vkvm_value_get_uint64(value, "m", &natural, &err), &err, VKVM_ERROR_OWN_INVALID, "path",
          "-1 is no uint64");
    fails(vkvm_value_get_int64(value, "big", &number, &err), &err, VKVM_ERROR_OWN_INVALID, "path",
          "2^64 - 1 is no int64");
    fails(vkvm_value_get_int64(value, "yes", &number, &err), &err, VKVM_ERROR_OWN_INVALID, "path",
          "yes is no number");
    fails(vkvm_value_get_string(value, "m", &text, &err), &err, VKVM_ERROR_OWN_WRONG_TYPE, "path",
          "a number is no text");
    ok(vkvm_value_get_string(value, "nul", &text, &err) == -1, "text with a NUL is no C string");
    forget(&err);
    ok(text == NULL && number == 0 && natural == 42, "failures leave the outputs alone");
    vkvm_value_free(value);
}

/* --- paths -------------------------------------------------------------------- */

static void paths(void)
{
    vkvm_value *value = from_json("{\"host\":{\"cpu\":[{\"model\":\"i686\"}]},\"l\":[1,2]}");
    vkvm_value *part = NULL, *item = from_json("{\"new\":true}");

    is_str_at(value, "host.cpu.0.model", "i686", "keys and an index");
    works(vkvm_value_get(value, "host.cpu", &part, &err), &err, "get a part");
    works(vkvm_value_set_int64(part, "0.model", 1, &err), &err, "change it");
    is_str_at(value, "host.cpu.0.model", "i686", "it was a copy");
    vkvm_value_free(part);

    works(vkvm_value_append(value, "l", item, &err), &err, "append");
    works(vkvm_value_set(value, "l.3", item, &err), &err, "set behind the last");
    works(vkvm_value_set_string(value, "l.0", "one", &err), &err, "set the first");
    works(vkvm_value_set_string(item, "new", "changed", &err), &err, "change what was put in");
    works(vkvm_value_put(value, "host", "x.y", item, &err), &err, "put");
    works(vkvm_value_remove(value, "host.cpu", &err), &err, "remove a key");
    works(vkvm_value_remove(value, "l.1", &err), &err, "remove an item");
    is_json(value, "{\"host\":{\"x.y\":{\"new\":\"changed\"}},"
                   "\"l\":[\"one\",{\"new\":true},{\"new\":true}]}", "this remains");
    works(vkvm_value_set_null(value, NULL, &err), &err, "set the value itself");
    is_kind(value, NULL, NOTHING);
    vkvm_value_free(value);
    vkvm_value_free(item);
}

/* What is missing of a path is made, from a map without anything in it. */
static void building(void)
{
    vkvm_value *value = NULL, *item = from_json("{\"@dev\":\"vdb\"}");
    char *xml = NULL;
    works(vkvm_value_new_map(&value, &err), &err, "an empty map");
    works(vkvm_value_set_string(value, "domain.@type", "kvm", &err), &err, "an attribute");
    works(vkvm_value_set_string(value, "domain.name", "web", &err), &err, "a child");
    works(vkvm_value_set_uint64(value, "domain.memory.#text", 2, &err), &err, "a text");
    works(vkvm_value_set_string(value, "domain.memory.@unit", "GiB", &err), &err, "its attribute");
    works(vkvm_value_set_string(value, "domain.devices.disk.+.@type", "file", &err), &err, "a list");
    works(vkvm_value_set_string(value, "domain.devices.disk.0.target.@dev", "vda", &err), &err,
          "a part of its first item");
    works(vkvm_value_set(value, "domain.devices.disk.+.target", item, &err), &err, "one more");
    works(vkvm_value_set_bool(value, "domain.devices.disk.1.readonly", 1, &err), &err, "a flag");
    works(vkvm_value_set_bool(value, "domain.devices.disk.1.shareable", 0, &err), &err, "none");
    works(vkvm_value_set_null(value, "domain.features.acpi", &err), &err, "null");
    works(vkvm_value_to_xml(value, &xml, &err), &err, "the document");
    is_own_str(xml,
               "<domain type=\"kvm\">\n  <name>web</name>\n  <memory unit=\"GiB\">2</memory>\n"
               "  <devices>\n    <disk type=\"file\">\n      <target dev=\"vda\"/>\n    </disk>\n"
               "    <disk>\n      <target dev=\"vdb\"/>\n      <readonly/>\n    </disk>\n"
               "  </devices>\n  <features>\n    <acpi/>\n  </features>\n</domain>\n",
               "has what was set, in this order, and no element for false");
    vkvm_value_free(item);
    vkvm_value_free(value);
}

static void missing_paths(void)
{
    vkvm_value *value = from_json("{\"a\":{\"b\":[1]},\"s\":\"x\"}"), *part = NULL;
    char *key = NULL;
    bool truth;
    const int none = VKVM_ERROR_OWN_NOT_FOUND, wrong = VKVM_ERROR_OWN_WRONG_TYPE;
    fails(vkvm_value_get(value, "a.c", &part, &err), &err, none, "path", "no such key");
    fails(vkvm_value_get(value, "a.b.1", &part, &err), &err, none, "path", "no such index");
    fails(vkvm_value_get(value, "a.b.-1", &part, &err), &err, none, "path", "no such index, -1");
    fails(vkvm_value_get(value, "s.x", &part, &err), &err, none, "path", "nothing is in text");
    fails(vkvm_value_set_null(value, "a.b.2", &err), &err, none, "path", "lists have no gaps");
    fails(vkvm_value_set_null(value, "x.y.1", &err), &err, none, "path", "nor have new ones");
    fails(vkvm_value_set_null(value, "s.x.y", &err), &err, wrong, "path", "text gets no parts");
    fails(vkvm_value_set_null(value, "a.+", &err), &err, wrong, "path", "nothing appends to a map");
    ok(vkvm_value_set_null(value, "a..c", &err) == -1, "a part has a name");
    is_str(vkvm_error_parameter(err), "path", "the path without it is to blame");
    forget(&err);
    fails(vkvm_value_remove(value, "x", &err), &err, none, "path", "nothing to remove");
    ok(vkvm_value_remove(value, "", &err) == -1, "a value cannot remove itself");
    is_str(vkvm_error_parameter(err), "path", "the path is to blame");
    forget(&err);
    ok(vkvm_value_get_key(value, NULL, 2, &key, &err) == -1, "there is no third key");
    is_str(vkvm_error_parameter(err), "index", "the index is to blame");
    forget(&err);
    fails(vkvm_value_get_key(value, "a.b", 0, &key, &err), &err, wrong, "path", "lists have no keys");
    fails(vkvm_value_append(value, "a", value, &err), &err, wrong, "path", "append to a map");
    fails(vkvm_value_put(value, "s", "k", value, &err), &err, wrong, "path", "put into text");
    fails(vkvm_value_get_bool(value, "a", &truth, &err), &err, wrong, "path", "a map is no bool");
    is_json(value, "{\"a\":{\"b\":[1]},\"s\":\"x\"}", "nothing has changed");
    works(vkvm_value_append(value, "a.b", value, &err), &err, "a value can go into itself");
    is_json(value, "{\"a\":{\"b\":[1,{\"a\":{\"b\":[1]},\"s\":\"x\"}]},\"s\":\"x\"}", "as a copy");
    vkvm_value_free(value);
}

static void equality(void)
{
    ok(are_equal("{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}"), "the order of keys is nothing");
    ok(!are_equal("[1,2]", "[2,1]"), "the order of items is something");
    ok(!are_equal("1", "\"1\""), "a number is no text");
    ok(!are_equal("null", "false"), "null is not false");
    ok(!are_equal("{\"a\":1}", "{\"a\":1,\"b\":1}"), "one key more");

    vkvm_value *one = from_json("[]"), *other = from_json("[]");
    bool equal = false;
    vkvm_value_set_int64(one, "0", 5, &err);
    vkvm_value_set_uint64(other, "0", 5, &err);
    works(vkvm_value_equal(one, other, &equal, &err), &err, "equal");
    ok(equal, "signed and unsigned 5 are the same");
    works(vkvm_value_equal(one, one, &equal, &err), &err, "equal, with itself");
    ok(equal, "a value equals itself");
    vkvm_value_free(one);
    vkvm_value_free(other);
}

/* --- JSON and XML --------------------------------------------------------------- */

static void mistake(int returned, int code, const char *parameter, uint64_t line, uint64_t column,
                    const char *name)
{
    bool placed = err && vkvm_error_line(err) == line && vkvm_error_column(err) == column;
    if (!ok(placed, "%s, at %" PRIu64 ":%" PRIu64, name, line, column))
        diag("not at %" PRIu64 ":%" PRIu64, vkvm_error_line(err), vkvm_error_column(err));
    fails(returned, &err, code, parameter, "is an error with the parameter's name");
}

static void json(void)
{
    static const char text[] = "{\"z\":null,\"a\":[true,-1,18446744073709551615,1.5],\"m\":{}}";
    vkvm_value *value = from_json(text), *back = NULL;
    char *pretty = NULL;
    is_json(value, text, "JSON and back is the same, in order");
    works(vkvm_value_to_json(value, 1, &pretty, &err), &err, "to_json, pretty");
    has_text(pretty, "\n  ", "has indented lines");
    vkvm_value_free(value);
    works(vkvm_value_from_json(pretty, &value, &err), &err, "which can be read");
    is_json(value, text, "as the same");
    vkvm_string_free(pretty);
    works(vkvm_value_set_bytes(value, NULL, "\xff\0", 2, &err), &err, "bytes");
    is_json(value, "{\"$bytes\":\"/wA=\"}", "are base64");
    vkvm_value_free(value);
    mistake(vkvm_value_from_json("{\"a\":1,\n \"b\":}", &back, &err), VKVM_ERROR_OWN_JSON_SYNTAX,
            "json", 2, 6, "a missing value");
    ok(back == NULL, "it gives no value");
}

static void xml(void)
{
    static const char text[] = "<disk type='file'><target dev='vda'/><size unit='B'>7</size>"
                               "<boot/><boot/><name>a &lt; b</name></disk>";
    vkvm_value *value = NULL, *again = NULL;
    char *written = NULL;
    bool equal = false;
    works(vkvm_value_from_xml(text, &value, &err), &err, "from_xml");
    is_json(value, "{\"disk\":{\"@type\":\"file\",\"target\":{\"@dev\":\"vda\"},"
                   "\"size\":{\"@unit\":\"B\",\"#text\":\"7\"},\"boot\":[true,true],"
                   "\"name\":\"a < b\"}}",
            "attributes, text, lists and empty elements");
    works(vkvm_value_to_xml(value, &written, &err), &err, "to_xml");
    works(vkvm_value_from_xml(written, &again, &err), &err, "and from_xml");
    works(vkvm_value_equal(value, again, &equal, &err), &err, "compare");
    ok(equal, "it is the same again");
    vkvm_string_free(written);
    vkvm_value_free(again);
    vkvm_value_free(value);

    value = NULL;
    works(vkvm_value_from_xml("<a>x <b/>y<c/><b/></a>", &value, &err), &err, "mixed content");
    is_json(value, "{\"a\":{\"#text\":[\"x \",\"y\"],\"b\":[true,true],\"c\":true,"
                   "\"#order\":[\"#text\",\"b\",\"#text\",\"c\",\"b\"]}}",
            "has its order and all its pieces of text");
    works(vkvm_value_to_xml(value, &written, &err), &err, "to_xml");
    is_own_str(written, "<a>x <b/>y<c/><b/></a>\n", "is the same document");
    vkvm_value_free(value);
    works(vkvm_value_from_xml("<a>x<?p i='1'?><b/><?p?></a>", &value, &err), &err,
          "processing instructions");
    is_json(value, "{\"a\":{\"#text\":\"x\",\"?p\":[\"i='1'\",true],\"b\":true,"
                   "\"#order\":[\"?p\",\"b\",\"?p\"]}}",
            "are children with a question mark");
    works(vkvm_value_to_xml(value, &written, &err), &err, "to_xml");
    is_own_str(written, "<a>x<?p i='1'?><b/><?p?></a>\n", "is the same document");
    vkvm_value_free(value);
    value = from_json("{\"a\":{\"@b\":true}}");
    ok(vkvm_value_to_xml(value, &written, &err) == -1, "an attribute is no boolean");
    has_text(vkvm_error_message(err), "\"a.@b\": it is a boolean", "which the error names");
    has_text(vkvm_error_message(err), "\"yes\" or \"on\"", "with what to write instead");
    forget(&err);
    vkvm_value_free(value);
    value = from_json("{\"a\":{\"b\":false,\"c\":[false,null,true,{}]}}");
    works(vkvm_value_to_xml(value, &written, &err), &err, "to_xml");
    is_own_str(written, "<a>\n  <c/>\n  <c/>\n  <c/>\n</a>\n", "false makes no element");
    vkvm_value_free(value);

    again = NULL;
    mistake(vkvm_value_from_xml("<a>\n  <b></c>\n</a>", &again, &err), VKVM_ERROR_OWN_XML_SYNTAX,
            "xml", 2, 6, "a wrong end tag");
    mistake(vkvm_value_from_xml("\n<a>\xc3\xbc&nbsp;</a>", &again, &err),
            VKVM_ERROR_OWN_XML_SYNTAX, "xml", 2, 5, "an unknown entity, after one character");
    mistake(vkvm_value_from_xml("<a/>\n<?p i?>", &again, &err), VKVM_ERROR_OWN_XML_SYNTAX, "xml",
            2, 1, "a processing instruction that has no place");
    ok(again == NULL, "it gives no value");
    value = from_json("[1]");
    ok(vkvm_value_to_xml(value, &written, &err) == -1, "a list is no document");
    forget(&err);
    vkvm_value_free(value);
}

/* A document is read, written, read and written again: both values and both texts are the
   same, and what the visitor would be shown is, too. */
static bool comes_back(const char *text)
{
    vkvm_value *first = NULL, *second = NULL;
    char *written = NULL, *again = NULL, *json = NULL, *same = NULL;
    bool equal = vkvm_value_from_xml(text, &first, &err) == 0
        && vkvm_value_to_xml(first, &written, &err) == 0
        && vkvm_value_from_xml(written, &second, &err) == 0
        && vkvm_value_to_xml(second, &again, &err) == 0
        && vkvm_value_to_json(first, 0, &json, &err) == 0
        && vkvm_value_to_json(second, 0, &same, &err) == 0
        && strcmp(written, again) == 0 && strcmp(json, same) == 0;
    if (!equal)
        diag("%s became %s: %s", text, written ? written : "nothing",
             err ? vkvm_error_message(err) : "not the same");
    forget(&err);
    vkvm_value_free(first);
    vkvm_value_free(second);
    vkvm_string_free(written);
    vkvm_string_free(again);
    vkvm_string_free(json);
    vkvm_string_free(same);
    return equal;
}

/* Appends a random element, and counts what was opened. */
static char *random_element(char *to, int depth)
{
    static const char *const names[] = { "a", "b", "c", "q:d" };
    static const char *const texts[] = { "t", " t &amp; u ", "<![CDATA[<]]>", "\n", "<!-- c -->" };
    const char *name = names[rand() % 4];
    to += sprintf(to, "<%s%s%s>", name, rand() % 2 ? " x='1&lt;'" : "", rand() % 2 ? " y=''" : "");
    for (int i = rand() % 4; depth && i > 0; i--) {
        if (rand() % 4 == 0)
            to += sprintf(to, "%s", texts[rand() % 5]);
        to = random_element(to, depth - 1);
    }
    if (rand() % 3 == 0)
        to += sprintf(to, "%s", texts[rand() % 5]);
    return to + sprintf(to, "</%s>", name);
}

static void documents(void)
{
    static char text[1 << 20];
    int changed = 0;
    FILE *file = fopen("benches/domain.xml", "r");
    must(file ? 0 : -1, NULL, "benches/domain.xml, from the folder of the project");
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    ok(comes_back(text), "the document of a domain comes back as it was");
    srand(1);
    for (int i = 0; i < 500; i++) {
        random_element(text, 4);
        changed += !comes_back(text);
    }
    is_int(changed, 0, "so do 500 random documents");
}

/* --- handles --------------------------------------------------------------------- */

static void handles_inside(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL;
    vkvm_value *value = from_json("{}"), *copy = NULL;
    void *out = NULL;
    char *name = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "a domain");
    works(vkvm_value_set_handle(value, "dom", dom, &err), &err, "set_handle");
    vkvm_domain_free(dom);
    works(vkvm_domain_get_name(dom, &name, &err), &err, "the value holds the domain");
    is_own_str(name, "test", "it works");
    works(vkvm_value_get(value, NULL, &copy, &err), &err, "a copy of the value");
    vkvm_value_free(value);
    works(vkvm_value_get_handle(copy, "dom", &out, &err), &err, "get_handle");
    ok(out == dom, "it is the same handle");
    vkvm_value_free(copy);
    works(vkvm_domain_get_name(out, &name, &err), &err, "and a hold of its own");
    vkvm_string_free(name);
    vkvm_domain_free(out);
    fails(vkvm_domain_get_name(dom, &name, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "dom",
          "the last hold ends it");
}

static void references(void)
{
    vkvm_value *value = from_json("[]");
    size_t length = 0;
    ok(vkvm_value_ref(value) == value, "ref");
    vkvm_value_free(value);
    works(vkvm_value_get_length(value, NULL, &length, &err), &err,
          "one free of two leaves it alive");
    vkvm_value_free(value);
    fails(vkvm_value_get_length(value, NULL, &length, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE,
          "value", "two do not");
}

static void wiping(void)
{
    vkvm_value *value = NULL;
    must(vkvm_value_from_json("{\"secret\":\"s3cret\",\"list\":[\"more\"]}", &value, &err), err,
         "a value");
    ok(vkvm_value_ref(value) == value, "a second hold");
    vkvm_value_wipe_and_free(value);
    is_json(value, "{\"secret\":\"s3cret\",\"list\":[\"more\"]}", "who still holds it has all of it");
    vkvm_value_wipe_and_free(value);
    is_int((int64_t)handles("value"), 0, "the last hold frees it");
    vkvm_value_wipe_and_free(value);
    vkvm_value_wipe_and_free(NULL);
    ok(true, "what was freed, and NULL, are left alone");
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "a domain");
    vkvm_value *each = one_of_each(dom);
    kinds(each);
    getting(each);
    vkvm_value_free(each);
    vkvm_domain_free(dom);
    wiping();
    conversions();
    paths();
    building();
    missing_paths();
    equality();
    json();
    xml();
    documents();
    handles_inside(conn);
    references();
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
