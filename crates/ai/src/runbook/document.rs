//! A runbook as sections of blocks, each block with the lines that it comes from.

use std::ops::Range;

/// One Markdown file.
#[derive(Debug)]
pub(super) struct Document {
    /// Relative to the runbook folder, `/` between folders.
    pub(super) file: String,
    /// The first heading of level 1, else the front matter's title, else the file's name.
    pub(super) title: String,
    pub(super) revision: String,
    /// In the order of the file. What stands before the first heading is a section without heading.
    pub(super) sections: Vec<Section>,
}

#[derive(Debug, Default)]
pub(super) struct Section {
    /// Empty for what stands before the first heading.
    pub(super) heading: String,
    /// An explicit anchor: `## Title {#anchor}`.
    pub(super) anchor: Option<String>,
    /// 1 to 6; 0 before the first heading.
    pub(super) level: u8,
    /// Without those of its subsections.
    pub(super) blocks: Vec<Block>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Prose,
    /// The first text of a list item, with its number in a numbered list.
    Item {
        number: Option<u64>,
    },
    /// A row of a table.
    Row,
    /// Fenced or indented code.
    Code,
}

/// A stretch of text without Markdown marks.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    pub(super) text: String,
    /// From which byte of `text` on which line of the file is it; ascending in both.
    pub(super) lines: Vec<(usize, u32)>,
    /// The last line that the block takes up; for code, that of its closing fence.
    pub(super) last_line: u32,
    /// The byte ranges of `text` that are inline code.
    pub(super) inline_code: Vec<Range<usize>>,
    /// How many bytes of `text` are the text of a link.
    pub(super) link_bytes: usize,
    /// The first word after the fence of a code block, in lower case.
    pub(super) language: String,
}

impl Block {
    pub(super) fn new(kind: BlockKind, line: u32) -> Self {
        Self {
            kind,
            text: String::new(),
            lines: Vec::new(),
            last_line: line,
            inline_code: Vec::new(),
            link_bytes: 0,
            language: String::new(),
        }
    }

    /// The line of the file on which byte `offset` of the text stands.
    pub(super) fn line_at(&self, offset: usize) -> u32 {
        let after = self.lines.partition_point(|(start, _)| *start <= offset);
        self.lines.get(after.saturating_sub(1)).map_or(self.last_line, |(_, line)| *line)
    }

    pub(super) fn is_code(&self) -> bool {
        self.kind == BlockKind::Code
    }

    /// A list item that is nothing but a link: further reading, not a step.
    pub(super) fn is_reference(&self) -> bool {
        matches!(self.kind, BlockKind::Item { .. }) && self.link_bytes == self.text.len()
    }

    /// Text that only says that there is none yet.
    pub(super) fn is_filler(&self) -> bool {
        const FILLERS: [&str; 8] =
            ["", "todo", "tobeadded", "tobedone", "tobewritten", "tbd", "comingsoon", "notapplicable"];
        let bare = self.text.trim_start_matches(['#', '/', ';', ' ']);
        bare.starts_with("TODO")
            || FILLERS.contains(&super::words::fold(&self.text).as_str()) && !self.is_code()
    }
}

impl Section {
    /// Whether there is anything to quote in it.
    pub(super) fn says_something(&self) -> bool {
        self.blocks.iter().any(|block| !block.is_filler())
    }
}

impl Document {
    /// `section` and all its subsections, as indexes.
    pub(super) fn subtree(&self, section: usize) -> Range<usize> {
        let level = self.sections[section].level;
        let inner = self.sections[section + 1..].iter().take_while(|later| level > 0 && later.level > level);
        section..section + 1 + inner.count()
    }

    /// The headings above a section from the outside in, its own last.
    pub(super) fn heading_path(&self, section: usize) -> Vec<&str> {
        let mut path = vec![self.sections[section].heading.as_str()];
        let mut level = self.sections[section].level;
        for outer in self.sections[..section].iter().rev() {
            if outer.level > 0 && outer.level < level {
                level = outer.level;
                path.push(&outer.heading);
            }
        }
        path.reverse();
        path
    }

    /// The name of the file without folders and extension; of a `README` or `index`, that of its folder.
    pub(super) fn name(&self) -> &str {
        self.path_names().last().copied().unwrap_or_default()
    }

    /// The folders and the name of the file without its extension. A `README` or `index` goes by its folder's name.
    pub(super) fn path_names(&self) -> Vec<&str> {
        let stem = self.file.rsplit_once('.').map_or(self.file.as_str(), |(stem, _)| stem);
        let mut names: Vec<&str> = stem.split('/').collect();
        let speaks_for_folder =
            |name: &&str| matches!(name.to_lowercase().as_str(), "readme" | "index" | "_index");
        if names.len() > 1 {
            names.pop_if(|name| speaks_for_folder(name));
        }
        names
    }
}
