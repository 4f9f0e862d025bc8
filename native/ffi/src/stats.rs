//! Totals that any thread may read while another one decodes.

use std::sync::atomic::{AtomicU64, Ordering};

use dativo_core::Stats;

/// Totals of a reader since it was made.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DativoStats {
    /// Lines met, blank ones too.
    pub lines: u64,
    /// Bytes of those lines, line ends included.
    pub bytes: u64,
    /// Records decoded.
    pub records: u64,
    /// Lines handed out as invalid.
    pub invalid: u64,
    /// Blank lines.
    pub blank: u64,
}

/// The totals as they were when the last event was handed out.
#[derive(Debug, Default)]
pub(crate) struct SharedStats {
    lines: AtomicU64,
    bytes: AtomicU64,
    records: AtomicU64,
    invalid: AtomicU64,
    blank: AtomicU64,
}

impl SharedStats {
    pub(crate) fn publish(&self, stats: Stats) {
        self.lines.store(stats.lines, Ordering::Relaxed);
        self.bytes.store(stats.bytes, Ordering::Relaxed);
        self.records.store(stats.records, Ordering::Relaxed);
        self.invalid.store(stats.invalid, Ordering::Relaxed);
        self.blank.store(stats.blank, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> DativoStats {
        DativoStats {
            lines: self.lines.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            invalid: self.invalid.load(Ordering::Relaxed),
            blank: self.blank.load(Ordering::Relaxed),
        }
    }
}
