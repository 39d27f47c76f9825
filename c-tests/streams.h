/*
 * What the tests of streams need: a pool in a directory, volumes in it, and files
 * with holes to send and to compare with.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef STREAMS_H
#define STREAMS_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events.h"

#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)
#define SPARSE_UP VKVM_STORAGE_VOL_VOL_UPLOAD_SPARSE_STREAM
#define SPARSE_DOWN VKVM_STORAGE_VOL_VOL_DOWNLOAD_SPARSE_STREAM

static vkvm_error *err;
static vkvm_conn *conn;
static vkvm_storage_pool *pool;
static const char *dir;
static char piece[256 * 1024];

/* --- files --------------------------------------------------------------------- */

static inline const char *path_of(const char *name)
{
    static char paths[4][4096];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

/* A file with `count` MiB of data at each of so many places, and holes else. */
static inline void make_file(const char *name, int64_t size, int places, int count)
{
    uint32_t word = 1;
    int fd = open(path_of(name), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, size) < 0)
        exit(1);
    for (int place = 0; place < places; place++)
        for (int64_t i = 0; i < count * MIB; i += sizeof piece) {
            for (size_t j = 0; j < sizeof piece; j += sizeof word) {
                word = word * 1664525u + 1013904223u;
                memcpy(piece + j, &word, sizeof word);
            }
            if (pwrite(fd, piece, sizeof piece, place * (size / places / MIB * MIB) + i) < 0)
                exit(1);
        }
    close(fd);
}

/* Bytes on the disk. */
static inline int64_t allocated(const char *name)
{
    struct stat status;
    return stat(path_of(name), &status) < 0 ? -1 : (int64_t)status.st_blocks * 512;
}

/* Whether two files are equal; where both have holes is not read. */
static inline bool same_files(const char *one, const char *two)
{
    static char other[sizeof piece];
    int a = open(path_of(one), O_RDONLY), b = open(path_of(two), O_RDONLY);
    off_t end = lseek(a, 0, SEEK_END), at = 0;
    bool same = a >= 0 && b >= 0 && end == lseek(b, 0, SEEK_END);
    while (same && at < end) {
        off_t in_a = lseek(a, at, SEEK_DATA), in_b = lseek(b, at, SEEK_DATA);
        if (in_a < 0 && in_b < 0)
            break;
        at = in_b < 0 || (in_a >= 0 && in_a < in_b) ? in_a : in_b;
        ssize_t got = pread(a, piece, sizeof piece, at);
        same = got > 0 && pread(b, other, (size_t)got, at) == got &&
               memcmp(piece, other, (size_t)got) == 0;
        at += got;
    }
    close(a);
    close(b);
    return same;
}

static inline int64_t most_memory(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file))
        sscanf(line, "VmHWM: %ld", &kib);
    fclose(file);
    return kib * 1024;
}

/* Where Linux lets us, the most begins anew, to measure one part by itself. */
static inline void forget_most_memory(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    if (fd >= 0) {
        if (write(fd, "5", 1) < 0)
            diag("the most memory is that of all parts so far");
        close(fd);
    }
}

static inline vkvm_storage_vol *new_volume(const char *name, int64_t size)
{
    char xml[512];
    vkvm_storage_vol *vol = NULL;
    snprintf(xml, sizeof xml, "<volume><name>%s</name><capacity unit='bytes'>%" PRId64
             "</capacity><allocation>0</allocation></volume>", name, size);
    must(vkvm_storage_pool_create_volume(pool, xml, &vol, &err), err, name);
    return vol;
}

static inline vkvm_stream *new_stream(uint32_t flags)
{
    vkvm_stream *stream = NULL;
    must(vkvm_conn_new_stream(conn, flags, &stream, &err), err, "new_stream");
    return stream;
}

/* The pool of the test, in its directory. */
static inline void make_pool(const char *uri)
{
    char xml[4096];
    conn = open_conn(uri, 0);
    snprintf(xml, sizeof xml, "<pool type='dir'><name>streams</name><target><path>%s</path>"
             "</target></pool>", dir);
    must(vkvm_conn_create_storage_pool(conn, xml, &pool, &err), err, "the pool");
}

#endif
