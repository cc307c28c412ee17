//! The shard that a message is stored in.

use sha2::{Digest, Sha256};

/// The limit for the shards of a topic.
pub(crate) const MAX_SHARDS: i64 = 20;

/// Returns the shard of a partition key. Messages without a key get a random shard, so that they are spread over the
/// partitions.
pub(crate) fn shard_of(partition_key: &str, shards: u32) -> u32 {
    if shards <= 1 {
        return 0;
    }
    if partition_key.is_empty() {
        return fastrand::u32(0..shards);
    }
    let hash = Sha256::digest(partition_key.as_bytes());
    // The hash is unsigned here. Brighter reads it as signed, which results in negative shards.
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]) % shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_shard_that_is_not_negative() {
        // The first four bytes of SHA-256("abc") are ba 78 16 bf, which is negative as a signed integer.
        let unsigned = 0xbf16_78ba_u32;
        assert!((unsigned as i32) < 0);
        assert_eq!(shard_of("abc", 3), unsigned % 3);
        assert_eq!(shard_of("abc", 20), unsigned % 20);
        assert_eq!(shard_of("abc", 1), 0);
        assert_eq!(shard_of("abc", 0), 0);
    }

    #[test]
    fn messages_without_a_key_are_spread() {
        let mut seen = [0_u32; 3];
        for _ in 0..300 {
            seen[shard_of("", 3) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 30), "{seen:?}");
    }
}
