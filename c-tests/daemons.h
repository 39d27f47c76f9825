/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens to a test's daemon: it is started again, or stopped for a while.
 */

#ifndef DAEMONS_H
#define DAEMONS_H

#include <signal.h>
#include <unistd.h>

#include "common.h"

/* Runs the command that starts the daemon again. Its process. */
static inline pid_t restarted(const char *command)
{
    char line[300];
    int pid = 0;
    FILE *told = popen(command, "r");
    while (told && fgets(line, sizeof line, told))
        (void)sscanf(line, "PID=%d", &pid);
    must(told && pclose(told) == 0 && pid > 0 ? 0 : -1, NULL, command);
    return pid;
}

/* The daemon that is stopped, and whether PATIENCE has passed since then. */
static pid_t stopped_daemon;
static volatile sig_atomic_t was_waited_for;

static inline void continue_after_all(int signal)
{
    (void)signal;
    was_waited_for = 1;
    kill(stopped_daemon, SIGCONT);
}

/* Stops the daemon. It goes on when PATIENCE has passed, so that who waits for it does, too. */
static inline void stop_for_a_while(pid_t daemon)
{
    stopped_daemon = daemon;
    was_waited_for = 0;
    signal(SIGALRM, continue_after_all);
    must(kill(daemon, SIGSTOP), NULL, "stopping the daemon");
    alarm(PATIENCE);
}

static inline void continue_daemon(void)
{
    alarm(0);
    must(kill(stopped_daemon, SIGCONT), NULL, "continuing the daemon");
}

#endif
