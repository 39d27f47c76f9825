/*
 * Functions called by their names.
 *
 * tests: invoke invoke.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdint.h>

#include "common.h"

static vkvm_conn *conn;

/* A map with the connection as its `conn`. */
static vkvm_value *with_conn(void)
{
    vkvm_value *args;
    vkvm_error *err = NULL;
    must(vkvm_value_new_map(&args, &err), err, "a map");
    must(vkvm_value_set_handle(args, "conn", conn, &err), err, "conn");
    return args;
}

static void set_text(vkvm_value *args, const char *key, const char *text)
{
    vkvm_error *err = NULL;
    must(vkvm_value_set_string(args, key, text, &err), err, key);
}

static void set_number(vkvm_value *args, const char *key, int64_t number)
{
    vkvm_error *err = NULL;
    must(vkvm_value_set_int64(args, key, number, &err), err, key);
}

/* Calls, frees the arguments, and gives the result, or NULL with a failed check. */
static vkvm_value *invoke(const char *function, vkvm_value *args)
{
    vkvm_value *result = NULL;
    vkvm_error *err = NULL;
    works(vkvm_invoke(function, args, &result, &err), &err, function);
    vkvm_value_free(args);
    return result;
}

/* Checks that a call fails. */
static void refuses(const char *function, vkvm_value *args, int code, const char *parameter,
                    const char *part, const char *name)
{
    vkvm_value *result = (vkvm_value *)&conn;
    vkvm_error *err = NULL;
    int returned = vkvm_invoke(function, args, &result, &err);
    has_text(err ? vkvm_error_message(err) : NULL, part, name);
    fails(returned, &err, code, parameter, name);
    ok(result == (vkvm_value *)&conn, "%s: the result is not touched", name);
    vkvm_value_free(args);
}

static char *json_of(vkvm_value *value)
{
    char *text = NULL;
    vkvm_error *err = NULL;
    must(vkvm_value_to_json(value, 0, &text, &err), err, "as JSON");
    return text;
}

static void is_json(vkvm_value *value, const char *wanted, const char *name)
{
    is_own_str(json_of(value), wanted, name);
    vkvm_value_free(value);
}

/* Every kind of output. */
static void outputs(void)
{
    vkvm_error *err = NULL;
    vkvm_value *args = with_conn(), *result;
    set_text(args, "name", "test");
    result = invoke("vkvm_conn_get_domain_by_name", args);
    vkvm_domain *dom = NULL;
    works(vkvm_value_get_handle(result, NULL, (void **)&dom, &err), &err, "a handle");
    vkvm_value_free(result);
    is_str(vkvm_handle_class_name(dom), "domain", "of the right class");

    must(vkvm_value_new_map(&args, &err), err, "a map");
    must(vkvm_value_set_handle(args, "dom", dom, &err), err, "dom");
    result = NULL;
    works(vkvm_invoke("vkvm_domain_get_info", args, &result, &err), &err, "a map");
    ok(int_at(result, "memory") == 2097152, "has its keys");
    vkvm_value_free(result);
    works(vkvm_invoke("vkvm_domain_get_uuid", args, &result, &err), &err, "bytes");
    size_t length = 0;
    uint8_t *bytes = NULL;
    works(vkvm_value_get_bytes(result, NULL, &bytes, &length, &err), &err, "are bytes");
    ok(length == 16 && bytes[0] == 0x66, "all 16");
    vkvm_bytes_free(bytes);
    vkvm_value_free(result);
    works(vkvm_invoke("vkvm_domain_get_state", args, &result, &err), &err, "several results");
    is_json(result, "{\"state\":1,\"reason\":0}", "are a map of them");
    works(vkvm_invoke("vkvm_domain_is_active", args, &result, &err), &err, "a bool");
    is_json(result, "true", "is true");
    works(vkvm_invoke("vkvm_domain_suspend", args, &result, &err), &err, "nothing");
    is_json(result, "null", "is null");
    works(vkvm_invoke("vkvm_domain_resume", args, &result, &err), &err, "resumed");
    vkvm_value_free(result);
    vkvm_value_free(args);
    vkvm_domain_free(dom);

    args = with_conn();
    set_number(args, "maxids", 10);
    is_json(invoke("vkvm_conn_list_domain_ids", args), "[1]", "numbers");
    args = with_conn();
    set_number(args, "maxnames", 10);
    is_json(invoke("vkvm_conn_list_network_names", args), "[\"default\"]", "texts");
    result = invoke("vkvm_conn_list_all_domains", with_conn());
    vkvm_domain *listed = NULL;
    works(vkvm_value_get_handle(result, "0", (void **)&listed, &err), &err, "a list of handles");
    vkvm_domain_free(listed);
    vkvm_value_free(result);
    char version[16];
    snprintf(version, sizeof version, "%d", VKVM_VERSION);
    is_json(invoke("vkvm_library_get_version", NULL), version, "without arguments");
}

