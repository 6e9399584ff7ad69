//! What users wrote as Markdown: two libraries turn it into markup that can do nothing.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// So many texts stay rendered; cleaning one costs more than the rest of its page.
const KEPT: usize = 2_000;
/// In so many characters the first line ends.
const FIRST_CHARS: usize = 600;
/// Longer texts are rendered every time.
const KEPT_BYTES: usize = 16 * 1024;

static RENDERED: LazyLock<RwLock<HashMap<String, Arc<str>>>> = LazyLock::new(RwLock::default);

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(UrlRelative::Deny)
        .rm_tags(["img"])
        .generic_attributes([].into())
        .link_rel(Some("nofollow noopener noreferrer"));
    builder
});

/// Headings begin below those of the page, pictures become links, and markup stays the text that it is.
pub fn render(text: &str) -> Arc<str> {
    if let Some(known) = RENDERED.read().unwrap_or_else(PoisonError::into_inner).get(text) {
        return Arc::clone(known);
    }
    let done: Arc<str> = make(text).into();
    if text.len() <= KEPT_BYTES {
        let mut kept = RENDERED.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.to_owned(), Arc::clone(&done));
    }
    done
}

fn make(text: &str) -> String {
    let text = without_directions(text);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut raw = String::with_capacity(text.len() * 2);
    html::push_html(&mut raw, Parser::new_ext(&text, options).map(tamed));
    CLEANER.clean(&raw).to_string()
}

fn tamed(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Heading { level, .. }) => {
            Event::Start(Tag::Heading { level: lower(level), id: None, classes: vec![], attrs: vec![] })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        Event::SoftBreak => Event::Text(CowStr::Borrowed("\n")),
        other => other,
    }
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        _ => HeadingLevel::H5,
    }
}

/// The text of the first paragraph or heading, without its marks.
pub fn first_line(text: &str) -> String {
    let start: String = text.trim_start().chars().take(FIRST_CHARS).collect();
    let mut line = String::new();
    for event in Parser::new_ext(&start, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                line.push_str(&text)
            }
            Event::SoftBreak | Event::HardBreak | Event::End(_) if !line.trim().is_empty() => {
                if !matches!(
                    event,
                    Event::End(TagEnd::Strong | TagEnd::Emphasis | TagEnd::Link | TagEnd::Strikethrough)
                ) {
                    break;
                }
            }
            _ => {}
        }
    }
    without_directions(line.trim()).into_owned()
}

/// Without the marks that make text run in another direction than it is written: they can make a name look like another.
pub fn without_directions(text: &str) -> Cow<'_, str> {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.contains(turns) { Cow::Owned(text.replace(turns, "")) } else { Cow::Borrowed(text) }
}

/// An address that is safe to follow, when it is one.
pub fn followable(address: &str) -> Option<String> {
    let url = url::Url::parse(address.trim()).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_shown_as_it_reads() {
        let html = render(
            "# Title\n\nSome **bold** `code`\n\n* one\n* [two](https://example.com/a?b&c)\n\n|a|b|\n|-|-|\n|1|2|\n",
        );
        for part in [
            "<h3>Title</h3>",
            "<strong>bold</strong> <code>code</code>",
            "<li>one</li>",
            "<a href=\"https://example.com/a?b&amp;c\" rel=\"nofollow noopener noreferrer\">two</a>",
            "<td>1</td>",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
    }

    #[test]
    fn hostile_texts_are_inert() {
        for (text, shown) in [
            ("<script>alert(1)</script>", "&lt;script&gt;"),
            ("a <b onclick=x()>b</b>", "&lt;b onclick"),
            ("[x](javascript:alert)", "<a rel"),
            ("[x](JaVaScRiPt&colon;alert)", "<a rel"),
            ("<javascript:alert(1)>", ""),
            ("[x](data:text/html;base64,AAAA)", "<a rel"),
            ("[x](//evil.example/)", "<a rel"),
            ("![pic](https://example.com/x.png)", ">pic</a>"),
            ("abc\u{202e}cba", "abccba"),
        ] {
            let html = render(text);
            assert!(html.contains(shown), "{text}: {html}");
            let lowered = html.to_lowercase();
            for part in
                ["<script", "<b ", "href=\"javascript", "href=\"data", "href=\"//", "<img", "\u{202e}"]
            {
                assert!(!lowered.contains(part), "{text}: {html}");
            }
        }
    }

    #[test]
    fn only_addresses_that_browsers_open_are_links() {
        assert_eq!(followable("https://example.com").as_deref(), Some("https://example.com/"));
        assert_eq!(followable("mailto:a@b.c").as_deref(), Some("mailto:a@b.c"));
        for text in ["javascript:alert(1)", " JAVASCRIPT:x", "data:text/html,x", "example.com", "ftp://x/"] {
            assert_eq!(followable(text), None, "{text}");
        }
    }
}
