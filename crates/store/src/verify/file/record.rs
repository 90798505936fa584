//! Records: the values of one row, borrowed from its payload.

use super::{Problem, damaged};

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::verify) enum Value<'a> {
    Null,
    Integer(i64),
    Real,
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

/// A payload that is read value by value.
pub(in crate::verify) struct Record<'a> {
    types: &'a [u8],
    values: &'a [u8],
}

impl<'a> Record<'a> {
    /// Splits a payload into the types of its values and the values.
    pub(in crate::verify) fn of(payload: &'a [u8]) -> Result<Self, Problem> {
        let (length, header) = varint(payload)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let used = payload.len() - header.len();
        let (types, values) = length
            .checked_sub(used)
            .and_then(|length| header.split_at_checked(length))
            .ok_or_else(|| damaged("a row is cut short"))?;
        Ok(Self { types, values })
    }

    /// The next value.
    pub(in crate::verify) fn next(&mut self) -> Result<Value<'a>, Problem> {
        let (kind, rest) = varint(self.types)?;
        self.types = rest;
        Ok(match kind {
            0 => Value::Null,
            1..=4 => Value::Integer(self.integer(usize::try_from(kind).unwrap_or(0))?),
            5 => Value::Integer(self.integer(6)?),
            6 => Value::Integer(self.integer(8)?),
            7 => self.take(8).map(|_| Value::Real)?,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            10 | 11 => return Err(damaged("a value has no type")),
            _ => {
                let bytes = self.take(usize::try_from((kind - 12) / 2).unwrap_or(usize::MAX))?;
                if kind % 2 == 0 { Value::Blob(bytes) } else { Value::Text(bytes) }
            }
        })
    }

    /// Checks that nothing follows.
    pub(in crate::verify) fn end(&self) -> Result<(), Problem> {
        if self.types.is_empty() && self.values.is_empty() {
            return Ok(());
        }
        Err(damaged("a row has more values than its table has columns"))
    }

    fn integer(&mut self, bytes: usize) -> Result<i64, Problem> {
        let bytes = self.take(bytes)?;
        let sign = bytes.first().is_some_and(|first| *first >= 0x80);
        Ok(bytes
            .iter()
            .fold(if sign { -1 } else { 0 }, |value, byte| value << 8 | i64::from(*byte)))
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) =
            self.values.split_at_checked(bytes).ok_or_else(|| damaged("a row is cut short"))?;
        self.values = rest;
        Ok(taken)
    }
}

/// A number of one to nine bytes, and what follows it.
pub(super) fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Problem> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        if at == 8 {
            return Ok((value << 8 | u64::from(*byte), rest));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if *byte < 0x80 {
            return Ok((value, rest));
        }
    }
    Err(damaged("a number is cut short"))
}
