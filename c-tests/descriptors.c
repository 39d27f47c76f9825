/*
 * A process that has used up its file descriptors: opening a connection is an error, and
 * does not end the process.
 *
 * usage: descriptors URI (of a daemon)
 *
 * bed: test-daemon URI_UNIX
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

/* In a child, which ends in the way that its status tells. */
static int open_with_free_descriptors(const char *uri, int count)
{
    pid_t pid = fork();
    if (pid == 0) {
        vkvm_conn *conn = NULL;
        vkvm_error *error = NULL;
        struct rlimit limit = { 64, 64 };
        int last = -1, fd;
        setrlimit(RLIMIT_NOFILE, &limit);
        while ((fd = dup(2)) >= 0)
            last = fd;
        for (int i = 0; i < count; i++)
            close(last - i);
        if (vkvm_conn_open(uri, 0, &conn, &error) == 0) {
            char *name = NULL;
            bool works = vkvm_conn_get_hostname(conn, &name, NULL) == 0;
            vkvm_conn_free(conn);
            _exit(works ? 0 : 1);
        }
        _exit(vkvm_error_code(error) == VKVM_ERROR_OWN_FILE ? 2 : 3);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    /* libvirt opens what it logs to when it is used first. */
    vkvm_conn_free(open_conn(TEST_URI, 0));
    for (int count = 0; count < 10; count++) {
        int ended = open_with_free_descriptors(argv[1], count);
        if (!ok(ended == 2, "with %d free descriptors, open is an error of its own", count))
            diag("the child ended with %d", ended);
    }
    is_int(open_with_free_descriptors(argv[1], 10), 0, "10 are enough");
    is_int(open_with_free_descriptors(TEST_URI, 2), 0,
           "the test driver of this process needs no more than before");
    return done();
}
