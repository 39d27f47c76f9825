/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that are bounded or asynchronous.
 *
 * A bounded call is made by a thread of the library's, while this one waits for the queue
 * that tells when it is done. Perl's signal handlers run in the meantime, and may die:
 * Perl then jumps over what is here, and what is to be undone is on its savestack. That is
 * why the library does not wait itself: nothing may jump over Rust. Handlers may make
 * bounded calls, too, and find another one's entry in the queue: entries only wake, and
 * whether a call is done is asked of itself.
 *
 * For a future (VKVM::Async) a method runs several times: each call that it makes is
 * started and left by an exception; when it is done, the method runs again and finds the
 * results of the calls that it made before. */

#define VKVM_PERL_CALLS_THEMSELVES
#include "vkvm_perl.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

int vkvm_perl_calls_on;

/* A queue, and the process that made it: a child of fork makes its own. */
typedef struct {
    vkvm_event_queue *queue;
    int fd;
    pid_t process;
} own_queue;

/* The method that runs for a future. */
typedef struct {
    AV *calls;       /* that it has made; NULL while no method runs for one */
    SSize_t next;    /* which of them is made again now */
    UV tag;
    uint32_t timeout_ms;
    bool left;       /* it has started a call, so that all that follows is void */
    PERL_SI *at;     /* where it began */
} attempt;

typedef struct {
    own_queue waiting; /* tells bounded calls that wait */
    own_queue futures;
    attempt attempt;
    HV *stash;         /* of calls as objects; NULL until there was one */
    bool has_progress; /* there was a future with a progress callback */
} my_cxt_t;

#define MY_CXT_KEY "VKVM::_calls"
START_MY_CXT

void vkvm_perl_limit_calls(void)
{
    __atomic_or_fetch(&vkvm_perl_calls_on, 1, __ATOMIC_RELAXED);
}

static void forget_queues(pTHX_ void *unused)
{
    dMY_CXT;
    vkvm_event_queue_free(MY_CXT.waiting.queue);
    vkvm_event_queue_free(MY_CXT.futures.queue);
}

void vkvm_perl_boot_calls(pTHX)
{
    MY_CXT_INIT;
    Zero(&MY_CXT, 1, my_cxt_t);
    Perl_call_atexit(aTHX_ forget_queues, NULL);
}

void vkvm_perl_clone_calls(pTHX)
{
    MY_CXT_CLONE;
    Zero(&MY_CXT, 1, my_cxt_t);
    Perl_call_atexit(aTHX_ forget_queues, NULL);
}

static bool open_queue(own_queue *own, vkvm_error **error)
{
    /* A queue never has more entries than there are calls. */
    const size_t capacity = (size_t)1 << 24;
    if (own->queue && own->process == getpid())
        return TRUE;
    vkvm_event_queue_free(own->queue);
    own->queue = NULL;
    if (vkvm_event_queue_new(capacity, &own->queue, error) < 0)
        return FALSE;
    own->process = getpid();
    return vkvm_event_queue_get_fd(own->queue, &own->fd, error) == 0;
}

/* --- starting and waiting ------------------------------------------------------------------ */

static int start(const char *function, const char *params, uint32_t timeout_ms, own_queue *own,
                 UV tag, vkvm_call **call, vkvm_error **error, va_list *given)
{
    vkvm_value *map;
    if (!open_queue(own, error) || vkvm_value_new_map(&map, error) < 0)
        return -1;
    int result = vkvm_perl_load(params, map, error, given);
    if (result == 0)
        result = vkvm_call_start(function, map, timeout_ms, own->queue, tag, call, error);
    /* There may be secrets among them. */
    vkvm_value_wipe_and_free(map);
    return result;
}

/* Whether a call could not be started because of its arguments: the function itself then
 * says what is wrong, in its own words, and waits for nobody. */
bool vkvm_perl_is_misuse(vkvm_error *error)
{
    int code = error ? vkvm_error_code(error) : 0;
    return code >= VKVM_ERROR_OWN_NULL && code <= VKVM_ERROR_OWN_NOT_FOUND;
}

static int refused(vkvm_error **error)
{
    if (!vkvm_perl_is_misuse(*error))
        return -1;
    vkvm_error_free(*error);
    *error = NULL;
    return VKVM_PERL_DIRECTLY;
}

/* Signals wait until a method for a future has run: their handlers are not for its eval. */
static void put_off(pTHX)
{
}

