"""Which connectors there are, where they are installed, and what may be used."""
