//! Checks over parsed modules that hold for every bundle: refused builtins, rules that need each other.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module, Rule};

use crate::builtins::REFUSED;
use crate::problem::Problem;
use crate::syntax;

/// Every problem of these modules.
pub(crate) fn check(modules: &[Module]) -> Vec<Problem> {
    let mut problems = refused(modules);
    problems.extend(recursion(modules));
    problems
}

/// The rules as `data.package.rule`, each once, sorted.
pub(crate) fn rule_names(modules: &[Module]) -> Vec<String> {
    let names: BTreeSet<String> = modules
        .iter()
        .flat_map(|module| {
            let package = syntax::package(module).join(".");
            module.policy.iter().filter_map(move |rule| {
                syntax::rule_path(rule).first().map(|name| format!("data.{package}.{name}"))
            })
        })
        .collect();
    names.into_iter().collect()
}

/// The path of the file that a module was read from.
pub(crate) fn file(module: &Module) -> String {
    module.package.span.source.file().clone()
}

fn refused(modules: &[Module]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for module in modules {
        for rule in &module.policy {
            syntax::each_expr(rule, &mut |expr| {
                let Expr::Call { fcn, .. } = expr else { return };
                let name = syntax::path(fcn).join(".");
                if REFUSED.contains(&name.as_str()) {
                    let (line, column) = syntax::place(fcn.span());
                    problems.push(Problem {
                        file: file(module),
                        line,
                        column,
                        code: "refused_builtin".into(),
                        message: format!("`{name}` is not for policies: they see no clock, network, chance or process"),
                        help: "what a policy may know stands in `input`".into(),
                    });
                }
            });
        }
    }
    problems
}

/// One rule in the graph: where it stands, and what it needs.
struct Node {
    file: String,
    line: u32,
    column: u32,
    needs: BTreeSet<Vec<String>>,
}

fn recursion(modules: &[Module]) -> Vec<Problem> {
    let graph = graph(modules);
    let names: Vec<&Vec<String>> = graph.keys().collect();
    let index: BTreeMap<&Vec<String>, usize> =
        names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let edges: Vec<Vec<usize>> = graph
        .values()
        .map(|node| {
            let mut to: BTreeSet<usize> = BTreeSet::new();
            for need in &node.needs {
                // A reference reaches the rule it names, the rule it looks into, and every rule below it.
                for length in 1..=need.len() {
                    if let Some(found) = need
                        .get(..length)
                        .map(<[String]>::to_vec)
                        .and_then(|prefix| index.get(&prefix))
                    {
                        to.insert(*found);
                    }
                }
                to.extend(
                    graph
                        .range(need.clone()..)
                        .take_while(|(name, _)| name.starts_with(need))
                        .filter_map(|(name, _)| index.get(name)),
                );
            }
            to.into_iter().collect()
        })
        .collect();
    let looping = cycles(&edges);
    let nodes: Vec<&Node> = graph.values().collect();
    looping
        .into_iter()
        .filter_map(|at| {
            let (node, name) = (nodes.get(at)?, names.get(at)?);
            Some(Problem {
                file: node.file.clone(),
                line: node.line,
                column: node.column,
                code: "rego_recursion_error".into(),
                message: format!("rule {} is recursive: it needs itself", name.join(".")),
                help: "a rule may not need its own value, directly or over others".into(),
            })
        })
        .collect()
}

/// Indices of the nodes that reach themselves (iterative, so that long chains do no harm).
fn cycles(edges: &[Vec<usize>]) -> Vec<usize> {
    // Repeatedly take away nodes that need nothing that is left; what stays needs a cycle.
    let mut left: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    for (from, to) in edges.iter().enumerate() {
        for at in to {
            if let Some(list) = needed_by.get_mut(*at) {
                list.push(from);
            }
        }
    }
    let mut free: Vec<usize> = (0..edges.len()).filter(|at| left.get(*at) == Some(&0)).collect();
    let mut gone = vec![false; edges.len()];
    while let Some(at) = free.pop() {
        if let Some(flag) = gone.get_mut(at) {
            *flag = true;
        }
        for from in needed_by.get(at).into_iter().flatten() {
            if let Some(count) = left.get_mut(*from) {
                *count -= 1;
                if *count == 0 {
                    free.push(*from);
                }
            }
        }
    }
    let rest: Vec<usize> = (0..edges.len()).filter(|at| gone.get(*at) == Some(&false)).collect();
    // Among the rest, only those that reach themselves are told.
    rest.iter().copied().filter(|start| reaches(edges, &gone, *start)).collect()
}

