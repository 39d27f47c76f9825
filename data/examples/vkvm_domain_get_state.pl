my ($state, $reason) = $dom->get_state;
print "running\n" if $state == VKVM::Domain::STATE_RUNNING;
