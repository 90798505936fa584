//! Names and bytes of tiles and bundles.

use std::collections::BTreeSet;

use sluice_ledger::bundle::{self, BundleError, MAX_ENTRY_BYTES};
use sluice_ledger::tile::{TilePath, bundles_at, tiles_added, tiles_at};
use sluice_ledger::{BundleId, TileId};

use crate::memory_log::leaves;

#[test]
fn paths_are_those_of_the_specification() {
    let cases = [
        (0, 0, 256, "tile/0/000"),
        (0, 5, 256, "tile/0/005"),
        (1, 1_234_067, 256, "tile/1/x001/x234/067"),
        (2, 1000, 1, "tile/2/x001/000.p/1"),
        (63, 999, 255, "tile/63/999.p/255"),
        (0, u64::MAX, 256, "tile/0/x018/x446/x744/x073/x709/x551/615"),
    ];
    for (level, index, width, path) in cases {
        let tile = TileId { level, index, width };
        assert_eq!(tile.path(), path);
        assert_eq!(TilePath::parse(path), Ok(TilePath::Hashes(tile)));
    }
    let bundle = BundleId { index: 1_234_067, width: 9 };
    assert_eq!(bundle.path(), "tile/entries/x001/x234/067.p/9");
    assert_eq!(TilePath::parse(&bundle.path()), Ok(TilePath::Entries(bundle)));
}

#[test]
fn other_paths_are_refused() {
    let paths = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/x/000",
        "tile/8/0/000",
        "tile/0/x000/005",
        "tile/0/1000",
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/xx01/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../000",
        "tile/entries/000.p/1/2",
        "entries/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/+01",
        "tile/0/\u{661}23",
        "tile/entries/000 ",
    ];
    for path in paths {
        assert!(TilePath::parse(path).is_err(), "{path}");
    }
}

#[test]
fn a_log_has_the_tiles_of_its_size() {
    let paths = |size| tiles_at(size).map(|tile| tile.path()).collect::<Vec<_>>();
    assert!(paths(0).is_empty());
    assert_eq!(paths(1), ["tile/0/000.p/1"]);
    assert_eq!(paths(256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(paths(257), ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]);
    let large = paths(70_000);
    assert_eq!(large.last().unwrap(), "tile/2/000.p/1");
    assert!(large.contains(&"tile/1/001.p/17".to_owned()));
    assert_eq!(bundles_at(600).map(|b| b.path()).collect::<Vec<_>>()[2], "tile/entries/002.p/88");
}

#[test]
fn added_tiles_are_the_difference_of_both_sizes() {
    let sizes = [0, 1, 2, 255, 256, 257, 511, 512, 600, 65_535, 65_536, 65_537, 66_000];
    for from in sizes {
        for to in sizes.into_iter().filter(|to| *to >= from) {
            let before: BTreeSet<TileId> = tiles_at(from).collect();
            let expected: Vec<TileId> = tiles_at(to).filter(|t| !before.contains(t)).collect();
            assert_eq!(tiles_added(from, to).collect::<Vec<_>>(), expected, "{from} to {to}");
        }
    }
}

#[test]
fn a_tile_exists_when_its_whole_width_does() {
    let tile = |path| TilePath::parse(path).unwrap();
    assert!(tile("tile/0/000.p/5").exists_at(5));
    assert!(tile("tile/0/000.p/5").exists_at(300));
    assert!(!tile("tile/0/000.p/6").exists_at(5));
    assert!(!tile("tile/0/000").exists_at(255));
    assert!(tile("tile/1/000.p/1").exists_at(256));
    assert!(!tile("tile/1/000.p/1").exists_at(255));
    assert!(!tile("tile/63/000.p/1").exists_at(u64::MAX));
    assert!(!tile("tile/entries/x018/x446/x744/x073/x709/x551/615").exists_at(u64::MAX));
}

#[test]
fn tiles_have_exactly_their_width() {
    let hashes = leaves(3);
    let bytes = TileId::encode(&hashes);
    let tile = TileId { level: 0, index: 0, width: 3 };
    assert_eq!(tile.decode(&bytes).unwrap(), hashes);
    for wrong in [0, 1, 64, 95] {
        assert!(tile.decode(&bytes[..wrong]).is_err(), "{wrong}");
    }
    assert!(TileId { width: 2, ..tile }.decode(&bytes).is_err());
}

#[test]
fn bundles_hold_exactly_their_entries() {
    let entries = [b"one".to_vec(), Vec::new(), vec![9; MAX_ENTRY_BYTES]];
    let bytes = bundle::encode(&entries).unwrap();
    let three = BundleId { index: 0, width: 3 };
    assert_eq!(bundle::decode(three, &bytes).unwrap(), entries);
    assert_eq!(
        bundle::decode(BundleId { width: 4, ..three }, &bytes),
        Err(BundleError::Truncated(3))
    );
    let trailing = Err(BundleError::TrailingBytes(MAX_ENTRY_BYTES + 2));
    assert_eq!(bundle::decode(BundleId { width: 2, ..three }, &bytes), trailing);
    let two = &bytes[..7];
    for cut in 0..7 {
        assert!(bundle::decode(BundleId { width: 2, ..three }, &two[..cut]).is_err(), "{cut}");
    }
    let prefix = bundle::prefix(BundleId { width: 2, ..three }, &bytes).unwrap();
    assert_eq!(prefix, two);
    let large = [vec![0; MAX_ENTRY_BYTES + 1]];
    assert_eq!(bundle::encode(&large), Err(BundleError::EntryTooLarge(MAX_ENTRY_BYTES + 1)));
}
