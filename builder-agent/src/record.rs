//! `configs.tar.gz`: the exact environment of a build, so that it can be repeated.

use std::{fs::File, io};

use flate2::{Compression, write::GzEncoder};

use crate::runner::Order;

const NAME: &str = "configs.tar.gz";

/// Writes the environment as it came with the task.
pub fn keep(order: &Order<'_>) -> io::Result<()> {
    let text = serde_json::to_string_pretty(order.environment)?;
    let name = format!("{}.json", order.environment.chroot.name);
    write(order, &[(&name, &text)])
}

/// Writes all given configuration files, and the environment.
pub fn keep_with(order: &Order<'_>, more: &[(&str, &str)]) -> io::Result<()> {
    let text = serde_json::to_string_pretty(order.environment)?;
    let name = format!("{}.json", order.environment.chroot.name);
    write(order, &[more, &[(name.as_str(), text.as_str())]].concat())
}

fn write(order: &Order<'_>, files: &[(&str, &str)]) -> io::Result<()> {
    let file = File::create(order.task.workspace.results().join(NAME))?;
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, format!("configs/{name}"), content.as_bytes())?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}
