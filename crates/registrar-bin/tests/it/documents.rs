//! What the README and the manual show is true.

use crate::harness::{Room, command};

const README: &str = include_str!("../../../../README.md");

/// The text of the first code block in this language.
fn block(language: &str) -> &'static str {
    let (_, from) = README.split_once(&format!("```{language}\n")).expect("such a block");
    from.split_once("```").expect("its end").0
}

#[test]
fn its_library_example_is_the_one_that_is_compiled() {
    let example = include_str!("../../examples/synopsis.rs");
    let (_title, code) = example.split_once("\n\n").expect("a title");
    assert_eq!(block("rust"), code);
}

#[test]
fn its_configuration_is_good_once_there_is_a_user() {
    let room = Room::new();
    let file = room.file("registrar.toml", block("toml"));
    let add = ["user", "add", "alice@example.com", "--generate", "--config", &file];
    let output = command().args(add).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = command().args(["check", "--config", &file]).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
