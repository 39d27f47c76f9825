/*
 * Options, rounds, watching, and the report. See usage.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

/* What a run may last longer than it was told to, when a round does not end; and what must be
   left of it for a round with QEMU, where libvirt lets calls wait for 30 seconds for others. */
enum { LATE_MS = 20000, QEMU_MS = 35000 };

#if defined(__SANITIZE_THREAD__)
enum { is_sanitized = true, has_thread_sanitizer = true };
#elif defined(__SANITIZE_ADDRESS__)
enum { is_sanitized = true, has_thread_sanitizer = false };
#else
enum { is_sanitized = false, has_thread_sanitizer = false };
#endif

static void usage(FILE *to)
{
    fprintf(to,
            "usage: fuzz --rich FILE --scratch DIR --out DIR [--daemon URI --restart COMMAND]\n"
            "            [--qemu URI --qemu-pid PID [--qemu-restart COMMAND]] [--seed N] [--seconds N]\n"
            "            [--round-seconds N] [--round N] [--threads N] [--loop chance|default|thread|own]\n"
            "            [--target local|daemon|qemu] [--skip FUNCTION,...] [--failures N]\n"
            "            [--hang SECONDS] [--no-fork] [--tap] [--why]\n"
            "\n"
            "Calls all functions of the C API at random. fuzz/api/run starts it. With --why the last\n"
            "error of each function that never succeeded is printed.\n");
}

/* --- watching a round ---------------------------------------------------------------------------- */

/* The slot of the thread that has been in one call for longest, and for longer than that; or NULL. */
static struct slot *hanging(int64_t ms)
{
    int count = shared->slots < SLOTS ? shared->slots : SLOTS;
    struct slot *longest = NULL;
    for (int i = 0; i < count; i++) {
        struct slot *slot = &shared->slot[i];
        if (slot->depth && now_ms() - slot->moved > ms && kill(slot->process, 0) == 0 &&
            (!longest || slot->moved < longest->moved))
            longest = slot;
    }
    return longest;
}

