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

static const char *const loop_names[LOOPS] = { "chance", "default", "thread", "own" };
static const char *const target_names[TARGETS] = { "local", "daemon", "qemu" };

static struct {
    uint64_t seed;
    int seconds, round_seconds, threads, only_round, loop, target, most_failures;
    const char *rich, *daemon, *restart, *qemu, *scratch, *out, *skip;
    int hang, qemu_pid;
    bool tap, no_fork;
} options = {
    .seconds = 60, .round_seconds = 5, .only_round = -1, .loop = -1, .target = -1,
    .most_failures = 20, .hang = 60, .skip = "",
};

static int failures, rounds;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { is_sanitized = true };
#else
enum { is_sanitized = false };
#endif

static void usage(FILE *to)
{
    fprintf(to,
            "usage: fuzz --rich FILE --scratch DIR --out DIR [--daemon URI --restart COMMAND]\n"
            "            [--qemu URI --qemu-pid PID] [--seed N] [--seconds N] [--round-seconds N] [--round N]\n"
            "            [--threads N] [--loop chance|default|thread|own]\n"
            "            [--target local|daemon|qemu] [--skip FUNCTION,...] [--failures N]\n"
            "            [--hang SECONDS] [--no-fork] [--tap]\n"
            "\n"
            "Calls all functions of the C API at random. scripts/fuzz-api starts it.\n");
}

/* --- watching a round ---------------------------------------------------------------------------- */

static FILE *report_file(int number)
{
    char name[4200];
    snprintf(name, sizeof name, "%s/failure-%d", options.out, number);
    FILE *file = fopen(name, "w");
    if (!file) {
        perror(name);
        exit(2);
    }
    return file;
}

static void append_command(FILE *to, const char *command)
{
    char line[1000];
    FILE *from = popen(command, "r");
    while (from && fgets(line, sizeof line, from))
        fputs(line, to);
    if (from)
        pclose(from);
}

/* Without the frames of Rust's own library, and the thread that has crashed first. */
static void print_stacks(FILE *to, pid_t process)
{
    char command[700];
    snprintf(command, sizeof command,
             "timeout 60 gdb -p %d -batch -ex 'thread apply all bt 40' 2>/dev/null"
             " | grep -E '^(#|Thread)' | grep -v ' at \\(/rustc\\|library\\)/\\|{closure\\|guard.rs' | cut -c1-200"
             " | awk '/^Thread/ { n++; text[n] = \"\" } { text[n] = text[n] $0 \"\\n\" }"
             " /on_crash/ { first = n } /call_function/ && !first { first = n }"
             " END { printf \"%%s\", text[first]; for (i = 1; i <= n; i++) if (i != first) printf \"%%s\", text[i] }'",
             process);
    append_command(to, command);
}

static void report(const char *what, pid_t process, const char *errors)
{
    char line[300];
    FILE *to = report_file(++failures);
    fprintf(to, "%s\n%s\n", what, shared->failure);
    fprintf(to, "round %d: VKVM_SEED=%" PRIu64 " --round %d, %d threads, loop %s, %s\n\n",
            the_round.number, options.seed, the_round.number, the_round.threads,
            loop_names[the_round.loop], target_names[the_round.target]);
    if (process) {
        fprintf(to, "stacks:\n");
        print_stacks(to, process);
    }
    fprintf(to, "\nthe last calls:\n");
    print_trace(to);
    fprintf(to, "\nstandard error:\n");
    fflush(to);
    snprintf(line, sizeof line, "head -n 200 '%s'", errors);
    append_command(to, line);
    fclose(to);
    printf("# round %d (%d threads, loop %s, %s): %s %s\n", the_round.number, the_round.threads,
           loop_names[the_round.loop], target_names[the_round.target], what, shared->failure);
    printf("#   see %s/failure-%d\n", options.out, failures);
    fflush(stdout);
}

/* A QEMU daemon that answers nobody is libvirt's own fault: it is done without then. */
static bool daemon_hangs(void)
{
    char command[500];
    if (the_round.target != TARGET_QEMU)
        return false;
    snprintf(command, sizeof command, "timeout 15 virsh -c '%s' list --all >/dev/null 2>&1",
             options.qemu);
    if (system(command) == 0)
        return false;
    snprintf(command, sizeof command, "%s/qemu-daemon", options.out);
    FILE *to = fopen(command, "w");
    /* unshare, its shell, and the daemon. */
    snprintf(command, sizeof command, "pgrep -P \"$(pgrep -P %d)\" libvirtd", options.qemu_pid);
    FILE *from = popen(command, "r");
    int daemon = 0;
    if (to && from && fscanf(from, "%d", &daemon) == 1)
        print_stacks(to, daemon);
    if (from)
        pclose(from);
    if (to)
        fclose(to);
    printf("# round %d: the QEMU daemon answers no other client either; going on without it\n"
           "#   see %s/qemu-daemon\n", the_round.number, options.out);
    options.qemu = NULL;
    return true;
}

/* The slot of a thread that has been in one call for too long, or NULL. */
static struct slot *hanging(void)
{
    int count = shared->slots < SLOTS ? shared->slots : SLOTS;
    for (int i = 0; i < count; i++) {
        struct slot *slot = &shared->slot[i];
        if (slot->depth && now_ms() - slot->moved > options.hang * 1000 && kill(slot->process, 0) == 0)
            return slot;
    }
    return NULL;
}

