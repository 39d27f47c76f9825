/*
 * The groups of constants at run time: a name for each value and back, flags that are
 * combined, lists of both, and what the errors say.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "common.h"

static vkvm_error *err;

static void is_name(const char *group, int64_t value, const char *wanted)
{
    char *name = NULL, what[200];
    snprintf(what, sizeof what, "%s: %" PRId64 " is \"%s\"", group, value, wanted);
    works(vkvm_enum_get_name(group, value, &name, &err), &err, what);
    is_str(name, wanted, what);
    vkvm_string_free(name);
}

static void is_value(const char *group, const char *name, int64_t wanted)
{
    char what[200];
    int64_t value = -99;
    snprintf(what, sizeof what, "%s: \"%s\" is %" PRId64, group, name, wanted);
    works(vkvm_enum_get_value(group, name, &value, &err), &err, what);
    is_int(value, wanted, what);
}

static void names_and_values(void)
{
    is_name("domain_state", VKVM_DOMAIN_STATE_RUNNING, "running");
    is_value("domain_state", "shutoff", VKVM_DOMAIN_STATE_SHUTOFF);
    is_value("domain_state", "ShutOff", VKVM_DOMAIN_STATE_SHUTOFF);
    is_name("domain_state_reason_paused", VKVM_DOMAIN_STATE_PAUSED_IOERROR, "ioerror");
    is_name("conn_node_cpu_selector", VKVM_NODE_CPU_STATS_ALL_CPUS, "all_cpus");
    is_value("domain_limits", "memory_param_unlimited", VKVM_DOMAIN_MEMORY_PARAM_UNLIMITED);
    is_name("error_code", VKVM_ERROR_ERR_NO_DOMAIN, "no_domain");
    is_name("domain_keycode_set", VKVM_DOMAIN_KEYCODE_SET_RFB, "qnum");
    is_value("domain_keycode_set", "rfb", VKVM_DOMAIN_KEYCODE_SET_RFB);
}

static void flags(void)
{
    is_name("domain_start_flags", 0, "");
    is_name("domain_start_flags", VKVM_DOMAIN_START_PAUSED, "paused");
    is_name("domain_start_flags", VKVM_DOMAIN_START_PAUSED | VKVM_DOMAIN_START_FORCE_BOOT,
            "paused|force_boot");
    is_name("domain_affect_flags", 0, "current");
    is_name("domain_affect_flags", 3, "live|config");
    is_name("domain_get_all_stats_flags", VKVM_DOMAIN_GET_ALL_STATS_ENFORCE_STATS,
            "enforce_stats");
    is_value("domain_start_flags", "", 0);
    is_value("domain_start_flags", "force_boot | PAUSED", 9);
}

/* The error of a call that failed has all these words. */
static void says(int returned, int code, const char *parameter, const char *words[], const char *what)
{
    ok(returned == -1 && err && vkvm_error_code(err) == code, "%s fails", what);
    is_str(err ? vkvm_error_parameter(err) : NULL, parameter, what);
    for (; *words; words++)
        if (!ok(err && strstr(vkvm_error_message(err), *words), "%s: says \"%s\"", what, *words))
            diag("%s", err ? vkvm_error_message(err) : "no error");
    vkvm_error_free(err);
    err = NULL;
}

#define WORDS(...) ((const char *[]){__VA_ARGS__, NULL})

