/*
 * What a round leaves behind, in memory that it shares with the process that watches:
 * the last calls of each thread, and counts.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <execinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"

struct shared *shared;

static _Thread_local struct slot *mine;

int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void make_shared(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("fuzz: shared memory");
        exit(2);
    }
}

/* The counts stay: they are of all rounds. */
void clear_trace(void)
{
    shared->stop = false;
    shared->slots = 0;
    shared->crashed = 0;
    shared->crashing = false;
    shared->late = false;
    shared->failure[0] = '\0';
    memset(shared->slot, 0, sizeof shared->slot);
}

struct slot *my_slot(void)
{
    if (!mine) {
        /* Threads and children come and go; the last slot is shared by those that are too many. */
        int number = shared->slots++;
        mine = &shared->slot[number < SLOTS ? number : SLOTS - 1];
        mine->process = getpid();
        mine->thread = (pid_t)syscall(SYS_gettid);
        mine->moved = now_ms();
    }
    return mine;
}

void forget_slot(void)
{
    mine = NULL;
}

static void print_call(FILE *to, const struct call_record *call)
{
    const struct function *function = &functions[call->function];
    fprintf(to, "    %*s%s(", 2 * call->depth, "", function->name);
    for (int i = 0; i < function->count; i++) {
        fprintf(to, "%s%s=", i ? ", " : "", function->params[i].name);
        if (call->texts[i][0])
            fputs(call->texts[i], to);
        else
            fprintf(to, call->words[i] > 9 ? "0x%" PRIx64 : "%" PRIu64, call->words[i]);
    }
    if (call->over)
        fprintf(to, ") = %" PRId64 "\n", call->returned);
    else
        fprintf(to, ") ...\n");
}

/* The records of calls that are not over yet may be older than a ring is long. */
void print_trace(FILE *to)
{
    int count = shared->slots < SLOTS ? shared->slots : SLOTS;
    for (int s = 0; s < count; s++) {
        struct slot *slot = &shared->slot[s];
        uint64_t calls = slot->calls;
        if (now_ms() - slot->moved > 120000 && !slot->depth)
            continue;
        fprintf(to, "  thread %d of process %d, %" PRIu64 " calls, in %d, moved %" PRId64 " ms ago:\n",
                slot->thread, slot->process, calls, slot->depth, now_ms() - slot->moved);
        for (uint64_t i = calls > RING ? calls - RING : 0; i < calls; i++)
            print_call(to, &slot->ring[i % RING]);
    }
}

/* --- crashes --------------------------------------------------------------------------------- */

/* Waits to be looked at and ended: nothing in here goes on. */
static void on_crash(int signal)
{
    if (!atomic_exchange(&shared->crashing, true)) {
        void *frames[60];
        int none = 0;
        shared->signal = signal;
        dprintf(2, "process %d, thread %d: signal %d\n", getpid(), (int)syscall(SYS_gettid), signal);
        backtrace_symbols_fd(frames, backtrace(frames, 60), 2);
        atomic_compare_exchange_strong(&shared->crashed, &none, getpid());
    }
    for (;;)
        pause();
}

/* A thread's stack may be what has run out. */
static void own_stack(void)
{
    stack_t stack = { .ss_size = 1 << 16 };
    stack.ss_sp = malloc(stack.ss_size);
    if (stack.ss_sp)
        sigaltstack(&stack, NULL);
}

/* A sanitizer reports most by itself. */
void catch_crashes(bool sanitized)
{
    static const int signals[] = { SIGABRT, SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
    void *frame;
    backtrace(&frame, 1); /* loads what it needs */
    if (!sanitized)
        own_stack();
    for (size_t i = 0; i < (sanitized ? 2 : sizeof signals / sizeof *signals); i++)
        sigaction(signals[i], &action, NULL);
}

/* What is not as the header promises. */
void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!shared->failure[0])
        vsnprintf(shared->failure, sizeof shared->failure, format, arguments);
    va_end(arguments);
    abort();
}

/* --- chance ---------------------------------------------------------------------------------- */

static _Thread_local struct chance my_own;
static _Atomic uint64_t others;

/* splitmix64 */
uint64_t any_number(struct chance *chance)
{
    uint64_t z = chance->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void seed_chance(uint64_t seed)
{
    my_own.state = seed;
}

/* A thread of the library's own that calls back gets a seed, too. */
struct chance *my_chance(void)
{
    if (!my_own.state)
        my_own.state = the_round.seed + 0x1000 + ++others;
    return &my_own;
}
