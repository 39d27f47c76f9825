/*
 * The domain: what it tells about itself, its life from definition to
 * undefinition, and what can be set.
 *
 * tests: domain domain.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

static void is_state(vkvm_domain *dom, int wanted, int wanted_reason, const char *name)
{
    int state = -1, reason = -1;
    works(vkvm_domain_get_state(dom, 0, &state, &reason, &err), &err, "get_state");
    if (!ok(state == wanted && reason == wanted_reason, "%s", name))
        diag("state %d, reason %d; not %d, %d", state, reason, wanted, wanted_reason);
}

static void is_running(vkvm_domain *dom, bool wanted)
{
    bool active = !wanted;
    int id = -2;
    works(vkvm_domain_is_active(dom, &active, &err), &err, "is_active");
    ok(active == wanted, "it %s", wanted ? "runs" : "does not run");
    works(vkvm_domain_get_id(dom, &id, &err), &err, "get_id");
    ok(wanted ? id > 0 : id == -1, "so its id is %d", id);
}

static void identity(vkvm_domain *dom)
{
    static const uint8_t wanted[16] = { 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33,
                                        0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55 };
    char *text = NULL;
    uint8_t *uuid = NULL;
    size_t length = 0;
    bool persistent = false;

    works(vkvm_domain_get_name(dom, &text, &err), &err, "get_name");
    is_own_str(text, "probe", "the name");
    works(vkvm_domain_get_uuid_string(dom, &text, &err), &err, "get_uuid_string");
    is_own_str(text, PROBE_UUID, "the uuid as text");
    works(vkvm_domain_get_uuid(dom, &uuid, &length, &err), &err, "get_uuid");
    ok(length == 16 && memcmp(uuid, wanted, 16) == 0, "the uuid as bytes");
    vkvm_bytes_free(uuid);
    works(vkvm_domain_is_persistent(dom, &persistent, &err), &err, "is_persistent");
    ok(persistent, "it is persistent");
}

static void definition(vkvm_domain *dom)
{
    char *xml = NULL;
    vkvm_value *tree = NULL;
    works(vkvm_domain_get_xml_description(dom, 0, &xml, &err), &err, "get_xml_description");
    works(vkvm_value_from_xml(xml, &tree, &err), &err, "it is XML");
    is_str_at(tree, "domain.@type", "test", "of a test domain");
    is_str_at(tree, "domain.name", "probe", "with its name");
    is_str_at(tree, "domain.vcpu.@current", "1", "and its virtual CPUs");
    vkvm_value_free(tree);
    vkvm_string_free(xml);
    works(vkvm_domain_get_xml_description(dom, VKVM_DOMAIN_XML_SECURE | VKVM_DOMAIN_XML_INACTIVE,
                                          &xml, &err),
          &err, "with flags");
    has_text(xml, "<name>probe</name>", "it is the same domain");
    vkvm_string_free(xml);
}

static void life(vkvm_domain *dom)
{
    is_running(dom, false);
    is_state(dom, VKVM_DOMAIN_STATE_SHUTOFF, VKVM_DOMAIN_STATE_SHUTOFF_UNKNOWN, "it is new");
    works(vkvm_domain_create(dom, 0, &err), &err, "create");
    is_running(dom, true);
    is_state(dom, VKVM_DOMAIN_STATE_RUNNING, VKVM_DOMAIN_STATE_RUNNING_BOOTED, "it has booted");
    ok(vkvm_domain_create(dom, 0, &err) == -1, "it cannot be started twice");
    is_str(vkvm_error_function(err), "virDomainCreate", "the error names the function");
    forget(&err);

    works(vkvm_domain_suspend(dom, &err), &err, "suspend");
    is_state(dom, VKVM_DOMAIN_STATE_PAUSED, VKVM_DOMAIN_STATE_PAUSED_USER, "it is paused");
    ok(vkvm_domain_suspend(dom, &err) == -1, "a paused domain cannot be suspended");
    is_str(vkvm_error_function(err), "virDomainSuspend", "the error names the function");
    forget(&err);
    works(vkvm_domain_resume(dom, &err), &err, "resume");
    is_state(dom, VKVM_DOMAIN_STATE_RUNNING, VKVM_DOMAIN_STATE_RUNNING_UNPAUSED, "it goes on");
    works(vkvm_domain_reboot(dom, 0, &err), &err, "reboot");
    is_running(dom, true);
    works(vkvm_domain_shutdown(dom, 0, &err), &err, "shutdown");
    is_running(dom, false);
    is_state(dom, VKVM_DOMAIN_STATE_SHUTOFF, VKVM_DOMAIN_STATE_SHUTOFF_SHUTDOWN, "it is off");
    ok(vkvm_domain_resume(dom, &err) == -1, "a domain that is off cannot be resumed");
    has_text(vkvm_error_message(err), "probe", "the error names it");
    forget(&err);

    works(vkvm_domain_create(dom, 0, &err), &err, "create it again");
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    is_state(dom, VKVM_DOMAIN_STATE_SHUTOFF, VKVM_DOMAIN_STATE_SHUTOFF_DESTROYED,
             "it is gone at once");
    fails(vkvm_domain_destroy(dom, 0, &err), &err, VKVM_ERROR_ERR_OPERATION_INVALID, NULL,
          "it cannot be destroyed twice");
    fails(vkvm_domain_destroy(dom, 1u << 31, &err), &err, VKVM_ERROR_ERR_INVALID_ARG, NULL,
          "an unknown flag is refused");
}

static void information(vkvm_domain *dom)
{
    vkvm_value *info = NULL;
    size_t keys = 0;
    works(vkvm_domain_create(dom, 0, &err), &err, "create");
    works(vkvm_domain_get_info(dom, &info, &err), &err, "get_info");
    works(vkvm_value_get_length(info, NULL, &keys, &err), &err, "count its keys");
    is_int((int64_t)keys, 5, "it has five");
    is_int(int_at(info, "state"), VKVM_DOMAIN_STATE_RUNNING, "state");
    is_int(int_at(info, "maxMem"), 131072, "maxMem");
    is_int(int_at(info, "memory"), 65536, "memory");
    is_int(int_at(info, "nrVirtCpu"), 1, "nrVirtCpu");
    ok(int_at(info, "cpuTime") > 0, "cpuTime");
    int state = -1;
    uint64_t max_mem = 0, memory = 0, cpu_time = 0;
    uint32_t nr_virt_cpu = 0;
    works(vkvm_domain_get_info_numbers(dom, &state, &max_mem, &memory, &nr_virt_cpu, &cpu_time,
                                       &err), &err, "get_info_numbers");
    is_int(state, VKVM_DOMAIN_STATE_RUNNING, "the same state");
    ok(max_mem == 131072 && memory == 65536, "the same memory");
    ok(nr_virt_cpu == 1 && cpu_time >= (uint64_t)int_at(info, "cpuTime"), "the same CPUs");
    vkvm_value_free(info);
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
}

static void autostart(vkvm_domain *dom)
{
    bool truth = true;
    works(vkvm_domain_get_autostart(dom, &truth, &err), &err, "get_autostart");
    ok(!truth, "a new domain does not start with the host");
    works(vkvm_domain_set_autostart(dom, 2, &err), &err, "set_autostart to something");
    works(vkvm_domain_get_autostart(dom, &truth, &err), &err, "get it");
    ok(truth, "now it does");
    works(vkvm_domain_set_autostart(dom, 0, &err), &err, "set_autostart to nothing");
    works(vkvm_domain_get_autostart(dom, &truth, &err), &err, "get it");
    ok(!truth, "now it does not");
}

static void memory(vkvm_domain *dom)
{
    uint64_t kib = 0;
    vkvm_value *info = NULL;
    works(vkvm_domain_get_max_memory(dom, &kib, &err), &err, "get_max_memory");
    is_int((int64_t)kib, 131072, "as defined");
    works(vkvm_domain_set_max_memory(dom, 262144, &err), &err, "set_max_memory");
    works(vkvm_domain_get_max_memory(dom, &kib, &err), &err, "get it");
    is_int((int64_t)kib, 262144, "the maximum of memory is the one that was set");

    works(vkvm_domain_create(dom, 0, &err), &err, "create");
    works(vkvm_domain_set_memory(dom, 98304, 0, &err), &err, "set_memory");
    works(vkvm_domain_get_info(dom, &info, &err), &err, "get_info");
    is_int(int_at(info, "memory"), 98304, "the memory is what was set");
    vkvm_value_free(info);
    works(vkvm_domain_set_memory(dom, 81920, VKVM_DOMAIN_MEM_LIVE, &err), &err,
          "set_memory with a flag");
    works(vkvm_domain_get_info(dom, &info, &err), &err, "get_info");
    is_int(int_at(info, "memory"), 81920, "the memory is what was set with flags");
    vkvm_value_free(info);
    fails(vkvm_domain_set_memory(dom, 1 << 30, 0, &err), &err, VKVM_ERROR_ERR_INVALID_ARG, NULL,
          "more than the maximum is refused");
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
}

static void vcpus(vkvm_domain *dom)
{
    int count = 0;
    works(vkvm_domain_get_vcpus(dom, VKVM_DOMAIN_VCPU_CONFIG, &count, &err), &err, "get_vcpus");
    is_int(count, 1, "as defined");
    works(vkvm_domain_get_vcpus(dom, VKVM_DOMAIN_VCPU_CONFIG | VKVM_DOMAIN_VCPU_MAXIMUM, &count,
                                &err),
          &err, "get_vcpus, at most");
    is_int(count, 4, "as defined");
    works(vkvm_domain_set_vcpus(dom, 2, VKVM_DOMAIN_VCPU_CONFIG, &err), &err, "set_vcpus");
    works(vkvm_domain_get_vcpus(dom, VKVM_DOMAIN_VCPU_CONFIG, &count, &err), &err, "get them");
    is_int(count, 2, "there are as many as were set");
    works(vkvm_domain_create(dom, 0, &err), &err, "create");
    works(vkvm_domain_get_max_vcpus(dom, &count, &err), &err, "get_max_vcpus");
    is_int(count, 4, "as defined");
    works(vkvm_domain_set_vcpus(dom, 3, 0, &err), &err, "set_vcpus without flags");
    works(vkvm_domain_get_vcpus(dom, VKVM_DOMAIN_VCPU_LIVE, &count, &err), &err, "get them");
    is_int(count, 3, "as set in what runs");
    fails(vkvm_domain_set_vcpus(dom, 64, 0, &err), &err, VKVM_ERROR_ERR_INVALID_ARG, NULL,
          "more than the maximum is refused");
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
}

/* A map with one unsigned number. */
static vkvm_value *parameter(const char *key, uint64_t number)
{
    vkvm_value *params = NULL;
    must(vkvm_value_new_map(&params, &err), err, "new_map");
    must(vkvm_value_set_uint64(params, key, number, &err), err, key);
    return params;
}

