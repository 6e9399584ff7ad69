//! Packages that look like those of a build service, made from what this Debian host says of its own packages.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::Path,
};

use anyhow::Context;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rpm::{BuildConfig, CompressionWithLevel, Dependency, FileOptions, PackageBuilder};

pub const PER_BUILD: usize = 4;
/// Seconds since 1970 of the first build.
const FIRST_DAY: u32 = 1_700_000_000;
const DAY: u32 = 86_400;
const MOST_FILES: f64 = 200.0;
const FEWEST_FILES: f64 = 5.0;

/// A package of the host.
struct Model {
    name: String,
    summary: String,
    description: String,
    needs: Vec<String>,
}

/// What the packages are made from, mixed anew for each; the same on the same host.
pub struct Corpus {
    models: Vec<Model>,
    /// Of all packages of the host, sorted.
    paths: Vec<String>,
}

impl Corpus {
    pub fn of_this_host() -> anyhow::Result<Self> {
        let status = fs::read_to_string("/var/lib/dpkg/status").context("reading the host's packages")?;
        let models: Vec<Model> = status.split("\n\n").filter_map(model).collect();
        let paths = paths(Path::new("/var/lib/dpkg/info"))?;
        anyhow::ensure!(
            models.len() >= 100 && paths.len() >= 10_000,
            "this host has too little to learn from"
        );
        Ok(Self { models, paths })
    }

    /// Makes result directories below `dir`, each of so many packages, at most four; their names in order.
    pub fn write(&self, dir: &Path, builds: Range<usize>, packages: usize) -> anyhow::Result<Vec<String>> {
        let half = |odd: usize| -> anyhow::Result<()> {
            for build in builds.clone().skip(odd).step_by(2) {
                self.write_build(&dir.join(self.build_name(build)), build, packages)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| half(1));
            half(0)?;
            other.join().map_err(|_| anyhow::anyhow!("making packages panicked"))?
        })?;
        Ok(builds.map(|build| self.build_name(build)).collect())
    }

    fn build_name(&self, build: usize) -> String {
        format!("{:08}-{}", build + 1, self.source_name(build))
    }

    /// No two builds are of the same source.
    fn source_name(&self, build: usize) -> String {
        let mut random = StdRng::seed_from_u64(build as u64);
        let (one, other) = (self.any(&mut random), self.any(&mut random));
        format!("{}-{}{build}", one.name, other.name)
    }

    fn any(&self, random: &mut StdRng) -> &Model {
        &self.models[random.random_range(0..self.models.len())]
    }

    fn write_build(&self, dir: &Path, build: usize, packages: usize) -> anyhow::Result<()> {
        fs::create_dir_all(dir)?;
        for (part, suffix) in ["", "-devel", "-libs", "-doc"].iter().enumerate().take(packages) {
            let name = format!("{}{suffix}", self.source_name(build));
            let package = self.package(&name, build, part)?;
            package.write_file(dir.join(format!("{name}-1.{build}-1.fc43.x86_64.rpm")))?;
        }
        Ok(fs::write(dir.join("success"), "")?)
    }

    fn package(&self, name: &str, build: usize, part: usize) -> anyhow::Result<rpm::Package> {
        let mut random = StdRng::seed_from_u64((build * PER_BUILD + part) as u64 + (1 << 32));
        let (model, words) = (self.any(&mut random), self.any(&mut random));
        let mut package = PackageBuilder::new(name, &format!("1.{build}"), "MIT", "x86_64", &model.summary);
        let made_on = FIRST_DAY + build as u32 * 60;
        let config = BuildConfig::v4().source_date(made_on).compression(CompressionWithLevel::Zstd(1));
        package.using_config(config).release("1.fc43").description(&words.description);
        package.url(format!("https://example.com/{name}"));
        for path in self.some_paths(&mut random) {
            package.with_file_contents(path.repeat(8), FileOptions::new(format!("{path}.{build}")))?;
        }
        package.provides(Dependency::any(format!("lib{name}.so.{}()(64bit)", build % 7)));
        for need in self.any(&mut random).needs.iter().chain(&model.needs) {
            package.requires(Dependency::greater_eq(need, format!("{}.{part}", build % 5)));
        }
        package.requires(Dependency::any(format!("(lib{name} or {name}-compat)")));
        package.recommends(Dependency::any(format!("{name}-extras")));
        self.add_changelog(&mut package, &mut random);
        Ok(package.build()?)
    }

    /// Five to two hundred neighbours, in half of the packages not more than thirty.
    fn some_paths(&self, random: &mut StdRng) -> &[String] {
        let many = FEWEST_FILES * (MOST_FILES / FEWEST_FILES).powf(random.random::<f64>());
        let start = random.random_range(0..self.paths.len() - MOST_FILES as usize);
        &self.paths[start..start + many as usize]
    }

    /// One to thirty entries in the words of packages.
    fn add_changelog(&self, package: &mut PackageBuilder, random: &mut StdRng) {
        for entry in 0..random.random_range(1..=30) {
            let (person, words) = (self.any(random), self.any(random));
            let author = format!("{} Maintainer <{}@example.com> - 1.{entry}-1", person.name, person.name);
            let on = FIRST_DAY - entry * DAY;
            package.add_changelog_entry(
                author,
                format!("- {} ({})", words.summary, random.random::<u16>()),
                on,
            );
        }
    }
}

/// A package of the host from its stanza.
fn model(stanza: &str) -> Option<Model> {
    let mut fields: BTreeMap<&str, String> = BTreeMap::new();
    let mut last = "";
    for line in stanza.lines() {
        match line.split_once(": ") {
            Some((field, value)) if !line.starts_with(' ') => {
                fields.insert(field, value.to_owned());
                last = field;
            }
            _ => fields.entry(last).or_default().push_str(&format!("\n{}", line.trim())),
        }
    }
    let (summary, description) = fields.get("Description")?.split_once('\n')?;
    let depends = fields.get("Depends").map(String::as_str).unwrap_or_default();
    let needs: BTreeSet<&str> =
        depends.split(',').filter_map(|need| need.split_whitespace().next()).collect();
    Some(Model {
        summary: summary.to_owned(),
        description: description.to_owned(),
        needs: needs.into_iter().map(str::to_owned).collect(),
        name: fields.get("Package")?.replace('+', "p"),
    })
}

/// Everything that the packages of the host hold deep enough to tell something.
fn paths(info: &Path) -> anyhow::Result<Vec<String>> {
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(info)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "list") {
            let list = fs::read_to_string(path)?;
            paths.extend(list.lines().filter(|line| line.matches('/').count() > 2).map(str::to_owned));
        }
    }
    Ok(paths.into_iter().collect())
}
