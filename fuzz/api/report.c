/*
 * What is told: of a round that failed its last calls and stacks, in a file of its own; of
 * all rounds in the end what they have reached.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fuzz.h"

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
void print_stacks(FILE *to, pid_t process, int seconds)
{
    char command[700];
    snprintf(command, sizeof command,
             "timeout %d gdb -p %d -batch -ex 'thread apply all bt 40' 2>/dev/null"
             " | grep -E '^(#|Thread)' | grep -v ' at \\(/rustc\\|library\\)/\\|{closure\\|guard.rs' | cut -c1-200"
             " | awk '/^Thread/ { n++; text[n] = \"\" } { text[n] = text[n] $0 \"\\n\" }"
             " /on_crash/ { first = n } /call_function/ && !first { first = n }"
             " END { printf \"%%s\", text[first]; for (i = 1; i <= n; i++) if (i != first) printf \"%%s\", text[i] }'",
             seconds, process);
    append_command(to, command);
}

void report(const char *what, pid_t process, const char *errors)
{
    char line[300];
    FILE *to = report_file(++failures);
    fprintf(to, "%s\n%s\n", what, shared->failure);
    fprintf(to, "round %d: VKVM_SEED=%" PRIu64 " --round %d, %d threads, loop %s, --target %s\n\n",
            the_round.number, options.seed, the_round.number, the_round.threads,
            loop_names[the_round.loop], target_names[the_round.target]);
    if (process) {
        fprintf(to, "stacks:\n");
        print_stacks(to, process, 60);
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

/* --- the end ------------------------------------------------------------------------------------------ */

/* Before 10.1 libvirt's client leaves a source with the address of a local variable behind
   when one thread wakes up another one that waits for an answer on the same connection. Its
   callback, or g_main_loop_quit, which that calls, runs on another frame later. Plain libvirt
   crashes in the same way (c-tests/hostile.h); nothing of ours is on the stack above GLib's. */
bool is_libvirts_own(const char *errors)
{
    char line[300];
    FILE *from = fopen(errors, "r");
    bool in_source = false, ours = false, client = false;
    while (from && fgets(line, sizeof line, from)) {
        in_source |= strstr(line, "g_main_context_dispatch") != NULL;
        ours |= !in_source && strstr(line, "libvkvm");
        client |= in_source && strstr(line, "virNetClient");
    }
    if (from)
        fclose(from);
    return shared->libvirt < 10001000 && in_source && client && !ours;
}

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

void summary(void)
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
    for (int i = 0; options.why && i < FUNCTIONS; i++)
        if (is_not_successful(i))
            printf("#   %s: %s\n", functions[i].name, shared->reason[i]);
    printf("# seed %" PRIu64 ", %d rounds, %" PRIu64 " calls (%" PRIu64 " successful), %" PRIu64
           " callbacks, %" PRIu64 " forks, %.1f s\n", options.seed, rounds, calls, worked,
           (uint64_t)shared->callbacks, (uint64_t)shared->forks, (double)(now_ms() - run_begin) / 1000);
    printf("# %d of %d functions reached, %d were successful; %d failures\n", reached, FUNCTIONS,
           successful, failures);
    if (options.tap) {
        printf("%s 1 - no call of any function crashes, hangs, leaks or lies (seed %" PRIu64 ")\n",
               failures ? "not ok" : "ok", options.seed);
        printf("%s 2 - all functions are reached\n", reached == FUNCTIONS ? "ok" : "not ok");
        printf("1..2\n");
    }
}

