//! The projects of who looks, and what waits for them there.

use std::collections::HashMap;

use coppice_model::{OwnerName, ProjectId, ProjectRef, UnixTime, state::BuildState};
use coppice_store::{
    BuildLine, Conn, Page, Project, User, builds, groups, permissions, project_chroots, projects,
};
use serde::Serialize;

use crate::pages::{
    PageError,
    frame::Moment,
    project_url,
    rows::{BuildRow, counted, summary},
};

/// So many projects are looked at; the page of the owner has all.
const READ: i64 = 50;
const SHOWN: usize = 8;
const MOST_NEEDS: usize = 8;

#[derive(Debug, Serialize)]
pub struct Mine {
    projects: Vec<OwnProject>,
    /// Where all of them are.
    url: String,
    has_more: bool,
    needs: Vec<Need>,
}

#[derive(Debug, Serialize)]
struct OwnProject {
    url: String,
    name: String,
    summary: String,
    /// Its newest build.
    build: Option<BuildRow>,
}

/// Something that only a person can go on with.
#[derive(Debug, Serialize)]
struct Need {
    /// A word of the style sheet.
    mark: &'static str,
    finding: String,
    /// Between the finding and the link.
    joint: &'static str,
    url: String,
    link: String,
    at: Option<Moment>,
}

impl Mine {
    /// Of the user and of his groups; a fixed number of statements.
    pub fn read(conn: &mut Conn, user: &User, now: UnixTime) -> Result<Self, PageError> {
        let mut owners = groups::list_of(conn, user.id)?;
        owners.push(user.name.clone());
        let mut own = projects::list_of_owners(conn, &owners, Page::first(READ))?;
        let ids: Vec<ProjectId> = own.iter().map(|project| project.id).collect();
        let mut latest = builds::latest_of_projects(conn, &ids)?;
        let needs = needs(conn, &own, &latest, now)?;
        own.sort_by_key(|project| std::cmp::Reverse(latest.get(&project.reference()).map(|line| line.id)));
        let has_more = own.len() > SHOWN;
        own.truncate(SHOWN);
        let row = |project: &Project| {
            OwnProject::new(project, &user.name, latest.remove(&project.reference()), now)
        };
        Ok(Self {
            projects: own.iter().map(row).collect(),
            url: format!("/coprs/{}/", user.name),
            has_more,
            needs,
        })
    }
}

impl OwnProject {
    fn new(project: &Project, user: &OwnerName, latest: Option<BuildLine>, now: UnixTime) -> Self {
        let reference = project.reference();
        Self {
            url: project_url(&reference),
            name: if project.owner == *user { project.name.to_string() } else { reference.to_string() },
            summary: summary(&project.settings.description),
            build: latest.map(|line| BuildRow::new(&line, now)),
        }
    }
}

fn needs(
    conn: &mut Conn,
    own: &[Project],
    latest: &HashMap<ProjectRef, BuildLine>,
    now: UnixTime,
) -> Result<Vec<Need>, PageError> {
    let ids: Vec<ProjectId> = own.iter().map(|project| project.id).collect();
    let names: HashMap<ProjectId, ProjectRef> =
        own.iter().map(|project| (project.id, project.reference())).collect();
    let mut failed: Vec<&BuildLine> =
        latest.values().filter(|line| line.state() == BuildState::Failed).collect();
    failed.sort_by_key(|line| std::cmp::Reverse(line.id));
    let mut needs: Vec<Need> = failed.into_iter().map(|line| failure(line, now)).collect();
    for (project, who) in permissions::list_requests(conn, &ids)? {
        let Some(reference) = names.get(&project) else { continue };
        needs.push(Need {
            mark: "pend",
            finding: format!("{who} asks for a role"),
            joint: "in",
            url: format!("{}permissions/", project_url(reference)),
            link: reference.to_string(),
            at: None,
        });
    }
    for (project, chroot, end) in project_chroots::list_ending(conn, &ids)? {
        let Some(reference) = names.get(&project) else { continue };
        needs.push(Need {
            mark: "warn",
            finding: format!("{chroot} ends"),
            joint: "in",
            url: format!("{}repositories/", project_url(reference)),
            link: reference.to_string(),
            at: Some(Moment::new(end, now)),
        });
    }
    needs.truncate(MOST_NEEDS);
    Ok(needs)
}

fn failure(line: &BuildLine, now: UnixTime) -> Need {
    let row = BuildRow::new(line, now);
    let chroots = row.strip.states.iter().filter(|state| **state == "failed").count();
    let finding = match chroots {
        0 => "The sources failed".to_owned(),
        some => format!("{} failed", counted(some, "chroot")),
    };
    let version = row.version.map(|version| format!(" {version}")).unwrap_or_default();
    let link = format!("{}{version}", row.package);
    Need { mark: "fail", finding, joint: "in", url: row.url, link, at: Some(row.submitted) }
}
