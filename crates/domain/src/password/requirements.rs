//! What a password policy demands of a new password.

use std::{collections::HashSet, sync::LazyLock};

use serde_json::{Map, Value};

use crate::{
    name,
    resources::password_policy::{PasswordPolicy, SequenceRule},
    time::Duration,
    violation::Violation,
};

/// A new password, and what is known about it.
#[derive(Clone, Copy, Default)]
pub struct Candidate<'a> {
    pub password: &'a str,
    /// The values of the user's attributes.
    pub profile: &'a [&'a str],
    /// The current password in clear, which only its owner can supply.
    pub current: Option<&'a str>,
    /// Verdict: it is the current one.
    pub is_current: bool,
    /// Verdict: it is one of those that the policy remembers.
    pub is_in_history: bool,
    /// How old the current one is, when its owner changes it.
    pub age: Option<Duration>,
}

impl std::fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate").finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    Length,
    MinCharacters,
    MaxRepeatedCharacters,
    MinUniqueCharacters,
    MinComplexity,
    ExcludesCommonlyUsed,
    ExcludesProfileData,
    NotSimilarToCurrent,
    History,
    MinAgeDays,
    AlphabetSequenceRule,
    NumberSequenceRule,
    QwertySequenceRule,
    ShiftedNumberRowSequenceRule,
}

impl Requirement {
    /// The policy's member that makes the demand.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::MinCharacters => "minCharacters",
            Self::MaxRepeatedCharacters => "maxRepeatedCharacters",
            Self::MinUniqueCharacters => "minUniqueCharacters",
            Self::MinComplexity => "minComplexity",
            Self::ExcludesCommonlyUsed => "excludesCommonlyUsed",
            Self::ExcludesProfileData => "excludesProfileData",
            Self::NotSimilarToCurrent => "notSimilarToCurrent",
            Self::History => "history",
            Self::MinAgeDays => "minAgeDays",
            Self::AlphabetSequenceRule => "alphabetSequenceRule",
            Self::NumberSequenceRule => "numberSequenceRule",
            Self::QwertySequenceRule => "qwertySequenceRule",
            Self::ShiftedNumberRowSequenceRule => "shiftedNumberRowSequenceRule",
        }
    }
}

/// A demand that is not met, and why, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsatisfied {
    pub requirement: Requirement,
    pub text: String,
}

/// Everything that the password lacks. Without a policy (it was bypassed), only that it differs
/// from the current one.
pub fn unsatisfied(policy: Option<&PasswordPolicy>, candidate: &Candidate<'_>) -> Vec<Unsatisfied> {
    let mut lacks = Vec::new();
    if let Some(policy) = policy {
        characters(policy, candidate.password, &mut lacks);
        sequences(policy, candidate.password, &mut lacks);
        knowledge(policy, candidate, &mut lacks);
    }
    if candidate.is_current {
        lacks.push(lack(
            Requirement::History,
            "must differ from the current password",
        ));
    } else if candidate.is_in_history && policy.is_some_and(|policy| policy.history.is_some()) {
        lacks.push(lack(
            Requirement::History,
            "must differ from the passwords used before",
        ));
    }
    lacks
}

/// The one fault that answers all of them: a name for each failed rule, and a text for each name.
pub fn violation(target: &str, unsatisfied: &[Unsatisfied]) -> Option<Violation> {
    if unsatisfied.is_empty() {
        return None;
    }
    let names: Vec<Value> = unsatisfied
        .iter()
        .map(|lack| lack.requirement.as_str().into())
        .collect();
    let mut inner = Map::from_iter([("unsatisfiedRequirements".to_owned(), names.into())]);
    inner.extend(unsatisfied.iter().map(|lack| {
        (
            lack.requirement.as_str().to_owned(),
            lack.text.clone().into(),
        )
    }));
    let message = "User password did not satisfy password policy requirements";
    Some(Violation::invalid(target, message).with(inner.into()))
}

fn lack(requirement: Requirement, text: impl Into<String>) -> Unsatisfied {
    Unsatisfied {
        requirement,
        text: text.into(),
    }
}

fn characters(policy: &PasswordPolicy, password: &str, lacks: &mut Vec<Unsatisfied>) {
    let count = password.chars().count();
    if let Some(length) = policy.length {
        if count < size(length.min) {
            lacks.push(lack(
                Requirement::Length,
                format!("at least {} characters are needed", length.min),
            ));
        } else if count > size(length.max) {
            lacks.push(lack(
                Requirement::Length,
                format!("at most {} characters are allowed", length.max),
            ));
        }
    }
    for (set, &least) in policy.min_characters.iter().flatten() {
        if password
            .chars()
            .filter(|&character| set.contains(character))
            .count()
            < usize::from(least)
        {
            let (noun, verb) = if least == 1 {
                ("character", "is")
            } else {
                ("characters", "are")
            };
            let text = format!("at least {least} {noun} of the set {set} {verb} needed");
            lacks.push(lack(Requirement::MinCharacters, text));
        }
    }
    if let Some(most) = policy.max_repeated_characters
        && longest_repetition(password) > size(most)
    {
        let text = format!("a character may be used at most {most} times in a row");
        lacks.push(lack(Requirement::MaxRepeatedCharacters, text));
    }
    if let Some(least) = policy.min_unique_characters
        && password.chars().collect::<HashSet<_>>().len() < size(least)
    {
        let text = format!("at least {least} different characters are needed");
        lacks.push(lack(Requirement::MinUniqueCharacters, text));
    }
    if let Some(least) = policy.min_complexity
        && complexity(password) < f64::from(least)
    {
        let text = "it must be longer or use more kinds of characters";
        lacks.push(lack(Requirement::MinComplexity, text));
    }
}

