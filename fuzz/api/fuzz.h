/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fuzzer of the C API: calls all functions at random, in rounds. Each round is a
 * process of its own, which this one watches.
 *
 *   main.c       options, rounds, watching
 *   daemons.c    the daemons that rounds use
 *   report.c     what is told of a failure, and in the end
 *   trace.c      what a round leaves behind: its last calls, and counts
 *   round.c      a round: its threads, its end and what must be true then
 *   call.c       one call at random, and what must be true of each
 *   arguments.c  what a parameter gets
 *   texts.c      texts, documents and bytes
 *   values.c     values, and the commands of the host facade
 *   callbacks.c  callbacks that call back, and their destroy notifies
 *   pool.c       the handles that there are, and some that there were
 *   loop.c       event loops
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef FUZZ_H
#define FUZZ_H

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include <vkvm.h>

#include "sizes.h" /* generated: classes, and how many functions and topics there are */

/* --- the table of functions, which is generated --------------------------------------- */

enum { MOST_PARAMETERS = 20, MOST_LIST = 4 };

union word {
    void *pointer;
    void (*function)(void);
    uint64_t integer;
    double real;
};

/* What a parameter is. LENGTH is that of the parameter before it. What is GIVEN ends with
   the call. */
enum shape {
    HANDLE, ANY_HANDLE, HANDLE_LIST, STRING, STRING_LIST, BYTES, BUFFER, INT_LIST,
    GIVEN_HANDLE, GIVEN_ANY_HANDLE, GIVEN_HANDLE_LIST, GIVEN_STRING, GIVEN_STRING_LIST,
    GIVEN_BYTES, GIVEN_INT_LIST,
    INT, UINT, INT64, UINT64, SIZE, DOUBLE, LENGTH,
    CALLBACK, USERDATA, VISITOR, FUNCTIONS_OF_LOOP,
    OUT_HANDLE, OUT_ANY_HANDLE, OUT_HANDLE_LIST, OUT_STRING, OUT_STRING_LIST, OUT_BYTES,
    OUT_INT_LIST, OUT_NUMBER, OUT_LENGTH
};

enum returns { STATUS, NOTHING, HELD, TEXT, NUMBER };

struct parameter {
    const char *name;
    enum shape shape;
    enum class class;
    bool nullable;
    int topic; /* of texts and bytes, otherwise -1 */
    void (*release)(void *thing, size_t length); /* of outputs */
    int size;  /* of numbers that are outputs */
};

struct function {
    const char *name;
    int64_t (*call)(union word *arguments, vkvm_error **error);
    const struct parameter *params;
    int count;
    enum returns returns;
    enum class class;
    int getter; /* the function that returns what this one sets, or -1 */
};

extern const struct function functions[FUNCTIONS];
extern const char *const class_names[CLASSES];
extern const char *const topic_names[TOPICS];

int function_named(const char *name); /* -1 if there is none */

/* --- what a round does ------------------------------------------------------------------ */

enum loop { LOOP_CHANCE, LOOP_DEFAULT, LOOP_THREAD, LOOP_OWN, LOOPS };
enum target { TARGET_LOCAL, TARGET_DAEMON, TARGET_QEMU, TARGETS };

struct round {
    uint64_t seed;
    int number, threads;
    enum loop loop;
    enum target target;
    const char *rich;   /* the file of a host for the test driver that has much */
    const char *daemon; /* URI of a daemon with the test driver */
    const char *qemu;   /* URI of a daemon with the QEMU driver */
    const char *scratch; /* a folder for files */
    const char *skip;   /* ",name,name," of functions that are not called */
    int hang;           /* seconds after which a call hangs */
    bool no_fork;
};

extern struct round the_round;
void run_round(void) __attribute__((noreturn));

/* --- state.c ------------------------------------------------------------------------------- */

struct options {
    uint64_t seed;
    int seconds, round_seconds, threads, only_round, loop, target, most_failures;
    const char *rich, *daemon, *restart, *qemu, *qemu_restart, *scratch, *out, *skip;
    int hang, qemu_pid;
    bool tap, no_fork, why;
};

