//! Every file of every corpus, as plain tests.

use std::fs;
use std::path::Path;

/// One test for each target.
macro_rules! replay {
    ($($target:ident),+ $(,)?) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), crate::$target::check);
            }
        )+

        #[test]
        fn every_corpus_belongs_to_a_target() {
            let known = [$(stringify!($target)),+];
            for entry in fs::read_dir(corpora()).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(known.contains(&name.as_str()), "corpus/{name} is replayed by no test: add it to replay!");
            }
        }

        #[test]
        fn every_target_is_replayed() {
            let known = [$(stringify!($target)),+];
            for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets")).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap();
                assert!(known.contains(&name), "{name} has no line in replay!");
            }
        }
    };
}

replay!(
    authorize,
    dispatcher,
    framing,
    index,
    proxy_protocol,
    record,
    stun,
    typed_headers,
    upgrade,
    uri_pairs,
    websocket,
);

fn corpora() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn replay(target: &str, check: fn(&[u8])) {
    let mut files = 0;
    for entry in fs::read_dir(corpora().join(target)).unwrap() {
        let path = entry.unwrap().path();
        // Shown only when the check panics.
        println!("{}", path.display());
        check(&fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files > 0, "corpus/{target} is empty");
}
