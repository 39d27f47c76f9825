$dom->set_metadata(VKVM::Domain::METADATA_ELEMENT, '<owner>web team</owner>',
    'example', 'https://example.com/owner');
