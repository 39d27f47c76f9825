/*
 * Openings that are asynchronous calls: when the call is given up, the opening is ended, not
 * only abandoned, whatever its own options are.
 *
 * usage: opening_calls SOCKET PID SCRATCH
 *
 * bed: test-daemon SOCKET PID scratch
 * tests: opening_calls opening_calls.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <signal.h>

#include "common.h"
#include "hostile.h"
#include "opening.h"
#include "started.h"

enum { TIMES = 12 };

static vkvm_error *err;

/* The arguments of a function that opens a URI. */
static vkvm_value *arguments(const char *function, const char *uri)
{
    vkvm_value *args;
    char json[500];
    const char *form = strcmp(function, "vkvm_conn_open_with") == 0 ? "{\"options\": {\"uri\": \"%s\"}}"
                       : strcmp(function, "vkvm_fleet_open") == 0
                           ? "{\"uris\": [\"%s\"], \"timeout\": 600000}"
                           : "{\"uri\": \"%s\"}";
    snprintf(json, sizeof json, form, uri);
    must(vkvm_value_from_json(json, &args, &err), err, json);
    return args;
}

static vkvm_call *begin(const char *function, const char *uri, uint32_t timeout_ms)
{
    vkvm_call *call = NULL;
    vkvm_value *args = arguments(function, uri);
    works(vkvm_call_start(function, args, timeout_ms, NULL, 0, &call, &err), &err, function);
    vkvm_value_free(args);
    return call;
}

static void wait_for_openings(int wanted)
{
    for (double end = now() + PATIENCE; openings("running") != wanted && now() < end; usleep(1000))
        ;
    is_int(openings("running"), wanted, "an opening is at work");
}

/* The host stays as it is: what ends is ended by the library. */
static void is_ended(const char *what, const char *uri)
{
    static const char *const functions[] = { "vkvm_conn_open", "vkvm_conn_open_with",
                                             "vkvm_conn_open_auth", "vkvm_host_open",
                                             "vkvm_fleet_open" };
    int before = -1;
    for (int i = 0; i < (int)(sizeof functions / sizeof *functions); i++) {
        char name[100];
        snprintf(name, sizeof name, "%s: %s", what, functions[i]);
        ends_with(begin(functions[i], uri, 100), VKVM_ERROR_OWN_TIMEOUT, name);
        descriptors_after_all(name);
        vkvm_call *call = begin(functions[i], uri, 0);
        wait_for_openings(1);
        works(vkvm_call_cancel(call, &err), &err, "it is cancelled");
        ends_with(call, VKVM_ERROR_OWN_CANCELLED, name);
        int after = descriptors_after_all(name);
        /* What libraries open once is open after the first one. */
        for (double end = now() + PATIENCE; i > 0 && after > before && now() < end; usleep(1000))
            after = entries_of("/proc/self/fd");
        ok(i == 0 || after <= before, "%s: no descriptor is left", name);
        before = after;
    }
}

/* A host may be silent as often as it likes. */
static void again_and_again(const char *uri)
{
    for (int i = 0; i < TIMES; i++) {
        ends_with(begin("vkvm_conn_open", uri, 20), VKVM_ERROR_OWN_TIMEOUT, "once more");
        descriptors_after_all("once more");
    }
}

/* Those that wait for a place are given up, too: each of them, in whatever order. */
static void more_than_there_are_places(const char *uri)
{
    vkvm_call *calls[TIMES];
    for (int i = 0; i < TIMES; i++)
        calls[i] = begin("vkvm_conn_open", uri, 0);
    wait_for_openings(4);
    for (int i = TIMES - 1; i >= 0; i--)
        works(vkvm_call_cancel(calls[i], &err), &err, "it is cancelled");
    for (int i = 0; i < TIMES; i++)
        ends_with(calls[i], VKVM_ERROR_OWN_CANCELLED, "one of many");
    descriptors_after_all("many");
}

/* What is opened in time is a connection like any other. */
static void opens(const char *uri)
{
    static const char *const functions[] = { "vkvm_conn_open", "vkvm_conn_open_with",
                                             "vkvm_conn_open_auth" };
    for (int i = 0; i < 3; i++) {
        bool is_done = false;
        char *name = NULL;
        vkvm_conn *conn = NULL;
        vkvm_value *result = NULL;
        vkvm_call *call = begin(functions[i], uri, 0);
        works(vkvm_call_wait(call, PATIENCE * 1000, &is_done, &err), &err, "it is waited for");
        works(vkvm_call_get_result(call, &result, &err), &err, "it is opened");
        works(vkvm_value_get_handle(result, "", (void **)&conn, &err), &err, "the connection");
        works(vkvm_conn_get_hostname(conn, &name, &err), &err, "a call on it");
        vkvm_string_free(name);
        vkvm_value_free(result);
        vkvm_call_free(call);
        vkvm_conn_free(conn);
    }
}

int main(int argc, char **argv)
{
    int port;
    char uri[400];
    must(argc == 4 ? 0 : -1, NULL, "usage: opening_calls SOCKET PID SCRATCH");
    pid_t pid = atoi(argv[2]);
    int threads = running_threads();

    int listener = listen_tcp(64, &port);
    snprintf(uri, sizeof uri, "test+tcp://127.0.0.1:%d/default", port);
    is_ended("silent TCP", uri);
    again_and_again(uri);
    more_than_there_are_places(uri);
    close(listener);

    hanging_ssh(argv[3], uri, sizeof uri);
    is_ended("ssh that hangs", uri);

    snprintf(uri, sizeof uri, "test+unix:///default?socket=%s", argv[1]);
    opens(uri);
    kill(pid, SIGSTOP);
    is_ended("a stopped daemon", uri);
    kill(pid, SIGCONT);
    opens(uri);

    ok(falls_to(running_threads, threads), "no thread is left");
    no_handles_left();
    return done();
}
