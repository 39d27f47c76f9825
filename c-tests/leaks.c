/*
 * Leaks in calls with connections, domains and events; see leaks.h.
 *
 * tests: leaks leaks.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "events.h"
#include "leaks.h"

static vkvm_conn *conn;
static vkvm_domain *dom;

static void conn_texts(void)
{
    char *type = NULL, *uri = NULL, *host = NULL;
    good(vkvm_conn_get_type(conn, &type, &err));
    good(vkvm_conn_get_uri(conn, &uri, &err));
    good(vkvm_conn_get_hostname(conn, &host, &err));
    vkvm_string_free(type);
    vkvm_string_free(uri);
    vkvm_string_free(host);
}

static void conn_numbers(void)
{
    uint64_t version;
    bool truth;
    int count;
    good(vkvm_conn_get_version(conn, &version, &err));
    good(vkvm_conn_get_library_version(conn, &version, &err));
    good(vkvm_conn_is_alive(conn, &truth, &err));
    good(vkvm_conn_is_encrypted(conn, &truth, &err));
    good(vkvm_conn_is_secure(conn, &truth, &err));
    good(vkvm_conn_num_of_domains(conn, &count, &err));
}

static void conn_node_info(void)
{
    vkvm_value *info = NULL;
    good(vkvm_conn_get_node_info(conn, &info, &err));
    vkvm_value_free(info);
}

static void conn_node_cpu_stats(void)
{
    vkvm_value *stats = NULL;
    good(vkvm_conn_get_node_cpu_stats(conn, -1, 0, &stats, &err));
    vkvm_value_free(stats);
}

static void conn_capabilities(void)
{
    char *xml = NULL;
    good(vkvm_conn_get_capabilities(conn, &xml, &err));
    vkvm_string_free(xml);
}

static void conn_by_name(void)
{
    vkvm_domain *found = NULL;
    good(vkvm_conn_get_domain_by_name(conn, "test", &found, &err));
    vkvm_domain_free(found);
}

static void conn_by_id(void)
{
    vkvm_domain *found = NULL;
    good(vkvm_conn_get_domain_by_id(conn, 1, &found, &err));
    vkvm_domain_free(found);
}

static void conn_by_uuid(void)
{
    vkvm_domain *found = NULL;
    good(vkvm_conn_get_domain_by_uuid(conn, TEST_UUID, 36, &found, &err));
    vkvm_domain_free(found);
}

static void conn_lists(void)
{
    vkvm_domain **domains = NULL;
    int *ids = NULL;
    size_t count = 0;
    good(vkvm_conn_list_all_domains(conn, 0, &domains, &count, &err));
    vkvm_domain_list_free(domains, count);
    good(vkvm_conn_list_domain_ids(conn, 10, &ids, &count, &err));
    vkvm_int_list_free(ids, count);
}

static void conn_stats(void)
{
    vkvm_value *records = NULL;
    good(vkvm_conn_get_all_domain_stats(conn, 0, NULL, 0, 0, &records, &err));
    vkvm_value_free(records);
    good(vkvm_conn_get_all_domain_stats(conn, 0, &dom, 1, 0, &records, &err));
    vkvm_value_free(records);
}

static void conn_open_free(void)
{
    vkvm_conn *other = NULL;
    good(vkvm_conn_open(TEST_URI, 0, &other, &err));
    vkvm_conn_ref(other);
    vkvm_conn_free(other);
    vkvm_conn_free(other);
}

static void conn_open_auth_close(void)
{
    vkvm_conn *other = NULL;
    good(vkvm_conn_open_auth(TEST_URI, 0, NULL, 0, NULL, NULL, NULL, &other, &err));
    good(vkvm_conn_close(other, &err));
}

static void conn_open_nowhere(void)
{
    vkvm_conn *other = NULL;
    bad(vkvm_conn_open("nonesuch:///", 0, &other, &err));
}

static void conn_lookup_fails(void)
{
    vkvm_domain *found = NULL;
    bad(vkvm_conn_get_domain_by_name(conn, "nonesuch", &found, &err));
    bad(vkvm_conn_get_domain_by_name(conn, "\xff", &found, &err));
    bad(vkvm_conn_get_domain_by_name(NULL, "test", &found, &err));
}

static void conn_define_undefine(void)
{
    vkvm_domain *probe = NULL;
    good(vkvm_conn_define_domain(conn, probe_xml, 0, &probe, &err));
    good(vkvm_domain_set_max_memory(probe, 262144, &err));
    good(vkvm_domain_undefine(probe, 0, &err));
    vkvm_domain_free(probe);
}

static void conn_create_destroy(void)
{
    vkvm_domain *probe = NULL;
    good(vkvm_conn_create_domain(conn, probe_xml, 0, &probe, &err));
    good(vkvm_domain_destroy(probe, 0, &err));
    vkvm_domain_free(probe);
}

static void conn_define_fails(void)
{
    vkvm_domain *probe = NULL;
    bad(vkvm_conn_define_domain(conn, "<domain>", 0, &probe, &err));
}

static void conn_events(void)
{
    struct seen seen = { .conn = conn };
    int id = -1;
    good(vkvm_conn_domain_event_register_any(conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE,
                                             note_event, &seen, count_destroy, &id, &err));
    good(vkvm_domain_suspend(dom, &err));
    good(vkvm_domain_resume(dom, &err));
    turn();
    good(vkvm_conn_domain_event_deregister_any(conn, id, &err));
    good(vkvm_conn_domain_event_register(conn, note_event, &seen, count_destroy, &err));
    good(vkvm_conn_domain_event_deregister(conn, &err));
    turn(); /* libvirt frees its own timer when the loop has nothing else to do */
    if (!wait_for(&seen.destroyed, 2))
        unexpected++;
    bad(vkvm_conn_domain_event_register_any(conn, NULL, 4711, note_event, &seen, count_destroy,
                                            &id, &err));
}

