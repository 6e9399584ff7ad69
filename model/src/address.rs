//! Which addresses a stranger may make us fetch: public HTTP and HTTPS, and what the operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedAddress {
    #[error("{0:?} is not an address: give a full http:// or https:// address")]
    NotAnAddress(String),
    #[error("scheme {0:?} is not allowed: use http or https")]
    Scheme(String),
    #[error("addresses with a user name or password are not allowed")]
    Credentials,
    #[error("{host} is not on the public internet ({ip}); ask the operator to allow it")]
    NotPublic { host: String, ip: IpAddr },
}

/// `host` or `host:port` entries that an operator lets through although they are not public.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllowList(pub Vec<String>);

impl AllowList {
    /// Whether an entry names this host, for every port or for this one.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        let with_port = format!("{host}:{port}");
        self.0.iter().any(|entry| entry.eq_ignore_ascii_case(host) || entry.eq_ignore_ascii_case(&with_port))
    }
}

/// Checks everything that can be known before the name is looked up.
pub fn parse_source_url(raw: &str) -> Result<Url, RefusedAddress> {
    let url = Url::parse(raw.trim()).map_err(|_| RefusedAddress::NotAnAddress(raw.to_owned()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(RefusedAddress::Scheme(url.scheme().to_owned()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(RefusedAddress::NotAnAddress(raw.to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RefusedAddress::Credentials);
    }
    Ok(url)
}

/// Checks one looked-up address of `host`; call it for every address and after every redirect.
pub fn ensure_fetchable(host: &str, port: u16, ip: IpAddr, allow: &AllowList) -> Result<(), RefusedAddress> {
    if is_public(ip) || allow.allows(host, port) || allow.allows(&ip.to_string(), port) {
        return Ok(());
    }
    Err(RefusedAddress::NotPublic { host: host.to_owned(), ip })
}

/// Whether an address is globally reachable (IANA special-purpose registries, RFC 6890).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Only 2000::/3 is global unicast. Forms that carry an IPv4 address (mapped, 6to4, NAT64, Teredo)
/// count as that address or are refused.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let segments = ip.segments();
    match segments {
        [0x2002, hi, lo, ..] => is_public_v4(Ipv4Addr::from((u32::from(hi) << 16) | u32::from(lo))),
        [0x2001, 0, ..] | [0x2001, 0xdb8, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_private_link_local_and_mapped_forms_are_not_public() {
        for bad in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(bad.parse().unwrap()), "{bad}");
        }
        for good in ["8.8.8.8", "2a00:1450:4001::1", "::ffff:8.8.8.8"] {
            assert!(is_public(good.parse().unwrap()), "{good}");
        }
    }

    #[test]
    fn only_http_without_credentials_is_an_address() {
        for bad in
            ["file:///etc/passwd", "ftp://a/b", "gopher://a", "x", "http://", "http://u:p@h/x", "//h/x"]
        {
            assert!(parse_source_url(bad).is_err(), "{bad}");
        }
        // A decimal host is what the URL standard reads it as: loopback, so the look-up check refuses it.
        assert_eq!(parse_source_url("http://2130706433/a.src.rpm").unwrap().host_str(), Some("127.0.0.1"));
    }

    #[test]
    fn the_operator_allows_a_host_or_one_port_of_it() {
        let allow = AllowList(vec!["mirror.lan".into(), "127.0.0.1:8080".into()]);
        let ip: IpAddr = "127.0.0.1".parse().unwrap();
        assert!(ensure_fetchable("mirror.lan", 81, ip, &allow).is_ok());
        assert!(ensure_fetchable("127.0.0.1", 8080, ip, &allow).is_ok());
        assert!(ensure_fetchable("127.0.0.1", 8081, ip, &allow).is_err());
    }
}