static void memory_parameters(vkvm_domain *dom)
{
    vkvm_value *params = NULL;
    uint64_t limit = 0;
    works(vkvm_domain_get_memory_parameters(dom, 0, &params, &err), &err,
          "get_memory_parameters");
    works(vkvm_value_get_uint64(params, VKVM_DOMAIN_MEMORY_HARD_LIMIT, &limit, &err), &err,
          "the hard limit");
    ok(limit == VKVM_DOMAIN_MEMORY_PARAM_UNLIMITED, "there is none");
    vkvm_value_free(params);

    params = parameter(VKVM_DOMAIN_MEMORY_SOFT_LIMIT, 100000);
    works(vkvm_domain_set_memory_parameters(dom, params, 0, &err), &err,
          "set_memory_parameters");
    vkvm_value_free(params);
    works(vkvm_domain_get_memory_parameters(dom, 0, &params, &err), &err, "get them");
    is_int(int_at(params, VKVM_DOMAIN_MEMORY_SOFT_LIMIT), 100000, "the soft limit is the one that was set");
    vkvm_value_free(params);

    params = parameter("sotf_limit", 1);
    ok(vkvm_domain_set_memory_parameters(dom, params, 0, &err) == -1, "a typing error");
    has_text(vkvm_error_message(err), "sotf_limit", "is named");
    has_text(vkvm_error_message(err), VKVM_DOMAIN_MEMORY_SOFT_LIMIT, "with what would be right");
    fails(-1, &err, VKVM_ERROR_OWN_NOT_FOUND, "newparams", "the parameter is to blame");
    vkvm_value_free(params);
}

