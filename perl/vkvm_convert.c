/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Perl structures to values: text from bytes or from characters. */

#include "vkvm_perl.h"

/* How deep the structures are that Perl may pass: as deep as the library takes. */
#define MAX_DEPTH 100

/* --- booleans ----------------------------------------------------------- */

SV *vkvm_perl_true(pTHX)
{
    SV *sv = newSVsv(&PL_sv_yes);
#ifndef SvIsBOOL
    /* Before Perl 5.36 a copy of true is the text "1" that has been used as a number. Such
     * a text is not marked as UTF-8, too, unless a program has done all that to it. */
    SvUTF8_on(sv);
#endif
    return sv;
}

static bool is_boolean_object(pTHX_ SV *sv)
{
    static const char *const packages[] = { "JSON::PP::Boolean", "Types::Serialiser::Boolean",
                                            "Cpanel::JSON::XS::Boolean", "boolean" };
    if (!SvROK(sv) || !SvOBJECT(SvRV(sv)) || SvTYPE(SvRV(sv)) >= SVt_PVGV)
        return FALSE;
    for (size_t i = 0; i < C_ARRAY_LENGTH(packages); i++)
        if (strEQ(sv_reftype(SvRV(sv), TRUE), packages[i]))
            return TRUE;
    return FALSE;
}

int vkvm_perl_boolean(pTHX_ SV *sv)
{
    if (sv == &PL_sv_yes || sv == &PL_sv_no)
        return sv == &PL_sv_yes;
    if (is_boolean_object(aTHX_ sv))
        return SvTRUE_nomg(SvRV(sv)) ? 1 : 0;
#ifdef SvIsBOOL
    if (SvIsBOOL(sv))
        return SvTRUE_nomg(sv) ? 1 : 0;
#else
    if (SvPOK(sv) && SvIOK(sv) && SvNOK(sv)) {
        if (SvCUR(sv) == 0 && SvIVX(sv) == 0)
            return 0;
        if (SvUTF8(sv) && SvCUR(sv) == 1 && *SvPVX(sv) == '1' && SvIVX(sv) == 1)
            return 1;
    }
#endif
    return -1;
}

/* --- structures --------------------------------------------------------- */

/* What a program passes may be secret: it does not stay in memory that is freed. */
static void free_value(pTHX_ void *value)
{
    PERL_UNUSED_CONTEXT;
    vkvm_value_wipe_and_free(value);
}

/* Frees the value when the scope that the caller entered is left. */
static vkvm_value *scoped(pTHX_ vkvm_value *value)
{
    SAVEDESTRUCTOR_X(free_value, value);
    return value;
}

/* What is being converted: a parameter, in which text is bytes or characters. */
typedef struct {
    const char *name;
    bool characters;
} given;

/* Where in it the scalar at hand is: a key, or an item, of what is above it. */
typedef struct place {
    const struct place *above; /* NULL for the parameter itself */
    SV *key;
    SSize_t index;
    int depth;
} place;

static void append_path(pTHX_ SV *path, const place *at)
{
    if (!at->above)
        return;
    append_path(aTHX_ path, at->above);
    if (at->above->above)
        sv_catpvs(path, ".");
    if (at->key)
        sv_catpvf(path, "%" SVf_(60), SVfARG(at->key));
    else
        sv_catpvf(path, "%" IVdf, (IV)at->index);
}

static void refuse_at(pTHX_ const given *what, const place *at, int code, const char *pattern, ...)
    __attribute__((noreturn));

/* Dies with the path of what is refused: params: "disk.1" is ... */
static void refuse_at(pTHX_ const given *what, const place *at, int code, const char *pattern, ...)
{
    va_list arguments;
    SV *path = sv_2mortal(newSVpvs("")), *message = sv_2mortal(newSVpvs(""));
    append_path(aTHX_ path, at);
    va_start(arguments, pattern);
    sv_vcatpvf(message, pattern, &arguments);
    va_end(arguments);
    if (at->above)
        vkvm_perl_refuse(aTHX_ code, what->name, "\"%" SVf "\" %" SVf, SVfARG(path),
                         SVfARG(message));
    vkvm_perl_refuse(aTHX_ code, what->name, "%" SVf, SVfARG(message));
}

/* Dies if a call failed, with the path as well. */
static void check_at(pTHX_ const given *what, const place *at, int result, vkvm_error **error)
{
    int code;
    if (result >= 0)
        return;
    SV *message = vkvm_perl_take_error(aTHX_ *error, &code, what->characters);
    refuse_at(aTHX_ what, at, code, at->above ? "is refused: %" SVf : "%" SVf, SVfARG(message));
}