static void event_timers(void)
{
    struct seen seen = { 0 };
    int timer = -1;
    good(vkvm_event_add_timeout(0, no_op, &seen, count_destroy, &timer, &err));
    good(vkvm_event_update_timeout(timer, 0, &err));
    good(vkvm_event_remove_timeout(timer, &err));
    if (!wait_for(&seen.destroyed, 1))
        unexpected++;
}

static void domain_identity(void)
{
    char *name = NULL, *uuid = NULL;
    uint8_t *raw = NULL;
    size_t length = 0;
    int id, state, reason;
    bool truth;
    good(vkvm_domain_get_name(dom, &name, &err));
    good(vkvm_domain_get_uuid_string(dom, &uuid, &err));
    good(vkvm_domain_get_uuid(dom, &raw, &length, &err));
    good(vkvm_domain_get_id(dom, &id, &err));
    good(vkvm_domain_get_state(dom, 0, &state, &reason, &err));
    good(vkvm_domain_is_active(dom, &truth, &err));
    good(vkvm_domain_is_persistent(dom, &truth, &err));
    vkvm_string_free(name);
    vkvm_string_free(uuid);
    vkvm_bytes_free(raw);
}

static void domain_info(void)
{
    vkvm_value *info = NULL;
    good(vkvm_domain_get_info(dom, &info, &err));
    vkvm_value_free(info);
}

static void domain_xml(void)
{
    char *xml = NULL;
    good(vkvm_domain_get_xml_description(dom, 0, &xml, &err));
    vkvm_string_free(xml);
}

static void domain_memory(void)
{
    uint64_t kib = 0;
    good(vkvm_domain_get_max_memory(dom, &kib, &err));
    good(vkvm_domain_set_memory(dom, 1048576, 0, &err));
}

static void domain_vcpus(void)
{
    int count = 0;
    good(vkvm_domain_get_max_vcpus(dom, &count, &err));
    good(vkvm_domain_get_vcpus(dom, 0, &count, &err));
    good(vkvm_domain_set_vcpus(dom, (uint32_t)count, 0, &err));
}