/* Entries hold their calls, so they are taken out also where nobody looks at them. */
static void take_entries(const own_queue *own)
{
    vkvm_value *entries;
    if (vkvm_event_queue_drain(own->queue, SIZE_MAX, &entries, NULL) == 0)
        vkvm_value_free(entries);
}

/* Gives a call up that nobody waits for any more, and lets go of it. */
static void leave(pTHX_ void *call)
{
    dMY_CXT;
    bool done;
    if (vkvm_call_wait(call, 0, &done, NULL) < 0 || !done) {
        vkvm_call_cancel(call, NULL);
        take_entries(&MY_CXT.waiting);
    }
    vkvm_call_free(call);
}

/* Sleeps until there is an entry in the queue, or a signal. Whether it took entries. */
static bool sleep_for(pTHX_ const own_queue *own)
{
    struct pollfd readable = { .fd = own->fd, .events = POLLIN };
    sigset_t all, before;
    sigfillset(&all);
    /* A signal that comes before the sleep begins ends it, too. */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool handle = PL_sig_pending && PL_signalhook != put_off;
    int ready = handle ? 0 : ppoll(&readable, 1, NULL, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ready > 0)
        take_entries(own);
    return ready > 0;
}

/* The entry comes when the call is done, or further than before; a handler's call may have
 * taken it out. */
static int wait_for(pTHX_ vkvm_call *call, const own_queue *own, vkvm_perl_progress *progress,
                    vkvm_error **error)
{
    bool done, taken;
    int result;
    do {
        taken = sleep_for(aTHX_ own);
        /* Handlers run on a stack of their own. */
        PERL_ASYNC_CHECK();
        if (progress)
            vkvm_perl_tell_progress(aTHX_ progress, call);
    } while ((result = vkvm_call_wait(call, 0, &done, error)) == 0 && !done);
    /* What woke this may have been another entry, or a signal. */
    if (progress || !taken)
        take_entries(own);
    return result;
}

static int take(vkvm_call *call, const char *params, int outputs, vkvm_error **error,
                va_list *places)
{
    vkvm_value *result;
    if (vkvm_call_get_result(call, &result, error) < 0)
        return -1;
    int status = vkvm_perl_unload(params, result, outputs, error, places);
    vkvm_value_free(result);
    return status;
}

/* What a function does with a callback that it does not keep. */
static void let_go_of(const vkvm_perl_given_callback *callback)
{
    if (callback->destroy)
        callback->destroy(callback->userdata);
}

static int make_bounded(pTHX_ const char *function, const char *params, int outputs,
                        const vkvm_perl_given_callback *callback, vkvm_error **error,
                        va_list *given, va_list *places)
{
    dMY_CXT;
    vkvm_call *call;
    vkvm_perl_progress *progress = NULL;
    if (start(function, params, 0, &MY_CXT.waiting, 0, &call, error, given) < 0) {
        int result = refused(error);
        if (result != VKVM_PERL_DIRECTLY)
            let_go_of(callback);
        return result;
    }
    ENTER;
    if (callback->function) {
        progress = vkvm_perl_new_progress(aTHX_ function, callback);
        SAVEDESTRUCTOR_X(vkvm_perl_end_progress, progress);
        vkvm_call_watch_progress(call, NULL);
    }
    SAVEDESTRUCTOR_X(leave, call);
    int result = wait_for(aTHX_ call, &MY_CXT.waiting, progress, error);
    if (result == 0)
        result = take(call, params, outputs, error, places);
    if (result == 0 && progress)
        vkvm_perl_tell_progress(aTHX_ progress, call);
    LEAVE;
    return result;
}

/* --- futures ---------------------------------------------------------------------------------- */

static void leave_method(pTHX) __attribute__((noreturn));
static void leave_method(pTHX)
{
    croak_sv(sv_2mortal(newSVpvs("VKVM::Async has started a call\n")));
}

/* A call as an object: its destruction lets go of it. It is the name of its function, too. */
static SV *call_object(pTHX_ vkvm_call *call, const char *function)
{
    dMY_CXT;
    if (!MY_CXT.stash)
        MY_CXT.stash = gv_stashpvs("VKVM::Async::_Call", GV_ADD);
    SV *body = newSVpv(function, 0);
    (void)SvUPGRADE(body, SVt_PVMG);
    SvIV_set(body, PTR2IV(call));
    SvIOK_on(body);
    return sv_bless(newRV_noinc(body), MY_CXT.stash);
}

