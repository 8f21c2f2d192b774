"""Rules that need more than one file; each check yields diagnostics and changes nothing."""
