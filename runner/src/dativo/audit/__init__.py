"""Who ran what, with which connectors and secrets: kept so that a change of it shows."""
