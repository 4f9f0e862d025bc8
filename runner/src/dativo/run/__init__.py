"""Connectors as processes on pipes, from start to end."""
