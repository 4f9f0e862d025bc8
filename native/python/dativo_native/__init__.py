"""Singer JSON lines to and from Arrow, in Rust."""