/* Every kind of input. */
static void inputs(void)
{
    vkvm_error *err = NULL;
    vkvm_value *args = with_conn(), *list;
    must(vkvm_value_new_list(&list, &err), err, "a list");
    set_text(list, "+", "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>");
    must(vkvm_value_put(args, NULL, "xml", list, &err), err, "xml");
    vkvm_value *result = NULL;
    vkvm_invoke("vkvm_conn_baseline_cpu", args, &result, &err);
    ok(result || vkvm_error_code(err) == VKVM_ERROR_ERR_NO_SUPPORT, "a list of texts reaches libvirt");
    forget(&err);
    vkvm_value_free(result);
    vkvm_value_free(args);
    vkvm_value_free(list);

    args = with_conn();
    set_text(args, "xml", probe_xml);
    result = invoke("vkvm_conn_define_domain", args);
    vkvm_domain *dom = NULL;
    works(vkvm_value_get_handle(result, NULL, (void **)&dom, &err), &err, "a domain is defined");
    vkvm_value_free(result);
    must(vkvm_value_new_map(&args, &err), err, "a map");
    must(vkvm_value_set_handle(args, "dom", dom, &err), err, "dom");
    must(vkvm_value_new_map(&list, &err), err, "a map");
    must(vkvm_value_set_uint64(list, "hard_limit", 12345, &err), err, "hard_limit");
    must(vkvm_value_put(args, NULL, "newparams", list, &err), err, "newparams");
    vkvm_value_free(list);
    vkvm_value_free(invoke("vkvm_domain_set_memory_parameters", args));
    must(vkvm_value_new_map(&args, &err), err, "a map");
    must(vkvm_value_set_handle(args, "dom", dom, &err), err, "dom");
    result = invoke("vkvm_domain_get_memory_parameters", args);
    ok(int_at(result, "hard_limit") == 12345, "a value as an argument has arrived");
    vkvm_value_free(result);
    vkvm_error *undefined = NULL;
    works(vkvm_domain_undefine(dom, 0, &undefined), &undefined, "undefined");
    vkvm_domain_free(dom);
}

/* What is wrong with arguments is said by the names of the parameters. */
static void misuse(void)
{
    refuses(NULL, NULL, VKVM_ERROR_OWN_NULL, "function", "is NULL", "no function");
    refuses("vkvm_nosuch", NULL, VKVM_ERROR_OWN_INVALID, "function", "vkvm_nosuch", "no such function");
    refuses("vkvm_value_new_map", NULL, VKVM_ERROR_OWN_INVALID, "function", "vkvm_value_new_map",
            "a function of values");
    refuses("vkvm_invoke", NULL, VKVM_ERROR_OWN_INVALID, "function", "vkvm_invoke", "itself");
    refuses("vkvm_conn_get_hostname", NULL, VKVM_ERROR_OWN_INVALID, "conn", "is missing", "no object");
    vkvm_value *args = with_conn();
    set_text(args, "nmae", "test");
    refuses("vkvm_conn_get_domain_by_name", args, VKVM_ERROR_OWN_NOT_FOUND, "args", "conn, name",
            "an unknown argument");
    args = with_conn();
    set_number(args, "name", 7);
    refuses("vkvm_conn_get_domain_by_name", args, VKVM_ERROR_OWN_INVALID, "name", "an int64",
            "a number for a text");
    args = with_conn();
    set_text(args, "id", "7");
    refuses("vkvm_conn_get_domain_by_id", args, VKVM_ERROR_OWN_INVALID, "id", "an integer",
            "a text for a number");
    args = with_conn();
    set_number(args, "id", INT64_C(1) << 40);
    refuses("vkvm_conn_get_domain_by_id", args, VKVM_ERROR_OWN_INVALID, "id", "2147483647",
            "a number that does not fit");
    args = with_conn();
    set_text(args, "flags", "x");
    refuses("vkvm_conn_list_all_domains", args, VKVM_ERROR_OWN_INVALID, "flags", "an integer", "wrong flags");
    vkvm_error *err = NULL;
    must(vkvm_value_new_map(&args, &err), err, "a map");
    must(vkvm_value_set_handle(args, "dom", conn, &err), err, "conn");
    refuses("vkvm_domain_get_name", args, VKVM_ERROR_OWN_WRONG_CLASS, "dom", "conn", "another class");
    must(vkvm_value_new_list(&args, &err), err, "a list");
    refuses("vkvm_conn_get_hostname", args, VKVM_ERROR_OWN_INVALID, "args", "a map", "no map");
    args = with_conn();
    set_text(args, "name", "nosuch");
    refuses("vkvm_conn_get_domain_by_name", args, VKVM_ERROR_ERR_NO_DOMAIN, NULL, "not found",
            "libvirt's own error");
}

/* Room of the caller's: data come back, as many as there are. */
static void room(void)
{
    vkvm_error *err = NULL;
    vkvm_value *args = with_conn(), *result, *stream;
    stream = invoke("vkvm_conn_new_stream", args);
    must(vkvm_value_new_map(&args, &err), err, "a map");
    must(vkvm_value_put(args, NULL, "stream", stream, &err), err, "stream");
    vkvm_value_free(stream);
    vkvm_value *more;
    must(vkvm_value_get(args, NULL, &more, &err), err, "a copy");
    set_number(more, "data_len", 100);
    refuses("vkvm_stream_recv", more, VKVM_ERROR_OWN_INVALID, "stream", "", "a stream that is not open");
    set_number(args, "data_len", INT64_MAX);
    result = NULL;
    ok(vkvm_invoke("vkvm_stream_recv", args, &result, &err) < 0, "more room than there is");
    is_str(vkvm_error_parameter(err), "data_len", "is an error of its parameter");
    forget(&err);
    vkvm_value_free(args);
}

int main(void)
{
    conn = open_conn(TEST_URI, 0);
    outputs();
    inputs();
    misuse();
    room();
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