/* Text, of a value or of a key. */
static const char *text_at(pTHX_ SV *sv, const given *what, const place *at)
{
    STRLEN len;
    const char *text, *nul;
    if (what->characters
        && !(SvPOK(sv) && (SvUTF8(sv) || vkvm_perl_is_ascii(SvPVX(sv), SvCUR(sv))))) {
        /* A copy, because the caller's string is to stay as it is stored. */
        sv = sv_2mortal(newSVsv_nomg(sv));
        sv_utf8_upgrade(sv);
    }
    text = SvPV_nomg(sv, len);
    nul = memchr(text, '\0', len);
    if (nul)
        refuse_at(aTHX_ what, at, VKVM_ERROR_OWN_EMBEDDED_NUL,
                  "has a NUL byte at offset %d; text must not have one", (int)(nul - text));
    return text;
}

static vkvm_value *convert(pTHX_ SV *sv, const given *what, const place *at);

/* Keeps what is converted until the scope is left: Perl code that is called on the way, by
 * something tied or overloaded, may take it out of its hash. Not as a temporary, which
 * would end later than the caller's eval, and may have a destructor that dies. */
static SV *kept(pTHX_ SV *sv)
{
    SvREFCNT_inc_simple_void_NN(sv);
    SAVEFREESV(sv);
    return sv;
}

static void put_item(pTHX_ vkvm_value *map, SV *key, SV *sv, const given *what, const place *at)
{
    vkvm_error *error = NULL;
    place below = { at, key, 0, at->depth + 1 };
    const char *text = text_at(aTHX_ key, what, &below);
    ENTER;
    kept(aTHX_ sv);
    vkvm_value *item = convert(aTHX_ sv, what, &below);
    check_at(aTHX_ what, &below, vkvm_value_put(map, NULL, text, item, &error), &error);
    LEAVE;
}

/* The keys of a hash: those that it has an order of, and then the others, sorted; the order
 * that Perl has them in is another one in each run of a program. */
static AV *keys_of(pTHX_ HV *hash)
{
    AV *keys = (AV *)sv_2mortal((SV *)newAV()), *order = vkvm_perl_order_of(aTHX_ hash);
    HV *known = (HV *)sv_2mortal((SV *)newHV());
    HE *entry;
    for (SSize_t i = 0; order && i <= av_top_index(order); i++) {
        SV *key = *av_fetch(order, i, 0);
        if (hv_exists_ent(hash, key, 0)) {
            av_push(keys, SvREFCNT_inc(key));
            (void)hv_store_ent(known, key, newSV(0), 0);
        }
    }
    SSize_t count = av_top_index(keys) + 1;
    if (count == (SSize_t)HvUSEDKEYS(hash))
        return keys;
    hv_iterinit(hash);
    while ((entry = hv_iternext(hash))) {
        SV *key = hv_iterkeysv(entry);
        if (!hv_exists_ent(known, key, 0))
            av_push(keys, newSVsv(key));
    }
    sortsv(AvARRAY(keys) + count, (size_t)(av_top_index(keys) + 1 - count), Perl_sv_cmp);
    return keys;
}

static vkvm_value *convert_hash(pTHX_ HV *hash, const given *what, const place *at)
{
    vkvm_error *error = NULL;
    vkvm_value *map;
    check_at(aTHX_ what, at, vkvm_value_new_map(&map, &error), &error);
    scoped(aTHX_ map);
    if (SvRMAGICAL((SV *)hash)) {
        /* Tied: it has an order of its own. */
        HE *entry;
        hv_iterinit(hash);
        while ((entry = hv_iternext(hash)))
            put_item(aTHX_ map, hv_iterkeysv(entry), hv_iterval(hash, entry), what, at);
        return map;
    }
    AV *keys = keys_of(aTHX_ hash);
    for (SSize_t i = 0; i <= av_top_index(keys); i++) {
        SV *key = *av_fetch(keys, i, 0);
        HE *entry = hv_fetch_ent(hash, key, 0, 0);
        if (entry)
            put_item(aTHX_ map, key, HeVAL(entry), what, at);
    }
    return map;
}

static vkvm_value *convert_array(pTHX_ AV *array, const given *what, const place *at)
{
    vkvm_error *error = NULL;
    vkvm_value *list;
    check_at(aTHX_ what, at, vkvm_value_new_list(&list, &error), &error);
    scoped(aTHX_ list);
    for (SSize_t i = 0; i <= av_top_index(array); i++) {
        place below = { at, NULL, i, at->depth + 1 };
        ENTER;
        SV *sv = kept(aTHX_ vkvm_perl_array_at(aTHX_ array, (size_t)i));
        vkvm_value *item = convert(aTHX_ sv, what, &below);
        check_at(aTHX_ what, &below, vkvm_value_append(list, NULL, item, &error), &error);
        LEAVE;
    }
    return list;
}

