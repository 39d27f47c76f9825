/*
 * Values and errors in children of a process whose other threads are in calls with
 * them at the moment of the fork: no child waits for a thread that it does not have, and
 * none finds a value half changed.
 *
 * tests: fork_values fork_values.memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define VALUES 4

static vkvm_value *values[VALUES];
static vkvm_error *failure;
static int over;

static bool is_over(void)
{
    return __atomic_load_n(&over, __ATOMIC_SEQ_CST) != 0;
}

/* --- a visitor that does nothing, slowly --------------------------------------------- */

static void nothing(void *u) { (void)u; }
static void boolean(void *u, bool v) { (void)u, (void)v; }
static void int64(void *u, int64_t v) { (void)u, (void)v; }
static void uint64(void *u, uint64_t v) { (void)u, (void)v; }
static void real(void *u, double v) { (void)u, (void)v; }
static void text(void *u, const char *t, size_t n) { (void)u, (void)t, (void)n; }
static void bytes(void *u, const uint8_t *d, size_t n) { (void)u, (void)d, (void)n; }
static void handle(void *u, void *h, const char *c, size_t n) { (void)u, (void)h, (void)c, (void)n; }
static void many(void *u, size_t n) { (void)u, (void)n; }

/* Looks at the value that it is shown: a reader reads again. */
static void again(void *value, const char *key, size_t len)
{
    size_t count = 0;
    (void)key, (void)len;
    if (vkvm_value_get_length(value, "", &count, NULL) == 0)
        sched_yield();
}

static const vkvm_value_visitor visitor = {
    .null = nothing, .boolean = boolean, .int64 = int64, .uint64 = uint64, .real = real,
    .string = text, .bytes = bytes, .handle = handle, .list = many, .map = many, .key = again,
    .end = nothing,
};

/* --- the busy threads ------------------------------------------------------------------ */

static void *works_with_values(void *argument)
{
    uintptr_t me = (uintptr_t)argument;
    for (unsigned i = 0; !is_over(); i++) {
        vkvm_value *value = values[i / 16 % VALUES], *other = NULL;
        char key[40], *json = NULL;
        snprintf(key, sizeof key, "key %u", i % 50);
        switch (me) {
        case 0:
        case 1:
            vkvm_value_set_string(value, key, "some text that is not short", NULL);
            break;
        case 2: vkvm_value_remove(value, key, NULL); break;
        case 3:
            if (vkvm_value_to_json(value, 0, &json, NULL) == 0)
                vkvm_string_free(json);
            break;
        case 4: vkvm_value_visit(value, NULL, &visitor, value, NULL); break;
        default:
            if (vkvm_value_get(value, "", &other, NULL) == 0)
                vkvm_value_free(other);
            vkvm_error_free(vkvm_error_ref(failure));
        }
        if (i % 64 == 0)
            usleep(100); /* the children need a processor, too */
    }
    return NULL;
}

/* --- the children -------------------------------------------------------------------------- */

#define expect(condition) \
    do { \
        if (!(condition)) \
            _exit(__LINE__ % 250 + 1); \
    } while (0)

static void child(void)
{
    alarm(PATIENCE); /* who hangs is ended, and noticed */
    for (int i = 0; i < VALUES; i++) {
        vkvm_value *copy = NULL, *parsed = NULL;
        char *json = NULL;
        bool equal = false;
        expect(vkvm_value_get(values[i], "", &copy, NULL) == 0);
        expect(vkvm_value_to_json(values[i], 0, &json, NULL) == 0);
        expect(vkvm_value_from_json(json, &parsed, NULL) == 0);
        expect(vkvm_value_equal(copy, parsed, &equal, NULL) == 0 && equal);
        expect(vkvm_value_set_int64(values[i], "child", 1, NULL) == 0);
        expect(vkvm_value_visit(values[i], NULL, &visitor, values[i], NULL) == 0);
        expect(vkvm_value_remove(values[i], "child", NULL) == 0);
        vkvm_string_free(json);
        vkvm_value_free(copy);
        vkvm_value_free(parsed);
        vkvm_value_free(values[i]);
    }
    expect(vkvm_error_message(failure)[0] != '\0');
    vkvm_error_free(failure);
    _exit(0);
}

