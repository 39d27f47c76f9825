/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of a hash's keys, where it is part of what the hash says: where an element has
 * several children.
 *
 * The children of an element have an order, but the keys of a hash have none. So a hash
 * made of a document carries the order of its keys as magic, which nobody sees, and which
 * costs no look-up anything. It is an array of them, which hashes of the same keys share.
 * It is lost in a copy of the hash; a program that makes documents of its own has the key
 * "#order". */

#include "vkvm_perl.h"

static const MGVTBL order_magic = { 0 };

void vkvm_perl_order_give(pTHX_ HV *hash, AV *order)
{
    sv_magicext((SV *)hash, (SV *)order, PERL_MAGIC_ext, &order_magic, NULL, 0);
    SvREFCNT_dec(order); /* the magic has one of its own */
    /* The magic has nothing to do when the hash is used. */
    SvRMAGICAL_off((SV *)hash);
}

AV *vkvm_perl_order_of(pTHX_ HV *hash)
{
    const MAGIC *magic = SvMAGIC((SV *)hash) ? mg_findext((SV *)hash, PERL_MAGIC_ext, &order_magic)
                                             : NULL;
    return magic ? (AV *)magic->mg_obj : NULL;
}
