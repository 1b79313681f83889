//! The spine of the house: each crate knows only what lies below it, and builds alone.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::command;
use crate::workspace::root;

/// A crate's place.
struct Layer {
    name: &'static str,
    /// What its own code may use: the direct dependencies it always has.
    uses: Uses,
    /// What it may use behind a feature.
    optional: &'static [&'static str],
    /// What must not be reached, not even by way of another crate, with default features.
    never: &'static [&'static str],
    /// Sets of features with which it is built alone, beside the default ones.
    features: &'static [&'static str],
}

enum Uses {
    /// These and no others.
    Only(&'static [&'static str]),
    /// Crates of the workspace that lie below it, and anything from outside.
    AnyBelow,
}

/// Sockets, clocks that tick by themselves and runtimes: RFC logic gets time, peer and output buffer as arguments.
const IO: &[&str] = &["tokio", "mio", "socket2", "nix", "rustls"];

/// From the foundation upwards: a crate may use only those above it in this list.
const LAYERS: &[Layer] = &[
    Layer {
        name: "sip-message",
        uses: Uses::Only(&["memchr", "nom", "thiserror"]),
        optional: &[],
        never: IO,
        features: &[],
    },
    Layer {
        name: "sip-transport",
        uses: Uses::Only(&["sip-message", "thiserror"]),
        optional: &[
            "futures-util",
            "ipnet",
            "nix",
            "rustls",
            "slab",
            "smallvec",
            "socket2",
            "tokio",
            "tungstenite",
            "x509-parser",
        ],
        never: IO,
        features: &["tokio", "tls", "ws", "tls,ws"],
    },
    Layer {
        name: "sip-dispatch",
        uses: Uses::Only(&[
            "sip-message",
            "sip-transport",
            "hashbrown",
            "prefetch-index",
            "slab",
            "smallvec",
            "thiserror",
        ]),
        optional: &[],
        never: IO,
        features: &[],
    },
    Layer {
        name: "sip-registrar",
        uses: Uses::Only(&[
            "sip-message",
            "sip-transport",
            "sip-dispatch",
            "base64",
            "getrandom",
            "hashbrown",
            "hmac",
            "ipnet",
            "md-5",
            "memchr",
            "parking_lot",
            "prefetch-index",
            "sha2",
            "smallvec",
            "subtle",
            "thiserror",
            "triomphe",
            "zeroize",
        ]),
        optional: &[],
        never: IO,
        features: &[],
    },
    // A leaf: nothing of the spine below may know it, so sockets and runtimes are its own affair.
    Layer {
        name: "credentials-remote",
        uses: Uses::Only(&[
            "sip-message",
            "sip-dispatch",
            "sip-registrar",
            "hashbrown",
            "parking_lot",
            "thiserror",
            "tokio",
            "zeroize",
        ]),
        optional: &[
            "futures-util",
            "http-body-util",
            "hyper",
            "hyper-rustls",
            "hyper-util",
            "rustls",
            "rustls-native-certs",
            "serde",
            "serde_json",
            "sqlx",
        ],
        never: &[],
        features: &[],
    },
    // A leaf too: files and a thread of its own.
    Layer {
        name: "location-durable",
        uses: Uses::Only(&[
            "sip-transport",
            "sip-dispatch",
            "sip-registrar",
            "nix",
            "parking_lot",
            "redb",
            "thiserror",
            "twox-hash",
        ]),
        optional: &[],
        never: &["tokio"],
        features: &[],
    },
    // The API's words, for both of its ends.
    Layer { name: "registrar-api", uses: Uses::Only(&["serde", "utoipa"]), optional: &[], never: IO, features: &[] },
    Layer { name: "registrar-admin", uses: Uses::AnyBelow, optional: &[], never: &[], features: &[] },
    Layer { name: "registrar-client", uses: Uses::AnyBelow, optional: &[], never: &[], features: &[] },
    Layer { name: "registrar-bin", uses: Uses::AnyBelow, optional: &[], never: &[], features: &[] },
    Layer { name: "xtask", uses: Uses::Only(XTASK), optional: &[], never: &[], features: &[] },
];

/// It drives the release binary from outside; few crates, since every check compiles them first.
const XTASK: &[&str] = &[
    "anyhow",
    "cargo_metadata",
    "clap",
    "libc",
    "md-5",
    "nix",
    "plotters",
    "pulldown-cmark",
    "rustls",
    "serde_json",
    "sha2",
    "toml",
];

/// Checks the edges between crates, what each can reach, and that each library builds alone.
pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec()?;
    let names: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some(at) = LAYERS.iter().position(|layer| layer.name == package.name.as_str()) else {
            wrong.push(format!("{} has no place yet: give it one in LAYERS, xtask/src/layers.rs", package.name));
            continue;
        };
        let (below, rest) = LAYERS.split_at(at);
        if let Some(layer) = rest.first() {
            wrong.extend(forbidden_edges(package, layer, below, &names));
            wrong.extend(reached(layer)?);
        }
    }
    if !wrong.is_empty() {
        bail!("layers:\n  {}", wrong.join("\n  "));
    }
    let libraries = LAYERS.iter().filter(|layer| matches!(layer.uses, Uses::Only(_)) && names.contains(layer.name));
    for layer in libraries {
        command::output(command::cargo().args(["check", "--quiet", "-p", layer.name]))?;
        for features in layer.features {
            command::output(command::cargo().args(["check", "--quiet", "-p", layer.name, "--features", features]))?;
        }
    }
    println!("layers: {} crates in their places", names.len());
    Ok(())
}

/// Edges that this crate's manifest has and must not have.
fn forbidden_edges(package: &Package, layer: &Layer, below: &[Layer], workspace: &BTreeSet<&str>) -> Vec<String> {
    let mut wrong = Vec::new();
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        let ours = workspace.contains(name);
        let lower = below.iter().any(|layer| layer.name == name);
        // Tests may use any crate from outside, and of ours what lies below, or the crate itself with other features.
        if ours && !lower && name != layer.name {
            wrong.push(format!("{} → {name}: a crate may use only those below it", layer.name));
            continue;
        }
        if dependency.kind == DependencyKind::Development {
            continue;
        }
        let allowed = match layer.uses {
            Uses::AnyBelow => true,
            Uses::Only(list) => list.contains(&name) || (dependency.optional && layer.optional.contains(&name)),
        };
        if !allowed {
            let why = if layer.optional.contains(&name) {
                "it may be there only as an optional dependency behind a feature"
            } else {
                "not among its dependencies; if it must be, add it to LAYERS in xtask/src/layers.rs and say why in the commit"
            };
            wrong.push(format!("{} → {name}: {why}", layer.name));
        }
    }
    wrong
}

/// Crates this one reaches with its default features, built alone, and must not.
fn reached(layer: &Layer) -> Result<Vec<String>> {
    if layer.never.is_empty() {
        return Ok(Vec::new());
    }
    let arguments = ["tree", "-p", layer.name, "-e", "normal", "--prefix", "none", "--format", "{p}"];
    let tree = command::output(command::cargo().args(arguments))?;
    let closure: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let found = layer.never.iter().filter(|name| closure.contains(*name));
    Ok(found
        .map(|name| {
            format!(
                "{} reaches {name}: it takes time, peer and output buffer as arguments and does no IO \
                 (cargo tree -p {} -e normal -i {name})",
                layer.name, layer.name
            )
        })
        .collect())
}
