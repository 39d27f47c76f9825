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

/* Calls code with what is on the stack; the exception is kept for later. */
static int call(pTHX_ SV *code, I32 context)
{
    int count = call_sv(code, context | G_EVAL);
    if (vkvm_perl_has_died(aTHX)) {
        vkvm_perl_keep_exception(aTHX);
        return -1;
    }
    return count;
}

int vkvm_perl_call(pTHX_ vkvm_perl_callback *cb, int which, I32 context)
{
    /* The code may end its own registration, which frees the callback. */
    return call(aTHX_ sv_2mortal(SvREFCNT_inc(cb->code[which])), context);
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

/* One function for each type of callbacks; those that follow, and those of vkvm_streams.c,
 * do more than to pass their arguments on. */
#include "generated/callbacks.c"

/* Overwrites what a scalar holds, unless somebody else has it, too. */
static void wipe(SV *sv)
{
    if (SvREFCNT(sv) != 1 || !SvPOK(sv) || !SvLEN(sv) || (SvIsCOW(sv) && CowREFCNT(sv)))
        return;
    /* Not with memset, which a compiler may leave out before memory is freed. */
    for (volatile char *at = SvPVX(sv), *end = at + SvLEN(sv); at < end; at++)
        *at = 0;
}

/* Overwrites the answers in what was made for the callback, if it has not kept it. */
static void wipe_answers(pTHX_ SV *requests)
{
    AV *array = (AV *)SvRV(requests);
    if (SvREFCNT(requests) != 1 || SvREFCNT(array) != 1 || SvRMAGICAL(array))
        return;
    for (SSize_t i = 0; i <= av_top_index(array); i++) {
        SV **request = av_fetch(array, i, 0);
        if (!request || !SvROK(*request) || SvTYPE(SvRV(*request)) != SVt_PVHV ||
            SvREFCNT(*request) != 1 || SvREFCNT(SvRV(*request)) != 1 ||
            SvRMAGICAL(SvRV(*request)))
            continue;
        SV **result = hv_fetchs((HV *)SvRV(*request), "result", 0);
        if (result)
            wipe(*result);
    }
}

int vkvm_perl_on_auth(vkvm_value *credentials, void *userdata)
{
    dCALLBACK;
    IV answer;
    if (!is_at_home(cb))
        return -1;
    vkvm_perl_open_frame(aTHX);
    SV *requests = vkvm_perl_from_value(aTHX_ credentials);
    dSP;
    PUSHMARK(SP);
    XPUSHs(sv_mortalcopy(requests));
    PUTBACK;
    answer = vkvm_perl_run(aTHX_ cb, 0, G_SCALAR);
    if (answer >= 0) {
        SPAGAIN;
        PUSHMARK(SP);
        EXTEND(SP, 2);
        PUSHs(requests);
        mPUSHu(PTR2UV(credentials));
        PUTBACK;
        answer = call(aTHX_ (SV *)get_cv("VKVM::_take_answers", 0), G_VOID | G_DISCARD);
    }
    vkvm_perl_close_frame(aTHX);
    wipe_answers(aTHX_ requests);
    SvREFCNT_dec(requests);
    return answer < 0 ? -1 : 0;
}
