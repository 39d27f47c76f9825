/*
 * What the run is to do, what its round does, and what a thread of it does.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fuzz.h"

const char *const loop_names[LOOPS] = { "chance", "default", "thread", "own" };
const char *const target_names[TARGETS] = { "local", "daemon", "qemu" };

struct options options = {
    .seconds = 60, .round_seconds = 5, .only_round = -1, .loop = -1, .target = -1,
    .most_failures = 20, .hang = 60, .skip = "",
};

int rounds, failures;
int64_t run_begin, run_end;

struct round the_round;

_Thread_local int call_depth;
_Thread_local struct focus focus;
bool is_forked_child;

const char *uri_of_round(void)
{
    return the_round.target == TARGET_QEMU     ? the_round.qemu
           : the_round.target == TARGET_DAEMON ? the_round.daemon
                                               : "test:///default";
}

void focus_on(enum class class, void *handle)
{
    focus = (struct focus){ class, handle, 12 };
}
