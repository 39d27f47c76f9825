/*
 * One call at random, and what must be true of each: it returns 0, or -1 with an error;
 * on failure no output is touched, on success the error is not; what is returned is what
 * the header says.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

enum { DEEPEST = 3, CHILD_CALLS = 40, CHILD_SECONDS = 20, TRIES = 6 };

static _Atomic uint64_t succeeded_here[FUNCTIONS]; /* in this round */

int function_named(const char *name)
{
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(functions[i].name, name) == 0)
            return i;
    return -1;
}

/* --- the record ---------------------------------------------------------------------------------- */

static void quote(char *to, const char *text)
{
    size_t at = 0;
    to[at++] = '"';
    for (; *text && at < SHOWN - 5; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= ' ' && c != '"' && c < 0x7F)
            to[at++] = (char)c;
        else
            at += (size_t)snprintf(to + at, 5, "\\x%02x", c);
    }
    strcpy(to + at, *text ? "..." : "\"");
}

static struct call_record *record(struct slot *slot, int number, const struct arguments *a)
{
    const struct function *function = &functions[number];
    struct call_record *call = &slot->ring[slot->calls % RING];
    call->function = number;
    call->depth = call_depth;
    call->over = false;
    for (int i = 0; i < function->count; i++) {
        call->words[i] = a->words[i].integer;
        call->texts[i][0] = '\0';
        if (function->params[i].shape == STRING && a->words[i].pointer)
            quote(call->texts[i], a->words[i].pointer);
    }
    slot->function = number;
    slot->object = function->count ? a->words[0].pointer : NULL;
    slot->moved = now_ms();
    slot->calls++;
    slot->depth++;
    return call;
}

/* --- what came of it ------------------------------------------------------------------------------- */

static bool is_untouched(const unsigned char *output)
{
    for (size_t i = 0; i < 16; i++)
        if (output[i] != 0xA5)
            return false;
    return true;
}

/* The one at a path of a value may be of any class. */
static void take_handle(const struct function *function, const struct parameter *p, void *handle,
                        void *origin)
{
    const char *name = vkvm_handle_class_name(handle);
    if (p->class == CLASSES) {
        add_any_handle(handle, origin);
        return;
    }
    /* Others, and a daemon that is killed, may have ended it meanwhile. */
    if (name && strcmp(name, class_names[p->class]) != 0)
        fail("%s returned a %s as its %s", function->name, name, p->name);
    add_handle(p->class, handle, origin);
    if (p->class == CLASS_VALUE)
        note_value(function, handle);
    if (once_in(my_chance(), 3))
        focus_on(p->class, handle);
}

static void take_output(const struct function *function, int i, struct arguments *a)
{
    const struct parameter *p = &function->params[i];
    void *pointer = NULL;
    uint64_t length = 0;
    if (!a->words[i].pointer || p->shape < OUT_HANDLE || p->shape == OUT_NUMBER || p->shape == OUT_LENGTH)
        return;
    memcpy(&pointer, a->outputs[i], sizeof pointer);
    if (i + 1 < function->count && function->params[i + 1].shape == OUT_LENGTH)
        memcpy(&length, a->outputs[i + 1], sizeof length);
    if (!pointer)
        return;
    switch (p->shape) {
    case OUT_HANDLE: case OUT_ANY_HANDLE:
        take_handle(function, p, pointer, a->origin);
        return;
    case OUT_HANDLE_LIST:
        for (uint64_t j = 0; j < length; j++) {
            vkvm_handle_ref(((void **)pointer)[j]);
            take_handle(function, p, ((void **)pointer)[j], a->origin);
        }
        break;
    case OUT_STRING:
        learn(p->topic, pointer, strlen(pointer));
        break;
    case OUT_BYTES:
        learn(p->topic, pointer, length);
        break;
    case OUT_STRING_LIST:
        for (uint64_t j = 0; j < length && j < 16; j++)
            learn(p->topic, ((char **)pointer)[j], strlen(((char **)pointer)[j]));
        break;
    default:
        break;
    }
    if (p->release)
        p->release(pointer, length);
}

/* Descriptors that the caller owns. */
static void close_outputs(const struct function *function, struct arguments *a)
{
    int fd;
    if (strcmp(function->name, "vkvm_domain_open_graphics_fd") != 0)
        return;
    memcpy(&fd, a->outputs[2], sizeof fd);
    close(fd);
}

