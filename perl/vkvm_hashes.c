/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hashes that have the same keys as one before.
 *
 * Nearly every hash made here does: each get_info has the same five keys. Perl
 * copies a hash in a third of the time that it takes to store key by key, so a
 * hash of each such set of keys, the model, is kept and copied. */

#include "vkvm_perl.h"

/* How often other keys are met where a model is kept until it is replaced. To
 * make a model costs as much as two hashes, in vain if its keys never return. */
#define PATIENCE 16

/* The place of the model for such keys, if there is one. Made of what is quick
 * to get at; that the keys are the same is checked later. */
static vkvm_perl_model **place_of(vkvm_perl_models *models, const vkvm_perl_item *items,
                                  size_t count)
{
    size_t sum = count;
    for (size_t i = 0; i < count; i++)
        sum = 31 * sum + items[i].len + (items[i].len ? 7 * (U8)items[i].key[items[i].len / 2] : 0);
    return &models->model[sum % VKVM_PERL_MODELS];
}

static bool has_keys(const vkvm_perl_model *model, const vkvm_perl_item *items, size_t count)
{
    if (!model || model->count != count)
        return FALSE;
    for (size_t i = 0; i < count; i++) {
        const HEK *key = model->key[i];
        if ((size_t)HEK_LEN(key) != items[i].len
            || memNE(HEK_KEY(key), items[i].key, items[i].len))
            return FALSE;
    }
    return TRUE;
}

static size_t item_of(const HE *entry, const vkvm_perl_item *items)
{
    size_t item = 0;
    while ((size_t)HeKLEN(entry) != items[item].len
           || memNE(HeKEY(entry), items[item].key, items[item].len))
        item++;
    return item;
}

static HV *copy(pTHX_ const vkvm_perl_model *model, const vkvm_perl_item *items)
{
    HV *hash = newHVhv(model->hash);
    size_t n = 0;
    for (size_t i = 0; i <= HvMAX(hash); i++)
        for (HE *entry = HvARRAY(hash)[i]; entry; entry = HeNEXT(entry)) {
            size_t item = model->order[n++];
            /* The copy has the order and the very keys of the model, which
             * Perl does not promise. */
            if (HeKEY_hek(entry) != model->key[item])
                item = item_of(entry, items);
            /* Perl copies the model's values, but not this one. */
            if (HeVAL(entry) != &PL_sv_undef)
                SvREFCNT_dec(HeVAL(entry));
            HeVAL(entry) = items[item].value;
        }
    return hash;
}

/* Whether the order of the keys says something: only that of an element's children does.
 * Most elements have nothing but attributes. */
static bool has_order(const vkvm_perl_item *items, size_t count)
{
    size_t children = 0;
    for (size_t i = 0; i < count; i++)
        children += items[i].len && items[i].key[0] != '@' && items[i].key[0] != '#';
    return children > 1;
}

static void make_model(pTHX_ vkvm_perl_model **place, const vkvm_perl_item *items, size_t count)
{
    size_t n = 0;
    if (!*place)
        Newxz(*place, 1, vkvm_perl_model);
    vkvm_perl_model *model = *place;
    SvREFCNT_dec(model->hash);
    SvREFCNT_dec(model->sequence);
    model->sequence = NULL;
    model->hash = newHV();
    model->misses = 0;
    hv_ksplit(model->hash, count);
    for (size_t i = 0; i < count; i++)
        (void)hv_store(model->hash, items[i].key, (I32)items[i].len, &PL_sv_undef, 0);
    for (size_t i = 0; i <= HvMAX(model->hash); i++)
        for (HE *entry = HvARRAY(model->hash)[i]; entry; entry = HeNEXT(entry)) {
            size_t item = item_of(entry, items);
            model->key[item] = HeKEY_hek(entry);
            model->order[n++] = (U8)item;
        }
    /* A key that comes twice has no place of its own in a hash. */
    model->count = n == count ? count : 0;
    model->has_order = has_order(items, count);
}

/* Whether the keys are the same as bytes and as characters. */
static bool are_ascii(const vkvm_perl_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!vkvm_perl_is_ascii(items[i].key, items[i].len))
            return FALSE;
    return TRUE;
}

void vkvm_perl_store(pTHX_ HV *hash, const vkvm_perl_item *item, enum vkvm_perl_form form)
{
    AV *order = vkvm_perl_order_of(aTHX_ hash);
    /* A negative length says that the key is UTF-8. */
    I32 len = form != VKVM_PERL_BYTES && !are_ascii(item, 1) ? -(I32)item->len : (I32)item->len;
    (void)hv_store(hash, item->key, len, item->value, 0);
    if (order)
        av_push(order, newSVpvn_share(item->key, len, 0));
}

/* A copy of the model, with the order of its keys if that is wanted. */
static HV *copy_of(pTHX_ vkvm_perl_model *model, const vkvm_perl_item *items, bool ordered)
{
    HV *hash = copy(aTHX_ model, items);
    if (ordered && model->has_order) {
        if (!model->sequence) {
            model->sequence = newAV();
            for (size_t i = 0; i < model->count; i++) /* ASCII: others make no model */
                av_push(model->sequence, newSVpvn_share(items[i].key, (I32)items[i].len, 0));
        }
        vkvm_perl_order_give(aTHX_ hash, (AV *)SvREFCNT_inc(model->sequence));
    }
    return hash;
}

HV *vkvm_perl_hash(pTHX_ vkvm_perl_models *models, const vkvm_perl_item *items, size_t count,
                   enum vkvm_perl_form form)
{
    HV *hash;
    bool ordered = form == VKVM_PERL_DOCUMENT;
    if (count && count <= VKVM_PERL_MODEL_KEYS) {
        vkvm_perl_model **place = place_of(models, items, count);
        if (has_keys(*place, items, count))
            return copy_of(aTHX_ *place, items, ordered);
        if ((!*place || ++(*place)->misses >= PATIENCE) && are_ascii(items, count))
            make_model(aTHX_ place, items, count);
    }
    hash = newHV();
    if (count > PERL_HASH_DEFAULT_HvMAX)
        hv_ksplit(hash, count);
    if (ordered && has_order(items, count))
        vkvm_perl_order_give(aTHX_ hash, newAV());
    for (size_t i = 0; i < count; i++)
        vkvm_perl_store(aTHX_ hash, &items[i], form);
    return hash;
}
