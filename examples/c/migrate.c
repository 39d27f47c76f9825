/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Migrates a running guest to another host, and shows how far it is: a thread with a
 * connection of its own asks, while this one waits for the migration. The guest's
 * definition moves, too.
 *
 * usage: migrate FROM DOMAIN TO [PARAMETER=VALUE...]
 *   PARAMETER  one of libvirt's, like bandwidth (MiB/s), migrate_uri, listen_address
 */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "example.h"

static struct {
    const char *uri, *domain;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ended;
} migration = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* Waits a fifth of a second; true when the migration has ended. */
static bool has_ended(void)
{
    struct timespec until;
    bool ended;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200 * 1000 * 1000;
    if (until.tv_nsec >= 1000 * 1000 * 1000) {
        until.tv_sec++;
        until.tv_nsec -= 1000 * 1000 * 1000;
    }
    pthread_mutex_lock(&migration.lock);
    while (!migration.ended &&
           pthread_cond_timedwait(&migration.changed, &migration.lock, &until) == 0)
        ;
    ended = migration.ended;
    pthread_mutex_unlock(&migration.lock);
    return ended;
}

static void show(vkvm_value *stats)
{
    uint64_t total = number(stats, VKVM_DOMAIN_JOB_DATA_TOTAL, 0);
    uint64_t left = number(stats, VKVM_DOMAIN_JOB_DATA_REMAINING, 0);

    if (total == 0 || left > total)
        return;
    printf("%3d%% of %" PRIu64 " MiB%s", (int)((total - left) * 100 / total), total >> 20,
           isatty(STDOUT_FILENO) ? "\r" : "\n");
    fflush(stdout);
}

/* Shows how far it is until it has ended. That the guest is not there any more, or that
   nothing is known, is no reason to disturb the migration. */
static void *show_progress(void *unused)
{
    vkvm_conn *conn = NULL;
    vkvm_domain *domain = NULL;
    vkvm_value *stats;
    int type;

    if (vkvm_conn_open(migration.uri, VKVM_CONNECT_RO, &conn, NULL) == 0 &&
        vkvm_conn_get_domain_by_name(conn, migration.domain, &domain, NULL) == 0)
        while (!has_ended())
            if (vkvm_domain_get_job_stats(domain, 0, &type, &stats, NULL) == 0) {
                if (type == VKVM_DOMAIN_JOB_BOUNDED || type == VKVM_DOMAIN_JOB_UNBOUNDED)
                    show(stats);
                vkvm_value_free(stats);
            }
    vkvm_domain_free(domain);
    vkvm_conn_free(conn);
    return unused;
}

/* PARAMETER=VALUE into the map of parameters. */
static void add_parameter(vkvm_value *parameters, const char *text)
{
    const char *sign = strchr(text, '=');
    vkvm_error *error = NULL;
    vkvm_value *value;
    char *key;

    if (sign == NULL) {
        fprintf(stderr, "%s is not of the form PARAMETER=VALUE\n", text);
        exit(2);
    }
    key = strndup(text, (size_t)(sign - text));
    if (key == NULL) {
        perror("strndup");
        exit(1);
    }
    check(vkvm_value_new_null(&value, &error), "new_null", &error);
    check(vkvm_value_set_string(value, NULL, sign + 1, &error), "set_string", &error);
    /* Not by path: dots are part of a parameter's name. */
    check(vkvm_value_put(parameters, NULL, key, value, &error), "put", &error);
    vkvm_value_free(value);
    free(key);
}

int main(int argc, char **argv)
{
    const uint32_t flags = VKVM_DOMAIN_MIGRATE_LIVE | VKVM_DOMAIN_MIGRATE_PERSIST_DEST |
                           VKVM_DOMAIN_MIGRATE_UNDEFINE_SOURCE;
    vkvm_error *error = NULL;
    vkvm_conn *from, *to;
    vkvm_domain *domain, *moved;
    vkvm_value *parameters;
    pthread_t thread;
    int result;

    if (argc < 4)
        usage("migrate FROM DOMAIN TO [PARAMETER=VALUE...]");
    check(vkvm_value_new_map(&parameters, &error), "new_map", &error);
    for (int i = 4; i < argc; i++)
        add_parameter(parameters, argv[i]);
    check(vkvm_conn_open(argv[1], 0, &from, &error), argv[1], &error);
    check(vkvm_conn_open(argv[3], 0, &to, &error), argv[3], &error);
    check(vkvm_conn_get_domain_by_name(from, argv[2], &domain, &error), argv[2], &error);

    migration.uri = argv[1];
    migration.domain = argv[2];
    result = pthread_create(&thread, NULL, show_progress, NULL);
    if (result != 0) {
        fprintf(stderr, "pthread_create: %s\n", strerror(result));
        return 1;
    }
    result = vkvm_domain_migrate(domain, to, parameters, flags, &moved, &error);
    pthread_mutex_lock(&migration.lock);
    migration.ended = true;
    pthread_cond_signal(&migration.changed);
    pthread_mutex_unlock(&migration.lock);
    pthread_join(thread, NULL);
    check(result, "migrate", &error);
    printf("%s is %s on %s\n", argv[2], state_name(state_of(moved)), argv[3]);

    vkvm_domain_free(moved);
    vkvm_domain_free(domain);
    vkvm_value_free(parameters);
    vkvm_conn_free(from);
    vkvm_conn_free(to);
    return 0;
}
