/*
 * A round, in a process of its own: threads that call at random until they are told to
 * stop; then all that there is ends, and nothing may be left.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "fuzz.h"

enum { STUCK_MS = 3000, SETTLE_MS = 8000 };

static void *thread(void *number)
{
    seed_chance(the_round.seed * 64 + (uint64_t)(uintptr_t)number + 1);
    struct chance *chance = my_chance();
    while (!shared->stop) {
        call_at_random(chance);
        turn_own_loop();
        if (once_in(chance, 3000))
            fork_at_random(chance);
    }
    return NULL;
}

/* A stream that waits for what never comes is the caller's business: libvirt has no time
   limit for it. So it is aborted, which must end the waiting. */
static _Atomic bool threads_are_over;

static void *rescuer(void *unused)
{
    while (!threads_are_over) {
        usleep(200000);
        for (int i = 0; i < SLOTS; i++) {
            struct slot *slot = &shared->slot[i];
            if (!slot->depth || slot->rescued || slot->process != getpid() ||
                now_ms() - slot->moved < STUCK_MS)
                continue;
            int function = atomic_load(&slot->function);
            if (strstr(functions[function].name, "vkvm_stream_")) {
                slot->rescued = true;
                vkvm_stream_abort(slot->object, NULL);
            }
        }
    }
    return unused;
}

static bool all_is_over(void)
{
    size_t count = 0;
    for (int class = 0; class < CLASSES; class++)
        if (vkvm_handle_count(class_names[class], &count, NULL) == 0 && count)
            return false;
    return !owed_tickets();
}

/* What ends from the loop gets the loop for a while. */
static void settle(void)
{
    int64_t deadline = now_ms() + SETTLE_MS;
    vkvm_error *error = NULL;
    vkvm_event_start(NULL); /* the library's thread may have been stopped; other loops refuse */
    while (!all_is_over() && now_ms() < deadline) {
        turn_own_loop();
        if (may_run_default() && vkvm_event_run_default(&error) < 0) {
            vkvm_error_free(error);
            error = NULL;
            usleep(2000);
        }
        end_all_handles(); /* callbacks may have made some */
    }
}

static void check_what_is_left(void)
{
    char handles[1500] = "", left[400];
    const char *owed = owed_tickets();
    for (int class = 0; class < CLASSES; class++) {
        size_t count = 0, length = strlen(handles);
        if (vkvm_handle_count(class_names[class], &count, NULL) != 0 || !count)
            continue;
        describe_left((enum class)class, left, sizeof left);
        snprintf(handles + length, sizeof handles - length, "%zu %s handles are left: %s", count,
                 class_names[class], left);
    }
    shared->late = true;
    if (*handles || owed)
        fail("%s%s", handles, owed ? owed : "");
}

static void end_round(void)
{
    end_all_handles();
    remove_timers();
    settle();
    check_what_is_left();
}

void run_round(void)
{
    pthread_t threads[64], helper;
    alarm(0);
    seed_chance(the_round.seed);
    vkvm_library_get_libvirt_version(&shared->libvirt, NULL);
    make_tickets(call_at_random, fork_at_random);
    make_files();
    make_texts();
    make_commands();
    begin_loop();
    pthread_create(&helper, NULL, rescuer, NULL);
    for (int i = 0; i < the_round.threads; i++)
        pthread_create(&threads[i], NULL, thread, (void *)(uintptr_t)i);
    for (int i = 0; i < the_round.threads; i++)
        pthread_join(threads[i], NULL);
    threads_are_over = true;
    pthread_join(helper, NULL);
    end_round();
    _exit(0);
}
