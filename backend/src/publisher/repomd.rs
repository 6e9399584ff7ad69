//! `repomd.xml`: the one file whose exchange publishes all others.

use super::index::Record;

/// Every number in it is ours, so nothing needs escaping. All times are the revision's: the same records
/// and revision give the same text.
pub fn render(revision: i64, records: &[Record]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <repomd xmlns=\"http://linux.duke.edu/metadata/repo\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n",
    );
    text.push_str(&format!("  <revision>{revision}</revision>\n"));
    for record in records {
        text.push_str(&data(revision, record));
    }
    text.push_str("</repomd>\n");
    text
}

/// The revision of a served `repomd.xml`.
pub fn revision(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once("<revision>")?;
    rest.split_once("</revision>")?.0.parse().ok()
}

fn data(revision: i64, record: &Record) -> String {
    let Record { kind, file, sha256, size, open } = record;
    let mut text = format!("  <data type=\"{kind}\">\n    <checksum type=\"sha256\">{sha256}</checksum>\n");
    if let Some((sha256, _)) = open {
        text.push_str(&format!("    <open-checksum type=\"sha256\">{sha256}</open-checksum>\n"));
    }
    text.push_str(&format!(
        "    <location href=\"repodata/{file}\"/>\n    <timestamp>{revision}</timestamp>\n    <size>{size}</size>\n"
    ));
    if let Some((_, size)) = open {
        text.push_str(&format!("    <open-size>{size}</open-size>\n"));
    }
    text.push_str("  </data>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_reads_back_and_an_unpacked_file_has_no_open_size() {
        let record =
            Record { kind: "group", file: "a-comps.xml".into(), sha256: "a".into(), size: 3, open: None };
        let text = render(7, &[record]);
        assert_eq!(revision(&text), Some(7));
        assert!(text.contains("repodata/a-comps.xml") && !text.contains("open-size"), "{text}");
    }
}
