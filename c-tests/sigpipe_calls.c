/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SIGPIPE and every function of the header, called when the daemon is gone: the library's
 * write to the socket must not be noticed by the program's handler, and leave nothing
 * blocked or pending.
 *
 * usage: sigpipe_calls SOCKET
 *
 * SOCKET is that of a daemon with the test driver and the QEMU driver. Each function gets a
 * connection of its own, for what has failed once is not written to again.
 *
 * bed: qemu-daemon SOCKET
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "functions.h"
#include "sigpipe.h"

/* So many functions must have met the broken line, or the test shows nothing. */
enum { MANY = 300 };

static char host_file[] = "/tmp/vkvm-sigpipe-XXXXXX";

/* A host of the driver's own for each connection; /default is shared. */
static const char host_xml[] =
    "<node><domain type='test'><name>test</name><memory>8192</memory><os><type>hvm</type></os>"
    "</domain><network><name>default</name><bridge name='virbr0'/>"
    "<ip address='192.168.122.1' netmask='255.255.255.0'/></network>"
    "<pool type='dir'><name>default-pool</name><target><path>/default-pool</path></target></pool>"
    "<interface type='ethernet' name='eth1'><start mode='onboot'/>"
    "<mac address='aa:bb:cc:dd:ee:ff'/></interface>"
    "<device><name>computer</name><capability type='net'><interface>eth9</interface>"
    "<address>52:54:00:bb:00:01</address></capability></device>"
    "</node>";

static char test_uri[256], qemu_uri[256];

static void make_uris(void)
{
    int fd = mkstemp(host_file);
    must(fd < 0 || write(fd, host_xml, sizeof host_xml - 1) < 0 || close(fd) != 0, NULL, host_file);
    snprintf(test_uri, sizeof test_uri, "test+unix://%s?socket=%s", host_file, line.path);
    snprintf(qemu_uri, sizeof qemu_uri, "qemu+unix:///system?socket=%s", line.path);
    snprintf(fleet_uri, sizeof fleet_uri, "test://%s", host_file);
    host_uri = test_uri;
    daemon_uri = qemu_uri;
}

static void ignore(void)
{
}

/* Why a function cannot be called like this, or NULL. */
static const char *exception(const struct function *function)
{
    static const struct { const char *name, *why; } exceptions[] = {
        { "vkvm_event_register_impl", "would make something that is none the loop" },
        { "vkvm_event_register_default", "a process has one loop; sigpipe.c tries them" },
        { "vkvm_event_start", "a process has one loop; sigpipe.c tries them" },
        { "vkvm_library_reopen_after_fork", "changes what later calls do" },
    };
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (strcmp(function->name, exceptions[i].name) == 0)
            return exceptions[i].why;
    bool takes_handle = function->count == 1 && function->params[0].shape == HANDLE;
    return function->returns == STATUS || takes_handle ? NULL : "takes memory of the library's own";
}

/* Whether the objects of a daemon with the QEMU driver are needed. */
static bool is_for_daemon(const struct function *function)
{
    for (size_t i = 0; i < function->count; i++)
        switch (function->params[i].class) {
        case CLASS_SECRET: case CLASS_NWFILTER: case CLASS_NWFILTER_BINDING:
        case CLASS_NETWORK_PORT: return true;
        default: break;
        }
    return false;
}

static void release_outputs(const struct function *function, union argument *arguments)
{
    for (size_t i = 0; i < function->count; i++) {
        const struct parameter *param = &function->params[i];
        bool has_length = i + 1 < function->count && param[1].shape == OUT && !param[1].release;
        if (param->release)
            param->release(*(void **)arguments[i].pointer,
                           has_length ? *(size_t *)arguments[i + 1].pointer : 0);
    }
}

/* Whether the call met the broken line. */
static bool try_function(const struct function *function)
{
    union argument arguments[MOST_PARAMETERS];
    vkvm_error *err = NULL;
    memset(live, 0, sizeof live);
    make_handles(live, is_for_daemon(function));
    set_right(function, arguments);
    cut_line();
    sigpipes = 0;
    int returned = function->call(arguments, &err);
    bool met = err && strstr(vkvm_error_message(err), "Broken pipe");
    if (met)
        ok(function->blocks, "%s is said to block", function->name);
    else if (function->blocks)
        diag("%s is said to block and did not meet the line: %s", function->name,
             err ? vkvm_error_message(err) : "it succeeded");
    if (function->returns == STATUS && returned == 0)
        release_outputs(function, arguments);
    vkvm_error_free(err);
    free_handles(live);
    bool good = sigpipes == 0 && !sigpipe_is_blocked() && !sigpipe_is_pending();
    if (!ok(good, "%s", function->name))
        diag("the handler was called %d times; %s; %s", (int)sigpipes,
             sigpipe_is_blocked() ? "blocked" : "not blocked",
             sigpipe_is_pending() ? "pending" : "not pending");
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL); /* one failure is enough */
    return met;
}

int main(int argc, char **argv)
{
    int met = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: sigpipe_calls SOCKET\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof visitor.members / sizeof *visitor.members; i++)
        visitor.members[i] = ignore;
    lay_line(argv[1]);
    make_uris();
    signal(SIGPIPE, count_sigpipe);
    for (size_t f = 0; f < FUNCTIONS; f++) {
        const char *why = exception(&functions[f]);
        if (why)
            diag("not called: %s, which %s", functions[f].name, why);
        else
            met += try_function(&functions[f]);
    }
    if (!ok(met >= MANY, "many functions met the broken line"))
        diag("%d", met);
    remove_line();
    unlink(host_file);
    return done();
}
