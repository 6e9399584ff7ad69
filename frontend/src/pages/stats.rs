//! Statistics of the service: what ended, who submitted, what was ordered.

mod chart;
mod kept;

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use coppice_model::UnixTime;
use coppice_store::{
    Conn, StoreError,
    statistics::{self, Counted, Slots},
};
use serde::Serialize;

use super::{
    Page, PageError, Viewer,
    queue::{self, QueueHead},
};
use crate::{App, calendar, web::Web};
use chart::{Chart, Column};
pub use kept::Kept;

const DAY_S: i64 = 86_400;
const DAYS: i64 = 90;
/// Whole tables of the last months are counted: once in so long is enough for everybody.
const KEPT_S: i64 = 60;

/// Outside `/coprs`.
pub fn site_routes(config: &mut ServiceConfig) {
    config.service(web::resource("/status/stats").get(show));
}

/// What the page shows.
#[derive(Debug, Clone, Serialize)]
pub struct Statistics {
    day: Chart,
    days: Chart,
    submitted: Chart,
    people_day: String,
    people_days: String,
    builds_day: i64,
    builds_days: i64,
    chroots: Vec<Share>,
    actions: Vec<ActionRow>,
}

#[derive(Debug, Clone, Serialize)]
struct Share {
    name: String,
    number: i64,
    share: i64,
}

#[derive(Debug, Clone, Default, Serialize)]
struct ActionRow {
    kind: String,
    waiting: i64,
    success: i64,
    failure: i64,
}

#[derive(Debug, Serialize)]
struct StatsPage<'a> {
    #[serde(flatten)]
    head: QueueHead,
    #[serde(flatten)]
    statistics: &'a Statistics,
}

async fn show(app: Data<App>, web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    let now = app.clock.now();
    let known = web.statistics.get(now, KEPT_S);
    let read = app.store.read(move |conn| {
        let statistics = known.map_or_else(|| load(conn, now).map(Arc::new), Ok)?;
        Ok::<_, PageError>((queue::head(conn, "stats")?, statistics))
    });
    let (head, statistics) = read.await?;
    web.statistics.keep(now, &statistics);
    Page::new(&web, &viewer).html("stats.html", &StatsPage { head, statistics: &statistics })
}

/// Seven statements.
fn load(conn: &mut Conn, now: UnixTime) -> Result<Statistics, StoreError> {
    let until = now.plus_seconds(1);
    let slots = |length: i64, seconds: i64| Slots { since: until.plus_seconds(-length), until, seconds };
    let (half_hours, days) = (slots(DAY_S, 1_800), slots(DAYS * DAY_S, DAY_S));
    let (day, all_days) = (slots(DAY_S, DAY_S), slots(DAYS * DAY_S, DAYS * DAY_S));
    let ended_day = statistics::ended(conn, half_hours)?;
    let ended_days = statistics::ended(conn, days)?;
    let (builds_day, people_day) = whole(statistics::submitted(conn, day)?);
    let (builds_days, people_days) = whole(statistics::submitted(conn, all_days)?);
    let submitted = statistics::submitted(conn, days)?;
    Ok(Statistics {
        day: Chart::new(
            "c-day",
            ended_title(&ended_day, "in each half hour of the last day"),
            &ended(&ended_day, half_hours),
        ),
        days: Chart::new(
            "c-days",
            ended_title(&ended_days, "on each of the last 90 days"),
            &ended(&ended_days, days),
        ),
        submitted: Chart::new(
            "c-submitted",
            submitted_title(&submitted),
            &submitted_columns(&submitted, days),
        ),
        people_day,
        people_days,
        builds_day,
        builds_days,
        chroots: shares(statistics::chroots(conn, days)?),
        actions: action_rows(&statistics::actions(conn, days)?),
    })
}

fn whole(counted: Vec<Counted>) -> (i64, String) {
    counted.into_iter().next().map_or((0, "0".into()), |one| (one.number, one.word))
}

/// One column for every slot, also for those in which nothing happened.
fn columns(slots: Slots, part: impl Fn(i64) -> [i64; 3]) -> Vec<Column> {
    let count = (slots.until.0 - slots.since.0) / slots.seconds;
    let label = |at: UnixTime| {
        let moment = calendar::moment(at);
        let text = if slots.seconds < DAY_S { moment.get(11..16) } else { moment.get(5..10) };
        text.unwrap_or_default().to_owned()
    };
    (0..count)
        .map(|slot| Column {
            label: label(slots.since.plus_seconds(slot * slots.seconds)),
            parts: part(slot),
        })
        .collect()
}

