//! Packages that look like those of a build service, made from what this Debian host says of its own packages.

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::Context;
use rpm::{BuildConfig, CompressionWithLevel, Dependency, FileOptions, PackageBuilder};

pub const PER_BUILD: usize = 4;
/// Seconds since 1970 of the first build.
const FIRST_DAY: u32 = 1_700_000_000;
const DAY: u32 = 86_400;

/// A package of the host.
struct Model {
    name: String,
    summary: String,
    description: String,
    needs: Vec<String>,
    paths: Vec<String>,
}

/// What the packages are made from; the same on the same host.
pub struct Corpus {
    models: Vec<Model>,
}

impl Corpus {
    pub fn of_this_host() -> anyhow::Result<Self> {
        let status = fs::read_to_string("/var/lib/dpkg/status").context("reading the host's packages")?;
        let models: Vec<Model> = status.split("\n\n").filter_map(model).collect();
        anyhow::ensure!(models.len() >= 100, "this host has too few packages to learn from");
        Ok(Self { models })
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
        format!("{:08}-{}", build + 1, self.model(build).name)
    }

    fn model(&self, index: usize) -> &Model {
        &self.models[index % self.models.len()]
    }

    fn write_build(&self, dir: &Path, build: usize, packages: usize) -> anyhow::Result<()> {
        fs::create_dir_all(dir)?;
        for (part, suffix) in ["", "-devel", "-libs", "-doc"].iter().enumerate().take(packages) {
            let name = format!("{}-{build}{suffix}", self.model(build).name);
            let package = self.package(&name, build, part)?;
            package.write_file(dir.join(format!("{name}-1.{build}-1.fc43.x86_64.rpm")))?;
        }
        Ok(fs::write(dir.join("success"), "")?)
    }

    fn package(&self, name: &str, build: usize, part: usize) -> anyhow::Result<rpm::Package> {
        let model = self.model(build);
        let mut package = PackageBuilder::new(name, &format!("1.{build}"), "MIT", "x86_64", &model.summary);
        let made_on = FIRST_DAY + build as u32 * 60;
        let config = BuildConfig::v4().source_date(made_on).compression(CompressionWithLevel::Zstd(1));
        package.using_config(config).release("1.fc43").description(&model.description);
        package.url(format!("https://example.com/{name}"));
        for path in model.paths.iter().skip(part).step_by(PER_BUILD).chain(model.paths.first()) {
            let path = format!("{path}.{part}");
            package.with_file_contents(path.repeat(8), FileOptions::new(path))?;
        }
        package.provides(Dependency::any(format!("lib{name}.so.{}()(64bit)", build % 7)));
        for need in &model.needs {
            package.requires(Dependency::greater_eq(need, format!("{}.{part}", build % 5)));
        }
        package.requires(Dependency::any(format!("(lib{name} or {name}-compat)")));
        package.recommends(Dependency::any(format!("{name}-extras")));
        self.add_changelog(&mut package, build);
        Ok(package.build()?)
    }

    /// One to thirty entries in the words of other packages.
    fn add_changelog(&self, package: &mut PackageBuilder, build: usize) {
        for entry in 0..=(build * 7 % 30) {
            let words = self.model(build + entry * 13);
            let author = format!("{} Maintainer <{}@example.com> - 1.{entry}-1", words.name, words.name);
            let on = FIRST_DAY - entry as u32 * DAY;
            package.add_changelog_entry(author, format!("- {} ({entry})", words.summary), on);
        }
    }
}

/// A package of the host from its stanza, if it has files that tell something.
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
    let name = fields.get("Package")?.clone();
    let (summary, description) = fields.get("Description")?.split_once('\n')?;
    let depends = fields.get("Depends").map(String::as_str).unwrap_or_default();
    let needs = depends.split(',').filter_map(|need| need.split_whitespace().next()).map(str::to_owned);
    Some(Model {
        summary: summary.to_owned(),
        description: description.to_owned(),
        needs: needs.collect(),
        paths: paths(&name, fields.get("Architecture")?)?,
        name: name.replace('+', "p"),
    })
}

/// Five to two hundred of its files.
fn paths(name: &str, arch: &str) -> Option<Vec<String>> {
    let info = PathBuf::from("/var/lib/dpkg/info");
    let list = fs::read_to_string(info.join(format!("{name}.list")));
    let list = list.or_else(|_| fs::read_to_string(info.join(format!("{name}:{arch}.list")))).ok()?;
    let files = list.lines().filter(|line| line.matches('/').count() > 2);
    let files: Vec<String> = files.take(200 * PER_BUILD).map(str::to_owned).collect();
    (files.len() >= 5).then_some(files)
}
