/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a thread of the library's that makes a call has to say to Perl's callbacks, which only run
 * on the thread that waits: it looks how far the call is when the queue says that it is further,
 * and which credentials it asks for when the queue says that it does. */

#include "vkvm_perl.h"

typedef int on_progress(uint64_t done, uint64_t total, void *userdata);
typedef int on_host_progress(uint64_t done, uint64_t total, const char *unit, void *userdata);
typedef int on_credentials(vkvm_value *credentials, void *userdata);

/* The callback of a call that the arguments carry, and what it was told. */
struct vkvm_perl_progress {
    void *function;
    bool gives_credentials;
    bool has_unit;
    void *userdata;
    vkvm_destroy_callback destroy;
    bool is_over; /* it is told no more */
    bool was_told;
    uint64_t done;
    uint64_t total;
    SV *exception; /* that it died with */
};

bool vkvm_perl_reports_progress(const char *function, const vkvm_perl_given_callback *given)
{
    return strEQ(given->name, "progress") || strEQ(function, "vkvm_host_call") ||
           strEQ(function, "vkvm_conn_open_with");
}

vkvm_perl_progress *vkvm_perl_new_progress(pTHX_ const char *function,
                                           const vkvm_perl_given_callback *given)
{
    vkvm_perl_progress *progress;
    PERL_UNUSED_CONTEXT;
    Newxz(progress, 1, vkvm_perl_progress);
    progress->function = given->function;
    progress->gives_credentials = strEQ(function, "vkvm_conn_open_with");
    progress->has_unit = strNE(given->name, "progress");
    progress->userdata = given->userdata;
    progress->destroy = given->destroy;
    return progress;
}

void vkvm_perl_end_progress(pTHX_ void *ended)
{
    vkvm_perl_progress *progress = ended;
    if (progress->destroy)
        progress->destroy(progress->userdata);
    SvREFCNT_dec(progress->exception);
    Safefree(progress);
}

/* Whether it is further than it was told. */
static bool is_further(vkvm_perl_progress *progress, vkvm_call *call, char **unit)
{
    vkvm_value *now;
    uint64_t done, total;
    *unit = NULL;
    if (vkvm_call_get_progress(call, &now, NULL) < 0)
        return FALSE;
    bool is_known = vkvm_value_get_uint64(now, "done", &done, NULL) == 0 &&
                    vkvm_value_get_uint64(now, "total", &total, NULL) == 0;
    bool is_news = is_known && (!progress->was_told || done != progress->done ||
                                total != progress->total);
    if (is_news && progress->has_unit)
        is_news = vkvm_value_get_string(now, "unit", unit, NULL) == 0;
    vkvm_value_free(now);
    if (!is_news)
        return FALSE;
    progress->was_told = TRUE;
    progress->done = done;
    progress->total = total;
    return TRUE;
}

/* Answers what the call asks for, if it does. */
static void give_credentials(vkvm_perl_progress *progress, vkvm_call *call)
{
    vkvm_value *asked;
    int kind;
    if (vkvm_call_get_credentials(call, &asked, NULL) < 0)
        return;
    if (vkvm_value_get_kind(asked, NULL, &kind, NULL) == 0 && kind != VKVM_VALUE_NULL) {
        int answer = ((on_credentials *)progress->function)(asked, progress->userdata);
        vkvm_call_set_credentials(call, answer < 0 ? NULL : asked, NULL);
    }
    vkvm_value_wipe_and_free(asked);
}

void vkvm_perl_tell_progress(pTHX_ vkvm_perl_progress *progress, vkvm_call *call)
{
    char *unit;
    PERL_UNUSED_CONTEXT;
    if (progress->gives_credentials) {
        give_credentials(progress, call);
        return;
    }
    if (progress->is_over || !is_further(progress, call, &unit))
        return;
    int answer = progress->has_unit
                     ? ((on_host_progress *)progress->function)(progress->done, progress->total,
                                                                unit, progress->userdata)
                     : ((on_progress *)progress->function)(progress->done, progress->total,
                                                           progress->userdata);
    vkvm_string_free(unit);
    if (answer != 0) {
        progress->is_over = TRUE;
        vkvm_call_stop(call, NULL);
        return;
    }
    /* Once in a turn of the loop: others have theirs. What has come meanwhile, whose entry a call
     * of the callback's may have taken out of the queue, is told of again. */
    vkvm_value *now;
    if (vkvm_call_get_progress(call, &now, NULL) == 0) {
        vkvm_value_free(now);
        vkvm_call_watch_progress(call, NULL);
    }
}

/* --- of a call for a future -------------------------------------------------------------- */

static int free_progress(pTHX_ SV *sv, MAGIC *magic)
{
    PERL_UNUSED_ARG(sv);
    vkvm_perl_end_progress(aTHX_ magic->mg_ptr);
    return 0;
}

static MGVTBL has_progress = { .svt_free = free_progress };

void vkvm_perl_keep_progress(pTHX_ SV *call, vkvm_perl_progress *progress)
{
    sv_magicext(SvRV(call), NULL, PERL_MAGIC_ext, &has_progress, (const char *)progress, 0);
}

static vkvm_perl_progress *progress_of(pTHX_ SV *call)
{
    MAGIC *magic = SvROK(call) ? mg_findext(SvRV(call), PERL_MAGIC_ext, &has_progress) : NULL;
    return magic ? (vkvm_perl_progress *)magic->mg_ptr : NULL;
}

void vkvm_perl_tell_progress_of(pTHX_ SV *call)
{
    vkvm_perl_progress *progress = progress_of(aTHX_ call);
    if (!progress)
        return;
    /* The callback may cancel the future. */
    call = sv_2mortal(newRV_inc(SvRV(call)));
    vkvm_perl_tell_progress(aTHX_ progress, INT2PTR(vkvm_call *, SvIVX(SvRV(call))));
    /* The method dies with it when the call is done. */
    SV *exception = vkvm_perl_take_exception(aTHX);
    if (exception && progress->exception)
        SvREFCNT_dec(exception);
    else if (exception)
        progress->exception = exception;
}

void vkvm_perl_rethrow_progress_of(pTHX_ SV *call)
{
    vkvm_perl_progress *progress = progress_of(aTHX_ call);
    if (progress && progress->exception)
        vkvm_perl_give_exception(aTHX_ SvREFCNT_inc(progress->exception));
}
