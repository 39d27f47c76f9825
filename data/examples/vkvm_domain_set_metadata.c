if (vkvm_domain_set_metadata(dom, VKVM_DOMAIN_METADATA_ELEMENT, "<owner>web team</owner>",
                             "example", "https://example.com/owner", 0, &error) < 0)
    goto failed;
