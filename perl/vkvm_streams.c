/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams: what their handlers give and take, received data, and whole transfers within a limit. */

#include "vkvm_callbacks.h"

IV vkvm_perl_fill(pTHX_ SV *filled, uint8_t *data, size_t data_len, IV count)
{
    STRLEN len = 0;
    /* What could run code to become text could die here. */
    const char *bytes = SvPOK(filled) && !SvGMAGICAL(filled) ? SvPV_nomg(filled, len) : NULL;
    if (count <= 0)
        return count;
    if (len < (STRLEN)count || data_len < (size_t)count)
        count = (IV)(len < data_len ? len : data_len);
    if (bytes)
        memcpy(data, bytes, (size_t)count);
    return count;
}

SV *vkvm_perl_room(pTHX_ SV *target, size_t size)
{
    SV *room;
    /* libvirt writes nothing that it does not say it has received. */
    if (SvPOK(target) && !SvTHINKFIRST(target) && !SvMAGICAL(target) && !SvOOK(target) &&
        SvLEN(target) > size)
        return target;
    room = sv_2mortal(newSV(size + 1));
    SvPOK_only(room);
    SvCUR_set(room, 0);
    return room;
}

void vkvm_perl_received(pTHX_ SV *target, SV *room, size_t len)
{
    SvPVX(room)[len] = '\0';
    SvCUR_set(room, len);
    SvPOK_only(room); /* bytes, and no number */
    /* A temporary gives its buffer away: nothing is copied. */
    if (room != target)
        sv_setsv(target, room);
    SvSETMAGIC(target);
}

/* --- whole transfers ------------------------------------------------------------------------ */

/* The library's own are meant in here. */
#undef vkvm_stream_recv_all
#undef vkvm_stream_send_all
#undef vkvm_stream_sparse_recv_all
#undef vkvm_stream_sparse_send_all

static void free_callback(pTHX_ void *userdata)
{
    PERL_UNUSED_CONTEXT;
    vkvm_perl_callback_free(userdata);
}

/* Calls a function of Perl's with the stream and its handlers. Exceptions go through it. */
static int transfer(pTHX_ const char *function, void *userdata)
{
    vkvm_perl_callback *cb = userdata;
    dSP;
    ENTER;
    SAVETMPS;
    SAVEDESTRUCTOR_X(free_callback, userdata);
    PUSHMARK(SP);
    EXTEND(SP, 1 + cb->count);
    PUSHs(sv_2mortal(newSVsv(cb->self)));
    for (int i = 0; i < cb->count; i++)
        PUSHs(sv_2mortal(newSVsv(cb->code[i])));
    PUTBACK;
    call_pv(function, G_VOID | G_DISCARD);
    FREETMPS;
    LEAVE;
    return 0;
}

int vkvm_perl_stream_recv_all(vkvm_stream *stream, vkvm_stream_sink_callback handler,
                              void *userdata, vkvm_destroy_callback destroy, vkvm_error **error)
{
    dTHX;
    if (vkvm_perl_is_limited(aTHX_ stream))
        return transfer(aTHX_ "VKVM::Stream::Steps::recv_all", userdata);
    return vkvm_stream_recv_all(stream, handler, userdata, destroy, error);
}

int vkvm_perl_stream_send_all(vkvm_stream *stream, vkvm_stream_source_callback handler,
                              void *userdata, vkvm_destroy_callback destroy, vkvm_error **error)
{
    dTHX;
    if (vkvm_perl_is_limited(aTHX_ stream))
        return transfer(aTHX_ "VKVM::Stream::Steps::send_all", userdata);
    return vkvm_stream_send_all(stream, handler, userdata, destroy, error);
}

int vkvm_perl_stream_sparse_recv_all(vkvm_stream *stream, vkvm_stream_sink_callback handler,
                                     vkvm_stream_hole_callback hole_handler, void *userdata,
                                     vkvm_destroy_callback destroy, vkvm_error **error)
{
    dTHX;
    if (vkvm_perl_is_limited(aTHX_ stream))
        return transfer(aTHX_ "VKVM::Stream::Steps::sparse_recv_all", userdata);
    return vkvm_stream_sparse_recv_all(stream, handler, hole_handler, userdata, destroy, error);
}

int vkvm_perl_stream_sparse_send_all(vkvm_stream *stream, vkvm_stream_source_callback handler,
                                     vkvm_stream_section_callback hole_handler,
                                     vkvm_stream_hole_callback skip_handler, void *userdata,
                                     vkvm_destroy_callback destroy, vkvm_error **error)
{
    dTHX;
    if (vkvm_perl_is_limited(aTHX_ stream))
        return transfer(aTHX_ "VKVM::Stream::Steps::sparse_send_all", userdata);
    return vkvm_stream_sparse_send_all(stream, handler, hole_handler, skip_handler, userdata,
                                       destroy, error);
}
