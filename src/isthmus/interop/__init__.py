"""Who could use what: ecosystems, access, reach."""
