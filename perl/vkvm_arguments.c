/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Perl's arguments, checked and turned into C's. */

#include "vkvm_perl.h"

bool vkvm_perl_given(SV *sv)
{
    /* Only asking tells what is in a tied variable, or in a substr. */
    if (sv && SvGMAGICAL(sv)) {
        dTHX;
        mg_get(sv);
    }
    return sv && SvOK(sv);
}

void *vkvm_perl_handle(pTHX_ SV *sv, const char *name)
{
    SvGETMAGIC(sv);
    if (SvROK(sv) && SvOBJECT(SvRV(sv)) && SvIOK(SvRV(sv)))
        return INT2PTR(void *, SvIVX(SvRV(sv)));
    vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_FOREIGN_HANDLE, name,
                     !SvOK(sv)   ? "is undef; an object is needed"
                     : SvROK(sv) ? "is a reference to something else; an object is needed"
                                 : "is a plain scalar; an object is needed");
}

void *vkvm_perl_handle_or_null(pTHX_ SV *sv, const char *name)
{
    void *handle;
    if (!vkvm_perl_given(sv))
        return NULL;
    handle = vkvm_perl_handle(aTHX_ sv, name);
    /* Not to be taken for one that was left out. */
    if (!handle)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_STALE_HANDLE, name, "has been destroyed");
    return handle;
}

/* Memory that lives as long as the calling statement. */
static void *temporary(pTHX_ size_t size)
{
    SV *buffer = sv_2mortal(newSV(size ? size : 1));
    return SvPVX(buffer);
}

static AV *array_of(pTHX_ SV *sv, const char *name)
{
    SvGETMAGIC(sv);
    if (!SvROK(sv) || SvOBJECT(SvRV(sv)) || SvTYPE(SvRV(sv)) != SVt_PVAV)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name, "is no array reference");
    return (AV *)SvRV(sv);
}

void **vkvm_perl_handles(pTHX_ SV *sv, const char *name, size_t *count)
{
    AV *array = array_of(aTHX_ sv, name);
    *count = (size_t)(av_top_index(array) + 1);
    void **handles = temporary(aTHX_ *count * sizeof *handles);
    for (size_t i = 0; i < *count; i++)
        handles[i] = vkvm_perl_handle(aTHX_ vkvm_perl_array_at(aTHX_ array, i), name);
    return handles;
}

const int *vkvm_perl_ints(pTHX_ SV *sv, const char *name, size_t *count)
{
    AV *array = array_of(aTHX_ sv, name);
    *count = (size_t)(av_top_index(array) + 1);
    int *ints = temporary(aTHX_ *count * sizeof *ints);
    for (size_t i = 0; i < *count; i++)
        ints[i] = (int)vkvm_perl_int(aTHX_ vkvm_perl_array_at(aTHX_ array, i), name, INT_MIN, INT_MAX);
    return ints;
}

/* An object that says how it looks as text or as a number. Perl's own flag,
 * SvAMAGIC, only says that it may. */
bool vkvm_perl_is_overloaded(pTHX_ SV *sv)
{
    HV *stash;
    if (!SvROK(sv) || !SvOBJECT(SvRV(sv)))
        return FALSE;
    stash = SvSTASH(SvRV(sv));
    return gv_fetchmeth_pvn(stash, "(\"\"", 3, -1, 0) || gv_fetchmeth_pvn(stash, "(0+", 3, -1, 0);
}

/* A scalar that may stand for text or a number: not undef, and no reference
 * but an object that says how it looks as text. For a program of Sys::Virt's undef is
 * "" or 0, as there, and Perl warns when it is taken so. */
static void want_scalar(pTHX_ SV *sv, const char *name, const char *wanted)
{
    SvGETMAGIC(sv);
    if (!SvOK(sv) && !vkvm_perl_is_sysvirt(aTHX))
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name, "is undef; %s is needed", wanted);
    if (SvROK(sv) && !vkvm_perl_is_overloaded(aTHX_ sv))
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name, "is a reference; %s is needed",
                         wanted);
}

const void *vkvm_perl_bytes(pTHX_ SV *sv, const char *name, size_t *len)
{
    STRLEN length;
    want_scalar(aTHX_ sv, name, "a string");
    const char *bytes = SvPV_nomg(sv, length);
    *len = length;
    return bytes;
}

