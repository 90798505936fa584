//! Questions about the graph of services.

use std::collections::{BTreeMap, BTreeSet};

/// A cycle among dependencies, if there is one: names in order, the first repeated at the end.
///
/// Names that are depended on but not in `edges` are leaves.
pub fn find_cycle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in edges.keys() {
        if let Some(cycle) = walk(start, edges, &mut done) {
            return Some(cycle);
        }
    }
    None
}

/// Depth-first from `start` without recursion, so that a long chain cannot exhaust the stack.
fn walk<'a>(
    start: &'a str,
    edges: &'a BTreeMap<String, BTreeSet<String>>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<String>> {
    let empty: &'static BTreeSet<String> = const { &BTreeSet::new() };
    let mut path = vec![start];
    let mut on_path = BTreeSet::from([start]);
    let mut pending = vec![edges.get(start).unwrap_or(empty).iter()];
    while let Some(children) = pending.last_mut() {
        match children.next() {
            Some(child) if on_path.contains(child.as_str()) => {
                let from = path.iter().position(|name| name == child)?;
                let mut cycle: Vec<String> =
                    path.iter().skip(from).map(|name| (*name).to_owned()).collect();
                cycle.push(child.clone());
                return Some(cycle);
            }
            Some(child) if done.contains(child.as_str()) => {}
            Some(child) => {
                path.push(child);
                on_path.insert(child);
                pending.push(edges.get(child).unwrap_or(empty).iter());
            }
            None => {
                pending.pop();
                if let Some(name) = path.pop() {
                    on_path.remove(name);
                    done.insert(name);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        edges
            .iter()
            .map(|(from, to)| {
                ((*from).to_owned(), to.iter().map(|name| (*name).to_owned()).collect())
            })
            .collect()
    }

    #[test]
    fn a_diamond_is_not_a_cycle() {
        assert_eq!(
            find_cycle(&graph(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])])),
            None
        );
    }

    #[test]
    fn a_cycle_is_named_in_order() {
        let cycle = find_cycle(&graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]));
        assert_eq!(cycle, Some(vec!["b".into(), "c".into(), "b".into()]));
        assert_eq!(find_cycle(&graph(&[("a", &["a"])])), Some(vec!["a".into(), "a".into()]));
    }
}
