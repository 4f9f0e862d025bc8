//! The streams met, and which of them a line belongs to.

use std::collections::HashMap;

use crate::columns::Opening;
use crate::plan::Records;
use crate::scan::Here;

/// How many ways to begin a RECORD line are remembered.
const ROUTES: usize = 32;

/// One stream.
pub(super) struct Stream {
    pub(super) name: String,
    /// The last SCHEMA line.
    pub(super) schema: Vec<u8>,
    /// How its records are decoded, once it is planned.
    pub(super) records: Option<Records>,
    /// The line of the last record.
    pub(super) last_line: u64,
}

/// All streams by name and by the way their lines begin.
#[derive(Default)]
pub(super) struct Streams {
    list: Vec<Stream>,
    by_name: HashMap<String, usize>,
    /// Beginnings of RECORD lines up to the record's brace, and their streams.
    routes: Vec<(Opening, usize)>,
    /// The route of the last line.
    current: usize,
    replaced: usize,
    met: usize,
    /// Streams with open records, in the order of their first ones.
    pub(super) open: Vec<usize>,
}

impl Streams {
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn index_or_new(&mut self, name: &str) -> usize {
        if let Some(index) = self.index(name) {
            return index;
        }
        let index = self.list.len();
        self.list.push(Stream { name: name.to_string(), schema: Vec::new(), records: None, last_line: 0 });
        self.by_name.insert(name.to_string(), index);
        index
    }

    #[inline(always)]
    pub(super) fn get(&mut self, index: usize) -> &mut Stream {
        &mut self.list[index]
    }

    /// The stream of the line that is here and the position after the record's brace, if a line before began with the same
    /// bytes.
    #[inline(always)]
    pub(super) fn route(&mut self, here: Here) -> Option<(usize, usize)> {
        if let Some((expect, stream)) = self.routes.get(self.current)
            && let Some(members) = expect.after(here)
        {
            return Some((*stream, members));
        }
        self.other_route(here.bytes, here.pos)
    }

    #[inline(never)]
    fn other_route(&mut self, bytes: &[u8], pos: usize) -> Option<(usize, usize)> {
        let here = Here::at(bytes, pos);
        let mut found = self.routes.iter().enumerate();
        let (current, stream, members) =
            found.find_map(|(index, (expect, stream))| expect.after(here).map(|members| (index, *stream, members)))?;
        self.current = current;
        Some((stream, members))
    }

    /// The stream of the last record.
    pub(super) fn last_met(&self) -> usize {
        self.met
    }

    pub(super) fn met(&mut self, index: usize) {
        self.met = index;
    }

    /// Remembers that lines which begin with `prefix` are records of `stream`.
    pub(super) fn learn_route(&mut self, prefix: &[u8], stream: usize) {
        let route = (Opening::new(prefix), stream);
        if self.routes.len() < ROUTES {
            self.current = self.routes.len();
            self.routes.push(route);
        } else {
            self.replaced = (self.replaced + 1) % ROUTES;
            self.current = self.replaced;
            self.routes[self.replaced] = route;
        }
    }
}
