"""Everything on one machine without any account: sample content, fake providers and virtual phones."""
