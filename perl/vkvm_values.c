/* Values to Perl structures: bytes, as Sys::Virt gives them. */

#include "vkvm_perl.h"

#define MAX_DEPTH 101

typedef struct {
#ifdef MULTIPLICITY
    PerlInterpreter *my_perl;
#endif
    SV *root;
    SV *container[MAX_DEPTH]; /* the lists and maps that are not complete */
    int depth;
    bool flat;                /* the outermost map becomes an array of its values */
    const char *key;
    size_t key_len;
} builder;

#ifdef MULTIPLICITY
#define dBUILDER builder *b = userdata; pTHX = b->my_perl
#else
#define dBUILDER builder *b = userdata
#endif

static void add(pTHX_ builder *b, SV *sv)
{
    SV *top;
    if (!b->depth) {
        b->root = sv;
        return;
    }
    top = b->container[b->depth - 1];
    if (SvTYPE(top) == SVt_PVAV)
        av_push((AV *)top, sv);
    else
        (void)hv_store((HV *)top, b->key, (I32)b->key_len, sv, 0);
}

static void begin(pTHX_ builder *b, SV *container)
{
    add(aTHX_ b, newRV_noinc(container));
    b->container[b->depth++] = container;
}

static void on_null(void *userdata)
{
    dBUILDER;
    add(aTHX_ b, newSV(0));
}

static void on_boolean(void *userdata, bool value)
{
    dBUILDER;
    add(aTHX_ b, newSViv(value ? 1 : 0));
}

static void on_int64(void *userdata, int64_t value)
{
    dBUILDER;
    add(aTHX_ b, newSViv(value));
}

static void on_uint64(void *userdata, uint64_t value)
{
    dBUILDER;
    add(aTHX_ b, newSVuv(value));
}

static void on_real(void *userdata, double value)
{
    dBUILDER;
    add(aTHX_ b, newSVnv(value));
}

static void on_string(void *userdata, const char *text, size_t len)
{
    dBUILDER;
    add(aTHX_ b, newSVpvn(text, len));
}

static void on_bytes(void *userdata, const uint8_t *data, size_t len)
{
    dBUILDER;
    add(aTHX_ b, newSVpvn((const char *)data, len));
}

static void on_handle(void *userdata, void *handle, const char *class_name, size_t len)
{
    dBUILDER;
    PERL_UNUSED_ARG(class_name);
    PERL_UNUSED_ARG(len);
    add(aTHX_ b, vkvm_perl_any_object(aTHX_ handle, vkvm_handle_class_name(handle)));
}

static void on_list(void *userdata, size_t count)
{
    dBUILDER;
    AV *array = newAV();
    if (count)
        av_extend(array, (SSize_t)count - 1);
    begin(aTHX_ b, (SV *)array);
}

static void on_map(void *userdata, size_t count)
{
    dBUILDER;
    HV *hash;
    if (b->flat && !b->depth) {
        begin(aTHX_ b, (SV *)newAV());
        return;
    }
    hash = newHV();
    if (count > PERL_HASH_DEFAULT_HvMAX)
        hv_ksplit(hash, count);
    begin(aTHX_ b, (SV *)hash);
}

static void on_key(void *userdata, const char *text, size_t len)
{
    builder *b = userdata;
    b->key = text;
    b->key_len = len;
}

static void on_end(void *userdata)
{
    builder *b = userdata;
    b->depth--;
}

static const vkvm_value_visitor visitor = {
    on_null, on_boolean, on_int64, on_uint64, on_real, on_string,
    on_bytes, on_handle, on_list, on_map, on_key, on_end,
};

static SV *build(pTHX_ vkvm_value *value, bool flat)
{
    vkvm_error *error = NULL;
    builder b;
#ifdef MULTIPLICITY
    b.my_perl = aTHX;
#endif
    b.root = NULL;
    b.depth = 0;
    b.flat = flat;
    if (vkvm_value_visit(value, NULL, &visitor, &b, &error) < 0) {
        SvREFCNT_dec(b.root);
        vkvm_perl_throw(aTHX_ error);
    }
    return b.root;
}

SV *vkvm_perl_from_value(pTHX_ vkvm_value *value)
{
    return build(aTHX_ value, FALSE);
}

AV *vkvm_perl_values_of_map(pTHX_ vkvm_value *map)
{
    return (AV *)SvRV(sv_2mortal(build(aTHX_ map, TRUE)));
}

SV **vkvm_perl_push_value(pTHX_ SV **sp, vkvm_value *value)
{
    SV *sv = sv_2mortal(vkvm_perl_from_value(aTHX_ value));
    vkvm_value_free(value);
    if (!SvROK(sv) || SvTYPE(SvRV(sv)) != SVt_PVAV) {
        XPUSHs(sv);
        return sp;
    }
    AV *array = (AV *)SvRV(sv);
    SSize_t count = av_top_index(array) + 1;
    EXTEND(SP, count);
    for (SSize_t i = 0; i < count; i++)
        PUSHs(sv_mortalcopy(*av_fetch(array, i, 0)));
    return sp;
}