extern struct options options;
extern int rounds, failures;
extern int64_t run_begin, run_end; /* on the clock of now_ms; when the last round has to end */
const char *uri_of_round(void); /* that of its daemon, or of the host in this process */
extern const char *const loop_names[LOOPS], *const target_names[TARGETS];

/* What the next calls of a thread are for. */
struct focus {
    enum class class;
    void *handle;
    int left;
};

extern _Thread_local struct focus focus;
void focus_on(enum class class, void *handle);
extern _Thread_local int call_depth;
extern bool is_forked_child;

/* --- report.c ---------------------------------------------------------------------------------- */

void report(const char *what, pid_t process, const char *errors);
void print_stacks(FILE *to, pid_t process, int seconds); /* in so many at most */
void summary(void);
bool is_libvirts_own(const char *errors); /* a crash, by the stack in a round's standard error */

/* --- daemons.c --------------------------------------------------------------------------------- */

pid_t begin_killing(void); /* the daemon with the test driver, all the time */
void end_killing(pid_t killer);
void begin_asking(void);   /* the daemon with the QEMU driver, whether it is there */
void end_asking(void);
bool qemu_has_failed(void); /* it has ended, or answered nobody for too long; to be called often */
bool qemu_still_answers(void); /* waits for it */
void go_on_without_qemu(void); /* or with a new one */

/* --- trace.c: memory that the rounds share with the process that watches -------------------- */

enum { SLOTS = 96, RING = 32, SHOWN = 40 };

struct call_record {
    int function, depth;
    bool over;
    int64_t returned;
    uint64_t words[MOST_PARAMETERS];
    char texts[MOST_PARAMETERS][SHOWN]; /* beginnings, quoted; "" where it is none */
};

/* A thread that makes calls, or the main thread of a forked child. */
struct slot {
    _Atomic pid_t process, thread;
    _Atomic uint64_t calls;
    _Atomic int64_t moved; /* when the last call began or ended, ms */
    _Atomic int depth;     /* how many calls it is in */
    _Atomic int function;  /* the last call, and its first argument, for another thread */
    void *_Atomic object;
    _Atomic bool rescued;  /* its stream has been aborted */
    struct call_record ring[RING];
};

struct shared {
    _Atomic bool stop;
    _Atomic int slots;
    struct slot slot[SLOTS];
    _Atomic int crashed; /* the process that waits to be looked at, or 0 */
    _Atomic bool crashing; /* one writes its stack */
    _Atomic int signal;  /* what ended it */
    char failure[2000];  /* what it says itself */
    _Atomic bool late;   /* that is about something which a daemon may hold up */
    uint64_t libvirt;    /* its version */
    char reason[FUNCTIONS][2 * SHOWN]; /* the last error of a call that had nothing wrong on purpose */
    _Atomic uint64_t called[FUNCTIONS], succeeded[FUNCTIONS], forks, callbacks;
};

extern struct shared *shared;
void make_shared(void);
void clear_trace(void);
struct slot *my_slot(void);
void forget_slot(void); /* in a forked child: it needs one of its own */
int64_t now_ms(void);
void print_trace(FILE *to);
void catch_crashes(bool sanitized);
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* --- chance --------------------------------------------------------------------------------- */

struct chance {
    uint64_t state;
};

uint64_t any_number(struct chance *chance);
static inline uint64_t below(struct chance *chance, uint64_t limit)
{
    return any_number(chance) % limit;
}
static inline bool once_in(struct chance *chance, uint64_t times)
{
    return below(chance, times) == 0;
}
/* Of the thread that asks. */
struct chance *my_chance(void);
void seed_chance(uint64_t seed);

/* --- pool.c --------------------------------------------------------------------------------- */

