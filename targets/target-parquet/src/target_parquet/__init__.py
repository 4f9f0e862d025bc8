"""Singer target for Parquet files."""
