//! `coppice-builder-agent`: one task on one throw-away machine.

fn main() -> anyhow::Result<()> {
    coppice_builder_agent::main_with(std::env::args_os().skip(1).collect())
}
