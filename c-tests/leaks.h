/*
 * How leaks are looked for: a call is made again and again, after which the
 * process must not have grown. Slow calls stop after a second; the line of
 * each tells how often it was made.
 *
 * VKVM_REPEAT is how often (100000).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef LEAKS_H
#define LEAKS_H

#include <unistd.h>

#include "common.h"

/* Growth that is none: the allocator's own ups and downs. What is more is measured again,
   for these and the kernel's, which may give a process more pages at once, come and go; a
   leak is there each time. */
enum { TOLERANCE_KIB = 1024, ATTEMPTS = 3 };

/* How long one kind of call may take, and its warm-up. */
static const double longest = 1.0, longest_warm_up = 0.25;

static vkvm_error *err;
static long unexpected; /* calls that failed, or did not where they should */

/* A call that should work. */
static inline void good(int returned)
{
    if (returned == 0)
        return;
    if (unexpected++ == 0)
        diag("%s", err ? vkvm_error_message(err) : "failed without an error");
    forget(&err);
}

/* A call that should fail. */
static inline void bad(int returned)
{
    if (returned == 0 || !err)
        unexpected++;
    forget(&err);
}

/* Returns how often the call was made. */
static inline long repeat(void (*call)(void), long times, double seconds)
{
    long made = 0;
    for (double end = now() + seconds; made < times && now() < end; made++)
        call();
    return made;
}

static inline void measure(void (*call)(void), const char *name)
{
    const char *wanted = getenv("VKVM_REPEAT");
    long times = wanted ? atol(wanted) : 100000;
    bool weigh = !getenv("VKVM_UNDER_VALGRIND"); /* which counts better itself */
    repeat(call, times / 10, longest_warm_up);
    long growth = 0, made = 0;
    for (int i = 0; i < ATTEMPTS && (i == 0 || (weigh && growth > TOLERANCE_KIB)); i++) {
        long before = resident_kib();
        made = repeat(call, times, longest);
        growth = resident_kib() - before;
    }
    ok((growth <= TOLERANCE_KIB || !weigh) && unexpected == 0, "%s: %ld times, %+ld KiB", name,
       made, growth);
    unexpected = 0;
}

/* Without this a scale that is stuck would pass for a library without leaks. */
static inline void check_scale(void)
{
    const size_t size = 4 << 20;
    long before = resident_kib();
    char *leak = malloc(size);
    must(leak ? 0 : -1, NULL, "malloc");
    memset(leak, 1, size);
    ok(resident_kib() - before > TOLERANCE_KIB, "a leak of 4 MiB would be noticed");
    free(leak);
}

#endif
