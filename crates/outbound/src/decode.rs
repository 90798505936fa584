//! Unpacking an answer without being filled by it.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::failure::Failure;

/// Unpacks a body whose `Content-Encoding` headers are given, up to a limit. One packing is
/// understood: a body that is packed twice is a bomb or a mistake.
pub(crate) fn unpacked(
    body: Vec<u8>,
    encodings: &[&str],
    most_bytes: usize,
) -> Result<Vec<u8>, Failure> {
    let named: Vec<String> = encodings
        .iter()
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect();
    match named.as_slice() {
        [] => Ok(body),
        [one] if one == "gzip" || one == "x-gzip" => gunzip(&body, most_bytes),
        _ => Err(Failure::BadResponse),
    }
}

fn gunzip(packed: &[u8], most_bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut plain = Vec::new();
    let limit = u64::try_from(most_bytes).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed)
        .take(limit)
        .read_to_end(&mut plain)
        .map_err(|_| Failure::BadResponse)?;
    if plain.len() > most_bytes { Err(Failure::TooLarge) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_is_unpacked_up_to_its_limit() {
        assert_eq!(unpacked(packed(b"hello"), &["gzip"], 5), Ok(b"hello".to_vec()));
        assert_eq!(unpacked(packed(b"hello!"), &["gzip"], 5), Err(Failure::TooLarge));
        assert_eq!(unpacked(b"plain".to_vec(), &["identity"], 5), Ok(b"plain".to_vec()));
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let bomb = packed(&vec![0; 64 << 20]);
        assert!(bomb.len() < 100 << 10);
        assert_eq!(unpacked(bomb, &["gzip"], 1 << 20), Err(Failure::TooLarge));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for encodings in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"], &["deflate"], &["gzip"]]
        {
            assert_eq!(unpacked(b"x".to_vec(), encodings, 9), Err(Failure::BadResponse));
        }
    }
}
