/*
 * Leaks in calls with values, errors and constants; see leaks.h.
 *
 * tests: leaks_values leaks_values.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "leaks.h"

static vkvm_domain *dom;
static vkvm_value *value;
static vkvm_error *failure;

static void value_building(void)
{
    vkvm_value *map = NULL, *list = NULL;
    good(vkvm_value_new_map(&map, &err));
    good(vkvm_value_new_list(&list, &err));
    good(vkvm_value_set_string(map, "s", "text", &err));
    good(vkvm_value_set_bytes(map, "b", "bytes", 5, &err));
    good(vkvm_value_set_handle(map, "h", dom, &err));
    good(vkvm_value_append(list, NULL, map, &err));
    good(vkvm_value_put(map, NULL, "l", list, &err));
    good(vkvm_value_remove(map, "s", &err));
    bad(vkvm_value_remove(map, "s", &err));
    vkvm_value_free(list);
    vkvm_value_free(map);
}

static void value_reading(void)
{
    vkvm_value *part = NULL;
    char *text = NULL, *key = NULL;
    uint8_t *bytes = NULL;
    size_t length = 0;
    bool equal;
    good(vkvm_value_get(value, "a", &part, &err));
    good(vkvm_value_get_string(value, "s", &text, &err));
    good(vkvm_value_get_key(value, NULL, 0, &key, &err));
    good(vkvm_value_get_bytes(value, "s", &bytes, &length, &err));
    good(vkvm_value_equal(value, part, &equal, &err));
    bad(vkvm_value_get_string(value, "nonesuch", &text, &err));
    vkvm_value_free(part);
    vkvm_string_free(text);
    vkvm_string_free(key);
    vkvm_bytes_free(bytes);
}

static void value_json(void)
{
    vkvm_value *parsed = NULL;
    char *json = NULL;
    good(vkvm_value_to_json(value, 1, &json, &err));
    good(vkvm_value_from_json(json, &parsed, &err));
    bad(vkvm_value_from_json("{", &parsed, &err));
    vkvm_value_free(parsed);
    vkvm_string_free(json);
}

static void value_xml(void)
{
    vkvm_value *parsed = NULL;
    char *xml = NULL;
    good(vkvm_value_from_xml(probe_xml, &parsed, &err));
    good(vkvm_value_to_xml(parsed, &xml, &err));
    vkvm_value_free(parsed);
    vkvm_string_free(xml);
    bad(vkvm_value_from_xml("<a>", &parsed, &err));
}

static void error_details(void)
{
    vkvm_value *details = NULL;
    char *json = NULL;
    good(vkvm_error_to_json(failure, &json, &err));
    good(vkvm_error_to_value(failure, &details, &err));
    vkvm_string_free(json);
    vkvm_value_free(details);
}

static void constant_list(void)
{
    vkvm_value *list = NULL;
    good(vkvm_constant_list(&list, &err));
    vkvm_value_free(list);
}

static const struct { void (*call)(void); const char *name; } calls[] = {
    { value_building, "building values" },
    { value_reading, "reading values" },
    { value_json, "JSON" },
    { value_xml, "XML" },
    { error_details, "error details" },
    { constant_list, "constant_list" },
};

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    check_scale();
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    must(vkvm_value_from_json("{\"a\":[1,2],\"s\":\"text\"}", &value, &err), err, "the value");
    vkvm_domain_get_name(NULL, NULL, &failure);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        measure(calls[i].call, calls[i].name);
    vkvm_error_free(failure);
    vkvm_value_free(value);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
