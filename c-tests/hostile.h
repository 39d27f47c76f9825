/*
 * For programs that do what no program should: each of their cases runs in a process of
 * its own, so that one that crashes or hangs is a check that fails, and the others run.
 *
 * The library must not be used before: a case begins like a program of its own.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef HOSTILE_H
#define HOSTILE_H

#include <dirent.h>
#include <execinfo.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

/* Seconds that a case may take before it hangs; each takes a few. */
static int longest_case = 4 * PATIENCE;

static bool case_failed;

/* A check within a case: only its failure is told. */
__attribute__((format(printf, 2, 3)))
static inline bool expect(bool condition, const char *format, ...)
{
    va_list arguments;
    if (condition)
        return true;
    va_start(arguments, format);
    tell(format, arguments);
    va_end(arguments);
    case_failed = true;
    return false;
}

/* Waits until a number has grown to `wanted`; false if it has not within the seconds. */
static inline bool wait_until(const atomic_int *number, int wanted, int seconds)
{
    double deadline = now() + seconds;
    while (*number < wanted && now() < deadline)
        usleep(500);
    return *number >= wanted;
}

/* --- a fault of libvirt's own -------------------------------------------------------------

   Before 10.1 libvirt's client leaves a source with the address of a local variable behind
   when one thread wakes up another that waits for an answer on the same connection. It is
   called later, reads what is on that thread's stack by then, and writes there. So a thread
   in the client crashes: in g_main_loop_quit mostly, or wherever it uses what was changed.
   Plain libvirt crashes in the same way; a case that this ends is run again. */

static int crash_report = -1;

static void report_crash(int number)
{
    void *frames[40];
    backtrace_symbols_fd(frames, backtrace(frames, 40), crash_report);
    signal(number, SIG_DFL);
    raise(number);
}

static void report_crashes(void)
{
    void *frames[1];
    backtrace(frames, 1); /* loads what it needs now, and not in the handler */
    signal(SIGSEGV, report_crash);
    signal(SIGBUS, report_crash);
    signal(SIGABRT, report_crash);
}

static inline bool has_old_libvirt(void)
{
    int status = 0;
    pid_t child = fork(); /* the library must not be used here */
    if (child == 0) {
        uint64_t version = 0;
        vkvm_library_get_libvirt_version(&version, NULL);
        _exit(version < 10001000);
    }
    waitpid(child, &status, 0);
    return status != 0;
}

/* What the last case wrote when it crashed; lives until the next call. */
static inline char *crash_text(void)
{
    static char report[8192];
    ssize_t length = pread(crash_report, report, sizeof report - 1, 0);
    report[length > 0 ? length : 0] = 0;
    return report;
}

static inline bool was_libvirts_own(void)
{
    const char *text = crash_text();
    return (strstr(text, "g_main_loop_quit") || strstr(text, "virNetClient")) && has_old_libvirt();
}

/* --- cases ---------------------------------------------------------------------------- */

/* Runs a case in a process of its own. False if it did not end. */
static inline bool run_case(void (*run)(void), int *status)
{
    pid_t child, ended = 0;
    crash_report = fileno(tmpfile());
    child = fork();
    if (child == 0) {
        report_crashes();
        run();
        fflush(stdout);
        _exit(case_failed);
    }
    double deadline = now() + longest_case;
    while ((ended = waitpid(child, status, WNOHANG)) == 0 && now() < deadline)
        usleep(10000);
    if (ended == 0) {
        kill(child, SIGKILL);
        waitpid(child, status, 0);
    }
    return ended == child;
}

/* One check: the case ends by itself, and all that it expects is so. */
static inline void survives(const char *name, void (*run)(void))
{
    int status = 0;
    bool ends = run_case(run, &status);
    for (int again = 0; again < 20 && ends && WIFSIGNALED(status) && was_libvirts_own(); again++) {
        diag("libvirt's client crashed; once more");
        ends = run_case(run, &status);
    }
    ok(ends && status == 0, "%s", name);
    if (!ends)
        diag("it hangs");
    else if (WIFSIGNALED(status)) {
        diag("it was ended by signal %d", WTERMSIG(status));
        for (char *line = strtok(crash_text(), "\n"); line; line = strtok(NULL, "\n"))
            diag("%s", line);
    }
}

/* --- what a process has ----------------------------------------------------------------- */

static inline int count_of(const char *folder)
{
    int count = 0;
    DIR *open = opendir(folder);
    while (open && readdir(open))
        count++;
    if (open)
        closedir(open);
    return count;
}

static inline int open_files(void)
{
    return count_of("/proc/self/fd");
}

/* For who has to find out which is one too many. */
static inline void show_files(void)
{
    char command[80];
    fflush(stdout);
    snprintf(command, sizeof command, "ls -l /proc/%d/fd | sed 's/^/# /' >&2", (int)getpid());
    if (system(command) != 0)
        printf("# they cannot be shown\n");
}

static inline int running_threads(void)
{
    return count_of("/proc/self/task");
}

/* Descriptors are closed, and threads end, a little after what made them. */
static inline bool falls_to(int (*count)(void), int wanted)
{
    for (double deadline = now() + PATIENCE; count() > wanted; usleep(1000))
        if (now() > deadline)
            return false;
    return true;
}

/* How many connections libvirt may lose for each hundred that are cut: it keeps a reference that
   nothing gives up where the end of a connection comes while it registers a close callback, for
   ending a callback fails by then. Each keeps a descriptor. */
enum { LOST = 3 };