static void kill_round(pid_t child)
{
    if (shared->crashed && shared->crashed != child)
        kill(shared->crashed, SIGKILL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* What has gone on for too long, or was left behind, may have waited for a daemon that answers
   nobody any more, which is libvirt's own fault. */
static void report_unless_qemu_failed(const char *what, pid_t process, const char *errors)
{
    if (the_round.target == TARGET_QEMU && !qemu_still_answers())
        go_on_without_qemu();
    else
        report(what, process, errors);
}

static bool pass_over(const char *errors)
{
    if (!is_libvirts_own(errors))
        return false;
    printf("# round %d: libvirt's client crashed on a source that it left behind\n", the_round.number);
    fflush(stdout);
    return true;
}

/* True when there is nothing more to wait for. */
static bool look_after(pid_t child, int64_t latest, const char *errors)
{
    char what[100];
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) {
        if (status != 0 && pass_over(errors))
            return true;
        snprintf(what, sizeof what, "ended with status %d, signal %d", WEXITSTATUS(status),
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        if (status != 0)
            report(what, 0, errors);
        return true;
    }
    if (shared->crashed) {
        snprintf(what, sizeof what, shared->signal ? "signal %d" : "%.0d", shared->signal);
        if (!shared->failure[0] && pass_over(errors)) {
            kill_round(child);
            return true;
        }
        if (shared->late)
            report_unless_qemu_failed(what, shared->crashed, errors);
        else
            report(what, shared->crashed, errors);
        kill_round(child);
        return true;
    }
    if (the_round.target == TARGET_QEMU && qemu_has_failed()) {
        go_on_without_qemu();
        kill_round(child);
        return true;
    }
    struct slot *slot = hanging(now_ms() > latest ? 0 : options.hang * 1000);
    if (slot || now_ms() > latest) {
        report_unless_qemu_failed(now_ms() > latest ? "does not end" : "hangs",
                                  slot ? slot->process : child, errors);
        if (slot && slot->process != child)
            kill(slot->process, SIGKILL);
        kill_round(child);
        return true;
    }
    return false;
}

static void watch(pid_t child, const char *errors)
{
    /* What a guest does takes longer. */
    int seconds = options.round_seconds * (the_round.target == TARGET_QEMU ? 2 : 1);
    int64_t until = now_ms() + seconds * 1000, latest = until + options.hang * 1000;
    if (until > run_end)
        until = run_end;
    if (latest > run_end + LATE_MS)
        latest = run_end + LATE_MS;
    if (the_round.target == TARGET_QEMU)
        begin_asking();
    while (!look_after(child, latest, errors)) {
        if (now_ms() > until)
            shared->stop = true;
        usleep(20000);
    }
    end_asking();
}

/* --- rounds ------------------------------------------------------------------------------------------ */

/* All combinations come, in turn. */
static void choose_round(int number)
{
    the_round = (struct round){
        .seed = options.seed * 1000003 + (uint64_t)number, .number = number,
        .threads = options.threads ? options.threads : number % 2 ? 8 : 1,
        .loop = (enum loop)(options.loop >= 0 ? options.loop : number / 2 % LOOPS),
        .rich = options.rich, .daemon = options.daemon, .qemu = options.qemu,
        .scratch = options.scratch, .skip = options.skip, .hang = options.hang,
        .no_fork = options.no_fork,
    };
    /* The sanitizers' own locks are not released in a forked child; ThreadSanitizer ends one
       that starts a thread. */
    bool has_more_threads = the_round.threads > 1 || the_round.loop == LOOP_THREAD ||
                            the_round.loop == LOOP_CHANCE;
    if (has_thread_sanitizer || (is_sanitized && has_more_threads))
        the_round.no_fork = true;
    /* The first ones are QEMU's, so that a short run has some, too. */
    int which = (number + number / 8) % TARGETS;
    bool has_qemu = options.qemu && (now_ms() + QEMU_MS < run_end || options.only_round >= 0);
    the_round.target = options.target == TARGET_QEMU      ? options.qemu ? TARGET_QEMU : TARGET_LOCAL
                       : options.target >= 0              ? (enum target)options.target
                       : which == 0 && has_qemu           ? TARGET_QEMU
                       : which != 2 && options.daemon     ? TARGET_DAEMON
                                                          : TARGET_LOCAL;
}

static void one_round(int number)
{
    char errors[4200];
    pid_t killer = 0;
    choose_round(number);
    clear_trace();
    rounds++;
    snprintf(errors, sizeof errors, "%s/errors", options.out);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        if (chdir(options.scratch) < 0)
            _exit(2);
        /* With QEMU's daemon nothing is done elsewhere: it is slow. */
        setenv("LIBVIRT_DEFAULT_URI",
               the_round.target == TARGET_QEMU ? uri_of_round() : "test:///default", 1);
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        catch_crashes(is_sanitized);
        run_round();
    }
    if (the_round.target == TARGET_DAEMON && options.restart)
        killer = begin_killing();
    watch(child, errors);
    if (killer)
        end_killing(killer);
}

/* --- options ------------------------------------------------------------------------------------------ */

static int index_of(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    usage(stderr);
    exit(2);
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        { "rich", 1, 0, 'r' }, { "daemon", 1, 0, 'd' }, { "restart", 1, 0, 'R' }, { "qemu", 1, 0, 'q' },
        { "qemu-pid", 1, 0, 'Q' }, { "qemu-restart", 1, 0, 'W' },
        { "scratch", 1, 0, 's' }, { "out", 1, 0, 'o' }, { "seed", 1, 0, 'S' }, { "seconds", 1, 0, 't' },
        { "round-seconds", 1, 0, 'u' }, { "round", 1, 0, 'n' }, { "threads", 1, 0, 'T' },
        { "loop", 1, 0, 'l' }, { "target", 1, 0, 'g' }, { "skip", 1, 0, 'k' }, { "failures", 1, 0, 'f' },
        { "hang", 1, 0, 'h' }, { "tap", 0, 0, 'P' }, { "no-fork", 0, 0, 'F' }, { "why", 0, 0, 'Y' }, { 0, 0, 0, 0 },
    };
    static char skip[4000];
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'r': options.rich = optarg; break;
        case 'd': options.daemon = optarg; break;
        case 'R': options.restart = optarg; break;
        case 'q': options.qemu = optarg; break;
        case 'Q': options.qemu_pid = atoi(optarg); break;
        case 'W': options.qemu_restart = optarg; break;
        case 's': options.scratch = optarg; break;
        case 'o': options.out = optarg; break;
        case 'S': options.seed = strtoull(optarg, NULL, 10); break;
        case 't': options.seconds = atoi(optarg); break;
        case 'u': options.round_seconds = atoi(optarg); break;
        case 'n': options.only_round = atoi(optarg); break;
        case 'T': options.threads = atoi(optarg); break;
        case 'l': options.loop = index_of(optarg, loop_names, LOOPS); break;
        case 'g': options.target = index_of(optarg, target_names, TARGETS); break;
        case 'k': snprintf(skip, sizeof skip, ",%s,", optarg); options.skip = skip; break;
        case 'f': options.most_failures = atoi(optarg); break;
        case 'h': options.hang = atoi(optarg); break;
        case 'F': options.no_fork = true; break;
        case 'Y': options.why = true; break;
        case 'P': options.tap = true; break;
        default: usage(stderr); exit(2);
        }
    }
    if (!options.rich || !options.scratch || !options.out || optind != argc || options.threads > 64) {
        usage(stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    make_shared();
    printf("# VKVM_SEED=%" PRIu64 "\n", options.seed);
    run_begin = now_ms();
    if (options.only_round >= 0) {
        run_end = now_ms() + (2 * options.round_seconds + options.hang) * 1000;
        one_round(options.only_round);
    } else {
        run_end = now_ms() + options.seconds * 1000;
        for (int i = 0; now_ms() < run_end && failures < options.most_failures; i++)
            one_round(i);
    }
    summary();
    return failures ? 1 : 0;
}
