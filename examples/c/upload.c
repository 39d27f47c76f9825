/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Uploads a disk image into a storage pool, as a new volume that is called like the
 * file, and shows how far it is. Interrupted, it leaves no volume.
 *
 * usage: upload URI POOL FILE
 */

#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "example.h"

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

/* Draws a bar over the last one; only in a terminal, and only when it has changed. */
static int on_progress(uint64_t done, uint64_t total, void *userdata)
{
    static const char full[] = "########################################";
    int *shown = userdata;
    int percent = total > 0 ? (int)(done * 100 / total) : 100;
    int length = percent * (int)(sizeof full - 1) / 100;

    if (isatty(STDOUT_FILENO) && percent != *shown) {
        printf("\r[%-40.*s] %3d%%", length, full, percent);
        if (percent == 100)
            printf("\n");
        fflush(stdout);
        *shown = percent;
    }
    return stop ? -1 : 0;
}

/* The document that describes the volume; values take care of < and & in it. */
static char *volume_xml(const char *name, uint64_t capacity)
{
    vkvm_error *error = NULL;
    vkvm_value *document;
    char *xml;

    check(vkvm_value_from_json("{\"volume\": {\"target\": {\"format\": {\"@type\": \"raw\"}}}}",
                               &document, &error),
          "from_json", &error);
    check(vkvm_value_set_string(document, "volume.name", name, &error), "set_string", &error);
    check(vkvm_value_set_uint64(document, "volume.capacity", capacity, &error), "set_uint64",
          &error);
    check(vkvm_value_to_xml(document, &xml, &error), "to_xml", &error);
    vkvm_value_free(document);
    return xml;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct stat status;
    vkvm_error *error = NULL;
    vkvm_conn *conn;
    vkvm_storage_pool *pool;
    vkvm_storage_vol *volume;
    uint64_t sent;
    char *xml;
    const char *name;
    int result, shown = -1;

    if (argc != 4)
        usage("upload URI POOL FILE");
    if (stat(argv[3], &status) != 0) {
        perror(argv[3]);
        return 1;
    }
    name = strrchr(argv[3], '/') != NULL ? strrchr(argv[3], '/') + 1 : argv[3];
    sigaction(SIGINT, &action, NULL);

    check(vkvm_conn_open(argv[1], 0, &conn, &error), argv[1], &error);
    check(vkvm_conn_get_storage_pool_by_name(conn, argv[2], &pool, &error), argv[2], &error);
    xml = volume_xml(name, (uint64_t)status.st_size);
    check(vkvm_storage_pool_create_volume(pool, xml, &volume, &error), "create_volume", &error);
    vkvm_string_free(xml);

    result = vkvm_storage_vol_upload_file(volume, argv[3], 0, 0,
                                          VKVM_STORAGE_VOL_VOL_UPLOAD_SPARSE_STREAM, on_progress,
                                          &shown, NULL, &sent, &error);
    if (result != 0) {
        if (isatty(STDOUT_FILENO))
            printf("\n");
        if (vkvm_storage_vol_delete(volume, 0, NULL) != 0)
            fprintf(stderr, "half a volume is left: %s\n", name);
    }
    check(result, "upload_file", &error);
    printf("%s: %" PRIu64 " bytes\n", name, sent);
    /* The host finds out what is in the volume, like its true format. */
    check(vkvm_storage_pool_refresh(pool, 0, &error), "refresh", &error);

    vkvm_storage_vol_free(volume);
    vkvm_storage_pool_free(pool);
    vkvm_conn_free(conn);
    return 0;
}
