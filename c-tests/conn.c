/*
 * The connection: what it tells about itself and its host, how domains are
 * found through it, and what remains when it is closed.
 *
 * tests: conn conn.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <netdb.h>
#include <unistd.h>

#include "common.h"

static vkvm_error *err;

static void opening(void)
{
    vkvm_conn *conn = NULL, *other = NULL;
    works(vkvm_conn_open(TEST_URI, 0, &conn, &err), &err, "open");
    works(vkvm_conn_open(TEST_URI, VKVM_CONNECT_RO, &other, &err), &err, "open to read only");

    vkvm_domain *dom = NULL;
    fails(vkvm_conn_define_domain(other, probe_xml, 0, &dom, &err), &err,
          VKVM_ERROR_ERR_OPERATIONED_DENIED, NULL, "a read-only connection cannot define");
    ok(dom == NULL, "and gives no domain");
    vkvm_conn_free(other);

    other = NULL;
    ok(vkvm_conn_open("nonesuch:///", 0, &other, &err) == -1 && err, "no such driver");
    ok(vkvm_error_code(err) > 0 && vkvm_error_code(err) < VKVM_ERROR_OWN_INTERNAL,
       "the error is libvirt's");
    is_str(vkvm_error_function(err), "virConnectOpenAuth", "and names the function");
    forget(&err);
    ok(vkvm_conn_open(TEST_URI, 1u << 30, &other, &err) == -1, "an unknown flag is refused");
    forget(&err);
    ok(other == NULL, "a failed open leaves the output alone");
    vkvm_conn_free(conn);
}

static void identity(vkvm_conn *conn)
{
    char *text = NULL, host[256] = "";
    uint64_t version = 0;
    works(vkvm_conn_get_uri(conn, &text, &err), &err, "get_uri");
    is_own_str(text, TEST_URI, "the uri");
    works(vkvm_conn_get_type(conn, &text, &err), &err, "get_type");
    is_own_str(text, "TEST", "the type");
    works(vkvm_conn_get_hostname(conn, &text, &err), &err, "get_hostname");
    gethostname(host, sizeof host - 1);
    /* libvirt looks a short name up, and gives the full one. */
    struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *full = NULL;
    ok(strcmp(text, host) == 0 || (getaddrinfo(host, NULL, &hints, &full) == 0 &&
                                   full->ai_canonname && strcmp(text, full->ai_canonname) == 0),
       "the host is this one");
    if (full)
        freeaddrinfo(full);
    vkvm_string_free(text);
    works(vkvm_conn_get_version(conn, &version, &err), &err, "get_version");
    is_int((int64_t)version, 2, "the version of the test driver");
    works(vkvm_conn_get_library_version(conn, &version, &err), &err, "get_library_version");
    uint64_t here = 0;
    works(vkvm_library_get_libvirt_version(&here, &err), &err, "library_get_libvirt_version");
    is_int((int64_t)version, (int64_t)here, "the test driver is of the libvirt in this process");
    ok(here >= 7000000, "which is 7.0.0 or newer");
    works(vkvm_library_get_version(&version, &err), &err, "library_get_version");
    ok(version > 0 && version < 100000000, "libvkvm has a version");
}

static void link_state(vkvm_conn *conn)
{
    bool truth = false;
    works(vkvm_conn_is_alive(conn, &truth, &err), &err, "is_alive");
    ok(truth, "it is alive");
    works(vkvm_conn_is_secure(conn, &truth, &err), &err, "is_secure");
    ok(truth, "it is secure: it stays in this process");
    works(vkvm_conn_is_encrypted(conn, &truth, &err), &err, "is_encrypted");
    ok(!truth, "it is not encrypted");
    fails(vkvm_conn_set_keep_alive(conn, 5, 3, &err), &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL,
          "there is nobody to keep alive");
}