static void forks(int count)
{
    int hung = 0, wrong = 0;
    for (int i = 0; i < count && hung + wrong < 10; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            child();
        must(pid < 0, NULL, "fork");
        waitpid(pid, &status, 0);
        hung += WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        if (status != 0 && wrong++ == 0)
            diag("a child ended with status %d, signal %d", WEXITSTATUS(status),
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
    is_int(hung, 0, "no child of a fork hangs");
    is_int(wrong, 0, "each works with the values and errors of its parent");
}

/* --- a visitor that forks, or changes what it is shown --------------------------------------- */

static int changed, forked;
static vkvm_error *refusal;

static void forks_and_changes(void *value, const char *text, size_t len)
{
    int status = -1;
    (void)text, (void)len;
    pid_t pid = fork();
    if (pid == 0) {
        char *json = NULL;
        alarm(PATIENCE);
        expect(vkvm_value_to_json(value, 0, &json, NULL) == 0);
        expect(vkvm_value_set_int64(value, "a", 2, NULL) == -1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    forked = status == 0;
    changed = vkvm_value_set_int64(value, "a", 2, &refusal);
}

/* --- a visitor that takes longer than a fork waits for calls ---------------------------------- */

static int in_visitor, leave;

static void stays(void *value, const char *text, size_t len)
{
    (void)value, (void)text, (void)len;
    __atomic_store_n(&in_visitor, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&leave, __ATOMIC_SEQ_CST))
        usleep(1000);
}

static void *visits(void *value)
{
    vkvm_value_visitor visitor_that_stays = visitor;
    visitor_that_stays.string = stays;
    vkvm_value_visit(value, NULL, &visitor_that_stays, value, NULL);
    return NULL;
}

static void long_visits(void)
{
    vkvm_value *value = NULL;
    pthread_t thread;
    int status = -1;
    must(vkvm_value_from_json("{\"a\":\"b\"}", &value, NULL), NULL, "a value");
    pthread_create(&thread, NULL, visits, value);
    while (!__atomic_load_n(&in_visitor, __ATOMIC_SEQ_CST))
        usleep(1000);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(PATIENCE);
        expect(vkvm_value_set_int64(value, "a", 2, NULL) == 0);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    is_int(status, 0, "a child changes a value that another thread was being shown");
    __atomic_store_n(&leave, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    vkvm_value_free(value);
}

static void visitors(void)
{
    vkvm_value *value = NULL;
    vkvm_error *err = NULL;
    vkvm_value_visitor forker = visitor;
    forker.string = forks_and_changes;
    must(vkvm_value_from_json("{\"a\":\"b\"}", &value, &err), err, "a value");
    alarm(PATIENCE);
    works(vkvm_value_visit(value, NULL, &forker, value, &err), &err, "a visitor that forks");
    alarm(0);
    ok(forked, "its child reads the value that it is shown");
    fails(changed, &refusal, VKVM_ERROR_OWN_INVALID, "value",
          "a visitor that changes what it is shown gets an error, and does not hang");
    works(vkvm_value_set_int64(value, "a", 3, &err), &err, "after it the value can be changed");
    is_int(int_at(value, "a"), 3, "and is");
    vkvm_value_free(value);
}

int main(void)
{
    pthread_t threads[6];
    vkvm_error *err = NULL;
    for (int i = 0; i < VALUES; i++)
        must(vkvm_value_new_map(&values[i], &err), err, "a value");
    vkvm_conn_open("no such:///", 0, &(vkvm_conn *){ NULL }, &failure);
    visitors();
    long_visits();
    for (uintptr_t i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, works_with_values, (void *)i);
    /* A fork copies the tables of all addresses, of which the sanitizer takes terabytes. */
    bool is_slow = getenv("VKVM_UNDER_VALGRIND") || getenv("VKVM_UNDER_SANITIZER");
    forks(is_slow ? 20 : 1000);
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < VALUES; i++) {
        char *json = NULL;
        works(vkvm_value_to_json(values[i], 0, &json, &err), &err, "the parent's value is whole");
        vkvm_string_free(json);
        vkvm_value_free(values[i]);
    }
    vkvm_error_free(failure);
    no_handles_left();
    return done();
}
