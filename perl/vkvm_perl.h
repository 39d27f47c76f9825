/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the generated XS is written in terms of. See docs/ARCHITECTURE.md. */

#ifndef VKVM_PERL_H
#define VKVM_PERL_H

#define PERL_NO_GET_CONTEXT
#include <EXTERN.h>
#include <perl.h>
#include <XSUB.h>

#include <limits.h>
#include <stdint.h>
#include <vkvm.h>

#include "generated/classes.h"

/* What follows is for the files of the shim only: calls between them need not look up
 * whether another library has a function of the same name. */
#pragma GCC visibility push(hidden)

/* The packages whose objects are made here. */
enum vkvm_perl_class {
#define X(class, package) vkvm_perl_##class,
    VKVM_PERL_CLASSES(X)
#undef X
    vkvm_perl_class_count
};

/* Once per interpreter, and once more in each thread that it is cloned to. */
void vkvm_perl_boot(pTHX);
void vkvm_perl_clone(pTHX);

/* Makes objects of a package, or errors, those of another one from now on. */
void vkvm_perl_use_package(pTHX_ const char *package, const char *other);
/* Whether that was done for connections: then the program is one of Sys::Virt's. */
bool vkvm_perl_is_sysvirt(pTHX);

/* A wrong number of arguments is an error like others. This is what xsubpp's code
 * calls; `items` is how many there are. */
void vkvm_perl_usage(pTHX_ const CV *cv, const char *params, I32 items)
    __attribute__((noreturn));
#undef croak_xs_usage
#define croak_xs_usage(cv, params) vkvm_perl_usage(aTHX_ cv, params, items)

/* A number for the interpreter. Addresses are used again when a thread has ended. */
UV vkvm_perl_interpreter(pTHX);

SV *vkvm_perl_array_at(pTHX_ AV *array, size_t i); /* undef for what is not there */

/* Arguments. Each dies with a VKVM::Error that names the parameter when it
 * cannot be taken as what is wanted. What they return is borrowed from `sv`
 * or belongs to a temporary of the calling statement. */
bool vkvm_perl_given(SV *sv);
void *vkvm_perl_handle(pTHX_ SV *sv, const char *name);
void *vkvm_perl_handle_or_null(pTHX_ SV *sv, const char *name);
void **vkvm_perl_handles(pTHX_ SV *sv, const char *name, size_t *count);
const char *vkvm_perl_text(pTHX_ SV *sv, const char *name);
const void *vkvm_perl_bytes(pTHX_ SV *sv, const char *name, size_t *len);
const int *vkvm_perl_ints(pTHX_ SV *sv, const char *name, size_t *count);
const char *const *vkvm_perl_texts(pTHX_ SV *sv, const char *name, size_t *count);
IV vkvm_perl_int(pTHX_ SV *sv, const char *name, IV min, IV max);
UV vkvm_perl_uint(pTHX_ SV *sv, const char *name, UV max);
/* An object that says how it looks as text or as a number. */
bool vkvm_perl_is_overloaded(pTHX_ SV *sv);
/* Structures. An error has the path of what is wrong in it. */
vkvm_value *vkvm_perl_to_value(pTHX_ SV *sv, const char *name);
/* The same for what is characters, not bytes. */
const char *vkvm_perl_characters(pTHX_ SV *sv, const char *name);
vkvm_value *vkvm_perl_characters_to_value(pTHX_ SV *sv, const char *name);
/* True in a document: prints as 1, and is told from 1 by the second one, which knows the
 * booleans of Perl 5.36 and of the JSON modules: 1, 0, or -1 for what is none. */
SV *vkvm_perl_true(pTHX);
int vkvm_perl_boolean(pTHX_ SV *sv);
/* Whether text is the same as bytes and as characters. (Perl's own takes no length for one
 * that it has to find out.) */
#define vkvm_perl_is_ascii(text, len) (!(len) || is_ascii_string((const U8 *)(text), len))

/* Room for received data: the buffer of `target` itself where that will do.
 * What was received there is then put into `target`. */
SV *vkvm_perl_room(pTHX_ SV *target, size_t size);
void vkvm_perl_received(pTHX_ SV *target, SV *room, size_t len);
/* Data from what a handler has put into a scalar, and said to have; how much is there. */
IV vkvm_perl_fill(pTHX_ SV *filled, uint8_t *data, size_t data_len, IV count);

/* Objects. The first takes over the reference to the handle, the second makes one of its own;
 * of a class that Perl has no package for it makes undef. */
SV *vkvm_perl_object(pTHX_ void *handle, enum vkvm_perl_class class);
SV *vkvm_perl_any_object(pTHX_ void *handle);

/* Results. Text is bytes or characters; in a document true is a boolean, and hashes keep the
 * order of their keys. A list of bytes becomes many results, everything else one. */
enum vkvm_perl_form { VKVM_PERL_BYTES, VKVM_PERL_CHARACTERS, VKVM_PERL_DOCUMENT };
SV **vkvm_perl_push_value(pTHX_ SV **sp, vkvm_value *value, enum vkvm_perl_form form); /* frees it */
/* The value stays as it is. Each item of a list or a map becomes a result, if it is spread. */
enum vkvm_perl_spread { VKVM_PERL_WHOLE, VKVM_PERL_LIST, VKVM_PERL_MAP };
SV **vkvm_perl_show_value(pTHX_ SV **sp, vkvm_value *value, enum vkvm_perl_spread spread);

