//! The structural check: what passes, what does not, and why.

use proptest::prelude::*;
use sluice_connectors::kit::limits::Limits;
use sluice_connectors::kit::strict_json::check;

#[test]
fn what_is_json_passes() {
    for text in [
        "{}",
        "[]",
        "null",
        " true ",
        "false",
        "0",
        "-0",
        "-1.5e-3",
        "18446744073709551615",
        "-9223372036854775808",
        r#""""#,
        r#""\u00e9\n\ud83d\ude00""#,
        r#"{"a":[1,{"b":null}],"c":{}}"#,
        "\t[1 ,\r\n2]",
        r#"[{"a":1},{"a":2}]"#,
        r#"{"a":{"a":{"a":1}}}"#,
        "1e308",
        "1e-999",
    ] {
        assert_eq!(check(text.as_bytes(), &Limits::API), Ok(()), "{text}");
    }
}

#[test]
fn what_is_not_has_a_code_and_a_place() {
    for (text, code, offset) in [
        ("", "body_empty", 0),
        (" \n", "body_empty", 0),
        ("{", "not_json", 1),
        ("{}x", "not_json", 2),
        ("[1,]", "not_json", 3),
        (r#"{"a":1,}"#, "not_json", 7),
        ("{a:1}", "not_json", 1),
        ("[1}", "not_json", 2),
        (r#"{"a" 1}"#, "not_json", 5),
        ("01", "not_json", 2),
        ("-", "not_json", 1),
        ("1.", "not_json", 2),
        ("+1", "not_json", 0),
        ("NaN", "not_json", 0),
        ("tru", "not_json", 0),
        ("'a'", "not_json", 0),
        ("\"a\nb\"", "not_json", 2),
        (r#""\x""#, "not_json", 1),
        (r#""\u12""#, "not_json", 1),
        ("\"a", "not_json", 2),
        ("\u{feff}{}", "not_json", 0),
        ("1e400", "number_out_of_range", 0),
        ("[-1e400]", "number_out_of_range", 1),
        ("18446744073709551616", "number_out_of_range", 0),
        (r#""\ud800""#, "lone_surrogate", 1),
        (r#""\udc00""#, "lone_surrogate", 1),
        (r#""\ud800\u0041""#, "lone_surrogate", 1),
        (r#"{"a":1,"a":2}"#, "duplicate_key", 7),
        (r#"{"a":1,"\u0061":2}"#, "duplicate_key", 7),
        (r#"{"x":{"b":1,"c":{"b":1},"b":2}}"#, "duplicate_key", 24),
    ] {
        let problem = check(text.as_bytes(), &Limits::API).expect_err(text);
        assert_eq!((problem.code, problem.offset), (code, offset), "{text}");
    }
    assert_eq!(check(b"\"\xff\"", &Limits::API).expect_err("bytes").code, "not_utf8");
    assert_eq!(check(b"\"\xed\xa0\x80\"", &Limits::API).expect_err("a surrogate").code, "not_utf8");
}

#[test]
fn each_limit_holds_to_the_last_unit() {
    let limits =
        Limits { size_bytes: 1_000, depth: 3, keys: 5, keys_per_object: 3, string_bytes: 4 };
    let keys = |count: usize| {
        let members: Vec<String> = (0..count).map(|key| format!("\"{key}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    for (fits, too_much, code) in [
        ("[[[1]]]".to_owned(), "[[[[1]]]]".to_owned(), "too_deep"),
        (keys(3), keys(4), "too_many_keys"),
        (
            format!("[{},{}]", keys(3), keys(2)),
            format!("[{},{}]", keys(3), keys(3)),
            "too_many_keys",
        ),
        (r#""abcd""#.to_owned(), r#""abcde""#.to_owned(), "string_too_long"),
        (r#"{"abcd":1}"#.to_owned(), r#"{"abcde":1}"#.to_owned(), "string_too_long"),
        (format!("{:1000}", 1), format!("{:1001}", 1), "body_too_large"),
    ] {
        assert_eq!(check(fits.as_bytes(), &limits), Ok(()), "{fits}");
        assert_eq!(check(too_much.as_bytes(), &limits).expect_err("too much").code, code);
    }
}

#[test]
fn the_worst_bodies_are_answered_without_recursion() {
    let deep = "[".repeat(100_000);
    assert_eq!(check(deep.as_bytes(), &Limits::HOOK).expect_err("deep").code, "too_deep");
    let members: Vec<String> = (0..200_000).map(|key| format!("\"{key}\":0")).collect();
    let wide = format!("{{{}}}", members.join(","));
    assert_eq!(check(wide.as_bytes(), &Limits::HOOK).expect_err("wide").code, "too_many_keys");
    let same = format!("{{{}}}", vec!["\"k\":0"; 9_999].join(","));
    assert_eq!(check(same.as_bytes(), &Limits::HOOK).expect_err("same").code, "duplicate_key");
}

proptest! {
    /// Whatever the check lets pass, the reader reads; and it finds all that the reader refuses.
    #[test]
    fn it_agrees_with_the_reader(text in "[\\[\\]{}\",:0-9a-eu\\\\ .+-]{0,40}") {
        let checked = check(text.as_bytes(), &Limits::API);
        let read = serde_json::from_str::<serde_json::Value>(&text);
        match checked {
            Ok(()) => prop_assert!(read.is_ok(), "{text}"),
            Err(problem) => {
                let stricter = ["duplicate_key", "number_out_of_range"].contains(&problem.code);
                prop_assert!(stricter || read.is_err(), "{text}: {problem:?}");
            }
        }
    }

    #[test]
    fn it_takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(&bytes, &Limits::API);
    }
}
