use super::super::{
    docs, general, gssapi, monitor,
    operation::{Endpoint, choice, integer, operation, text},
    publishing, tokens, trusted_publishing,
};
use super::{OWNER, PROJECT};
use crate::{pages::ticket_login, repofile};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::at("").get(general::version, operation("The version of this API")),
        Endpoint::at("/openapi.json").get(docs::openapi, operation("This description")),
        // Where Copr's own description is.
        Endpoint::at("/swagger.json").get(docs::openapi, operation("The same, where Copr has its own")),
        Endpoint::at("/auth-check")
            .get(general::auth_check, operation("Who asks").login().answers::<general::Me>()),
        Endpoint::at("/mock-chroots/list").get(
            general::chroots,
            operation("Every chroot that may be built for, with the operator's comment"),
        ),
        Endpoint::at("/rpmrepo/{owner}/{dir}/{name_release}")
            .get(repofile::rpmrepo, operation("A project's repositories, for DNF 5")),
        Endpoint::at("/publish-queue").get(
            publishing::queue,
            operation("Which repositories wait to be published, and at which place").query(&[
                text("ownername", "Only of this owner"),
                text("projectname", "Only of this project"),
            ]),
        ),
        Endpoint::at("/monitor").get(
            monitor::get,
            operation("The newest result of every package in every chroot")
                .query(&[
                    OWNER,
                    PROJECT,
                    text("project_dirname", "Without it the main directory"),
                    choice(
                        "additional_fields[]",
                        &["url_build_log", "url_backend_log", "url_build"],
                        "More to be told; may be repeated",
                    ),
                ])
                .answers::<monitor::Monitor>(),
        ),
    ];
    all.extend(accounts());
    all
}

fn accounts() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/api-token").post(
            general::renew_token,
            operation("A new classic token; the old one stops working at once").login(),
        ),
        Endpoint::at("/tokens")
            .get(
                tokens::list,
                operation("Your tokens, without their secrets").login().answers::<tokens::TokenList>(),
            )
            .post(
                tokens::create,
                operation("A new token; its secret is told only here").login().body(&[
                    text("name", "What you call it").needed(),
                    choice("scope", &["read", "build", "admin"], "How far it goes; without it `build`"),
                    text("project", "`OWNER/NAME`: only there"),
                    integer("days", "How long it works; without it 90"),
                ]),
            ),
        Endpoint::at("/tokens/{id:\\d+}")
            .only_delete(tokens::revoke, operation("The token stops working at once").login()),
        Endpoint::at("/tokens/{id:\\d+}/renew").post(
            tokens::renew,
            operation("Another secret for a token with a name; the old one stops working at once").login(),
        ),
        Endpoint::at("/trusted-publishing/exchange").post(
            trusted_publishing::exchange,
            operation("A token for a CI job, for what its forge signed that it is; it lives 15 minutes")
                .body(&[
                    text("token", "The identity token of the job, for the audience of this service").needed(),
                    OWNER,
                    PROJECT,
                ])
                .answers::<trusted_publishing::JobToken>(),
        ),
        Endpoint::at("/gssapi_login")
            .get(gssapi::login, operation("Log in by Kerberos, where that is configured")),
        Endpoint::at("/gssapi_login/web-ui")
            .get(ticket_login, operation("The same for browsers").query(&[text("next", "Where to go then")])),
    ]
}
