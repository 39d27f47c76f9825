/* Calls that are bounded or asynchronous: what stands in front of each function that may
 * wait for a daemon. */

#ifndef VKVM_PERL_CALLS_H
#define VKVM_PERL_CALLS_H

/* Whether any call may have a limit, or be started for a future: while it is 0, a call
 * costs no more than a look at it. */
extern int vkvm_perl_calls_on;

/* From now on limits are looked for. */
void vkvm_perl_limit_calls(void);

/* Makes a call of a function within its limit, or starts it for the future that is being
 * made. `params` has a letter and the name for each parameter (generated/calls.c), whose
 * values follow. Returns 0 or -1 as the function does; it dies as signal handlers do.
 * VKVM_PERL_DIRECTLY: the function itself is to be called instead. */
#define VKVM_PERL_DIRECTLY 1
int vkvm_perl_make(const char *function, const char *params, vkvm_error **error, ...);

/* Calls `code` for a future, with the calls that were started for it in earlier attempts,
 * which it finds done. Pushes what the code returns on Perl's stack; `status` becomes 0 if
 * it has come to its end, 1 if it died (with $@), and 2 if it has started one more call,
 * of which the queue of vkvm_perl_calls_done tells by `tag`. */
I32 vkvm_perl_attempt(pTHX_ SV *code, AV *calls, UV tag, uint32_t timeout_ms, SV *status);
/* Pushes the tags of the calls that are done, so many at the most. */
SV **vkvm_perl_calls_done(pTHX_ SV **sp, size_t most);
/* The descriptor that is readable while there are some. */
int vkvm_perl_calls_fd(pTHX);

/* The parameters of a function, as vkvm_perl_make is told of them. The next one's kind, 0 at
 * the end, and its name; passing over its values; how many are outputs, and whether there is
 * a callback. */
enum { VKVM_PERL_PARAM = 48 };
char vkvm_perl_next_param(const char **params, char name[VKVM_PERL_PARAM]);
void vkvm_perl_skip_param(char kind, va_list *given);
int vkvm_perl_count_outputs(const char *params, va_list *given, bool *callback);
/* Puts the arguments into a map, and what is in a result where the outputs go. */
int vkvm_perl_load(const char *params, vkvm_value *map, vkvm_error **error, va_list *given);
int vkvm_perl_unload(const char *params, vkvm_value *result, int outputs, vkvm_error **error,
                     va_list *places);

#include "generated/calls.h"

/* A thread of the library's can make a value, and no hashes. */
__typeof__(vkvm_conn_visit_all_domain_stats) vkvm_perl_visit_all_domain_stats;
#define vkvm_conn_visit_all_domain_stats vkvm_perl_visit_all_domain_stats

#endif