static void succeeded(const struct function *function, struct arguments *a)
{
    int number = -1;
    for (int i = 0; i < function->count; i++) {
        if (strcmp(function->params[i].name, "callback_id") == 0 ||
            strcmp(function->params[i].name, "watch") == 0 ||
            strcmp(function->params[i].name, "timer") == 0)
            if (function->params[i].shape == OUT_NUMBER)
                memcpy(&number, a->outputs[i], sizeof number);
        take_output(function, i, a);
        /* A stream that is open now is there to be used. */
        if (i > 0 && function->params[i].shape == HANDLE && function->params[i].class == CLASS_STREAM)
            focus_on(CLASS_STREAM, a->words[i].pointer);
    }
    close_outputs(function, a);
    if (a->ticket)
        note_registration(a->ticket, number);
    /* A queue's registration is one of the connection's, too. */
    if (number >= 0)
        note_number(function, number, a->words[strstr(function->name, "queue") ? 1 : 0].pointer);
    shared->succeeded[function - functions]++;
    succeeded_here[function - functions]++;
}

static void take_error(const struct function *function, vkvm_error *error, bool right,
                       struct chance *chance)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (right && pthread_mutex_trylock(&lock) == 0) {
        char *reason = shared->reason[function - functions];
        snprintf(reason, sizeof shared->reason[0], "%s", vkvm_error_message(error));
        pthread_mutex_unlock(&lock);
    }
    if (vkvm_error_code(error) == VKVM_ERROR_OWN_INTERNAL)
        fail("%s: %s", function->name, vkvm_error_message(error));
    if (the_round.threads == 1 && !vkvm_error_message(error)[0])
        fail("%s failed without a message", function->name);
    if (once_in(chance, 32))
        add_handle(CLASS_ERROR, error, NULL);
    else
        vkvm_error_free(error);
}

/* A pointer that it returns is a handle, with one more hold, or a borrowed text. */
static void take_direct(const struct function *function, int64_t returned, struct arguments *a)
{
    if (function->returns == HELD && returned) {
        add_any_handle((void *)(intptr_t)returned, a->origin);
    } else if (function->returns == TEXT && returned && the_round.threads == 1 && !is_forked_child) {
        /* Another thread might free the error meanwhile. */
        if (strlen((const char *)(intptr_t)returned) > 1 << 20)
            fail("%s returned a text without an end", function->name);
    }
    /* What is returned may well be 0, or NULL for a text that there is not. */
    if (function->returns == HELD ? returned != 0 : a->right)
        succeeded(function, a);
}

static void check(const struct function *function, int64_t returned, struct arguments *a,
                  vkvm_error *error, bool wants_error, struct chance *chance)
{
    vkvm_error *const sentinel = (vkvm_error *)0x5A5A;
    if (function->returns != STATUS) {
        take_direct(function, returned, a);
        return;
    }
    if (returned != 0 && returned != -1)
        fail("%s returned %" PRId64, function->name, returned);
    if (returned == 0) {
        if (wants_error && error != sentinel)
            fail("%s succeeded and touched its error", function->name);
        succeeded(function, a);
        return;
    }
    if (wants_error && (error == sentinel || !error))
        fail("%s failed without an error", function->name);
    if (wants_error)
        take_error(function, error, a->right, chance);
    for (int i = 0; i < function->count; i++)
        if (!is_untouched(a->outputs[i]))
            fail("%s failed and touched its output %s", function->name, function->params[i].name);
}

void call_function(struct chance *chance, int number)
{
    const struct function *function = &functions[number];
    struct arguments a;
    struct slot *slot = my_slot();
    vkvm_error *error = (vkvm_error *)0x5A5A;
    bool wants_error = !once_in(chance, 4);
    if (strcmp(function->name, "vkvm_event_run_default") == 0 && !may_run_default())
        return;
    choose_arguments(chance, function, focus.class, focus.left > 0 ? focus.handle : NULL, &a);
    focus.left--;
    struct call_record *call = record(slot, number, &a);
    call_depth++;
    int64_t returned = function->call(a.words, wants_error ? &error : NULL);
    call_depth--;
    call->returned = returned;
    call->over = true;
    slot->depth--;
    slot->moved = now_ms();
    slot->rescued = false;
    shared->called[number]++;
    check(function, returned, &a, error, wants_error, chance);
    if (function->count && (function->params[0].shape == GIVEN_HANDLE ||
                            function->params[0].shape == GIVEN_ANY_HANDLE ||
                            strcmp(function->name, "vkvm_conn_close") == 0))
        check_ended(a.words[0].pointer);
    free(a.buffer);
}

/* --- which function ---------------------------------------------------------------------------------- */

static bool is_skipped(const char *name)
{
    char word[100];
    snprintf(word, sizeof word, ",%s,", name);
    return strstr(the_round.skip, word) != NULL;
}

/* A visitor must not change the value, the header says: that would wait for itself. */
static bool is_forbidden(const struct function *function)
{
    static const char *const changes[] = { "vkvm_value_set", "vkvm_value_append", "vkvm_value_put",
                                           "vkvm_value_remove" };
    for (size_t i = 0; visiting && i < sizeof changes / sizeof *changes; i++)
        if (strncmp(function->name, changes[i], strlen(changes[i])) == 0)
            return true;
    return false;
}

