/* Streams: what their handlers give and take, and received data. */

#include "vkvm_callbacks.h"

int vkvm_perl_on_stream_source(vkvm_stream *stream, uint8_t *data, size_t data_len, void *userdata)
{
    dCALLBACK;
    PERL_UNUSED_ARG(stream);
    if (!is_at_home(cb))
        return -1;
    vkvm_perl_open_frame(aTHX);
    SV *filled = newSVpvs_flags("", SVs_TEMP);
    dSP;
    PUSHMARK(SP);
    EXTEND(SP, 3);
    PUSHs(sv_2mortal(newSVsv(cb->self)));
    PUSHs(filled);
    mPUSHu(data_len);
    PUTBACK;
    IV count = vkvm_perl_run(aTHX_ cb, 0, G_SCALAR);
    if (count > 0) {
        STRLEN len = 0;
        /* What could run code to become text could die here. */
        const char *bytes = SvPOK(filled) && !SvGMAGICAL(filled) ? SvPV_nomg(filled, len) : NULL;
        if (len < (STRLEN)count || data_len < (size_t)count)
            count = (IV)(len < data_len ? len : data_len);
        if (bytes)
            memcpy(data, bytes, (size_t)count);
    }
    vkvm_perl_close_frame(aTHX);
    return count < 0 ? -1 : (int)count;
}

int vkvm_perl_on_stream_section(vkvm_stream *stream, bool *in_data, int64_t *length,
                                void *userdata)
{
    dCALLBACK;
    PERL_UNUSED_ARG(stream);
    if (!is_at_home(cb))
        return -1;
    vkvm_perl_open_frame(aTHX);
    dSP;
    PUSHMARK(SP);
    XPUSHs(sv_2mortal(newSVsv(cb->self)));
    PUTBACK;
    int count = vkvm_perl_call(aTHX_ cb, 1, G_ARRAY);
    SPAGAIN;
    if (count == 2) {
        *length = vkvm_perl_answer(aTHX_ POPs, 0);
        *in_data = vkvm_perl_answer(aTHX_ POPs, 0) != 0;
    } else if (count > 0) {
        SP -= count;
    }
    PUTBACK;
    vkvm_perl_close_frame(aTHX);
    return count == 2 ? 0 : -1;
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
