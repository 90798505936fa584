//! The anchor survives a torn write at any byte and notices what it must not survive.

use sha2::{Digest, Sha256};
use sluice_ledger::anchor::{
    ANCHOR_BYTES, AnchorError, AnchorState, MAX_TEXT_BYTES, SLOT_BYTES, decode, encode_slot,
    slot_for,
};
use sluice_ledger::{Checkpoint, audit};

use crate::memory_log::{ORIGIN, key, leaves};

fn state(generation: u64, size: u64) -> AnchorState {
    let root = audit::root(&leaves(size));
    let head = Checkpoint { origin: ORIGIN.into(), size, root };
    let checkpoint = head.sign(&[&key()]).unwrap();
    AnchorState { generation, origin: ORIGIN.into(), size, root, checkpoint }
}

fn write(file: &mut [u8], state: &AnchorState) {
    let start = slot_for(state.generation) * SLOT_BYTES;
    file[start..start + SLOT_BYTES].copy_from_slice(&encode_slot(state).unwrap());
}

#[test]
fn the_newest_state_comes_back() {
    let mut file = vec![0; ANCHOR_BYTES];
    assert_eq!(decode(&file), Ok(None));
    assert_eq!(decode(&[]), Ok(None));
    for generation in 1..=6 {
        let state = state(generation, generation * 3);
        write(&mut file, &state);
        assert_eq!(decode(&file), Ok(Some(state)));
    }
}

#[test]
fn a_write_torn_at_any_byte_leaves_the_old_or_the_new_state() {
    let (first, second, third) = (state(1, 3), state(2, 4), state(3, 9));
    let mut before = vec![0; ANCHOR_BYTES];
    write(&mut before, &first);
    write(&mut before, &second);
    let slot = encode_slot(&third).unwrap();
    let start = slot_for(3) * SLOT_BYTES;
    for torn_at in 0..=SLOT_BYTES {
        let mut file = before.clone();
        file[start..start + torn_at].copy_from_slice(&slot[..torn_at]);
        let expected = if torn_at == SLOT_BYTES { &third } else { &second };
        assert_eq!(decode(&file).unwrap().unwrap(), *expected, "torn at {torn_at}");
    }
}

#[test]
fn a_first_write_torn_at_any_byte_is_an_error_and_not_an_empty_anchor() {
    let slot = encode_slot(&state(2, 3)).unwrap();
    for torn_at in 1..SLOT_BYTES {
        assert_eq!(decode(&slot[..torn_at]), Err(AnchorError::NoValidSlot), "torn at {torn_at}");
    }
    assert_eq!(decode(&slot).unwrap().unwrap().size, 3);
}

#[test]
fn any_flipped_byte_of_the_newer_slot_falls_back_and_of_both_is_an_error() {
    let (older, newer) = (state(1, 3), state(2, 4));
    let mut good = vec![0; ANCHOR_BYTES];
    write(&mut good, &older);
    write(&mut good, &newer);
    for at in 0..SLOT_BYTES {
        let mut file = good.clone();
        file[slot_for(2) * SLOT_BYTES + at] ^= 1 << (at % 8);
        assert_eq!(decode(&file), Ok(Some(older.clone())), "byte {at}");
        file[slot_for(1) * SLOT_BYTES + at] ^= 1 << (at % 8);
        assert_eq!(decode(&file), Err(AnchorError::NoValidSlot), "byte {at}");
    }
}

#[test]
fn slots_in_each_others_place_are_not_whole() {
    let slot = encode_slot(&state(2, 3)).unwrap();
    let swapped = [vec![0; SLOT_BYTES], slot.to_vec()].concat();
    assert_eq!(decode(&swapped), Err(AnchorError::NoValidSlot));
    assert_eq!(decode(&vec![1; ANCHOR_BYTES + 1]), Err(AnchorError::Length(ANCHOR_BYTES + 1)));
}

#[test]
fn a_slot_with_a_good_checksum_that_contradicts_its_checkpoint_is_not_whole() {
    let mut slot = encode_slot(&state(2, 3)).unwrap();
    let body = SLOT_BYTES - 32;
    slot[8 + 4 + 8 + 7] = 4;
    let checksum = Sha256::digest(&slot[..body]);
    slot[body..].copy_from_slice(&checksum);
    assert_eq!(decode(&slot), Err(AnchorError::NoValidSlot));
}

#[test]
fn a_newer_slot_that_does_not_continue_the_older_is_an_error() {
    let mut file = vec![0; ANCHOR_BYTES];
    write(&mut file, &state(1, 9));
    write(&mut file, &state(2, 9));
    assert_eq!(decode(&file).unwrap().unwrap().generation, 2);
    write(&mut file, &state(2, 8));
    assert_eq!(decode(&file), Err(AnchorError::Backwards));
}

#[test]
fn a_state_that_contradicts_its_checkpoint_or_is_too_large_is_not_written() {
    let good = state(1, 3);
    for wrong in [
        AnchorState { size: 4, ..good.clone() },
        AnchorState { root: audit::root(&leaves(4)), ..good.clone() },
        AnchorState { origin: "other".into(), ..good.clone() },
        AnchorState { checkpoint: "none".into(), ..good.clone() },
    ] {
        assert_eq!(encode_slot(&wrong), Err(AnchorError::Contradiction));
    }
    let large = AnchorState { checkpoint: "x".repeat(MAX_TEXT_BYTES), ..good };
    assert!(matches!(encode_slot(&large), Err(AnchorError::TooLarge(_))));
}
