//! Every route that changes something, asked by everybody who may and who may not (contract sections 2, 3.1 and 8).

use coppice_model::UnixTime;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Answer, CHROOTS, Frontend, Member, send, upload_body};

/// Who is the least that a route lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Least {
    /// Everybody who has an account.
    Member,
    Builder,
    Admin,
    Owner,
}

/// Who asks, from nobody up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Actor {
    Anonymous,
    Expired,
    Stranger,
    /// The owner with a token that is too narrow for some routes.
    Narrow(Narrow),
    Of(Least),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Narrow {
    Read,
    Build,
    /// All rights in another project.
    Elsewhere,
}

const ACTORS: [Actor; 9] = [
    Actor::Anonymous,
    Actor::Expired,
    Actor::Narrow(Narrow::Read),
    Actor::Narrow(Narrow::Elsewhere),
    Actor::Stranger,
    Actor::Narrow(Narrow::Build),
    Actor::Of(Least::Builder),
    Actor::Of(Least::Admin),
    Actor::Of(Least::Owner),
];

struct Route {
    method: Method,
    path: String,
    body: Value,
    least: Least,
}

impl Route {
    /// A body that names a file is an upload.
    fn filled(&self, request: RequestBuilder) -> RequestBuilder {
        match self.body["file"].as_str() {
            None => request.json(&self.body),
            Some(file) => {
                let (kind, body) = upload_body(file, b"content", &self.body.to_string());
                request.header("content-type", kind).body(body)
            }
        }
    }

    /// Whether it is an example of a described address, `/api_3/build/{id}`.
    fn is_of(&self, method: &str, template: &str) -> bool {
        let (own, parts): (Vec<&str>, Vec<&str>) =
            (self.path.split('/').collect(), template.split('/').collect());
        let fits = |(own, part): (&&str, &&str)| part.starts_with('{') || own == part;
        self.method.as_str().eq_ignore_ascii_case(method)
            && own.len() == parts.len()
            && own.iter().zip(&parts).all(fits)
    }
}

/// Nothing that changes something is left out of the table.
async fn assert_complete(frontend: &Frontend, routes: &[Route]) {
    let document = frontend.get("/api_3/openapi.json").await.ok();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            // Old ways do what new ones do; jobs prove who they are by what they send.
            let is_for_jobs = path == "/api_3/trusted-publishing/exchange";
            if method == "get" || described["deprecated"] == true || is_for_jobs {
                continue;
            }
            let is_there = routes.iter().any(|route| route.is_of(method, path));
            assert!(is_there, "{method} {path} is not in the table");
        }
    }
}

/// The routes, the gentlest first; both builds are the project's.
fn routes([build, other]: [i64; 2]) -> Vec<Route> {
    [submissions(), of_packages_and_builds(other), of_projects_and_accounts()]
        .into_iter()
        .flatten()
        .map(|(method, path, body, least)| {
            let path = path.replace("ID", &build.to_string()).replace("CHROOT", CHROOTS[0]);
            Route { method, path: format!("/api_3/{path}"), body, least }
        })
        .collect()
}