/* Perl keeps many a whole number, such as 2**40 and 1e9, as a double. */
static int set_number(vkvm_value *value, NV number, vkvm_error **error)
{
    if (number >= 0 && number < 18446744073709551616.0 && number == (NV)(UV)number)
        return vkvm_value_set_uint64(value, NULL, (UV)number, error);
    if (number < 0 && number >= -9223372036854775808.0 && number == (NV)(IV)number)
        return vkvm_value_set_int64(value, NULL, (IV)number, error);
    return vkvm_value_set_double(value, NULL, number, error);
}

/* What a reference is that is no value. */
static SV *described(pTHX_ SV *sv)
{
    SV *to = SvRV(sv);
    if (SvOBJECT(to))
        return sv_2mortal(newSVpvf("an object of the class %s", sv_reftype(to, TRUE)));
    switch (SvTYPE(to)) {
    case SVt_PVCV: return sv_2mortal(newSVpvs("a code reference"));
    case SVt_PVGV: return sv_2mortal(newSVpvs("a reference to a file handle or glob"));
    default:
        return sv_2mortal(SvROK(to) ? newSVpvs("a reference to a reference")
                          : SvTYPE(to) < SVt_PVAV ? newSVpvs("a reference to a scalar")
                                                  : newSVpvf("a reference to %s",
                                                             sv_reftype(to, FALSE)));
    }
}

static vkvm_value *convert_scalar(pTHX_ SV *sv, const given *what, const place *at)
{
    vkvm_error *error = NULL;
    vkvm_value *value;
    int result = 0, boolean;
    check_at(aTHX_ what, at, vkvm_value_new_null(&value, &error), &error);
    scoped(aTHX_ value);
    if (!SvOK(sv))
        return value;
    boolean = vkvm_perl_boolean(aTHX_ sv);
    if (boolean >= 0)
        result = vkvm_value_set_bool(value, NULL, boolean, &error);
    else if (SvROK(sv) && !vkvm_perl_is_overloaded(aTHX_ sv)) {
        if (!SvOBJECT(SvRV(sv)) || !SvIOK(SvRV(sv)))
            refuse_at(aTHX_ what, at, VKVM_ERROR_OWN_INVALID,
                      "is %" SVf ", which is no value; text, a number, a boolean, undef, an object "
                      "of libvkvm, or a reference to a hash or an array is needed",
                      SVfARG(described(aTHX_ sv)));
        result = vkvm_value_set_handle(value, NULL, INT2PTR(void *, SvIVX(SvRV(sv))), &error);
    } else if (SvPOK(sv) || SvROK(sv))
        result = vkvm_value_set_string(value, NULL, text_at(aTHX_ sv, what, at), &error);
    else if (SvIOK(sv) && SvIsUV(sv))
        result = vkvm_value_set_uint64(value, NULL, SvUVX(sv), &error);
    else if (SvIOK(sv))
        result = vkvm_value_set_int64(value, NULL, SvIVX(sv), &error);
    else if (SvNIOK(sv) || SvIOKp(sv) || SvNOKp(sv))
        result = set_number(value, SvNV_nomg(sv), &error);
    else
        refuse_at(aTHX_ what, at, VKVM_ERROR_OWN_INVALID,
                  "is %s, which is no value", sv_reftype(sv, FALSE));
    check_at(aTHX_ what, at, result, &error);
    return value;
}

static vkvm_value *convert(pTHX_ SV *sv, const given *what, const place *at)
{
    if (at->depth > MAX_DEPTH)
        vkvm_perl_refuse(aTHX_ VKVM_ERROR_OWN_TOO_LARGE, what->name,
                         "is nested more than %d levels deep, or contains itself", MAX_DEPTH);
    SvGETMAGIC(sv);
    if (SvROK(sv) && !SvOBJECT(SvRV(sv)) && SvTYPE(SvRV(sv)) == SVt_PVHV)
        return convert_hash(aTHX_ (HV *)SvRV(sv), what, at);
    if (SvROK(sv) && !SvOBJECT(SvRV(sv)) && SvTYPE(SvRV(sv)) == SVt_PVAV)
        return convert_array(aTHX_ (AV *)SvRV(sv), what, at);
    return convert_scalar(aTHX_ sv, what, at);
}

static vkvm_value *owned(pTHX_ SV *sv, const char *name, bool characters)
{
    const given what = { name, characters };
    const place whole = { NULL, NULL, 0, 1 };
    /* A temporary object frees the value at the end of the calling statement;
     * the scope here only guards the way there. */
    ENTER;
    vkvm_value *value = vkvm_value_ref(convert(aTHX_ sv, &what, &whole));
    LEAVE;
    SV *owner = sv_newmortal();
    sv_setref_iv(owner, "VKVM::_Value", PTR2IV(value));
    return value;
}

vkvm_value *vkvm_perl_to_value(pTHX_ SV *sv, const char *name)
{
    return owned(aTHX_ sv, name, FALSE);
}

vkvm_value *vkvm_perl_characters_to_value(pTHX_ SV *sv, const char *name)
{
    return owned(aTHX_ sv, name, TRUE);
}