const char *vkvm_perl_text(pTHX_ SV *sv, const char *name)
{
    size_t len;
    const char *text = vkvm_perl_bytes(aTHX_ sv, name, &len);
    const char *nul = memchr(text, '\0', len);
    if (nul)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_EMBEDDED_NUL, name,
                         "has a NUL byte at offset %d; text must not have one",
                         (int)(nul - text));
    return text;
}

const char *vkvm_perl_characters(pTHX_ SV *sv, const char *name)
{
    /* Most strings have the bytes that are wanted. */
    if (SvPOK(sv) && !SvGMAGICAL(sv)
        && (SvUTF8(sv) || vkvm_perl_is_ascii(SvPVX(sv), SvCUR(sv))))
        return vkvm_perl_text(aTHX_ sv, name);
    /* A copy, because the caller's string is to stay as it is stored. */
    want_scalar(aTHX_ sv, name, "a string");
    SV *copy = sv_2mortal(newSVsv_nomg(sv));
    sv_utf8_upgrade(copy);
    return vkvm_perl_text(aTHX_ copy, name);
}

const char *const *vkvm_perl_texts(pTHX_ SV *sv, const char *name, size_t *count)
{
    AV *array = array_of(aTHX_ sv, name);
    *count = (size_t)(av_top_index(array) + 1);
    const char **texts = temporary(aTHX_ *count * sizeof *texts);
    for (size_t i = 0; i < *count; i++) {
        /* A copy: what is behind a tied or overloaded item may not last. */
        const char *text = vkvm_perl_text(aTHX_ vkvm_perl_array_at(aTHX_ array, i), name);
        size_t size = strlen(text) + 1;
        texts[i] = memcpy(temporary(aTHX_ size), text, size);
    }
    return texts;
}

/* A whole number as sign and magnitude, which hold every 64-bit integer. */
static UV whole_number(pTHX_ SV *sv, const char *name, bool *negative)
{
    want_scalar(aTHX_ sv, name, "a number");
    if (!SvOK(sv) || (SvPOK(sv) && !SvIOK(sv) && !SvNOK(sv) && SvCUR(sv) == 0
                      && vkvm_perl_is_sysvirt(aTHX))) {
        /* Perl's own reading, with its warning: undef and "" are Perl's false. */
        *negative = FALSE;
        return SvUV_nomg(sv);
    }
    if (SvIOK(sv) && !SvROK(sv)) {
        *negative = !SvIsUV(sv) && SvIVX(sv) < 0;
        return *negative ? -(UV)SvIVX(sv) : SvUVX(sv);
    }
    /* An object like Math::BigInt's has all its digits only as text. */
    if (SvPOK(sv) || SvROK(sv)) {
        UV magnitude;
        STRLEN len;
        const char *text = SvPV_nomg(sv, len);
        int kind = grok_number(text, len, &magnitude);
        if (!kind)
            vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name,
                             "is \"%" SVf_(60) "\"; a number is needed",
                             SVfARG(sv_2mortal(newSVpvn_utf8(text, len, SvUTF8(sv) != 0))));
        if (kind & IS_NUMBER_IN_UV) {
            *negative = (kind & IS_NUMBER_NEG) != 0;
            return magnitude;
        }
    }
    NV number = SvNV_nomg(sv);
    *negative = number < 0;
    number = *negative ? -number : number;
    if (!(number < 18446744073709551616.0))
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name, "is %g, which is out of range",
                         (double)SvNV_nomg(sv));
    return (UV)number;
}

IV vkvm_perl_int(pTHX_ SV *sv, const char *name, IV min, IV max)
{
    bool negative;
    UV magnitude = whole_number(aTHX_ sv, name, &negative);
    if (negative ? magnitude > -(UV)min : magnitude > (UV)max)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name,
                         "is %s%" UVuf "; a number from %" IVdf " to %" IVdf " is needed",
                         negative ? "-" : "", magnitude, min, max);
    return negative ? (IV)-magnitude : (IV)magnitude;
}

UV vkvm_perl_uint(pTHX_ SV *sv, const char *name, UV max)
{
    bool negative;
    UV magnitude = whole_number(aTHX_ sv, name, &negative);
    /* A program of Sys::Virt's may say -1 for all bits, as in C. */
    if (negative && magnitude && magnitude <= max / 2 + 1 && vkvm_perl_is_sysvirt(aTHX))
        return max - magnitude + 1;
    if ((negative && magnitude) || magnitude > max)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_INVALID, name,
                         "is %s%" UVuf "; a number from 0 to %" UVuf " is needed",
                         negative ? "-" : "", magnitude, max);
    return magnitude;
}

