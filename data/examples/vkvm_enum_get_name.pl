print VKVM::enum_name('domain_state', VKVM::Domain::STATE_RUNNING), "\n";
