use VKVM::Host;
my $host = VKVM::Host->new(conn => $conn);
my $info = $host->pool->info('default-pool');
print "$info->{state}, $info->{capacity}\n";