static void host(vkvm_conn *conn)
{
    static const struct { const char *key; int64_t wanted; } facts[] = {
        { "memory", 3145728 }, { "cpus", 16 }, { "mhz", 1400 }, { "nodes", 2 },
        { "sockets", 2 }, { "cores", 2 }, { "threads", 2 },
    };
    vkvm_value *info = NULL, *stats = NULL;
    works(vkvm_conn_get_node_info(conn, &info, &err), &err, "get_node_info");
    is_str_at(info, "model", "i686", "model");
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        is_int(int_at(info, facts[i].key), facts[i].wanted, facts[i].key);
    vkvm_value_free(info);

    works(vkvm_conn_get_node_cpu_stats(conn, VKVM_NODE_CPU_STATS_ALL_CPUS, 0, &stats, &err),
          &err, "get_node_cpu_stats");
    ok(int_at(stats, VKVM_NODE_CPU_STATS_USER) > 0, "user time");
    ok(int_at(stats, VKVM_NODE_CPU_STATS_KERNEL) > 0, "kernel time");
    ok(int_at(stats, VKVM_NODE_CPU_STATS_IDLE) > 0, "idle time");
    vkvm_value_free(stats);
    fails(vkvm_conn_get_node_memory_stats(conn, VKVM_NODE_MEMORY_STATS_ALL_CELLS, 0, &stats,
                                          &err),
          &err, VKVM_ERROR_ERR_NO_SUPPORT, NULL, "the test driver has no memory stats");

    char *xml = NULL;
    works(vkvm_conn_get_capabilities(conn, &xml, &err), &err, "get_capabilities");
    vkvm_value *capabilities = NULL;
    works(vkvm_value_from_xml(xml, &capabilities, &err), &err, "they are XML");
    is_str_at(capabilities, "capabilities.host.cpu.arch", "i686", "of an i686");
    vkvm_value_free(capabilities);
    vkvm_string_free(xml);
}

static bool has_name(vkvm_domain *dom, const char *wanted)
{
    char *name = NULL;
    bool same = vkvm_domain_get_name(dom, &name, NULL) == 0 && strcmp(name, wanted) == 0;
    vkvm_string_free(name);
    return same;
}

static void found(int returned, vkvm_domain **dom, const char *name)
{
    works(returned, &err, name);
    ok(has_name(*dom, "test"), "it is the right one");
    vkvm_domain_free(*dom);
    *dom = NULL;
}

static void lookups(vkvm_conn *conn)
{
    static const char hex[] = "6695EB01f6a4830479aa97f2502e193f";
    vkvm_domain *dom = NULL;
    uint8_t *raw = NULL;
    size_t raw_len = 0;

    works(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), &err, "by name");
    works(vkvm_domain_get_uuid(dom, &raw, &raw_len, &err), &err, "get its uuid");
    is_int((int64_t)raw_len, 16, "which has 16 bytes");
    vkvm_domain_free(dom);
    found(vkvm_conn_get_domain_by_uuid(conn, raw, raw_len, &dom, &err), &dom, "by raw uuid");
    vkvm_bytes_free(raw);
    found(vkvm_conn_get_domain_by_uuid(conn, hex, 32, &dom, &err), &dom, "by 32 digits");
    found(vkvm_conn_get_domain_by_uuid(conn, TEST_UUID, 36, &dom, &err), &dom, "with hyphens");
    found(vkvm_conn_get_domain_by_id(conn, 1, &dom, &err), &dom, "by id");

    fails(vkvm_conn_get_domain_by_id(conn, 4711, &dom, &err), &err, VKVM_ERROR_ERR_NO_DOMAIN,
          NULL, "no such id");
    fails(vkvm_conn_get_domain_by_uuid(conn, PROBE_UUID, 36, &dom, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN, NULL, "no such uuid");
    fails(vkvm_conn_get_domain_by_uuid(conn, hex, 31, &dom, &err), &err,
          VKVM_ERROR_OWN_INVALID, "uuid", "31 digits are no uuid");
    fails(vkvm_conn_get_domain_by_uuid(conn, "6695eb01xf6a4-8304-79aa-97f2502e193f", 36, &dom,
                                       &err),
          &err, VKVM_ERROR_OWN_INVALID, "uuid", "x is no hyphen");
    ok(dom == NULL, "a failed lookup leaves the output alone");
}

