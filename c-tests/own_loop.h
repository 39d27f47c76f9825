/*
 * A small event loop of a program's own, with poll(2), for one thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef OWN_LOOP_H
#define OWN_LOOP_H

#include <poll.h>

#include "common.h"

enum { OWN_MOST = 256 };

struct own_item {
    bool used, ended;
    int fd, events;      /* of a watch */
    int frequency;       /* of a timer, ms */
    double next;
    vkvm_watch_callback on_ready;
    vkvm_timeout_callback on_timeout;
    void *data;
    vkvm_destroy_callback destroy;
};

/* The number of a watch or timer is its place. */
static struct own_item own_items[OWN_MOST];

/* Counts what libvirt asked for, and what was told to be over. */
static int own_added, own_destroyed;

static inline int own_add(struct own_item item)
{
    for (int i = 0; i < OWN_MOST; i++) {
        if (own_items[i].used)
            continue;
        own_items[i] = item;
        own_items[i].used = true;
        own_added++;
        return i;
    }
    return -1;
}

static inline struct own_item *own_find(int number)
{
    bool there = number >= 0 && number < OWN_MOST && own_items[number].used &&
                 !own_items[number].ended;
    return there ? &own_items[number] : NULL;
}

static inline double own_due(int frequency)
{
    return now() + frequency / 1000.0;
}

static inline int own_add_handle(void *userdata, int fd, int events, vkvm_watch_callback callback,
                                 void *data, vkvm_destroy_callback destroy)
{
    struct own_item item = { .fd = fd, .events = events, .on_ready = callback, .data = data,
                             .destroy = destroy };
    (*(int *)userdata)++;
    return own_add(item);
}

static inline int own_add_timeout(void *userdata, int frequency, vkvm_timeout_callback callback,
                                  void *data, vkvm_destroy_callback destroy)
{
    struct own_item item = { .fd = -1, .frequency = frequency, .next = own_due(frequency),
                             .on_timeout = callback, .data = data, .destroy = destroy };
    (*(int *)userdata)++;
    return own_add(item);
}

static inline void own_update_handle(void *userdata, int watch, int events)
{
    struct own_item *item = own_find(watch);
    (*(int *)userdata)++;
    if (item)
        item->events = events;
}

static inline void own_update_timeout(void *userdata, int timer, int frequency)
{
    struct own_item *item = own_find(timer);
    (*(int *)userdata)++;
    if (item) {
        item->frequency = frequency;
        item->next = own_due(frequency);
    }
}

static inline int own_remove(void *userdata, int number)
{
    struct own_item *item = own_find(number);
    (*(int *)userdata)++;
    if (!item)
        return -1;
    item->ended = true;
    return 0;
}

/* How often the functions were called. */
static int own_calls;

static const vkvm_event_impl own_functions = {
    own_add_handle, own_update_handle, own_remove,
    own_add_timeout, own_update_timeout, own_remove,
};

static inline int own_register(vkvm_error **err)
{
    return vkvm_event_register_impl(&own_functions, &own_calls, NULL, err);
}

/* What is over is destroyed here, not while it is being removed. */
static inline void own_sweep(void)
{
    for (int i = 0; i < OWN_MOST; i++) {
        if (!own_items[i].used || !own_items[i].ended)
            continue;
        struct own_item item = own_items[i];
        own_items[i].used = false;
        own_items[i].ended = false;
        own_destroyed++;
        if (item.destroy)
            item.destroy(item.data);
    }
}

static inline short own_to_poll(int events)
{
    return (short)((events & VKVM_EVENT_HANDLE_READABLE ? POLLIN : 0) |
                   (events & VKVM_EVENT_HANDLE_WRITABLE ? POLLOUT : 0));
}

static inline int own_from_poll(short events)
{
    return (events & POLLIN ? VKVM_EVENT_HANDLE_READABLE : 0) |
           (events & POLLOUT ? VKVM_EVENT_HANDLE_WRITABLE : 0) |
           (events & POLLERR ? VKVM_EVENT_HANDLE_ERROR : 0) |
           (events & POLLHUP ? VKVM_EVENT_HANDLE_HANGUP : 0);
}

/* One turn: waits for up to 10 ms. */
static inline void own_turn(void)
{
    struct pollfd fds[OWN_MOST];
    int which[OWN_MOST], count = 0;
    double until = own_due(10), at = now();
    own_sweep();
    for (int i = 0; i < OWN_MOST; i++) {
        struct own_item *item = own_find(i);
        if (!item)
            continue;
        if (item->on_ready && item->events) {
            fds[count] = (struct pollfd){ .fd = item->fd, .events = own_to_poll(item->events) };
            which[count++] = i;
        }
        if (item->on_timeout && item->frequency >= 0 && item->next < until)
            until = item->next;
    }
    int wait = (int)((until - at) * 1000 + 0.999);
    int ready = poll(fds, (nfds_t)count, wait > 0 ? wait : 0);
    for (int i = 0; i < count && ready > 0; i++) {
        struct own_item *item = own_find(which[i]);
        int events = own_from_poll(fds[i].revents);
        if (item && events)
            item->on_ready(which[i], item->fd, events, item->data);
    }
    for (int i = 0; i < OWN_MOST; i++) {
        struct own_item *item = own_find(i);
        if (!item || !item->on_timeout || item->frequency < 0 || item->next > now())
            continue;
        item->next = own_due(item->frequency);
        item->on_timeout(i, item->data);
    }
    own_sweep();
}

#endif