static void kill_round(pid_t child)
{
    if (shared->crashed && shared->crashed != child)
        kill(shared->crashed, SIGKILL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void watch(pid_t child, const char *errors)
{
    int64_t until = now_ms() + options.round_seconds * 1000, latest = until + options.hang * 1000;
    char what[200];
    for (;;) {
        int status = 0;
        if (waitpid(child, &status, WNOHANG) == child) {
            if (status != 0) {
                snprintf(what, sizeof what, "ended with status %d, signal %d", WEXITSTATUS(status),
                         WIFSIGNALED(status) ? WTERMSIG(status) : 0);
                report(what, 0, errors);
            }
            return;
        }
        if (shared->crashed) {
            usleep(100000);
            snprintf(what, sizeof what, shared->signal ? "signal %d" : "%.0d", shared->signal);
            report(what, shared->crashed, errors);
            kill_round(child);
            return;
        }
        struct slot *slot = hanging();
        if (slot || now_ms() > latest) {
            snprintf(what, sizeof what, slot ? "hangs" : "does not end");
            if (!daemon_hangs())
                report(what, slot ? slot->process : child, errors);
            if (slot && slot->process != child)
                kill(slot->process, SIGKILL);
            kill_round(child);
            return;
        }
        if (now_ms() > until)
            shared->stop = true;
        usleep(20000);
    }
}

/* --- a daemon that is killed and started again ----------------------------------------------------- */

static pid_t begin_killing(void)
{
    pid_t killer = fork();
    if (killer != 0)
        return killer;
    struct chance chance = { the_round.seed };
    while (!shared->stop) {
        usleep((useconds_t)(200000 + below(&chance, 800000)));
        if (!shared->stop && system(options.restart) != 0)
            fprintf(stderr, "# the daemon cannot be started again\n");
    }
    _exit(0);
}

static void end_killing(pid_t killer)
{
    shared->stop = true;
    waitpid(killer, NULL, 0);
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
    /* The sanitizers' own locks are not released in a forked child. */
    if (is_sanitized && (the_round.threads > 1 || the_round.loop == LOOP_THREAD || the_round.loop == LOOP_CHANCE))
        the_round.no_fork = true;
    int which = (number + number / 8) % 3;
    the_round.target = options.target == TARGET_QEMU      ? options.qemu ? TARGET_QEMU : TARGET_LOCAL
                       : options.target >= 0              ? (enum target)options.target
                       : which == 1 && options.daemon     ? TARGET_DAEMON
                       : which == 2 && options.qemu       ? TARGET_QEMU
                       : which == 2 && options.daemon     ? TARGET_DAEMON
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
        setenv("LIBVIRT_DEFAULT_URI", "test:///default", 1);
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

/* --- the end ------------------------------------------------------------------------------------------ */

static void list(const char *title, bool (*is_listed)(int))
{
    int column = 0, count = 0;
    for (int i = 0; i < FUNCTIONS; i++)
        count += is_listed(i);
    printf("# %s: %d", title, count);
    for (int i = 0; i < FUNCTIONS; i++) {
        if (!is_listed(i) || count > FUNCTIONS / 2)
            continue;
        if (column++ % 4 == 0)
            printf("\n#  ");
        printf(" %s", functions[i].name + strlen("vkvm_"));
    }
    printf("\n");
}

static bool is_not_reached(int i)
{
    return !shared->called[i];
}

static bool is_not_successful(int i)
{
    return shared->called[i] && !shared->succeeded[i];
}

static void summary(void)
{
    uint64_t calls = 0, worked = 0;
    int reached = 0, successful = 0;
    for (int i = 0; i < FUNCTIONS; i++) {
        calls += shared->called[i];
        worked += shared->succeeded[i];
        reached += shared->called[i] > 0;
        successful += shared->succeeded[i] > 0;
    }
    list("never reached", is_not_reached);
    list("never successful", is_not_successful);
    printf("# seed %" PRIu64 ", %d rounds, %" PRIu64 " calls (%" PRIu64 " successful), %" PRIu64
           " callbacks, %" PRIu64 " forks\n", options.seed, rounds, calls, worked,
           (uint64_t)shared->callbacks, (uint64_t)shared->forks);
    printf("# %d of %d functions reached, %d were successful; %d failures\n", reached, FUNCTIONS,
           successful, failures);
    if (options.tap) {
        printf("%s 1 - no call of any function crashes, hangs, leaks or lies (seed %" PRIu64 ")\n",
               failures ? "not ok" : "ok", options.seed);
        printf("%s 2 - all functions are reached\n", reached == FUNCTIONS ? "ok" : "not ok");
        printf("1..2\n");
    }
}

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
        { "rich", 1, 0, 'r' }, { "daemon", 1, 0, 'd' }, { "restart", 1, 0, 'R' }, { "qemu", 1, 0, 'q' }, { "qemu-pid", 1, 0, 'Q' },
        { "scratch", 1, 0, 's' }, { "out", 1, 0, 'o' }, { "seed", 1, 0, 'S' }, { "seconds", 1, 0, 't' },
        { "round-seconds", 1, 0, 'u' }, { "round", 1, 0, 'n' }, { "threads", 1, 0, 'T' },
        { "loop", 1, 0, 'l' }, { "target", 1, 0, 'g' }, { "skip", 1, 0, 'k' }, { "failures", 1, 0, 'f' },
        { "hang", 1, 0, 'h' }, { "tap", 0, 0, 'P' }, { "no-fork", 0, 0, 'F' }, { 0, 0, 0, 0 },
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
    if (options.only_round >= 0) {
        one_round(options.only_round);
    } else {
        int64_t until = now_ms() + options.seconds * 1000;
        for (int i = 0; now_ms() < until && failures < options.most_failures; i++)
            one_round(i);
    }
    summary();
    return failures ? 1 : 0;
}