/// Succeeded, failed, and all that ended otherwise.
fn ended(counted: &[Counted], slots: Slots) -> Vec<Column> {
    columns(slots, |slot| {
        let mut parts = [0; 3];
        for one in counted.iter().filter(|one| one.slot == slot) {
            parts[part_of(&one.word)] += one.number;
        }
        parts
    })
}

fn part_of(state: &str) -> usize {
    match state {
        "succeeded" => 0,
        "failed" => 1,
        _ => 2,
    }
}

fn ended_title(counted: &[Counted], when: &str) -> String {
    let sum = |part: usize| -> i64 {
        counted.iter().filter(|one| part_of(&one.word) == part).map(|one| one.number).sum()
    };
    let (good, bad, other) = (sum(0), sum(1), sum(2));
    match good + bad + other {
        0 => format!("Builds that ended {when}: none"),
        all => format!(
            "Builds that ended {when}, each chroot by itself: {all} in all, {} percent failed, {other} canceled or skipped",
            bad * 100 / all
        ),
    }
}

fn submitted_columns(counted: &[Counted], slots: Slots) -> Vec<Column> {
    columns(slots, |slot| {
        let number = counted.iter().find(|one| one.slot == slot).map_or(0, |one| one.number);
        [number, 0, 0]
    })
}

fn submitted_title(counted: &[Counted]) -> String {
    let most = counted.iter().filter_map(|one| one.word.parse::<i64>().ok()).max().unwrap_or(0);
    let all: i64 = counted.iter().map(|one| one.number).sum();
    format!(
        "Builds that were submitted on each of the last 90 days: {all} in all, by at most {most} people on one day"
    )
}

fn shares(counted: Vec<Counted>) -> Vec<Share> {
    let most = counted.iter().map(|one| one.number).max().unwrap_or(0).max(1);
    let share =
        |one: Counted| Share { share: (one.number * 100 / most).max(1), name: one.word, number: one.number };
    counted.into_iter().map(share).collect()
}

fn action_rows(counted: &[Counted]) -> Vec<ActionRow> {
    let mut rows: Vec<ActionRow> = Vec::new();
    for one in counted {
        let Some((kind, state)) = one.word.split_once(' ') else { continue };
        let kind = kind.replace('_', " ");
        if rows.last().is_none_or(|row| row.kind != kind) {
            rows.push(ActionRow { kind, ..ActionRow::default() });
        }
        let Some(row) = rows.last_mut() else { continue };
        match state {
            "success" => row.success += one.number,
            "failure" => row.failure += one.number,
            _ => row.waiting += one.number,
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(slot: i64, word: &str, number: i64) -> Counted {
        Counted { slot, word: word.into(), number }
    }

    #[test]
    fn every_slot_has_a_column_and_the_title_says_what_there_is() {
        let slots = Slots { since: UnixTime(0), until: UnixTime(7_200), seconds: 1_800 };
        let all = [counted(1, "succeeded", 3), counted(1, "failed", 1), counted(3, "skipped", 2)];
        let columns = ended(&all, slots);
        let parts: Vec<[i64; 3]> = columns.iter().map(|column| column.parts).collect();
        assert_eq!(parts, [[0, 0, 0], [3, 1, 0], [0, 0, 0], [0, 0, 2]]);
        assert_eq!(columns[3].label, "01:30");
        let title = ended_title(&all, "today");
        assert!(title.ends_with("6 in all, 16 percent failed, 2 canceled or skipped"), "{title}");
        assert_eq!(ended_title(&[], "today"), "Builds that ended today: none");
    }

    #[test]
    fn actions_are_told_by_kind() {
        let rows = action_rows(&[
            counted(0, "create_key success", 2),
            counted(0, "publish failure", 1),
            counted(0, "publish success", 9),
        ]);
        let told: Vec<_> = rows.iter().map(|row| (row.kind.as_str(), row.success, row.failure)).collect();
        assert_eq!(told, [("create key", 2, 0), ("publish", 9, 1)]);
    }
}
