my $seen;
$conn->domain_event_register_any(undef, VKVM::Domain::EVENT_ID_LIFECYCLE, sub {
    my ($conn, $dom, $event, $detail) = @_;
    print $dom->get_name, ": event $event\n";
    $seen = 1;
});
$dom->suspend;
VKVM::Event::run_default() until $seen;
