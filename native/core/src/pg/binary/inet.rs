//! `inet` and `cidr`: addresses of hosts and of networks.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::super::wire::malformed;
use crate::fault::Fault;

/// PostgreSQL's own numbers of the two families.
const V4: u8 = 2;
const V6: u8 = 3;

/// An address as PostgreSQL shows it.
pub(super) struct Address {
    host: Host,
    /// Shown unless they say nothing: all of a host's.
    bits: Option<u8>,
}

enum Host {
    V4(Ipv4Addr),
    V6([u8; 16]),
}

pub(super) fn parse(value: &[u8]) -> Result<Address, Box<Fault>> {
    let [family, bits, network, length, bytes @ ..] = value else {
        return Err(malformed("an address that ends too early"));
    };
    if usize::from(*length) != bytes.len() || *bits > length.saturating_mul(8) {
        return Err(malformed("an address whose length is wrong"));
    }
    let host = match (*family, <[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (V4, Ok(bytes), _) => Host::V4(bytes.into()),
        (V6, _, Ok(bytes)) => Host::V6(bytes),
        _ => return Err(malformed("an address of an unknown family")),
    };
    Ok(Address { host, bits: (*network != 0 || usize::from(*bits) < 8 * bytes.len()).then_some(*bits) })
}

impl Address {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        // Writing to memory does not fail.
        let _ = match &self.host {
            Host::V4(host) => write!(out, "{host}"),
            Host::V6(bytes) => write_v6(bytes, out),
        };
        if let Some(bits) = self.bits {
            let _ = write!(out, "/{bits}");
        }
    }
}

/// As PostgreSQL's `inet_net_ntop` does: an IPv4 address inside is shown with dots, a single zero is not shortened.
fn write_v6(bytes: &[u8; 16], out: &mut Vec<u8>) -> std::io::Result<()> {
    let words = Ipv6Addr::from(*bytes).segments();
    let zeros = longest_zeros(&words);
    let dotted = zeros == (0..6) || zeros == (0..5) && words[5] == 0xFFFF;
    for (at, word) in words.iter().enumerate() {
        if zeros.contains(&at) {
            if at == zeros.start {
                out.push(b':');
            }
            continue;
        }
        if at != 0 {
            out.push(b':');
        }
        if dotted && at == 6 {
            return write!(out, "{}", Ipv4Addr::new(bytes[12], bytes[13], bytes[14], bytes[15]));
        }
        write!(out, "{word:x}")?;
    }
    if zeros.end == words.len() {
        out.push(b':');
    }
    Ok(())
}

/// The first of the longest runs of two or more zeros.
fn longest_zeros(words: &[u16; 8]) -> Range<usize> {
    let run = |start: usize| start..start + words[start..].iter().take_while(|word| **word == 0).count();
    let longest = (0..8).map(run).fold(0..1, |best, next| if next.len() > best.len() { next } else { best });
    if longest.len() > 1 { longest } else { 0..0 }
}
