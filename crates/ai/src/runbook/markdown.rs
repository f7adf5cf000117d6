//! Markdown to sections of blocks, with the line of the file for every stretch of text.

mod html;

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::document::{Block, BlockKind, Section};
use html::HtmlText;

/// What a Markdown file says.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// `title:` of the front matter.
    pub(super) front_title: Option<String>,
    pub(super) sections: Vec<Section>,
}

/// Reads any text: what is not Markdown is prose.
pub(super) fn parse(text: &str) -> Parsed {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut reader = Reader::new(text);
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.take(event, range);
    }
    reader.end_block();
    reader.parsed.sections.retain(|section| section.level > 0 || !section.blocks.is_empty());
    reader.parsed
}

struct Reader {
    /// The byte offset at which each line starts.
    line_starts: Vec<usize>,
    parsed: Parsed,
    /// The block that is being read.
    block: Option<Block>,
    /// For each open list the number of its next item, if it counts.
    lists: Vec<Option<u64>>,
    /// Set at the start of a list item until its first text.
    item: Option<BlockKind>,
    /// The text of a picture stands for what cannot be quoted.
    pictures: u32,
    links: u32,
    in_heading: bool,
    in_front_matter: bool,
    html: HtmlText,
}

impl Reader {
    fn new(text: &str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self {
            line_starts,
            parsed: Parsed { front_title: None, sections: vec![Section::default()] },
            block: None,
            lists: Vec::new(),
            item: None,
            pictures: 0,
            links: 0,
            in_heading: false,
            in_front_matter: false,
            html: HtmlText::default(),
        }
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, &range),
            Event::End(tag) => self.end(tag, &range),
            Event::Text(text) if self.in_front_matter => self.front_matter(&text),
            Event::Text(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text, &range);
            }
            Event::Code(code) => self.inline_code(&code, &range),
            Event::SoftBreak | Event::HardBreak => self.text(" ", &range),
            Event::Html(html) => {
                let text = self.html.feed(&html);
                self.text(&text, &range);
            }
            Event::InlineHtml(_) | Event::FootnoteReference(_) | Event::TaskListMarker(_) | Event::Rule => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Heading { level, id, .. } => {
                self.end_block();
                let anchor = id.map(pulldown_cmark::CowStr::into_string);
                let section = Section { level: level as u8, anchor, ..Section::default() };
                self.parsed.sections.push(section);
                self.in_heading = true;
            }
            Tag::CodeBlock(kind) => {
                self.end_block();
                let mut block = Block::new(BlockKind::Code, self.line_of(range.start));
                if let CodeBlockKind::Fenced(info) = kind {
                    let word = info.split([' ', ',', '{']).next().unwrap_or_default();
                    block.language = word.to_lowercase();
                }
                // The fences count as lines of the code.
                block.lines.push((0, self.line_of(range.start)));
                self.block = Some(block);
            }
            Tag::List(first) => {
                self.end_block();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_block();
                let number = self.lists.last_mut().and_then(Option::as_mut).map(|next| {
                    let number = *next;
                    *next = next.saturating_add(1);
                    number
                });
                self.item = Some(BlockKind::Item { number });
            }
            Tag::TableHead | Tag::TableRow => {
                self.end_block();
                self.block = Some(Block::new(BlockKind::Row, self.line_of(range.start)));
            }
            Tag::TableCell if self.block.as_ref().is_some_and(|row| !row.text.is_empty()) => {
                self.text(" | ", range);
            }
            Tag::Paragraph | Tag::BlockQuote(_) | Tag::Table(_) | Tag::FootnoteDefinition(_) => {
                self.end_block();
            }
            Tag::HtmlBlock => {
                self.end_block();
                self.html = HtmlText::default();
            }
            Tag::Image { .. } => self.pictures += 1,
            Tag::Link { .. } => self.links += 1,
            Tag::MetadataBlock(_) => self.in_front_matter = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: &Range<usize>) {
        match tag {
            TagEnd::Heading(_) => self.in_heading = false,
            TagEnd::CodeBlock => {
                let last = self.line_of(range.end.saturating_sub(1).max(range.start));
                if let Some(block) = &mut self.block {
                    block.last_line = last;
                }
                self.end_block();
            }
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
            }
            TagEnd::Item => {
                self.end_block();
                self.item = None;
            }
            TagEnd::Paragraph
            | TagEnd::BlockQuote(_)
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition => self.end_block(),
            TagEnd::Link => self.links = self.links.saturating_sub(1),
            TagEnd::Image => self.pictures = self.pictures.saturating_sub(1),
            TagEnd::MetadataBlock(_) => self.in_front_matter = false,
            _ => {}
        }
    }

    fn text(&mut self, text: &str, range: &Range<usize>) {
        if self.pictures > 0 {
            return;
        }
        if self.in_heading {
            if let Some(section) = self.parsed.sections.last_mut() {
                section.heading.push_str(text);
            }
            return;
        }
        if self.block.is_none() && text.trim().is_empty() {
            return;
        }
        let line = self.line_of(range.start);
        let item = &mut self.item;
        let block =
            self.block.get_or_insert_with(|| Block::new(item.take().unwrap_or(BlockKind::Prose), line));
        if !block.is_code() {
            block.lines.push((block.text.len(), line));
            block.last_line = line;
        }
        block.text.push_str(text);
        if self.links > 0 {
            block.link_bytes += text.len();
        }
    }

    fn inline_code(&mut self, code: &str, range: &Range<usize>) {
        self.text(code, range);
        if let Some(block) = self.block.as_mut().filter(|_| !self.in_heading && self.pictures == 0) {
            let end = block.text.len();
            block.inline_code.push(end - code.len()..end);
        }
    }

    fn front_matter(&mut self, text: &str) {
        let title = text.lines().find_map(|line| {
            let (key, value) = line.split_once([':', '='])?;
            (key.trim() == "title").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
        });
        self.parsed.front_title = title.filter(|title| !title.is_empty());
    }

    fn end_block(&mut self) {
        let Some(mut block) = self.block.take() else { return };
        let kept = block.text.trim_end().len();
        block.text.truncate(kept);
        if let Some(section) = self.parsed.sections.last_mut().filter(|_| kept > 0) {
            section.blocks.push(block);
        }
    }

    /// Counted from 1. A file has fewer than four thousand million lines, for it is at most 1 MiB.
    fn line_of(&self, offset: usize) -> u32 {
        u32::try_from(self.line_starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> String {
        let mut lines = Vec::new();
        for section in parse(text).sections {
            lines.push(format!("{} {}", section.level, section.heading));
            for block in section.blocks {
                let first = block.line_at(0);
                lines.push(format!("{first}-{} {:?} {:?}", block.last_line, block.kind, block.text));
            }
        }
        lines.join("\n")
    }

    #[test]
    fn keeps_the_lines_of_every_block() {
        let text = "---\ntitle: \"Kube Thing\"\n---\n\nBefore *any* heading.\n\n# Title `x`\n\nOne\ntwo [three](http://a).\n\n\
            1. First\n   goes on\n\n   ```sh\n   run me\n\n   twice\n   ```\n\n2. Second\n   - nested ![a picture](b.png) <b>bold</b>\n\n\
            | a | b |\n|---|---|\n| 1 | `2` |\n\n## Next ##\n> quoted\n";
        insta::assert_snapshot!(outline(text), @r#"
        0 
        5-5 Prose "Before any heading."
        1 Title x
        9-10 Prose "One two three."
        12-13 Item { number: Some(1) } "First goes on"
        15-19 Code "run me\n\ntwice"
        21-21 Item { number: Some(2) } "Second"
        22-22 Item { number: None } "nested  bold"
        24-24 Row "a | b"
        26-26 Row "1 | 2"
        2 Next
        29-29 Prose "quoted"
        "#);
        assert_eq!(parse(text).front_title.as_deref(), Some("Kube Thing"));
    }

    #[test]
    fn reads_windows_line_ends_like_others() {
        let text = "# A\n\ntext\nmore\n\n```\na\nb\n```\n- x\n";
        assert_eq!(outline(&text.replace('\n', "\r\n")), outline(text));
    }

    #[test]
    fn takes_only_the_text_out_of_html() {
        let text = "<details>\n<summary>How</summary>\n<script>alert(1)</script>\nRestart <b>it</b>.\n</details>\n\n<!-- not\nthis -->\n";
        insta::assert_snapshot!(outline(text), @r#"
        0 
        2-5 Prose "How  Restart it."
        "#);
    }

    #[test]
    fn bears_anything() {
        for text in [
            "",
            "\n\n",
            "---\n",
            "```\nnever closed",
            "# ",
            "\u{0}\u{feff}",
            "| a |\n|---|",
            "<",
            "<!--",
            "[x]:",
            "1.",
            "- - - - x",
        ] {
            let _ = outline(text);
        }
        for mark in ["> ", "- ", "#", "*", "[", "![", "<b>", "`", "|"] {
            let _ = outline(&mark.repeat(20_000));
        }
    }
}
