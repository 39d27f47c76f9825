/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that are bounded or asynchronous: what stands in front of each function that may
 * wait for a daemon. */

#ifndef VKVM_PERL_CALLS_H
#define VKVM_PERL_CALLS_H

/* Whether any call may have a limit, or be started for a future: while it is 0, a call
 * costs no more than a look at it. */
extern int vkvm_perl_calls_on;

/* From now on limits are looked for. */
void vkvm_perl_limit_calls(void);

/* Makes a call of a function within its limit, or starts it for the future that is being
 * made. `params` has a letter and the name for each parameter (generated/calls.c), whose
 * values follow. Returns 0 or -1 as the function does; it dies as signal handlers do.
 * VKVM_PERL_DIRECTLY: the function itself is to be called instead. In front of the letters is
 * '-' for a function that no limit is set for, and '+' for one with a limit of its own. */
#define VKVM_PERL_DIRECTLY 1
int vkvm_perl_make(const char *function, const char *params, vkvm_error **error, ...);

/* Calls `code`, or the method of that name, with the arguments `given` for a future, with the calls
 * that were started for it in earlier attempts, which it finds done. Pushes a status and what comes
 * of it on Perl's stack, and returns how many that are: 0 and what the code returns if it has come
 * to its end; 1 and the exception if it died; 2 if it waits for a call, of which the queue of
 * vkvm_perl_calls_done tells by `tag`. $@ stays as it is. */
I32 vkvm_perl_attempt(pTHX_ SV *code, AV *given, AV *calls, UV tag, uint32_t timeout_ms);
/* Pushes the tags of the calls that are done, so many at the most; below 0 for those that are
 * only further than they were. */
SV **vkvm_perl_calls_done(pTHX_ SV **sp, size_t most);
/* The descriptor that is readable while there are some. */
int vkvm_perl_calls_fd(pTHX);

/* A callback among the arguments of a call; its function is NULL where none is given. */
enum { VKVM_PERL_PARAM = 48 };
typedef struct {
    char name[VKVM_PERL_PARAM];
    void *function;
    void *userdata;
    vkvm_destroy_callback destroy;
} vkvm_perl_given_callback;

/* The parameters of a function, as vkvm_perl_make is told of them. The next one's kind, 0 at
 * the end, and its name; passing over its values; how many are outputs, and the callback. */
char vkvm_perl_next_param(const char **params, char name[VKVM_PERL_PARAM]);
void vkvm_perl_skip_param(char kind, va_list *given);
int vkvm_perl_count_outputs(const char *params, va_list *given,
                            vkvm_perl_given_callback *callback);
/* Puts the arguments into a map, and what is in a result where the outputs go. */
int vkvm_perl_load(const char *params, vkvm_value *map, vkvm_error **error, va_list *given);
int vkvm_perl_unload(const char *params, vkvm_value *result, int outputs, vkvm_error **error,
                     va_list *places);

/* A callback that runs on Perl's thread while a thread of the library's makes the call: whether
 * it is one; taking it over; telling it how far the call is, if that is news, or which
 * credentials it asks for; and its end. */
typedef struct vkvm_perl_progress vkvm_perl_progress;
bool vkvm_perl_reports_progress(const char *function, const vkvm_perl_given_callback *given);
vkvm_perl_progress *vkvm_perl_new_progress(pTHX_ const char *function,
                                           const vkvm_perl_given_callback *given);
void vkvm_perl_tell_progress(pTHX_ vkvm_perl_progress *progress, vkvm_call *call);
void vkvm_perl_end_progress(pTHX_ void *progress);
/* The same of a call as an object, which has it from then on. The exception of the callback is
 * kept there until the method dies with it. */
void vkvm_perl_keep_progress(pTHX_ SV *call, vkvm_perl_progress *progress);
void vkvm_perl_tell_progress_of(pTHX_ SV *call);
void vkvm_perl_rethrow_progress_of(pTHX_ SV *call);

#include "generated/calls.h"

/* A thread of the library's can make a value, and no hashes. */
__typeof__(vkvm_conn_visit_all_domain_stats) vkvm_perl_visit_all_domain_stats;
#define vkvm_conn_visit_all_domain_stats vkvm_perl_visit_all_domain_stats

