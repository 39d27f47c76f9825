for my $record ($conn->get_all_domain_stats(VKVM::Domain::STATS_STATE)) {
    print $record->{dom}->get_name, ' ', $record->{data}{'state.state'}, "\n";
}
