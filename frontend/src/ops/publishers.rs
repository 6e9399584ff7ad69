//! Trusted publishing: CI jobs build in a project without a stored secret.

use coppice_model::{ProjectRef, UnixTime, permission::TokenAccess};
use coppice_runtime::secret::hash_token;
use coppice_store::{
    Conn, NewApiToken, NewPublisher, Project, Publisher, RepositoryIds, TokenScope, User, publishers, tokens,
    users,
};

use super::{
    Caller, NewToken, OpError, Problem, can_build, find_project,
    problem::ensure_none,
    rights::{ensure_can_edit, ensure_unblocked, ensure_whole},
};

/// Long enough to submit a build and to follow its log.
const LIFE_S: i64 = 15 * 60;
const MOST: usize = 50;
const LONGEST: usize = 255;
/// Begins the names of their tokens.
pub(super) const TOKEN_NAME: &str = "trusted publishing: ";

/// A CI job, as its forge vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub repository: String,
    /// The file that defines it.
    pub workflow: Option<String>,
    pub environment: Option<String>,
    /// `refs/heads/main`
    pub git_ref: Option<String>,
    /// `None`: the forge does not tell.
    pub ids: Option<RepositoryIds>,
}

/// How an identity token is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProof {
    pub id: String,
    /// Then it holds no more, for whomever.
    pub expires_at: UnixTime,
}

/// Those of the caller's projects, and those that the caller added elsewhere.
pub fn list_own_publishers(conn: &mut Conn, by: &Caller) -> Result<Vec<(Publisher, ProjectRef)>, OpError> {
    ensure_whole(by)?;
    Ok(publishers::list_around(conn, by.user.id, &by.user.name)?)
}

/// Which jobs a project trusts.
pub fn list_publishers(conn: &mut Conn, by: &Caller, project: &Project) -> Result<Vec<Publisher>, OpError> {
    ensure_can_edit(conn, by, project)?;
    Ok(publishers::list(conn, project.id)?)
}

/// `issuers`: those of the configuration.
pub fn add_publisher(
    tx: &mut Conn,
    by: &Caller,
    project: &Project,
    wish: NewPublisher,
    (issuers, now): (&[String], UnixTime),
) -> Result<(), OpError> {
    ensure_can_edit(tx, by, project)?;
    let wish = NewPublisher { git_ref: wish.git_ref.map(|name| whole_ref(&name)), ..wish };
    let known = publishers::list(tx, project.id)?;
    let mut problems = Vec::new();
    if !issuers.contains(&wish.issuer) {
        problems.push(Problem::new("issuer", "Choose one of the forges that this service trusts."));
    }
    if !is_repository(&wish.repository) {
        let text = format!("'{}' is no repository: write OWNER/NAME, as its address does.", wish.repository);
        problems.push(Problem::new("repository", text));
    }
    for (field, value) in
        [("workflow", &wish.workflow), ("environment", &wish.environment), ("git_ref", &wish.git_ref)]
    {
        if value.as_ref().is_some_and(|value| value.len() > LONGEST || value.contains(char::is_whitespace)) {
            problems.push(Problem::new(field, format!("At most {LONGEST} characters, without blanks.")));
        }
    }
    if known.iter().any(|publisher| publisher.trusts == wish) {
        problems.push(Problem::new("repository", "This project trusts exactly these jobs already."));
    }
    if known.len() >= MOST {
        problems.push(Problem::new("repository", format!("There are {MOST} already: remove some first.")));
    }
    ensure_none(problems)?;
    publishers::insert(tx, project.id, by.user.id, &wish, now)?;
    Ok(())
}

fn is_repository(text: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    text.len() <= LONGEST && text.contains('/') && text.split('/').all(is_part)
}

fn whole_ref(name: &str) -> String {
    if name.starts_with("refs/") { name.to_owned() } else { format!("refs/heads/{name}") }
}

