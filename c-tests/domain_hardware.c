/*
 * The domain's virtual CPUs and I/O threads, its clock, its keyboard, its
 * memory, and the files that it is given, as far as the test driver has them.
 *
 * tests: domain_hardware domain_hardware.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <unistd.h>

#include "common.h"

static vkvm_error *err;

/* A map with one number. */
static vkvm_value *map_of(const char *key, int64_t number)
{
    vkvm_value *map = NULL;
    must(vkvm_value_new_map(&map, &err), err, "new_map");
    must(vkvm_value_set_int64(map, key, number, &err), err, key);
    return map;
}

/* Whether the bytes at a path begin with these two. */
static bool begins_at(vkvm_value *value, const char *path, int first, int second)
{
    uint8_t *data = NULL;
    size_t length = 0;
    works(vkvm_value_get_bytes(value, path, &data, &length, &err), &err, path);
    bool same = length >= 2 && data[0] == first && data[1] == second;
    if (!same)
        diag("%zu bytes", length);
    vkvm_bytes_free(data);
    return same;
}

static void vcpus(vkvm_domain *dom)
{
    vkvm_value *list = NULL;
    size_t count = 0;
    works(vkvm_domain_get_vcpu_info(dom, 0, &list, &err), &err, "get_vcpu_info");
    works(vkvm_value_get_length(list, NULL, &count, &err), &err, "its length");
    is_int((int64_t)count, 2, "there are two");
    is_int(int_at(list, "1.number"), 1, "number");
    is_int(int_at(list, "1.state"), VKVM_DOMAIN_VCPU_RUNNING, "state");
    ok(int_at(list, "1.cpuTime") > 0, "cpuTime");
    is_int(int_at(list, "1.cpu"), 15, "cpu: the last of the host's 16");
    ok(begins_at(list, "0.affinity", 0xff, 0xff), "may run on all 16");
    vkvm_value_free(list);

    works(vkvm_domain_pin_vcpu(dom, 1, "\x05", 1, 0, &err), &err, "pin_vcpu");
    works(vkvm_domain_get_vcpu_info(dom, VKVM_DOMAIN_AFFECT_LIVE, &list, &err), &err,
          "get_vcpu_info with flags");
    ok(begins_at(list, "1.affinity", 5, 0), "pinned to CPUs 0 and 2");
    ok(begins_at(list, "0.affinity", 0xff, 0xff), "the other one is not");
    is_int(int_at(list, "1.cpuTime"), 0, "with flags, what it does is not known");
    is_int(int_at(list, "1.number"), 1, "but its number is");
    vkvm_value_free(list);
    ok(vkvm_domain_pin_vcpu(dom, 4711, "\x05", 1, 0, &err) == -1, "no such CPU");
    is_str(vkvm_error_function(err), "virDomainPinVcpu", "libvirt says so");
    forget(&err);
    ok(vkvm_domain_pin_vcpu(dom, 1, NULL, 0, 0, &err) == -1, "an empty map is refused");
    forget(&err);
}

static void vcpus_of_a_domain_that_is_off(vkvm_conn *conn)
{
    vkvm_domain *dom = define_probe(conn);
    vkvm_value *list = NULL;
    works(vkvm_domain_get_vcpu_info(dom, 0, &list, &err), &err, "get_vcpu_info while off");
    is_int(int_at(list, "0.state"), 0, "it does not run");
    ok(begins_at(list, "0.affinity", 0xff, 0xff), "where it may run is known");
    vkvm_value_free(list);
    works(vkvm_domain_undefine(dom, 0, &err), &err, "undefine");
    vkvm_domain_free(dom);
}

static void emulator(vkvm_domain *dom)
{
    uint8_t *mask = NULL;
    size_t length = 0;
    works(vkvm_domain_pin_emulator(dom, "\x00\x80", 2, 0, &err), &err, "pin_emulator");
    works(vkvm_domain_get_emulator_pin_info(dom, 0, &mask, &length, &err), &err,
          "get_emulator_pin_info");
    ok(length == 2 && mask[0] == 0 && mask[1] == 0x80, "pinned to the last CPU");
    vkvm_bytes_free(mask);
}

