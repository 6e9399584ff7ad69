use std::{future::pending, net::SocketAddr};

use actix_web::{App, HttpServer, web};
use reqwest::{Client, Response, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// `/flood` never stops to send, `/quiet` says nothing after the greeting.
fn serve(config: HttpConfig, limits: Limits) -> SocketAddr {
    let streams = web::Data::new(Streams::new(&config, limits));
    let server = HttpServer::new(move || {
        App::new().app_data(streams.clone()).route("/flood", web::get().to(flood)).route(
            "/quiet",
            web::get().to(async |streams: web::Data<Streams>, request: HttpRequest| {
                streams.answer(&request, |reader| async move {
                    reader.greet().await?;
                    reader.wait_for(pending::<()>()).await
                })
            }),
        )
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}

async fn flood(streams: web::Data<Streams>, request: HttpRequest) -> HttpResponse {
    streams.answer(&request, |reader| async move {
        loop {
            reader.send(event("", "", &"x".repeat(64 << 10))).await?;
        }
    })
}

fn config(streams_per_address: u32) -> HttpConfig {
    HttpConfig { streams_per_address, ..HttpConfig::default() }
}

const SHORT: Limits = Limits { most: 100, beat: Duration::from_millis(20), slow: Duration::from_millis(500) };

async fn opens(address: SocketAddr, path: &str) -> Response {
    Client::new().get(format!("http://{address}{path}")).send().await.unwrap()
}

/// Waits for the first seat that gets free.
async fn seat(address: SocketAddr, path: &str) -> Response {
    let asked = async {
        loop {
            let answer = opens(address, path).await;
            if answer.status() == StatusCode::OK {
                return answer;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, asked).await.expect("a seat gets free")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_is_sent_away_and_who_reads_stays() {
    let address = serve(config(1), SHORT);
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /flood HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    // It has its seat, and takes no more from now on.
    let mut head = [0; 15];
    idle.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    assert_eq!(opens(address, "/flood").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let mut reader = seat(address, "/flood").await;
    let started = Instant::now();
    while started.elapsed() < SHORT.slow * 3 {
        reader.chunk().await.unwrap().expect("who reads is not sent away");
    }
    // What was on its way to the idle one comes, and then the end.
    timeout(PATIENCE, idle.read_to_end(&mut Vec::new())).await.expect("its stream has an end").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_stream_beats() {
    let address = serve(config(1), SHORT);
    let mut quiet = opens(address, "/quiet").await;
    let mut said = String::new();
    while said.matches(":\n\n").count() < 3 {
        let piece = timeout(PATIENCE, quiet.chunk()).await.expect("it beats").unwrap();
        said.push_str(std::str::from_utf8(&piece.expect("it has no end")).unwrap());
    }
    assert!(said.starts_with("retry: 5000\n\n:\n\n"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_streams_and_a_closed_one_is_none() {
    let address = serve(config(2), SHORT);
    let (first, _second) = (opens(address, "/quiet").await, opens(address, "/quiet").await);
    let third = opens(address, "/quiet").await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(third.headers()["retry-after"], "60");
    assert!(third.text().await.unwrap().contains("This one shows what was when it was loaded."));
    drop(first);
    seat(address, "/quiet").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_everybody_has_an_address() {
    let address = serve(HttpConfig { behind_proxy: true, ..config(1) }, SHORT);
    let of = async |person: &str| {
        let request = Client::new().get(format!("http://{address}/quiet")).header("x-forwarded-for", person);
        request.send().await.unwrap()
    };
    let _one = of("192.0.2.1").await;
    assert_eq!(of("192.0.2.1").await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(of("192.0.2.2").await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_process_says_so_to_everybody() {
    let address = serve(config(0), Limits { most: 1, ..SHORT });
    let _first = opens(address, "/quiet").await;
    let second = opens(address, "/quiet").await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.headers()["retry-after"], "60");
    assert!(second.text().await.unwrap().contains("by everybody"));
}