static int make_for_future(pTHX_ attempt *at, const char *function, const char *params,
                           int outputs, const vkvm_perl_given_callback *callback,
                           vkvm_error **error, va_list *given, va_list *places)
{
    dMY_CXT;
    vkvm_call *call;
    SV **made = at->left ? NULL : av_fetch(at->calls, at->next, 0);
    /* It is the one of the attempt that starts the call that is told. */
    if (at->left || made)
        let_go_of(callback);
    if (at->left)
        leave_method(aTHX);
    if (made) {
        bool done;
        call = INT2PTR(vkvm_call *, SvIVX(SvRV(*made)));
        at->next++;
        /* The tag was another one's before, whose entry came late. */
        if (vkvm_call_wait(call, 0, &done, NULL) == 0 && !done) {
            at->left = TRUE;
            leave_method(aTHX);
        }
        vkvm_perl_rethrow_progress_of(aTHX_ *made);
        if (strNE(SvPVX(SvRV(*made)), function))
            croak("VKVM::Async: a method has called %s, and %s when it was run again",
                  SvPVX(SvRV(*made)), function);
        return take(call, params, outputs, error, places);
    }
    if (start(function, params, at->timeout_ms, &MY_CXT.futures, at->tag, &call, error, given) < 0) {
        int result = refused(error);
        if (result != VKVM_PERL_DIRECTLY)
            let_go_of(callback);
        return result;
    }
    SV *object = call_object(aTHX_ call, function);
    av_push(at->calls, object);
    at->left = TRUE;
    if (callback->function) {
        MY_CXT.has_progress = TRUE;
        vkvm_perl_keep_progress(aTHX_ object, vkvm_perl_new_progress(aTHX_ function, callback));
        vkvm_call_watch_progress(call, NULL);
    }
    leave_method(aTHX);
}

/* The method that runs for a future here. What destroys objects or handles warnings runs
 * amid it, but not for it. */
static attempt *attempt_here(pTHX)
{
    dMY_CXT;
    attempt *at = &MY_CXT.attempt;
    if (!at->calls)
        return NULL;
    for (PERL_SI *here = PL_curstackinfo; here && here != at->at; here = here->si_prev)
        switch (here->si_type) {
        case PERLSI_SIGNAL:
        case PERLSI_DESTROY:
        case PERLSI_WARNHOOK:
        case PERLSI_DIEHOOK:
            return NULL;
        }
    return at;
}

/* No Perl code runs on a thread of the library's. */
static void refuse_callback(pTHX_ const vkvm_perl_given_callback *callback)
{
    let_go_of(callback);
    vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, "callback",
                     "a call with a callback cannot be asynchronous");
}

/* Whether a call has a limit: that of the connection of its first object that has one. */
static bool is_limited(const char *params, va_list *given)
{
    char kind, name[VKVM_PERL_PARAM];
    if (*params == '-' || *params == '+')
        return *params == '+';
    while ((kind = vkvm_perl_next_param(&params, name))) {
        if (kind != 'h')
            vkvm_perl_skip_param(kind, given);
        else if (vkvm_handle_call_timeout(va_arg(*given, void *)) != 0)
            return TRUE;
    }
    return FALSE;
}

bool vkvm_perl_is_limited(pTHX_ void *handle)
{
    return vkvm_perl_calls_on && !attempt_here(aTHX) && vkvm_handle_call_timeout(handle) != 0;
}

int vkvm_perl_make(const char *function, const char *params, vkvm_error **error, ...)
{
    dTHX;
    attempt *at = attempt_here(aTHX);
    va_list given, places;
    vkvm_perl_given_callback callback;
    int result;
    va_start(given, error);
    bool is_direct = !at && !is_limited(params, &given);
    va_end(given);
    if (is_direct)
        return VKVM_PERL_DIRECTLY;
    va_start(given, error);
    int outputs = vkvm_perl_count_outputs(params, &given, &callback);
    va_end(given);
    va_start(given, error);
    va_start(places, error);
    bool is_progress = vkvm_perl_reports_progress(function, &callback);
    if (callback.function && !is_progress && at)
        refuse_callback(aTHX_ &callback);
    if (callback.function && !is_progress)
        result = VKVM_PERL_DIRECTLY;
    else if (at)
        result = make_for_future(aTHX_ at, function, params, outputs, &callback, error, &given,
                                 &places);
    else
        result = make_bounded(aTHX_ function, params, outputs, &callback, error, &given, &places);
    va_end(places);
    va_end(given);
    vkvm_perl_free_left(aTHX);
    return result;
}

