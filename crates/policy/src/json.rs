//! Between JSON and the engine's values, with a bound on what comes out.

use regorus::Value;

use crate::fault::{Fault, FaultCode};
use crate::limits::{MAX_NUMBER_BITS, MAX_TEXT_BYTES, MAX_VALUE_DEPTH, MAX_VALUE_NODES};

/// Writes a value as JSON: sets become arrays, keys that are not texts become their JSON text.
///
/// A value may share its parts, so that a small one in memory is an endless one on paper: the count of nodes ends that.
pub(crate) fn write(value: &Value) -> Result<String, Fault> {
    let mut writer = Writer { out: String::new(), nodes: 0 };
    writer.value(value, 0)?;
    Ok(writer.out)
}

/// A value as a JSON tree.
pub(crate) fn tree(value: &Value) -> Result<serde_json::Value, Fault> {
    let text = write(value)?;
    serde_json::from_str(&text)
        .map_err(|error| Fault::new(FaultCode::Type, format!("the value is no JSON: {error}")))
}

/// Reads a JSON tree.
pub(crate) fn read(json: &serde_json::Value) -> Value {
    Value::from(json.clone())
}

struct Writer {
    out: String,
    nodes: usize,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_VALUE_NODES || depth > MAX_VALUE_DEPTH {
            return Err(Fault::new(
                FaultCode::Memory,
                format!(
                    "the value has more than {MAX_VALUE_NODES} nodes or is deeper than {MAX_VALUE_DEPTH}"
                ),
            ));
        }
        if self.out.len() > MAX_TEXT_BYTES {
            return Err(Fault::new(
                FaultCode::Memory,
                format!("the value has more than {MAX_TEXT_BYTES} bytes"),
            ));
        }
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Undefined => {
                return Err(Fault::new(FaultCode::Undefined, "the value is undefined"));
            }
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Number(_) => self.out.push_str(&number(value)?),
            Value::String(text) => self.text(text)?,
            Value::Array(items) => self.list(items.iter(), depth)?,
            Value::Set(items) => self.list(items.iter(), depth)?,
            Value::Object(fields) => self.object(fields.iter(), depth)?,
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        let quoted = serde_json::to_string(text)
            .map_err(|error| Fault::new(FaultCode::Type, error.to_string()))?;
        self.out.push_str(&quoted);
        Ok(())
    }

    fn list<'v>(
        &mut self,
        items: impl Iterator<Item = &'v Value>,
        depth: usize,
    ) -> Result<(), Fault> {
        self.out.push('[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.value(item, depth + 1)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn object<'v>(
        &mut self,
        fields: impl Iterator<Item = (&'v Value, &'v Value)>,
        depth: usize,
    ) -> Result<(), Fault> {
        self.out.push('{');
        for (index, (key, value)) in fields.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            match key {
                Value::String(text) => self.text(text)?,
                other => {
                    let text = write(other)?;
                    self.text(&text)?;
                }
            }
            self.out.push(':');
            self.value(value, depth + 1)?;
        }
        self.out.push('}');
        Ok(())
    }
}

fn number(value: &Value) -> Result<String, Fault> {
    let mistyped = |error: anyhow::Error| Fault::new(FaultCode::Type, error.to_string());
    let number = value.as_number().map_err(mistyped)?;
    if crate::builtins::bits(value) > MAX_NUMBER_BITS {
        let message = format!("a number of the value has more than {MAX_NUMBER_BITS} bits");
        return Err(Fault::new(FaultCode::Memory, message));
    }
    // Long integers keep their digits.
    if number.is_integer() && value.as_i64().is_err() && value.as_u64().is_err() {
        return Ok(number.format_decimal());
    }
    value.to_json_str().map_err(mistyped)
}
