/*
 * The handles that there are, by class, and some that there were.
 *
 * Handles are numbers that the library checks: one that was freed meanwhile, by this
 * thread or another, is an argument like any other. So nothing here must be exact, but
 * that what leaves the pool ends: at the end of a round no handle may be left.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <pthread.h>

#include "fuzz.h"

/* Few connections, so that what functions are given mostly belongs to the same one. */
enum { POOL = 16, CONNECTIONS = 4, GRAVES = 64, GIVEN_BITS = 20 };

/* Most functions want handles of one connection: ORIGIN is that of the handle, or NULL. */
static struct {
    struct {
        void *handle, *origin;
    } all[POOL];
    int count;
} pools[CLASSES];

/* Those that callers and callbacks were given, each in a place that the next one may take;
   and the upper bits of a handle of each class. */
static void *_Atomic given[1 << GIVEN_BITS];
static _Atomic uint64_t tags[CLASSES];

static void *graves[GRAVES];
static unsigned buried;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void lock_pool(bool locked)
{
    (locked ? pthread_mutex_lock : pthread_mutex_unlock)(&lock);
}

/* With all its holds, those of others, too: they are only arguments. */
void end_handle(void *handle)
{
    for (int holds = 0; holds < 1000 && vkvm_handle_class_name(handle); holds++)
        vkvm_handle_free(handle);
}

/* A handle has its class in the upper 6 bits, its generation in the next 26, then its slot. */
static size_t place_of(uint64_t handle)
{
    return (size_t)(handle * 0x9E3779B97F4A7C15u >> (64 - GIVEN_BITS));
}

static void note(enum class class, void *handle)
{
    uint64_t number = (uint64_t)(uintptr_t)handle;
    given[place_of(number)] = handle;
    tags[class] = number >> 58;
}

/* Where it is from, and how often it is referenced: which ends it. */
static size_t describe(uint64_t number, char *text, size_t size)
{
    void *handle = (void *)(uintptr_t)number;
    bool was_given = given[place_of(number)] == handle;
    int holds = 0;
    for (; holds < 1000 && vkvm_handle_class_name(handle); holds++)
        vkvm_handle_free(handle);
    int length = snprintf(text, size, "0x%" PRIx64 " has %d references and was %s; ", number, holds,
                          was_given ? "given to a caller" : "probably given to nobody");
    return (size_t)length < size ? (size_t)length : size - 1;
}

/* Looks for live handles of a class, of which a caller was once given any. What is in use
   without a reference is not found. */
void describe_left(enum class class, char *text, size_t size)
{
    enum { MOST_SLOTS = 1 << 10, MOST_GENERATIONS = 1 << 13 };
    size_t length = 0;
    text[0] = '\0';
    for (uint64_t slot = 0; tags[class] && slot < MOST_SLOTS; slot++) {
        for (uint64_t generation = 0; generation < MOST_GENERATIONS; generation++) {
            uint64_t number = tags[class] << 58 | generation << 32 | slot;
            if (vkvm_handle_class_name((void *)(uintptr_t)number))
                length += describe(number, text + length, size - length);
        }
    }
    if (!length)
        snprintf(text, size, "no references are found, so it may be in use; ");
}

static void bury(void *handle)
{
    graves[buried++ % GRAVES] = handle;
}

/* Where all places are taken, one must go. */
void add_handle(enum class class, void *handle, void *origin)
{
    void *gone = NULL;
    if (!handle)
        return;
    note(class, handle);
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < pools[class].count && pools[class].all[i].handle != handle)
        i++;
    int room = class == CLASS_CONN ? CONNECTIONS : POOL;
    if (i == room) {
        i = (int)below(my_chance(), (uint64_t)room);
        gone = pools[class].all[i].handle;
        bury(gone);
    } else if (i == pools[class].count) {
        pools[class].count++;
    }
    pools[class].all[i].handle = handle;
    pools[class].all[i].origin = class == CLASS_CONN ? handle : origin;
    pthread_mutex_unlock(&lock);
    if (gone)
        end_handle(gone);
}

/* CLASSES when it is not live. */
static enum class class_of(void *handle)
{
    const char *name = vkvm_handle_class_name(handle);
    int class = 0;
    while (class < CLASSES && !(name && strcmp(name, class_names[class]) == 0))
        class++;
    return (enum class)class;
}

void add_any_handle(void *handle, void *origin)
{
    enum class class = class_of(handle);
    if (class < CLASSES)
        add_handle(class, handle, origin);
}

void note_given(void *handle)
{
    enum class class = class_of(handle);
    if (class < CLASSES)
        note(class, handle);
}

/* The class of a freed handle is not asked for: it may be in any pool. */
static void take_out(void *handle)
{
    pthread_mutex_lock(&lock);
    for (int class = 0; class < CLASSES; class++) {
        for (int i = 0; i < pools[class].count; i++) {
            if (pools[class].all[i].handle != handle)
                continue;
            pools[class].all[i] = pools[class].all[--pools[class].count];
            bury(handle);
        }
    }
    pthread_mutex_unlock(&lock);
}

void check_ended(void *handle)
{
    if (handle && !vkvm_handle_class_name(handle))
        take_out(handle);
}

void *origin_of(enum class class, const void *handle)
{
    void *origin = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; class < CLASSES && i < pools[class].count; i++)
        if (pools[class].all[i].handle == handle)
            origin = pools[class].all[i].origin;
    pthread_mutex_unlock(&lock);
    return origin;
}

/* One of that origin, where there is one. */
static void *some_of(struct chance *chance, enum class class, const void *origin)
{
    void *handle = NULL;
    pthread_mutex_lock(&lock);
    int count = pools[class].count, first = count ? (int)below(chance, (uint64_t)count) : 0;
    if (count)
        handle = pools[class].all[first].handle;
    for (int i = 0; origin && i < count; i++) {
        int at = (first + i) % count;
        if (pools[class].all[at].origin == origin) {
            handle = pools[class].all[at].handle;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return handle;
}

void *live_handle(struct chance *chance, enum class class, const void *origin)
{
    for (int tries = 0; tries < 4; tries++) {
        void *handle = some_of(chance, class, origin);
        if (!handle || vkvm_handle_class_name(handle))
            return handle;
        take_out(handle);
    }
    return NULL;
}

void *freed_handle(struct chance *chance)
{
    pthread_mutex_lock(&lock);
    void *handle = graves[below(chance, GRAVES)];
    pthread_mutex_unlock(&lock);
    return handle;
}

int live_count(enum class class)
{
    pthread_mutex_lock(&lock);
    int count = pools[class].count;
    pthread_mutex_unlock(&lock);
    return count;
}

/* The last one of a class leaves the pool; NULL when there is none. */
static void *take_last(int class)
{
    pthread_mutex_lock(&lock);
    void *handle = pools[class].count ? pools[class].all[--pools[class].count].handle : NULL;
    pthread_mutex_unlock(&lock);
    return handle;
}

/* The library's own thread may still make some meanwhile. */
void end_all_handles(void)
{
    for (int class = 0; class < CLASSES; class++) {
        for (void *handle; (handle = take_last(class));) {
            /* Values may hold each other in a circle. */
            if (class == CLASS_VALUE)
                vkvm_value_set_null(handle, NULL, NULL);
            end_handle(handle);
        }
    }
}
