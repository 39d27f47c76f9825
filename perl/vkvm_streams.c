/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams: what their handlers give and take, and received data. */

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
