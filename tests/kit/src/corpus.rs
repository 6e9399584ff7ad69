//! A server that has been used for a year: the same users, projects and builds for every test and measurement.

use coppice_model::{
    UnixTime,
    chroot::{ChrootDefinition, Runner},
};
use coppice_runtime::secret::hash_token;
use coppice_store::{
    Conn, NewApiToken, Page, Store, StoreError, TokenScope, mock_chroots, mock_chroots::NewMockChroot, plain,
    tokens, users,
};

/// The catalogue, in its order.
pub const CHROOTS: [&str; 10] = [
    "fedora-42-x86_64",
    "fedora-42-aarch64",
    "fedora-43-x86_64",
    "fedora-43-aarch64",
    "fedora-44-x86_64",
    "fedora-44-aarch64",
    "fedora-rawhide-x86_64",
    "fedora-rawhide-aarch64",
    "epel-9-x86_64",
    "epel-10-x86_64",
];
/// Builds are numbered from 1 to this.
pub const BUILDS: i64 = 50_000;
/// The project of every tenth build.
pub const BIG_PROJECT: (&str, &str) = ("user001", "proj-0001");

const SQL: &str = include_str!("corpus/corpus.sql");
/// PostgreSQL counts on by itself only what it numbered itself.
const POSTGRES_COUNTERS: [&str; 6] = ["users", "groups", "projects", "packages", "builds", "build_chroots"];

/// Fills an empty database. `is_postgres` says which kind it is. Every user `NAME` and the admin `jdoe` has the API
/// login `login_NAME` with the token `token_NAME_0123456789abcd`.
pub async fn fill(store: &Store, is_postgres: bool) -> Result<(), StoreError> {
    store
        .write(move |tx| {
            add_chroots(tx)?;
            plain::run(tx, SQL)?;
            if is_postgres {
                for table in POSTGRES_COUNTERS {
                    let last = format!("(SELECT max(id) FROM {table})");
                    plain::run(
                        tx,
                        &format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})"),
                    )?;
                }
            }
            add_tokens(tx)
        })
        .await?;
    // The planner has seen a server in use too.
    let statement = if is_postgres { "VACUUM ANALYZE" } else { "ANALYZE" };
    store.tidy(|conn| plain::run(conn, statement)).await
}

fn add_chroots(tx: &mut Conn) -> Result<(), StoreError> {
    for name in CHROOTS {
        let definition = ChrootDefinition {
            name: name.parse().expect("a chroot's name"),
            runner: Runner::Sandbox,
            repositories: vec![],
            setup_packages: vec![],
        };
        let branch = match name.split_once('-') {
            Some(("epel", rest)) => format!("epel{}", rest.split('-').next().unwrap_or_default()),
            Some((_, rest)) if rest.starts_with("rawhide") => "master".into(),
            _ => format!("f{}", &name[7..9]),
        };
        mock_chroots::insert(tx, &NewMockChroot { comment: String::new(), branch, definition })?;
    }
    Ok(())
}

fn add_tokens(tx: &mut Conn) -> Result<(), StoreError> {
    let admin = "jdoe".parse().expect("a user's name");
    users::insert(tx, &admin, None, true, UnixTime(1))?;
    for user in users::list(tx, Page::ALL)? {
        let token = NewApiToken {
            login: login(user.name.as_str()),
            token_hash: hash_token(&token(user.name.as_str())),
            expires_at: UnixTime(i64::MAX),
            name: None,
            scope: TokenScope::default(),
        };
        tokens::insert(tx, user.id, &token, UnixTime(1))?;
    }
    Ok(())
}

pub fn login(user: &str) -> String {
    format!("login_{user}")
}

pub fn token(user: &str) -> String {
    format!("token_{user}_0123456789abcd")
}