/* The same of descriptors, with what is there if it fails. */
static inline bool files_fall_to(int wanted)
{
    if (expect(falls_to(open_files, wanted), "more than %d descriptors stay open", wanted))
        return true;
    show_files();
    return false;
}

/* --- a line to a daemon that can be cut ------------------------------------------------- */

/* It is a process of its own, so that its descriptors are not ours. */
static struct {
    pid_t process;
    int control;
    char path[100], uri[200];
} line;

enum { MOST_LINES = 512 };

struct pair {
    int ends[2]; /* the client's and the daemon's */
};

static inline int dial(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    must(fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
             listen(fd, 64) != 0, NULL, path);
    return fd;
}

static inline void hang_up(struct pair *pair)
{
    close(pair->ends[0]);
    close(pair->ends[1]);
    pair->ends[0] = pair->ends[1] = -1;
}

/* Passes on what has come at one end; false when there is no more. */
static inline bool pass_on(const struct pair *pair, int from)
{
    char buffer[65536];
    ssize_t length = read(pair->ends[from], buffer, sizeof buffer), done = 0;
    while (done < length) {
        ssize_t written = write(pair->ends[!from], buffer + done, (size_t)(length - done));
        if (written <= 0)
            return false;
        done += written;
    }
    return length > 0;
}

static inline void accept_line(int listener, const char *daemon, struct pair *pairs)
{
    struct pair pair = { { accept(listener, NULL, NULL), dial(daemon) } };
    for (int i = 0; i < MOST_LINES && pair.ends[0] >= 0 && pair.ends[1] >= 0; i++) {
        if (pairs[i].ends[0] < 0) {
            pairs[i] = pair;
            return;
        }
    }
    hang_up(&pair);
}

/* Each byte of `control` cuts all that are connected, and is answered when they are. */
static inline void carry(int listener, int control, const char *daemon)
{
    static struct pair pairs[MOST_LINES];
    static struct pollfd fds[2 * MOST_LINES + 2];
    char byte;
    memset(pairs, 0xFF, sizeof pairs);
    for (;;) {
        for (int i = 0; i < 2 * MOST_LINES; i++)
            fds[i] = (struct pollfd){ .fd = pairs[i / 2].ends[i % 2], .events = POLLIN };
        fds[2 * MOST_LINES] = (struct pollfd){ .fd = control, .events = POLLIN };
        fds[2 * MOST_LINES + 1] = (struct pollfd){ .fd = listener, .events = POLLIN };
        poll(fds, 2 * MOST_LINES + 2, -1);
        if (fds[2 * MOST_LINES].revents) {
            if (read(control, &byte, 1) != 1)
                _exit(0); /* the test has ended */
            for (int i = 0; i < MOST_LINES; i++)
                if (pairs[i].ends[0] >= 0)
                    hang_up(&pairs[i]);
            if (write(control, &byte, 1) != 1)
                _exit(1);
            continue;
        }
        for (int i = 0; i < 2 * MOST_LINES; i++)
            if (fds[i].revents && pairs[i / 2].ends[0] >= 0 && !pass_on(&pairs[i / 2], i % 2))
                hang_up(&pairs[i / 2]);
        if (fds[2 * MOST_LINES + 1].revents)
            accept_line(listener, daemon, pairs);
    }
}

/* In the process that runs the cases, which all use it. */
static inline void lay_line(const char *daemon)
{
    int ends[2];
    snprintf(line.path, sizeof line.path, "%s.line", daemon);
    snprintf(line.uri, sizeof line.uri, "test+unix:///default?socket=%s", line.path);
    int listener = listen_at(line.path);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), NULL, "a pair of sockets");
    line.process = fork();
    if (line.process == 0) {
        signal(SIGPIPE, SIG_IGN);
        close(ends[0]);
        carry(listener, ends[1], daemon);
    }
    close(listener);
    close(ends[1]);
    line.control = ends[0];
}

static inline void cut_line(void)
{
    char byte = 'c';
    must(write(line.control, &byte, 1) != 1 || read(line.control, &byte, 1) != 1, NULL,
         "cutting the line");
}

static inline void remove_line(void)
{
    close(line.control);
    waitpid(line.process, NULL, 0);
    unlink(line.path);
}

/* --- a userdata that knows what has been done with it ------------------------------------ */

struct witness {
    atomic_int calls, destroyed, late; /* late: calls after its destroy notify */
};

static inline void on_any_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                                void *userdata)
{
    struct witness *witness = userdata;
    (void)conn, (void)object, (void)event_id, (void)args;
    witness->calls++;
    witness->late += witness->destroyed > 0;
}

static inline void on_destroy(void *userdata)
{
    ((struct witness *)userdata)->destroyed++;
}

/* Each destroy notify runs once, and nothing is called after it. */
static inline void expect_all_ended(struct witness *witnesses, int count, const char *what)
{
    int owed = 0, twice = 0, late = 0;
    for (double deadline = now() + PATIENCE; now() < deadline; usleep(1000)) {
        owed = twice = late = 0;
        for (int i = 0; i < count; i++) {
            owed += witnesses[i].destroyed == 0;
            twice += witnesses[i].destroyed > 1;
            late += witnesses[i].late > 0;
        }
        if (!owed)
            break;
    }
    expect(!owed, "%s: %d of %d destroy notifies never ran", what, owed, count);
    expect(!twice, "%s: %d of %d destroy notifies ran more than once", what, twice, count);
    expect(!late, "%s: %d of %d callbacks ran after their destroy notify", what, late, count);
}

#endif