/* ORIGIN is a connection, or NULL. */
void add_handle(enum class class, void *handle, void *origin);
void add_any_handle(void *handle, void *origin); /* its class is asked for */
void *origin_of(enum class class, const void *handle);
void *live_handle(struct chance *chance, enum class class, const void *origin); /* NULL if there is none */
void *freed_handle(struct chance *chance);
void check_ended(void *handle);        /* it may have been freed: it is not live then */
void end_handle(void *handle);         /* gives up all holds */
void end_all_handles(void);
void note_given(void *handle); /* to a callback; what is added is noted anyway */
void describe_left(enum class class, char *text, size_t size); /* for a report; ends them */
int live_count(enum class class);
void lock_pool(bool locked); /* around a fork, as what follows of this name */

/* --- texts.c -------------------------------------------------------------------------------- */

struct text {
    const char *data;
    size_t length;
};

void make_texts(void);
/* Lives until the thread has asked for 512 more; always ends with a NUL. */
struct text some_text(struct chance *chance, int topic);
bool is_one_of(const char *name, const char *const *names); /* which end with NULL */
struct text some_bytes(struct chance *chance, int topic);
void learn(int topic, const char *data, size_t length);
void lock_texts(bool locked);
int topic_named(const char *name); /* of a parameter; -1 if there is none */

/* --- values.c ------------------------------------------------------------------------------- */

void make_commands(void);
void note_value(const struct function *function, void *value); /* which it has returned */
void *some_value(struct chance *chance, const struct function *function, const struct parameter *p);
const char *some_command(struct chance *chance);
void *some_command_arguments(struct chance *chance, const char *command);
const char *some_named(struct chance *chance, void **arguments);

/* --- callbacks.c ---------------------------------------------------------------------------- */

struct ticket {
    const struct function *function;
    void *object;                  /* the handle that it was registered with */
    _Atomic int destroyed, inside, calls;
    _Atomic bool accepted, has_destroy;
    _Atomic int number;            /* to deregister with; -1 if there is none */
};

/* With what callbacks do, among other things. */
void make_tickets(void (*call)(struct chance *), void (*fork)(struct chance *));
struct ticket *new_ticket(const struct function *function); /* NULL when all are used */
bool is_ticket(const void *userdata);
void (*callback_for(const char *parameter, const char *function, bool destroy))(void);
void destroy_ticket(void *userdata);
/* A number for a function that takes one, and the object that it is one of. */
int some_registration(struct chance *chance, const char *taker, void **object);
void note_number(const struct function *function, int number, void *object); /* that it has given */
void note_registration(struct ticket *ticket, int number); /* when it has succeeded */
const char *owed_tickets(void); /* which destroy notifies have yet to run; NULL if none has */
void remove_timers(void);
const vkvm_value_visitor *some_visitor(struct chance *chance);
extern _Thread_local int visiting; /* how many visitors the thread is in */

/* --- call.c --------------------------------------------------------------------------------- */

void call_at_random(struct chance *chance);
void call_function(struct chance *chance, int function);
void fork_at_random(struct chance *chance);

/* --- arguments.c ---------------------------------------------------------------------------- */

struct arguments {
    union word words[MOST_PARAMETERS];
    unsigned char outputs[MOST_PARAMETERS][16];
    void *list[MOST_PARAMETERS][MOST_LIST];
    int numbers[MOST_LIST];
    unsigned char *buffer;
    struct ticket *ticket;
    void *origin; /* the connection that the first handle belongs to */
    bool right; /* none is wrong on purpose */
};

void choose_arguments(struct chance *chance, const struct function *function,
                      enum class focus, void *focused, struct arguments *a);
bool is_excluded(const struct function *function);
void make_files(void); /* descriptors to be given */

/* --- loop.c --------------------------------------------------------------------------------- */

extern const vkvm_event_impl own_loop;
void turn_own_loop(void); /* nothing where there is none */
bool may_run_default(void); /* there is a timer that ends a turn */
int permanent_timer(void);
void begin_loop(void);
void loop_after_fork(void);
void lock_loop(bool locked);

#endif
