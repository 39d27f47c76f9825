/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A loop in Perl: libvirt's calls become method calls of its object, and what
 * libvirt wants to be called becomes an opaque reference. */

#include "vkvm_callbacks.h"

/* --- what libvirt wants to be called ------------------------------------------ */

/* Behind an opaque reference, as magic, which Perl code cannot make up. */
typedef struct {
    vkvm_watch_callback on_ready; /* one of these two is NULL */
    vkvm_timeout_callback on_timeout;
    void *data;
    vkvm_destroy_callback destroy; /* NULL once it was called */
} watched;

static int free_magic(pTHX_ SV *sv, MAGIC *magic)
{
    PERL_UNUSED_ARG(sv);
    Safefree(magic->mg_ptr);
    magic->mg_ptr = NULL;
    return 0;
}

/* A cloned interpreter must not call it, and not free it. */
static int clone_magic(pTHX_ MAGIC *magic, CLONE_PARAMS *params)
{
    PERL_UNUSED_ARG(params);
    magic->mg_ptr = NULL;
    return 0;
}

static const MGVTBL vtable = {
    .svt_free = free_magic,
    .svt_dup = clone_magic,
};

static SV *new_watched(pTHX_ watched from)
{
    SV *body = newSV(0);
    watched *copy;
    Newx(copy, 1, watched);
    *copy = from;
    sv_magicext(body, NULL, PERL_MAGIC_ext, &vtable, (char *)copy, 0)->mg_flags |= MGf_DUP;
    return sv_2mortal(newRV_noinc(body));
}

static watched *find_watched(pTHX_ SV *sv, const char *name)
{
    /* Perl looks for magic where lesser scalars have no room for it. */
    MAGIC *magic = SvROK(sv) && SvTYPE(SvRV(sv)) >= SVt_PVMG
                       ? mg_findext(SvRV(sv), PERL_MAGIC_ext, &vtable)
                       : NULL;
    if (!magic || !magic->mg_ptr)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name,
                         "is not what add_handle or add_timeout was called with");
    watched *found = (watched *)magic->mg_ptr;
    if (!found->destroy)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name, "was freed already");
    /* A callback may free it; it stays until the statement that called is done. */
    sv_2mortal(SvREFCNT_inc(SvRV(sv)));
    return found;
}

static int number(pTHX_ SV *sv, const char *name)
{
    return (int)vkvm_perl_int(aTHX_ sv, name, INT_MIN, INT_MAX);
}

void vkvm_perl_run_watched(pTHX_ SV *opaque, SV *id, SV *fd, SV *events)
{
    int of = number(aTHX_ id, fd ? "watch" : "timer");
    int on = fd ? number(aTHX_ fd, "fd") : 0, ready = fd ? number(aTHX_ events, "events") : 0;
    watched *it = find_watched(aTHX_ opaque, "opaque");
    if (fd ? !it->on_ready : !it->on_timeout)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, "opaque",
                         fd ? "is that of a timer" : "is that of a watch");
    if (fd)
        it->on_ready(of, on, ready, it->data);
    else
        it->on_timeout(of, it->data);
    vkvm_perl_rethrow(aTHX_ NULL);
}

void vkvm_perl_free_watched(pTHX_ SV *opaque)
{
    watched *it = find_watched(aTHX_ opaque, "opaque");
    vkvm_destroy_callback destroy = it->destroy;
    it->destroy = NULL;
    destroy(it->data);
}

/* --- calling the loop ------------------------------------------------------- */

/* Calls a method with numbers and, if there is any, what is watched. Gives the
 * number that it answers with, or -1. An exception becomes a warning: it must
 * not cross libvirt, which may be anywhere. */
static int call_loop(pTHX_ const vkvm_perl_callback *cb, const char *method, const int *numbers, int count,
                     SV *opaque)
{
    int answer = -1;
    vkvm_perl_open_frame(aTHX);
    dSP;
    PUSHMARK(SP);
    EXTEND(SP, count + 4);
    PUSHs(sv_2mortal(newSVsv(cb->self)));
    for (int i = 0; i < count; i++)
        mPUSHi(numbers[i]);
    for (int i = 0; opaque && i < 3; i++) /* callback, opaque, free function */
        PUSHs(sv_2mortal(newSVsv(opaque)));
    PUTBACK;
    int results = call_method(method, G_SCALAR | G_EVAL);
    SPAGAIN;
    if (results > 0)
        answer = (int)vkvm_perl_answer(aTHX_ POPs, -1);
    PUTBACK;
    if (vkvm_perl_has_died(aTHX))
        vkvm_perl_warn_died(aTHX_ Perl_form(aTHX_ "%s of the event loop died", method));
    vkvm_perl_close_frame(aTHX);
    return answer;
}

#include "generated/loop.c"

void vkvm_perl_register_loop(pTHX_ SV *object)
{
    vkvm_error *error = NULL;
    if (vkvm_event_register_impl(&loop_functions, vkvm_perl_callbacks(aTHX_ object, 0),
                                 vkvm_perl_callback_free, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
}

/* --- the loop of the library's own thread -------------------------------------- */

void vkvm_perl_refuse_thread(pTHX_ const char *name)
{
    bool started = FALSE;
    if (vkvm_event_is_started(&started, NULL) == 0 && started)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_OTHER_EVENT_LOOP, name,
                         "is Perl code, which the thread that VKVM::Event::start has started "
                         "must not call; use a VKVM::EventQueue");
}
