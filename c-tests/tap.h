/*
 * Test results in the format of TAP (testanything.org): one line per check,
 * at the end the number of checks. Nothing in here knows what is tested,
 * except the helpers below, which take a vkvm_error apart.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef TAP_H
#define TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vkvm.h>

static int tap_count;
static int tap_failures;

/* A line for who reads the run: on standard error, for prove keeps standard output to itself. */
__attribute__((format(printf, 1, 0)))
static inline void tell(const char *format, va_list arguments)
{
    char line[1000];
    vsnprintf(line, sizeof line, format, arguments);
    fflush(stdout);
    fprintf(stderr, "# %s\n", line); /* at once: others write there, too */
}

/* Says more about the check that came before. */
__attribute__((format(printf, 1, 2)))
static inline void diag(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(format, arguments);
    va_end(arguments);
}

/* One check. Returns whether it passed. */
__attribute__((format(printf, 2, 3)))
static inline bool ok(bool passed, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    flockfile(stdout); /* callbacks on another thread check things, too */
    __atomic_add_fetch(&tap_failures, !passed, __ATOMIC_SEQ_CST);
    printf("%s %d - ", passed ? "ok" : "not ok",
           __atomic_add_fetch(&tap_count, 1, __ATOMIC_SEQ_CST));
    char name[1000];
    vsnprintf(name, sizeof name, format, arguments);
    printf("%s\n", name);
    fflush(stdout); /* a crash, or a fork, finds nothing in the buffer */
    if (!passed)
        diag("failed: %s", name);
    funlockfile(stdout);
    va_end(arguments);
    return passed;
}

static inline bool is_int(int64_t got, int64_t wanted, const char *name)
{
    bool passed = ok(got == wanted, "%s", name);
    if (!passed)
        diag("got %" PRId64 ", not %" PRId64, got, wanted);
    return passed;
}

static inline bool is_str(const char *got, const char *wanted, const char *name)
{
    bool same = got && wanted ? strcmp(got, wanted) == 0 : got == wanted;
    bool passed = ok(same, "%s", name);
    if (!passed)
        diag("got '%s', not '%s'", got ? got : "(NULL)", wanted ? wanted : "(NULL)");
    return passed;
}

static inline bool has_text(const char *text, const char *part, const char *name)
{
    bool passed = ok(text && strstr(text, part), "%s", name);
    if (!passed)
        diag("there is no '%s' in '%s'", part, text ? text : "(NULL)");
    return passed;
}

/* A part of the program that cannot run here, and why. */
static inline void skip(const char *name, const char *reason)
{
    printf("ok %d - %s # SKIP %s\n", ++tap_count, name, reason);
    fflush(stdout);
}

/* Announces the number of checks; done() does it for those who cannot know. */
static inline void plan(int checks)
{
    printf("1..%d\n", checks);
    fflush(stdout);
}

/* The exit status of the program: `return done();`. */
static inline int done(void)
{
    plan(tap_count);
    if (tap_failures)
        diag("%d of %d checks failed", tap_failures, tap_count);
    return tap_failures ? 1 : 0;
}

/* Frees the error and makes the variable ready for the next call. */
static inline void forget(vkvm_error **error)
{
    vkvm_error_free(*error);
    *error = NULL;
}

/* Checks that a call returned 0. If not, its error is shown and freed. */
static inline bool works(int returned, vkvm_error **error, const char *name)
{
    bool passed = ok(returned == 0 && !*error, "%s", name);
    if (!passed)
        diag("returned %d: %s", returned,
             *error ? vkvm_error_message(*error) : "(without an error)");
    forget(error);
    return passed;
}

/*
 * Checks that a call failed with this code, and blamed this parameter (NULL:
 * none). The error is freed.
 */
static inline bool fails(int returned, vkvm_error **error, int code,
                         const char *parameter, const char *name)
{
    int got_code = *error ? vkvm_error_code(*error) : 0;
    const char *got = *error ? vkvm_error_parameter(*error) : NULL;
    bool blamed = got && parameter ? strcmp(got, parameter) == 0 : got == parameter;
    bool passed = ok(returned == -1 && got_code == code && blamed, "%s", name);
    if (!passed)
        diag("returned %d, code %d (not %d), parameter %s (not %s): %s", returned,
             got_code, code, got ? got : "none", parameter ? parameter : "none",
             *error ? vkvm_error_message(*error) : "(without an error)");
    forget(error);
    return passed;
}

/* For what the rest of the program is built on: without it, it ends. */
static inline void end_unless(bool worked, vkvm_error *error, const char *name)
{
    if (worked)
        return;
    printf("Bail out! %s: %s\n", name,
           error ? vkvm_error_message(error) : "(without an error)");
    exit(1);
}

/* A function would take the error as it is before or after the call, as the compiler
   likes. */
#define must(call, error, name)            \
    do {                                   \
        bool worked_ = (call) == 0;        \
        end_unless(worked_, error, name);  \
    } while (0)

#endif