/* Hashes that are kept to be copied, of one interpreter; zeros at first. */
#define VKVM_PERL_MODELS 251
#define VKVM_PERL_MODEL_KEYS 32
typedef struct {
    HV *hash;
    AV *sequence;                    /* of its keys, once a hash was wanted that keeps it */
    size_t count;                    /* of its keys, 0 if it is not to be used */
    bool has_order;                  /* there is something to be told of the order of its keys */
    HEK *key[VKVM_PERL_MODEL_KEYS];  /* the keys as they came */
    U8 order[VKVM_PERL_MODEL_KEYS];  /* which of them Perl has first, second and so on */
    int misses;
} vkvm_perl_model;
typedef struct {
    vkvm_perl_model *model[VKVM_PERL_MODELS];
} vkvm_perl_models;
vkvm_perl_models *vkvm_perl_models_of(pTHX);

/* Makes a hash, which takes over the values; the keys are borrowed, and either bytes
 * or the UTF-8 of characters. */
typedef struct {
    const char *key;
    size_t len;
    SV *value;
} vkvm_perl_item;
HV *vkvm_perl_hash(pTHX_ vkvm_perl_models *models, const vkvm_perl_item *items, size_t count,
                   enum vkvm_perl_form form);
/* A key that comes after those before, if the hash keeps their order. */
void vkvm_perl_store(pTHX_ HV *hash, const vkvm_perl_item *item, enum vkvm_perl_form form);

/* What a visitor makes. */
#define VKVM_PERL_DEPTH 101
#define VKVM_PERL_ITEMS 128

/* A list or map that is not complete. */
typedef struct {
    SV *container;     /* NULL for a hash that is made of its items at the end */
    size_t first_item;
    const char *key;   /* its own in the map around it */
    size_t key_len;
} vkvm_perl_level;

typedef struct {
#ifdef MULTIPLICITY
    PerlInterpreter *my_perl;
#endif
    vkvm_perl_models *models;
    SV *root;
    int depth;
    bool in_items;            /* the innermost container is made of its items */
    enum vkvm_perl_spread spread;
    enum vkvm_perl_form form;
    const char *key;
    size_t key_len;
    size_t items;
    vkvm_perl_item item[VKVM_PERL_ITEMS]; /* of the hashes that are made of them */
    vkvm_perl_level level[VKVM_PERL_DEPTH];
} vkvm_perl_builder;

/* The visitor, what begins to be built by it, and the results when the function that shows
 * them has returned. */
extern const vkvm_value_visitor vkvm_perl_visitor;
void vkvm_perl_begin(pTHX_ vkvm_perl_builder *b, enum vkvm_perl_form form);
SV **vkvm_perl_end(pTHX_ vkvm_perl_builder *b, int result, vkvm_error **error);

/* The handle of an object that is being destroyed; it has none from then on. */
void *vkvm_perl_forget(pTHX_ SV *self);

/* From here on the error names this function in place of the one that it is about. */
void vkvm_perl_stands_for(pTHX_ vkvm_error *error, const char *function);

/* Dies with a VKVM::Error; frees the C error first. Its texts are UTF-8: bytes, or with
 * SVf_UTF8 characters, as in the facade. */
void vkvm_perl_throw_text(pTHX_ vkvm_error *error, U32 flags) __attribute__((noreturn));
#define vkvm_perl_throw(error) vkvm_perl_throw_text(error, 0)
#define vkvm_perl_throw_characters(error) vkvm_perl_throw_text(error, SVf_UTF8)

/* If a callback died in the meantime, frees the error and dies as it did. */
void vkvm_perl_rethrow(pTHX_ vkvm_error *error);

/* Callbacks: userdata for up to three code references, each given as code and name, and
 * the object that they are registered with (or NULL); and the C functions that go with it. */
void *vkvm_perl_callbacks(pTHX_ SV *self, int count, ...);
/* The object is not kept alive: the registration ends with it. */
void *vkvm_perl_weaken(pTHX_ void *userdata);
void vkvm_perl_callback_free(void *userdata);
/* Frees those of this interpreter that other threads have let go of. */
void vkvm_perl_free_left(pTHX);
#include "generated/callbacks.h"

/* Dies if callbacks would be called by a thread of the library. */
void vkvm_perl_refuse_thread(pTHX_ const char *name);

/* A loop in Perl, and what it calls with the opaque references that it gets. */
void vkvm_perl_register_loop(pTHX_ SV *object);
void vkvm_perl_run_watched(pTHX_ SV *opaque, SV *id, SV *fd, SV *events); /* no fd: a timer */
void vkvm_perl_free_watched(pTHX_ SV *opaque);
/* The order of a hash's keys, an array; vkvm_order.c tells. To give it takes over one
 * reference; what has none gives NULL. */
void vkvm_perl_order_give(pTHX_ HV *hash, AV *order);
AV *vkvm_perl_order_of(pTHX_ HV *hash);

/* Shared between the files of the shim. */
void vkvm_perl_refuse(pTHX_ int code, const char *name, const char *pattern, ...)
    __attribute__((noreturn));
void vkvm_perl_refuse_named(pTHX_ int code, SV *name, SV *message) __attribute__((noreturn));

/* The message and the code of an error, which is freed. */
SV *vkvm_perl_take_error(pTHX_ vkvm_error *error, int *code, bool characters);

/* Perl code that was called with G_EVAL: whether it died; a warning that it did, for
 * where no exception can leave; or keeping its exception for vkvm_perl_rethrow. */
bool vkvm_perl_has_died(pTHX);
void vkvm_perl_warn_died(pTHX_ const char *what);
void vkvm_perl_keep_exception(pTHX);
/* The exception that is kept, NULL for none, which is kept no more; and keeping it again. */
SV *vkvm_perl_take_exception(pTHX);
void vkvm_perl_give_exception(pTHX_ SV *exception);

void vkvm_perl_boot_calls(pTHX);
void vkvm_perl_clone_calls(pTHX);
#include "vkvm_calls.h"

#pragma GCC visibility pop

#endif