static void end_attempt(pTHX_ void *before)
{
    dMY_CXT;
    MY_CXT.attempt = *(attempt *)before;
    __atomic_sub_fetch(&vkvm_perl_calls_on, 2, __ATOMIC_RELAXED);
    Safefree(before);
}

I32 vkvm_perl_attempt(pTHX_ SV *code, AV *given, AV *calls, UV tag, uint32_t timeout_ms)
{
    dMY_CXT;
    dSP;
    attempt *before;
    SV *status = sv_newmortal();
    SV **last = av_fetch(calls, av_top_index(calls), 0);
    if (last && MY_CXT.has_progress)
        vkvm_perl_tell_progress_of(aTHX_ *last);
    SPAGAIN;
    XPUSHs(status);
    ENTER;
    save_scalar(PL_errgv);
    Newx(before, 1, attempt);
    *before = MY_CXT.attempt;
    MY_CXT.attempt = (attempt){
        .calls = calls, .tag = tag, .timeout_ms = timeout_ms, .at = PL_curstackinfo,
    };
    __atomic_add_fetch(&vkvm_perl_calls_on, 2, __ATOMIC_RELAXED);
    SAVEDESTRUCTOR_X(end_attempt, before);
    SAVESPTR(PL_diehook);
    PL_diehook = NULL;
    SAVEVPTR(PL_signalhook);
    PL_signalhook = put_off;
    PUSHMARK(SP);
    SSize_t arguments = av_top_index(given) + 1;
    EXTEND(SP, arguments);
    for (SSize_t i = 0; i < arguments; i++)
        PUSHs(*av_fetch(given, i, TRUE));
    PUTBACK;
    I32 count = call_sv(code, G_ARRAY | G_EVAL | (SvROK(code) ? 0 : G_METHOD));
    SPAGAIN;
    int is = MY_CXT.attempt.left ? 2 : vkvm_perl_has_died(aTHX) ? 1 : 0;
    if (is == 1) {
        XPUSHs(sv_mortalcopy(ERRSV));
        count = 1;
    }
    PUTBACK;
    LEAVE;
    sv_setiv(status, is);
    return count + 1;
}

/* Whether an entry is of a call that is further, or asks for something, and is not done. */
static bool is_of_progress(vkvm_value *entries, size_t i)
{
    char path[32], *class;
    snprintf(path, sizeof path, "%zu.class", i);
    if (vkvm_value_get_string(entries, path, &class, NULL) < 0)
        return FALSE;
    bool is_done = strEQ(class, "call");
    vkvm_string_free(class);
    return !is_done;
}

