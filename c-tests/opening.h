/*
 * Hosts that do not answer, and what is left of openings.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef OPENING_H
#define OPENING_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common.h"

/* --- what is left behind ------------------------------------------------------------------- */

static inline int entries_of(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static inline int children(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));) {
        char path[300];
        int child;
        snprintf(path, sizeof path, "/proc/self/task/%s/children", entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (file && fscanf(file, "%d", &child) == 1)
            count++;
        if (file)
            fclose(file);
    }
    closedir(tasks);
    return count;
}

/* How many openings are at work; how many of these nobody waits for. */
static inline int64_t openings(const char *key)
{
    vkvm_value *list = NULL;
    size_t count = 0;
    int64_t sum = 0;
    vkvm_error *err = NULL;
    must(vkvm_library_get_openings(&list, &err), err, "get_openings");
    must(vkvm_value_get_length(list, NULL, &count, &err), err, "their number");
    for (size_t i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "%zu.%s", i, key);
        sum += int_at(list, path);
    }
    vkvm_value_free(list);
    return sum;
}

/* Waits until nothing of an opening is left but descriptors; gives their number. */
static inline int descriptors_after_all(const char *name)
{
    bool gone = false;
    for (double end = now() + PATIENCE; !gone && now() < end; usleep(1000))
        gone = openings("running") == 0 && threads_named("vkvm-open") == 0 &&
               threads_named("vkvm-ending") == 0 && children() == 0;
    ok(gone, "%s: no thread, program or opening is left", name);
    return entries_of("/proc/self/fd");
}

/* --- hosts that do not answer ---------------------------------------------------------------- */

/* A socket that listens and never accepts: the kernel connects so many. */
static inline int listen_on(struct sockaddr *address, socklen_t size, int backlog)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, address, size) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, address, &size) < 0)
        must(-1, NULL, "a listener");
    return fd;
}

static inline int listen_unix(const char *path, int backlog)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    return listen_on((struct sockaddr *)&address, sizeof address, backlog);
}

static inline int listen_tcp(int backlog, int *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = listen_on((struct sockaddr *)&address, sizeof address, backlog);
    *port = ntohs(address.sin_port);
    return fd;
}

/* The URI of an ssh that never ends by itself. */
static inline void hanging_ssh(const char *scratch, char *uri, size_t size)
{
    char path[300];
    snprintf(path, sizeof path, "%s/ssh", scratch);
    FILE *file = fopen(path, "w");
    fputs("#!/bin/sh\nexec sleep 600\n", file);
    fclose(file);
    chmod(path, 0755);
    snprintf(uri, size, "test+ssh://host/default?command=%s", path);
}

#endif
