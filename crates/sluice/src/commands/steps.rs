//! The steps of a plan in words, as the server tells them.

use serde_json::Value;

use crate::output;
use crate::show;

/// A line for each step of a plan, and below it one for each value that is gone or new.
pub(crate) fn lines(plan: &Value) -> Vec<String> {
    let told = plan.get("told").and_then(Value::as_array);
    told.into_iter().flatten().flat_map(step).collect()
}

fn step(step: &Value) -> Vec<String> {
    let does = step.get("does").and_then(Value::as_str).unwrap_or_default();
    let mark = match does {
        "withdraw" => output::bad("-"),
        "declare" => output::good("+"),
        _ => output::attention("~"),
    };
    let kind = show::cell(step.get("kind"));
    let mut lines =
        vec![format!("{mark} {} {kind} {}", output::clean(does), show::cell(step.get("name")))];
    // What is all new is in the files; of people it is what they will be able to do.
    let differences = step.get("differences").and_then(Value::as_array);
    let told = differences.into_iter().flatten().filter(|_| does != "declare" || kind == "person");
    for difference in told {
        let what = show::cell(difference.get("what"));
        for (list, mark) in [("removed", "-"), ("added", "+")] {
            let values = difference.get(list).and_then(Value::as_array).into_iter().flatten();
            lines.extend(values.map(|it| format!("    {mark} {what}: {}", show::cell(Some(it)))));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lines;

    #[test]
    fn what_is_gone_and_what_is_new_has_a_line_each() {
        let differences = json!([
            {"what": "roles", "removed": ["auditor for the whole organisation"], "added": ["developer for team web"]},
        ]);
        let plan = json!({"told": [
            {"does": "alter", "kind": "person", "name": "Ada Ames (ada)", "differences": differences},
            {"does": "declare", "kind": "service", "name": "shop", "differences": [
                {"what": "owner", "removed": [], "added": ["web"]},
            ]},
        ]});
        let plain: Vec<String> = lines(&plan)
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        assert_eq!(
            plain,
            [
                "~ alter person Ada Ames (ada)",
                "    - roles: auditor for the whole organisation",
                "    + roles: developer for team web",
                "+ declare service shop",
            ]
        );
    }
}
