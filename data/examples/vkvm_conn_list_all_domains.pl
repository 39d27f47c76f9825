for my $active ($conn->list_all_domains(VKVM::Domain::LIST_ACTIVE)) {
    print $active->get_name, "\n";
}
