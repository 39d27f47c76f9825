/*
 * Fleets of many hosts: hosts that never answer cost their own answers only, and threads are
 * bounded by the limit of hosts at work at once.
 *
 * usage: fleet SOCKET PID OTHER-SOCKET OTHER-PID SCRATCH
 *
 * VKVM_HOSTS is how many hosts the largest fleet has (1000).
 *
 * by name: fleet.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common.h"
#include "hostile.h"

enum { LIMIT = 64, LINKS = 8, HOSTS = 200, SILENT = 20, EACH = HOSTS / SILENT, DEADLINE_MS = 3000, LONGEST_MS = 48000 };

static vkvm_error *err;
static const char *scratch;
static char *uris[10000];

/* What a client of the URI connects to; there are LINKS of them to the daemon, so that as many
   times more openings are at work at once. */
static char *uri_of(const char *kind, int number)
{
    char *uri;
    if (asprintf(&uri, "test+unix:///default?socket=%s/%s%d", scratch, kind, number) < 0)
        abort();
    return uri;
}

/* --- how many threads there are ------------------------------------------------------------ */

static atomic_int most_threads, sampling;

static void *sample(void *unused)
{
    (void)unused;
    while (sampling) {
        int threads = running_threads();
        if (threads > most_threads)
            most_threads = threads;
        usleep(5000);
    }
    return NULL;
}

static pthread_t begin_sampling(void)
{
    pthread_t thread;
    most_threads = 0;
    sampling = 1;
    must(pthread_create(&thread, NULL, sample, NULL), NULL, "a thread");
    return thread;
}

static int end_sampling(pthread_t thread)
{
    sampling = 0;
    pthread_join(thread, NULL);
    return most_threads;
}

/* --- answers -------------------------------------------------------------------------------- */

static size_t length_of(vkvm_value *list)
{
    size_t length = 0;
    must(vkvm_value_get_length(list, "", &length, &err), err, "the length");
    return length;
}

/* How many of the hosts, each `step`th, have a result; -1 for one that is not its own URI, where
   that was asked for. */
static int count_results(vkvm_value *results, int step, bool are_uris)
{
    int count = 0;
    for (int i = 0; i < (int)length_of(results); i += step) {
        char path[40];
        char *result = NULL;
        int kind = VKVM_VALUE_NULL;
        snprintf(path, sizeof path, "%d.result", i);
        if (are_uris && vkvm_value_get_string(results, path, &result, &err) == 0) {
            if (strcmp(result, uris[i]) != 0)
                return -1;
            count++;
        } else if (!are_uris && vkvm_value_get_kind(results, path, &kind, &err) == 0) {
            count += kind == VKVM_VALUE_MAP;
        }
        vkvm_string_free(result);
        forget(&err);
    }
    return count;
}

/* Why a host is not open. */
static void show_failure(vkvm_value *hosts, int number)
{
    char path[40], *message = NULL;
    snprintf(path, sizeof path, "%d.error.message", number);
    if (vkvm_value_get_string(hosts, path, &message, NULL) == 0)
        diag("%s: %s", uris[number], message);
    vkvm_string_free(message);
}

static int count_state(vkvm_fleet *fleet, const char *wanted)
{
    vkvm_value *hosts;
    int count = 0;
    must(vkvm_fleet_get_hosts(fleet, &hosts, &err), err, "the hosts");
    for (int i = 0; i < (int)length_of(hosts); i++) {
        char path[40], *state;
        snprintf(path, sizeof path, "%d.state", i);
        must(vkvm_value_get_string(hosts, path, &state, &err), err, path);
        count += strcmp(state, wanted) == 0;
        if (strcmp(state, "failed") == 0 && strcmp(wanted, "open") == 0 && !strstr(uris[i], "silent") &&
            !strstr(uris[i], "other"))
            show_failure(hosts, i);
        vkvm_string_free(state);
    }
    vkvm_value_free(hosts);
    return count;
}

