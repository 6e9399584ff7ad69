//! When what waits begins and what runs ends, as far as the past tells. Nothing here asks anybody.

use std::{cmp::Reverse, collections::BinaryHeap};

use coppice_model::{
    UnixTime,
    build_queue::{Held, WaitingTask},
};
use coppice_store::{
    Build,
    queue::{AtWork, Running},
};

use crate::pages::words::counted;

/// Beyond this nothing is worked out.
const FAR_S: i64 = 2 * 3_600;

/// What stands between a task and a builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Builders, or places below a limit, of which it gets one.
    places: usize,
    /// Seconds until places are free, as far as it is known.
    left_s: Vec<i64>,
    /// Tasks that get one before.
    ahead: usize,
    /// What each of them takes.
    each_s: i64,
}

impl Line {
    /// `usual_s`: what the task itself takes, for when nothing is known of others. `None`: too little is known.
    pub fn of(
        waiting: &WaitingTask,
        build: &Build,
        (work, usual_s): (&AtWork, Option<i64>),
        now: UnixTime,
    ) -> Option<Self> {
        let places = places(&waiting.held);
        let each_s = mean(waiting.arch.as_deref(), work).or(usual_s).filter(|_| places > 0)?;
        let mut before: Vec<&Running> =
            work.running.iter().filter(|running| is_before(waiting, build, running)).collect();
        // Nobody knows on which machines source phases run.
        before.sort_by_key(|running| running.chroot.is_none());
        let left = |running: &&Running| {
            let elapsed = running.started_on.map_or(0, |at| now.0 - at.0);
            left_s(running.usual_s.unwrap_or(each_s), elapsed)
        };
        let left_s = before.iter().take(places).map(left).collect();
        Some(Self { places, left_s, ahead: waiting.ahead, each_s })
    }

    fn begins_in_s(&self) -> i64 {
        // Of a place of which nothing is known its task is half done.
        let known = |n: usize| self.left_s.get(n).copied().unwrap_or(self.each_s / 2);
        let mut free: BinaryHeap<Reverse<i64>> = (0..self.places).map(|n| Reverse(known(n))).collect();
        for _ in 0..self.ahead {
            match free.pop() {
                Some(Reverse(first)) if first < FAR_S => free.push(Reverse(first + self.each_s.max(1))),
                _ => return FAR_S + 1,
            }
        }
        free.pop().map_or(FAR_S + 1, |Reverse(first)| first)
    }

    /// `Starts in about 4 min, by the 12 tasks before it.`
    pub fn sentence(&self) -> String {
        let when = about(self.begins_in_s());
        match self.ahead {
            0 => format!("Starts in {when}, when the first builder is done."),
            1 => format!("Starts in {when}, by the task before it."),
            ahead => format!("Starts in {when}, by the {} before it.", counted(ahead as u64, "task")),
        }
    }
}

fn places(held: &Held) -> usize {
    match held {
        Held::Builders { busy } => *busy,
        Held::Owner { most, .. } | Held::Project { most, .. } => *most,
        Held::NoBuilder | Held::Earlier => 0,
    }
}

/// Whether a running task has one of the places.
fn is_before(waiting: &WaitingTask, build: &Build, running: &Running) -> bool {
    match waiting.held {
        Held::Owner { .. } => running.project.owner == build.project.owner,
        Held::Project { .. } => running.project == build.project && running.submitter == build.submitter,
        Held::Builders { .. } | Held::NoBuilder | Held::Earlier => {
            let arch = running.chroot.as_ref().map(|chroot| chroot.arch());
            waiting.arch.is_none() || arch.is_none() || arch == waiting.arch.as_deref()
        }
    }
}

/// What tasks of that architecture took lately; of any when there were none.
fn mean(arch: Option<&str>, work: &AtWork) -> Option<i64> {
    let of = |arch: Option<&str>| {
        let fits = work.recent.iter().filter(|(chroot, _)| arch.is_none_or(|arch| chroot.arch() == arch));
        let (count, sum) = fits.fold((0, 0), |(count, sum), (_, s)| (count + 1, sum + (*s).max(0)));
        (count > 0).then(|| sum / count)
    };
    of(arch).or_else(|| of(None))
}

/// What takes longer than usual goes on for a quarter of that: it may end now, or hang for long.
fn left_s(usual_s: i64, elapsed: i64) -> i64 {
    if elapsed < usual_s { usual_s - elapsed.max(0) } else { usual_s / 4 }
}

/// How long something goes on that took so long before; `durations` are in order of length.
pub fn to_go(durations: &[i64], elapsed: i64) -> Option<String> {
    let (median, longest) = (durations.get(durations.len() / 2)?, durations.last()?);
    Some(match elapsed {
        elapsed if elapsed < *median => {
            let about = about(median - elapsed.max(0));
            let mut letters = about.chars();
            let first: String =
                letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
            format!("{first}{} to go.", letters.as_str())
        }
        elapsed if elapsed <= *longest => "It may end at any moment.".to_owned(),
        _ => "It takes longer than usual.".to_owned(),
    })
}

/// The further away, the less is claimed.
fn about(seconds: i64) -> String {
    let rounded = |step: i64| (seconds + step * 30) / (step * 60) * step;
    match seconds {
        ..60 => "less than a minute".to_owned(),
        60..1_230 => format!("about {} min", rounded(1)),
        1_230..=FAR_S => match (rounded(5) / 60, rounded(5) % 60) {
            (0, minutes) => format!("about {minutes} min"),
            (hours, 0) => format!("about {hours} h"),
            (hours, minutes) => format!("about {hours} h {minutes} min"),
        },
        _ => "more than 2 h".to_owned(),
    }
}

#[cfg(test)]
mod tests;
