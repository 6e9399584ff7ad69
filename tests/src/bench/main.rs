//! `bench`: what Coppice promises in numbers, measured on this machine. `tools/bench` builds and starts it.

mod agent;
mod api;
mod figure;
mod keys;
mod pipeline;
mod publish;
mod refresh;
mod sign;
mod usage;
mod web;
mod yardstick;

use clap::Parser;
use figure::Figure;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measure what Coppice promises; ends with 0 only when all is reached")]
struct Cli {
    /// What to measure [default: all]
    names: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Measure nothing; fill this empty database with what the API is measured on
    #[arg(long, value_name = "URL")]
    fill: Option<String>,
    /// Be a builder that only notes when its task came, at this folder
    #[arg(long, hide = true)]
    agent: Option<std::path::PathBuf>,
    /// Be a publisher that does what standard input says, as this file tells
    #[arg(long, hide = true)]
    publisher: Option<std::path::PathBuf>,
    /// What the backend adds for its builders
    #[arg(long, hide = true)]
    backend: Option<String>,
    #[arg(long, hide = true)]
    work_dir: Option<std::path::PathBuf>,
    #[arg(long, hide = true)]
    cache_dir: Option<std::path::PathBuf>,
}

type Bench = fn() -> anyhow::Result<Vec<Figure>>;

const BENCHES: [(&str, Bench); 6] = [
    ("pipeline", pipeline::measure),
    ("publish", publish::measure),
    ("sign", sign::measure),
    ("refresh", refresh::measure),
    ("api", api::measure),
    ("web", web::measure),
];

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let (Some(notes), Some(backend)) = (&cli.agent, &cli.backend) {
        return agent::run(notes, backend);
    }
    if let Some(order) = &cli.publisher {
        return publish::worker::run(order);
    }
    if let Some(database) = &cli.fill {
        return api::server::fill(database);
    }
    let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = cli.names.iter().find(|name| !known.contains(&name.as_str())) {
        anyhow::bail!("there is no bench {unknown:?}; there are: {}", known.join(", "));
    }
    let mut all_reached = true;
    for (name, measure) in BENCHES {
        if !cli.names.is_empty() && !cli.names.iter().any(|wanted| wanted == name) {
            continue;
        }
        for figure in measure()? {
            println!("{}", if cli.json { figure.json() } else { figure.line() });
            all_reached &= figure.is_reached();
        }
    }
    std::process::exit(i32::from(!all_reached));
}
