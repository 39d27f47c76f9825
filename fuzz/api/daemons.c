/*
 * The daemons of the rounds, seen from outside: the one with the test driver is killed and
 * started again all the time, the one with the QEMU driver is asked all the time whether it
 * still answers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

/* --- one that is killed -------------------------------------------------------------------- */

pid_t begin_killing(void)
{
    pid_t killer = fork();
    if (killer != 0)
        return killer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct chance chance = { the_round.seed };
    while (!shared->stop) {
        usleep((useconds_t)(200000 + below(&chance, 800000)));
        if (!shared->stop && system(options.restart) != 0)
            fprintf(stderr, "# the daemon cannot be started again\n");
    }
    _exit(0);
}

void end_killing(pid_t killer)
{
    shared->stop = true;
    waitpid(killer, NULL, 0);
}

/* --- one that is asked --------------------------------------------------------------------- */

/* A daemon with much to do answers late: the machine may have other work, and a guest that
   starts keeps its lock meanwhile. */
enum { ASK_EACH_MS = 1000, NO_ANSWER_MS = 15000, STACKS_SECONDS = 20, RESTART_MS = 100000 };

static struct {
    pid_t asker; /* 0 when none is asking */
    int64_t asked, answered;
} qemu;

/* Each driver is asked for what it has, for which it needs the locks of all. The daemon keeps
   threads for calls like these, so that no number of slow ones makes them wait. */
static pid_t ask(void)
{
    pid_t asker = fork();
    if (asker != 0)
        return asker;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    execlp("virsh", "virsh", "-c", options.qemu,
           "list --all; net-list --all; pool-list --all; secret-list; nodedev-list; iface-list --all;"
           " nwfilter-list; uri", NULL);
    _exit(127);
}

void begin_asking(void)
{
    qemu.asker = 0;
    qemu.asked = 0;
    qemu.answered = now_ms();
}

void end_asking(void)
{
    if (qemu.asker > 0) {
        kill(qemu.asker, SIGKILL);
        waitpid(qemu.asker, NULL, 0);
    }
    qemu.asker = 0;
}

/* Its process, or 0: below unshare, whose process is known, and a shell. */
static pid_t process_of_qemu(void)
{
    char command[100];
    int process = 0;
    snprintf(command, sizeof command, "pgrep -P \"$(pgrep -P %d)\" libvirtd 2>/dev/null", options.qemu_pid);
    FILE *from = popen(command, "r");
    if (!from || fscanf(from, "%d", &process) != 1)
        process = 0;
    if (from)
        pclose(from);
    return process;
}

bool qemu_has_failed(void)
{
    int status = 0;
    if (qemu.asker > 0 && waitpid(qemu.asker, &status, WNOHANG) == qemu.asker) {
        qemu.asker = 0;
        if (status == 0)
            qemu.answered = now_ms();
        else if (!process_of_qemu())
            return true;
    }
    if (qemu.asker <= 0 && now_ms() - qemu.asked > ASK_EACH_MS) {
        qemu.asked = now_ms();
        qemu.asker = ask();
    }
    return now_ms() - qemu.answered > NO_ANSWER_MS;
}

bool qemu_still_answers(void)
{
    end_asking();
    begin_asking();
    int64_t begin = qemu.answered;
    while (qemu.answered == begin && !qemu_has_failed())
        usleep(20000);
    return qemu.answered != begin;
}

/* The command prints PID=..., like the bed. */
static bool restart_qemu(void)
{
    char line[500];
    int process = 0;
    FILE *from = popen(options.qemu_restart, "r");
    while (from && fgets(line, sizeof line, from))
        sscanf(line, "PID=%d", &process);
    if (from)
        pclose(from);
    if (process)
        options.qemu_pid = process;
    return process != 0;
}

void go_on_without_qemu(void)
{
    static int times;
    char name[4200];
    pid_t process = process_of_qemu();
    end_asking();
    snprintf(name, sizeof name, "%s/qemu-daemon-%d", options.out, ++times);
    FILE *to = fopen(name, "w");
    if (to && process)
        print_stacks(to, process, STACKS_SECONDS);
    if (to) {
        fprintf(to, "\nthe last calls:\n");
        print_trace(to);
        fclose(to);
    }
    printf("# round %d: the QEMU daemon %s\n#   see %s\n", the_round.number,
           process ? "answers no other client either" : "has crashed", name);
    fflush(stdout);
    /* In a short run it is done without from here on. */
    if (!options.qemu_restart || now_ms() + RESTART_MS > run_end || !restart_qemu()) {
        printf("#   going on without it\n");
        options.qemu = NULL;
    }
}
