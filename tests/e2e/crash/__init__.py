"""Runs that are killed, resumed and counted."""
