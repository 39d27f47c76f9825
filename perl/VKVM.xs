/* The XS of VKVM: the few functions that do not follow from the API file.
 * Everything else is in generated/. */

#include "vkvm_perl.h"

MODULE = VKVM  PACKAGE = VKVM

# With a prototype, an array that is passed to a function would be its length.
PROTOTYPES: DISABLE

BOOT:
    vkvm_perl_boot(aTHX);

void
CLONE(...)
  PPCODE:
    /* Perl calls this for each package that inherits it, too. */
    if (items > 0 && strEQ(SvPV_nolen(ST(0)), "VKVM"))
        vkvm_perl_clone(aTHX);
    XSRETURN_EMPTY;

void
_use_package(package, other)
    const char *package
    const char *other
  PPCODE:
    vkvm_perl_use_package(aTHX_ package, other);

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

void
_take_answers(requests, credentials)
    SV *requests
    SV *credentials
  PPCODE:
    vkvm_perl_take_answers(aTHX_ requests,
                           INT2PTR(vkvm_value *, vkvm_perl_uint(aTHX_ credentials, "credentials",
                                                                UV_MAX)));
    XSRETURN_EMPTY;

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

void
reopen_after_fork(reopen)
    SV *reopen
  PREINIT:
    vkvm_error *error = NULL;
  PPCODE:
    if (vkvm_library_reopen_after_fork(SvTRUE(reopen), &error) < 0)
        vkvm_perl_throw(aTHX_ error);

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

SV *
from_xml(xml)
    SV *xml
  CODE:
    RETVAL = vkvm_perl_from_xml(aTHX_ vkvm_perl_characters(aTHX_ xml, "xml"));
  OUTPUT:
    RETVAL

