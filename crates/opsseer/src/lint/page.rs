//! A runbook as its author wrote it: headings with their anchors, links, and how much stands under each heading.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::LintError;

/// A Markdown file of the runbook folder.
#[derive(Debug)]
pub(super) struct Page {
    /// Relative to the folder, with `/` between folders.
    pub(super) file: String,
    pub(super) headings: Vec<Heading>,
    pub(super) links: Vec<Link>,
    /// What a link may name after `#`.
    pub(super) anchors: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct Heading {
    pub(super) line: u32,
    /// 1 to 6.
    pub(super) level: u8,
    pub(super) text: String,
    /// Words under it, up to the next heading, code left out.
    pub(super) words: usize,
    /// Code blocks, list items, tables and pictures under it, up to the next heading.
    pub(super) parts: usize,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) line: u32,
    pub(super) address: String,
}

/// All Markdown files below `folder`, in the order of their names. Hidden files and folders are left out.
pub(super) fn read_all(folder: &Path) -> Result<Vec<Page>, LintError> {
    let mut files = Vec::new();
    find(folder, &mut files)?;
    files.sort();
    let mut pages = Vec::new();
    for path in files {
        let bytes = fs::read(&path).map_err(|source| LintError::Read { path: path.clone(), source })?;
        let parts = path.strip_prefix(folder).unwrap_or(&path).components();
        let names: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
        pages.push(Page::parse(names.join("/"), &String::from_utf8_lossy(&bytes)));
    }
    Ok(pages)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), LintError> {
    let failed = |source| LintError::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Links to folders are not followed: they may lead in a circle.
        if entry.file_type().map_err(failed)?.is_dir() {
            find(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("md") || ending == "markdown")
        {
            files.push(path);
        }
    }
    Ok(())
}

impl Page {
    pub(super) fn parse(file: String, text: &str) -> Self {
        let lines = Lines::of(text);
        let mut page = Self { file, headings: Vec::new(), links: Vec::new(), anchors: BTreeSet::new() };
        let mut slugs = HashMap::new();
        // The heading that is being read, with its explicit anchor.
        let mut heading: Option<(Heading, Option<String>)> = None;
        let mut in_code = false;
        for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
            let line = lines.line_at(range.start);
            match event {
                Event::Start(Tag::Heading { level, id, .. }) => {
                    let found =
                        Heading { line, level: level_of(level), text: String::new(), words: 0, parts: 0 };
                    heading = Some((found, id.map(|id| id.to_string())));
                }
                Event::End(TagEnd::Heading(_)) => {
                    if let Some((found, anchor)) = heading.take() {
                        page.anchors.insert(unused_slug(&found.text, &mut slugs));
                        page.anchors.extend(anchor);
                        page.headings.push(found);
                    }
                }
                Event::Text(text) | Event::Code(text) => match &mut heading {
                    Some((heading, _)) => heading.text.push_str(&text),
                    None if in_code => {}
                    None => page.count(|under| under.words += text.split_whitespace().count()),
                },
                Event::Start(Tag::CodeBlock(_)) => {
                    in_code = true;
                    page.count(|under| under.parts += 1);
                }
                Event::End(TagEnd::CodeBlock) => in_code = false,
                Event::Start(Tag::Item | Tag::Table(_)) => page.count(|under| under.parts += 1),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link { line, address: dest_url.to_string() });
                    page.count(|under| under.parts += 1);
                }
                Event::Html(html) | Event::InlineHtml(html) => page.anchors.extend(anchors_in(&html)),
                _ => {}
            }
        }
        page
    }

    /// Counts something for the heading that it stands under, if any.
    fn count(&mut self, add: impl FnOnce(&mut Heading)) {
        if let Some(under) = self.headings.last_mut() {
            add(under);
        }
    }
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// The anchor that GitHub makes of a heading: letters, digits, `-` and `_` in lower case, blanks as `-`; a second one of
/// the same name gets `-1`.
fn unused_slug(heading: &str, used: &mut HashMap<String, usize>) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let slug: String = kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
    let times = used.entry(slug.clone()).or_default();
    *times += 1;
    if *times == 1 { slug } else { format!("{slug}-{}", *times - 1) }
}

/// The values of `id` and `name` in a piece of HTML.
fn anchors_in(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in [" id=", " name="] {
        for rest in html.split(attribute).skip(1) {
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
            let value = match quote {
                Some(quote) => rest[1..].split(quote).next(),
                None => rest.split([' ', '>', '/']).next(),
            };
            found.extend(value.filter(|value| !value.is_empty()).map(str::to_owned));
        }
    }
    found
}

/// Finds the line of a place in a text.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    fn line_at(&self, offset: usize) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_links_and_anchors_have_their_lines() {
        let text = "# Disk `full`\n\nSee [x](other.md#fix).\n\n## Fix it, now!\n\n1. Remove\n2. Wait\n\n```sh\nrm x\n```\n\n## Fix it, now!\n<a name=\"old\"></a>\n";
        let page = Page::parse("disk.md".into(), text);
        let seen: Vec<_> =
            page.headings.iter().map(|h| (h.line, h.level, h.text.as_str(), h.words, h.parts)).collect();
        assert_eq!(
            seen,
            [(1, 1, "Disk full", 3, 1), (5, 2, "Fix it, now!", 2, 3), (14, 2, "Fix it, now!", 0, 0)]
        );
        assert_eq!((page.links[0].line, page.links[0].address.as_str()), (3, "other.md#fix"));
        for anchor in ["disk-full", "fix-it-now", "fix-it-now-1", "old"] {
            assert!(page.anchors.contains(anchor), "{anchor} is missing in {:?}", page.anchors);
        }
    }

    #[test]
    fn an_explicit_anchor_counts_beside_the_one_made_of_the_heading() {
        let page = Page::parse("a.md".into(), "## Roll back {#undo}\n");
        assert!(page.anchors.contains("undo") && page.anchors.contains("roll-back"), "{:?}", page.anchors);
    }
}