fn reaches(edges: &[Vec<usize>], gone: &[bool], start: usize) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for to in edges.get(at).into_iter().flatten() {
            if *to == start {
                return true;
            }
            if gone.get(*to) == Some(&false) && seen.insert(*to) {
                open.push(*to);
            }
        }
    }
    false
}

fn graph(modules: &[Module]) -> BTreeMap<Vec<String>, Node> {
    let mut graph: BTreeMap<Vec<String>, Node> = BTreeMap::new();
    let mut local: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for module in modules {
        let names =
            module.policy.iter().filter_map(|rule| syntax::rule_path(rule).into_iter().next());
        local.entry(syntax::package(module)).or_default().extend(names);
    }
    for module in modules {
        let package = syntax::package(module);
        let imports = imports(module);
        let known = local.get(&package);
        for rule in &module.policy {
            let (line, column) = syntax::place(rule.span());
            let mut name = package.clone();
            name.extend(syntax::rule_path(rule));
            let node = graph.entry(name).or_insert_with(|| Node {
                file: file(module),
                line,
                column,
                needs: BTreeSet::new(),
            });
            needs(rule, &package, known, &imports, &mut node.needs);
        }
    }
    graph
}

/// Imported names of `data`, with their paths without `data`.
pub(crate) fn imports(module: &Module) -> BTreeMap<String, Vec<String>> {
    module
        .imports
        .iter()
        .filter_map(|import| {
            let path = syntax::path(&import.refr);
            let alias = import
                .r#as
                .as_ref()
                .map(|alias| alias.text().to_owned())
                .or_else(|| path.last().cloned())?;
            (path.first().map(String::as_str) == Some("data"))
                .then(|| (alias, path.into_iter().skip(1).collect()))
        })
        .collect()
}

fn needs(
    rule: &Rule,
    package: &[String],
    known: Option<&BTreeSet<String>>,
    imports: &BTreeMap<String, Vec<String>>,
    needs: &mut BTreeSet<Vec<String>>,
) {
    // Names that the rule binds itself hide the rules of that name.
    let mut bound: BTreeSet<String> = BTreeSet::new();
    syntax::each_query(rule, &mut |query| bound.extend(crate::lint::bound_names(query)));
    bound.extend(crate::lint::parameter_names(rule));
    syntax::each_expr(rule, &mut |expr| {
        let path = match expr {
            Expr::RefDot { .. } | Expr::RefBrack { .. } | Expr::Var { .. } => syntax::path(expr),
            Expr::Call { fcn, .. } => syntax::path(fcn),
            _ => return,
        };
        let Some((first, rest)) = path.split_first() else { return };
        if first == "data" {
            // `data[2]` is data: no package or rule is a number.
            let counted = matches!(expr, Expr::RefBrack { index, .. } if matches!(&**index, Expr::Number { .. }));
            if !rest.is_empty() || matches!(expr, Expr::RefBrack { .. }) && !counted {
                needs.insert(rest.to_vec());
            }
        } else if let Some(target) = imports.get(first) {
            needs.insert(target.iter().chain(rest).cloned().collect());
        } else if known.is_some_and(|names| names.contains(first)) && !bound.contains(first) {
            needs.insert(
                package
                    .iter()
                    .cloned()
                    .chain(std::iter::once(first.clone()))
                    .chain(rest.iter().cloned())
                    .collect(),
            );
        }
    });
}
