"""The runner as a whole, from outside: what a team that relies on it must be able to count on."""