static void misuse(void)
{
    char *name = NULL;
    int64_t value = -99;
    vkvm_value *list = NULL;
    says(vkvm_enum_get_name("domain_state", 99, &name, &err), VKVM_ERROR_OWN_NOT_FOUND, "value",
         WORDS("\"99\"", "domain_state", "1 (running)", "7 (pmsuspended)"), "an unknown value");
    says(vkvm_enum_get_name("domain_state", 3 | 8, &name, &err), VKVM_ERROR_OWN_NOT_FOUND, "value",
         WORDS("\"11\""), "states that are combined like flags");
    says(vkvm_enum_get_name("domain_start_flags", 1 | 1024, &name, &err), VKVM_ERROR_OWN_NOT_FOUND,
         "value", WORDS("\"1024\"", "1 (paused)"), "an unknown flag");
    says(vkvm_enum_get_name("domain_start_flags", INT64_MIN, &name, &err),
         VKVM_ERROR_OWN_NOT_FOUND, "value", WORDS("-9223372036854775808"), "negative flags");
    says(vkvm_enum_get_value("domain_state", "sleeping", &value, &err), VKVM_ERROR_OWN_NOT_FOUND,
         "name", WORDS("\"sleeping\"", "running, blocked, paused"), "an unknown name");
    says(vkvm_enum_get_value("domain_start_flags", "paused|fast", &value, &err),
         VKVM_ERROR_OWN_NOT_FOUND, "name", WORDS("\"fast\"", "autodestroy"),
         "an unknown name among flags");
    says(vkvm_enum_get_value("domain_state", "", &value, &err), VKVM_ERROR_OWN_NOT_FOUND, "name",
         WORDS("running"), "an empty name");
    says(vkvm_enum_get_name("domain_stat", 1, &name, &err), VKVM_ERROR_OWN_NOT_FOUND, "group",
         WORDS("\"domain_stat\"", "domain_state,", "domain_state_reason_running"),
         "a group that is nearly right");
    says(vkvm_enum_list_values("zebra", &list, &err), VKVM_ERROR_OWN_NOT_FOUND, "group",
         WORDS("\"zebra\"", "domain_state"), "a group like no other");
    says(vkvm_enum_get_name("domain_block_stats_key", 1, &name, &err), VKVM_ERROR_OWN_INVALID,
         "group", WORDS("strings"), "the name of a number in a group of strings");
    fails(vkvm_enum_get_name(NULL, 1, &name, &err), &err, VKVM_ERROR_OWN_NULL, "group", "no group");
    fails(vkvm_enum_get_value("domain_state", NULL, &value, &err), &err, VKVM_ERROR_OWN_NULL,
          "name", "no name");
    fails(vkvm_enum_get_value("domain_state", "running", NULL, &err), &err, VKVM_ERROR_OWN_NULL,
          "value", "no place for the value");
    ok(!name && value == -99 && !list, "no result was touched");
}

static void lists(void)
{
    vkvm_value *groups = NULL, *values = NULL;
    size_t count = 0;
    works(vkvm_enum_list(&groups, &err), &err, "enum_list");
    works(vkvm_value_get_length(groups, NULL, &count, &err), &err, "the number of groups");
    ok(count > 150, "there are %zu groups", count);
    size_t constants = 0;
    for (size_t i = 0; i < count; i++) {
        char path[40], *group = NULL;
        size_t len = 0;
        snprintf(path, sizeof path, "%zu.name", i);
        must(vkvm_value_get_string(groups, path, &group, &err), err, path);
        must(vkvm_enum_list_values(group, &values, &err), err, group);
        must(vkvm_value_get_length(values, NULL, &len, &err), err, group);
        constants += len;
        vkvm_value_free(values);
        vkvm_string_free(group);
    }
    vkvm_value_free(groups);

    works(vkvm_constant_list(&values, &err), &err, "constant_list");
    works(vkvm_value_get_length(values, NULL, &count, &err), &err, "the number of constants");
    is_int((int64_t)constants, (int64_t)count, "each constant is in one group");
    vkvm_value_free(values);

    works(vkvm_enum_list_values("domain_state", &values, &err), &err, "enum_list_values");
    is_str_at(values, "1.name", "running", "a name");
    is_str_at(values, "1.c_name", "VKVM_DOMAIN_STATE_RUNNING", "the constant in C");
    is_int(int_at(values, "1.value"), 1, "its value");
    is_str_at(values, "1.doc", "The domain runs.", "what it means");
    vkvm_value_free(values);
    works(vkvm_enum_list_values("domain_block_stats_key", &values, &err), &err, "keys of a map");
    is_str_at(values, "0.value", VKVM_DOMAIN_BLOCK_STATS_READ_BYTES, "a value that is a string");
    vkvm_value_free(values);
}

int main(void)
{
    names_and_values();
    flags();
    misuse();
    lists();
    no_handles_left();
    return done();
}
