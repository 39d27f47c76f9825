/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Defines a guest from an XML file, boots it, and waits until it runs. With --remove
 * it shuts it down again, by force after so many seconds, and undefines it.
 *
 * usage: boot [--remove SECONDS] URI FILE.xml
 */

#define _POSIX_C_SOURCE 200809L

#include <time.h>

#include "example.h"

/* All that is in a file, to be freed with free. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t length = 0, got;

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    do {
        text = realloc(text, length + 4096 + 1);
        if (text == NULL) {
            perror("realloc");
            exit(1);
        }
        got = fread(text + length, 1, 4096, file);
        length += got;
    } while (got > 0);
    if (ferror(file)) {
        perror(path);
        exit(1);
    }
    fclose(file);
    text[length] = '\0';
    return text;
}

/* Waits until the domain is in a state; 0 when it is, -1 after so many seconds. */
static int wait_for(vkvm_domain *domain, int state, int seconds)
{
    struct timespec pause = {0, 100 * 1000 * 1000};

    for (int turn = 0; state_of(domain) != state; turn++) {
        if (turn == seconds * 10)
            return -1;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static void remove_domain(vkvm_domain *domain, const char *name, int seconds)
{
    vkvm_error *error = NULL;

    check(vkvm_domain_shutdown(domain, 0, &error), "shutdown", &error);
    if (wait_for(domain, VKVM_DOMAIN_STATE_SHUTOFF, seconds) == 0) {
        printf("%s has shut down\n", name);
    } else {
        check(vkvm_domain_destroy(domain, 0, &error), "destroy", &error);
        printf("%s did not shut down and was turned off\n", name);
    }
    check(vkvm_domain_undefine(domain, 0, &error), "undefine", &error);
    printf("%s is undefined\n", name);
}

int main(int argc, char **argv)
{
    int remove = argc == 5 && strcmp(argv[1], "--remove") == 0;
    vkvm_error *error = NULL;
    vkvm_conn *conn;
    vkvm_domain *domain;
    char *xml, *name;

    if (argc != 3 && !remove)
        usage("boot [--remove SECONDS] URI FILE.xml");
    xml = read_file(argv[argc - 1]);
    check(vkvm_conn_open(argv[argc - 2], 0, &conn, &error), argv[argc - 2], &error);
    check(vkvm_conn_define_domain(conn, xml, 0, &domain, &error), "define_domain", &error);
    free(xml);
    name = name_of(domain);
    printf("%s is defined\n", name);
    check(vkvm_domain_create(domain, 0, &error), "create", &error);
    if (wait_for(domain, VKVM_DOMAIN_STATE_RUNNING, 30) != 0) {
        fprintf(stderr, "%s does not run but is %s\n", name, state_name(state_of(domain)));
        exit(1);
    }
    printf("%s is running\n", name);
    if (remove)
        remove_domain(domain, name, atoi(argv[2]));

    vkvm_string_free(name);
    vkvm_domain_free(domain);
    vkvm_conn_free(conn);
    return 0;
}
