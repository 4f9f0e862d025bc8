//! Random values, the same every time.

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    /// A number below `end`, from `start` on.
    pub fn within(&mut self, start: u64, end: u64) -> u64 {
        start + self.next() % (end - start)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.next() as usize % words.len()]
    }

    /// A number with two digits after the point.
    pub fn hundredths(&mut self, end: u64) -> String {
        let value = self.within(0, end);
        format!("{}.{:02}", value / 100, value % 100)
    }

    pub fn day(&mut self) -> String {
        format!("{}-{:02}-{:02}", self.within(1992, 1999), self.within(1, 13), self.within(1, 29))
    }

    /// A date-time with one of several precisions and offsets, in quotes.
    pub fn moment(&mut self) -> String {
        let (month, day) = (self.within(1, 13), self.within(1, 29));
        let (hour, minute, second) = (self.within(0, 24), self.within(0, 60), self.within(0, 60));
        let fraction = self.pick(&["", ".120", ".123456"]);
        let offset = self.pick(&["Z", "+00:00", "+02:00", "-05:30"]);
        format!("\"2024-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}\"")
    }
}
