"""Last write wins: which rows of a table an epoch replaces or deletes, and what to commit so that it does.

While files are written a `KeyLog` notes which key stands where. Its outcome is staged with the epoch
(`EpochKeys`), so that any process can compute the commit from it and from the table as it is then:
`UpsertPlanner` looks for the keys in the table's files (`probe`) and says which rows go, by position-delete
files or by writing files anew.
"""
