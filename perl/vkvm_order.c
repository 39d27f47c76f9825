/* The order of a hash's keys, where it is part of what the hash says: where an element has
 * several children.
 *
 * The children of an element have an order, but the keys of a hash have none. So a hash
 * made of a document carries the order of its keys as magic, which nobody sees, and which
 * costs no look-up anything. Hashes of the same keys share it. It is lost in a copy of the
 * hash; a program that makes documents of its own has the key "#order". */

#include "vkvm_perl.h"

struct vkvm_perl_order {
    int holds;       /* of hashes, which may be in several interpreters, and of models */
    size_t count;
    size_t size, room;
    char *keys;      /* the length of each, negative for UTF-8, and its bytes */
};

static void let_go(vkvm_perl_order *order)
{
    if (order && __atomic_sub_fetch(&order->holds, 1, __ATOMIC_ACQ_REL) == 0) {
        Safefree(order->keys);
        Safefree(order);
    }
}

static int on_free(pTHX_ SV *sv, MAGIC *magic)
{
    PERL_UNUSED_CONTEXT;
    PERL_UNUSED_ARG(sv);
    let_go((vkvm_perl_order *)magic->mg_ptr);
    magic->mg_ptr = NULL;
    return 0;
}

#ifdef USE_ITHREADS
static int on_dup(pTHX_ MAGIC *magic, CLONE_PARAMS *params)
{
    PERL_UNUSED_CONTEXT;
    PERL_UNUSED_ARG(params);
    vkvm_perl_order_share((vkvm_perl_order *)magic->mg_ptr);
    return 0;
}
#endif

static const MGVTBL order_magic = {
    .svt_free = on_free,
#ifdef USE_ITHREADS
    .svt_dup = on_dup,
#endif
};

vkvm_perl_order *vkvm_perl_order_new(void)
{
    vkvm_perl_order *order;
    Newxz(order, 1, vkvm_perl_order);
    order->holds = 1;
    return order;
}

vkvm_perl_order *vkvm_perl_order_share(vkvm_perl_order *order)
{
    __atomic_add_fetch(&order->holds, 1, __ATOMIC_RELAXED);
    return order;
}

void vkvm_perl_order_free(vkvm_perl_order *order)
{
    let_go(order);
}

void vkvm_perl_order_add(vkvm_perl_order *order, const char *key, size_t len, bool is_utf8)
{
    I32 length = is_utf8 ? -(I32)len : (I32)len;
    size_t size = order->size + sizeof length + len;
    if (size > order->room) {
        order->room = 2 * size;
        Renew(order->keys, order->room, char);
    }
    memcpy(order->keys + order->size, &length, sizeof length);
    memcpy(order->keys + order->size + sizeof length, key, len);
    order->size = size;
    order->count++;
}

void vkvm_perl_order_give(pTHX_ HV *hash, vkvm_perl_order *order)
{
    MAGIC *magic = sv_magicext((SV *)hash, NULL, PERL_MAGIC_ext, &order_magic, (char *)order, 0);
#ifdef USE_ITHREADS
    magic->mg_flags |= MGf_DUP;
#else
    PERL_UNUSED_VAR(magic);
#endif
    /* The magic has nothing to do when the hash is used. */
    SvRMAGICAL_off((SV *)hash);
}

const vkvm_perl_order *vkvm_perl_order_of(pTHX_ HV *hash)
{
    const MAGIC *magic = SvMAGIC((SV *)hash) ? mg_findext((SV *)hash, PERL_MAGIC_ext, &order_magic)
                                             : NULL;
    return magic ? (const vkvm_perl_order *)magic->mg_ptr : NULL;
}

const char *vkvm_perl_order_next(const vkvm_perl_order *order, size_t *at, I32 *length)
{
    const char *key;
    if (*at >= order->size)
        return NULL;
    memcpy(length, order->keys + *at, sizeof *length);
    key = order->keys + *at + sizeof *length;
    *at += sizeof *length + (size_t)(*length < 0 ? -*length : *length);
    return key;
}