static void domain_autostart(void)
{
    bool truth;
    good(vkvm_domain_set_autostart(dom, 1, &err));
    good(vkvm_domain_get_autostart(dom, &truth, &err));
}

static void domain_memory_parameters(void)
{
    vkvm_value *params = NULL;
    good(vkvm_domain_get_memory_parameters(dom, 0, &params, &err));
    good(vkvm_domain_set_memory_parameters(dom, params, 0, &err));
    good(vkvm_value_set_bool(params, "nonesuch", 1, &err));
    bad(vkvm_domain_set_memory_parameters(dom, params, 0, &err));
    vkvm_value_free(params);
}

static void domain_scheduler(void)
{
    vkvm_value *params = NULL;
    char *type = NULL;
    good(vkvm_domain_get_scheduler_type(dom, &type, &err));
    good(vkvm_domain_get_scheduler_parameters(dom, 0, &params, &err));
    good(vkvm_domain_set_scheduler_parameters(dom, params, 0, &err));
    vkvm_string_free(type);
    vkvm_value_free(params);
}

static void domain_life(void)
{
    good(vkvm_domain_reboot(dom, 0, &err));
    good(vkvm_domain_shutdown(dom, 0, &err));
    good(vkvm_domain_create(dom, 0, &err));
    good(vkvm_domain_suspend(dom, &err));
    good(vkvm_domain_resume(dom, &err));
    good(vkvm_domain_destroy(dom, 0, &err));
    good(vkvm_domain_create(dom, 0, &err));
    bad(vkvm_domain_create(dom, 0, &err));
}

static const struct { void (*call)(void); const char *name; } calls[] = {
    { conn_texts, "get_type, get_uri, get_hostname" },
    { conn_numbers, "versions, is_*, num_of_domains" },
    { conn_node_info, "get_node_info" },
    { conn_node_cpu_stats, "get_node_cpu_stats" },
    { conn_capabilities, "get_capabilities" },
    { conn_by_name, "get_domain_by_name" },
    { conn_by_id, "get_domain_by_id" },
    { conn_by_uuid, "get_domain_by_uuid" },
    { conn_lists, "list_all_domains, list_domain_ids" },
    { conn_stats, "get_all_domain_stats" },
    { conn_open_free, "open, ref, free" },
    { conn_open_auth_close, "open_auth, close" },
    { conn_open_nowhere, "an open that fails" },
    { conn_lookup_fails, "lookups that fail" },
    { conn_define_undefine, "define_domain, undefine" },
    { conn_create_destroy, "create_domain, destroy" },
    { conn_define_fails, "a definition that fails" },
    { conn_events, "event registrations" },
    { event_timers, "timers" },
    { domain_identity, "name, uuid, id, state" },
    { domain_info, "get_info" },
    { domain_xml, "get_xml_description" },
    { domain_memory, "memory" },
    { domain_vcpus, "virtual CPUs" },
    { domain_autostart, "autostart" },
    { domain_memory_parameters, "memory parameters" },
    { domain_scheduler, "scheduler" },
    { domain_life, "create, suspend, resume, ..." },
};

int main(void)
{
    start_loop();
    check_scale();
    conn = open_conn(TEST_URI, 0);
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    vkvm_value *records = NULL;
    bool has_stats = vkvm_conn_get_all_domain_stats(conn, 0, NULL, 0, 0, &records, &err) == 0;
    if (!has_stats)
        is_int(vkvm_error_code(err), VKVM_ERROR_ERR_NO_SUPPORT, "this driver has no statistics");
    vkvm_value_free(records);
    vkvm_error_free(err);
    err = NULL;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (calls[i].call != conn_stats || has_stats)
            measure(calls[i].call, calls[i].name);
    }
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    /* The test driver shares its host among connections; now there is none. */
    measure(conn_open_free, "open, ref, free, of a host that is new each time");
    settle();
    no_handles_left();
    return done();
}