static void scheduler(vkvm_domain *dom)
{
    vkvm_value *params = NULL;
    char *type = NULL;
    works(vkvm_domain_create(dom, 0, &err), &err, "create");
    works(vkvm_domain_get_scheduler_type(dom, &type, &err), &err, "get_scheduler_type");
    is_own_str(type, "fair", "it is fair");
    works(vkvm_domain_get_scheduler_parameters(dom, 0, &params, &err), &err,
          "get_scheduler_parameters");
    is_int(int_at(params, VKVM_DOMAIN_SCHEDULER_WEIGHT), 50, "the weight");
    works(vkvm_domain_set_scheduler_parameters(dom, params, 0, &err), &err,
          "set_scheduler_parameters to what was got");
    vkvm_value_free(params);

    params = parameter("wieght", 1);
    ok(vkvm_domain_set_scheduler_parameters(dom, params, 0, &err) == -1, "a typing error");
    has_text(vkvm_error_message(err), "wieght", "is named");
    has_text(vkvm_error_message(err), VKVM_DOMAIN_SCHEDULER_WEIGHT, "with what would be right");
    fails(-1, &err, VKVM_ERROR_OWN_NOT_FOUND, "newparams", "the parameter is to blame");
    vkvm_value_free(params);

    must(vkvm_value_new_list(&params, &err), err, "new_list");
    fails(vkvm_domain_set_scheduler_parameters(dom, params, 0, &err), &err,
          VKVM_ERROR_OWN_INVALID, "newparams", "a list is no map");
    vkvm_value_free(params);
    must(vkvm_value_from_json("{\"weight\":\"heavy\"}", &params, &err), err, "from_json");
    ok(vkvm_domain_set_scheduler_parameters(dom, params, 0, &err) == -1, "text is no number");
    has_text(vkvm_error_message(err), "weight", "the key is named");
    is_str(vkvm_error_parameter(err), "newparams", "and the parameter");
    is_str(vkvm_error_str1(err), "weight", "the key is the first text of the error");
    is_str(vkvm_error_str2(err), "uint", "and the type that is needed the second");
    forget(&err);
    vkvm_value_free(params);
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
}

