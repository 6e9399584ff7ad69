//! The style sheet, the script and the icon: compiled in, kept by browsers until they change.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    middleware::Compress,
    web::{self, ServiceConfig},
};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../../templates/coppice.css");
const SCRIPT: &str = include_str!("../../../templates/coppice.js");
const ICON: &str = include_str!("../../../templates/icon.svg");

static TAG: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::new().chain_update(STYLE).chain_update(SCRIPT).chain_update(ICON).finalize();
    hex::encode(&digest[..6])
});

/// Changes with any of them; stands in their addresses.
pub fn tag() -> &'static str {
    &TAG
}

pub fn routes(config: &mut ServiceConfig) {
    let scope = web::scope("/static")
        .wrap(Compress::default())
        .service(
            web::resource("/coppice.css").get(|request| asset(request, STYLE, "text/css; charset=utf-8")),
        )
        .service(
            web::resource("/coppice.js")
                .get(|request| asset(request, SCRIPT, "text/javascript; charset=utf-8")),
        )
        .service(web::resource("/icon.svg").get(|request| asset(request, ICON, "image/svg+xml")));
    config.service(scope);
}

async fn asset(request: HttpRequest, text: &'static str, kind: &'static str) -> HttpResponse {
    let is_tagged = request.query_string().contains(tag());
    let keep = if is_tagged { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    HttpResponse::Ok().insert_header((CONTENT_TYPE, kind)).insert_header((CACHE_CONTROL, keep)).body(text)
}
