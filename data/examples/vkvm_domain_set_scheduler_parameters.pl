$dom->set_scheduler_parameters({ VKVM::Domain::SCHEDULER_WEIGHT, 60 });
