//! The policy against real servers on the loopback interface.

use std::{fs, path::PathBuf};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// A server that gives every request the same answer.
async fn server(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 2_048];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

fn file_answer(body: &str, more: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}", body.len())
}

fn redirect_answer(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn fetcher(allow: &[String]) -> Fetcher {
    Fetcher { allow: AllowList(allow.to_vec()), most_bytes: 100, limit: Duration::from_secs(10) }
}

struct Target {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn target() -> Target {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fetched");
    Target { _dir: dir, path }
}

async fn refusal(fetcher: &Fetcher, url: &str) -> String {
    let target = target();
    let error = fetcher.fetch(url, &target.path).await.unwrap_err();
    assert!(!target.path.exists() || !matches!(error, FetchError::Address { .. }));
    crate::ended::chain(&error)
}

#[tokio::test]
async fn loopback_is_refused_by_address_and_by_name_unless_allowed() {
    let server = server(file_answer("hello", "")).await;
    let port = server.port();
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let refused = refusal(&fetcher(&[]), &format!("http://{host}:{port}/a.spec")).await;
        assert!(refused.contains("not on the public internet"), "{refused}");
    }
    let target = target();
    let allowed = fetcher(&[server.to_string()]);
    let fetched = allowed.fetch(&format!("http://{server}/x/a%2B.spec"), &target.path).await.unwrap();
    assert_eq!(fetched, Fetched { names: vec!["a+.spec".into()], size: 5 });
    assert_eq!(fs::read_to_string(&target.path).unwrap(), "hello");
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_first_address() {
    let inner = server(file_answer("secret", "")).await;
    let outer = server(redirect_answer(&format!("http://{inner}/real.src.rpm"))).await;
    let refused = refusal(&fetcher(&[outer.to_string()]), &format!("http://{outer}/a")).await;
    assert!(refused.contains("not on the public internet") && refused.contains("real.src.rpm"), "{refused}");
    let both = fetcher(&[outer.to_string(), inner.to_string()]);
    let fetched = both.fetch(&format!("http://{outer}/a"), &target().path).await.unwrap();
    assert_eq!(fetched.names, ["a", "real.src.rpm"]);
}

#[tokio::test]
async fn redirects_to_files_and_in_circles_are_refused() {
    let to_file = server(redirect_answer("file:///etc/passwd")).await;
    let refused = refusal(&fetcher(&[to_file.to_string()]), &format!("http://{to_file}/a")).await;
    assert!(refused.contains("scheme"), "{refused}");
    let circle = server(redirect_answer("/again")).await;
    let refused = refusal(&fetcher(&[circle.to_string()]), &format!("http://{circle}/a")).await;
    assert!(refused.contains("more than 5 times"), "{refused}");
}

#[tokio::test]
async fn too_much_is_refused_whether_announced_or_not() {
    let announced = server(file_answer(&"x".repeat(101), "")).await;
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(4_000));
    let unannounced = server(endless).await;
    for server in [announced, unannounced] {
        let refused = refusal(&fetcher(&[server.to_string()]), &format!("http://{server}/a")).await;
        assert!(refused.contains("larger than the 100 bytes"), "{refused}");
    }
}

#[tokio::test]
async fn the_servers_own_name_for_the_file_counts_too() {
    let server =
        server(file_answer("x", "Content-Disposition: attachment; filename=\"../b-1-1.src.rpm\"\r\n")).await;
    let allowed = fetcher(&[server.to_string()]);
    let fetched = allowed.fetch(&format!("http://{server}/get?id=3"), &target().path).await.unwrap();
    assert_eq!(fetched.names, ["get", "b-1-1.src.rpm"]);
}

#[tokio::test]
async fn an_answer_that_is_no_file_says_its_status() {
    let server =
        server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()).await;
    let refused = refusal(&fetcher(&[server.to_string()]), &format!("http://{server}/a.spec")).await;
    assert!(refused.contains("/a.spec answered 404"), "{refused}");
}
