//! Problems in the words of pages: what was typed, why it is not taken, what might be meant. The API keeps Copr's
//! words, which scripts look for.

use crate::{
    ops::Problem,
    pages::{PageError, frame::Fields},
};

const WRONG_SCHEMES: [(&str, &str); 8] = [
    ("htp://", "http://"),
    ("hhtp://", "http://"),
    ("ttp://", "http://"),
    ("http:/", "http://"),
    ("htps://", "https://"),
    ("htttps://", "https://"),
    ("ttps://", "https://"),
    ("https:/", "https://"),
];

/// `names`: fields that the rule calls otherwise than the page.
pub(super) fn told(error: PageError, fields: &Fields, names: &[(&str, &str)]) -> PageError {
    let PageError::Invalid(problems) = error else { return error };
    let on_page = |problem: Problem| {
        let renamed = names.iter().find(|(rule, _)| *rule == problem.field);
        let field = renamed.map_or(problem.field.as_str(), |(_, page)| *page);
        Problem::new(field, sentence(&problem.message, fields.text(field)))
    };
    PageError::Invalid(problems.into_iter().map(on_page).collect())
}

fn sentence(message: &str, typed: &str) -> String {
    let typed = typed.trim();
    match message {
        "Invalid URL." => no_address(typed, "https:// or http://"),
        "Contact must be email address or URL" => {
            format!("‘{typed}’ is neither a mail address nor an address that starts with https://.")
        }
        "Not a valid integer value." => format!("‘{typed}’ is no whole number."),
        "Not a valid choice." => format!("‘{typed}’ is not offered here."),
        "This field is required." => "This is needed.".into(),
        "'[]' is not a valid choice for this field." => "Choose at least one chroot.".into(),
        other => quoted(other).unwrap_or_else(|| other.to_owned()),
    }
}

/// Messages that quote one of several values.
fn quoted(message: &str) -> Option<String> {
    if let Some((_, rest)) = message.split_once("is needed ('") {
        return Some(no_address(rest.split_once("' doesn't")?.0, "https://, http:// or copr://"));
    }
    let value = message.strip_suffix("' is not a valid choice for this field.")?.strip_prefix('\'')?;
    Some(format!("‘{value}’ is not offered here."))
}

fn no_address(typed: &str, schemes: &str) -> String {
    let found = format!("‘{typed}’ is no address: one starts with {schemes}.");
    match meant(typed) {
        Some(meant) => format!("{found} Did you mean {meant}?"),
        None => found,
    }
}

fn meant(typed: &str) -> Option<String> {
    if let Some((wrong, right)) = WRONG_SCHEMES.iter().find(|(wrong, _)| typed.starts_with(wrong)) {
        return Some(format!("{right}{}", typed[wrong.len()..].trim_start_matches('/')));
    }
    let host = typed.split('/').next().unwrap_or_default();
    let is_host = host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:".contains(c));
    (is_host && !typed.contains("://")).then(|| format!("https://{typed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_nearly_right_are_proposed() {
        for (typed, right) in [
            ("htp://example.org/$releasever/", Some("http://example.org/$releasever/")),
            ("https:/example.org", Some("https://example.org")),
            ("example.org/x", Some("https://example.org/x")),
            ("ftp://example.org", None),
            ("my page", None),
        ] {
            assert_eq!(meant(typed).as_deref(), right, "{typed}");
        }
    }

    #[test]
    fn a_quoted_value_is_quoted_again() {
        let message = "A list of http[s] URLs separated by whitespace characters is needed ('x y' doesn't seem to be a \
                       valid URL).";
        assert_eq!(
            sentence(message, ""),
            "‘x y’ is no address: one starts with https://, http:// or copr://."
        );
        assert_eq!(
            sentence("'fedora-1' is not a valid choice for this field.", ""),
            "‘fedora-1’ is not offered here."
        );
        assert_eq!(sentence("Number must be at least 1.", "0"), "Number must be at least 1.");
    }
}
