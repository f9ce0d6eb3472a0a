use proptest::prelude::*;

use super::*;
use crate::resource::FilterSource;

const ATTRIBUTES: [FilterAttribute; 3] = [
    FilterAttribute::new("name", &[Operator::Eq, Operator::Sw], FilterSource::Term),
    FilterAttribute::new("population.id", &[Operator::Eq], FilterSource::Parent),
    FilterAttribute::new("memberOfGroups.id", &[Operator::Eq], FilterSource::Term),
];

fn printed(text: &str) -> String {
    Filter::parse(text).unwrap().to_string()
}

fn syntax(text: &str) -> (usize, &'static str) {
    match Filter::parse(text) {
        Err(FilterError::Syntax { position, expected }) => (position, expected),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn keywords_may_be_in_any_case_and_and_binds_closer_than_or() {
    assert_eq!(
        printed(r#"((name eq "a") OR (name EQ "b")) AND (description eq "c")"#),
        r#"(name eq "a" or name eq "b") and description eq "c""#
    );
    assert_eq!(
        printed(r#"a eq "1" or b eq "2" and not(c sw "3")"#),
        r#"a eq "1" or (b eq "2" and not (c sw "3"))"#
    );
}

#[test]
fn literals_are_read_as_text() {
    assert_eq!(
        printed("enabled eq TRUE and age gt -17.5"),
        r#"enabled eq "true" and age gt "-17.5""#
    );
    assert_eq!(
        printed(r#"name eq 'it\'s "so"'"#),
        r#"name eq "it's \"so\"""#
    );
    assert_eq!(
        printed(r#"name eq "\u00e5\ud83d\ude00\n""#),
        "name eq \"å😀\\n\""
    );
}

#[test]
fn brackets_hold_a_filter_of_their_own() {
    assert_eq!(
        printed(r#"memberOfGroups[id eq "g" and type eq "DIRECT"]"#),
        r#"memberOfGroups[id eq "g" and type eq "DIRECT"]"#
    );
}

#[test]
fn a_fault_is_told_with_its_place() {
    assert_eq!(syntax(""), (1, "an attribute"));
    assert_eq!(syntax("name"), (5, "an operator"));
    assert_eq!(syntax("name is 'x'"), (6, "an operator"));
    assert_eq!(
        syntax("name eq x"),
        (9, "a string, a number, true or false")
    );
    assert_eq!(syntax("name eq \"å"), (11, "the closing quote"));
    assert_eq!(syntax("(name eq 1"), (11, "')'"));
    assert_eq!(syntax("name eq 1 name"), (11, "the end, 'and' or 'or'"));
    assert_eq!(syntax(r#"name eq "\x""#), (10, "an escape sequence"));
    assert_eq!(syntax(r#"name eq "\ud83d""#), (10, "an escape sequence"));
}

#[test]
fn depth_length_and_number_are_limited() {
    let nested = |depth| format!("{}a eq 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(16)).is_ok());
    assert_eq!(Filter::parse(&nested(17)), Err(FilterError::TooComplex));
    assert_eq!(Filter::parse(&nested(4_000)), Err(FilterError::TooComplex));
    assert_eq!(
        Filter::parse(&format!("a eq \"{}\"", "x".repeat(9_000))),
        Err(FilterError::TooComplex)
    );
    assert!(Filter::parse(&vec!["a eq 1"; 100].join(" or ")).is_ok());
    assert_eq!(
        Filter::parse(&vec!["a eq 1"; 101].join(" or ")),
        Err(FilterError::TooComplex)
    );
}

#[test]
fn attributes_are_compared_without_case_and_named_as_the_collection_does() {
    let filter =
        Filter::parse(r#"NAME sw "a" and (Population.ID eq "b" or MEMBEROFGROUPS[ID eq "c"])"#)
            .unwrap();
    assert_eq!(
        filter.validate(&ATTRIBUTES).unwrap().to_string(),
        r#"name sw "a" and (population.id eq "b" or memberOfGroups[id eq "c"])"#
    );
}

#[test]
fn what_the_collection_does_not_offer_is_refused_with_what_it_does() {
    let refused = |text| {
        Filter::parse(text)
            .unwrap()
            .validate(&ATTRIBUTES)
            .unwrap_err()
    };
    let supported = vec!["name", "population.id", "memberOfGroups.id"];
    assert_eq!(
        refused("colour eq 1"),
        FilterError::Attribute {
            attribute: "colour".to_owned(),
            supported: supported.clone()
        }
    );
    assert_eq!(
        refused("not (name[x eq 1])"),
        FilterError::Attribute {
            attribute: "name".to_owned(),
            supported: supported.clone()
        }
    );
    assert_eq!(
        refused("memberOfGroups[memberOfGroups[id eq 1]]"),
        FilterError::Attribute {
            attribute: "memberOfGroups".to_owned(),
            supported
        }
    );
    assert_eq!(
        refused("name co 'x'"),
        FilterError::Operator {
            attribute: "name".to_owned(),
            operator: "co",
            supported: vec!["eq", "sw"]
        }
    );
    assert_eq!(
        refused("colour eq 1").to_string(),
        "Attribute 'colour' is not supported in filter."
    );
}

#[test]
fn values_match_without_regard_to_case() {
    let lookup = |attribute: &str| match attribute {
        "name" => vec!["Anna".to_owned()],
        "groups.id" => vec!["g1".to_owned(), "g2".to_owned()],
        _ => Vec::new(),
    };
    for (text, expected) in [
        ("name eq 'ANNA'", true),
        ("name sw 'an' and name co 'nn'", true),
        ("name ne 'anna'", false),
        ("nickname ne 'anna'", true),
        ("nickname eq ''", false),
        (
            "name gt 'ann' and name lt 'annb' and name ge 'anna' and name le 'anna'",
            true,
        ),
        ("groups[id eq 'G2']", true),
        ("groups[id ne 'G2']", false),
        ("not (name eq 'anna') or name sw 'b'", false),
    ] {
        assert_eq!(
            Filter::parse(text).unwrap().matches(&lookup),
            expected,
            "{text}"
        );
    }
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let attribute = "[a-zA-Z][a-zA-Z0-9_.-]{0,8}";
    let compare = (
        attribute,
        prop::sample::select(Operator::ALL.to_vec()),
        any::<String>(),
    )
        .prop_map(|(attribute, operator, value)| {
            Filter::Compare(Comparison {
                attribute,
                operator,
                value,
            })
        });
    compare.prop_recursive(5, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner
                .clone()
                .prop_map(|filter| Filter::Not(Box::new(filter))),
            (attribute, inner).prop_map(|(attribute, filter)| Filter::Within {
                attribute,
                filter: Box::new(filter)
            }),
        ]
    })
}

#[test]
fn a_point_in_time_is_written_as_it_is_kept_and_anything_else_is_refused() {
    let times = [FilterAttribute::new(
        "beginsAt",
        &[Operator::Gt],
        FilterSource::TimeTerm,
    )];
    let validated = |text: &str| Filter::parse(text).unwrap().validate(&times);
    for spelling in [
        "2026-01-31T12:00:00",
        "2026-01-31t12:00:00z",
        "2026-01-31T14:00:00.000+02:00",
    ] {
        let filter = validated(&format!("beginsat gt \"{spelling}\"")).unwrap();
        assert_eq!(
            filter.to_string(),
            r#"beginsAt gt "2026-01-31T12:00:00.000Z""#
        );
    }
    for malformed in ["x", "", "2026", "2026-02-30T00:00:00Z"] {
        assert_eq!(
            validated(&format!("not (beginsAt gt \"{malformed}\")")),
            Err(FilterError::Time {
                attribute: "beginsAt".to_owned()
            }),
            "{malformed}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(filter in any_filter()) {
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }

    #[test]
    fn no_text_breaks_the_parser(text in any::<String>(), pieces in "([a-c ]|eq|and|or|not|\\(|\\)|\\[|\\]|\"|'|\\\\|\\\\u|1|true){0,40}") {
        for text in [text, pieces] {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
        }
    }
}

const OFFERED: &[FilterAttribute] = &[
    FilterAttribute::exact("id", FilterSource::Id),
    FilterAttribute::new("username", &Operator::ALL, FilterSource::Term),
];

fn validated(text: &str) -> Result<Filter, FilterError> {
    Filter::parse(text).unwrap().validate(OFFERED)
}

#[test]
fn what_a_filter_says_twice_counts_once() {
    let once = validated(r#"username sw "u""#).unwrap();
    for (text, keyword) in [
        (r#"username sw "u""#, " and "),
        (r#"username sw "u""#, " or "),
        (r#"(username sw "u" and username sw "u")"#, " and "),
        (r#"username sw "u""#, " and username SW 'u' and "),
    ] {
        let said = vec![text; 40].join(keyword);
        assert_eq!(validated(&said).unwrap(), once, "{said}");
    }
    let negated = vec![r#"not (username sw "u")"#; 50].join(" or ");
    assert_eq!(validated(&negated).unwrap(), Filter::Not(Box::new(once)));
}

#[test]
fn a_filter_that_costs_too_much_names_the_limit() {
    let of = |count: usize, term: &dyn Fn(usize) -> String| {
        let terms: Vec<String> = (0..count).map(term).collect();
        validated(&terms.join(" or "))
    };
    let by_id = |number| format!(r#"id eq "{number}""#);
    let by_name = |number| format!(r#"username eq "{number}""#);
    let by_prefix = |number| format!(r#"username sw "{number}""#);
    assert!(of(100, &by_id).is_ok());
    assert!(of(50, &by_name).is_ok());
    assert_eq!(of(51, &by_name), Err(FilterError::TooCostly { cost: 102 }));
    assert!(of(12, &by_prefix).is_ok());
    let error = of(13, &by_prefix).unwrap_err();
    assert!(error.to_string().contains("more than the 100"), "{error}");
}