const ALPHABET: &[&str] = &["abcdefghijklmnopqrstuvwxyz"];
const NUMBERS: &[&str] = &["01234567890"];
const QWERTY: &[&str] = &["qwertyuiop", "asdfghjkl", "zxcvbnm"];
const SHIFTED_NUMBERS: &[&str] = &["!@#$%^&*()"];

fn sequences(policy: &PasswordPolicy, password: &str, lacks: &mut Vec<Unsatisfied>) {
    let rules: [(Option<SequenceRule>, &[&str], Requirement); 4] = [
        (
            policy.alphabet_sequence_rule,
            ALPHABET,
            Requirement::AlphabetSequenceRule,
        ),
        (
            policy.number_sequence_rule,
            NUMBERS,
            Requirement::NumberSequenceRule,
        ),
        (
            policy.qwerty_sequence_rule,
            QWERTY,
            Requirement::QwertySequenceRule,
        ),
        (
            policy.shifted_number_row_sequence_rule,
            SHIFTED_NUMBERS,
            Requirement::ShiftedNumberRowSequenceRule,
        ),
    ];
    for (rule, rows, requirement) in rules {
        if let Some(rule) = rule
            && rows
                .iter()
                .any(|row| has_run(password, row, size(rule.max_length)))
        {
            let text = format!(
                "at most {} neighbours may follow each other",
                rule.max_length
            );
            lacks.push(lack(requirement, text));
        }
    }
}

fn knowledge(policy: &PasswordPolicy, candidate: &Candidate<'_>, lacks: &mut Vec<Unsatisfied>) {
    let folded = name::fold_part(candidate.password);
    if policy.excludes_commonly_used && COMMON.contains(folded.as_str()) {
        lacks.push(lack(
            Requirement::ExcludesCommonlyUsed,
            "must not be a commonly used password",
        ));
    }
    if policy.excludes_profile_data
        && candidate
            .profile
            .iter()
            .any(|value| name::fold_part(value) == folded)
    {
        lacks.push(lack(
            Requirement::ExcludesProfileData,
            "must not be one of the user's attributes",
        ));
    }
    if policy.not_similar_to_current
        && !candidate.is_current
        && candidate
            .current
            .is_some_and(|current| distance(current, candidate.password) < LEAST_DISTANCE)
    {
        lacks.push(lack(
            Requirement::NotSimilarToCurrent,
            "must differ more from the current password",
        ));
    }
    if let (Some(days), Some(age)) = (policy.min_age_days, candidate.age)
        && age < Duration::from_days(days.into())
    {
        lacks.push(lack(
            Requirement::MinAgeDays,
            format!("the current password must be {days} days old"),
        ));
    }
}

/// How many single changes a new password must be away from the current one.
const LEAST_DISTANCE: usize = 3;

/// In lower case.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").split_whitespace().collect());

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn longest_repetition(password: &str) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for character in password.chars() {
        run = if last == Some(character) { run + 1 } else { 1 };
        longest = longest.max(run);
        last = Some(character);
    }
    longest
}

/// Whether more than `most` characters in a row are neighbours in `row`, forwards or backwards.
fn has_run(password: &str, row: &str, most: usize) -> bool {
    let password: Vec<char> = password.to_lowercase().chars().collect();
    let forwards: Vec<char> = row.chars().collect();
    let backwards: Vec<char> = row.chars().rev().collect();
    let length = most.saturating_add(1);
    [forwards, backwards].iter().any(|row| {
        row.windows(length)
            .any(|run| password.windows(length).any(|part| part == run))
    })
}

/// Orders of magnitude of the seconds that 10¹¹ guesses a second take to try every password of this
/// length and these kinds of characters.
fn complexity(password: &str) -> f64 {
    type Kind = (fn(char) -> bool, f64);
    const KINDS: [Kind; 5] = [
        (|c| c.is_ascii_lowercase(), 26.0),
        (|c| c.is_ascii_uppercase(), 26.0),
        (|c| c.is_ascii_digit(), 10.0),
        (|c| c.is_ascii() && !c.is_ascii_alphanumeric(), 33.0),
        (|c| !c.is_ascii(), 100.0),
    ];
    let used = KINDS
        .iter()
        .filter(|(is_of, _)| password.chars().any(is_of));
    let alphabet: f64 = used.map(|(_, size)| size).sum();
    let length = u32::try_from(password.chars().count()).unwrap_or(u32::MAX);
    f64::from(length) * alphabet.max(1.0).log10() - 11.0
}

/// The Levenshtein distance: single insertions, deletions and replacements.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    // What it costs to make each beginning of `other` out of the part of `one` that was read.
    let mut costs: Vec<usize> = (0..=other.len()).collect();
    for (read, from) in one.chars().enumerate() {
        let mut diagonal = read;
        let mut left = read + 1;
        if let Some(first) = costs.first_mut() {
            *first = left;
        }
        for (cost, to) in costs.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = *cost;
            left = replaced.min(*cost + 1).min(left + 1);
            *cost = left;
        }
    }
    costs.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
