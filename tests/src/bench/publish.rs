//! One more package in repositories of three sizes, beside createrepo_c in the same run; and a whole scan.

mod corpus;
mod peer;
pub mod worker;

use std::{
    fs,
    path::{Path, PathBuf},
};

use coppice_backend::{publisher::Compression, tree::RepoId};
use coppice_kit::{Database, Member, Stack, StackOptions, distro::CHROOT};

use crate::{
    figure::{Figure, median},
    keys,
    usage::Usage,
};
pub use corpus::{Corpus, PER_BUILD};
use peer::{Peer, index_bytes};
use worker::{Answer, Order, Question, Worker};

const ROUNDS: usize = 5;
/// Packages, project, and how many times less CPU than createrepo_c one more package may cost.
const SIZES: [(usize, &str, f64); 3] = [(1_000, "r1k", 30.0), (5_000, "r5k", 100.0), (20_000, "r20k", 150.0)];

pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let stack = Stack::start(&StackOptions::on(Database::Sqlite));
    let alice = stack.member("alice");
    let pool = stack.scratch().join("pool");
    let corpus = Corpus::of_this_host()?;
    let most = SIZES[SIZES.len() - 1].0 / PER_BUILD;
    let builds = corpus.write(&pool, 0..most, PER_BUILD)?;
    let more = corpus.write(&pool, most..most + ROUNDS, 1)?;
    let mut figures = Vec::new();
    for (packages, project, wanted) in SIZES {
        let field = Field { stack: &stack, alice: &alice, pool: &pool, project };
        let rounds = field.run(&builds[..packages / PER_BUILD], &more, Compression::Gzip)?;
        figures.extend(rounds.figures(packages, wanted));
        if packages == most * PER_BUILD {
            figures.extend(rounds.of_the_largest());
            let zstd = Field { project: "zstd", ..field };
            figures
                .push(zstd.run(&builds, &more, Compression::Zstd)?.size("zstd index at 20,000 over theirs"));
        }
    }
    stack.close();
    Ok(figures)
}

/// One repository that both publish, each in a copy of its own.
struct Field<'a> {
    stack: &'a Stack,
    alice: &'a Member,
    pool: &'a Path,
    project: &'static str,
}

/// What both needed.
struct Rounds {
    scan: (Answer, Usage),
    adds: Vec<(Answer, Usage)>,
    bytes: (u64, u64),
}

impl Field<'_> {
    fn run(&self, builds: &[String], more: &[String], compression: Compression) -> anyhow::Result<Rounds> {
        let order = order(self.stack, self.alice, self.project, compression)?;
        let ours = repository(&order);
        let theirs = self.stack.scratch().join(format!("peer-{}", self.project));
        for build in builds {
            place(self.pool, build, &[&ours, &theirs])?;
        }
        let kind = if compression == Compression::Gzip { "gz" } else { "zstd" };
        let peer = Peer::new(theirs.clone(), kind)?;
        let mut worker = Worker::start(&order, self.stack.scratch())?;
        let scan = (worker.ask(&Question::Scan)?, peer.scan()?);
        let mut adds = Vec::new();
        for build in more {
            place(self.pool, build, &[&ours, &theirs])?;
            adds.push((worker.ask(&Question::Add(build.clone()))?, peer.add(build)?));
        }
        worker.end()?;
        let bytes = (index_bytes(&ours.join("repodata"))?, index_bytes(&peer.repodata())?);
        Ok(Rounds { scan, adds, bytes })
    }
}

/// The same files by other names, so that nothing is read from the disk twice.
pub fn place(pool: &Path, build: &str, repositories: &[&Path]) -> anyhow::Result<()> {
    for repository in repositories {
        let dir = repository.join(build);
        fs::create_dir_all(&dir)?;
        for entry in fs::read_dir(pool.join(build))? {
            let entry = entry?;
            fs::hard_link(entry.path(), dir.join(entry.file_name()))?;
        }
    }
    Ok(())
}

impl Rounds {
    fn median(&self, of: impl Fn(&(Answer, Usage)) -> f64) -> f64 {
        median(self.adds.iter().map(of).collect())
    }

    fn figures(&self, packages: usize, wanted: f64) -> Vec<Figure> {
        let (ours, theirs) = (self.median(|add| add.0.usage.cpu), self.median(|add| add.1.cpu));
        vec![
            Figure::note(format!("+1 at {packages}: our CPU"), ours, "ms"),
            Figure::note(format!("+1 at {packages}: createrepo_c's CPU"), theirs, "ms"),
            Figure::at_least(format!("+1 at {packages}: CPU, theirs over ours"), theirs / ours, "x", wanted),
        ]
    }

    fn of_the_largest(&self) -> Vec<Figure> {
        let (ours, theirs) = (self.scan.0.usage, self.scan.1);
        vec![
            Figure::note("+1 at 20000: createrepo_c's time", self.median(|add| add.1.wall), "ms"),
            Figure::at_most("+1 at 20000: time with fsync", self.median(|add| add.0.usage.wall), "ms", 60.0),
            Figure::at_most("+1 at 20000: memory on top", self.median(|add| add.0.grown_mb), "MB", 32.0),
            Figure::note("scan of 20000: our CPU", ours.cpu, "ms"),
            Figure::note("scan of 20000: createrepo_c's CPU", theirs.cpu, "ms"),
            Figure::at_most("scan of 20000: CPU, ours over theirs", ours.cpu / theirs.cpu, "x", 0.5),
            self.size("gzip index at 20000 over theirs"),
        ]
    }

    fn size(&self, name: &str) -> Figure {
        Figure::at_most(name, self.bytes.0 as f64 / self.bytes.1 as f64, "x", 1.05)
    }
}

/// The project's repository for a publisher of our own beside the stack's services.
pub fn order(
    stack: &Stack,
    owner: &Member,
    project: &str,
    compression: Compression,
) -> anyhow::Result<Order> {
    let project = keys::project(stack, owner, project)?;
    let config: toml::Table = fs::read_to_string(stack.data().join("etc/backend.toml"))?.parse()?;
    let keygen_url = config["keygen_url"].as_str().unwrap_or_default().to_owned();
    Ok(Order {
        data_dir: stack.scratch().join(format!("publisher-of-{}", project.name)),
        keygen_url,
        keygen_secret_file: stack.data().join("etc/keygen-backend.secret"),
        grant: keys::grant(stack, &project)?,
        repo: RepoId {
            owner: project.owner.clone(),
            dir: project.name.as_str().parse()?,
            chroot: CHROOT.parse()?,
        },
        compression,
    })
}

pub fn repository(order: &Order) -> PathBuf {
    order.data_dir.join("results").join(order.repo.to_string())
}