static void listing(vkvm_conn *conn)
{
    vkvm_domain *probe = define_probe(conn), **domains = NULL;
    size_t count = 0;
    int running = -1, *ids = NULL;

    works(vkvm_conn_list_all_domains(conn, 0, &domains, &count, &err), &err, "list_all_domains");
    is_int((int64_t)count, 2, "both domains");
    vkvm_domain_list_free(domains, count);
    works(vkvm_conn_list_all_domains(conn, VKVM_DOMAIN_LIST_INACTIVE, &domains, &count, &err),
          &err, "list those that do not run");
    ok(count == 1 && has_name(domains[0], "probe"), "only ours");
    vkvm_domain_list_free(domains, count);
    works(vkvm_conn_list_all_domains(conn, VKVM_DOMAIN_LIST_PAUSED, &domains, &count, &err),
          &err, "list paused ones");
    ok(count == 0 && domains != NULL, "there are none");
    vkvm_domain_list_free(domains, count);

    works(vkvm_conn_num_of_domains(conn, &running, &err), &err, "num_of_domains");
    is_int(running, 1, "one runs");
    works(vkvm_conn_list_domain_ids(conn, 16, &ids, &count, &err), &err, "list_domain_ids");
    ok(count == 1 && ids[0] == 1, "its id is 1");
    vkvm_int_list_free(ids, count);
    works(vkvm_conn_list_domain_ids(conn, 0, &ids, &count, &err), &err, "of which no more than 0");
    is_int((int64_t)count, 0, "gives none");
    vkvm_int_list_free(ids, count);
    fails(vkvm_conn_list_domain_ids(conn, -1, &ids, &count, &err), &err, VKVM_ERROR_OWN_INVALID,
          "maxids", "of which no more than -1");

    works(vkvm_domain_undefine(probe, 0, &err), &err, "undefine");
    vkvm_domain_free(probe);
}

