/* The interpreter's state, objects, and exceptions. */

#include "vkvm_perl.h"

typedef struct {
    HV *stash[vkvm_perl_class_count]; /* looked up once: blessing is frequent */
    HV *error_stash;
    SV *exception;                    /* the first that a callback threw */
    UV interpreter;                   /* a number that no other interpreter gets */
    vkvm_perl_models models;
} my_cxt_t;

#define MY_CXT_KEY "VKVM::_guts"
START_MY_CXT

static const char *const packages[] = {
#define X(class, package) package,
    VKVM_PERL_CLASSES(X)
#undef X
};

static const char *const classes[] = {
#define X(class, package) #class,
    VKVM_PERL_CLASSES(X)
#undef X
};

static void set_up(pTHX_ my_cxt_t *cxt)
{
    static UV interpreters;
    for (int i = 0; i < vkvm_perl_class_count; i++)
        cxt->stash[i] = gv_stashpv(packages[i], GV_ADD);
    cxt->error_stash = gv_stashpv("VKVM::Error", GV_ADD);
    cxt->exception = NULL;
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

static HV *stash_of(my_cxt_t *cxt, const char *class)
{
    if (strEQ(class, "error"))
        return cxt->error_stash;
    for (int i = 0; i < vkvm_perl_class_count; i++)
        if (strEQ(class, classes[i]))
            return cxt->stash[i];
    return NULL;
}

static SV *member(pTHX_ SV *hashref, const char *key)
{
    SV **found = hv_fetch((HV *)SvRV(hashref), key, strlen(key), 0);
    return found ? *found : &PL_sv_undef;
}

static void make_constants(pTHX_ my_cxt_t *cxt)
{
    vkvm_error *error = NULL;
    vkvm_value *list;
    if (vkvm_constant_list(&list, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    SV *constants = sv_2mortal(vkvm_perl_from_value(aTHX_ list));
    vkvm_value_free(list);
    AV *array = (AV *)SvRV(constants);
    for (SSize_t i = 0; i <= av_top_index(array); i++) {
        SV *constant = *av_fetch(array, i, 0);
        HV *stash = stash_of(cxt, SvPV_nolen(member(aTHX_ constant, "class")));
        if (stash)
            newCONSTSUB(stash, SvPV_nolen(member(aTHX_ constant, "name")),
                        newSVsv(member(aTHX_ constant, "value")));
    }
}

void vkvm_perl_boot(pTHX)
{
    MY_CXT_INIT;
    set_up(aTHX_ &MY_CXT);
    make_constants(aTHX_ &MY_CXT);
}

void vkvm_perl_clone(pTHX)
{
    MY_CXT_CLONE;
    set_up(aTHX_ &MY_CXT);
}

SV *vkvm_perl_any_object(pTHX_ void *handle, const char *class)
{
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

static void store_text(pTHX_ HV *hash, const char *key, const char *text)
{
    if (text)
        store(aTHX_ hash, key, newSVpv(text, 0));
}

static void throw_hash(pTHX_ HV *hash)
{
    dMY_CXT;
    croak_sv(sv_2mortal(sv_bless(newRV_noinc((SV *)hash), MY_CXT.error_stash)));
}

void vkvm_perl_throw(pTHX_ vkvm_error *error)
{
    HV *hash = newHV();
    store(aTHX_ hash, "level", newSViv(vkvm_error_level(error)));
    store(aTHX_ hash, "code", newSViv(vkvm_error_code(error)));
    store(aTHX_ hash, "domain", newSViv(vkvm_error_domain(error)));
    store_text(aTHX_ hash, "message", vkvm_error_message(error));
    store_text(aTHX_ hash, "str1", vkvm_error_str1(error));
    store_text(aTHX_ hash, "str2", vkvm_error_str2(error));
    store_text(aTHX_ hash, "str3", vkvm_error_str3(error));
    store(aTHX_ hash, "int1", newSViv(vkvm_error_int1(error)));
    store(aTHX_ hash, "int2", newSViv(vkvm_error_int2(error)));
    store_text(aTHX_ hash, "function", vkvm_error_function(error));
    store_text(aTHX_ hash, "parameter", vkvm_error_parameter(error));
    if (vkvm_error_line(error)) {
        store(aTHX_ hash, "line", newSVuv(vkvm_error_line(error)));
        store(aTHX_ hash, "column", newSVuv(vkvm_error_column(error)));
    }
    /* croak does not return, so the C error goes first. */
    vkvm_error_free(error);
    throw_hash(aTHX_ hash);
    NOT_REACHED;
}

void vkvm_perl_refuse(pTHX_ int code, const char *name, const char *pattern, ...)
{
    va_list arguments;
    HV *hash = newHV();
    SV *message = newSVpvf("%s: ", name);
    va_start(arguments, pattern);
    sv_vcatpvf(message, pattern, &arguments);
    va_end(arguments);
    store(aTHX_ hash, "level", newSViv(VKVM_ERROR_LEVEL_ERROR));
    store(aTHX_ hash, "code", newSViv(code));
    store(aTHX_ hash, "domain", newSViv(VKVM_ERROR_FROM_VKVM));
    store(aTHX_ hash, "message", message);
    store_text(aTHX_ hash, "parameter", name);
    throw_hash(aTHX_ hash);
    NOT_REACHED;
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

void vkvm_perl_rethrow(pTHX_ vkvm_error *error)
{
    dMY_CXT;
    SV *exception = MY_CXT.exception;
    if (!exception)
        return;
    MY_CXT.exception = NULL;
    vkvm_error_free(error);
    croak_sv(sv_2mortal(exception));
}
