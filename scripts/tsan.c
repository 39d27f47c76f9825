/*
 * What rustc's ThreadSanitizer calls and gcc's runtime does not have under this name: its
 * own interceptors of the plain functions do the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>

void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size)
{
    return memmove(to, from, size);
}

void *__tsan_memset(void *to, int byte, size_t size)
{
    return memset(to, byte, size);
}
