//! The text forms of Python that some error messages must have (contract section 3.1).

use std::fmt::Write;

use crate::ops::Problem;

/// `{'pkgs': ['…'], 'chroots': ["…"]}`: fields in their first order, messages in theirs.
pub fn dict_of_lists(problems: &[Problem]) -> String {
    let mut fields: Vec<(&str, Vec<String>)> = Vec::new();
    for problem in problems {
        let message = repr(&problem.message);
        match fields.iter_mut().find(|(field, _)| *field == problem.field) {
            Some((_, messages)) => messages.push(message),
            None => fields.push((&problem.field, vec![message])),
        }
    }
    let entry =
        |(field, messages): &(&str, Vec<String>)| format!("{}: [{}]", repr(field), messages.join(", "));
    format!("{{{}}}", fields.iter().map(entry).collect::<Vec<_>>().join(", "))
}

/// Python's `repr` of a text: single quotes unless only they occur inside.
pub fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_ascii_control() => write!(out, "\\x{:02x}", u32::from(c)).expect("a String takes all"),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_quoted_as_python_does() {
        assert_eq!(repr("plain"), "'plain'");
        assert_eq!(repr("'wrong' is not"), "\"'wrong' is not\"");
        assert_eq!(repr("both ' and \""), "'both \\' and \"'");
        assert_eq!(repr("a\nb\u{1}\\"), "'a\\nb\\x01\\\\'");
    }

    #[test]
    fn messages_of_one_field_share_a_list() {
        let problems = [Problem::new("pkgs", "a"), Problem::new("chroots", "b"), Problem::new("pkgs", "c")];
        assert_eq!(dict_of_lists(&problems), "{'pkgs': ['a', 'c'], 'chroots': ['b']}");
    }
}
