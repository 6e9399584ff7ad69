//! A build's row and how it becomes a build.

use coppice_model::{BuildId, ProjectId, ProjectRef, UnixTime};
use diesel::prelude::*;

use super::Build;
use crate::{StoreError, column, schema::builds};

#[derive(Queryable)]
pub(crate) struct BuildRow {
    id: i64,
    project_id: i64,
    dir: String,
    package: Option<String>,
    header: Option<String>,
    _submitter_id: Option<i64>,
    submitted_on: i64,
    source: String,
    source_state: String,
    source_attempt: i64,
    source_builder: Option<String>,
    source_started_on: Option<i64>,
    source_ended_on: Option<i64>,
    srpm_url: Option<String>,
    options: String,
    failure: Option<String>,
    batch_id: Option<i64>,
    _touched_on: i64,
    failure_log: Option<String>,
}

impl TryFrom<super::Joined> for Build {
    type Error = StoreError;
    fn try_from((row, (owner, name), submitter): super::Joined) -> Result<Self, StoreError> {
        Ok(Self {
            id: BuildId(row.id),
            project_id: ProjectId(row.project_id),
            project: ProjectRef {
                owner: column::word("a build's owner", &owner)?,
                name: column::word("a build's project", &name)?,
            },
            dir: column::word("a build's directory", &row.dir)?,
            package: column::word_if_any("a build's package", row.package.as_deref())?,
            header: column::from_json_if_any("a build's header", row.header.as_deref())?,
            submitter: column::word_if_any("a build's submitter", submitter.as_deref())?,
            submitted_on: UnixTime(row.submitted_on),
            source: column::from_json("a build's source", &row.source)?,
            source_state: column::word("a build's source state", &row.source_state)?,
            source_attempt: column::attempt(row.source_attempt),
            source_builder: row.source_builder,
            source_started_on: column::time(row.source_started_on),
            source_ended_on: column::time(row.source_ended_on),
            srpm_url: row.srpm_url,
            options: column::from_json("a build's options", &row.options)?,
            failure: column::from_json_if_any("a build's failure", row.failure.as_deref())?,
            batch: row.batch_id,
            failure_log: row.failure_log,
        })
    }
}

/// Everything that the source phase changes.
#[derive(AsChangeset)]
#[diesel(table_name = builds, treat_none_as_null = true)]
pub(super) struct SourceColumns {
    package: Option<String>,
    header: Option<String>,
    source_state: String,
    source_attempt: i64,
    source_builder: Option<String>,
    source_started_on: Option<i64>,
    source_ended_on: Option<i64>,
    srpm_url: Option<String>,
    failure: Option<String>,
}

impl TryFrom<&Build> for SourceColumns {
    type Error = StoreError;
    fn try_from(build: &Build) -> Result<Self, StoreError> {
        let header = build.header.as_ref().map(|header| column::to_json("a build's header", header));
        let failure = build.failure.as_ref().map(|failure| column::to_json("a build's failure", failure));
        Ok(Self {
            package: build.package().map(ToString::to_string),
            header: header.transpose()?,
            source_state: build.source_state.to_string(),
            source_attempt: i64::from(build.source_attempt.0),
            source_builder: build.source_builder.clone(),
            source_started_on: column::seconds(build.source_started_on),
            source_ended_on: column::seconds(build.source_ended_on),
            srpm_url: build.srpm_url.clone(),
            failure: failure.transpose()?,
        })
    }
}
