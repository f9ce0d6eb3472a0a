use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::resources::password_policy::{CHARACTER_SETS, History};

fn names(policy: &PasswordPolicy, candidate: &Candidate<'_>) -> Vec<&'static str> {
    unsatisfied(Some(policy), candidate)
        .iter()
        .map(|lack| lack.requirement.as_str())
        .collect()
}

fn of(password: &str) -> Candidate<'_> {
    Candidate {
        password,
        ..Candidate::default()
    }
}

fn lax() -> PasswordPolicy {
    PasswordPolicy {
        excludes_commonly_used: false,
        excludes_profile_data: false,
        not_similar_to_current: false,
        length: None,
        min_characters: None,
        max_repeated_characters: None,
        min_unique_characters: None,
        history: None,
        min_age_days: None,
        ..PasswordPolicy::standard()
    }
}

#[test]
fn every_failed_rule_is_named_once_per_set() {
    let standard = PasswordPolicy::standard();
    assert_eq!(
        names(&standard, &of("aaa")),
        [
            "length",
            "minCharacters",
            "minCharacters",
            "minCharacters",
            "maxRepeatedCharacters",
            "minUniqueCharacters"
        ]
    );
    assert_eq!(names(&standard, &of("Harbour-7-Lights")), [] as [&str; 0]);
}

#[test]
fn the_answer_names_the_rules_and_says_why() {
    let lacks = unsatisfied(Some(&PasswordPolicy::standard()), &of("Harbour"));
    let violation = violation("newPassword", &lacks).unwrap();
    assert_eq!(violation.target, "newPassword");
    assert_eq!(
        violation.message,
        "User password did not satisfy password policy requirements"
    );
    assert_eq!(
        violation.inner["unsatisfiedRequirements"],
        json!(["length", "minCharacters", "minCharacters"])
    );
    assert_eq!(
        violation.inner["length"],
        "at least 8 characters are needed"
    );
    assert!(violation.inner["minCharacters"].is_string());
    assert_eq!(super::violation("value", &[]), None);
}

#[test]
fn common_passwords_and_the_users_own_attributes_are_refused() {
    let policy = PasswordPolicy {
        excludes_commonly_used: true,
        excludes_profile_data: true,
        ..lax()
    };
    assert_eq!(names(&policy, &of("PassW0rd")), ["excludesCommonlyUsed"]);
    let profile = ["nia.berg@corp.example", "Nia"];
    let candidate = Candidate {
        profile: &profile,
        ..of("Nia.Berg@corp.example")
    };
    assert_eq!(names(&policy, &candidate), ["excludesProfileData"]);
    assert_eq!(
        names(
            &policy,
            &Candidate {
                profile: &profile,
                ..of("Nia.Berg")
            }
        ),
        [] as [&str; 0]
    );
}

#[test]
fn a_password_like_the_current_one_is_refused() {
    let policy = PasswordPolicy {
        not_similar_to_current: true,
        ..lax()
    };
    let changed = |password| Candidate {
        current: Some("Harbour-7"),
        ..of(password)
    };
    assert_eq!(
        names(&policy, &changed("Harbour-89")),
        ["notSimilarToCurrent"]
    );
    assert_eq!(names(&policy, &changed("Harbour-8910")), [] as [&str; 0]);
}

#[test]
fn the_current_password_is_refused_even_without_a_policy() {
    let candidate = Candidate {
        is_current: true,
        ..of("Harbour-7-Lights")
    };
    assert_eq!(unsatisfied(None, &candidate).len(), 1);
    assert_eq!(names(&lax(), &candidate), ["history"]);
}

#[test]
fn history_counts_only_where_the_policy_keeps_one() {
    let candidate = Candidate {
        is_in_history: true,
        ..of("Harbour-7-Lights")
    };
    assert_eq!(names(&lax(), &candidate), [] as [&str; 0]);
    let keeping = PasswordPolicy {
        history: Some(History {
            count: Some(6),
            retention_days: None,
        }),
        ..lax()
    };
    assert_eq!(names(&keeping, &candidate), ["history"]);
}

