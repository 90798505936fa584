//! Signed notes and their keys: what is refused, and that secrets do not show.

use sluice_ledger::note::{KeyError, MAX_NOTE_BYTES, NoteError, open, sign};
use sluice_ledger::{SigningKey, VerifyingKey};

const TEXT: &str = "hello\nworld\n";

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, &[seed; 32]).unwrap()
}

#[test]
fn a_signed_note_opens_with_its_key_and_says_who_signed() {
    let (a, b) = (key("a.example", 1), key("b.example", 2));
    let note = sign(TEXT, &[&a, &b]).unwrap();
    let opened = open(&note, &[b.verifying_key()]).unwrap();
    assert_eq!(opened.text, TEXT);
    assert_eq!(opened.verified[0].name, "b.example");
    assert_eq!(opened.verified[0].key_id, b.key_id());
    assert_eq!(opened.unknown[0].name, "a.example");
}

#[test]
fn a_text_with_empty_lines_keeps_them() {
    let a = key("a.example", 1);
    for text in ["\n", "\n\n\n", "a\n\nb\n", "a\n\n"] {
        let note = sign(text, &[&a]).unwrap();
        assert_eq!(open(&note, &[a.verifying_key()]).unwrap().text, text);
    }
}

#[test]
fn a_known_key_that_fails_refuses_the_note_even_beside_a_good_one() {
    let (a, b) = (key("a.example", 1), key("b.example", 2));
    let good = sign(TEXT, &[&a]).unwrap();
    let other = sign("other\n", &[&b]).unwrap();
    let wrong_line = other.rsplit_once("\n\n").unwrap().1;
    let note = format!("{good}{wrong_line}");
    let both = [a.verifying_key(), b.verifying_key()];
    assert_eq!(open(&note, &both), Err(NoteError::BadSignature { name: "b.example".into() }));
    assert!(open(&note, &both[..1]).is_ok());
}

#[test]
fn keys_of_the_same_name_are_told_apart_by_id() {
    let (old, new) = (key("a.example", 1), key("a.example", 2));
    let note = sign(TEXT, &[&old]).unwrap();
    assert_eq!(open(&note, &[new.verifying_key()]), Err(NoteError::NoKnownSignature));
    assert!(open(&note, &[new.verifying_key(), old.verifying_key()]).is_ok());
}

#[test]
fn malformed_notes_are_refused_by_name() {
    let a = key("a.example", 1);
    let good = sign(TEXT, &[&a]).unwrap();
    let line = good.rsplit_once("\n\n").unwrap().1;
    let many = format!("{good}{}", line.repeat(100));
    let cases = [
        ("", NoteError::NoSignatures),
        (TEXT, NoteError::NoSignatures),
        ("text\n\n", NoteError::NoSignatures),
        (good.trim_end(), NoteError::NoSignatures),
        (&good.replace('\u{2014}', "-"), NoteError::MalformedSignature(1)),
        (&good.replace("a.example ", "a+b "), NoteError::MalformedSignature(1)),
        (&good.replace("a.example ", "a.example  "), NoteError::MalformedSignature(1)),
        (&good.replace("a.example ", " "), NoteError::MalformedSignature(1)),
        (&format!("{good}\u{2014} x AAAA\n"), NoteError::MalformedSignature(2)),
        (&good.replace("world", "wor\tld"), NoteError::ControlCharacter),
        (&good.replace('\n', "\r\n"), NoteError::ControlCharacter),
        (&many, NoteError::TooManySignatures),
        (&"x".repeat(MAX_NOTE_BYTES + 1), NoteError::TooLarge(MAX_NOTE_BYTES + 1)),
    ];
    for (note, expected) in cases {
        assert_eq!(open(note, &[a.verifying_key()]), Err(expected), "{note:.80}");
    }
}

#[test]
fn texts_that_are_no_note_are_not_signed() {
    let a = key("a.example", 1);
    assert_eq!(sign("no end", &[&a]), Err(NoteError::TextNotEnded));
    assert_eq!(sign("", &[&a]), Err(NoteError::TextNotEnded));
    assert_eq!(sign("tab\t\n", &[&a]), Err(NoteError::ControlCharacter));
    assert_eq!(sign(TEXT, &[]), Err(NoteError::NoSignatures));
}

#[test]
fn key_texts_come_back_and_malformed_ones_are_refused() {
    let a = key("a.example", 1);
    let secret = a.to_secret_text();
    let again = SigningKey::from_secret_text(&secret).unwrap();
    assert_eq!(again.verifying_key(), a.verifying_key());
    let public = a.verifying_key().to_string();
    assert_eq!(VerifyingKey::parse(&format!("{public}\n")).unwrap(), a.verifying_key());

    let (head, encoded) = public.rsplit_once('+').unwrap();
    let cases = [
        (String::new(), KeyError::Form),
        ("a.example".to_owned(), KeyError::Form),
        (public.to_uppercase(), KeyError::Form),
        (public.replace("a.example", "b.example"), KeyError::Id),
        (public.replace("a.example", "a example"), KeyError::Name),
        (public.replace("a.example", ""), KeyError::Name),
        (format!("{head}+{}", &encoded[4..]), KeyError::Type { found: 0, expected: 1 }),
        (format!("{head}+BA=="), KeyError::Type { found: 4, expected: 1 }),
        (format!("{head}+AQ=="), KeyError::Form),
        (format!("{head}+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), KeyError::Point),
    ];
    for (text, expected) in cases {
        match (VerifyingKey::parse(&text), expected) {
            (Err(KeyError::Type { .. }), KeyError::Type { .. }) => {}
            (found, expected) => assert_eq!(found, Err(expected), "{text}"),
        }
    }
    for text in ["", "PRIVATE+KEY+", &public, &secret.replace("a.example", "b.example")] {
        assert!(SigningKey::from_secret_text(text).is_err());
    }
}

#[test]
fn errors_about_private_keys_do_not_repeat_them() {
    let secret = key("a.example", 1).to_secret_text();
    let damaged = secret.replace("PRIVATE+KEY+a", "PRIVATE+KEY+b");
    let error = SigningKey::from_secret_text(&damaged).err().unwrap();
    let tail = secret.rsplit('+').next().unwrap();
    assert!(!format!("{error} {error:?}").contains(tail));
}
