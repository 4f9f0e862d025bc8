//! When a STATE is handed over.

use std::time::{Duration, Instant};

use crate::{ReaderOptions, Stats};

/// The span between two STATEs that were handed over.
pub(super) struct Epoch {
    bytes: u64,
    records: u64,
    time: Duration,
    begun_bytes: u64,
    begun_records: u64,
    begun: Instant,
    held: Option<Held>,
}

/// The newest STATE, when it came before the epoch was due.
struct Held {
    line: u64,
    value: String,
    /// Other messages came after it, so it covers them no longer.
    overtaken: bool,
}

impl Epoch {
    pub(super) fn new(options: &ReaderOptions) -> Epoch {
        Epoch {
            bytes: options.epoch_bytes,
            records: options.epoch_records,
            time: Duration::from_millis(options.epoch_millis),
            begun_bytes: 0,
            begun_records: 0,
            begun: Instant::now(),
            held: None,
        }
    }

    /// Whether the next STATE ends the epoch: any limit is reached, or there is none.
    pub(super) fn is_due(&self, stats: &Stats) -> bool {
        let reached = |limit: u64, count: u64| limit > 0 && count >= limit;
        let unlimited = self.bytes == 0 && self.records == 0 && self.time.is_zero();
        unlimited
            || reached(self.bytes, stats.bytes - self.begun_bytes)
            || reached(self.records, stats.records - self.begun_records)
            || (!self.time.is_zero() && self.begun.elapsed() >= self.time)
    }

    /// Begins the next epoch.
    pub(super) fn cut(&mut self, stats: &Stats) {
        self.begun_bytes = stats.bytes;
        self.begun_records = stats.records;
        self.begun = Instant::now();
        self.held = None;
    }

    pub(super) fn hold(&mut self, line: u64, value: String) {
        self.held = Some(Held { line, value, overtaken: false });
    }

    /// A message that the held STATE does not cover has come.
    #[inline(always)]
    pub(super) fn overtake(&mut self) {
        if let Some(held) = &mut self.held {
            held.overtaken = true;
        }
    }

    /// The held STATE; with `covering` only if it covers everything before now.
    pub(super) fn take(&mut self, covering: bool) -> Option<(u64, String)> {
        if covering && self.held.as_ref().is_some_and(|held| held.overtaken) {
            return None;
        }
        self.held.take().map(|held| (held.line, held.value))
    }

    /// How long to wait for input: `idle`, or less if a held STATE becomes due earlier.
    pub(super) fn patience(&self, idle: Duration) -> Duration {
        match &self.held {
            Some(held) if !held.overtaken && !self.time.is_zero() => {
                idle.min(self.time.saturating_sub(self.begun.elapsed()).max(Duration::from_millis(1)))
            }
            _ => idle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(options: ReaderOptions) -> Epoch {
        Epoch::new(&options)
    }

    fn stats(bytes: u64, records: u64) -> Stats {
        Stats { bytes, records, ..Stats::default() }
    }

    #[test]
    fn without_limits_every_state_is_due() {
        assert!(epoch(ReaderOptions::default()).is_due(&stats(0, 0)));
    }

    #[test]
    fn any_limit_makes_it_due() {
        let mut epoch = epoch(ReaderOptions { epoch_bytes: 100, epoch_records: 10, ..ReaderOptions::default() });
        assert!(!epoch.is_due(&stats(99, 9)));
        assert!(epoch.is_due(&stats(100, 0)) && epoch.is_due(&stats(0, 10)));
        epoch.cut(&stats(100, 10));
        assert!(!epoch.is_due(&stats(199, 19)) && epoch.is_due(&stats(200, 19)));
    }

    #[test]
    fn time_alone_makes_it_due() {
        let epoch = epoch(ReaderOptions { epoch_millis: 20, ..ReaderOptions::default() });
        assert!(!epoch.is_due(&stats(u64::MAX, u64::MAX)));
        std::thread::sleep(Duration::from_millis(25));
        assert!(epoch.is_due(&stats(0, 0)));
    }

    #[test]
    fn a_held_state_covers_until_overtaken() {
        let mut epoch = epoch(ReaderOptions { epoch_millis: 60_000, ..ReaderOptions::default() });
        assert_eq!(epoch.patience(Duration::from_secs(90)), Duration::from_secs(90));
        epoch.hold(3, "{}".into());
        assert!(epoch.patience(Duration::from_secs(90)) <= Duration::from_secs(60));
        epoch.overtake();
        assert_eq!(epoch.take(true), None);
        assert_eq!(epoch.take(false), Some((3, "{}".into())));
    }
}
