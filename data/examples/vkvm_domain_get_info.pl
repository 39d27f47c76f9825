my $info = $dom->get_info;
print "$info->{memory} KiB\n";
