//! Fetching what strangers name: only public addresses and those the operator allows, checked after the
//! look-up and after every redirect, bounded in size and time.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use coppice_model::address::{AllowList, RefusedAddress, ensure_fetchable, parse_source_url};
use reqwest::{Client, Response, header, redirect::Policy};
use tokio::{fs::File, io::AsyncWriteExt, net::lookup_host};
use url::{Host, Url};

const MOST_REDIRECTS: usize = 5;
const CONNECT_TIME: Duration = Duration::from_secs(15);
/// A server that sends nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{url} is refused")]
    Address { url: String, source: RefusedAddress },
    #[error("the name in {url} is not known")]
    LookUp { url: String, source: std::io::Error },
    #[error("{url} cannot be fetched")]
    Request { url: String, source: reqwest::Error },
    #[error("{url} answered {status}")]
    Status { url: String, status: reqwest::StatusCode },
    #[error("{url} redirects more than {MOST_REDIRECTS} times or to nowhere")]
    Redirects { url: String },
    #[error("{url} is larger than the {most} bytes that are allowed")]
    TooLarge { url: String, most: u64 },
    #[error("{url} did not arrive within {limit_s} s")]
    Timeout { url: String, limit_s: u64 },
    #[error("storing {url}")]
    Store { url: String, source: std::io::Error },
}

/// Who may be asked and how much may come.
#[derive(Debug, Clone)]
pub struct Fetcher {
    pub allow: AllowList,
    pub most_bytes: u64,
    pub limit: Duration,
}

/// What arrived, by every name it had on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Last path segments of all addresses, first asked first, then what the server called the file.
    pub names: Vec<String>,
    pub size: u64,
}

impl Fetcher {
    pub async fn fetch(&self, raw: &str, into: &Path) -> Result<Fetched, FetchError> {
        let whole = self.fetch_without_limit(raw, into);
        let late = || FetchError::Timeout { url: raw.to_owned(), limit_s: self.limit.as_secs() };
        tokio::time::timeout(self.limit, whole).await.map_err(|_| late())?
    }

    async fn fetch_without_limit(&self, raw: &str, into: &Path) -> Result<Fetched, FetchError> {
        let refused = |url: &str, source| FetchError::Address { url: url.to_owned(), source };
        let mut url = parse_source_url(raw).map_err(|source| refused(raw, source))?;
        let mut names = Vec::new();
        for _ in 0..=MOST_REDIRECTS {
            names.extend(last_segment(&url));
            let response = self.ask(&url).await?;
            if !response.status().is_redirection() {
                names.extend(served_name(&response));
                let size = self.store(&url, response, into).await?;
                return Ok(Fetched { names, size });
            }
            let next =
                redirect(&url, &response).ok_or_else(|| FetchError::Redirects { url: raw.to_owned() })?;
            url = parse_source_url(next.as_str()).map_err(|source| refused(next.as_str(), source))?;
        }
        Err(FetchError::Redirects { url: raw.to_owned() })
    }

    /// One request to exactly the addresses that were checked.
    async fn ask(&self, url: &Url) -> Result<Response, FetchError> {
        let checked = self.checked_addresses(url).await?;
        let failed = |source| FetchError::Request { url: url.to_string(), source };
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIME)
            .read_timeout(SILENCE)
            .user_agent(concat!("coppice/", env!("CARGO_PKG_VERSION")))
            .resolve_to_addrs(url.host_str().unwrap_or_default(), &checked);
        client.build().map_err(failed)?.get(url.clone()).send().await.map_err(failed)
    }

    pub async fn checked_addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
        let port = url.port_or_known_default().unwrap_or(443);
        let host = url.host_str().unwrap_or_default();
        let found = match url.host() {
            Some(Host::Ipv4(ip)) => vec![SocketAddr::new(IpAddr::V4(ip), port)],
            Some(Host::Ipv6(ip)) => vec![SocketAddr::new(IpAddr::V6(ip), port)],
            _ => {
                let looked_up = lookup_host((host, port)).await;
                looked_up.map_err(|source| FetchError::LookUp { url: url.to_string(), source })?.collect()
            }
        };
        for address in &found {
            ensure_fetchable(host, port, address.ip(), &self.allow)
                .map_err(|source| FetchError::Address { url: url.to_string(), source })?;
        }
        Ok(found)
    }

    async fn store(&self, url: &Url, mut response: Response, into: &Path) -> Result<u64, FetchError> {
        let failed = |source| FetchError::Request { url: url.to_string(), source };
        let unstored = |source| FetchError::Store { url: url.to_string(), source };
        let too_large = || FetchError::TooLarge { url: url.to_string(), most: self.most_bytes };
        if !response.status().is_success() {
            return Err(FetchError::Status { url: url.to_string(), status: response.status() });
        }
        if response.content_length().is_some_and(|length| length > self.most_bytes) {
            return Err(too_large());
        }
        let mut file = File::create(into).await.map_err(unstored)?;
        let mut size = 0;
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            size += piece.len() as u64;
            if size > self.most_bytes {
                return Err(too_large());
            }
            file.write_all(&piece).await.map_err(unstored)?;
        }
        file.flush().await.map_err(unstored)?;
        Ok(size)
    }
}

fn redirect(from: &Url, response: &Response) -> Option<Url> {
    let target = response.headers().get(header::LOCATION)?.to_str().ok()?;
    from.join(target).ok()
}

fn last_segment(url: &Url) -> Option<String> {
    let segment = url.path_segments()?.next_back()?;
    let name = percent_decoded(segment);
    (!name.is_empty()).then_some(name)
}

/// The name in `Content-Disposition: attachment; filename="…"`.
fn served_name(response: &Response) -> Option<String> {
    let value = response.headers().get(header::CONTENT_DISPOSITION)?.to_str().ok()?;
    let name = value.split(';').find_map(|part| part.trim().strip_prefix("filename="))?;
    let name = name.trim_matches('"').rsplit('/').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = if *first == b'%' { after.get(..2) } else { None };
        match pair.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
