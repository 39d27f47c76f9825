/*
 * What the tests of SIGPIPE need: a write that raises it, and what has become of it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef SIGPIPE_H
#define SIGPIPE_H

#include <sys/mman.h>

#include "hostile.h"

/* How often the program's handler was called. */
static volatile sig_atomic_t sigpipes;

static inline void count_sigpipe(int number)
{
    (void)number;
    sigpipes++;
}

/* A program's output that nobody reads any more. */
static inline void write_to_nobody(void)
{
    int ends[2];
    must(pipe(ends), NULL, "a pipe");
    close(ends[0]);
    must(write(ends[1], "x", 1) != -1, NULL, "a write to nobody fails");
    close(ends[1]);
}

static inline bool sigpipe_is_blocked(void)
{
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    return sigismember(&now, SIGPIPE);
}

static inline bool sigpipe_is_pending(void)
{
    sigset_t now;
    sigpending(&now);
    return sigismember(&now, SIGPIPE);
}

/* Runs a part of a test in a process of its own, with SIGPIPE as it is by default or with a
   handler. Gives the status as wait(2) does. */
static inline int status_of(void (*part)(void), bool handled)
{
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        signal(SIGPIPE, handled ? count_sigpipe : SIG_DFL);
        part();
        fflush(stdout);
        _exit(case_failed);
    }
    must(child < 0 || waitpid(child, &status, 0) != child, NULL, "a part in a child");
    return status;
}

static inline void show_status(int status)
{
    if (WIFSIGNALED(status))
        diag("ended by signal %d", WTERMSIG(status));
    else if (WIFEXITED(status) && WEXITSTATUS(status))
        diag("exit status %d", WEXITSTATUS(status));
}

/* --- parts in which the library writes to a daemon that is gone --------------------------- */

/* What the child has come to, for its parent to see. */
static bool *survived;

static void (*broken_part)(void);

/* Only in the end it writes itself, which does what it would without the library. */
static inline void run_broken_part(void)
{
    broken_part();
    expect(sigpipes == 0, "the program's handler was called %d times", (int)sigpipes);
    expect(!sigpipe_is_blocked() && !sigpipe_is_pending(), "nothing is blocked or pending");
    *survived = true;
    write_to_nobody();
    expect(sigpipes == 1, "its own write calls the handler");
}

static inline void try_broken(const char *name, void (*part)(void))
{
    broken_part = part;
    if (!survived)
        survived = mmap(NULL, sizeof *survived, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0);
    must(survived == MAP_FAILED, NULL, "shared memory");
    int handled = status_of(run_broken_part, true);
    if (!ok(handled == 0, "%s: no handler is called", name))
        show_status(handled);
    *survived = false;
    int status = status_of(run_broken_part, false);
    if (!ok(*survived && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE,
            "%s: only the program's own write ends it", name))
        show_status(status);
}

#endif
