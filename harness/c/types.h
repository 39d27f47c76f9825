/* The C types of the API file's kinds, for libffi. */

#ifndef HARNESS_TYPES_H
#define HARNESS_TYPES_H

#include <ffi.h>

/* NULL is nothing; whatever is no number is a pointer. */
ffi_type *type_of(const char *kind);

#endif