pub fn remove_publisher(tx: &mut Conn, by: &Caller, project: &Project, id: i64) -> Result<(), OpError> {
    ensure_can_edit(tx, by, project)?;
    match publishers::delete(tx, project.id, id)? {
        true => Ok(()),
        false => Err(OpError::NotFound("This project trusts that workflow no more already.".into())),
    }
}

/// A token for a job that one of the project's publishers names. It builds there, and nothing else, as far as who added
/// the publisher may build there now. Each identity token is good for one, and a name means the repository that had it
/// first.
pub fn publish_token(
    tx: &mut Conn,
    issuer: &str,
    (job, proof): (&Job, &JobProof),
    (owner, name): (&str, &str),
    now: UnixTime,
) -> Result<NewToken, OpError> {
    let project = find_project(tx, owner, name)?;
    let known = publishers::list_for(tx, project.id, issuer, &job.repository)?;
    let Some(publisher) = known.iter().find(|publisher| fits(&publisher.trusts, job)) else {
        return Err(OpError::Forbidden(format!(
            "The project {} does not trust this job: {}. A project admin adds it under Integrations.",
            project.reference(),
            described(issuer, job)
        )));
    };
    ensure_same_repository(&known, job, &project)?;
    let user = users::get(tx, publisher.user)?;
    ensure_may_build(tx, &user, &project)?;
    if !publishers::spend(tx, issuer, &proof.id, proof.expires_at)? {
        return Err(OpError::Forbidden(
            "This identity token was exchanged already, and each is good once. Ask the forge for a new one in the same \
             job, and keep the token that the first exchange gave: it lives 15 minutes."
                .into(),
        ));
    }
    if let (None, Some(ids)) = (&publisher.ids, &job.ids) {
        publishers::update_ids(tx, publisher.id, ids)?;
    }
    let token = NewToken::lasting(LIFE_S, now);
    let row = NewApiToken {
        login: token.login.clone(),
        token_hash: hash_token(&token.token),
        expires_at: token.expires_at,
        name: Some(format!("{TOKEN_NAME}{} ({})", job.repository, token.login)),
        scope: TokenScope { access: TokenAccess::Build, project: Some(project.id) },
    };
    tokens::insert(tx, user.id, &row, now)?;
    Ok(token)
}

fn ensure_may_build(conn: &mut Conn, user: &User, project: &Project) -> Result<(), OpError> {
    ensure_unblocked(user)?;
    if can_build(conn, &Caller::whole(user.clone()), project)? {
        return Ok(());
    }
    Err(OpError::Forbidden(format!(
        "User '{}', who added this workflow, may build in {} no more. Another admin has to add it.",
        user.name,
        project.reference()
    )))
}

/// Names of repositories are given away and made anew; what the forge counts them by is not. Asked of all publishers of
/// the name, so that one that no job has used yet lets no stranger in.
fn ensure_same_repository(known: &[Publisher], job: &Job, project: &Project) -> Result<(), OpError> {
    let is_other = |publisher: &&Publisher| publisher.ids.is_some() && publisher.ids != job.ids;
    match known.iter().find(is_other) {
        None => Ok(()),
        Some(_) => Err(OpError::Forbidden(format!(
            "The repository {} was made anew under this name, or has another owner, since {} began to trust it. If it \
             is still meant, a project admin removes its workflows under Integrations and adds them again.",
            job.repository,
            project.reference()
        ))),
    }
}

/// What a publisher does not name may be anything.
fn fits(trusts: &NewPublisher, job: &Job) -> bool {
    let same = |wanted: &Option<String>, told: &Option<String>| wanted.is_none() || wanted == told;
    same(&trusts.workflow, &job.workflow)
        && same(&trusts.environment, &job.environment)
        && same(&trusts.git_ref, &job.git_ref)
}

fn described(issuer: &str, job: &Job) -> String {
    let of = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    format!(
        "{issuer} {}, workflow {}, environment {}, ref {}",
        job.repository,
        of(&job.workflow),
        of(&job.environment),
        of(&job.git_ref)
    )
}
