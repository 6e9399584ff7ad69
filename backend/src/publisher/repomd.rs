//! `repomd.xml`: the one file whose exchange publishes all others.

use super::manifest::Record;

/// Every word in it is ours, so nothing needs escaping. All times are the revision's: the same records and
/// revision give the same text. There is no `open-checksum`: no client asks for it, and only reading the whole
/// uncompressed index again would tell it.
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

fn data(revision: i64, record: &Record) -> String {
    let Record { kind, file, sha256, size, open_size } = record;
    let mut text = format!("  <data type=\"{kind}\">\n    <checksum type=\"sha256\">{sha256}</checksum>\n");
    text.push_str(&format!(
        "    <location href=\"repodata/{file}\"/>\n    <timestamp>{revision}</timestamp>\n    <size>{size}</size>\n"
    ));
    if let Some(size) = open_size {
        text.push_str(&format!("    <open-size>{size}</open-size>\n"));
    }
    text.push_str("  </data>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpacked_file_has_no_open_size() {
        let mut record = Record {
            kind: "group".into(),
            file: "a-comps.xml".into(),
            sha256: "a".into(),
            size: 3,
            open_size: None,
        };
        let text = render(7, std::slice::from_ref(&record));
        assert!(text.contains("<revision>7</revision>") && text.contains("repodata/a-comps.xml"), "{text}");
        assert!(!text.contains("open-size"), "{text}");
        record.open_size = Some(9);
        assert!(render(7, &[record]).contains("<open-size>9</open-size>"));
    }
}
