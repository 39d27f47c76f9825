/*
 * Connections that end while they are opened: nothing is left of them, though another thread
 * runs the event loop, and finds the end at the same time.
 *
 * tests: opening_ends opening_ends.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>

#include "opening.h"

static vkvm_error *err;

static int tries(void)
{
    return getenv("VKVM_UNDER_VALGRIND") ? 100 : 2000;
}

/* Takes connections, and ends them. */
static void *end_each(void *listener)
{
    for (int fd; (fd = accept(*(int *)listener, NULL, NULL)) >= 0;)
        close(fd);
    return NULL;
}

static vkvm_value *with_timeout(const char *uri, int64_t timeout)
{
    vkvm_value *options = from_json("{}");
    must(vkvm_value_set_string(options, "uri", uri, &err), err, "uri");
    must(vkvm_value_set_int64(options, "timeout_ms", timeout, &err), err, "timeout_ms");
    return options;
}

/* Opens again and again, and counts the descriptors before and after. */
static void leaves_nothing(const char *uri, vkvm_value *options, const char *name)
{
    int before = descriptors_after_all("before"), after = 0, opened = 0;
    for (int i = 0; i < tries(); i++) {
        vkvm_conn *conn = NULL;
        opened += (options ? vkvm_conn_open_with(options, &conn, NULL)
                           : vkvm_conn_open(uri, 0, &conn, NULL)) == 0;
        vkvm_conn_free(conn);
    }
    is_int(opened, 0, "no connection is opened");
    /* The loop lets go of the last ones. */
    descriptors_after_all("after");
    for (double end = now() + PATIENCE / 4; now() < end; usleep(1000))
        if ((after = entries_of("/proc/self/fd")) <= before)
            break;
    is_int(after, before, name);
}

int main(void)
{
    char folder[] = "/tmp/vkvm-opening-XXXXXX", path[100], uri[200];
    must(mkdtemp(folder) ? 0 : -1, NULL, "a folder");
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(uri, sizeof uri, "test+unix:///default?socket=%s", path);
    int listener = listen_unix(path, 100);
    pthread_t peer;
    must(pthread_create(&peer, NULL, end_each, &listener), NULL, "a thread");

    must(vkvm_event_start(&err), err, "the event loop");
    leaves_nothing(uri, NULL, "openings that fail leave no descriptors");
    vkvm_value *options = with_timeout(uri, PATIENCE * 1000);
    leaves_nothing(uri, options, "nor do those on a thread of the library's");
    vkvm_value_free(options);
    must(vkvm_event_stop(&err), err, "the event loop ends");

    shutdown(listener, SHUT_RDWR);
    pthread_join(peer, NULL);
    close(listener);
    unlink(path);
    rmdir(folder);
    return done();
}
