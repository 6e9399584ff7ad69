//! The public results tree over HTTP (contract, section 17). What it serves was made by strangers, so it
//! runs on an origin of its own and tells browsers to run nothing.

mod answer;
mod listing;
mod location;

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

use location::{Found, NotFound, find};

/// The tree begins here; clients count the parts of the path.
const PREFIX: &str = "/results";
/// Downloads that run longer at a stop are cut off; clients ask for the rest.
const SHUTDOWN_S: u64 = 5;

/// A server that is bound and not yet running. Spawn `server`; stop it by its handle.
pub struct StaticServer {
    pub addr: SocketAddr,
    pub server: dev::Server,
}

/// Serves `root` as `/results`.
pub fn bind(listen: SocketAddr, workers: usize, root: &Path) -> io::Result<StaticServer> {
    let listener = TcpListener::bind(listen)?;
    let addr = listener.local_addr()?;
    // The operator may have put the tree elsewhere by a link; below the root no link is followed.
    let root = web::Data::new(Root(root.canonicalize()?));
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

struct Root(PathBuf);

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
    let (root, wanted) = (root.0.clone(), wanted.to_owned());
    let found = web::block(move || find(&root, &wanted).map(Into::into)).await;
    match found {
        Ok(Ok(Answer::File(found))) => answer::file(&request, found),
        Ok(Ok(Answer::Listing(html))) => answer::page(html),
        Ok(Ok(Answer::Folder)) => moved(&format!("{path}/")),
        Ok(Err(NotFound::Absent)) => not_found(),
        Ok(Err(NotFound::Broken(error))) => broken(&path, &error),
        Err(error) => broken(&path, &error),
    }
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