/// `ID` and `CHROOT` in the address stand for a build and a chroot of the project.
type Row = (Method, &'static str, Value, Least);

/// A body that names the project that all is about.
fn in_foo(mut body: Value) -> Value {
    body["ownername"] = json!("alice");
    body["projectname"] = json!("foo");
    body
}

fn submissions() -> Vec<Row> {
    [
        ("build/check-before-build", json!({})),
        ("build/create/url", json!({ "pkgs": ["https://e.com/a-1-1.src.rpm"] })),
        ("build/create/upload", json!({ "file": "a-1-1.src.rpm" })),
        ("build/create/rpm-upload", json!({ "file": "a-1-1.noarch.rpm" })),
        ("build/create/rubygems", json!({ "gem_name": "rake" })),
        ("build/create/scm", json!({ "clone_url": "https://e.com/a.git" })),
        ("build/create/distgit", json!({ "package_name": "rake" })),
        ("build/create/pypi", json!({ "pypi_package_name": "six" })),
        ("build/create/custom", json!({ "script": "true", "chroot": CHROOTS[0] })),
    ]
    .map(|(path, body)| (Method::POST, path, in_foo(body), Least::Builder))
    .to_vec()
}

fn of_packages_and_builds(other: i64) -> Vec<Row> {
    let gem = json!({ "gem_name": "rake" });
    let package = in_foo(json!({ "package_name": "rake" }));
    [
        (Method::POST, "build/resubmit/ID", json!({})),
        (Method::POST, "package/add/alice/foo/rake/rubygems", gem.clone()),
        (Method::POST, "package/edit/alice/foo/rake/rubygems", gem),
        (Method::POST, "package/edit/alice/foo/rake", json!({ "max_builds": 5 })),
        (Method::POST, "package/build", package.clone()),
        (Method::PUT, "package/reset", package.clone()),
        (Method::DELETE, "package/delete", package),
        (Method::PUT, "build/cancel/ID", json!({})),
        (Method::DELETE, "build/delete/ID", json!({})),
        (Method::DELETE, "build/delete/list", json!({ "builds": [other] })),
    ]
    .map(|(method, path, body)| (method, path, body, Least::Builder))
    .to_vec()
}

fn of_projects_and_accounts() -> Vec<Row> {
    use Least::{Admin, Member, Owner};
    let chroot = in_foo(json!({ "chrootname": CHROOTS[0], "snapshot": 1 }));
    let permission = json!({ "carol": { "builder": "request" } });
    let more = json!({ "name": "more", "chroots": [CHROOTS[0]] });
    let (none, project) = (json!({}), in_foo(json!({})));
    vec![
        (Method::GET, "project/permissions/get/alice/foo", none.clone(), Admin),
        (Method::PUT, "project/permissions/set/alice/foo", permission, Admin),
        (Method::PUT, "project/edit/alice/foo", json!({ "description": "x" }), Admin),
        (Method::PUT, "project/regenerate-repos/alice/foo", none.clone(), Admin),
        (Method::PUT, "project-chroot/edit/alice/foo/CHROOT", json!({ "with_opts": "x" }), Admin),
        (Method::POST, "project-chroot/roll-back", chroot, Admin),
        (Method::POST, "project/key/renew", project.clone(), Admin),
        (Method::POST, "project/key/rotate", project, Admin),
        (Method::POST, "webhook/generate/alice/foo", none.clone(), Admin),
        (Method::POST, "project/add/alice", more, Owner),
        (Method::DELETE, "project/delete/alice/foo", json!({ "verify": true }), Owner),
        (Method::PUT, "project/permissions/request/alice/other", json!({ "builder": true }), Member),
        (Method::PUT, "project/fork/alice/other", json!({ "name": "copy" }), Member),
        (Method::POST, "tokens", json!({ "name": "robot" }), Member),
        (Method::DELETE, "tokens/999999", none.clone(), Member),
        (Method::POST, "tokens/999999/renew", none.clone(), Member),
        (Method::POST, "api-token", none, Member),
    ]
}

struct Cast<'a> {
    frontend: &'a Frontend,
    expired: Member<'a>,
    stranger: Member<'a>,
    builder: Member<'a>,
    admin: Member<'a>,
    owner: Member<'a>,
    narrow: [Member<'a>; 3],
}

impl<'a> Cast<'a> {
    /// Everybody around one project, and two of its builds.
    async fn meet(frontend: &'a Frontend) -> (Cast<'a>, [i64; 2]) {
        let owner = frontend.member("alice").await.with_project("foo").await;
        frontend.member("carol").await;
        let owner = owner.with_project("other").await;
        let narrow = [
            owner.with_token("reader", json!({ "scope": "read" })).await,
            owner.with_token("builder", json!({ "scope": "build", "project": "alice/foo" })).await,
            owner.with_token("elsewhere", json!({ "scope": "admin", "project": "alice/other" })).await,
        ];
        let cast = Cast {
            frontend,
            narrow,
            expired: frontend.member_until("dora", UnixTime(1)).await,
            stranger: frontend.member("eve").await,
            builder: frontend.member("bob").await,
            admin: frontend.member("ann").await,
            owner,
        };
        let roles = json!({ "bob": { "builder": "approved" }, "ann": { "admin": "approved" } });
        cast.owner.send(Method::PUT, "/api_3/project/permissions/set/alice/foo", &roles).await.ok();
        let builds = [cast.owner.submits("foo").await, cast.owner.submits("foo").await];
        (cast, builds)
    }

    async fn asks(&self, actor: Actor, route: &Route) -> Answer {
        let member = match actor {
            Actor::Anonymous => {
                let request = self.frontend.request(route.method.clone(), &route.path);
                return send(route.filled(request)).await;
            }
            Actor::Expired => &self.expired,
            Actor::Stranger => &self.stranger,
            Actor::Narrow(Narrow::Read) => &self.narrow[0],
            Actor::Narrow(Narrow::Build) => &self.narrow[1],
            Actor::Narrow(Narrow::Elsewhere) => &self.narrow[2],
            Actor::Of(Least::Member) => &self.stranger,
            Actor::Of(Least::Builder) => &self.builder,
            Actor::Of(Least::Admin) => &self.admin,
            Actor::Of(Least::Owner) => &self.owner,
        };
        send(route.filled(member.request(route.method.clone(), &route.path))).await
    }
}

/// Copr answers 400 to who deletes builds of others.
fn is_refused(answer: &Answer) -> bool {
    answer.status == 403 || (answer.status == 400 && answer.text.contains("You don't have permissions"))
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_as_far_as_his_role_and_no_further() {
    let frontend = Frontend::start().await;
    let (cast, builds) = Cast::meet(&frontend).await;
    let routes = routes(builds);
    assert_complete(&frontend, &routes).await;
    for route in routes {
        for actor in ACTORS {
            let answer = cast.asks(actor, &route).await;
            let told =
                format!("{} {} as {actor:?}: {} {}", route.method, route.path, answer.status, answer.text);
            match actor {
                Actor::Anonymous | Actor::Expired => assert_eq!(answer.status, 401, "{told}"),
                Actor::Stranger => assert_eq!(!is_refused(&answer), route.least == Least::Member, "{told}"),
                Actor::Narrow(Narrow::Build) => {
                    assert_eq!(!is_refused(&answer), route.least == Least::Builder, "{told}");
                }
                Actor::Narrow(_) => assert!(is_refused(&answer), "{told}"),
                Actor::Of(role) => assert_eq!(!is_refused(&answer), role >= route.least, "{told}"),
            }
            assert!(!answer.status.is_server_error(), "{told}");
        }
    }
    frontend.close().await;
}
