/* Calling Perl from C: never lets an exception cross C frames. */

#include "vkvm_perl.h"

typedef struct {
#ifdef MULTIPLICITY
    PerlInterpreter *owner;
    UV interpreter;
#endif
    SV *code;
    SV *self; /* what it is registered with, kept alive until it is not; or NULL */
} callback;

/* Perl may only be called by the thread that its interpreter runs on. */
#ifdef MULTIPLICITY
#define is_at_home(cb)                                                                             \
    (PERL_GET_CONTEXT == (void *)(cb)->owner &&                                                    \
     vkvm_perl_interpreter((cb)->owner) == (cb)->interpreter)
#define dCALLBACK callback *cb = userdata; pTHX = cb->owner
#else
#define is_at_home(cb) TRUE
#define dCALLBACK callback *cb = userdata
#endif

void *vkvm_perl_callback(pTHX_ SV *code, const char *name, SV *self)
{
    callback *cb;
    SvGETMAGIC(code);
    if (!SvROK(code) || SvTYPE(SvRV(code)) != SVt_PVCV)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name, "is no code reference");
    Newx(cb, 1, callback);
#ifdef MULTIPLICITY
    cb->owner = aTHX;
    cb->interpreter = vkvm_perl_interpreter(aTHX);
#endif
    cb->code = newSVsv(code);
    cb->self = self ? newRV_inc(SvRV(self)) : NULL;
    return cb;
}

void vkvm_perl_callback_free(void *userdata)
{
    dCALLBACK;
    /* Elsewhere, or while the interpreter goes down, its values are not ours
     * to touch; they go with the interpreter. */
    if (is_at_home(cb) && !PL_dirty) {
        SvREFCNT_dec(cb->code);
        SvREFCNT_dec(cb->self);
    }
    Safefree(cb);
}

/* A frame for one call: `push` the arguments, then `run`. It has a stack of its
 * own, so that `last` in a callback cannot end a loop of who runs the events. */
static void open_frame(pTHX)
{
    dSP;
    PUSHSTACKi(PERLSI_UNKNOWN);
    ENTER;
    SAVETMPS;
    save_scalar(PL_errgv); /* local $@ */
}

static void close_frame(pTHX)
{
    FREETMPS;
    LEAVE;
    POPSTACK;
}

/* Calls the code with what is on the stack. Returns the number it answers
 * with, or -1 when it died; the exception is kept for later. */
static IV run(pTHX_ callback *cb, I32 context)
{
    IV answer = 0;
    /* The code may end its own registration, which frees the callback. */
    SV *code = sv_2mortal(SvREFCNT_inc(cb->code));
    int count = call_sv(code, context | G_EVAL);
    dSP;
    if (count > 0) {
        SV *result = POPs;
        answer = SvOK(result) ? SvIV(result) : 0;
    }
    PUTBACK;
    if (SvTRUE(ERRSV)) {
        vkvm_perl_keep_exception(aTHX);
        return -1;
    }
    return answer;
}

void vkvm_perl_on_event(vkvm_conn *conn, void *object, int event_id, vkvm_value *args,
                        void *userdata)
{
    dCALLBACK;
    PERL_UNUSED_ARG(conn);
    PERL_UNUSED_ARG(event_id);
    if (!is_at_home(cb))
        return;
    open_frame(aTHX);
    AV *values = vkvm_perl_values_of_map(aTHX_ args);
    SSize_t count = av_top_index(values) + 1;
    dSP;
    PUSHMARK(SP);
    EXTEND(SP, count + 2);
    PUSHs(sv_2mortal(newSVsv(cb->self)));
    if (object)
        mPUSHs(vkvm_perl_any_object(aTHX_ object, vkvm_handle_class_name(object)));
    for (SSize_t i = 0; i < count; i++)
        PUSHs(sv_mortalcopy(*av_fetch(values, i, 0)));
    PUTBACK;
    run(aTHX_ cb, G_VOID | G_DISCARD);
    close_frame(aTHX);
}

static void call_with_ints(callback *cb, const int *ints, int count)
{
#ifdef MULTIPLICITY
    pTHX = cb->owner;
#endif
    if (!is_at_home(cb))
        return;
    open_frame(aTHX);
    dSP;
    PUSHMARK(SP);
    EXTEND(SP, count);
    for (int i = 0; i < count; i++)
        mPUSHi(ints[i]);
    PUTBACK;
    run(aTHX_ cb, G_VOID | G_DISCARD);
    close_frame(aTHX);
}

void vkvm_perl_on_timeout(int timer, void *userdata)
{
    call_with_ints(userdata, &timer, 1);
}

void vkvm_perl_on_watch(int watch, int fd, int events, void *userdata)
{
    const int ints[] = {watch, fd, events};
    call_with_ints(userdata, ints, 3);
}

/* Takes the answers out of Perl's array of hashes. */
static int take_results(pTHX_ AV *requests, vkvm_value *credentials)
{
    for (SSize_t i = 0; i <= av_top_index(requests); i++) {
        SV **request = av_fetch(requests, i, 0);
        SV **result = NULL;
        char path[40];
        if (request && SvROK(*request) && SvTYPE(SvRV(*request)) == SVt_PVHV)
            result = hv_fetchs((HV *)SvRV(*request), "result", 0);
        snprintf(path, sizeof path, "%d.result", (int)i);
        if (result && SvOK(*result)) {
            if (vkvm_value_set_string(credentials, path, SvPV_nolen(*result), NULL) < 0)
                return -1;
        } else if (vkvm_value_set_null(credentials, path, NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

int vkvm_perl_on_auth(vkvm_value *credentials, void *userdata)
{
    dCALLBACK;
    IV answer;
    if (!is_at_home(cb))
        return -1;
    open_frame(aTHX);
    SV *requests = sv_2mortal(vkvm_perl_from_value(aTHX_ credentials));
    dSP;
    PUSHMARK(SP);
    XPUSHs(requests);
    PUTBACK;
    answer = run(aTHX_ cb, G_SCALAR);
    if (answer >= 0 && take_results(aTHX_ (AV *)SvRV(requests), credentials) < 0)
        answer = -1;
    close_frame(aTHX);
    return answer < 0 ? -1 : 0;
}