/* It is vkvm_host_call that reports progress to its queue. */
__typeof__(vkvm_host_call_with_progress) vkvm_perl_host_call_with_progress;
#define vkvm_host_call_with_progress vkvm_perl_host_call_with_progress

/* A deadline of opening lets signal handlers run, whether or not other calls have a limit. */
__typeof__(vkvm_conn_open_with) vkvm_perl_open_with;
#undef vkvm_conn_open_with
#define vkvm_conn_open_with vkvm_perl_open_with

/* The same with a callback that gives credentials, which runs on this thread. */
int vkvm_perl_open_asking(vkvm_value *options, vkvm_auth_callback callback, void *userdata,
                          vkvm_destroy_callback destroy, vkvm_conn **conn, vkvm_error **error);

/* Whether calls on this object have a limit, and wait here: not for a future. */
bool vkvm_perl_is_limited(pTHX_ void *handle);

/* Whether a call failed because of its arguments, before it asked anybody. */
bool vkvm_perl_is_misuse(vkvm_error *error);

/* Registering a callback is bounded by registering a queue before (perl/vkvm_registering.c). */
__typeof__(vkvm_conn_domain_event_register) vkvm_perl_conn_domain_event_register;
__typeof__(vkvm_conn_domain_event_register_any) vkvm_perl_conn_domain_event_register_any;
__typeof__(vkvm_conn_enable_resume) vkvm_perl_conn_enable_resume;
__typeof__(vkvm_conn_network_event_register_any) vkvm_perl_conn_network_event_register_any;
__typeof__(vkvm_conn_node_device_event_register_any) vkvm_perl_conn_node_device_event_register_any;
__typeof__(vkvm_conn_qemu_monitor_event_register) vkvm_perl_conn_qemu_monitor_event_register;
__typeof__(vkvm_conn_register_close_callback) vkvm_perl_conn_register_close_callback;
__typeof__(vkvm_conn_secret_event_register_any) vkvm_perl_conn_secret_event_register_any;
__typeof__(vkvm_conn_storage_pool_event_register_any) vkvm_perl_conn_storage_pool_event_register_any;
#ifndef VKVM_PERL_REGISTERING_ITSELF
#define vkvm_conn_domain_event_register vkvm_perl_conn_domain_event_register
#define vkvm_conn_domain_event_register_any vkvm_perl_conn_domain_event_register_any
#define vkvm_conn_enable_resume vkvm_perl_conn_enable_resume
#define vkvm_conn_network_event_register_any vkvm_perl_conn_network_event_register_any
#define vkvm_conn_node_device_event_register_any vkvm_perl_conn_node_device_event_register_any
#define vkvm_conn_qemu_monitor_event_register vkvm_perl_conn_qemu_monitor_event_register
#define vkvm_conn_register_close_callback vkvm_perl_conn_register_close_callback
#define vkvm_conn_secret_event_register_any vkvm_perl_conn_secret_event_register_any
#define vkvm_conn_storage_pool_event_register_any vkvm_perl_conn_storage_pool_event_register_any
#endif

/* Whole transfers are made piece by piece then (VKVM::Stream::Steps). */
__typeof__(vkvm_stream_recv_all) vkvm_perl_stream_recv_all;
__typeof__(vkvm_stream_send_all) vkvm_perl_stream_send_all;
__typeof__(vkvm_stream_sparse_recv_all) vkvm_perl_stream_sparse_recv_all;
__typeof__(vkvm_stream_sparse_send_all) vkvm_perl_stream_sparse_send_all;
#define vkvm_stream_recv_all vkvm_perl_stream_recv_all
#define vkvm_stream_send_all vkvm_perl_stream_send_all
#define vkvm_stream_sparse_recv_all vkvm_perl_stream_sparse_recv_all
#define vkvm_stream_sparse_send_all vkvm_perl_stream_sparse_send_all

/* For a future it is vkvm_conn_open_with that asks. */
__typeof__(vkvm_conn_open_auth) vkvm_perl_open_auth;
#undef vkvm_conn_open_auth
#define vkvm_conn_open_auth vkvm_perl_open_auth

#endif
