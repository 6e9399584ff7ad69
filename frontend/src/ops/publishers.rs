//! Trusted publishing: CI jobs build in a project without a stored secret.

use coppice_model::{UnixTime, permission::TokenAccess};
use coppice_runtime::secret::hash_token;
use coppice_store::{
    Conn, NewApiToken, NewPublisher, Project, Publisher, TokenScope, publishers, tokens, users,
};

use super::{
    Caller, NewToken, OpError, Problem, can_build, find_project, problem::ensure_none,
    rights::ensure_can_edit,
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
/// the publisher may build there now.
pub fn publish_token(
    tx: &mut Conn,
    issuer: &str,
    job: &Job,
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
    let user = users::get(tx, publisher.user)?;
    let by = Caller::whole(user);
    if !can_build(tx, &by, &project)? {
        return Err(OpError::Forbidden(format!(
            "User '{}', who added this workflow, may build in {} no more. Another admin has to add it.",
            by.user.name,
            project.reference()
        )));
    }
    let token = NewToken::lasting(LIFE_S, now);
    let row = NewApiToken {
        login: token.login.clone(),
        token_hash: hash_token(&token.token),
        expires_at: token.expires_at,
        name: Some(format!("{TOKEN_NAME}{} ({})", job.repository, token.login)),
        scope: TokenScope { access: TokenAccess::Build, project: Some(project.id) },
    };
    tokens::insert(tx, by.user.id, &row, now)?;
    Ok(token)
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