static void iothreads(vkvm_domain *dom)
{
    vkvm_value *list = NULL, *settings = NULL;
    size_t count = 4711;
    works(vkvm_domain_get_iothread_info(dom, 0, &list, &err), &err, "get_iothread_info");
    works(vkvm_value_get_length(list, NULL, &count, &err), &err, "its length");
    is_int((int64_t)count, 0, "there is none");
    vkvm_value_free(list);

    works(vkvm_domain_add_iothread(dom, 7, 0, &err), &err, "add_iothread");
    ok(vkvm_domain_add_iothread(dom, 7, 0, &err) == -1, "not twice");
    forget(&err);
    works(vkvm_domain_pin_iothread(dom, 7, "\x02\x01", 2, 0, &err), &err, "pin_iothread");
    works(vkvm_domain_get_iothread_info(dom, 0, &list, &err), &err, "get_iothread_info");
    is_int(int_at(list, "0.number"), 7, "number");
    ok(begins_at(list, "0.affinity", 2, 1), "pinned to CPUs 1 and 8");
    vkvm_value_free(list);

    settings = map_of(VKVM_DOMAIN_IOTHREAD_PARAM_POLL_MAX_NS, 32768);
    works(vkvm_domain_set_iothread(dom, 7, settings, 0, &err), &err, "set_iothread");
    vkvm_value_free(settings);
    settings = map_of("poll_max", 1);
    ok(vkvm_domain_set_iothread(dom, 7, settings, 0, &err) == -1, "a typing error");
    has_text(vkvm_error_message(err), "\"poll_max\"", "is named");
    has_text(vkvm_error_message(err), "poll_max_ns", "with what would be right");
    fails(-1, &err, VKVM_ERROR_OWN_NOT_FOUND, "newparams", "the parameter is to blame");
    vkvm_value_free(settings);
    settings = map_of(VKVM_DOMAIN_IOTHREAD_PARAM_THREAD_POOL_MAX, INT64_C(1) << 31);
    fails(vkvm_domain_set_iothread(dom, 7, settings, 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "newparams", "a number that is too large is refused");
    vkvm_value_free(settings);

    works(vkvm_domain_del_iothread(dom, 7, 0, &err), &err, "del_iothread");
    ok(vkvm_domain_del_iothread(dom, 7, 0, &err) == -1, "not twice");
    forget(&err);
}

static void clock_of_the_guest(vkvm_domain *dom)
{
    int64_t seconds = -1;
    uint32_t nanoseconds = 4711;
    works(vkvm_domain_set_time(dom, INT64_C(1) << 33, 999999999, 0, &err), &err, "set_time");
    works(vkvm_domain_get_time(dom, 0, &seconds, &nanoseconds, &err), &err, "get_time");
    is_int(seconds, INT64_C(1) << 33, "seconds");
    is_int(nanoseconds, 999999999, "nanoseconds");
    fails(vkvm_domain_get_time(dom, 1u << 31, &seconds, &nanoseconds, &err), &err,
          VKVM_ERROR_ERR_INVALID_ARG, NULL, "an unknown flag is refused");
}

static void keys_and_signals(vkvm_domain *dom)
{
    const int keys[17] = { 29, 56, 111 }, negative[] = { 1, -1 };
    works(vkvm_domain_send_key(dom, VKVM_DOMAIN_KEYCODE_SET_LINUX, 1, keys, 3, 0, &err), &err,
          "send_key");
    works(vkvm_domain_send_key(dom, 0, 0, keys, VKVM_DOMAIN_SEND_KEY_MAX_KEYS, 0, &err), &err,
          "as many keys as there may be");
    fails(vkvm_domain_send_key(dom, 0, 0, keys, 17, 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "keycodes", "one more is refused");
    fails(vkvm_domain_send_key(dom, 0, 0, NULL, 0, 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "keycodes", "none is refused");
    fails(vkvm_domain_send_key(dom, 0, 0, negative, 2, 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "keycodes", "a negative code is refused");
    works(vkvm_domain_send_process_signal(dom, 1, VKVM_DOMAIN_PROCESS_SIGNAL_HUP, 0, &err), &err,
          "send_process_signal");
}

static void memory(vkvm_domain *dom)
{
    uint8_t *data = NULL;
    size_t length = 0;
    works(vkvm_domain_memory_peek(dom, 8, 4, VKVM_DOMAIN_MEMORY_PHYSICAL, &data, &length, &err),
          &err, "memory_peek");
    ok(length == 4 && memcmp(data, "\x08\x09\x0a\x0b", 4) == 0,
       "the test driver's memory holds addresses");
    vkvm_bytes_free(data);
    data = NULL;
    fails(vkvm_domain_memory_peek(dom, 0, (size_t)1 << 40, VKVM_DOMAIN_MEMORY_PHYSICAL, &data,
                                  &length, &err),
          &err, VKVM_ERROR_OWN_TOO_LARGE, "size", "a TiB is refused");
    ok(!data && length == 4, "the outputs are left alone");
    works(vkvm_domain_set_memory_stats_period(dom, 5, VKVM_DOMAIN_MEM_LIVE, &err), &err,
          "set_memory_stats_period");
}

static void security(vkvm_domain *dom)
{
    vkvm_value *label = NULL;
    works(vkvm_domain_get_security_label(dom, &label, &err), &err, "get_security_label");
    is_str_at(label, "label", "libvirt-test", "label");
    is_int(int_at(label, "enforcing"), 1, "enforcing");
    vkvm_value_free(label);
}

/* Files are borrowed: they are as open afterwards as before. */
static void files(vkvm_conn *conn, vkvm_domain *running)
{
    int pair[2], fds[2];
    vkvm_domain *dom = define_probe(conn), *other = NULL;
    if (!ok(pipe(pair) == 0, "a pipe"))
        return;
    fds[0] = pair[0];
    works(vkvm_domain_create_with_files(dom, fds, 1, 0, &err), &err, "create_with_files");
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    works(vkvm_domain_create_with_files(dom, NULL, 0, 0, &err), &err, "no files");
    works(vkvm_domain_undefine(dom, 0, &err), &err, "undefine");
    works(vkvm_domain_destroy(dom, 0, &err), &err, "destroy");
    works(vkvm_conn_create_domain_with_files(conn, probe_xml, fds, 1, 0, &other, &err), &err,
          "create_domain_with_files");
    works(vkvm_domain_destroy(other, 0, &err), &err, "destroy");
    vkvm_domain_free(other);
    ok(fcntl(pair[0], F_GETFD) >= 0, "the file is still open");

    fds[1] = -1;
    fails(vkvm_domain_create_with_files(dom, fds, 2, 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "fds", "create_with_files: a negative one");
    fails(vkvm_domain_fd_associate(dom, "name", fds, 2, 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "fds", "fd_associate: a negative one");
    close(pair[0]);
    fails(vkvm_conn_create_domain_with_files(conn, probe_xml, fds, 1, 0, &other, &err), &err,
          VKVM_ERROR_OWN_INVALID, "fds", "create_domain_with_files: one that is closed");
    fails(vkvm_domain_open_graphics(running, 0, fds[0], 0, &err), &err, VKVM_ERROR_OWN_INVALID,
          "fd", "open_graphics: one that is closed");
    ok(vkvm_domain_open_graphics(running, 0, pair[1], 0, &err) == -1, "a pipe is no socket");
    is_int(vkvm_error_code(err), VKVM_ERROR_ERR_INVALID_ARG, "libvirt says so");
    forget(&err);
    close(pair[1]);
    vkvm_domain_free(dom);
}

static void documents(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL;
    ok(vkvm_conn_create_domain_with_files(conn, "<domain>\n  <x>\n</domain>", NULL, 0, 0, &dom,
                                          &err) == -1,
       "a document that is not well-formed");
    is_int(vkvm_error_line(err), 3, "the line");
    is_str(vkvm_error_parameter(err), "xml", "the parameter");
    forget(&err);
    ok(!dom, "there is no domain");
}

/* What this libvirt does not have fails with the version that has it. */
static void newer_libvirts(vkvm_domain *dom)
{
    vkvm_value *limits = map_of(VKVM_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC, 1 << 20);
    ok(vkvm_domain_set_throttle_group(dom, "group", limits, 0, &err) == -1 &&
           vkvm_error_code(err) == VKVM_ERROR_ERR_NO_SUPPORT,
       "set_throttle_group: the test driver has none");
    forget(&err);
    ok(vkvm_domain_del_throttle_group(dom, "group", 0, &err) == -1 &&
           vkvm_error_code(err) == VKVM_ERROR_ERR_NO_SUPPORT,
       "del_throttle_group");
    forget(&err);
    ok(vkvm_domain_graphics_reload(dom, VKVM_DOMAIN_GRAPHICS_RELOAD_TYPE_ANY, 0, &err) == -1 &&
           vkvm_error_code(err) == VKVM_ERROR_ERR_NO_SUPPORT,
       "graphics_reload");
    forget(&err);
    ok(vkvm_domain_start_dirty_rate_calc(dom, 1, 0, &err) == -1 &&
           vkvm_error_code(err) == VKVM_ERROR_ERR_NO_SUPPORT,
       "start_dirty_rate_calc");
    forget(&err);
    vkvm_value *times = map_of(VKVM_DOMAIN_ANNOUNCE_INTERFACE_ROUNDS, 3);
    ok(vkvm_domain_announce_interface(dom, NULL, times, 0, &err) == -1 &&
           vkvm_error_code(err) == VKVM_ERROR_ERR_NO_SUPPORT,
       "announce_interface");
    forget(&err);
    vkvm_value_free(times);
    vkvm_value_free(limits);
    limits = map_of("total_bytes", 1);
    fails(vkvm_domain_announce_interface(dom, "52:54:00:00:00:01", limits, 0, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "params", "announce_interface knows its parameters");
    fails(vkvm_domain_set_throttle_group(dom, "group", limits, 0, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "newparams", "a typing error is noticed all the same");
    fails(vkvm_domain_set_launch_security_state(dom, limits, 0, &err), &err,
          VKVM_ERROR_OWN_NOT_FOUND, "newparams", "set_launch_security_state: likewise");
    vkvm_value_free(limits);
}

int main(void)
{
    vkvm_conn *conn = open_conn(TEST_URI, 0);
    vkvm_domain *dom = NULL;
    must(vkvm_conn_get_domain_by_name(conn, "test", &dom, &err), err, "the domain");
    vcpus(dom);
    vcpus_of_a_domain_that_is_off(conn);
    emulator(dom);
    iothreads(dom);
    clock_of_the_guest(dom);
    keys_and_signals(dom);
    memory(dom);
    security(dom);
    files(conn, dom);
    documents(conn);
    newer_libvirts(dom);
    vkvm_domain_free(dom);
    vkvm_conn_free(conn);
    no_handles_left();
    return done();
}
