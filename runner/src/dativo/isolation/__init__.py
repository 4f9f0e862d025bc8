"""What a connector may use, and what it can reach."""