static void making(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL;
    bool truth = false;
    works(vkvm_conn_create_domain(conn, probe_xml, 0, &dom, &err), &err, "create_domain");
    works(vkvm_domain_is_active(dom, &truth, &err), &err, "is_active");
    ok(truth, "it runs");
    works(vkvm_domain_is_persistent(dom, &truth, &err), &err, "is_persistent");
    ok(!truth, "it is transient");
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    vkvm_domain_free(dom);
    fails(vkvm_conn_get_domain_by_name(conn, "probe", &dom, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN, NULL, "then it is gone");
    fails(vkvm_conn_define_domain(conn, "<domain", 0, &dom, &err), &err,
          VKVM_ERROR_ERR_XML_DETAIL, "xml", "half a document defines nothing");
}

/* The record of the domain `name`, or NULL. */
static vkvm_value *record_of(vkvm_value *records, const char *name)
{
    size_t count = 0;
    vkvm_value_get_length(records, NULL, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        char path[32];
        void *dom = NULL;
        vkvm_value *data = NULL;
        snprintf(path, sizeof path, "%zu.dom", i);
        works(vkvm_value_get_handle(records, path, &dom, &err), &err, "a record has its domain");
        if (has_name(dom, name)) {
            snprintf(path, sizeof path, "%zu.data", i);
            works(vkvm_value_get(records, path, &data, &err), &err, "and its data");
        }
        vkvm_domain_free(dom);
        if (data)
            return data;
    }
    return NULL;
}

static void statistics(vkvm_conn *conn)
{
    vkvm_domain *probe = define_probe(conn);
    vkvm_value *records = NULL, *data;
    size_t count = 0;

    works(vkvm_conn_get_all_domain_stats(conn, VKVM_DOMAIN_STATS_STATE, NULL, 0, 0, &records,
                                         &err),
          &err, "get_all_domain_stats");
    works(vkvm_value_get_length(records, NULL, &count, &err), &err, "count them");
    is_int((int64_t)count, 2, "of all domains");
    data = record_of(records, "test");
    is_int(int_at(data, "state.state"), VKVM_DOMAIN_STATE_RUNNING, "one runs");
    vkvm_value_free(data);
    data = record_of(records, "probe");
    is_int(int_at(data, "state.state"), VKVM_DOMAIN_STATE_SHUTOFF, "one does not");
    vkvm_value_free(data);
    vkvm_value_free(records);

    works(vkvm_conn_get_all_domain_stats(conn, 0, &probe, 1, 0, &records, &err), &err, "of one");
    works(vkvm_value_get_length(records, NULL, &count, &err), &err, "count them");
    is_int((int64_t)count, 1, "there is one record");
    vkvm_value_free(data = record_of(records, "probe"));
    ok(data != NULL, "it is the right one");
    vkvm_value_free(records);
    works(vkvm_domain_undefine(probe, 0, &err), &err, "undefine");
    vkvm_domain_free(probe);
}

static void error_details(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL;
    char *json = NULL;
    vkvm_value *details = NULL, *parsed = NULL;
    vkvm_error *failure = NULL;
    bool equal = false;

    ok(vkvm_conn_get_domain_by_name(conn, "nonesuch", &dom, &failure) == -1, "no such domain");
    is_int(vkvm_error_code(failure), VKVM_ERROR_ERR_NO_DOMAIN, "the code");
    is_int(vkvm_error_code(failure), 42, "is 42");
    is_int(vkvm_error_domain(failure), VKVM_ERROR_FROM_TEST, "the part of libvirt");
    is_int(vkvm_error_level(failure), VKVM_ERROR_LEVEL_ERROR, "the level");
    is_str(vkvm_error_function(failure), "virDomainLookupByName", "the function");
    has_text(vkvm_error_message(failure), "Domain not found", "the message");
    is_str(vkvm_error_parameter(failure), NULL, "no parameter was wrong");
    ok(vkvm_error_line(failure) == 0 && vkvm_error_column(failure) == 0, "nor a document");
    has_text(vkvm_error_str1(failure), "Domain not found", "str1 is libvirt's text");
    is_str(vkvm_error_str2(failure), NULL, "str2 is not used");
    is_str(vkvm_error_str3(failure), NULL, "nor is str3");
    ok(vkvm_error_int1(failure) <= 0 && vkvm_error_int2(failure) <= 0, "nor are the numbers");

    works(vkvm_error_to_json(failure, &json, &err), &err, "to_json");
    works(vkvm_error_to_value(failure, &details, &err), &err, "to_value");
    works(vkvm_value_from_json(json, &parsed, &err), &err, "the JSON is JSON");
    works(vkvm_value_equal(details, parsed, &equal, &err), &err, "compare them");
    ok(equal, "JSON and value are the same");
    is_int(int_at(details, "code"), 42, "the value has the code");
    is_str_at(details, "message", vkvm_error_message(failure), "and the message");
    vkvm_string_free(json);
    vkvm_value_free(details);
    vkvm_value_free(parsed);

    ok(vkvm_error_ref(failure) == failure, "ref");
    vkvm_error_free(failure);
    is_int(vkvm_error_code(failure), 42, "one free of two leaves it alive");
    vkvm_error_free(failure);
    is_int(vkvm_error_code(failure), 0, "two do not");
}

static void closing(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = NULL;
    char *text = NULL;
    bool truth = false;

    works(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), &err, "a domain");
    ok(vkvm_conn_ref(conn) == conn, "ref");
    vkvm_conn_free(conn);
    works(vkvm_conn_is_alive(conn, &truth, &err), &err, "one free of two leaves it open");
    vkvm_conn_free(conn);
    fails(vkvm_conn_is_alive(conn, &truth, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "conn",
          "two do not");
    ok(vkvm_conn_ref(conn) == NULL, "it cannot be revived");
    vkvm_conn_free(conn);
    works(vkvm_domain_get_name(dom, &text, &err), &err, "its domain goes on working");
    is_own_str(text, "test", "it does");
    vkvm_domain_free(dom);

    conn = open_conn(TEST_URI, 0);
    works(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), &err, "another domain");
    vkvm_conn_ref(conn);
    works(vkvm_conn_close(conn, &err), &err, "close");
    fails(vkvm_conn_get_type(conn, &text, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "conn",
          "it is closed, however many held it");
    fails(vkvm_conn_close(conn, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "conn",
          "it cannot be closed twice");
    works(vkvm_domain_get_name(dom, &text, &err), &err, "its domain goes on working");
    vkvm_string_free(text);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
}

static void constants(void)
{
    vkvm_value *list = NULL;
    size_t count = 0;
    works(vkvm_constant_list(&list, &err), &err, "constant_list");
    works(vkvm_value_get_length(list, NULL, &count, &err), &err, "count them");
    ok(count > 1000, "there are more than a thousand");
    is_str_at(list, "0.class", "conn", "the class of the first");
    is_str_at(list, "0.name", "CONNECT_RO", "its name");
    is_int(int_at(list, "0.value"), VKVM_CONNECT_RO, "its value");
    vkvm_value_free(list);
}

int main(void)
{
    opening();
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    identity(conn);
    link_state(conn);
    host(conn);
    lookups(conn);
    listing(conn);
    making(conn);
    statistics(conn);
    error_details(conn);
    vkvm_conn_free(conn);
    closing();
    constants();
    no_handles_left();
    return done();
}