static vkvm_value *ask(vkvm_fleet *fleet, const char *command, uint32_t timeout_ms, double *seconds)
{
    vkvm_value *results = NULL;
    double begin = now();
    works(vkvm_fleet_call(fleet, command, NULL, timeout_ms, &results, &err), &err,
          "the fleet is asked");
    *seconds = now() - begin;
    return results;
}

/* --- 200 hosts, of which 20 never answer ---------------------------------------------------- */

/* What is asked of a fleet comes at the deadline, and half a second later at most. A machine that
   is busy with something else gets another try with a later one. */
static bool is_in_time(double seconds, int deadline_ms)
{
    return seconds >= deadline_ms / 1e3 && seconds <= deadline_ms / 1e3 + 0.5;
}

static vkvm_fleet *open_with_silent(int silent)
{
    for (int deadline = DEADLINE_MS;; deadline *= 2) {
        vkvm_fleet *fleet = NULL;
        double begin = now();
        works(vkvm_fleet_open((const char *const *)uris, HOSTS, deadline, &fleet, &err), &err,
              "a fleet with silent hosts");
        double seconds = now() - begin;
        int open = count_state(fleet, "open");
        printf("# %d of %d hosts are opened in %.3f s, the deadline is %.1f s\n", open, HOSTS,
               seconds, deadline / 1e3);
        if (deadline < LONGEST_MS && (!is_in_time(seconds, deadline) || open != HOSTS - silent)) {
            vkvm_fleet_free(fleet);
            continue;
        }
        ok(is_in_time(seconds, deadline), "they are waited for until the deadline");
        is_int(open, HOSTS - silent, "all others are open");
        is_int(count_state(fleet, "failed"), silent, "the silent ones are not");
        return fleet;
    }
}

/* Asks a fleet with silent hosts, with so many at work at once. */
static void ask_with_limit(vkvm_fleet *fleet, int limit)
{
    uint32_t set = 0;
    works(vkvm_fleet_set_limit(fleet, limit, &err), &err, "a limit of hosts at work");
    works(vkvm_fleet_get_limit(fleet, &set, &err), &err, "it is told");
    is_int(set, limit, "the limit is that");
    for (int deadline = DEADLINE_MS;; deadline *= 2) {
        double seconds;
        pthread_t sampler = begin_sampling();
        int threads = running_threads();
        vkvm_value *results = ask(fleet, "hypervisor.nodeinfo", deadline, &seconds);
        int most = end_sampling(sampler), answers = count_results(results, 1, false);
        printf("# %d hosts have answered in %.3f s, with %d at work at once and at most %d threads\n",
               answers, seconds, limit, most);
        ok(most <= threads + 2 * limit + 4, "hosts at work have at most two threads each");
        if (deadline < LONGEST_MS && (!is_in_time(seconds, deadline) || answers != HOSTS - SILENT)) {
            vkvm_value_free(results);
            continue;
        }
        ok(is_in_time(seconds, deadline), "they are waited for until the deadline");
        is_int(answers, HOSTS - SILENT, "all others answer before");
        is_int(count_results(results, EACH, false), 0, "and no silent one");
        is_int(int_at(results, "0.error.code"), VKVM_ERROR_ERR_OPERATION_TIMEOUT,
               "which are late");
        vkvm_value_free(results);
        return;
    }
}

/* Half of the silent ones accept and say nothing; the others' daemon is stopped once they are
   open. */
