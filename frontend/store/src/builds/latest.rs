//! The newest builds of a project as its first page shows them.

use coppice_model::ProjectId;
use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};

use super::{BuildLine, lines::folded};
use crate::{
    Conn, StoreError,
    conn::on_either,
    statement::{Statement, Value},
};

const LATEST: &str = "
    WITH latest AS MATERIALIZED (
        SELECT * FROM builds WHERE project_id = $1 ORDER BY id DESC LIMIT 5
    )
    SELECT latest.id, projects.owner, projects.name, latest.dir, latest.package, latest.header, users.name,
        latest.submitted_on, latest.options, CASE WHEN latest.srpm_url IS NULL THEN latest.source END,
        latest.srpm_url, latest.source_state, latest.source_attempt, latest.source_ended_on, latest.failure,
        own.chroot, own.state, own.stage, own.attempt, own.started_on, own.ended_on
    FROM latest
    JOIN projects ON projects.id = latest.project_id
    LEFT JOIN users ON users.id = latest.submitter_id
    LEFT JOIN build_chroots AS own ON own.build_id = latest.id
    ORDER BY latest.id DESC, own.id";

type LineColumns = (
    BigInt,
    (Text, Text),
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    BigInt,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    BigInt,
    Nullable<BigInt>,
    Nullable<Text>,
);
/// All of them or none.
type ChrootColumns = Nullable<(Text, Text, Nullable<Text>, BigInt, Nullable<BigInt>, Nullable<BigInt>)>;

/// The five newest of a project; one statement, which the database need not plan anew each time as it would
/// with a limit that it does not know.
pub fn latest(conn: &mut Conn, project: ProjectId) -> Result<Vec<BuildLine>, StoreError> {
    let statement = Statement::<(LineColumns, ChrootColumns)>::new(LATEST, vec![Value::Number(project.0)]);
    folded(on_either!(conn, |c| statement.load(c)?))
}