SV *
_to_xml(document)
    SV *document
  PREINIT:
    vkvm_error *error = NULL;
    char *xml;
  CODE:
    if (vkvm_value_to_xml(vkvm_perl_characters_to_value(aTHX_ document, "document"), &xml,
                          &error) < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    RETVAL = newSVpv(xml, 0);
    SvUTF8_on(RETVAL);
    vkvm_string_free(xml);
  OUTPUT:
    RETVAL

SV *
gen_uuid()
  PREINIT:
    vkvm_error *error = NULL;
    char *uuid;
  CODE:
    if (vkvm_host_gen_uuid(&uuid, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = newSVpv(uuid, 0);
    vkvm_string_free(uuid);
  OUTPUT:
    RETVAL

SV *
gen_mac()
  PREINIT:
    vkvm_error *error = NULL;
    char *mac;
  CODE:
    if (vkvm_host_gen_mac(&mac, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    RETVAL = newSVpv(mac, 0);
    vkvm_string_free(mac);
  OUTPUT:
    RETVAL

void
_refuse(parameter, message)
    SV *parameter
    SV *message
  PPCODE:
    vkvm_perl_refuse_named(aTHX_ VKVM_ERROR_OWN_INVALID, parameter, message);

void
get_all_domain_stats(conn, stats_sv, doms_sv = NULL, flags_sv = NULL)
    vkvm_conn *conn
    SV *stats_sv
    SV *doms_sv
    SV *flags_sv
  PPCODE:
  {
    uint32_t stats = (uint32_t)vkvm_perl_uint(aTHX_ stats_sv, "stats", UINT32_MAX);
    size_t doms_len = 0;
    vkvm_domain **doms = (vkvm_domain **)vkvm_perl_handles(aTHX_ doms_sv, "doms", &doms_len);
    uint32_t flags = vkvm_perl_given(flags_sv)
                         ? (uint32_t)vkvm_perl_uint(aTHX_ flags_sv, "flags", UINT32_MAX)
                         : 0;
    SP = vkvm_perl_push_domain_stats(aTHX_ SP, conn, stats, doms, doms_len, flags);
  }

MODULE = VKVM  PACKAGE = VKVM::Domain

# The most frequent of all calls, and the only one whose hash is made without a value.
void
get_info(dom)
    vkvm_domain *dom
  PREINIT:
    vkvm_error *error = NULL;
    int state;
    uint64_t max_mem, memory, cpu_time;
    uint32_t nr_virt_cpu;
  PPCODE:
  {
    if (vkvm_domain_get_info_numbers(dom, &state, &max_mem, &memory, &nr_virt_cpu, &cpu_time,
                                     &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    const vkvm_perl_item items[] = {
        { STR_WITH_LEN("state"), newSViv(state) },
        { STR_WITH_LEN("maxMem"), newSVuv(max_mem) },
        { STR_WITH_LEN("memory"), newSVuv(memory) },
        { STR_WITH_LEN("nrVirtCpu"), newSVuv(nr_virt_cpu) },
        { STR_WITH_LEN("cpuTime"), newSVuv(cpu_time) },
    };
    HV *hash = vkvm_perl_hash(aTHX_ vkvm_perl_models_of(aTHX), items, C_ARRAY_LENGTH(items), FALSE,
                              FALSE);
    mXPUSHs(newRV_noinc((SV *)hash));
  }

MODULE = VKVM  PACKAGE = VKVM::Host

SV *
_open(uri)
    SV *uri
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_host *host;
  CODE:
    if (vkvm_host_open(vkvm_perl_text_or_null(aTHX_ uri, "uri"), &host, &error) < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    RETVAL = vkvm_perl_object(aTHX_ host, vkvm_perl_host);
  OUTPUT:
    RETVAL

SV *
_new(conn)
    vkvm_conn *conn
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_host *host;
  CODE:
    if (vkvm_host_new(conn, &host, &error) < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    RETVAL = vkvm_perl_object(aTHX_ host, vkvm_perl_host);
  OUTPUT:
    RETVAL

SV *
_call(host, command, args, progress, is_document)
    vkvm_host *host
    SV *command
    SV *args
    SV *progress
    bool is_document
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_value *result;
    int status;
  CODE:
  {
    const char *command_text = vkvm_perl_characters(aTHX_ command, "command");
    vkvm_value *value =
        vkvm_perl_given(args) ? vkvm_perl_characters_to_value(aTHX_ args, "args") : NULL;
    if (vkvm_perl_given(progress)) {
        void *userdata = vkvm_perl_callback(aTHX_ progress, "progress", NULL);
        status = vkvm_host_call_with_progress(host, command_text, value, vkvm_perl_on_host_progress,
                                              userdata, vkvm_perl_callback_free, &result, &error);
    } else {
        status = vkvm_host_call(host, command_text, value, &result, &error);
    }
    if (status == 0) {
        RETVAL = is_document ? vkvm_perl_take_document(aTHX_ result)
                             : vkvm_perl_take_characters(aTHX_ result);
        sv_2mortal(RETVAL);
    } else {
        RETVAL = NULL;
    }
    /* An exception of the callback is the better reason. */
    vkvm_perl_rethrow(aTHX_ error);
    if (status < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    SvREFCNT_inc(RETVAL);
  }
  OUTPUT:
    RETVAL

SV *
_commands()
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_value *commands;
  CODE:
    if (vkvm_host_commands(&commands, &error) < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    RETVAL = vkvm_perl_take_characters(aTHX_ commands);
  OUTPUT:
    RETVAL

MODULE = VKVM  PACKAGE = VKVM::Fleet

SV *
_open(uris, timeout)
    SV *uris
    SV *timeout
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_fleet *fleet;
  CODE:
  {
    size_t count;
    const char *const *texts = vkvm_perl_texts(aTHX_ uris, "uris", &count);
    uint32_t ms = vkvm_perl_uint(aTHX_ timeout, "timeout", UINT32_MAX);
    if (vkvm_fleet_open(texts, count, ms, &fleet, &error) < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    RETVAL = vkvm_perl_object(aTHX_ fleet, vkvm_perl_fleet);
  }
  OUTPUT:
    RETVAL

SV *
hosts(fleet)
    vkvm_fleet *fleet
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_value *hosts;
  CODE:
    if (vkvm_fleet_get_hosts(fleet, &hosts, &error) < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    RETVAL = vkvm_perl_take_characters(aTHX_ hosts);
  OUTPUT:
    RETVAL

SV *
_call(fleet, command, args, timeout, is_document)
    vkvm_fleet *fleet
    SV *command
    SV *args
    SV *timeout
    bool is_document
  ALIAS:
    _list_domains = 1
  PREINIT:
    vkvm_error *error = NULL;
    vkvm_value *results;
    int status;
  CODE:
  {
    uint32_t ms = vkvm_perl_uint(aTHX_ timeout, "timeout", UINT32_MAX);
    vkvm_value *value =
        vkvm_perl_given(args) ? vkvm_perl_characters_to_value(aTHX_ args, "args") : NULL;
    if (ix == 1)
        status = vkvm_fleet_list_domains(fleet, value, ms, &results, &error);
    else
        status = vkvm_fleet_call(fleet, vkvm_perl_characters(aTHX_ command, "command"), value, ms,
                                 &results, &error);
    if (status < 0)
        vkvm_perl_throw_characters(aTHX_ error);
    RETVAL = is_document ? vkvm_perl_take_document(aTHX_ results)
                         : vkvm_perl_take_characters(aTHX_ results);
  }
  OUTPUT:
    RETVAL

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
    SV *room = vkvm_perl_room(aTHX_ data_sv, nbytes);
    if (vkvm_stream_recv(stream, flags, (uint8_t *)SvPVX(room), nbytes, &received, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    if (received > 0)
        vkvm_perl_received(aTHX_ data_sv, room, (size_t)received);
    XPUSHi(received);
  }

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
    /* An argument, which may be secret. */
    vkvm_value_wipe_and_free((vkvm_value *)vkvm_perl_forget(aTHX_ self));
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

INCLUDE: generated/host.xs

INCLUDE: generated/fleet.xs

INCLUDE: generated/stream.xs

INCLUDE: generated/event.xs

INCLUDE: generated/event_queue.xs
