# SPDX-License-Identifier: LGPL-2.1-or-later
# What is behind VKVM::Calls and VKVM::Async; vkvm_calls.c tells.

MODULE = VKVM  PACKAGE = VKVM

void
_limit_calls()
  PPCODE:
    vkvm_perl_limit_calls();
    XSRETURN_EMPTY;

MODULE = VKVM  PACKAGE = VKVM::Async

void
_attempt(code, given, calls, tag_sv, timeout_ms_sv)
    SV *code
    AV *given
    AV *calls
    SV *tag_sv
    SV *timeout_ms_sv
  PPCODE:
  {
    UV tag = vkvm_perl_uint(aTHX_ tag_sv, "tag", UV_MAX);
    uint32_t timeout_ms = (uint32_t)vkvm_perl_uint(aTHX_ timeout_ms_sv, "timeout", UINT32_MAX);
    PUTBACK;
    /* What it returns lies where the arguments were. */
    I32 count = vkvm_perl_attempt(aTHX_ code, given, calls, tag, timeout_ms);
    XSRETURN(count);
  }

void
_done(most_sv)
    SV *most_sv
  PPCODE:
  {
    size_t most = vkvm_perl_uint(aTHX_ most_sv, "most", SIZE_MAX);
    SP = vkvm_perl_calls_done(aTHX_ SP, most);
  }

int
_fd()
  CODE:
    RETVAL = vkvm_perl_calls_fd(aTHX);
  OUTPUT:
    RETVAL

MODULE = VKVM  PACKAGE = VKVM::Async::_Call

void
_cancel(call)
    SV *call
  PPCODE:
    if (SvROK(call) && SvIOK(SvRV(call)))
        vkvm_call_cancel(INT2PTR(vkvm_call *, SvIVX(SvRV(call))), NULL);
    XSRETURN_EMPTY;

void
_tell(call)
    SV *call
  PPCODE:
    vkvm_perl_tell_progress_of(aTHX_ call);
    XSRETURN_EMPTY;

void
DESTROY(call)
    SV *call
  PPCODE:
    vkvm_call_free((vkvm_call *)vkvm_perl_forget(aTHX_ call));
    XSRETURN_EMPTY;
