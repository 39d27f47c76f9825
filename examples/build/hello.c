/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The smallest program: which libvkvm, which libvirt. */

#include <stdio.h>
#include <vkvm.h>

int main(void)
{
    vkvm_error *error = NULL;
    uint64_t own, libvirt;

    if (vkvm_library_get_version(&own, &error) < 0 ||
        vkvm_library_get_libvirt_version(&libvirt, &error) < 0) {
        fprintf(stderr, "%s\n", vkvm_error_message(error));
        vkvm_error_free(error);
        return 1;
    }
    printf("libvkvm %llu on libvirt %llu\n", (unsigned long long)own, (unsigned long long)libvirt);
    return 0;
}