static void references(vkvm_domain *dom)
{
    char *name = NULL;
    ok(vkvm_domain_ref(dom) == dom, "ref");
    vkvm_domain_free(dom);
    works(vkvm_domain_get_name(dom, &name, &err), &err, "one free of two leaves it alive");
    vkvm_string_free(name);
    vkvm_domain_free(dom);
    fails(vkvm_domain_get_name(dom, &name, &err), &err, VKVM_ERROR_OWN_STALE_HANDLE, "dom",
          "two do not");
    ok(vkvm_domain_ref(dom) == NULL, "it cannot be revived");
}

static void the_end(vkvm_conn *conn, vkvm_domain *dom)
{
    vkvm_domain *other = NULL;
    bool truth = true;
    works(vkvm_domain_create(dom, 0, &err), &err, "create");
    works(vkvm_domain_undefine(dom, 0, &err), &err, "undefine it while it runs");
    works(vkvm_domain_is_persistent(dom, &truth, &err), &err, "is_persistent");
    ok(!truth, "it is transient now");
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    fails(vkvm_conn_get_domain_by_name(conn, "probe", &other, &err), &err,
          VKVM_ERROR_ERR_NO_DOMAIN, NULL, "it is gone");
    fails(vkvm_domain_is_active(dom, &truth, &err), &err, VKVM_ERROR_ERR_NO_DOMAIN, NULL,
          "its handle says so, too");
    fails(vkvm_domain_undefine(dom, 0, &err), &err, VKVM_ERROR_ERR_NO_DOMAIN, NULL,
          "it cannot be undefined twice");
}

/* The numbers that libvirt's documentation gives. */
static void constants(void)
{
    ok(VKVM_DOMAIN_STATE_NOSTATE == 0 && VKVM_DOMAIN_STATE_RUNNING == 1 &&
           VKVM_DOMAIN_STATE_BLOCKED == 2 && VKVM_DOMAIN_STATE_PAUSED == 3 &&
           VKVM_DOMAIN_STATE_SHUTDOWN == 4 && VKVM_DOMAIN_STATE_SHUTOFF == 5 &&
           VKVM_DOMAIN_STATE_CRASHED == 6 && VKVM_DOMAIN_STATE_PMSUSPENDED == 7,
       "the states");
    ok(VKVM_DOMAIN_STATE_RUNNING_BOOTED == 1 && VKVM_DOMAIN_STATE_RUNNING_UNPAUSED == 5 &&
           VKVM_DOMAIN_STATE_PAUSED_USER == 1 && VKVM_DOMAIN_STATE_SHUTOFF_SHUTDOWN == 1 &&
           VKVM_DOMAIN_STATE_SHUTOFF_DESTROYED == 2,
       "the reasons");
    is_str(VKVM_DOMAIN_MEMORY_HARD_LIMIT, "hard_limit", "a constant that is text");
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = define_probe(conn);
    identity(dom);
    definition(dom);
    life(dom);
    information(dom);
    autostart(dom);
    memory(dom);
    vcpus(dom);
    memory_parameters(dom);
    scheduler(dom);
    the_end(conn, dom);
    references(dom);
    constants();
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
