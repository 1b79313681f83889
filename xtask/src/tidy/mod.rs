//! The habits of this house that no compiler checks. Each finding says where, what, and how to mend it.

mod markdown;
mod modules;
mod rust;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::{files, root};

/// Something to mend.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    file: PathBuf,
    /// Counted from 1; 0 speaks of the whole file.
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.what),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.what),
        }
    }
}

/// The project's files as the checks see them.
struct Tree {
    /// Every file by its path from the root; the text of those written by hand.
    files: BTreeMap<PathBuf, Option<String>>,
}

impl Tree {
    fn read() -> Result<Self> {
        let mut tree = BTreeMap::new();
        for path in files()? {
            let text = if is_written_by_hand(&path) {
                let read = fs::read_to_string(root().join(&path));
                Some(read.with_context(|| format!("{} is not UTF-8 text", path.display()))?)
            } else {
                None
            };
            tree.insert(path, text);
        }
        Ok(Self { files: tree })
    }

    fn text(&self, path: &Path) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// A file, or a folder with a file in it.
    fn has(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.files.keys().any(|file| file.starts_with(path))
    }

    /// Files of this extension with their text.
    fn with_extension(&self, extension: &'static str) -> impl Iterator<Item = (&Path, &str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.extension().is_some_and(|found| found == extension))
            .filter_map(|(path, text)| Some((path.as_path(), text.as_deref()?)))
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (PathBuf::from(path), Some((*text).to_owned())));
        Self { files: files.collect() }
    }
}

/// Text that people write; what is received, captured or found by a fuzzer keeps its own habits.
fn is_written_by_hand(path: &Path) -> bool {
    let data = path.components().any(|part| part.as_os_str() == "data" || part.as_os_str() == "corpus");
    let kinds = ["css", "html", "js", "md", "rs", "sh", "toml", "yaml", "yml"];
    let kind = path.extension().and_then(|extension| extension.to_str());
    !data && (kind.is_some_and(|kind| kinds.contains(&kind)) || path == Path::new(".ci/run"))
}

/// Looks at every file that git would keep.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read()?;
    let mut findings = text::check(&tree);
    findings.extend(rust::check(&tree));
    findings.extend(modules::check(&tree));
    findings.extend(markdown::check(&tree));
    if !findings.is_empty() {
        findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        bail!("tidy: {} to mend\n  {}", lines.len(), lines.join("\n  "));
    }
    println!("tidy: {} files", tree.files.len());
    Ok(())
}
