//! Relations as the stream describes them.

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgRelation {
    /// Its oid.
    pub relid: u32,
    /// Where it is.
    pub schema: String,
    /// Its name there.
    pub table: String,
    /// What of an old row is sent: `d` its primary key, `i` its key in an index, `f` all, `n` nothing.
    pub identity: char,
    /// Its columns, as far as they are sent.
    pub columns: Vec<PgRelationColumn>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgRelationColumn {
    /// Whether it is part of the replica identity.
    pub key: bool,
    /// Its name.
    pub name: String,
    /// The oid of its type.
    pub type_oid: u32,
    /// The modifier of its type, -1 for none.
    pub modifier: i32,
}

impl PgRelation {
    /// The description as JSON, for those who do not share memory.
    pub fn to_json(&self) -> String {
        let columns = self.columns.iter().map(|column| {
            serde_json::json!({
                "name": column.name, "key": column.key, "type_oid": column.type_oid, "modifier": column.modifier,
            })
        });
        serde_json::json!({
            "relid": self.relid,
            "schema": self.schema,
            "table": self.table,
            "identity": self.identity,
            "columns": columns.collect::<Vec<_>>(),
        })
        .to_string()
    }
}
