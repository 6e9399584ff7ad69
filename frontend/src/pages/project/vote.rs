//! The two buttons beside a project's name.

use actix_web::web::Data;
use coppice_store::Vote;

use super::{Answer, ProjectPath};
use crate::{
    App, ops,
    pages::{
        PageError,
        frame::{Posted, see_other},
        project_url,
    },
    web::Web,
};

/// `vote` is `up` or `down`, as the buttons say.
pub async fn vote(app: Data<App>, web: Data<Web>, path: ProjectPath, posted: Posted) -> Answer {
    let caller = posted.viewer.login()?.clone();
    let vote = match posted.fields.text("vote") {
        "up" => Vote::Up,
        "down" => Vote::Down,
        _ => return Err(PageError::Refused("A vote is up or down.".into())),
    };
    let voted = app.store.write(move |tx| {
        let project = ops::find_project(tx, &path.owner, &path.project)?;
        ops::vote(tx, &caller, &project, vote)?;
        Ok::<_, PageError>(project.reference())
    });
    Ok(see_other(&web, project_url(&voted.await?)).answer())
}
