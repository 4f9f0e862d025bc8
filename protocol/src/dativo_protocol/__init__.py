"""Singer for connectors: messages, catalog, state, types, command line, tap and target loops."""
