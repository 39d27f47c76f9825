my $snapshot =
  $dom->create_snapshot('<domainsnapshot><name>before</name></domainsnapshot>');
