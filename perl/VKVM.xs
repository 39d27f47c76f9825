/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XS of VKVM: the few functions that do not follow from the API file.
 * Everything else is in generated/. */

#include "vkvm_perl.h"

MODULE = VKVM  PACKAGE = VKVM

# With a prototype, an array that is passed to a function would be its length.
PROTOTYPES: DISABLE

BOOT:
    vkvm_perl_boot(aTHX);
    vkvm_perl_boot_calls(aTHX);

void
CLONE(...)
  PPCODE:
    /* Perl calls this for each package that inherits it, too. */
    if (items > 0 && strEQ(SvPV_nolen(ST(0)), "VKVM")) {
        vkvm_perl_clone(aTHX);
        vkvm_perl_clone_calls(aTHX);
    }
    XSRETURN_EMPTY;

void
_bless_into(package, other)
    const char *package
    const char *other
  PPCODE:
    vkvm_perl_use_package(aTHX_ package, other);

void
_answer(credentials, path, result)
    SV *credentials
    SV *path
    SV *result
  PREINIT:
    vkvm_error *error = NULL;
  PPCODE:
  {
    UV value = vkvm_perl_uint(aTHX_ credentials, "credentials", UV_MAX);
    const char *at = vkvm_perl_text(aTHX_ path, "path");
    const char *text = vkvm_perl_text(aTHX_ result, "result");
    if (vkvm_value_set_string(INT2PTR(vkvm_value *, value), at, text, &error) < 0) {
        int code;
        SV *message = vkvm_perl_take_error(aTHX_ error, &code, FALSE);
        vkvm_perl_refuse(aTHX_ code, "result", "%" SVf, SVfARG(message));
    }
  }

void
_wipe(sv)
    SV *sv
  PPCODE:
    /* What a scalar holds, unless somebody else has it, too. */
    if (SvREFCNT(sv) == 1 && SvPOK(sv) && SvLEN(sv) && !(SvIsCOW(sv) && CowREFCNT(sv)))
        /* Not with memset, which a compiler may leave out before memory is freed. */
        for (volatile char *at = SvPVX(sv), *end = at + SvLEN(sv); at < end; at++)
            *at = 0;

SV *
xml_to_json(xml, pretty_sv = NULL)
    SV *xml
    SV *pretty_sv
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_value *value;
    char *json;
    int result;
  CODE:
    /* What may die comes before anything is made that would have to be freed. */
    bool pretty = vkvm_perl_given(pretty_sv) && SvTRUE(pretty_sv);
    if (vkvm_value_from_xml(vkvm_perl_text(aTHX_ xml, "xml"), &value, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    result = vkvm_value_to_json(value, pretty, &json, &error);
    vkvm_value_free(value);
    if (result < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = newSVpv(json, 0);
    vkvm_string_free(json);
  OUTPUT:
    RETVAL

void
_refuse(parameter, message)
    SV *parameter
    SV *message
  PPCODE:
    vkvm_perl_refuse_named(aTHX_ VKVM_ERROR_OWN_INVALID, parameter, message);

void
_open_asking(options_sv, callback_sv)
    SV *options_sv
    SV *callback_sv
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_conn *conn;
  PPCODE:
  {
    vkvm_value *options = vkvm_perl_to_value(aTHX_ options_sv, "options");
    void *userdata = vkvm_perl_callbacks(aTHX_ NULL, 1, callback_sv, "callback");
    PUTBACK;
    int returned = vkvm_perl_open_asking(options, vkvm_perl_on_auth, userdata,
                                         vkvm_perl_callback_free, &conn, &error);
    SPAGAIN;
    if (returned == 0)
        mXPUSHs(vkvm_perl_object(aTHX_ conn, vkvm_perl_conn));
    vkvm_perl_rethrow(aTHX_ error);
    if (returned < 0)
        vkvm_perl_throw(aTHX_ error);
  }

MODULE = VKVM  PACKAGE = VKVM::Stream

void
send(stream, data_sv, nbytes_sv)
    vkvm_stream *stream
    SV *data_sv
    SV *nbytes_sv
  PREINIT:
    dXSTARG;
    vkvm_error *error = NULL;
    int64_t sent;
  PPCODE:
  {
    size_t data_len = 0;
    /* As in Sys::Virt, undef is no data, and nbytes may be more than there are. */
    const void *data =
        vkvm_perl_given(data_sv) ? vkvm_perl_bytes(aTHX_ data_sv, "data", &data_len) : NULL;
    size_t nbytes = vkvm_perl_uint(aTHX_ nbytes_sv, "nbytes", SIZE_MAX);
    if (vkvm_stream_send(stream, data, nbytes < data_len ? nbytes : data_len, &sent, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    XPUSHi(sent);
  }

void
recv(stream, data_sv, nbytes_sv, flags_sv = NULL)
    vkvm_stream *stream
    SV *data_sv
    SV *nbytes_sv
    SV *flags_sv
  PREINIT:
    dXSTARG;
    vkvm_error *error = NULL;
    int64_t received;
  PPCODE:
  {
    /* Who asks for more than that gets it in parts. */
    const size_t most = (size_t)64 << 20;
    size_t nbytes = vkvm_perl_uint(aTHX_ nbytes_sv, "nbytes", SIZE_MAX);
    uint32_t flags = vkvm_perl_given(flags_sv)
                         ? (uint32_t)vkvm_perl_uint(aTHX_ flags_sv, "flags", UINT32_MAX)
                         : 0;
    nbytes = nbytes < most ? nbytes : most;
    /* While a bounded call waits, a signal handler may do anything to the target. */
    SV *room = vkvm_perl_room(aTHX_ vkvm_perl_calls_on ? sv_newmortal() : data_sv, nbytes);
    if (vkvm_stream_recv(stream, flags, (uint8_t *)SvPVX(room), nbytes, &received, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    if (received > 0)
        vkvm_perl_received(aTHX_ data_sv, room, (size_t)received);
    XPUSHi(received);
  }

MODULE = VKVM  PACKAGE = VKVM::Event

void
_register_impl(object)
    SV *object
  PPCODE:
    vkvm_perl_register_loop(aTHX_ object);

MODULE = VKVM  PACKAGE = VKVM::EventImpl

# What these call may move Perl's stack, which CODE leaves alone.

void
_run_watched(opaque, id, fd = NULL, events = NULL)
    SV *opaque
    SV *id
    SV *fd
    SV *events
  CODE:
    vkvm_perl_run_watched(aTHX_ opaque, id, fd, events);

void
_free_watched(opaque)
    SV *opaque
  CODE:
    vkvm_perl_free_watched(aTHX_ opaque);

MODULE = VKVM  PACKAGE = VKVM::Inventory::_Queue

void
_drain(queue, max)
    vkvm_event_queue *queue
    UV max
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_value *events;
  PPCODE:
  {
    /* That of other queues, with text as characters. */
    if (vkvm_event_queue_drain(queue, max, &events, &error) < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    SP = vkvm_perl_push_value(aTHX_ SP, events, VKVM_PERL_CHARACTERS);
  }

MODULE = VKVM  PACKAGE = VKVM::_Value

void
DESTROY(self)
    SV *self
  PPCODE:
    /* An argument, which may be secret. */
    vkvm_value_wipe_and_free((vkvm_value *)vkvm_perl_forget(aTHX_ self));
    XSRETURN_EMPTY;

INCLUDE: xs/calls.xs

INCLUDE: generated/all.xs
