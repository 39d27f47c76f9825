/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calling Perl from C: never lets an exception cross C frames. */

#include "vkvm_callbacks.h"

static void want_code(pTHX_ SV *code, const char *name)
{
    SvGETMAGIC(code);
    if (!SvROK(code) || SvTYPE(SvRV(code)) != SVt_PVCV)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name, "is no code reference");
}

void *vkvm_perl_callbacks(pTHX_ SV *self, int count, ...)
{
    vkvm_perl_callback *cb;
    SV *code[3];
    va_list arguments;
    va_start(arguments, count);
    /* All are looked at before anything is made that would have to be freed. */
    for (int i = 0; i < count; i++) {
        code[i] = va_arg(arguments, SV *);
        want_code(aTHX_ code[i], va_arg(arguments, const char *));
    }
    va_end(arguments);
    Newx(cb, 1, vkvm_perl_callback);
#ifdef MULTIPLICITY
    cb->owner = aTHX;
    cb->interpreter = vkvm_perl_interpreter(aTHX);
#else
    cb->thread = pthread_self();
#endif
    cb->self = self ? newSVsv_nomg(self) : NULL;
    cb->count = count;
    for (int i = 0; i < count; i++)
        cb->code[i] = newSVsv(code[i]);
    return cb;
}

void *vkvm_perl_weaken(pTHX_ void *userdata)
{
    sv_rvweaken(((vkvm_perl_callback *)userdata)->self);
    return userdata;
}

void vkvm_perl_open_frame(pTHX)
{
    dSP;
    PUSHSTACKi(PERLSI_UNKNOWN);
    ENTER;
    SAVETMPS;
    save_scalar(PL_errgv); /* local $@ */
}

void vkvm_perl_close_frame(pTHX)
{
    FREETMPS;
    LEAVE;
    POPSTACK;
}

int vkvm_perl_call(pTHX_ vkvm_perl_callback *cb, int which, I32 context)
{
    /* The code may end its own registration, which frees the callback. */
    int count = call_sv(sv_2mortal(SvREFCNT_inc(cb->code[which])), context | G_EVAL);
    if (!vkvm_perl_has_died(aTHX))
        return count;
    vkvm_perl_keep_exception(aTHX);
    return -1;
}

IV vkvm_perl_answer(pTHX_ SV *result, IV otherwise)
{
    /* Nothing here may run Perl code, or warn: that could die. */
    bool is_number = SvOK(result) && !SvROK(result) && looks_like_number(result);
    return is_number ? SvIV_nomg(result) : otherwise;
}

IV vkvm_perl_run(pTHX_ vkvm_perl_callback *cb, int which, I32 context)
{
    IV answer = 0;
    int count = vkvm_perl_call(aTHX_ cb, which, context);
    dSP;
    if (count > 0)
        answer = vkvm_perl_answer(aTHX_ POPs, 0);
    PUTBACK;
    return count < 0 ? -1 : answer;
}

/* One function for each type of callbacks. */
#include "generated/callbacks.c"
