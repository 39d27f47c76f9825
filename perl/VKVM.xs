/* The XS of VKVM: the few functions that do not follow from the API file.
 * Everything else is in generated/. */

#include "vkvm_perl.h"

MODULE = VKVM  PACKAGE = VKVM

PROTOTYPES: ENABLE

BOOT:
    vkvm_perl_boot(aTHX);

void
CLONE(...)
  PPCODE:
    PERL_UNUSED_VAR(items);
    vkvm_perl_clone(aTHX);
    XSRETURN_EMPTY;

SV *
_open(uri, flags)
    SV *uri
    SV *flags
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_conn *conn;
  CODE:
    if (vkvm_conn_open(vkvm_perl_text_or_null(aTHX_ uri, "uri"),
                       (uint32_t)vkvm_perl_uint(aTHX_ flags, "flags", UINT32_MAX), &conn,
                       &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = vkvm_perl_object(aTHX_ conn, vkvm_perl_conn);
  OUTPUT:
    RETVAL

SV *
_open_auth(uri, flags, credlist, callback)
    SV *uri
    SV *flags
    SV *credlist
    SV *callback
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_conn *conn = NULL;
    size_t count = 0;
    int result;
  CODE:
  {
    const char *uri_text = vkvm_perl_text_or_null(aTHX_ uri, "uri");
    uint32_t flag_bits = (uint32_t)vkvm_perl_uint(aTHX_ flags, "flags", UINT32_MAX);
    const int *types = vkvm_perl_ints_or_null(aTHX_ credlist, "credlist", &count);
    bool console = !(SvOK(credlist) && SvOK(callback));
    void *userdata = console ? NULL : vkvm_perl_callback(aTHX_ callback, "callback", NULL);

    result = console ? vkvm_conn_open_auth(uri_text, flag_bits, NULL, 0, NULL, NULL, NULL, &conn,
                                           &error)
                     : vkvm_conn_open_auth(uri_text, flag_bits, types, count, vkvm_perl_on_auth,
                                           userdata, vkvm_perl_callback_free, &conn, &error);
    /* An exception of the callback is the better reason. */
    if (result == 0)
        RETVAL = vkvm_perl_object(aTHX_ conn, vkvm_perl_conn);
    else
        RETVAL = NULL;
    vkvm_perl_rethrow(aTHX_ error);
    if (result < 0)
        vkvm_perl_throw(aTHX_ error);
  }
  OUTPUT:
    RETVAL

UV
_get_version(conn)
    vkvm_conn *conn
  PREINIT:
    vkvm_error *error = NULL;
    uint64_t version;
  CODE:
    if (vkvm_conn_get_version(conn, &version, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = version;
  OUTPUT:
    RETVAL

UV
_libvirt_version()
  PREINIT:
    vkvm_error *error = NULL;
    uint64_t version;
  CODE:
    if (vkvm_library_get_libvirt_version(&version, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = version;
  OUTPUT:
    RETVAL

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
    if (vkvm_value_from_xml(vkvm_perl_text(aTHX_ xml, "xml"), &value, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    result = vkvm_value_to_json(value, vkvm_perl_given(pretty_sv) && SvTRUE(pretty_sv), &json,
                                &error);
    vkvm_value_free(value);
    if (result < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = newSVpv(json, 0);
    vkvm_string_free(json);
  OUTPUT:
    RETVAL

UV
handle_count(class_name)
    SV *class_name
  PREINIT:
    vkvm_error *error = NULL;
    size_t count;
  CODE:
    if (vkvm_handle_count(vkvm_perl_text(aTHX_ class_name, "class_name"), &count, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = count;
  OUTPUT:
    RETVAL

MODULE = VKVM  PACKAGE = VKVM::EventQueue

SV *
_new(capacity)
    SV *capacity
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_event_queue *queue;
  CODE:
    if (vkvm_event_queue_new(vkvm_perl_uint(aTHX_ capacity, "capacity", SIZE_MAX), &queue,
                             &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = vkvm_perl_object(aTHX_ queue, vkvm_perl_event_queue);
  OUTPUT:
    RETVAL

MODULE = VKVM  PACKAGE = VKVM::Event

void
_register_impl(object)
    SV *object
  PPCODE:
    vkvm_perl_register_loop(aTHX_ object);

MODULE = VKVM  PACKAGE = VKVM::EventImpl

void
_run_handle_callback_helper(watch, fd, events, cb, opaque)
    SV *watch
    SV *fd
    SV *events
    SV *cb
    SV *opaque
  PPCODE:
  {
    int numbers[] = {
        (int)vkvm_perl_int(aTHX_ watch, "watch", INT_MIN, INT_MAX),
        (int)vkvm_perl_int(aTHX_ fd, "fd", INT_MIN, INT_MAX),
        (int)vkvm_perl_int(aTHX_ events, "events", INT_MIN, INT_MAX),
    };
    PERL_UNUSED_VAR(cb);
    PUTBACK;
    vkvm_perl_run_watch(aTHX_ numbers[0], numbers[1], numbers[2], opaque);
    SPAGAIN;
    vkvm_perl_rethrow(aTHX_ NULL);
  }

void
_run_timeout_callback_helper(timer, cb, opaque)
    SV *timer
    SV *cb
    SV *opaque
  PPCODE:
  {
    int number = (int)vkvm_perl_int(aTHX_ timer, "timer", INT_MIN, INT_MAX);
    PERL_UNUSED_VAR(cb);
    PUTBACK;
    vkvm_perl_run_timer(aTHX_ number, opaque);
    SPAGAIN;
    vkvm_perl_rethrow(aTHX_ NULL);
  }

void
_free_callback_opaque_helper(ff, opaque)
    SV *ff
    SV *opaque
  PPCODE:
    if (SvOK(ff) && SvOK(opaque)) {
        PUTBACK;
        vkvm_perl_free_watched(aTHX_ opaque);
        SPAGAIN;
    }

MODULE = VKVM  PACKAGE = VKVM::_Value

void
DESTROY(self)
    SV *self
  PPCODE:
    vkvm_value_free((vkvm_value *)vkvm_perl_forget(aTHX_ self));
    XSRETURN_EMPTY;

INCLUDE: generated/conn.xs

INCLUDE: generated/domain.xs

INCLUDE: generated/domain_snapshot.xs

INCLUDE: generated/domain_checkpoint.xs

INCLUDE: generated/interface.xs

INCLUDE: generated/network.xs

INCLUDE: generated/network_port.xs

INCLUDE: generated/node_device.xs

INCLUDE: generated/nwfilter.xs

INCLUDE: generated/nwfilter_binding.xs

INCLUDE: generated/storage_pool.xs

INCLUDE: generated/storage_vol.xs

INCLUDE: generated/secret.xs

INCLUDE: generated/event.xs

INCLUDE: generated/event_queue.xs
