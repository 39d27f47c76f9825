/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values to Perl structures: text as bytes, as Sys::Virt gives it, or as
 * characters, as the facade does. */

#include "vkvm_perl.h"

#ifdef MULTIPLICITY
#define dBUILDER vkvm_perl_builder *b = userdata; pTHX = b->my_perl
#else
#define dBUILDER vkvm_perl_builder *b = userdata
#endif

static void add_elsewhere(pTHX_ vkvm_perl_builder *b, SV *sv)
{
    SV *top;
    if (!b->depth) {
        b->root = sv;
        return;
    }
    top = b->level[b->depth - 1].container;
    if (top == (SV *)PL_curstack) {
        dSP;
        mXPUSHs(sv);
        PUTBACK;
    } else if (SvTYPE(top) == SVt_PVAV)
        av_push((AV *)top, sv);
    else {
        vkvm_perl_item item = { b->key, b->key_len, sv };
        vkvm_perl_store(aTHX_ (HV *)top, &item, b->form);
    }
}

PERL_STATIC_INLINE void add(pTHX_ vkvm_perl_builder *b, SV *sv)
{
    if (b->in_items) {
        vkvm_perl_item *item = &b->item[b->items++];
        item->key = b->key;
        item->len = b->key_len;
        item->value = sv;
    } else
        add_elsewhere(aTHX_ b, sv);
}

static void begin(pTHX_ vkvm_perl_builder *b, SV *container)
{
    if (container && container != (SV *)PL_curstack)
        add(aTHX_ b, newRV_noinc(container));
    vkvm_perl_level *level = &b->level[b->depth++];
    level->container = container;
    b->in_items = !container;
    level->first_item = b->items;
    level->key = b->key;
    level->key_len = b->key_len;
}

static void on_null(void *userdata)
{
    dBUILDER;
    add(aTHX_ b, newSV(0));
}

static void on_boolean(void *userdata, bool value)
{
    dBUILDER;
    add(aTHX_ b, value && b->form == VKVM_PERL_DOCUMENT ? vkvm_perl_true(aTHX) : newSViv(value ? 1 : 0));
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
    SV *sv = newSVpvn(text, len);
    if (b->form != VKVM_PERL_BYTES && !vkvm_perl_is_ascii(text, len))
        SvUTF8_on(sv);
    add(aTHX_ b, sv);
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
    add(aTHX_ b, vkvm_perl_any_object(aTHX_ handle));
}

static void on_list(void *userdata, size_t count)
{
    dBUILDER;
    if (b->spread == VKVM_PERL_LIST && !b->depth) {
        begin(aTHX_ b, (SV *)PL_curstack);
        return;
    }
    AV *array = newAV();
    if (count)
        av_extend(array, (SSize_t)count - 1);
    begin(aTHX_ b, (SV *)array);
}

static void on_map(void *userdata, size_t count)
{
    dBUILDER;
    HV *hash;
    if (b->spread == VKVM_PERL_MAP && !b->depth) {
        begin(aTHX_ b, (SV *)PL_curstack);
        return;
    }
    if (count <= VKVM_PERL_MODEL_KEYS && b->items + count <= VKVM_PERL_ITEMS) {
        begin(aTHX_ b, NULL);
        return;
    }
    hash = newHV();
    hv_ksplit(hash, count);
    if (b->form == VKVM_PERL_DOCUMENT)
        vkvm_perl_order_give(aTHX_ hash, newAV());
    begin(aTHX_ b, (SV *)hash);
}

static void on_key(void *userdata, const char *text, size_t len)
{
    vkvm_perl_builder *b = userdata;
    b->key = text;
    b->key_len = len;
}

static void on_end(void *userdata)
{
    dBUILDER;
    vkvm_perl_level *level = &b->level[--b->depth];
    b->in_items = b->depth && !level[-1].container;
    if (!level->container) {
        size_t count = b->items - level->first_item;
        const vkvm_perl_item *items = &b->item[level->first_item];
        HV *hash = vkvm_perl_hash(aTHX_ b->models, items, count, b->form);
        b->items = level->first_item;
        b->key = level->key;
        b->key_len = level->key_len;
        add(aTHX_ b, newRV_noinc((SV *)hash));
    }
}

const vkvm_value_visitor vkvm_perl_visitor = {
    on_null, on_boolean, on_int64, on_uint64, on_real, on_string,
    on_bytes, on_handle, on_list, on_map, on_key, on_end,
};

void vkvm_perl_begin(pTHX_ vkvm_perl_builder *b, enum vkvm_perl_form form)
{
#ifdef MULTIPLICITY
    b->my_perl = aTHX;
#endif
    b->models = vkvm_perl_models_of(aTHX);
    b->root = NULL;
    b->depth = 0;
    b->in_items = FALSE;
    b->items = 0;
    b->form = form;
    b->spread = form == VKVM_PERL_BYTES ? VKVM_PERL_LIST : VKVM_PERL_WHOLE;
}

SV **vkvm_perl_end(pTHX_ vkvm_perl_builder *b, int result, vkvm_error **error)
{
    if (result < 0) {
        /* What is refused is refused before anything is shown. */
        SvREFCNT_dec(b->root);
        vkvm_perl_throw_text(aTHX_ *error, b->form == VKVM_PERL_BYTES ? 0 : SVf_UTF8);
    }
    dSP;
    if (b->root)
        mXPUSHs(b->root);
    return SP;
}

SV **vkvm_perl_push_value(pTHX_ SV **sp, vkvm_value *value, enum vkvm_perl_form form)
{
    vkvm_error *error = NULL;
    vkvm_perl_builder b;
    PUTBACK;
    vkvm_perl_begin(aTHX_ &b, form);
    int result = vkvm_value_visit_and_free(value, &vkvm_perl_visitor, &b, &error);
    return vkvm_perl_end(aTHX_ &b, result, &error);
}

SV **vkvm_perl_show_value(pTHX_ SV **sp, vkvm_value *value, enum vkvm_perl_spread spread)
{
    vkvm_error *error = NULL;
    vkvm_perl_builder b;
    PUTBACK;
    vkvm_perl_begin(aTHX_ &b, VKVM_PERL_BYTES);
    b.spread = spread;
    int result = vkvm_value_visit(value, NULL, &vkvm_perl_visitor, &b, &error);
    return vkvm_perl_end(aTHX_ &b, result, &error);
}
