//! Stretches of addresses: a prefix, from one to another, or a single one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// First and last, both included, of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    written: String,
    v6: bool,
    first: u128,
    last: u128,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Range, String> {
        let address = |text: &str| {
            text.trim()
                .parse::<IpAddr>()
                .map_err(|_| format!("`{text}` is no IP address"))
        };
        let (first, last) = if let Some((base, bits)) = text.split_once('/') {
            prefix(address(base)?, bits)?
        } else if let Some((first, last)) = text.split_once('-') {
            let first = address(first)?;
            let last = match last.trim().parse::<u8>() {
                // 10.0.0.10-90
                Ok(octet) => last_octet(first, octet)?,
                Err(_) => address(last)?,
            };
            if first.is_ipv4() != last.is_ipv4() {
                return Err("both ends must be of the same family".into());
            }
            (number(first), number(last))
        } else {
            let one = number(address(text)?);
            (one, one)
        };
        if first > last {
            return Err("it runs backwards".into());
        }
        Ok(Range {
            written: text.to_owned(),
            v6: text.contains(':'),
            first,
            last,
        })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Range {
    pub(super) fn count(&self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        (self.first..=self.last).map(|number| address(number, self.v6))
    }

    pub(super) fn holds(&self, address: IpAddr) -> bool {
        address.is_ipv6() == self.v6 && (self.first..=self.last).contains(&number(address))
    }
}

/// The hosts of a prefix: without network and broadcast address, where IPv4 has these.
fn prefix(base: IpAddr, bits: &str) -> Result<(u128, u128), String> {
    let width: u32 = if base.is_ipv4() { 32 } else { 128 };
    let bits: u32 = bits
        .parse()
        .ok()
        .filter(|bits| *bits <= width)
        .ok_or_else(|| format!("`/{bits}` is no prefix length from 0 to {width}"))?;
    let free = width - bits;
    let low = if free == 128 {
        u128::MAX
    } else {
        (1 << free) - 1
    };
    let first = number(base) & !low;
    let last = first | low;
    let has_ends = base.is_ipv4() && free > 1;
    Ok(if has_ends {
        (first + 1, last - 1)
    } else {
        (first, last)
    })
}

fn last_octet(first: IpAddr, octet: u8) -> Result<IpAddr, String> {
    match first {
        IpAddr::V4(first) => {
            let [a, b, c, _] = first.octets();
            Ok(Ipv4Addr::new(a, b, c, octet).into())
        }
        IpAddr::V6(_) => Err("write the last address in full".into()),
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn address(number: u128, v6: bool) -> IpAddr {
    match v6 {
        false => Ipv4Addr::from_bits(number as u32).into(),
        true => Ipv6Addr::from_bits(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        let range: Range = text.parse().unwrap();
        range.addresses().map(|a| a.to_string()).collect()
    }

    #[test]
    fn prefixes_and_stretches() {
        assert_eq!(list("10.0.0.5/30"), ["10.0.0.5", "10.0.0.6"]);
        assert_eq!(list("10.0.0.4/31"), ["10.0.0.4", "10.0.0.5"]);
        assert_eq!(list("10.0.0.4/32"), ["10.0.0.4"]);
        assert_eq!(list("10.0.0.254-10.0.1.1").len(), 4);
        assert_eq!(list("10.0.0.10-12").len(), 3);
        assert_eq!(list("2001:db8::/127"), ["2001:db8::", "2001:db8::1"]);
        assert_eq!("0.0.0.0/0".parse::<Range>().unwrap().count(), (1 << 32) - 2);
        assert_eq!("::/0".parse::<Range>().unwrap().count(), u128::MAX);
        let range: Range = "10.0.0.0/24".parse().unwrap();
        assert!(range.holds("10.0.0.9".parse().unwrap()));
        assert!(!range.holds("10.0.1.9".parse().unwrap()));
        assert!(!range.holds("::a00:9".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_told() {
        for text in [
            "",
            "x",
            "10.0.0.0/33",
            "10.0.0.9-10.0.0.1",
            "10.0.0.1-::1",
            "10.0.0.1/x",
        ] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
    }
}
