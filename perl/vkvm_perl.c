/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interpreter's state, objects, and exceptions. */

#include "vkvm_perl.h"

/* Errors have a package as objects have, and so has a program's own event loop. */
#define ERROR_CLASS vkvm_perl_class_count
#define EVENT_IMPL_CLASS (ERROR_CLASS + 1)
#define CLASS_COUNT (EVENT_IMPL_CLASS + 1)

typedef struct {
    HV *stash[CLASS_COUNT];           /* looked up once: blessing is frequent */
    SV *exception;                    /* the first that a callback threw */
    UV interpreter;                   /* a number that no other interpreter gets */
    vkvm_perl_models models;
    struct {
        vkvm_error *error;            /* only compared */
        const char *function;
    } stands_for;
} my_cxt_t;

#define MY_CXT_KEY "VKVM::_guts"
START_MY_CXT

static const char *const packages[] = {
#define X(class, package) package,
    VKVM_PERL_CLASSES(X)
#undef X
    "VKVM::Error",
    "VKVM::EventImpl",
};

static const char *const classes[] = {
#define X(class, package) #class,
    VKVM_PERL_CLASSES(X)
#undef X
};

static void set_up(pTHX_ my_cxt_t *cxt)
{
    static UV interpreters;
    cxt->exception = NULL;
    cxt->stands_for.error = NULL;
    Zero(&cxt->models, 1, vkvm_perl_models);
    cxt->interpreter = __atomic_add_fetch(&interpreters, 1, __ATOMIC_RELAXED);
}

UV vkvm_perl_interpreter(pTHX)
{
    dMY_CXT;
    return MY_CXT.interpreter;
}

vkvm_perl_models *vkvm_perl_models_of(pTHX)
{
    dMY_CXT;
    return &MY_CXT.models;
}

SV *vkvm_perl_array_at(pTHX_ AV *array, size_t i)
{
    SV **item = av_fetch(array, (SSize_t)i, 0);
    return item ? *item : &PL_sv_undef;
}

void vkvm_perl_boot(pTHX)
{
    MY_CXT_INIT;
    for (int i = 0; i < CLASS_COUNT; i++)
        MY_CXT.stash[i] = gv_stashpv(packages[i], GV_ADD);
    set_up(aTHX_ &MY_CXT);
}

void vkvm_perl_clone(pTHX)
{
    MY_CXT_CLONE;
    for (int i = 0; i < CLASS_COUNT; i++) /* those are the interpreter's that was cloned */
        MY_CXT.stash[i] = gv_stashpv(HvNAME_get(MY_CXT.stash[i]), GV_ADD);
    set_up(aTHX_ &MY_CXT);
}

void vkvm_perl_use_package(pTHX_ const char *package, const char *other)
{
    dMY_CXT;
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (strNE(package, packages[i]))
            continue;
        MY_CXT.stash[i] = gv_stashpv(other, GV_ADD);
        return;
    }
    croak("%s is no package of a class", package);
}

bool vkvm_perl_is_sysvirt(pTHX)
{
    dMY_CXT;
    return MY_CXT.stash[vkvm_perl_conn] != gv_stashpv(packages[vkvm_perl_conn], 0);
}

void vkvm_perl_usage(pTHX_ const CV *cv, const char *params, I32 items)
{
    const GV *gv = CvGV(cv);
    dSP;
    PUSHMARK(SP);
    EXTEND(SP, 3);
    mPUSHs(newSVpvf("%s::%s", HvNAME_get(GvSTASH(gv)), GvNAME(gv)));
    mPUSHs(newSVpv(params, 0));
    mPUSHi(items);
    PUTBACK;
    call_pv("VKVM::_refuse_usage", G_VOID | G_DISCARD);
    NOT_REACHED;
}

SV *vkvm_perl_any_object(pTHX_ void *handle)
{
    const char *class = vkvm_handle_class_name(handle);
    for (int i = 0; class && i < vkvm_perl_class_count; i++) {
        if (strNE(class, classes[i]))
            continue;
        /* NULL if another thread has freed it in the meantime. */
        void *own = vkvm_handle_ref(handle);
        return own ? vkvm_perl_object(aTHX_ own, (enum vkvm_perl_class)i) : newSV(0);
    }
    return newSV(0);
}

SV *vkvm_perl_object(pTHX_ void *handle, enum vkvm_perl_class class)
{
    dMY_CXT;
    SV *body = newSV_type(SVt_PVMG); /* what blessing would make of it */
    SvIV_set(body, PTR2IV(handle));
    SvIOK_on(body);
    return sv_bless(newRV_noinc(body), MY_CXT.stash[class]);
}

void *vkvm_perl_forget(pTHX_ SV *self)
{
    void *handle;
    if (!SvROK(self) || !SvOBJECT(SvRV(self)) || !SvIOK(SvRV(self)))
        return NULL;
    handle = INT2PTR(void *, SvIVX(SvRV(self)));
    /* Calls through another reference to the object now say what is wrong. */
    SvREADONLY_off(SvRV(self));
    SvIV_set(SvRV(self), 0);
    return handle;
}

static void store(pTHX_ HV *hash, const char *key, SV *value)
{
    (void)hv_store(hash, key, strlen(key), value, 0);
}

/* libvirt's messages may be in the encoding of the locale: then they stay bytes. */
static void store_text(pTHX_ HV *hash, const char *key, const char *text, U32 flags)
{
    if (!text)
        return;
    if (!is_utf8_string((const U8 *)text, strlen(text)))
        flags = 0;
    store(aTHX_ hash, key, newSVpvn_flags(text, strlen(text), flags));
}

