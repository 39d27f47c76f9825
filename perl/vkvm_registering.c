/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registrations of callbacks on a connection whose calls have a limit.
 *
 * A callback runs on Perl's thread and is not given to one of the library's, which would make the
 * call within the limit. But all who listen to the same events share one registration with libvirt:
 * a queue is registered within the limit first, and then the callback, for which nobody is asked
 * any more. */

#define VKVM_PERL_REGISTERING_ITSELF
#include "vkvm_perl.h"

typedef struct {
    vkvm_event_queue *queue;
    void *userdata;
    vkvm_destroy_callback destroy; /* NULL when the callback has been passed on */
} registering;

static void end_registering(pTHX_ void *ended)
{
    registering *at = ended;
    PERL_UNUSED_CONTEXT;
    vkvm_event_queue_free(at->queue);
    if (at->destroy)
        at->destroy(at->userdata);
    Safefree(at);
}

/* Handlers of signals may die meanwhile. */
static registering *begin_registering(pTHX_ void *userdata, vkvm_destroy_callback destroy)
{
    registering *at;
    Newxz(at, 1, registering);
    at->userdata = userdata;
    at->destroy = destroy;
    ENTER;
    SAVEDESTRUCTOR_X(end_registering, at);
    return at;
}

/* Wrong arguments are left to the function itself, which names them in its own words. */
static int without_misuse(int result, vkvm_error **error)
{
    if (result == 0 || !vkvm_perl_is_misuse(*error))
        return result;
    vkvm_error_free(*error);
    *error = NULL;
    return 0;
}

/* What does not answer is found by `first`, and named after what the program called. */
#define REGISTER(name, first, itself)                             \
    dTHX;                                                         \
    int number, result;                                           \
    if (!vkvm_perl_is_limited(aTHX_ conn))                        \
        return itself;                                            \
    registering *at = begin_registering(aTHX_ userdata, destroy); \
    PERL_UNUSED_VAR(number);                                      \
    result = vkvm_event_queue_new(1, &at->queue, error);          \
    if (result == 0)                                              \
        result = without_misuse(first, error);                    \
    if (result < 0)                                               \
        vkvm_perl_stands_for(aTHX_ *error, name);                 \
    if (result == 0) {                                            \
        at->destroy = NULL;                                       \
        result = itself;                                          \
    }                                                             \
    LEAVE;                                                        \
    return result;

int vkvm_perl_conn_domain_event_register(vkvm_conn *conn, vkvm_event_callback callback,
                                         void *userdata, vkvm_destroy_callback destroy,
                                         vkvm_error **error)
{
    REGISTER("vkvm_conn_domain_event_register",
             vkvm_perl_event_queue_domain_event_register_any(
                 at->queue, conn, NULL, VKVM_DOMAIN_EVENT_ID_LIFECYCLE, &number, error),
             vkvm_conn_domain_event_register(conn, callback, userdata, destroy, error))
}

#define REGISTER_ANY(class)                                                                   \
    int vkvm_perl_conn_##class##_event_register_any(                                          \
        vkvm_conn *conn, vkvm_##class *object, int event_id, vkvm_event_callback callback,    \
        void *userdata, vkvm_destroy_callback destroy, int *callback_id, vkvm_error **error)  \
    {                                                                                         \
        REGISTER("vkvm_conn_" #class "_event_register_any",                                   \
                 vkvm_perl_event_queue_##class##_event_register_any(at->queue, conn, object,  \
                                                                    event_id, &number, error), \
                 vkvm_conn_##class##_event_register_any(conn, object, event_id, callback,     \
                                                        userdata, destroy, callback_id, error)) \
    }

REGISTER_ANY(domain)
REGISTER_ANY(network)
REGISTER_ANY(node_device)
REGISTER_ANY(secret)
REGISTER_ANY(storage_pool)

int vkvm_perl_conn_register_close_callback(vkvm_conn *conn, vkvm_event_callback callback,
                                           void *userdata, vkvm_destroy_callback destroy,
                                           vkvm_error **error)
{
    REGISTER("vkvm_conn_register_close_callback",
             vkvm_perl_event_queue_register_close_callback(at->queue, conn, error),
             vkvm_conn_register_close_callback(conn, callback, userdata, destroy, error))
}

/* It listens to the end of the connection. */
int vkvm_perl_conn_enable_resume(vkvm_conn *conn, int max_delay, vkvm_event_callback callback,
                                 void *userdata, vkvm_destroy_callback destroy, vkvm_error **error)
{
    REGISTER("vkvm_conn_enable_resume",
             vkvm_perl_event_queue_register_close_callback(at->queue, conn, error),
             vkvm_conn_enable_resume(conn, max_delay, callback, userdata, destroy, error))
}

int vkvm_perl_conn_qemu_monitor_event_register(vkvm_conn *conn, vkvm_domain *dom, const char *event,
                                               vkvm_event_callback callback, void *userdata,
                                               vkvm_destroy_callback destroy, uint32_t flags,
                                               int *callback_id, vkvm_error **error)
{
    REGISTER("vkvm_conn_qemu_monitor_event_register",
             vkvm_perl_event_queue_qemu_monitor_event_register(at->queue, conn, dom, event, flags,
                                                               &number, error),
             vkvm_conn_qemu_monitor_event_register(conn, dom, event, callback, userdata, destroy,
                                                   flags, callback_id, error))
}
