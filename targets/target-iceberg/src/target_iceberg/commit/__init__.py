"""One epoch into its tables: one transaction a table, guarded by a marker, never twice."""
