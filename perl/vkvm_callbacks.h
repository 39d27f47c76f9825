/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the callbacks of the shim have in common: see vkvm_callbacks.c. */

#ifndef VKVM_CALLBACKS_H
#define VKVM_CALLBACKS_H

#include "vkvm_perl.h"

#include <pthread.h>

typedef struct vkvm_perl_callback {
#ifdef MULTIPLICITY
    PerlInterpreter *owner;
    UV interpreter;
#else
    pthread_t thread;
#endif
    struct vkvm_perl_callback *next; /* where it is left for its own thread */
    SV *code[3];
    int count;
    SV *self; /* what it is registered with, kept alive until it is not, or weak; an event
               * loop, which has methods for code; or NULL */
} vkvm_perl_callback;

/* Perl may only be called by the thread that its interpreter runs on. */
#ifdef MULTIPLICITY
#define is_at_home(cb)                                                                             \
    (PERL_GET_CONTEXT == (void *)(cb)->owner &&                                                    \
     vkvm_perl_interpreter((cb)->owner) == (cb)->interpreter)
#define dCALLBACK vkvm_perl_callback *cb = userdata; pTHX = cb->owner
#else
#define is_at_home(cb) pthread_equal((cb)->thread, pthread_self())
#define dCALLBACK vkvm_perl_callback *cb = userdata
#endif

/* A frame for one call: push the arguments, then vkvm_perl_run. It has a stack of
 * its own, so that `last` in a callback cannot end a loop of who runs the events. */
void vkvm_perl_open_frame(pTHX);
void vkvm_perl_close_frame(pTHX);

/* Calls one of the codes with what is on the stack. Returns how many results
 * are there, or -1 when it died; the exception is kept for later. */
int vkvm_perl_call(pTHX_ vkvm_perl_callback *cb, int which, I32 context);

/* As that. Returns the number it answers with, 0 for none, -1 when it died. */
IV vkvm_perl_run(pTHX_ vkvm_perl_callback *cb, int which, I32 context);

/* A result as a number; `otherwise` for what looks like none. */
IV vkvm_perl_answer(pTHX_ SV *result, IV otherwise);

#endif
