/*
 * What several of the tests need: domains to play with, values by path,
 * and the count of handles that are still alive.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef COMMON_H
#define COMMON_H

#include <dirent.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "classes.h"
#include "tap.h"

/* libvirt's built-in test driver: a host in the memory of this process. */
#define TEST_URI "test:///default"

/* The domain that this host has from the start. It runs. */
#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

#define PROBE_UUID "11111111-2222-3333-4444-555555555555"

/* A domain of our own for the test driver. */
static const char probe_xml[] =
    "<domain type='test'><name>probe</name><uuid>" PROBE_UUID "</uuid>"
    "<memory unit='KiB'>131072</memory><currentMemory unit='KiB'>65536</currentMemory>"
    "<vcpu current='1'>4</vcpu><os><type>hvm</type></os></domain>";

/* How many seconds a test waits for what is going to happen: so long that only what does
   not happen at all takes them, on the slowest machine. */
enum { PATIENCE = 300 };

/* Seconds, to measure with. */
static inline double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The state of a thread as the kernel says it: R, S when it sleeps, Z when its process has
   ended and nobody has asked for its status; 0 when it is gone. */
static inline char thread_state(pid_t process, pid_t thread)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)process, (int)thread);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    if (file)
        fclose(file);
    return state;
}

/* Waits until another thread of this process sleeps, in what it was about to call when it
   told its number. */
static inline void wait_for_sleep(const pid_t *thread)
{
    pid_t number;
    for (double end = now() + PATIENCE; now() < end; usleep(100))
        if ((number = __atomic_load_n(thread, __ATOMIC_SEQ_CST)) != 0 &&
            thread_state(getpid(), number) == 'S')
            return;
    must(-1, NULL, "waiting for a thread to sleep");
}

/* How many threads of this process have this name. */
static inline int threads_named(const char *name)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));) {
        char path[300], line[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue; /* it has just ended */
        count += fgets(line, sizeof line, file) && strcspn(line, "\n") == strlen(name) &&
                 strncmp(line, name, strlen(name)) == 0;
        fclose(file);
    }
    closedir(tasks);
    return count;
}

/* How much memory this process has. */
static inline long resident_kib(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%ld %ld", &size, &resident) != 2)
            resident = 0;
        fclose(file);
    }
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static inline vkvm_conn *open_conn(const char *uri, uint32_t flags)
{
    vkvm_conn *conn = NULL;
    vkvm_error *err = NULL;
    must(vkvm_conn_open(uri, flags, &conn, &err), err, uri);
    return conn;
}

/* The version of libvirt, such as 9000000. */
static inline uint64_t libvirt_version(vkvm_conn *conn)
{
    uint64_t version = 0;
    vkvm_error *error = NULL;
    must(vkvm_conn_get_library_version(conn, &version, &error), error, "libvirt's version");
    return version;
}

static inline vkvm_domain *define_probe(vkvm_conn *conn)
{
    vkvm_domain *dom = NULL;
    vkvm_error *err = NULL;
    must(vkvm_conn_define_domain(conn, probe_xml, 0, &dom, &err), err, "define the domain");
    return dom;
}

/* The value of a JSON text. */
static inline vkvm_value *from_json(const char *text)
{
    vkvm_value *value = NULL;
    vkvm_error *err = NULL;
    must(vkvm_value_from_json(text, &value, &err), err, text);
    return value;
}

/* The integer at a path, or -4242 with the reason shown. */
static inline int64_t int_at(vkvm_value *value, const char *path)
{
    int64_t result = -4242;
    vkvm_error *err = NULL;
    if (vkvm_value_get_int64(value, path, &result, &err) < 0)
        diag("%s: %s", path, vkvm_error_message(err));
    vkvm_error_free(err);
    return result;
}

/* Checks the text at a path. */
static inline bool is_str_at(vkvm_value *value, const char *path, const char *wanted,
                             const char *name)
{
    char *text = NULL;
    vkvm_error *err = NULL;
    if (vkvm_value_get_string(value, path, &text, &err) < 0)
        diag("%s: %s", path, vkvm_error_message(err));
    vkvm_error_free(err);
    bool passed = is_str(text, wanted, name);
    vkvm_string_free(text);
    return passed;
}

/* Checks text that a function has just given us, and frees it. */
static inline bool is_own_str(char *text, const char *wanted, const char *name)
{
    bool passed = is_str(text, wanted, name);
    vkvm_string_free(text);
    return passed;
}

static inline size_t handles(const char *class_name)
{
    size_t count = SIZE_MAX;
    vkvm_error *err = NULL;
    must(vkvm_handle_count(class_name, &count, &err), err, class_name);
    return count;
}

/* The last check of a program: it has freed all that it was given. */
static inline void no_handles_left(void)
{
    static const char *const classes[] = { CLASS_NAMES };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t left = handles(classes[i]);
        ok(left == 0, "no %s handle is left", classes[i]);
        if (left)
            diag("%zu are", left);
    }
}

#endif
