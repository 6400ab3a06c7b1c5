//! [`Schema`]: what a file has in it, by the texts that SQLite keeps of it. A dump carries these texts word for word, and
//! neither of the numbers in the file's first page.

use std::collections::BTreeMap;

use rusqlite::Connection;

/// The tables, indexes, triggers and views of a file, each with its text. `table events` is the name of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema(BTreeMap<String, String>);

/// How the schema of a file differs from that of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Differences {
    /// The layout that it is nearest to.
    pub(crate) layout: i64,
    /// What is not there, or is not as the layout has it.
    pub(crate) lacking: Vec<String>,
    /// What is there besides.
    pub(crate) further: Vec<String>,
}

impl Schema {
    /// What a file has. Leaves out what SQLite has made for itself.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare(
            r"SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'",
        )?;
        let found = statement.query_map([], |row| {
            // A dump may have been through programs that end lines in another way.
            let text: String = row.get(1)?;
            Ok((row.get(0)?, text.split_whitespace().collect::<Vec<_>>().join(" ")))
        })?;
        found.collect::<Result<_, _>>().map(Self)
    }

    /// What a file has that went through these migrations and nothing else.
    pub(super) fn after(migrations: &[&str]) -> rusqlite::Result<Self> {
        let file = Connection::open_in_memory()?;
        for migration in migrations {
            file.execute_batch(migration)?;
        }
        Self::read(&file)
    }

    /// A table of the other one that is not the same here.
    pub(super) fn other_table(&self, layout: &Self) -> Option<String> {
        let mut tables = layout.0.iter().filter(|(name, _)| name.starts_with("table "));
        tables.find(|(name, text)| self.0.get(*name) != Some(text)).map(|(name, _)| name.clone())
    }

    /// How this differs from the layout, of those that the migrations lead to, that it is nearest to. None when its table
    /// of events is that of no layout.
    pub(super) fn differences(&self, migrations: &[&str]) -> rusqlite::Result<Option<Differences>> {
        let mut nearest: Option<Differences> = None;
        for (layout, index) in (1..).zip(0..migrations.len()) {
            let expected = Self::after(&migrations[..=index])?;
            if self.0.get("table events") != expected.0.get("table events") {
                continue;
            }
            let lacking = expected.0.iter().filter(|(name, text)| self.0.get(*name) != Some(text));
            let further = self.0.keys().filter(|name| !expected.0.contains_key(*name));
            let lacking: Vec<_> = lacking.map(|(name, _)| name.clone()).collect();
            let differences = Differences { layout, lacking, further: further.cloned().collect() };
            if nearest.as_ref().is_none_or(|nearest| differences.count() <= nearest.count()) {
                nearest = Some(differences);
            }
        }
        Ok(nearest)
    }
}

impl Differences {
    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        self.lacking.len() + self.further.len()
    }
}
