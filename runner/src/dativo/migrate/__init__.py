"""From Meltano projects and the files of dativo-ingest to jobs, with nothing lost in silence."""
