"""Singer target for Apache Iceberg tables."""
