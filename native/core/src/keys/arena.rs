//! The bytes of many keys, one after the other.

/// Keys by their number, from 0 on in order of arrival.
#[derive(Debug)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    ends: Ends,
}

#[derive(Debug)]
enum Ends {
    /// All keys are as long as each other, so where they end need not be kept.
    Every(usize),
    At(Vec<u64>),
}

impl Arena {
    /// No keys yet; `width` is what all will have, if they do.
    pub(super) fn new(width: Option<usize>) -> Arena {
        Arena { bytes: Vec::new(), ends: width.map_or(Ends::At(Vec::new()), Ends::Every) }
    }

    pub(super) fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        if let Ends::At(ends) = &mut self.ends {
            ends.push(self.bytes.len() as u64);
        }
    }

    pub(super) fn get(&self, number: usize) -> &[u8] {
        match &self.ends {
            Ends::Every(width) => &self.bytes[number * width..][..*width],
            Ends::At(ends) => {
                let start = if number == 0 { 0 } else { ends[number - 1] as usize };
                &self.bytes[start..ends[number] as usize]
            }
        }
    }

    /// Memory in use.
    pub(super) fn size(&self) -> usize {
        let ends = match &self.ends {
            Ends::Every(_) => 0,
            Ends::At(ends) => ends.len() * size_of::<u64>(),
        };
        self.bytes.len() + ends
    }
}