static void call_unless_skipped(struct chance *chance, int number)
{
    if (!is_skipped(functions[number].name) && !is_forbidden(&functions[number]))
        call_function(chance, number);
}

static bool makes(const struct function *function, enum class class)
{
    for (int i = 0; i < function->count; i++) {
        enum shape shape = function->params[i].shape;
        if ((shape == OUT_HANDLE || shape == OUT_HANDLE_LIST) && function->params[i].class == class)
            return true;
    }
    return false;
}

static int some_function(struct chance *chance)
{
    uint64_t how = below(chance, 16);
    int number = (int)below(chance, FUNCTIONS);
    /* One of the class that is looked at, or one that has not worked yet. */
    for (int i = 0; i < FUNCTIONS && how < 8 && focus.left > 0; i++) {
        if (functions[number].class == focus.class)
            return number;
        number = (number + 1) % FUNCTIONS;
    }
    for (int i = 0; i < FUNCTIONS && how == 8; i++) {
        if (!succeeded_here[number])
            return number;
        number = (number + 1) % FUNCTIONS;
    }
    return number;
}

/* A handle of each class, for most functions need one; and what is on, for many need that. */
static void make_some(struct chance *chance)
{
    static const char *const openers[] = { "vkvm_conn_open", "vkvm_host_new", "vkvm_value_from_json" };
    static const enum class of[] = { CLASS_CONN, CLASS_HOST, CLASS_VALUE };
    static const char *const starters[] = { "vkvm_domain_create", "vkvm_network_create",
                                            "vkvm_storage_pool_create" };
    if (once_in(chance, 8)) {
        call_function(chance, function_named(starters[below(chance, 3)]));
        return;
    }
    enum class class = once_in(chance, 3) ? CLASS_CONN : (enum class)below(chance, CLASSES);
    if (live_count(class) >= 3 && !once_in(chance, 4))
        return;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        if (class == of[i]) {
            call_function(chance, function_named(openers[i]));
            return;
        }
    }
    int number = (int)below(chance, FUNCTIONS);
    for (int i = 0; i < FUNCTIONS; i++, number = (number + 1) % FUNCTIONS) {
        if (makes(&functions[number], class)) {
            call_unless_skipped(chance, number);
            return;
        }
    }
}

/* With other arguments each time, until it works; not without the handle that it is for. */
static void insist(struct chance *chance, int number)
{
    const struct parameter *first = functions[number].params;
    int tries = functions[number].count && first->class != CLASSES && !live_count(first->class) ? 1 : TRIES;
    for (; tries && !succeeded_here[number] && !shared->stop; tries--)
        call_unless_skipped(chance, number);
}

void call_at_random(struct chance *chance)
{
    if (call_depth >= DEEPEST)
        return;
    if (once_in(chance, 8))
        make_some(chance);
    int number = some_function(chance);
    if (once_in(chance, 16))
        insist(chance, number);
    else
        call_unless_skipped(chance, number);
    if (once_in(chance, 24)) {
        enum class class = (enum class)below(chance, CLASSES);
        focus_on(class, live_handle(chance, class, NULL));
    }
}

/* --- fork -------------------------------------------------------------------------------------------- */

static void be_child(struct chance *chance)
{
    is_forked_child = true;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* one that hangs ends with its round */
    forget_slot();
    loop_after_fork();
    for (int i = 0; i < CHILD_CALLS && !shared->stop; i++)
        call_at_random(chance);
    _exit(0);
}

/* A lock of this program's that another thread has would stay locked in the child. */
static void lock_all(bool locked)
{
    lock_pool(locked);
    lock_texts(locked);
    lock_loop(locked);
}

/* A child uses all that it has inherited, and ends; a signal that ends it, and one that
   does not end, are failures. */
void fork_at_random(struct chance *chance)
{
    int status = 0;
    if (is_forked_child || the_round.no_fork)
        return;
    uint64_t seed = any_number(chance);
    lock_all(true);
    pid_t child = fork();
    lock_all(false);
    if (child == 0) {
        call_depth = 0;
        be_child(&(struct chance){ seed });
    }
    if (child < 0)
        return;
    shared->forks++;
    int64_t deadline = now_ms() + CHILD_SECONDS * 1000;
    pid_t ended = 0;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && now_ms() < deadline) {
        my_slot()->moved = now_ms();
        usleep(1000);
    }
    if (ended == 0) {
        int none = 0;
        snprintf(shared->failure, sizeof shared->failure, "a forked child hangs");
        shared->late = true;
        atomic_compare_exchange_strong(&shared->crashed, &none, child);
        shared->signal = 0;
        for (;;)
            pause();
    }
    /* A child that crashes waits to be looked at, so that this is one that ended by itself. */
    if (ended == child && status != 0)
        fail("a forked child ended with status %d, signal %d", WEXITSTATUS(status),
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}
