//! The text between the tags of HTML blocks, which Markdown passes through as they are.

/// Fed with HTML piece by piece, gives back what a reader would see: no tags, no comments, no scripts, no styles.
/// It only has to be good enough for a quote; the page escapes whatever comes out.
#[derive(Debug, Default)]
pub(super) struct HtmlText {
    inside: Inside,
}

#[derive(Debug, Default, Clone, Copy)]
enum Inside {
    #[default]
    Text,
    /// Up to this mark, everything is hidden.
    Until(&'static str),
}

impl HtmlText {
    pub(super) fn feed(&mut self, html: &str) -> String {
        let mut text = String::new();
        let mut rest = html;
        while !rest.is_empty() {
            match self.inside {
                Inside::Text => {
                    let Some((before, tag)) = rest.split_once('<') else {
                        text.push_str(rest);
                        break;
                    };
                    text.push_str(before);
                    self.inside = Inside::Until(end_of(tag));
                    rest = tag;
                }
                Inside::Until(mark) => {
                    let Some(at) = find_ignoring_case(rest, mark) else { break };
                    rest = &rest[at + mark.len()..];
                    self.inside = Inside::Text;
                }
            }
        }
        // A line of the source ends like a soft break.
        text.replace(['\r', '\n'], " ")
    }
}

/// What ends the tag whose text after `<` this is.
fn end_of(tag: &str) -> &'static str {
    let starts = |name: &str| tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    if tag.starts_with("!--") {
        "-->"
    } else if starts("script") {
        "</script>"
    } else if starts("style") {
        "</style>"
    } else {
        ">"
    }
}

fn find_ignoring_case(text: &str, ascii: &str) -> Option<usize> {
    text.as_bytes().windows(ascii.len()).position(|window| window.eq_ignore_ascii_case(ascii.as_bytes()))
}
