"""What people and monitoring see of a run."""