SV *vkvm_perl_take_error(pTHX_ vkvm_error *error, int *code, bool characters)
{
    SV *message = sv_2mortal(newSVpv(vkvm_error_message(error), 0));
    if (characters && is_utf8_string((const U8 *)SvPVX(message), SvCUR(message)))
        SvUTF8_on(message);
    *code = vkvm_error_code(error);
    vkvm_error_free(error);
    return message;
}

static void throw_hash(pTHX_ HV *hash)
{
    dMY_CXT;
    croak_sv(sv_2mortal(sv_bless(newRV_noinc((SV *)hash), MY_CXT.stash[ERROR_CLASS])));
}

void vkvm_perl_stands_for(pTHX_ vkvm_error *error, const char *function)
{
    dMY_CXT;
    MY_CXT.stands_for.error = error;
    MY_CXT.stands_for.function = function;
}

/* The function of the library in whose place the one that the error names was called. */
static const char *called_function(pTHX_ vkvm_error *error)
{
    dMY_CXT;
    return error && MY_CXT.stands_for.error == error ? MY_CXT.stands_for.function : NULL;
}

/* The text of an error, in which functions have their names in Perl. */
static const char *message_of(pTHX_ vkvm_error *error)
{
    const char *message = vkvm_error_message(error), *functions = vkvm_error_mentions(error);
    if (!functions || !*functions)
        return message;
    const char *called = called_function(aTHX_ error), *at = strstr(message, functions);
    SV *text = called && at ? newSVpvf("%.*s%s%s", (int)(at - message), message, called,
                                       at + strlen(functions))
                            : newSVpv(message, 0);
    dSP;
    PUSHMARK(SP);
    EXTEND(SP, 2);
    mPUSHs(text);
    mPUSHs(newSVpv(called && at ? called : functions, 0));
    PUTBACK;
    call_pv("VKVM::_in_perl", G_SCALAR);
    SPAGAIN;
    message = POPpx; /* of a temporary */
    PUTBACK;
    return message;
}

void vkvm_perl_throw_text(pTHX_ vkvm_error *error, U32 flags)
{
    HV *hash = newHV();
#define NUMBER(name) store(aTHX_ hash, #name, newSViv(vkvm_error_##name(error)));
#define PLACE(name) if (vkvm_error_##name(error)) NUMBER(name)
#define TEXT(name) store_text(aTHX_ hash, #name, vkvm_error_##name(error), flags);
    VKVM_PERL_ERROR_FIELDS(NUMBER, PLACE, TEXT)
    /* libvirt's function is the same for both. */
    const char *called = called_function(aTHX_ error), *named = vkvm_error_function(error);
    if (called && named && strnEQ(named, "vkvm_", 5))
        store_text(aTHX_ hash, "function", called, flags);
    store_text(aTHX_ hash, "message", message_of(aTHX_ error), flags);
    /* croak does not return, so the C error goes first. */
    vkvm_error_free(error);
    throw_hash(aTHX_ hash);
    NOT_REACHED;
}

void vkvm_perl_refuse_named(pTHX_ int code, SV *name, SV *message)
{
    HV *hash = newHV();
    store(aTHX_ hash, "level", newSViv(VKVM_ERROR_LEVEL_ERROR));
    store(aTHX_ hash, "code", newSViv(code));
    store(aTHX_ hash, "domain", newSViv(VKVM_ERROR_FROM_VKVM));
    store(aTHX_ hash, "message", newSVpvf("%" SVf ": %" SVf, SVfARG(name), SVfARG(message)));
    store(aTHX_ hash, "parameter", newSVsv(name));
    throw_hash(aTHX_ hash);
    NOT_REACHED;
}

void vkvm_perl_refuse(pTHX_ int code, const char *name, const char *pattern, ...)
{
    va_list arguments;
    SV *message = sv_2mortal(newSVpvs(""));
    va_start(arguments, pattern);
    sv_vcatpvf(message, pattern, &arguments);
    va_end(arguments);
    vkvm_perl_refuse_named(aTHX_ code, sv_2mortal(newSVpv(name, 0)), message);
}

bool vkvm_perl_has_died(pTHX)
{
    /* An object is not asked whether it is true: that may be Perl code, too. */
    return SvROK(ERRSV) || SvTRUE_nomg(ERRSV);
}

void vkvm_perl_warn_died(pTHX_ const char *what)
{
    dSP;
    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    EXTEND(SP, 2);
    mPUSHp(what, strlen(what));
    PUSHs(sv_mortalcopy(ERRSV));
    PUTBACK;
    call_pv("VKVM::_warn", G_VOID | G_DISCARD | G_EVAL);
    FREETMPS;
    LEAVE;
}

void vkvm_perl_keep_exception(pTHX)
{
    dMY_CXT;
    if (MY_CXT.exception)
        vkvm_perl_warn_died(aTHX_ "another callback died before the first exception was rethrown");
    else
        MY_CXT.exception = newSVsv(ERRSV);
}

SV *vkvm_perl_take_exception(pTHX)
{
    dMY_CXT;
    SV *exception = MY_CXT.exception;
    MY_CXT.exception = NULL;
    return exception;
}

void vkvm_perl_give_exception(pTHX_ SV *exception)
{
    dMY_CXT;
    SvREFCNT_dec(MY_CXT.exception);
    MY_CXT.exception = exception;
}

void vkvm_perl_rethrow(pTHX_ vkvm_error *error)
{
    SV *exception = vkvm_perl_take_exception(aTHX);
    if (!exception)
        return;
    vkvm_error_free(error);
    croak_sv(sv_2mortal(exception));
}
