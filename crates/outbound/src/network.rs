//! Ranges of addresses, as `10.0.0.0/8`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

/// Why a text is no range that may be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    /// It does not read as address and length.
    #[error("`{0}` is not a range such as `10.20.0.0/16`")]
    Malformed(String),
    /// The address has bits beyond its length.
    #[error("`{0}` has bits beyond its length: write the first address of the range")]
    Loose(String),
    /// Not inside of a private range.
    #[error(
        "`{0}` is not inside of a private range (10/8, 172.16/12, 192.168/16, 100.64/10, 127/8, fc00::/7, ::1)"
    )]
    NotPrivate(String),
}

impl Network {
    pub(crate) const fn v4(octets: [u8; 4], bits: u8) -> Self {
        let [a, b, c, d] = octets;
        Self { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    pub(crate) const fn v6(head: [u16; 4], bits: u8) -> Self {
        let [a, b, c, d] = head;
        Self { first: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), bits }
    }

    pub(crate) const fn v6_one(only: Ipv6Addr) -> Self {
        Self { first: IpAddr::V6(only), bits: 128 }
    }

    /// Whether the address is in it. An address of the other family never is.
    pub fn holds(&self, address: IpAddr) -> bool {
        let (left, right, width) = match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(other)) => {
                (u128::from(first.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(first), IpAddr::V6(other)) => (first.to_bits(), other.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        let rest = width - u32::from(self.bits);
        left.checked_shr(rest) == right.checked_shr(rest)
    }

    /// Whether all of `other` is in it.
    pub(crate) fn holds_all(&self, other: &Self) -> bool {
        other.bits >= self.bits && self.holds(other.first)
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    /// An address alone is a range of one.
    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let malformed = || BadNetwork::Malformed(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| malformed())?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(bits) if !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= width).ok_or_else(malformed)?
            }
            Some(_) => return Err(malformed()),
        };
        let rest = u32::from(width - bits);
        let loose = match first {
            IpAddr::V4(first) => first.to_bits().trailing_zeros() < rest && first.to_bits() != 0,
            IpAddr::V6(first) => first.to_bits().trailing_zeros() < rest && first.to_bits() != 0,
        };
        if loose { Err(BadNetwork::Loose(text.to_owned())) } else { Ok(Self { first, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_is_in_it() {
        let range: Network = "10.20.0.0/16".parse().unwrap();
        assert!(range.holds("10.20.255.1".parse().unwrap()));
        assert!(!range.holds("10.21.0.0".parse().unwrap()));
        assert!(!range.holds("::ffff:10.20.0.1".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.holds("8.8.8.8".parse().unwrap()));
        let one: Network = "fd00::1".parse().unwrap();
        assert_eq!(one.to_string(), "fd00::1/128");
        assert!(one.holds("fd00::1".parse().unwrap()));
        assert!(!one.holds("fd00::2".parse().unwrap()));
    }

    #[test]
    fn an_odd_range_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.1/8", "10/8", "x/8", "10.0.0.0/+8", "fd00::/129"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
