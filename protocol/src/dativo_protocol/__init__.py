"""Singer for connectors: messages, catalog, state, types, command line, tap and target loops.

Nothing is imported here: a command that only says its version must not pay for the rest.
"""
