//! The public results tree over HTTP (contract, section 17). What it serves was made by strangers, so it
//! runs on an origin of its own and tells browsers to run nothing.

mod answer;
mod listing;
mod location;
mod pairs;
mod snapshot;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, dev,
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::DefaultHeaders,
    web,
};

use location::{Found, NotFound, decode};
use pairs::{Client, Pairs, signature_of};
use snapshot::find_shared;

use crate::downloads::Counter;

/// The tree begins here; clients count the parts of the path.
const PREFIX: &str = "/results";
/// Downloads that run longer at a stop are cut off; clients ask for the rest.
const SHUTDOWN_S: u64 = 5;

/// A server that is bound and not yet running. Spawn `server`; stop it by its handle.
pub struct StaticServer {
    pub addr: SocketAddr,
    pub server: dev::Server,
}

/// Serves `root` as `/results`; `counter` is told of the packages that are fetched.
pub fn bind(listen: SocketAddr, workers: usize, root: &Path, counter: Counter) -> io::Result<StaticServer> {
    let listener = TcpListener::bind(listen)?;
    let addr = listener.local_addr()?;
    // The operator may have put the tree elsewhere by a link; below the root no link is followed.
    let root = web::Data::new(Root { path: root.canonicalize()?, pairs: Pairs::default(), counter });
    let app = move || {
        App::new()
            .app_data(root.clone())
            .wrap(guarding_headers())
            .route("/", web::get().to(|| async { moved(&format!("{PREFIX}/")) }))
            .default_service(web::to(serve))
    };
    let server = HttpServer::new(app).workers(workers).shutdown_timeout(SHUTDOWN_S).disable_signals();
    let server = server.listen(listener)?.run();
    Ok(StaticServer { addr, server })
}

struct Root {
    path: PathBuf,
    pairs: Pairs,
    counter: Counter,
}

fn guarding_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'",
        ))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        // All of it is public; the web pages read live logs from here.
        .add((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
}

async fn serve(root: web::Data<Root>, request: HttpRequest) -> HttpResponse {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD")).finish();
    }
    // The raw path: every part is decoded by itself, so an encoded slash stays inside its part.
    let path = request.uri().path().to_owned();
    if path == PREFIX {
        return moved(&format!("{PREFIX}/"));
    }
    let Some(wanted) = path.strip_prefix(PREFIX).filter(|rest| rest.starts_with('/')) else {
        return not_found();
    };
    let client = client_of(&request, wanted);
    let found = web::block({
        let (root, wanted) = (root.clone(), wanted.to_owned());
        move || root.find(&wanted, client).map(Into::into)
    });
    match found.await {
        Ok(Ok(Answer::File(found))) => {
            let answer = answer::file(&request, found);
            if answer::is_beginning(&request, &answer) {
                root.counter.note(&wanted.split('/').skip(1).map_while(decode).collect::<Vec<_>>());
            }
            answer
        }
        Ok(Ok(Answer::Listing(html))) => answer::page(html),
        Ok(Ok(Answer::Folder)) => moved(&format!("{path}/")),
        Ok(Err(NotFound::Absent)) => not_found(),
        Ok(Err(NotFound::Broken(error))) => broken(&path, &error),
        Err(error) => broken(&path, &error),
    }
}

impl Root {
    fn find(&self, wanted: &str, client: Option<Client>) -> Result<Found, NotFound> {
        let mut found = find_shared(&self.path, wanted)?;
        let (Some(client), Found::File(file)) = (client, &mut found) else { return Ok(found) };
        match file.name.as_str() {
            "repomd.xml" => self.pairs.gave(client, &file.file).map_err(NotFound::Broken)?,
            "repomd.xml.asc" => {
                let repository = file.folder.parent().unwrap_or(&file.folder);
                let given = self.pairs.given(&client);
                if let Some(signature) = given.and_then(|inode| signature_of(repository, inode)) {
                    file.file = signature;
                }
            }
            _ => {}
        }
        Ok(found)
    }
}

/// Who asks for one of the two files that belong together.
fn client_of(request: &HttpRequest, wanted: &str) -> Option<Client> {
    let (repodata, _) = wanted.rsplit_once("repomd.xml").filter(|(_, rest)| ["", ".asc"].contains(rest))?;
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Some(Client {
        address: request.peer_addr().map(|peer| peer.ip()),
        agent: agent.unwrap_or_default().chars().take(200).collect(),
        repodata: repodata.to_owned(),
    })
}

enum Answer {
    File(location::FoundFile),
    Listing(String),
    /// Asked for without its slash.
    Folder,
}

impl From<Found> for Answer {
    fn from(found: Found) -> Self {
        match found {
            Found::File(file) => Self::File(file),
            Found::Folder { with_slash: false, .. } => Self::Folder,
            Found::Folder { path, at_root, .. } => Self::Listing(listing::html(&path, at_root)),
        }
    }
}

fn moved(to: &str) -> HttpResponse {
    HttpResponse::MovedPermanently().insert_header((header::LOCATION, to)).finish()
}

fn not_found() -> HttpResponse {
    plain(StatusCode::NOT_FOUND, "Not found.\n")
}

fn broken(path: &str, error: &dyn std::error::Error) -> HttpResponse {
    tracing::error!(path, %error, "a result could not be read");
    plain(StatusCode::INTERNAL_SERVER_ERROR, "The result could not be read.\n")
}

fn plain(status: StatusCode, text: &'static str) -> HttpResponse {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    HttpResponse::build(status).insert_header(kind).insert_header(no_store()).body(text)
}

fn no_store() -> (HeaderName, HeaderValue) {
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))
}
