"""Job and project files: read, checked, explained."""
