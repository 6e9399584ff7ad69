//! `minidistro`: makes the distribution and the sample source packages.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use coppice_minidistro::{Options, find, make, samples};

/// A small RPM distribution out of Debian packages.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make the repository; the last line printed is its folder
    Make {
        /// Put the repository at exactly this path
        #[arg(long)]
        out: Option<PathBuf>,
        #[command(flatten)]
        cache: Cache,
    },
    /// Print the folder of the cached repository; fails if it has not been made
    Path {
        #[command(flatten)]
        cache: Cache,
    },
    /// Write the source packages of all samples and print their paths
    Samples {
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(clap::Args)]
struct Cache {
    /// Where finished repositories are kept [default: coppice-minidistro in the user's cache folder]
    #[arg(long, env = "COPPICE_MINIDISTRO_CACHE")]
    cache: Option<PathBuf>,
}

impl Cache {
    fn folder(self) -> Result<PathBuf> {
        let env = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        self.cache
            .or_else(|| env("XDG_CACHE_HOME").map(|caches| caches.join("coppice-minidistro")))
            .or_else(|| env("HOME").map(|home| home.join(".cache/coppice-minidistro")))
            .context("no folder to keep repositories in: give --cache")
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Verb::Make { out, cache } => {
            let options = Options { cache: cache.folder()?, out };
            let distro = make(&options, &|line| eprintln!("minidistro: {line}"))?;
            println!("{}", distro.repo.display());
        }
        Verb::Path { cache } => match find(&Options::cached(cache.folder()?))? {
            Some(distro) => println!("{}", distro.repo.display()),
            None => bail!("not made yet: run `minidistro make`"),
        },
        Verb::Samples { out } => {
            for name in samples::names() {
                println!("{}", samples::srpm(name, &out)?.display());
            }
        }
    }
    Ok(())
}
