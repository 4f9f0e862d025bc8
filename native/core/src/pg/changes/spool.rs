//! Transactions that come before their commit, and wait for it.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;

/// Where transactions wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolOptions {
    /// The directory for what does not fit in memory; its files have no name for longer than a moment.
    pub directory: PathBuf,
    /// How much of all of them together is in memory.
    pub memory: usize,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        SpoolOptions { directory: std::env::temp_dir(), memory: 16 << 20 }
    }
}

/// The length of what follows it, the subtransaction, the position.
const HEAD: usize = 4 + 4 + 8;

/// A change of a transaction.
pub(super) struct Entry<'a> {
    /// The transaction, or its part that may be rolled back alone.
    pub(super) xid: u32,
    pub(super) lsn: u64,
    pub(super) kind: u8,
    /// The message without the transaction that stands before it while it is streamed.
    pub(super) rest: &'a [u8],
}

/// The transactions that wait, by their number.
pub(super) struct Spool {
    options: SpoolOptions,
    waiting: HashMap<u32, Waiting>,
    /// Bytes in memory.
    held: usize,
}

#[derive(Default)]
struct Waiting {
    file: Option<File>,
    /// What comes after what is in the file.
    tail: Vec<u8>,
    aborted: HashSet<u32>,
}

impl Spool {
    pub(super) fn new(options: SpoolOptions) -> Spool {
        Spool { options, waiting: HashMap::new(), held: 0 }
    }

    /// Adds a change to the transaction `top`.
    pub(super) fn put(&mut self, top: u32, entry: &Entry) -> Result<(), Error> {
        let waiting = self.waiting.entry(top).or_default();
        let before = waiting.tail.len();
        let length = u32::try_from(entry.rest.len() + 1).map_err(io::Error::other)?;
        waiting.tail.extend_from_slice(&length.to_le_bytes());
        waiting.tail.extend_from_slice(&entry.xid.to_le_bytes());
        waiting.tail.extend_from_slice(&entry.lsn.to_le_bytes());
        waiting.tail.push(entry.kind);
        waiting.tail.extend_from_slice(entry.rest);
        self.held += waiting.tail.len() - before;
        if self.held > self.options.memory { self.write_largest() } else { Ok(()) }
    }

    /// Moves the largest transaction out of memory.
    fn write_largest(&mut self) -> Result<(), Error> {
        let Some(waiting) = self.waiting.values_mut().max_by_key(|waiting| waiting.tail.len()) else {
            return Ok(());
        };
        let file = match &mut waiting.file {
            Some(file) => file,
            none => none.insert(unnamed(&self.options)?),
        };
        file.write_all(&waiting.tail)?;
        self.held -= waiting.tail.len();
        waiting.tail = Vec::new();
        Ok(())
    }

    /// Forgets a transaction, or a part of it.
    pub(super) fn abort(&mut self, top: u32, xid: u32) {
        if top == xid {
            self.held -= self.waiting.remove(&top).map_or(0, |waiting| waiting.tail.len());
        } else if let Some(waiting) = self.waiting.get_mut(&top) {
            waiting.aborted.insert(xid);
        }
    }

    /// The changes of a transaction that is committed now, whose end is `end_lsn`.
    pub(super) fn replay(&mut self, top: u32, end_lsn: u64) -> Result<Replay, Error> {
        let Waiting { mut file, tail, aborted } = self.waiting.remove(&top).unwrap_or_default();
        self.held -= tail.len();
        if let Some(file) = &mut file {
            file.rewind()?;
        }
        let file = file.map(|file| BufReader::with_capacity(256 << 10, file));
        Ok(Replay { end_lsn, file, tail: io::Cursor::new(tail), aborted, message: Vec::new() })
    }
}

/// A file of ours alone that is gone when it is closed.
fn unnamed(options: &SpoolOptions) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = options.directory.join(format!("dativo-{}-{number}.spool", std::process::id()));
    let mut open = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let file = open.read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// A transaction that is read again.
pub(super) struct Replay {
    pub(super) end_lsn: u64,
    file: Option<BufReader<File>>,
    tail: io::Cursor<Vec<u8>>,
    aborted: HashSet<u32>,
    message: Vec<u8>,
}

impl Replay {
    /// The next message, and its position.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, Error> {
        loop {
            let read = match &mut self.file {
                Some(file) => read(file, &mut self.message)?,
                None => read(&mut self.tail, &mut self.message)?,
            };
            match read {
                Some((xid, _)) if self.aborted.contains(&xid) => {}
                Some((_, lsn)) => return Ok(Some((lsn, &self.message))),
                None if self.file.take().is_none() => return Ok(None),
                None => {}
            }
        }
    }
}

/// Reads an entry: its transaction and its position.
fn read(from: &mut impl Read, message: &mut Vec<u8>) -> io::Result<Option<(u32, u64)>> {
    let mut head = [0; HEAD];
    let first = from.read(&mut head)?;
    if first == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[first..])?;
    let [l0, l1, l2, l3, x0, x1, x2, x3, lsn @ ..] = head;
    message.resize(u32::from_le_bytes([l0, l1, l2, l3]) as usize, 0);
    from.read_exact(message)?;
    Ok(Some((u32::from_le_bytes([x0, x1, x2, x3]), u64::from_le_bytes(lsn))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: usize = 10_000;

    fn spool() -> Spool {
        Spool::new(SpoolOptions { memory: MEMORY, ..SpoolOptions::default() })
    }

    fn put(spool: &mut Spool, top: u32, lsn: u64) {
        spool.put(top, &Entry { xid: top, lsn, kind: b'I', rest: &[7; 100] }).unwrap();
    }

    #[test]
    fn all_that_waits_together_is_within_the_memory() {
        let mut spool = spool();
        for lsn in 0..5000 {
            put(&mut spool, lsn as u32 % 7, lsn);
            assert!(spool.held <= MEMORY);
            assert_eq!(spool.held, spool.waiting.values().map(|waiting| waiting.tail.len()).sum::<usize>());
        }
        for top in 0..7 {
            let mut replay = spool.replay(top, 9).unwrap();
            let mut lsns = Vec::new();
            while let Some((lsn, message)) = replay.next().unwrap() {
                assert_eq!((message[0], message.len()), (b'I', 101));
                lsns.push(lsn);
            }
            assert_eq!(lsns, (0..5000).filter(|lsn| lsn % 7 == u64::from(top)).collect::<Vec<_>>());
        }
        assert_eq!((spool.held, spool.waiting.len()), (0, 0));
    }

    #[test]
    fn what_is_rolled_back_gives_its_memory_back() {
        let mut spool = spool();
        (0..50).for_each(|lsn| put(&mut spool, 1, lsn));
        (0..3).for_each(|lsn| put(&mut spool, 2, lsn));
        spool.abort(1, 5);
        assert!(spool.held > 0, "a part is forgotten at the end");
        spool.abort(1, 1);
        spool.abort(9, 9);
        assert_eq!((spool.held, spool.waiting.len()), (3 * (HEAD + 101), 1));
        assert!(spool.replay(1, 9).unwrap().next().unwrap().is_none(), "nothing is left of it");
    }
}
