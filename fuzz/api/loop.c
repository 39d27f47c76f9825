/*
 * Event loops: which one a round has, and one of the program's own that may be used
 * from any thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "fuzz.h"

enum { MOST_ITEMS = 512 };

struct item {
    bool used, ended, inside;
    int fd, events, frequency;
    int64_t next;
    vkvm_watch_callback on_ready;
    vkvm_timeout_callback on_timeout;
    void *data;
    vkvm_destroy_callback destroy;
};

/* The number of a watch or timer is its place. */
static struct item items[MOST_ITEMS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, turn = PTHREAD_MUTEX_INITIALIZER;

static int add(struct item item)
{
    int number = -1;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_ITEMS && number < 0; i++)
        if (!items[i].used)
            number = i;
    if (number >= 0) {
        items[number] = item;
        items[number].used = true;
        items[number].next = now_ms() + item.frequency;
    }
    pthread_mutex_unlock(&lock);
    return number;
}

static int add_watch(void *userdata, int fd, int events, vkvm_watch_callback callback, void *data,
                     vkvm_destroy_callback destroy)
{
    (void)userdata;
    return add((struct item){ .fd = fd, .events = events, .on_ready = callback, .data = data,
                              .destroy = destroy });
}

static int add_timer(void *userdata, int frequency, vkvm_timeout_callback callback, void *data,
                     vkvm_destroy_callback destroy)
{
    (void)userdata;
    return add((struct item){ .fd = -1, .frequency = frequency, .on_timeout = callback,
                              .data = data, .destroy = destroy });
}

static bool is_used(int number)
{
    return number >= 0 && number < MOST_ITEMS && items[number].used && !items[number].ended;
}

static void update_watch(void *userdata, int watch, int events)
{
    (void)userdata;
    pthread_mutex_lock(&lock);
    if (is_used(watch))
        items[watch].events = events;
    pthread_mutex_unlock(&lock);
}

static void update_timer(void *userdata, int timer, int frequency)
{
    (void)userdata;
    pthread_mutex_lock(&lock);
    if (is_used(timer)) {
        items[timer].frequency = frequency;
        items[timer].next = now_ms() + frequency;
    }
    pthread_mutex_unlock(&lock);
}

static int remove_item(void *userdata, int number)
{
    (void)userdata;
    pthread_mutex_lock(&lock);
    bool used = is_used(number);
    if (used)
        items[number].ended = true;
    pthread_mutex_unlock(&lock);
    return used ? 0 : -1;
}

const vkvm_event_impl own_loop = {
    add_watch, update_watch, remove_item, add_timer, update_timer, remove_item,
};

void lock_loop(bool locked)
{
    (locked ? pthread_mutex_lock : pthread_mutex_unlock)(&lock);
}

/* What is over is destroyed here, not while it is being removed. */
static void sweep(void)
{
    for (int i = 0; i < MOST_ITEMS; i++) {
        struct item item;
        pthread_mutex_lock(&lock);
        item = items[i];
        bool over = item.used && item.ended && !item.inside;
        if (over)
            items[i].used = items[i].ended = false;
        pthread_mutex_unlock(&lock);
        if (over && item.destroy)
            item.destroy(item.data);
    }
}

static void call_item(int i, int revents)
{
    pthread_mutex_lock(&lock);
    struct item item = items[i];
    bool due = is_used(i) && (item.on_ready ? revents != 0
                                            : item.frequency >= 0 && item.next <= now_ms());
    items[i].inside = due;
    if (due && item.on_timeout)
        items[i].next = now_ms() + item.frequency;
    pthread_mutex_unlock(&lock);
    if (due && item.on_ready)
        item.on_ready(i, item.fd, revents, item.data);
    else if (due)
        item.on_timeout(i, item.data);
    pthread_mutex_lock(&lock);
    items[i].inside = false;
    pthread_mutex_unlock(&lock);
}

/* The header's bits are not those of poll. */
static short to_poll(int events)
{
    return (short)((events & VKVM_EVENT_HANDLE_READABLE ? POLLIN : 0) |
                   (events & VKVM_EVENT_HANDLE_WRITABLE ? POLLOUT : 0));
}

static int from_poll(short events)
{
    return (events & POLLIN ? VKVM_EVENT_HANDLE_READABLE : 0) |
           (events & POLLOUT ? VKVM_EVENT_HANDLE_WRITABLE : 0) |
           (events & (POLLERR | POLLNVAL) ? VKVM_EVENT_HANDLE_ERROR : 0) |
           (events & POLLHUP ? VKVM_EVENT_HANDLE_HANGUP : 0);
}

/* Does not wait. One thread at a time, and not from within a callback. */
void turn_own_loop(void)
{
    static struct pollfd fds[MOST_ITEMS];
    if (call_depth || pthread_mutex_trylock(&turn) != 0)
        return;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_ITEMS; i++) {
        bool watched = is_used(i) && items[i].on_ready && items[i].events;
        fds[i] = (struct pollfd){ .fd = watched ? items[i].fd : -1,
                                  .events = to_poll(items[i].events) };
    }
    pthread_mutex_unlock(&lock);
    poll(fds, MOST_ITEMS, 0);
    for (int i = 0; i < MOST_ITEMS; i++)
        call_item(i, fds[i].fd < 0 ? 0 : from_poll(fds[i].revents));
    sweep();
    pthread_mutex_unlock(&turn);
}

/* --- the timer that ends each turn of libvirt's loop --------------------------------------- */

static _Atomic int permanent = -1;

static void on_tick(int timer, void *userdata)
{
    (void)timer, (void)userdata;
}

int permanent_timer(void)
{
    return permanent;
}

/* A turn without anything to wait for would last for ever, as the header says. */
bool may_run_default(void)
{
    int timer, none = -1;
    if (permanent >= 0)
        return true;
    if (vkvm_event_add_timeout(2, on_tick, NULL, NULL, &timer, NULL) < 0)
        return false;
    if (!atomic_compare_exchange_strong(&permanent, &none, timer))
        vkvm_event_remove_timeout(timer, NULL);
    return true;
}

/* A child has no timer of its parent's, and no thread that turns the program's own loop. */
void loop_after_fork(void)
{
    permanent = -1;
    turn = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

void begin_loop(void)
{
    int returned = 0;
    if (the_round.loop == LOOP_DEFAULT)
        returned = vkvm_event_register_default(NULL);
    else if (the_round.loop == LOOP_THREAD)
        returned = vkvm_event_start(NULL);
    else if (the_round.loop == LOOP_OWN)
        returned = vkvm_event_register_impl(&own_loop, NULL, NULL, NULL);
    if (returned < 0)
        fail("the event loop of the round cannot be had");
}
