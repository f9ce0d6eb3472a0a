//! Every input that was kept is run in every run of the tests: those written by hand, those that
//! reached new code, and those that once failed.

use std::{collections::BTreeSet, fs, path::Path};

use stepgate_fuzz::TARGETS;

/// So that the corpora stay what a person may look through.
const MOST_INPUTS: usize = 60;
/// In bytes.
const LARGEST_INPUT: usize = 8 * 1024;

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"))
}

#[test]
fn every_kept_input_passes() {
    for (name, target) in TARGETS {
        let mut inputs = 0;
        for entry in
            fs::read_dir(directory().join(name)).unwrap_or_else(|_| panic!("{name} has no corpus"))
        {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            assert!(
                input.len() <= LARGEST_INPUT,
                "{} is too large",
                path.display()
            );
            // Shown when the target panics.
            eprintln!("{}", path.display());
            target(&input);
            inputs += 1;
        }
        assert!(
            (1..=MOST_INPUTS).contains(&inputs),
            "{name} has {inputs} inputs"
        );
    }
}

#[test]
fn every_target_has_a_binary_and_every_corpus_a_target() {
    let names: BTreeSet<String> = TARGETS.map(|(name, _)| name.to_owned()).into();
    let files = |directory: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| {
                entry
                    .unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    };
    assert_eq!(files(directory()), names);
    let binaries = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz_targets"));
    assert_eq!(files(binaries), names);
}
