//! Which addresses a request may go to.
//!
//! Sources: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and what was
//! registered since), and the places at which clouds serve credentials to whoever asks from
//! inside. IPv6 is refused by default: only global unicast (`2000::/3`) is looked at further.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::failure::Why;
use crate::network::Network;

/// Ranges that a link may open by naming them, or a part of them.
const PRIVATE: [Network; 7] = [
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([100, 64, 0, 0], 10),
    Network::v4([127, 0, 0, 0], 8),
    Network::v6([0xfc00, 0, 0, 0], 7),
    LOOPBACK_V6,
];

/// `::1`, whose last bit no head of four groups can say.
const LOOPBACK_V6: Network = Network::v6_one(Ipv6Addr::LOCALHOST);

/// Places of credentials. No link can open them.
const METADATA: [IpAddr; 8] = [
    // Most clouds.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    // Containers of Amazon.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    // Pods of Amazon.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    // Azure, an address that is public elsewhere.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Alibaba, inside of the shared range.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    // Oracle, the older one.
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    // Amazon by IPv6, inside of the unique local range.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
    // Google by IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254)),
];

/// IPv4 that is not of the public network, and that nobody has a reason to open.
const CLOSED_V4: [Network; 15] = [
    Network::v4([0, 0, 0, 0], 8),
    Network::v4([169, 254, 0, 0], 16),
    Network::v4([192, 0, 0, 0], 24),
    Network::v4([192, 0, 2, 0], 24),
    Network::v4([192, 31, 196, 0], 24),
    Network::v4([192, 52, 193, 0], 24),
    Network::v4([192, 88, 99, 0], 24),
    Network::v4([192, 175, 48, 0], 24),
    Network::v4([198, 18, 0, 0], 15),
    Network::v4([198, 51, 100, 0], 24),
    Network::v4([203, 0, 113, 0], 24),
    Network::v4([224, 0, 0, 0], 4),
    Network::v4([233, 252, 0, 0], 24),
    Network::v4([240, 0, 0, 0], 4),
    Network::v4([255, 255, 255, 255], 32),
];

/// Parts of `2000::/3` that are not of the public network: protocol assignments with Teredo and
/// ORCHID, documentation twice, 6to4.
const CLOSED_V6: [Network; 6] = [
    Network::v6([0x2001, 0, 0, 0], 23),
    Network::v6([0x2001, 0x0db8, 0, 0], 32),
    Network::v6([0x2002, 0, 0, 0], 16),
    Network::v6([0x2620, 0x004f, 0x8000, 0], 48),
    Network::v6([0x3ffe, 0, 0, 0], 16),
    Network::v6([0x3fff, 0, 0, 0], 20),
];

const GLOBAL_V6: Network = Network::v6([0x2000, 0, 0, 0], 3);
const TRANSLATED: Network = Network::v6([0x0064, 0xff9b, 0, 0], 96);

/// Judges an address, and gives the one to connect to: an IPv4 address in the clothes of IPv6
/// (`::ffff:a.b.c.d`) is judged and used as what it is.
///
/// # Errors
///
/// [`Why::Metadata`] and [`Why::SpecialAddress`] hold whatever is opened; [`Why::PrivateAddress`]
/// says that an entry in `opened` would let it through.
pub fn judge(address: IpAddr, opened: &[Network]) -> Result<IpAddr, Why> {
    let plain = match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    if METADATA.contains(&plain) {
        return Err(Why::Metadata);
    }
    if PRIVATE.iter().any(|range| range.holds(plain)) {
        let named = opened.iter().any(|range| range.holds(plain));
        return if named { Ok(plain) } else { Err(Why::PrivateAddress) };
    }
    match plain {
        IpAddr::V4(_) if CLOSED_V4.iter().any(|range| range.holds(plain)) => {
            Err(Why::SpecialAddress)
        }
        IpAddr::V4(_) => Ok(plain),
        IpAddr::V6(six) => judge_v6(six, opened),
    }
}

fn judge_v6(six: Ipv6Addr, opened: &[Network]) -> Result<IpAddr, Why> {
    let plain = IpAddr::V6(six);
    if TRANSLATED.holds(plain) {
        // A network that has only IPv6 reaches IPv4 so; what is reached is what counts.
        return judge(IpAddr::V4(last_four(six)), opened).map(|_| plain);
    }
    let closed = CLOSED_V6.iter().any(|range| range.holds(plain));
    if closed || !GLOBAL_V6.holds(plain) || is_isatap(six) {
        return Err(Why::SpecialAddress);
    }
    Ok(plain)
}

/// An address that tunnels to the IPv4 address in its end (RFC 5214).
fn is_isatap(six: Ipv6Addr) -> bool {
    let [_, _, _, _, a, b, _, _] = six.segments();
    matches!(a, 0 | 0x0200) && b == 0x5efe
}

fn last_four(six: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = six.octets();
    Ipv4Addr::new(a, b, c, d)
}

/// Whether all of a range is private, so that a link may open it.
pub(crate) fn is_private(range: &Network) -> bool {
    PRIVATE.iter().any(|private| private.holds_all(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(address: &str, opened: &str) -> Result<IpAddr, Why> {
        let opened: Vec<Network> = opened.split_whitespace().map(|o| o.parse().unwrap()).collect();
        judge(address.parse().unwrap(), &opened)
    }

    #[test]
    fn public_addresses_are_reached() {
        for address in ["140.82.112.3", "1.1.1.1", "2606:4700::1111", "64:ff9b::8.8.8.8"] {
            assert_eq!(told(address, ""), Ok(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_private_address_needs_its_range() {
        for (address, range) in [
            ("10.1.2.3", "10.1.0.0/16"),
            ("172.31.0.1", "172.16.0.0/12"),
            ("192.168.1.1", "192.168.1.1"),
            ("127.0.0.1", "127.0.0.0/8"),
            ("::1", "::1/128"),
            ("fd12::1", "fd12::/16"),
        ] {
            assert_eq!(told(address, ""), Err(Why::PrivateAddress), "{address}");
            assert_eq!(told(address, range), Ok(address.parse().unwrap()), "{address}");
        }
        assert_eq!(told("::ffff:10.1.2.3", "10.0.0.0/8"), Ok("10.1.2.3".parse().unwrap()));
        assert_eq!(told("64:ff9b::a00:1", ""), Err(Why::PrivateAddress));
    }

    #[test]
    fn places_of_credentials_cannot_be_opened() {
        let all = "100.64.0.0/10 fc00::/7 10.0.0.0/8";
        for address in METADATA {
            assert_eq!(judge(address, &[]), Err(Why::Metadata), "{address}");
            assert_eq!(told(&address.to_string(), all), Err(Why::Metadata), "{address}");
        }
    }
}
