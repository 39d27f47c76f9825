/* The constants of the library as Perl's, each in the package of its class. */

#include "vkvm_perl.h"

static SV *member(pTHX_ SV *hashref, const char *key)
{
    SV **found = hv_fetch((HV *)SvRV(hashref), key, strlen(key), 0);
    return found ? *found : &PL_sv_undef;
}

void vkvm_perl_make_constants(pTHX)
{
    vkvm_error *error = NULL;
    vkvm_value *list;
    if (vkvm_constant_list(&list, &error) < 0)
        vkvm_perl_throw(aTHX_ error);
    SV *constants = sv_2mortal(vkvm_perl_from_value(aTHX_ list));
    vkvm_value_free(list);
    AV *array = (AV *)SvRV(constants);
    for (SSize_t i = 0; i <= av_top_index(array); i++) {
        SV *constant = *av_fetch(array, i, 0);
        HV *stash = vkvm_perl_stash(aTHX_ SvPV_nolen(member(aTHX_ constant, "class")));
        if (stash)
            newCONSTSUB(stash, SvPV_nolen(member(aTHX_ constant, "name")),
                        newSVsv(member(aTHX_ constant, "value")));
    }
}