static void silent_hosts(pid_t other_pid)
{
    int listeners[SILENT / 2];
    for (int i = 0; i < SILENT / 2; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/silent%d", scratch, i);
        listeners[i] = listen_at(path);
    }
    for (int i = 0; i < HOSTS; i++) {
        int silent = i / EACH;
        uris[i] = i % EACH     ? uri_of("link", i % LINKS)
                  : silent % 2 ? uri_of("other", silent / 2)
                               : uri_of("silent", silent / 2);
    }
    vkvm_fleet *fleet = open_with_silent(SILENT / 2);
    kill(other_pid, SIGSTOP);
    ask_with_limit(fleet, LIMIT);
    ask_with_limit(fleet, 8);
    fails(vkvm_fleet_set_limit(fleet, 0, &err), &err, VKVM_ERROR_OWN_INVALID, "limit",
          "no host at work");
    fails(vkvm_fleet_set_limit(fleet, 1025, &err), &err, VKVM_ERROR_OWN_INVALID, "limit",
          "too many");
    vkvm_fleet_free(fleet);
    /* Fleets are also opened while a daemon is stopped. */
    fleet = open_with_silent(SILENT);
    vkvm_fleet_free(fleet);
    kill(other_pid, SIGCONT);
    for (int i = 0; i < HOSTS; i++)
        free(uris[i]);
    for (int i = 0; i < SILENT / 2; i++)
        close(listeners[i]);
}

/* --- 1,000 hosts ------------------------------------------------------------------------------ */

static void many_hosts(pid_t daemon_pid, int threads)
{
    const char *wanted = getenv("VKVM_HOSTS");
    int count = wanted ? atoi(wanted) : 1000;
    struct rlimit files;
    vkvm_fleet *fleet = NULL;
    double seconds;
    must(getrlimit(RLIMIT_NOFILE, &files), NULL, "the limit of descriptors");
    files.rlim_cur = files.rlim_max;
    must(setrlimit(RLIMIT_NOFILE, &files), NULL, "as many descriptors as may be");
    must(prlimit(daemon_pid, RLIMIT_NOFILE, &files, NULL), NULL, "the daemon, too");
    /* One takes a socket and a pipe. */
    if (files.rlim_max < (rlim_t)count * 3 + 300) {
        count = ((int)files.rlim_max - 300) / 3;
        printf("# there are descriptors for %d hosts only\n", count);
    }
    for (int i = 0; i < count; i++)
        uris[i] = uri_of("link", i % LINKS);
    pthread_t sampler = begin_sampling();
    double begin = now();
    works(vkvm_fleet_open((const char *const *)uris, count, PATIENCE * 1000, &fleet, &err), &err,
          "a fleet of many hosts");
    printf("# %d hosts are opened in %.3f s, with at most %d threads\n", count, now() - begin,
           most_threads);
    is_int(count_state(fleet, "open"), count, "all are open");
    vkvm_value *results = ask(fleet, "hypervisor.uri", PATIENCE * 1000, &seconds);
    int most = end_sampling(sampler);
    printf("# all are asked in %.3f s\n", seconds);
    is_int(count_results(results, 1, true), count, "all answer");
    ok(most <= threads + 2 * LIMIT + 8, "there is no thread for each host");
    printf("# at most %d threads\n", most);
    vkvm_value_free(results);
    vkvm_fleet_free(fleet);
    for (int i = 0; i < count; i++)
        free(uris[i]);
}

int main(int argc, char **argv)
{
    must(argc == 6 ? 0 : -1, NULL, "usage: fleet SOCKET PID OTHER-SOCKET OTHER-PID SCRATCH");
    scratch = argv[5];
    for (int i = 0; i < LINKS + SILENT / 2; i++) {
        char path[200];
        if (i < LINKS)
            snprintf(path, sizeof path, "%s/link%d", scratch, i);
        else
            snprintf(path, sizeof path, "%s/other%d", scratch, i - LINKS);
        must(symlink(argv[i < LINKS ? 1 : 3], path), NULL, "a link to the socket");
    }
    int threads = running_threads(), files = open_files();
    silent_hosts(atoi(argv[4]));
    ok(falls_to(running_threads, threads), "the threads end");
    many_hosts(atoi(argv[2]), threads);
    ok(falls_to(running_threads, threads), "the threads end");
    ok(falls_to(open_files, files + 1), "and all connections are closed");
    no_handles_left();
    return done();
}
