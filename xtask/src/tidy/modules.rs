//! Every Rust file is compiled, and each crate has one integration test binary.

use std::path::{Path, PathBuf};

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _) in tree.with_extension("rs") {
        let mut found = |what: String| findings.push(Finding { file: path.to_owned(), line: 0, what });
        let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
        match parts.as_slice() {
            // A global allocator that counts is of a whole binary, and must not count for other tests.
            ["crates", _, "tests", "alloc.rs"] => {}
            // A test that no binary includes would never run, and nobody would notice.
            ["crates", _, "tests", name] => {
                found(format!(
                    "one integration test binary per crate: move it to tests/it/{name} and name it in main.rs"
                ));
            }
            ["crates", _, "tests", "it", inside @ ..] | ["crates", _, "src", inside @ ..] | [_, "src", inside @ ..]
                if !is_root(inside) && !is_declared(tree, path) =>
            {
                let name = module_name(path);
                found(format!("no file says `mod {name};`, so it is not compiled: declare it or remove it"));
            }
            _ => {}
        }
    }
    findings
}

/// Files that cargo finds by itself.
fn is_root(inside: &[&str]) -> bool {
    matches!(inside, ["lib.rs" | "main.rs"] | ["bin", ..])
}

/// The name that a module has by its file.
fn module_name(path: &Path) -> String {
    let stem = if path.ends_with("mod.rs") { path.parent().and_then(Path::file_name) } else { path.file_stem() };
    stem.unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether one of the files that may declare it does.
fn is_declared(tree: &Tree, path: &Path) -> bool {
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = if path.ends_with("mod.rs") { folder.parent().unwrap_or(Path::new("")) } else { folder };
    let parents: [PathBuf; 4] =
        [folder.join("lib.rs"), folder.join("main.rs"), folder.join("mod.rs"), folder.with_extension("rs")];
    let declaration = format!("mod {};", module_name(path));
    parents
        .iter()
        .filter_map(|parent| tree.text(parent))
        .flat_map(str::lines)
        .any(|line| line.trim() == declaration || line.trim().ends_with(&format!(" {declaration}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).into_iter().map(|finding| finding.file.display().to_string()).collect()
    }

    #[test]
    fn declared_modules_pass_in_both_layouts() {
        let files = [
            ("crates/a/src/lib.rs", "pub mod b;\nmod c;"),
            ("crates/a/src/b.rs", "mod d;"),
            ("crates/a/src/b/d.rs", ""),
            ("crates/a/src/c/mod.rs", "#[cfg(test)]\nmod e;"),
            ("crates/a/src/c/e.rs", ""),
            ("crates/a/tests/it/main.rs", "mod f;"),
            ("crates/a/tests/it/f.rs", ""),
            ("xtask/src/main.rs", ""),
        ];
        assert_eq!(found(&files), [""; 0]);
    }

    #[test]
    fn a_file_that_nobody_declares_is_found() {
        let files = [("crates/a/tests/it/main.rs", "mod fast;"), ("crates/a/tests/it/f.rs", "")];
        assert_eq!(found(&files), ["crates/a/tests/it/f.rs"]);
    }

    #[test]
    fn a_second_integration_binary_is_found() {
        assert_eq!(found(&[("crates/a/tests/more.rs", "")]), ["crates/a/tests/more.rs"]);
    }
}