#[test]
fn a_young_password_stays_unless_an_administrator_changes_it() {
    let policy = PasswordPolicy {
        min_age_days: Some(1),
        ..lax()
    };
    let aged = |age| Candidate { age, ..of("x") };
    assert_eq!(
        names(&policy, &aged(Some(Duration::from_hours(23)))),
        ["minAgeDays"]
    );
    assert_eq!(
        names(&policy, &aged(Some(Duration::from_hours(24)))),
        [] as [&str; 0]
    );
    assert_eq!(names(&policy, &aged(None)), [] as [&str; 0]);
}

#[test]
fn complexity_grows_with_length_and_kinds() {
    let policy = PasswordPolicy {
        min_complexity: Some(7),
        ..lax()
    };
    for short in ["", "Xk3$pq9!", "abcdefghijkl"] {
        assert_eq!(names(&policy, &of(short)), ["minComplexity"], "{short}");
    }
    for long in ["abcdefghijklm", "correct horse", "Xk3$pq9!Za"] {
        assert_eq!(names(&policy, &of(long)), [] as [&str; 0], "{long}");
    }
}

#[test]
fn runs_along_the_keyboard_are_found_in_both_directions() {
    let rule = Some(SequenceRule { max_length: 3 });
    let policy = PasswordPolicy {
        qwerty_sequence_rule: rule,
        number_sequence_rule: rule,
        ..lax()
    };
    assert_eq!(names(&policy, &of("xQWErx")), ["qwertySequenceRule"]);
    assert_eq!(names(&policy, &of("9876")), ["numberSequenceRule"]);
    assert_eq!(names(&policy, &of("qwe-asd-987")), [] as [&str; 0]);
}

#[test]
fn the_list_of_common_passwords_is_folded() {
    assert!(COMMON.len() >= 200);
    assert!(
        COMMON
            .iter()
            .all(|password| password.to_lowercase() == **password)
    );
}

proptest! {
    #[test]
    fn a_character_more_of_a_missing_set_is_never_worse(password in "\\PC{0,40}", set in 0..4_usize) {
        let policy = PasswordPolicy { max_repeated_characters: None, ..PasswordPolicy::standard() };
        let next = CHARACTER_SETS[set].chars().next().unwrap();
        let more = format!("{password}{next}");
        let before = names(&policy, &of(&password));
        let after = names(&policy, &of(&more));
        prop_assert!(after.iter().all(|name| before.contains(name) || *name == "excludesCommonlyUsed"));
        prop_assert!(after.iter().filter(|name| **name == "minCharacters").count()
            <= before.iter().filter(|name| **name == "minCharacters").count());
    }

    #[test]
    fn length_is_counted_in_characters(password in "\\PC{0,300}") {
        let policy = PasswordPolicy { length: PasswordPolicy::standard().length, ..lax() };
        let fits = (8..=255).contains(&password.chars().count());
        prop_assert_eq!(names(&policy, &of(&password)).is_empty(), fits);
    }

    #[test]
    fn distance_is_a_metric(one in "[abc]{0,8}", two in "[abc]{0,8}", three in "[abc]{0,8}") {
        prop_assert_eq!(distance(&one, &two), distance(&two, &one));
        prop_assert_eq!(distance(&one, &two) == 0, one == two);
        prop_assert!(distance(&one, &three) <= distance(&one, &two) + distance(&two, &three));
    }

    #[test]
    fn every_demand_is_met_or_named(password in "[a-cA-C0-3!]{0,12}") {
        let policy = PasswordPolicy::standard();
        let lacks = names(&policy, &of(&password));
        let missing = CHARACTER_SETS.iter().filter(|set| !password.chars().any(|c| set.contains(c))).count();
        prop_assert_eq!(lacks.iter().filter(|name| **name == "minCharacters").count(), missing);
        let unique: HashSet<_> = password.chars().collect();
        prop_assert_eq!(lacks.contains(&"minUniqueCharacters"), unique.len() < 5);
        let triple = password.as_bytes().windows(3).any(|run| run[0] == run[1] && run[1] == run[2]);
        prop_assert_eq!(lacks.contains(&"maxRepeatedCharacters"), triple);
    }
}
