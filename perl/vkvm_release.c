/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How callbacks are let go of, which may be on any thread. */

#include "vkvm_callbacks.h"

/* Callbacks that another thread has let go of, such as one that makes a call with a limit:
 * only their own may touch their values. */
static vkvm_perl_callback *left;

static void leave(vkvm_perl_callback *cb)
{
    cb->next = __atomic_load_n(&left, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&left, &cb->next, cb, TRUE, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
}

static void release(pTHX_ vkvm_perl_callback *cb)
{
    /* While the interpreter goes down they go with it. */
    if (!PL_dirty) {
        for (int i = 0; i < cb->count; i++)
            SvREFCNT_dec(cb->code[i]);
        SvREFCNT_dec(cb->self);
    }
    Safefree(cb);
}

void vkvm_perl_callback_free(void *userdata)
{
    dCALLBACK;
    if (is_at_home(cb))
        release(aTHX_ cb);
    else
        leave(cb);
}

void vkvm_perl_free_left(pTHX)
{
    vkvm_perl_callback *next;
    if (!__atomic_load_n(&left, __ATOMIC_RELAXED))
        return;
    for (vkvm_perl_callback *cb = __atomic_exchange_n(&left, NULL, __ATOMIC_ACQUIRE); cb; cb = next) {
        next = cb->next;
        if (is_at_home(cb))
            release(aTHX_ cb);
        else
            leave(cb);
    }
}
