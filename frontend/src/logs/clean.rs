//! What a stranger's program printed, as text that does nothing: no escape moves the cursor, no mark turns the
//! reading direction, nothing is invisible.

/// Of a longer line a page shows only so much.
const SHOWN_CHARS: usize = 2_000;

/// A line without its end as harmless text.
pub fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.strip_suffix('\r').unwrap_or(&text);
    let mut shown = String::with_capacity(rest.len());
    let mut count = 0;
    while let Some(next) = rest.chars().next() {
        if let Some(after) = after_colour(rest) {
            rest = after;
            continue;
        }
        if count == SHOWN_CHARS {
            shown.push_str(&format!(" [{} more bytes in the raw log]", rest.len()));
            break;
        }
        push(&mut shown, next);
        rest = &rest[next.len_utf8()..];
        count += 1;
    }
    shown
}

/// Colours (`ESC [ 1 ; 31 m`) and "erase to the end of the line" say nothing and are left out; any other escape
/// stays visible.
fn after_colour(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let rest = &parameters[end..];
    rest.strip_prefix('m').or_else(|| rest.strip_prefix('K'))
}

fn push(shown: &mut String, next: char) {
    match next {
        '\t' => shown.push('\t'),
        // The pictures of control characters: U+2400 and what follows.
        '\0'..='\u{1f}' => shown.push(char::from_u32(0x2400 + u32::from(next)).unwrap_or('\u{fffd}')),
        '\u{7f}' => shown.push('\u{2421}'),
        '\u{80}'..='\u{9f}' => shown.push('\u{fffd}'),
        hidden if is_hidden(hidden) => shown.push_str(&format!("[U+{:04X}]", u32::from(hidden))),
        plain => shown.push(plain),
    }
}

/// Marks of reading direction, invisible characters and other ends of lines.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_controls_and_bad_bytes_become_visible() {
        for (raw, shown) in [
            (&b"\x1b]0;owned\x07prompt"[..], "\u{241b}]0;owned\u{2407}prompt"),
            (b"\x1b[2J\x1b[1;1Hgone", "\u{241b}[2J\u{241b}[1;1Hgone"),
            (b"a\0b\x7f", "a\u{2400}b\u{2421}"),
            (b"\xff\xfe ok", "\u{fffd}\u{fffd} ok"),
            (b"10%\r20%\r", "10%\u{240d}20%"),
            ("\u{9b}31m".as_bytes(), "\u{fffd}31m"),
        ] {
            assert_eq!(clean(raw), shown);
        }
    }

    #[test]
    fn reading_order_cannot_be_turned_and_nothing_is_invisible() {
        let raw = "if (admin\u{202e} \u{2066}// check\u{2069}) zero\u{200b}width";
        assert_eq!(clean(raw.as_bytes()), "if (admin[U+202E] [U+2066]// check[U+2069]) zero[U+200B]width");
    }

    #[test]
    fn colours_are_left_out_and_tabs_stay() {
        assert_eq!(clean(b"\x1b[0m\x1b[1m\x1b[38;5;9merror\x1b[0m:\tx\x1b[K"), "error:\tx");
        assert_eq!(clean(b"\x1b[31"), "\u{241b}[31");
    }

    #[test]
    fn a_very_long_line_is_cut_and_says_by_how_much() {
        let shown = clean(&vec![b'x'; 1_000_000]);
        assert!(
            shown.starts_with("xxx") && shown.ends_with("x [998000 more bytes in the raw log]"),
            "{}",
            shown.len()
        );
    }
}
