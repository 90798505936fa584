//! Entries by the words in them.

use sluice_store::Row;

use crate::instance::Instance;
use crate::rows::write;

#[test]
fn entries_are_found_by_all_their_words_newest_first() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let said = [
        (3, "the pool was rolled back"),
        (5, "the pool is too small"),
        (9, "rolled forward, pools of eu"),
        (12, "europe"),
    ];
    let rows = said.iter().map(|(entry, text)| Row::Words {
        entry: *entry,
        words: text.split(' ').map(|word| word.trim_matches(',').to_owned()).collect(),
    });
    write(&mut writer, rows.collect());
    for (wanted, found) in [
        ("pool", vec![9, 5, 3]),
        ("pool rolled", vec![9, 3]),
        ("roll", vec![9, 3]),
        // Short words are whole ones.
        ("eu", vec![9]),
        ("the small", vec![5]),
        ("pool nowhere", vec![]),
        ("", vec![]),
    ] {
        let wanted: Vec<String> = wanted.split_whitespace().map(str::to_owned).collect();
        assert_eq!(readers.entries_with(&wanted, None, 10).unwrap(), found, "{wanted:?}");
    }
    let pool = ["pool".to_owned()];
    assert_eq!(readers.entries_with(&pool, None, 2).unwrap(), [9, 5]);
    assert_eq!(readers.entries_with(&pool, Some(9), 1).unwrap(), [5]);
}