SV **vkvm_perl_calls_done(pTHX_ SV **sp, size_t most)
{
    dMY_CXT;
    vkvm_error *error = NULL;
    vkvm_value *entries;
    size_t count;
    char path[32];
    int64_t tag;
    own_queue *own = &MY_CXT.futures;
    vkvm_perl_free_left(aTHX);
    if (!own->queue || own->process != getpid())
        return sp;
    if (vkvm_event_queue_drain(own->queue, most, &entries, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    if (vkvm_value_get_length(entries, "", &count, NULL) < 0)
        count = 0;
    EXTEND(SP, (SSize_t)count);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%zu.tag", i);
        if (vkvm_value_get_int64(entries, path, &tag, NULL) == 0)
            mPUSHi(MY_CXT.has_progress && is_of_progress(entries, i) ? -tag : tag);
    }
    vkvm_value_free(entries);
    return sp;
}

int vkvm_perl_calls_fd(pTHX)
{
    dMY_CXT;
    vkvm_error *error = NULL;
    if (!open_queue(&MY_CXT.futures, &error))
        vkvm_perl_throw(aTHX_ error);
    return MY_CXT.futures.fd;
}

/* --- the functions ------------------------------------------------------------------------------ */

/* The generated function is one of two ways to open. */
#undef vkvm_conn_open_auth

#define MAKE(function, params, all, ...)                                     \
    if (vkvm_perl_calls_on) {                                                \
        int made = vkvm_perl_make(#function, params, error, __VA_ARGS__);    \
        if (made != VKVM_PERL_DIRECTLY)                                      \
            return made;                                                     \
    }                                                                        \
    return function all;

/* A function with a limit of its own lets signal handlers run, whether or not others have one. */
#define MAKE_BOUNDED(function, params, all, ...)                         \
    int made = vkvm_perl_make(#function, params, error, __VA_ARGS__);    \
    return made != VKVM_PERL_DIRECTLY ? made : function all;

#include "generated/calls.c"

/* The library's own are meant in here. */
#undef vkvm_conn_visit_all_domain_stats
#undef vkvm_host_call_with_progress
#undef vkvm_conn_open_with

int vkvm_perl_host_call_with_progress(vkvm_host *host, const char *command, vkvm_value *args,
                                      vkvm_host_progress_callback callback, void *userdata,
                                      vkvm_destroy_callback destroy, vkvm_value **result,
                                      vkvm_error **error)
{
    int made = VKVM_PERL_DIRECTLY;
    if (vkvm_perl_calls_on)
        made = vkvm_perl_make("vkvm_host_call",
                              "hhost tcommand vargs ccallback puserdata cdestroy Vresult", error,
                              host, command, args, callback, userdata, destroy, result);
    if (made != VKVM_PERL_DIRECTLY)
        return made;
    return vkvm_host_call_with_progress(host, command, args, callback, userdata, destroy, result,
                                        error);
}

int vkvm_perl_open_with(vkvm_value *options, vkvm_conn **conn, vkvm_error **error)
{
    uint64_t ms = 0;
    int made = VKVM_PERL_DIRECTLY;
    (void)vkvm_value_get_uint64(options, "timeout_ms", &ms, NULL);
    if (ms > 0 || vkvm_perl_calls_on)
        made = vkvm_perl_make("vkvm_conn_open_with",
                              ms > 0 ? "+voptions Hconn" : "-voptions Hconn", error, options, conn);
    return made != VKVM_PERL_DIRECTLY ? made : vkvm_conn_open_with(options, conn, error);
}

int vkvm_perl_open_asking(vkvm_value *options, vkvm_auth_callback callback, void *userdata,
                          vkvm_destroy_callback destroy, vkvm_conn **conn, vkvm_error **error)
{
    int made = vkvm_perl_make("vkvm_conn_open_with",
                              "+voptions ccallback puserdata cdestroy Hconn", error, options,
                              callback, userdata, destroy, conn);
    if (made != VKVM_PERL_DIRECTLY)
        return made;
    /* It says which of the arguments is wrong. */
    made = vkvm_conn_open_with(options, conn, error);
    if (destroy)
        destroy(userdata);
    return made;
}

/* The options of vkvm_conn_open_with: a URI, flags, and types of credentials. */
static vkvm_value *options_of(vkvm_error **error, ...)
{
    vkvm_value *options;
    va_list given;
    if (vkvm_value_new_map(&options, error) < 0)
        return NULL;
    va_start(given, error);
    int result = vkvm_perl_load("turi uflags acredtypes", options, error, &given);
    va_end(given);
    if (result == 0)
        return options;
    vkvm_value_free(options);
    return NULL;
}

int vkvm_perl_open_auth(const char *uri, uint32_t flags, const int *types, size_t count,
                        vkvm_auth_callback callback, void *userdata, vkvm_destroy_callback destroy,
                        vkvm_conn **conn, vkvm_error **error)
{
    dTHX;
    vkvm_value *options;
    if (!callback || !vkvm_perl_calls_on || !attempt_here(aTHX))
        return vkvm_perl_conn_open_auth(uri, flags, types, count, callback, userdata, destroy, conn,
                                        error);
    if ((options = options_of(error, uri, flags, types, count)) == NULL) {
        if (destroy)
            destroy(userdata);
        return -1;
    }
    /* This is left by an exception once the call has started. */
    sv_setref_iv(sv_newmortal(), "VKVM::_Value", PTR2IV(options));
    return vkvm_perl_open_asking(options, callback, userdata, destroy, conn, error);
}

int vkvm_perl_visit_all_domain_stats(vkvm_conn *conn, uint32_t stats, vkvm_domain *const *doms,
                                     size_t doms_len, uint32_t flags,
                                     const vkvm_value_visitor *visitor, void *userdata,
                                     vkvm_error **error)
{
    vkvm_value *all;
    if (!vkvm_perl_calls_on)
        return vkvm_conn_visit_all_domain_stats(conn, stats, doms, doms_len, flags, visitor, userdata,
                                                error);
    if (vkvm_perl_conn_get_all_domain_stats(conn, stats, doms, doms_len, flags, &all, error) < 0)
        return -1;
    return vkvm_value_visit_and_free(all, visitor, userdata, error);
}
