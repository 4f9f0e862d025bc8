"""What keeps a table fast and small after it was written: compaction, expiry, orphans, manifests."""
